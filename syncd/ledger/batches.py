"""Batches, the outbox: written before they are sent, and what was answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    func,
    insert,
    select,
    update,
)

from syncd.ledger import codec, states
from syncd.ledger.tables import attempt, audience, batch, plan
from syncd.model import (
    BatchId,
    BatchRecord,
    BatchState,
    Operation,
    Outcome,
    Phase,
    PlanId,
    Receipt,
)

# Made once: making a statement takes as long as carrying it out.
_ONE = select(batch, audience.c.ours).join(audience).where(batch.c.id == bindparam("of"))
_CHANGE = update(batch).where(batch.c.id == bindparam("of"))
_LAST = (attempt.c.batch == bindparam("of")) & (attempt.c.number == bindparam("last"))
_END_ATTEMPT = update(attempt).where(_LAST, attempt.c.ended_at.is_(None))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for a batch.

    Attributes:
        number: From 1.
        label: The platform-side name of its upload, fixed before it was sent.
        deadline: When its answer was no longer waited for.
        ended_at: None while it runs, or if the process died in it.
        state: What the batch became by it; None as long as `ended_at` is.
        code: The platform's code, or ours, where it was turned away.
    """

    number: int
    label: str
    deadline: datetime
    started_at: datetime
    ended_at: datetime | None
    state: BatchState | None
    code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform said of a batch, beside its state.

    Attributes:
        received: Rows it took in, or None before a receipt.
        match_rate: In the platform's words, "" where it does not tell.
        code: Of the last attempt.
    """

    received: int | None
    match_rate: str
    code: str


def add(tx: Connection, plan_id: PlanId, audience_pk: int, planned: Sequence[BatchRecord]) -> None:
    """Keep a plan's batches, as planned.

    Raises:
        ValueError: One is another plan's, or not in `planned`; our bug.
    """
    for record in planned:
        if record.plan != plan_id or record.state is not BatchState.PLANNED:
            raise ValueError(f"batch {record.id} is not a planned batch of plan {plan_id}")
    if planned:
        tx.execute(insert(batch), [new(record, audience_pk) for record in planned])


def new(record: BatchRecord, audience_pk: int) -> dict[str, object]:
    """The columns of a batch that was never sent."""
    return {
        "id": record.id,
        "plan": record.plan,
        "audience": audience_pk,
        "number": record.number,
        "phase": record.phase.value,
        "first_row": record.first_row,
        "rows": record.rows,
        "state": record.state.value,
        "unfolded": False,
        "doubtful": False,
        "attempts": 0,
        "reference": "",
        "refused": codec.refusals_text(record.refused),
        "match_rate": "",
    }


def intend(
    tx: Connection, batch_id: BatchId, *, label: str, deadline: datetime, now: datetime
) -> BatchRecord:
    """Note that a batch is about to be sent.

    Raises:
        ValueError: It may not be sent; our bug.
    """
    row = _row(tx, batch_id)
    before = _record(row)
    states.check(before.state, BatchState.SENDING)
    if before.state is BatchState.SENDING:  # the process died while it waited
        end_attempt(tx, before, BatchState.UNKNOWN, code="interrupted", now=now)
    number = before.attempts + 1
    begun = {"batch": batch_id, "number": number, "label": label, "code": ""}
    tx.execute(insert(attempt), {**begun, "deadline": deadline, "started_at": now})
    if before.phase.operation is Operation.ADD and not row["ours"]:
        tx.execute(update(audience).where(audience.c.pk == row["audience"]).values(ours=True))
    return change(
        tx,
        before,
        BatchState.SENDING,
        attempts=number,
        doubtful=before.doubtful or before.state in states.UNFINISHED,
    )


def record(tx: Connection, batch_id: BatchId, receipt: Receipt, *, now: datetime) -> BatchRecord:
    """Note what the platform said.

    Raises:
        ValueError: The batch was not being sent; our bug.
    """
    before = one(tx, batch_id)
    then = BatchState.PROCESSED if receipt.final else BatchState.ACCEPTED
    states.check(before.state, then)
    end_attempt(tx, before, then, code="", now=now)
    return change(
        tx,
        before,
        then,
        received=receipt.received,
        refused=(*before.refused, *receipt.refused),
        reference=receipt.reference,
        accepted_at=now,
        processed_at=now if receipt.final else None,
    )


def mark(
    tx: Connection,
    batch_id: BatchId,
    asked: BatchState,
    *,
    code: str,
    doubtful: bool,
    now: datetime,
) -> BatchRecord:
    """Note that a batch was turned away, lost, given up, settled or cancelled.

    Raises:
        ValueError: It may not go there; our bug.
    """
    if asked in {BatchState.SENDING, BatchState.ACCEPTED, BatchState.PROCESSED}:
        raise ValueError(f"{asked.value} is told by intend, record or outcome")
    before = one(tx, batch_id)
    states.check(before.state, asked)
    doubt = before.doubtful or doubtful or asked is BatchState.UNKNOWN
    then = states.resting(asked, doubtful=doubt)
    end_attempt(tx, before, then, code=code, now=now)
    return change(tx, before, then, doubtful=doubt)


def outcome(tx: Connection, batch_id: BatchId, told: Outcome, *, now: datetime) -> BatchRecord:
    """Note what became of an accepted batch; `processing` changes nothing, unless it has begun.

    Raises:
        ValueError: It was not accepted, or is not any more, or is forgotten; our bug.
    """
    if told.state == "forgotten":
        raise ValueError(f"batch {batch_id} is given up, not told of")
    before = _accepted(tx, batch_id)
    if told.state == "processing":
        return change(tx, before, BatchState.ACCEPTED, accepted_at=now) if told.begun else before
    then = BatchState.PROCESSED if told.state == "processed" else BatchState.FAILED
    states.check(before.state, then)
    return change(
        tx,
        before,
        then,
        owed=bool(told.refused),  # the membership took in that all of it was accepted
        refused=(*before.refused, *told.refused),
        match_rate=str(told.match_rate or ""),
        processed_at=now,
    )


def give_up(tx: Connection, batch_id: BatchId, *, code: str, now: datetime) -> BatchRecord:
    """Note that nobody waits for an accepted batch any more: it may still take effect.

    Raises:
        ValueError: It was not accepted, or is not any more; our bug.
    """
    before = _accepted(tx, batch_id)
    states.check(before.state, BatchState.FAILED)
    end_attempt(tx, before, BatchState.FAILED, code=code, now=now)
    return change(tx, before, BatchState.FAILED, doubtful=True, processed_at=now)


def _accepted(tx: Connection, batch_id: BatchId) -> BatchRecord:
    found = one(tx, batch_id)
    if found.state is not BatchState.ACCEPTED:
        raise ValueError(f"batch {batch_id} is {found.state.value}, not accepted")
    return found


def cancel_planned(tx: Connection, audience_pk: int, of: str) -> int:
    """Cancel what was never sent, of one sync's plans for an audience or of all; how many."""
    states.check(BatchState.PLANNED, BatchState.CANCELLED)
    cancelled = (
        update(batch)
        .where(batch.c.audience == audience_pk, batch.c.state == BatchState.PLANNED.value)
        .values(state=BatchState.CANCELLED.value)
    )
    if of:
        cancelled = cancelled.where(batch.c.plan.in_(select(plan.c.id).where(plan.c.sync == of)))
    return tx.execute(cancelled).rowcount


