"""What it costs to write everything down, and to wait: `python -m tests.bench.delivery [BATCHES]`.

One first sync against the memory platform, with the ledger as it is configured: SQLite,
write-ahead log, synchronous=FULL, on the disk that holds the temporary directory. Two
commits a batch, the intent and the receipt, are the price of durability. Prints them
counted, the time in the ledger, its share of this run, in which a request takes no time
at all, and the share that it has where each request takes as long as a platform's. Then the
wall time of a first sync of fewer batches where each answer takes 50 ms or a second, with as
many requests under way at once as a platform takes.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from syncd.ledger.transactions import Transactions
from syncd.model import Batch, Receipt
from tests.integration.flights import flying
from tests.integration.memory_worlds import Person, memory_world

BATCHES = 1_000
ROWS = 2  # a batch: what is written down of one does not depend on it
LATENCIES = (0.1, 0.3, 1.0)  # seconds a request; Meta takes about one for 10,000 rows
WAITED = (0.05, 1.0)  # seconds an answer takes, where it is waited for
FEWER = 40  # batches then
IN_FLIGHT = (1, 2, 4, 8)


@dataclass
class Costs:
    """What a run's transactions came to.

    Attributes:
        commits: Transactions that write.
        commit_seconds: In their COMMIT alone, where the disk is waited for.
    """

    commits: int = 0
    write_seconds: float = 0.0
    commit_seconds: float = 0.0
    reads: int = 0
    read_seconds: float = 0.0


@dataclass(frozen=True)
class Timed(Transactions):
    """The ledger's own transactions, with a stopwatch."""

    costs: Costs = field(default_factory=Costs)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        begun = time.perf_counter()
        with Transactions.write(self) as tx:
            yield tx
            stated = time.perf_counter()
        committed = time.perf_counter()
        self.costs.commits += 1
        self.costs.write_seconds += committed - begun
        self.costs.commit_seconds += committed - stated

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._reading(), Transactions.read(self) as tx:
            yield tx

    @contextmanager
    def of(self, platform: str, account: str, audience: str) -> Iterator[tuple[Connection, int]]:
        with self._reading(), Transactions.of(self, platform, account, audience) as found:
            yield found

    @contextmanager
    def _reading(self) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.costs.reads += 1
        self.costs.read_seconds += time.perf_counter() - begun


@dataclass(frozen=True)
class Run:
    """One first sync: how long it took, and what its transactions came to."""

    batches: int
    seconds: float
    costs: Costs

    @property
    def ledger_seconds(self) -> float:
        return self.costs.write_seconds + self.costs.read_seconds

    def share(self, latency: float) -> float:
        """Of a run whose requests take that many seconds each."""
        return self.ledger_seconds / (self.seconds + latency * self.batches)


def measure(batches: int) -> Run:
    """A first sync of that many batches."""
    members = {f"c{n:07}": Person((f"m{n}@example.com",)) for n in range(batches * ROWS)}
    with memory_world(later=False, batch_rows=ROWS) as here:
        here.fill(members)
        world, costs = here.world, Costs()
        plain = world.ledger._tx
        world.ledger._tx = Timed(plain.engine, plain.audit_key, costs)
        begun = time.perf_counter()
        result = world.sync()
        seconds = time.perf_counter() - begun
        world.check_equal()
        return Run(len(world.ledger.batches(result.plan.id)), seconds, costs)


def waited(batches: int, latency: float, in_flight: int) -> float:
    """Seconds of a first sync of that many batches, each answered after so long."""
    line = threading.Event()  # nobody sets it

    def befall(_: Batch, push: Callable[[], Receipt]) -> Receipt:
        line.wait(latency)
        return push()

    with flying(befall, in_flight=in_flight) as here:
        here.fill({f"c{n:07}": Person((f"m{n}@example.com",)) for n in range(batches * ROWS)})
        begun = time.perf_counter()
        here.world.sync()
        seconds = time.perf_counter() - begun
        here.world.check_equal()
        return seconds


def commits_a_batch(one: Run, many: Run) -> float:
    """What each further batch adds."""
    return (many.costs.commits - one.costs.commits) / (many.batches - one.batches)


def main(batches: int) -> None:
    """Print the table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    one, many = measure(1), measure(batches)
    costs, each = many.costs, commits_a_batch(one, many)
    print(f"{many.batches:,} batches, SQLite, WAL, synchronous=FULL")
    print(f"commits a batch                 {each:8.2f}")
    print(f"commits around them             {one.costs.commits - each * one.batches:8.0f}")
    print(f"a commit, mean                  {costs.commit_seconds / costs.commits * 1e3:8.2f} ms")
    print(f"a write, its commit in it, mean {costs.write_seconds / costs.commits * 1e3:8.2f} ms")
    print(f"in the ledger                   {many.ledger_seconds:8.2f} s")
    print(f"the run, requests taking none   {many.seconds:8.2f} s")
    print(f"share of it in the ledger       {many.share(0):8.1%}")
    for latency in LATENCIES:
        print(f"  if a request took {latency * 1e3:5.0f} ms   {many.share(latency):8.1%}")
    print(f"\n{FEWER} batches, seconds   " + "".join(f"{n:>3} in flight" for n in IN_FLIGHT))
    for latency in WAITED:
        row = "".join(f"{waited(FEWER, latency, n):13.2f}" for n in IN_FLIGHT)
        print(f"an answer in {latency * 1e3:5.0f} ms   {row}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BATCHES)
