"""A batch that was refused whole ends, and parts of it take its place in its plan.

Both are one change: whoever looks sees the batch with all its rows, or its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from syncd.ledger import batches, states
from syncd.ledger.tables import batch
from syncd.model import BatchId, BatchRecord, BatchState, Refusal


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a plan's phase, to be a batch of their own.

    Attributes:
        first_row: Position within the phase's rows.
        refused: Rows of it that are left out, named from 0; or all of them counted, where
            `given_up`.
        given_up: They are not sent: the search for the bad ones among them ended.
    """

    first_row: int
    rows: int
    refused: tuple[Refusal, ...] = ()
    given_up: bool = False


def refuse(
    tx: Connection,
    batch_id: BatchId,
    *,
    code: str,
    reference: str,
    refused: Sequence[Refusal],
    instead: Sequence[Part],
    now: datetime,
) -> tuple[BatchRecord, ...]:
    """End a batch as refused and add the parts that take its place.

    A batch in doubt may have been applied by an earlier attempt: it rests `failed`, whole,
    and what is wrong with it is found when its rows are planned anew.

    Raises:
        ValueError: It was not being sent; our bug.
    """
    before = batches.one(tx, batch_id)
    states.check(before.state, BatchState.REFUSED)
    then = states.resting(BatchState.REFUSED, doubtful=before.doubtful)
    batches.end_attempt(tx, before, then, code=code, now=now)
    of = reference or before.reference
    if then is not BatchState.REFUSED:
        return (batches.change(tx, before, then, reference=of),)
    ended = batches.change(
        tx,
        before,
        then,
        owed=named(refused),
        reference=of,
        refused=tuple(refused),
    )
    return (ended, *add(tx, batch_id, instead))


def add(tx: Connection, batch_id: BatchId, parts: Sequence[Part]) -> tuple[BatchRecord, ...]:
    """Add parts to the plan and phase of a batch, numbered after all that it has."""
    like = batches.one(tx, batch_id)
    of_batch = select(batch.c.audience).where(batch.c.id == batch_id)
    audience_pk = int(tx.execute(of_batch).scalar_one())
    last = tx.scalar(select(func.max(batch.c.number)).where(batch.c.plan == like.plan)) or 0
    made: list[BatchRecord] = []
    for number, part in enumerate(parts, last + 1):
        record = BatchRecord(
            id=BatchId(f"{like.plan}.{number}"),
            plan=like.plan,
            number=number,
            phase=like.phase,
            first_row=part.first_row,
            rows=part.rows,
            state=BatchState.REFUSED if part.given_up else BatchState.PLANNED,
            refused=part.refused,
        )
        owed = part.given_up and named(part.refused)
        tx.execute(insert(batch).values(batches.new(record, audience_pk) | {"unfolded": owed}))
        made.append(record)
    return tuple(made)


def named(refused: Sequence[Refusal]) -> bool:
    """Whether the membership must hear of rows that a refused batch names."""
    return any(each.row is not None for each in refused)
