"""Runs with all that became of them, read in bulk: for the page that people open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, and_, case, func, or_, select

from syncd.ledger import batches, codec, measured, runs
from syncd.ledger.batches import Answer
from syncd.ledger.figures import FINAL, Moment
from syncd.ledger.plans import Approval
from syncd.ledger.states import OPEN, PlanState
from syncd.ledger.tables import approval, attempt, batch, generation, plan, run, size
from syncd.model import BatchId, BatchRecord, BatchState, Measured, Plan, Run, Snapshot

CHUNK = 500  # numbers in one statement

# Where a run stands, and how many of its plan's batches in which state: equal where nothing
# that is told of it has changed.
Mark = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RunStory:
    """One run, and what became of it.

    Attributes:
        number: In the order in which runs began.
        audience: The ledger's own number of its audience; None where it came to no plan.
        sent_at: When its first request was begun.
        answers: The last word of the platform on each batch.
    """

    number: int
    run: Run
    audience: int | None = None
    plan: Plan | None = None
    plan_state: PlanState | None = None
    snapshot: Snapshot | None = None
    batches: tuple[BatchRecord, ...] = ()
    answers: Mapping[BatchId, Answer] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    sent_at: datetime | None = None


def marks(seen: Moment, numbers: Sequence[int]) -> Iterator[tuple[int, Mark]]:
    """Where each of these runs stands."""
    counts = [func.sum(case((batch.c.state == each.value, 1), else_=0)) for each in BatchState]
    for chunk in _chunks(numbers):
        query = (
            select(run.c.number, run.c.state, run.c.ended_at, run.c.detail, plan.c.state, *counts)
            .outerjoin(plan, plan.c.id == run.c.plan)
            .outerjoin(batch, batch.c.plan == plan.c.id)
            .where(run.c.number.in_(chunk))
            .group_by(run.c.number, run.c.state, run.c.ended_at, run.c.detail, plan.c.state)
        )
        given = (
            select(run.c.number, func.max(approval.c.number))
            .join(approval, approval.c.plan == run.c.plan)
            .where(run.c.number.in_(chunk))
            .group_by(run.c.number)
        )
        approved = {number: last for number, last in seen.tx.execute(given)}  # noqa: C416 - rows
        for number, *rest in seen.tx.execute(query):
            yield number, (*rest, approved.get(number))


def unsettled(seen: Moment, numbers: Sequence[int], since: datetime) -> frozenset[int]:
    """Those of these runs of which something may change yet.

    Args:
        since: A run that began later is one of them, whatever its state.
    """
    found = set[int]()
    for chunk in _chunks(numbers):
        under_way = (
            select(batch.c.plan)
            .join(run, run.c.plan == batch.c.plan)
            .where(run.c.number.in_(chunk), batch.c.state.in_([each.value for each in OPEN]))
        )
        may_change = or_(
            run.c.state.not_in([state.value for state in FINAL]),
            run.c.started_at >= since,
            and_(run.c.plan.is_not(None), run.c.plan.in_(under_way)),
        )
        found.update(
            seen.tx.scalars(select(run.c.number).where(run.c.number.in_(chunk), may_change))
        )
    return frozenset(found)


def numbers_after(seen: Moment, number: int) -> tuple[int, ...]:
    """Runs that began after the one with this number."""
    return tuple(seen.tx.scalars(_after(number)))


def _after(number: int) -> Select[int]:
    return select(run.c.number).where(run.c.number > number).order_by(run.c.number)


def stories(seen: Moment, numbers: Iterable[int]) -> Iterator[RunStory]:
    """These runs, each with what became of it."""
    for number in numbers:
        row = seen.tx.execute(select(run).where(run.c.number == number)).mappings().one()
        yield _story(seen, number, runs.read(row))


def _story(seen: Moment, number: int, found: Run) -> RunStory:
    drawn = seen.plan(found.plan) if found.plan else None
    if drawn is None:
        return RunStory(number, found)
    at = seen.tx.execute(select(plan.c.audience, plan.c.state).where(plan.c.id == drawn.id)).one()
    first = (
        select(func.min(attempt.c.started_at))
        .join(batch, batch.c.id == attempt.c.batch)
        .where(batch.c.plan == drawn.id)
    )
    sent_at: datetime | None = seen.tx.scalar(first)
    return RunStory(
        number,
        found,
        audience=at.audience,
        plan=drawn,
        plan_state=at.state,
        snapshot=seen.snapshot(drawn.snapshot),
        batches=seen.batches(drawn.id),
        answers=batches.answers(seen.tx, drawn.id),
        approvals=_approvals(seen, drawn) if drawn.held else (),
        sent_at=sent_at,
    )


def _approvals(seen: Moment, of: Plan) -> tuple[Approval, ...]:
    given = select(approval).where(approval.c.plan == of.id).order_by(approval.c.number)
    return tuple(
        Approval(of.id, row["actor"], row["at"], row["expires_at"])
        for row in seen.tx.execute(given).mappings()
    )


def sizes_after(seen: Moment, number: int) -> Iterator[tuple[int, int, Measured]]:
    """What platforms stated later than the row with this number: its number and audience too."""
    rows = seen.tx.execute(select(size).where(size.c.number > number).order_by(size.c.number))
    for row in rows.mappings():
        yield row["number"], row["audience"], measured.read([row])[0]


def memberships_after(
    seen: Moment, numbers: Mapping[int, int]
) -> Iterator[tuple[int, int, datetime, int]]:
    """Later memberships of each audience: its number, theirs, their time and members.

    Args:
        numbers: The last known membership by audience; of one that is missing, all come.
    """
    known = defaultdict(int, numbers)
    for audience in seen.tx.scalars(select(generation.c.audience).distinct()).all():
        query = (
            select(generation.c.number, generation.c.at, generation.c.sizes)
            .where(generation.c.audience == audience, generation.c.number > known[audience])
            .order_by(generation.c.number)
        )
        for number, at, sizes in seen.tx.execute(query):
            yield audience, number, at, codec.sizes(sizes).members


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), CHUNK):
        yield numbers[start : start + CHUNK]
