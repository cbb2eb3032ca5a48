"""Batches that the membership takes in by one statement, and what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from syncd.membership.blocks import BlockReader
from syncd.model import BatchRecord, BatchState, Operation, Phase

NOBODY_KNOWS = datetime.fromtimestamp(0, UTC)  # when: of a plan that outlived its ledger's row
TOGETHER = 100  # batches taken in by one statement: up to a million rows in memory
SENT = frozenset({BatchState.SENDING, BatchState.UNKNOWN})
ACCEPTED = frozenset({BatchState.ACCEPTED, BatchState.PROCESSED, BatchState.SETTLED})
ENDED = frozenset({BatchState.FAILED, BatchState.REFUSED})


@dataclass(frozen=True, slots=True)
class PlanBatches:
    """A plan's open file and those of its batches that are to be taken in.

    Attributes:
        number: From 1, in the order in which the plans were made.
        marks: When it was made, if what it found outdated is to be taken in: it was drawn
            from the very generation that is being followed.
        made: When it was made.
    """

    number: int
    file: BlockReader
    batches: Sequence[BatchRecord]
    marks: datetime | None
    made: datetime = NOBODY_KNOWS

    def source(self, phase: Phase) -> int:
        """Number of the file section that rows of a phase come from; see `held.Sources`."""
        return self.number * len(Phase) + list(Phase).index(phase)


@dataclass(frozen=True, slots=True)
class Times:
    """When this is done, and how long an accepted removal is given to take effect."""

    now: datetime
    window: timedelta

    def told(self, group: Sequence[BatchRecord]) -> datetime:
        """When the last of some batches was given up or failed, as far as that was noted."""
        return max(batch.processed_at or self.now for batch in group)


def groups(batches: Sequence[BatchRecord]) -> Iterator[list[BatchRecord]]:
    """Batches in the order sent, those with the same effect together.

    A first sync has a thousand batches that were all accepted: a few statements, not each.
    """

    def effect(batch: BatchRecord) -> tuple[object, ...]:
        ended = batch.state in ENDED and batch.state
        known = batch.folded is None, batch.folded in ACCEPTED
        return batch.phase, ended, batch.state in ACCEPTED, known, doubtful(batch), short(batch)

    # Parts of a refused batch have numbers after those of later phases.
    phases = list(Phase)
    ordered = sorted(batches, key=lambda batch: (phases.index(batch.phase), batch.number))
    for _, alike in groupby(ordered, effect):
        group = list(alike)
        for first in range(0, len(group), TOGETHER):
            yield group[first : first + TOGETHER]


def doubtful(batch: BatchRecord) -> bool:
    """Whether a request of it may take effect when nobody expects it."""
    return batch.doubtful or batch.state in SENT


def plain(batch: BatchRecord) -> bool:
    """Whether it added all of its rows, and nothing else can come of it."""
    added = batch.phase.operation is not Operation.REMOVE and batch.state in ACCEPTED
    return added and not batch.refused and not doubtful(batch)


def short(batch: BatchRecord) -> bool:
    """Whether rows of it were refused and nobody knows which."""
    return any(refusal.row is None for refusal in batch.refused)


def refused_in(group: Sequence[BatchRecord], *, whole: bool = False) -> list[int]:
    """Rows that the platform refused by name, by their position in the phase.

    Args:
        group: Batches of one phase.
        whole: Only those of which nothing was applied.
    """
    return [
        batch.first_row + refusal.row
        for batch in group
        for refusal in batch.refused
        if refusal.row is not None and (refusal.whole or not whole)
    ]
