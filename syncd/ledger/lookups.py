"""Which run added somebody, and which took them out: by the moments that files keep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from syncd.ledger.tables import audience, batch, erasure, plan, run, snapshot, tombstone
from syncd.ledger.transactions import Transactions
from syncd.model import ErasureId, Operation, Phase, PlanId, RunId

At = tuple[str, str, str]  # an audience's platform, account and id

_REMOVALS = [phase.value for phase in Phase if phase.operation is Operation.REMOVE]


@dataclass(frozen=True, slots=True)
class RunOf:
    """A run, and what it sent by.

    Attributes:
        segment: Whose snapshot it was; "" of an erasure, or an audience that was emptied.
        rules: The rule set, as its plan names it.
    """

    run: RunId
    plan: PlanId
    sync: str
    segment: str
    rules: str
    actor: str
    started_at: datetime


class Lookups:
    """What a lookup asks of a ledger; each method is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    def that_planned(self, at: At, made: datetime) -> RunOf | None:
        """The run whose plan for an audience was made then; None in a rebuilt ledger."""
        return self._one(_runs(at).where(plan.c.created_at == made))

    def that_removed(self, at: At, accepted: datetime) -> RunOf | None:
        """The run of which a removal was accepted then; None where there was no such request."""
        removals = select(batch.c.plan).where(
            batch.c.accepted_at == accepted, batch.c.phase.in_(_REMOVALS)
        )
        return self._one(_runs(at).where(plan.c.id.in_(removals)))

    def erasures_of(self, macs: Iterable[str]) -> tuple[ErasureId, ...]:
        """Erasures that laid one of these tombstones, the first one first."""
        with self._tx.read() as tx:
            query = (
                select(erasure.c.id)
                .join(tombstone, tombstone.c.erasure == erasure.c.id)
                .where(tombstone.c.mac.in_(list(macs)))
                .group_by(erasure.c.id, erasure.c.number)
                .order_by(erasure.c.number)
            )
            return tuple(ErasureId(found) for found in tx.scalars(query))

    def _one(self, query: Select[*tuple[object, ...]]) -> RunOf | None:
        with self._tx.read() as tx:
            row = tx.execute(query.order_by(plan.c.number).limit(1)).mappings().one_or_none()
        return None if row is None else RunOf(**row)


def _runs(at: At) -> Select[*tuple[object, ...]]:
    platform, account, audience_id = at
    return (
        select(
            run.c.id.label("run"),
            plan.c.id.label("plan"),
            plan.c.sync,
            snapshot.c.segment,
            plan.c.rules,
            run.c.actor,
            run.c.started_at,
        )
        .select_from(plan)
        .join(run, run.c.id == plan.c.run)
        .join(audience, audience.c.pk == plan.c.audience)
        .outerjoin(snapshot, snapshot.c.id == plan.c.snapshot)
        .where(
            audience.c.platform == platform,
            audience.c.account == account,
            audience.c.id == audience_id,
        )
    )
