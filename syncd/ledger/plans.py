"""Plans, what became of them, and who approved their removals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from syncd.errors import UsageError
from syncd.ledger import audiences, batches, codec
from syncd.ledger.states import PlanState
from syncd.ledger.tables import approval, audience, plan
from syncd.model import BatchRecord, Plan, PlanId, RunId, SnapshotId


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's leave to carry out one plan's removals, and no others."""

    plan: PlanId
    actor: str
    at: datetime
    expires_at: datetime


def add(
    tx: Connection,
    drawn: Plan,
    run: RunId,
    planned: Sequence[BatchRecord],
    *,
    shown: bool = True,
) -> None:
    """Keep a plan and its batches.

    Args:
        shown: Somebody may ask for it or approve it later; if not, its file is needed only
            for its batches.

    Raises:
        ValueError: Its audience was never claimed, or a batch is another plan's; our bug.
    """
    at = audiences.needed(tx, drawn.platform, drawn.account, drawn.audience)
    tx.execute(
        insert(plan).values(
            id=drawn.id,
            run=run,
            sync=drawn.sync,
            audience=at.pk,
            snapshot=drawn.snapshot,
            generation=drawn.generation,
            configuration=drawn.configuration,
            rules=drawn.rules,
            counts=codec.counts_text(drawn.counts),
            held=codec.canonical(list(drawn.held)),
            state=("held" if drawn.held else "drafted") if shown else "superseded",
            created_at=drawn.created_at,
            path=drawn.path,
            checksum=drawn.checksum,
        )
    )
    batches.add(tx, drawn.id, at.pk, planned)


def one(tx: Connection, plan_id: str) -> Plan | None:
    """The plan, or None."""
    query = (
        select(
            plan,
            audience.c.platform,
            audience.c.account,
            audience.c.id.label("audience_id"),
            audience.c.takes_out,
        )
        .join(audience, audience.c.pk == plan.c.audience)
        .where(plan.c.id == plan_id)
    )
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _plan(row)


def state(tx: Connection, plan_id: str) -> PlanState | None:
    """Where the plan stands, or None if there is no such plan."""
    return cast("PlanState | None", tx.scalar(select(plan.c.state).where(plan.c.id == plan_id)))


def set_state(tx: Connection, plan_id: PlanId, then: PlanState) -> None:
    """Say where a plan stands.

    Raises:
        syncd.errors.UsageError: There is no such plan.
    """
    _needed(tx, plan_id)
    tx.execute(update(plan).where(plan.c.id == plan_id).values(state=then))


def approve(
    tx: Connection, plan_id: PlanId, actor: str, *, now: datetime, expires_at: datetime
) -> Approval:
    """Keep an approval; a later one counts instead of it.

    Raises:
        syncd.errors.UsageError: There is no such plan.
    """
    _needed(tx, plan_id)
    given = Approval(plan_id, actor, now, expires_at)
    tx.execute(
        insert(approval).values(plan=plan_id, actor=actor, at=given.at, expires_at=expires_at)
    )
    return given


def approved(tx: Connection, plan_id: str) -> Approval | None:
    """The plan's last approval, expired or not, or None."""
    query = select(approval).where(approval.c.plan == plan_id)
    row = tx.execute(query.order_by(approval.c.number.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _approval(row)


def live_approvals(tx: Connection, audience_pk: int, now: datetime) -> tuple[Approval, ...]:
    """Approvals of an audience's plans that have not expired, one a plan, oldest plan first."""
    query = (
        _live(now).where(plan.c.audience == audience_pk).order_by(plan.c.number, approval.c.number)
    )
    last = {row["plan"]: _approval(row) for row in tx.execute(query).mappings()}
    return tuple(last.values())


def spend(tx: Connection, audience_pk: int, now: datetime) -> None:
    """End every approval of an audience that still stands, and keep when."""
    live = live_approvals(tx, audience_pk, now)
    for given in live:
        tx.execute(
            update(approval)
            .where(approval.c.plan == given.plan, approval.c.expires_at > now)
            .values(expires_at=now)
        )


def last_relief(tx: Connection, audience_pk: int, now: datetime) -> datetime | None:
    """When an approval of the audience last ended, or None."""
    query = (
        select(func.max(approval.c.expires_at))
        .join(plan, plan.c.id == approval.c.plan)
        .where(plan.c.audience == audience_pk, approval.c.expires_at <= now)
    )
    found: datetime | None = tx.scalar(query)
    return found


def passed(tx: Connection, audience_pk: int) -> Plan | None:
    """The audience's last plan that was carried out whole, or None.

    A held plan stays held; what an approval lets go is carried out as a plan of its own.
    """
    query = (
        select(plan.c.id)
        .where(plan.c.audience == audience_pk, plan.c.state.in_(["running", "done"]))
        .order_by(plan.c.number.desc())
        .limit(1)
    )
    found = tx.scalar(query)
    return None if found is None else one(tx, found)


def _live(now: datetime) -> Select[*tuple[object, ...]]:
    return (
        select(approval).join(plan, plan.c.id == approval.c.plan).where(approval.c.expires_at > now)
    )


def _needed(tx: Connection, plan_id: PlanId) -> None:
    if state(tx, plan_id) is None:
        raise UsageError(f"there is no plan {plan_id}: `syncd runs` names each run's plan")


def _approval(row: RowMapping) -> Approval:
    return Approval(PlanId(row["plan"]), row["actor"], row["at"], row["expires_at"])


def _plan(row: RowMapping) -> Plan:
    return Plan(
        id=PlanId(row["id"]),
        sync=row["sync"],
        platform=row["platform"],
        account=row["account"],
        audience=row["audience_id"],
        snapshot=SnapshotId(row["snapshot"]),
        generation=row["generation"],
        configuration=row["configuration"],
        rules=row["rules"],
        counts=codec.counts(row["counts"]),
        held=codec.texts(row["held"]),
        created_at=row["created_at"],
        path=row["path"],
        checksum=row["checksum"],
        takes_out=row["takes_out"],
    )
