"""What audiences hold, as the core asks of whoever keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from syncd.model import (
    BatchRecord,
    Compared,
    Comparison,
    Emptied,
    Emptying,
    Erasure,
    Generation,
    Phase,
    Plan,
    Raw,
    Search,
    Searched,
    SnapshotId,
    Withdrawal,
    Withdrawn,
)
from syncd.model.lookups import Looked

if TYPE_CHECKING:
    import pyarrow as pa


class File(Protocol):
    """A finished, immutable file of the ledger's directory."""

    @property
    def path(self) -> str:
        """Relative to the directory."""
        ...

    @property
    def checksum(self) -> str:
        """What the file is known by, hex; see `syncd.checksums`."""
        ...


class Received(File, Protocol):
    """A snapshot's file."""

    @property
    def unchanged(self) -> int:
        """Members that were not digested: each is as it was when it was last sent."""
        ...


class PlanFile(Protocol):
    """A plan's rows, opened for sending."""

    def of(self, batch: BatchRecord) -> pa.RecordBatch:
        """The rows of one batch: `ROW_COLUMNS` and `consent`."""
        ...

    def cut(self, phase: Phase, rows: int, *, most: int) -> Sequence[tuple[int, int]]:
        """Requests as few as `Capabilities.max_slots` allows: (first row, count)."""
        ...


class Membership(Protocol):
    """What audiences hold. Hides the engine: nothing above knows how it compares.

    Its files are named by the ledger only after they are whole and on disk.
    """

    def receive(
        self,
        snapshot: SnapshotId,
        batches: Iterable[Raw],
        digested: Callable[[Raw], pa.RecordBatch],
        generation: Generation | None = None,
    ) -> Received:
        """Keep a snapshot, digested; whom a generation knows as they are, need not be.

        What is digested at a time need not have come in one batch, and several threads digest.
        """
        ...

    def set_aside(self, snapshot: SnapshotId) -> None:
        """Keep one that this thread received for another thread's run."""
        ...

    def take_up(self, snapshot: SnapshotId) -> None:
        """Take one that was set aside for this thread's run."""
        ...

    def discard(self, snapshot: SnapshotId) -> None:
        """Delete one that no run needs and no row of the ledger names."""
        ...

    def plan(self, comparison: Comparison) -> Compared:
        """Compare a snapshot with what its audience holds, and ask the guard."""
        ...

    def open(self, plan: Plan) -> AbstractContextManager[PlanFile]:
        """Open a plan for its batches' rows."""
        ...

    def fold(
        self,
        name: str,
        generation: Generation | None,
        plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
        *,
        now: datetime,
        settled: datetime,
        forgets: bool = False,
    ) -> Generation:
        """The next generation: the last one, and what became of batches since.

        Removals accepted by `settled` have had their time to take effect. A plan without
        batches is taken in too: what it found of changed rules is kept. One that `forgets`
        remembers nobody who has left.
        """
        ...

    def outlived(self, generation: Generation | None, now: datetime) -> bool:
        """Whether it remembers who is to be forgotten by now."""
        ...

    def keep_given(self, erasure: str, given: Mapping[str, pa.RecordBatch]) -> File:
        """Keep what an erased person is recognised by, for each platform its digests."""
        ...

    def given(self, erasure: Erasure, platform: str) -> pa.Table:
        """What a person is recognised by on a platform: `ROW_COLUMNS`, and `key`."""
        ...

    def search(self, question: Search) -> Searched:
        """What an audience holds of erased persons, and a plan that takes it out."""
        ...

    def lookup(
        self, generation: Generation, given: pa.RecordBatch, *, now: datetime, settle: timedelta
    ) -> Looked:
        """What an audience holds of one person, and what is remembered of them."""
        ...

    def empty(self, question: Emptying) -> Emptied:
        """All that an audience may hold, and a plan that takes out what is due of it."""
        ...

    def withdraw(self, question: Withdrawal) -> Withdrawn:
        """Who of a snapshot denies consent and may be there, and a plan that removes them."""
        ...

    def names(self, plan: Plan, batch: BatchRecord, question: Search) -> bool:
        """Whether rows of a batch name anything that an erased person is recognised by."""
        ...

    def sweep(self, named: Callable[[], frozenset[str]]) -> int:
        """Delete files that no row of the ledger names, which is asked last; says how many."""
        ...

    def forget_given(self, erasure: Erasure) -> None:
        """Delete what an erased person was recognised by."""
        ...

    def sweep_given(self, named: frozenset[str]) -> None:
        """Delete what erased persons were recognised by, where no open erasure names it."""
        ...
