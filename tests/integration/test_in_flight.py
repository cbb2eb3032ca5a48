"""Several requests under way at once, in threads of their own: what holds meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Connection

from syncd.errors import Busy, Denied, Stopped, Throttled
from syncd.ledger.transactions import Transactions
from syncd.model import Batch, BatchState, Receipt
from syncd.service.pulse import Pulse
from syncd.service.stopping import StoppingLock
from syncd.sync import Wish, run
from tests.integration.flights import IN_FLIGHT, flying, number_of
from tests.integration.memory_worlds import MemoryWorlds, Person
from tests.integration.worlds import Unlocked

SOON = 60.0  # seconds: a test that waits for so long has failed
BATCHES = 8
MEMBERS = {f"{n:04}": Person((f"member{n}@example.com",)) for n in range(2 * BATCHES)}


@dataclass
class Traffic:
    """Requests on their way; each waits until it is let go.

    Attributes:
        under_way: Numbers of their batches, as they came.
        most: The most at once.
        goes: Whether a request may be answered now; asked whenever something changed.
        fails: What a batch's first request raises, once it may go.
    """

    goes: Callable[[Traffic, int], bool] = lambda *_: True
    fails: dict[int, Exception] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)
    seen: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    most: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, batch: Batch, push: Callable[[], Receipt]) -> Receipt:
        number = number_of(batch)
        with self.changed:
            self.under_way.add(number)
            self.seen.append(number)
            self.most = max(self.most, len(self.under_way))
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.goes(self, number), SOON)
        try:
            if (error := self.fails.pop(number, None)) is not None:
                raise error
            return push()
        finally:
            with self.changed:
                self.under_way.remove(number)
                self.answered.append(number)
                self.changed.notify_all()


@contextmanager
def held(traffic: Traffic, *, in_flight: int = IN_FLIGHT) -> Iterator[MemoryWorlds]:
    with flying(traffic, in_flight=in_flight) as here:
        here.fill(MEMBERS)
        yield here


def states(here: MemoryWorlds) -> dict[int, BatchState]:
    (latest, *_) = here.world.ledger.runs()
    return {one.number: one.state for one in here.world.ledger.batches(latest.plan or "")}


def backwards(here: Traffic, number: int) -> bool:
    """Answered in groups, the last one of each first."""
    group = range(number + 1, IN_FLIGHT * -(-number // IN_FLIGHT) + 1)
    return all(later in here.answered for later in group)


def test_as_many_are_under_way_as_the_platform_takes_and_no_more() -> None:
    """And are answered in another order than they were begun in."""
    traffic = Traffic(backwards)
    with held(traffic) as here:
        here.world.sync()
        assert traffic.most == IN_FLIGHT
        assert traffic.answered == [4, 3, 2, 1, 8, 7, 6, 5]
        assert set(states(here).values()) == {BatchState.PROCESSED}
        here.world.check_equal()
        here.world.check_quiet()


def test_a_platform_that_does_not_say_gets_one_at_a_time() -> None:
    traffic = Traffic()
    with held(traffic, in_flight=1) as here:
        here.world.sync()
    assert traffic.most == 1
    assert traffic.answered == list(range(1, BATCHES + 1))


def test_one_thread_alone_writes_to_the_ledger() -> None:
    """The one that runs the sync; and every request has its intent there before it goes out."""
    writers: set[int] = set()

    class Watched(Transactions):
        @contextmanager
        def write(self) -> Iterator[Connection]:
            writers.add(threading.get_ident())
            with super().write() as tx:
                yield tx

    with held(Traffic(backwards)) as here:
        plain = here.world.ledger._tx
        here.world.ledger._tx = Watched(plain.engine, plain.audit_key)
        here.world.sync()
    assert writers == {threading.get_ident()}


# --- how it ends early ----------------------------------------------------------------


def test_after_a_denial_the_others_are_heard_and_nothing_more_leaves() -> None:
    """They were answered after it."""
    last = {1, 3, 4}
    traffic = Traffic(
        lambda now, number: number not in last or 2 in now.answered,
        {2: Denied("memory", "190")},
    )
    with held(traffic) as here:
        with pytest.raises(Denied):
            here.world.sync()
        assert sorted(traffic.seen) == [1, 2, 3, 4]
        done, planned = BatchState.PROCESSED, BatchState.PLANNED
        assert states(here) == {n: done if n in last else planned for n in range(1, BATCHES + 1)}
        here.world.check()
        here.world.clock.pass_by(hours=2)
        here.settle_down(MEMBERS)


def test_who_is_told_to_end_hears_those_under_way_first() -> None:
    """SIGTERM: no further request leaves, and no outcome is left unknown."""
    stopping = threading.Event()

    def goes(now: Traffic, number: int) -> bool:
        if len(now.seen) == IN_FLIGHT:
            stopping.set()
        return stopping.is_set() and backwards(now, number)

    traffic = Traffic(goes)
    with held(traffic) as here:
        lock = StoppingLock(Unlocked(), stopping, Pulse(lambda: 0.0))
        with pytest.raises(Stopped):
            run(replace(here.world.parts(), lock=lock), Wish("test"))
        assert traffic.answered == [4, 3, 2, 1]
        assert list(states(here).values()).count(BatchState.PROCESSED) == IN_FLIGHT
        assert here.world.ledger.unfinished(*here.world.at) == ()
        here.settle_down(MEMBERS)


@dataclass
class Lost:
    """A lock that another process takes once so many requests were seen."""

    traffic: Traffic

    def tell(self, run: str) -> None:
        """Nobody waits for it."""

    def check(self) -> None:
        if len(self.traffic.seen) >= IN_FLIGHT:
            raise Busy("the lock is lost")


def test_who_lost_the_lock_waits_for_what_is_under_way_and_writes_nothing_of_it() -> None:
    """Another process may be sending the same batches by now: each is one in doubt."""
    traffic = Traffic(lambda now, _: len(now.seen) >= IN_FLIGHT)
    with held(traffic) as here:
        with pytest.raises(Busy):
            run(replace(here.world.parts(), lock=Lost(traffic)), Wish("test"))
        assert traffic.under_way == set()
        assert len(traffic.answered) == IN_FLIGHT
        unknown = here.world.ledger.unfinished(*here.world.at)
        assert len(unknown) == IN_FLIGHT - 1, "one was heard, and then the lock was asked for"
        here.world.check()
        before = len(traffic.seen)
        here.settle_down(MEMBERS)
        assert sorted(traffic.seen[before:][: len(unknown)]) == [one.number for one in unknown]


# --- who is told to go slower -----------------------------------------------------------


def test_who_was_throttled_once_makes_one_request_at_a_time_from_then_on() -> None:
    """All wait, once, for what one was told; those that were under way are heard before."""
    traffic = Traffic(
        lambda now, number: number == 2 or 2 in now.answered,
        {2: Throttled("memory", "17", retry_after=40.0)},
    )
    with held(traffic) as here:
        here.world.sync()
        assert here.world.clock.slept == [40.0]
        assert traffic.seen[IN_FLIGHT:] == [2, 5, 6, 7, 8]
        here.world.check_equal()
    after = Traffic(fails={n: Throttled("memory", "17", retry_after=40.0) for n in range(1, 5)})
    after.goes = lambda now, _: len(now.seen) >= IN_FLIGHT
    with held(after) as here:
        here.world.sync()
        assert here.world.clock.slept[0] == 40.0
        assert sum(here.world.clock.slept) == 40.0, "told four times at once, waited once"
        here.world.check_equal()