def fold(tx: Connection, audience_pk: int, folded: Mapping[BatchId, BatchState]) -> None:
    """Note which states a new generation has taken in.

    Raises:
        ValueError: A batch is another audience's; our bug.
    """
    for batch_id, taken in folded.items():
        row = _row(tx, batch_id)
        if row["audience"] != audience_pk:
            raise ValueError(f"batch {batch_id} is another audience's")
        owes = states.unfolded(BatchState(row["state"]), taken)
        values = {"folded": taken.value, "unfolded": owes}
        tx.execute(update(batch).where(batch.c.id == batch_id).values(**values))


def of_plan(tx: Connection, plan_id: str) -> tuple[BatchRecord, ...]:
    """A plan's batches in the order in which they are sent."""
    query = select(batch).where(batch.c.plan == plan_id).order_by(batch.c.number)
    return tuple(_record(row) for row in tx.execute(query).mappings())


def in_states(
    tx: Connection, audience_pk: int, wanted: Collection[BatchState]
) -> tuple[BatchRecord, ...]:
    """An audience's batches in some states, oldest plan first."""
    return _of_audience(tx, audience_pk, batch.c.state.in_([state.value for state in wanted]))


def last_accepted(tx: Connection, audience_pk: int) -> datetime | None:
    """When a batch of an audience was last accepted."""
    query = (
        select(batch.c.accepted_at)
        .where(batch.c.audience == audience_pk, batch.c.accepted_at.is_not(None))
        .order_by(batch.c.accepted_at.desc())
        .limit(1)
    )
    return tx.execute(query).scalar_one_or_none()


