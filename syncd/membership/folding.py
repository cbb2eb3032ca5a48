"""Whom a fold concerns; see `syncd.membership.sieve`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa

from syncd.hashes import in_ranges
from syncd.membership.blocks import BlockReader
from syncd.membership.carrying import Sections, of_phase
from syncd.membership.known import Known, Pool, distinct_names, in_order
from syncd.membership.names import Names
from syncd.membership.rest import as_sent, holding, moving
from syncd.membership.sieve import Flags, Side, Wanted, parts, spread
from syncd.membership.together import PlanBatches, plain
from syncd.model import BatchRecord, Phase

MOST = 100_000  # rows as sent, and of plans, that are taken in at a time, unless more are joined
# Numbers of identifiers in a plan's file that are moved, whatever row has them.
_MARKS = ("outdated", "left")
PURGED = "purged"  # names of the keys of rows that a plan drops


@dataclass(frozen=True, slots=True)
class Part:
    """Some of whom a fold concerns, and all whom they are joined to.

    Attributes:
        rows: Flags of the rows as sent; None: all of them.
        taken: By source, flags of a plan's rows; of one that is not named all are taken in.
    """

    rows: Flags | None = None
    taken: Mapping[int, Flags] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folded:
    """Whom a fold concerns.

    Attributes:
        parts: What shares nothing with one another, at least one.
        rests: Flags of the rows as sent that are in no part; None: of none it is known.
        new: By source, flags of those whose members are simply there now.
    """

    parts: tuple[Part, ...] = (Part(),)
    rests: Flags | None = None
    new: Mapping[int, Flags] = field(default_factory=dict)


EVERYONE = Folded()


@dataclass
class _Phase:
    """The rows of one phase of a plan that are taken in."""

    plan: int
    source: int
    side: Side
    plain: Flags

    @property
    def new(self) -> Flags:
        """Flags of those whose members are simply there now."""
        concerned = self.side.concerned
        return self.plain & ~concerned if concerned.any() else self.plain


def of_fold(
    generation: BlockReader | None,
    plans: Sequence[PlanBatches],
) -> Folded:
    """Find whom a fold concerns.

    Args:
        generation: The last one's file.
        plans: What is taken in.
    """
    if generation is not None and moving(generation) is None:
        return EVERYONE  # of an earlier version
    sent = _side(generation, plans)
    phases = [phase for plan in plans for phase in _phases(plan)]
    keys, ids = Pool(), Pool()  # whoever is to be sent again is joined to a row that goes
    wanted = _look(phases, keys, sent=len(sent.concerned) > 0)
    sides = (sent, *(phase.side for phase in phases))
    spread(sides, keys, ids, wanted=wanted)
    simple = [phase for phase in phases if phase.plain.any()]
    new = {phase.source: phase.new for phase in simple}
    return Folded(
        parts=tuple(
            Part(rows, {phase.source: flags for phase, flags in zip(phases, taken, strict=True)})
            for rows, *taken in parts(sides, MOST)
        ),
        rests=None if generation is None else ~sent.concerned,
        new=new,
    )


def _side(
    generation: BlockReader | None,
    plans: Sequence[PlanBatches],
) -> Side:
    """Rows as sent; concerned are those that are not at rest, or that a plan's marks are of."""
    if generation is None:
        return Side.of(lambda: iter(()), 0)
    side = as_sent(generation)
    side.concerned |= holding(generation, _marks(plans))
    stirred = moving(generation)
    if stirred is not None:
        side.concerned |= stirred
    for plan in plans:
        if plan.file.rows("purge"):
            side.concerned |= _purged(side, plan.file)
    return side


def _purged(side: Side, plan: BlockReader) -> Flags:
    """Rows as sent that a plan drops, and perhaps others of the same keys."""
    names = [np.asarray(rows[PURGED], np.uint64) for rows in plan.batches(PURGED)]
    if not names:  # of an earlier version: any may be
        return np.ones_like(side.concerned)
    known, found = Known(in_order(names)), np.zeros_like(side.concerned)
    for here, rows in side.batches(ids=False):
        found[here] = known.has(rows.keys)
    return found


def _marks(plans: Sequence[PlanBatches]) -> Iterator[pa.RecordBatch]:
    for plan in plans:
        yield from plan.file.batches("forgotten")
        for section in _MARKS if plan.marks is not None else ():
            yield from plan.file.batches(section)


def _phases(plan: PlanBatches) -> Iterator[_Phase]:
    """The phases of a plan of which anything is taken in; what is not plain is concerned."""
    for phase in Phase:
        batches = [batch for batch in plan.batches if batch.phase is phase]
        if not batches:
            continue
        count = plan.file.rows(phase.value)
        taken, simple = _rows(batches, count), _rows([b for b in batches if plain(b)], count)
        concerned = np.zeros(count, np.bool_)  # in memory as far as it is written to
        if not simple.all():
            concerned |= taken & ~simple
        side = Side(
            partial(plan.file.batches, phase.value),
            concerned,
            keyed=taken,
            linked=taken,
            names=_names(plan.file, of_phase(phase), count),
        )
        yield _Phase(plan.number, plan.source(phase), side, simple)


def _names(
    plan: BlockReader, sections: Sections, count: int
) -> Callable[[], Iterator[pa.RecordBatch]] | None:
    """Where the names lie of all rows of a phase; of removals, and in earlier versions, nowhere."""
    return partial(plan.batches, sections.names) if plan.rows(sections.names) == count else None


def _rows(batches: Sequence[BatchRecord], count: int) -> Flags:
    """Flags of the rows of some batches; a byte, where those are all."""
    if sum(batch.rows for batch in batches) == count:
        return np.broadcast_to(np.True_, count)
    flags = np.zeros(count, np.bool_)
    for batch in batches:
        flags[batch.first_row : batch.first_row + batch.rows] = True
    return flags


def _look(phases: Sequence[_Phase], keys: Pool, *, sent: bool) -> Wanted:
    """What is simply added, if none of it was sent before.

    A plan adds each member once: a snapshot has no key twice (`syncd.shop.keys`), and whoever is
    sent again is not added. So of a first sync, of one plan, nothing is kept here.

    Args:
        phases: What is taken in.
        keys: Takes those that are sent twice.
        sent: Anybody ever was; else nobody is looked up, nor are identifiers.
    """
    adding = [phase for phase in phases if phase.plain.any()]
    several = len({phase.plan for phase in adding}) > 1
    if not (several or sent):
        return Wanted()
    found: list[Names] = []
    ids: list[Names] = []
    for phase in adding:
        for here, rows in phase.side.batches(ids=sent):
            added = phase.plain[here]
            found.append(np.sort(rows.keys[added]))
            if sent:
                ids.append(np.unique(rows.ids[added]))
    for near in in_ranges(found) if several else ():
        keys.add(near[1:][near[1:] == near[:-1]])
    return Wanted(distinct_names(found), distinct_names(ids)) if sent else Wanted()
