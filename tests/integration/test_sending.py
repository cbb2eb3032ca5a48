"""Rows of the next request are read while the last one is under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.memory import Fail
from syncd.errors import Denied, LedgerMismatch
from syncd.membership.store import FileMembership, PlanRows
from syncd.model import BatchRecord, BatchState, Plan
from syncd.sync import Result
from tests.integration.deaths import Death
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world

SOON = 30.0  # seconds: a test that waits for so long has failed
MEMBERS = {f"{n:04}": Person((f"member{n}@example.com",)) for n in range(6)}  # three batches


class WatchedRows(PlanRows):
    """A plan's file, of which it is told which batches were read."""

    def __init__(self, inner: PlanRows, watch: Watched) -> None:
        super().__init__(inner._reader)
        self._watch = watch

    def of(self, batch: BatchRecord) -> pa.RecordBatch:
        if batch.number == self._watch.broken:
            raise LedgerMismatch("the plan's file cannot be read here")
        rows = super().of(batch)
        with self._watch.changed:
            self._watch.read.append(batch.number)
            self._watch.changed.notify_all()
        return rows


@dataclass
class Watched(FileMembership):
    """Membership on disk, whose plans are read under our eyes.

    Attributes:
        read: Numbers of batches whose rows were read.
        broken: The number of one that cannot be.
        left: Stages that were at work when a plan was closed.
    """

    directory: Path
    broken: int = 0
    read: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        super().__init__(self.directory, key=KEY.derive("files"))

    @contextmanager
    def open(self, plan: Plan) -> Iterator[PlanRows]:
        with super().open(plan) as rows:
            try:
                yield WatchedRows(rows, self)
            finally:
                names = [one.name for one in threading.enumerate()]
                self.left += [name for name in names if name == "ahead"]


@pytest.fixture
def worlds() -> Iterator[MemoryWorlds]:
    with memory_world(later=False) as made:
        yield made


def watch(here: MemoryWorlds, *, broken: int = 0) -> Watched:
    found = Watched(here.world.folder / "var", broken)
    here.world.membership = found
    return found


def test_the_next_rows_are_read_while_a_request_is_under_way(worlds: MemoryWorlds) -> None:
    """
    And no further ones: memory holds the rows of two requests.
    """
    watched, seen = watch(worlds), []

    def passing(point: Death) -> None:
        if (point.what, point.when) == ("push", "before"):
            due = min(point.number + 1, 3)
            with watched.changed:
                assert watched.changed.wait_for(lambda: due in watched.read, SOON)
                seen.append(list(watched.read))

    worlds.world.wire.passing = passing

    assert isinstance(worlds.run(MEMBERS), Result)

    assert seen == [[1, 2], [1, 2, 3], [1, 2, 3]]
    worlds.world.check_equal()
    assert watched.left == []


def test_rows_that_cannot_be_read_fail_where_they_are_due(worlds: MemoryWorlds) -> None:
    """
    What was read before them is sent, and its receipt is in the ledger.
    """
    watched = watch(worlds, broken=3)

    found = worlds.run(MEMBERS)

    assert isinstance(found, LedgerMismatch)
    assert states(worlds) == [BatchState.PROCESSED, BatchState.PROCESSED, BatchState.PLANNED]
    assert watched.left == []


def test_a_run_that_fails_reads_no_further(worlds: MemoryWorlds) -> None:
    """
    What reads has ended before the plan's file is closed.
    """
    watched = watch(worlds)

    found = worlds.run(MEMBERS, [Fail(Denied("memory", "190"))])

    assert isinstance(found, Denied)
    assert 3 not in watched.read
    assert watched.left == []


def states(here: MemoryWorlds) -> list[BatchState]:
    (run, *_) = here.world.ledger.runs()
    assert run.plan is not None
    return [batch.state for batch in here.world.ledger.batches(run.plan)]
