"""What a membership costs: `python -m tests.bench.membership [MEMBERS]`.

A first sync of made-up members with an e-mail and a phone each, then a thousandth of them
leaving, then another e-mail for as many. Prints seconds and members a second of each step, the
process's peak memory, the bytes of each generation, and beside it the first difference found by
plain Python dictionaries, in the same run: machines differ, so compare the columns and not the
days.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from syncd.membership.engine import FINGERPRINT, SNAPSHOT_SCHEMA
from syncd.membership.store import FileMembership
from syncd.model import (
    BatchId,
    BatchRecord,
    BatchState,
    Comparison,
    ConsentRule,
    Generation,
    Guard,
    Phase,
    Plan,
    PlanId,
    Sizes,
    Snapshot,
    SnapshotId,
)
from syncd.plan import ranges
from tests.unit.membership_world import as_digested, as_read

T = TypeVar("T")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTLE = timedelta(hours=48)
STEP = 20_000
LEAVING = 1_000  # one member in so many


class Bench:
    """One audience of made-up members, and a line of the table for each step."""

    def __init__(self, directory: Path, members: int) -> None:
        self.membership = FileMembership(directory, key=bytes(32))
        self.members = members
        draw = Random(1).randbytes
        self.emails = _digests(draw, members)
        self.phones = _digests(draw, members)
        self.spelled = np.arange(1, members + 1, dtype=np.uint64)
        self.numbers = count(1)

    def change(self, changed: int) -> None:
        """Give so many members, here and there, another e-mail."""
        at = np.zeros(self.members, np.bool_)
        at[:: self.members // changed] = True
        others = _digests(Random(2).randbytes, int(at.sum()))
        self.emails = pc.replace_with_mask(self.emails, pa.array(at), others)
        self.spelled[at] += np.uint64(self.members)

    def timed(self, what: str, work: Callable[[], T]) -> T:
        begun = time.perf_counter()
        found = work()
        seconds = time.perf_counter() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        rate = self.members / seconds / 1e6
        print(f"{what:32} {seconds:8.2f} s {rate:8.2f} M/s {peak:8,} MB peak so far")
        return found

    def rows(self, skip: int) -> Iterator[pa.RecordBatch]:
        for first in range(skip, self.members, STEP):
            size = min(STEP, self.members - first)
            cells = {
                "key": pa.array([b"%012d" % n for n in range(first, first + size)]),
                "email": self.emails.slice(first, size),
                "phone": self.phones.slice(first, size),
                "consent": pa.repeat(pa.scalar(1, pa.int8()), size),
                "region": pa.repeat(pa.scalar(value=False), size),
                "erased": pa.repeat(pa.scalar(value=False), size),
                "held_out": pa.repeat(pa.scalar(value=False), size),
                "elsewhere": pa.repeat(pa.scalar(value=False), size),
                "stays": pa.repeat(pa.scalar(value=False), size),
            }
            blank = pa.nulls(size, pa.binary())
            numbers = pa.array(self.spelled[first : first + size])
            cells |= dict.fromkeys(FINGERPRINT.names, numbers)
            columns = [cells.get(name, blank) for name in SNAPSHOT_SCHEMA.names]
            yield pa.RecordBatch.from_arrays(columns, schema=SNAPSHOT_SCHEMA)

    def snapshot(self, skip: int, generation: Generation | None = None) -> Snapshot:
        name = SnapshotId(f"s{next(self.numbers)}")
        file = self.membership.receive(name, map(as_read, self.rows(skip)), as_digested, generation)
        usable = self.members - skip
        return Snapshot(
            name, "all", "bench", usable, usable, (), (), NOW, NOW, file.path, file.checksum
        )

    def plan(self, snapshot: Snapshot, generation: Generation | None) -> Plan:
        name = PlanId(f"p{next(self.numbers)}")
        found = self.membership.plan(
            Comparison(
                plan=name,
                sync="all",
                snapshot=snapshot,
                generation=generation,
                consent=ConsentRule(granted_only=False, granted_in_region=False),
                removes=True,
                ordered=True,
                guard=Guard(),
                reference=generation.sizes if generation else Sizes(),
                changes=(),
                approved=(),
                under_way=(),
                now=NOW,
                settle=SETTLE,
            )
        )
        base = generation.number if generation else 0
        return Plan(
            name, "all", "bench", "x", "1", snapshot.id, base, "", "bench",
            found.counts, found.held, NOW, found.path, found.checksum,
        )  # fmt: skip

    def fold(self, plan: Plan, generation: Generation | None) -> Generation:
        batches, number = [], count(1)
        sizes = {
            Phase.REMOVE: plan.counts.removals,
            Phase.ADD: plan.counts.additions,
            Phase.AGAIN: plan.counts.again,
        }
        for phase, rows in sizes.items():
            for first, size in ranges(rows, 10_000):
                n = next(number)
                name = BatchId(f"{plan.id}.{n}")
                done = BatchState.PROCESSED
                batches.append(
                    BatchRecord(name, plan.id, n, phase, first, size, done, accepted_at=NOW)
                )
        file = f"g{next(self.numbers)}"
        return self.membership.fold(
            file, generation, [(plan, batches)], now=NOW, settled=NOW - SETTLE
        )

    def dictionaries(self, skip: int) -> int:
        """The baseline: two dictionaries in memory, no files, no identifiers shared."""
        emails, phones = self.emails.to_pylist(), self.phones.to_pylist()
        before = {b"%012d" % n: (emails[n], phones[n]) for n in range(self.members)}
        after = {b"%012d" % n: (emails[n], phones[n]) for n in range(skip, self.members)}
        gone = sum(key not in after for key in before)
        return gone + sum(before.get(key) != row for key, row in after.items())


def _digests(draw: Callable[[int], bytes], size: int) -> pa.Array:
    parts = [draw(32 * min(STEP, size - first)) for first in range(0, size, STEP)]
    raw = b"".join(parts)  # drawn in parts: Random has an end to what it gives at once
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), size, [None, pa.py_buffer(raw)])
    return fixed.cast(pa.binary())


def main(members: int) -> None:
    """Print the table."""
    skip = members // LEAVING
    print(f"{members:,} members, an e-mail and a phone each")
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), members)
        first = bench.timed("write the snapshot", lambda: bench.snapshot(0))
        plan = bench.timed("plan the first sync", lambda: bench.plan(first, None))
        generation = bench.timed("fold it in", lambda: bench.fold(plan, None))
        second = bench.timed("write the next snapshot", lambda: bench.snapshot(skip, generation))
        change = bench.timed(
            f"plan: one in {LEAVING:,} left", lambda: bench.plan(second, generation)
        )
        left = bench.timed("fold it in", lambda: bench.fold(change, generation))
        bench.change(skip)
        third = bench.timed("write the next snapshot", lambda: bench.snapshot(skip, left))
        moved = bench.timed(f"plan: one in {LEAVING:,} changed", lambda: bench.plan(third, left))
        last = bench.timed("fold it in", lambda: bench.fold(moved, left))
        for made in (generation, left, last):
            size = (Path(directory) / made.path).stat().st_size
            print(f"generation {made.number}: {size:,} bytes written")
        found = bench.timed("the same by dictionaries", lambda: bench.dictionaries(skip))
    assert change.counts.removals == found == skip
    assert plan.counts.additions == members


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