def unfolded(tx: Connection, audience_pk: int) -> tuple[BatchRecord, ...]:
    """An audience's batches that its membership has yet to take in, oldest plan first."""
    return _of_audience(tx, audience_pk, batch.c.unfolded.is_(True))


def _of_audience(
    tx: Connection, audience_pk: int, which: ColumnElement[bool]
) -> tuple[BatchRecord, ...]:
    query = (
        select(batch)
        .join(plan, plan.c.id == batch.c.plan)
        .where(batch.c.audience == audience_pk, which)
        .order_by(plan.c.number, batch.c.number)
    )
    return tuple(_record(row) for row in tx.execute(query).mappings())


def attempts(tx: Connection, batch_id: str) -> tuple[Attempt, ...]:
    """A batch's attempts, the first one first."""
    query = select(attempt).where(attempt.c.batch == batch_id).order_by(attempt.c.number)
    return tuple(
        Attempt(
            number=row["number"],
            label=row["label"],
            deadline=row["deadline"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            state=None if row["state"] is None else BatchState(row["state"]),
            code=row["code"],
        )
        for row in tx.execute(query).mappings()
    )


def answers(tx: Connection, plan_id: str) -> Mapping[BatchId, Answer]:
    """What was said of each batch of a plan."""
    last = (
        select(attempt.c.batch, func.max(attempt.c.number).label("number"))
        .join(batch, batch.c.id == attempt.c.batch)
        .where(batch.c.plan == plan_id)  # else all attempts that ever were are walked
        .group_by(attempt.c.batch)
        .subquery()
    )
    query = (
        select(batch.c.id, batch.c.received, batch.c.match_rate, attempt.c.code)
        .outerjoin(last, last.c.batch == batch.c.id)
        .outerjoin(attempt, (attempt.c.batch == last.c.batch) & (attempt.c.number == last.c.number))
        .where(batch.c.plan == plan_id)
        .order_by(batch.c.number)
    )
    return {
        BatchId(row["id"]): Answer(row["received"], row["match_rate"], row["code"] or "")
        for row in tx.execute(query).mappings()
    }


def end_attempt(
    tx: Connection, of: BatchRecord, state: BatchState, *, code: str, now: datetime
) -> None:
    """End the running attempt; if none is running, the last one keeps the newest code."""
    last = {"of": of.id, "last": of.attempts}
    tx.execute(_END_ATTEMPT, {**last, "ended_at": now, "state": state.value})
    if code:
        tx.execute(update(attempt).where(_LAST), {**last, "code": code})


def change(
    tx: Connection,
    before: BatchRecord,
    then: BatchState,
    *,
    owed: bool = False,
    **values: Any,  # noqa: ANN401 - columns differ in type
) -> BatchRecord:
    """Put a batch into a state, with other columns; the batch as it is then.

    Args:
        before: As this transaction read it: nobody else writes meanwhile.
        owed: The membership must hear of it whatever `states.unfolded` says.
        values: By their columns, as the record has them where it has them.
    """
    after = replace(before, state=then, **{n: v for n, v in values.items() if hasattr(before, n)})
    if "refused" in values:
        values["refused"] = codec.refusals_text(after.refused)
    values |= {"state": then.value, "unfolded": owed or states.unfolded(then, before.folded)}
    tx.execute(_CHANGE, {"of": before.id, **values})
    return after


def one(tx: Connection, batch_id: BatchId) -> BatchRecord:
    """The batch.

    Raises:
        ValueError: There is none; our bug.
    """
    return _record(_row(tx, batch_id))


def _row(tx: Connection, batch_id: BatchId) -> RowMapping:
    row = tx.execute(_ONE, {"of": batch_id}).mappings().one_or_none()
    if row is None:
        raise ValueError(f"there is no batch {batch_id}")
    return row


def _record(row: RowMapping) -> BatchRecord:
    return BatchRecord(
        id=BatchId(row["id"]),
        plan=PlanId(row["plan"]),
        number=row["number"],
        phase=Phase(row["phase"]),
        first_row=row["first_row"],
        rows=row["rows"],
        state=BatchState(row["state"]),
        folded=None if row["folded"] is None else BatchState(row["folded"]),
        doubtful=row["doubtful"],
        attempts=row["attempts"],
        reference=row["reference"],
        refused=codec.refusals(row["refused"]),
        accepted_at=row["accepted_at"],
        processed_at=row["processed_at"],
    )
