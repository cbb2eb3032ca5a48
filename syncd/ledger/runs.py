"""Runs, and the snapshots that they read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from syncd.errors import UsageError
from syncd.ledger import codec
from syncd.ledger.tables import run, snapshot
from syncd.model import PlanId, Run, RunId, RunState, Snapshot, SnapshotId


def begin(tx: Connection, sync: str, actor: str, *, now: datetime) -> Run:
    """A new run, numbered in the order of their beginning."""
    number = (tx.scalar(select(func.max(run.c.number))) or 0) + 1
    made = Run(RunId(f"r{number}"), sync, actor, RunState.READING, now)
    tx.execute(
        insert(run).values(
            number=number,
            id=made.id,
            sync=sync,
            actor=actor,
            state=made.state.value,
            started_at=now,
            detail="",
        )
    )
    return made


def change(
    tx: Connection,
    run_id: RunId,
    state: RunState,
    *,
    plan: PlanId | None,
    detail: str,
    ended_at: datetime | None,
    error: str = "",
) -> Run:
    """Say where a run stands; what is not given stays as it is.

    Raises:
        syncd.errors.UsageError: There is no such run.
    """
    values: dict[str, object] = {"state": state.value}
    if plan is not None:
        values["plan"] = plan
    if detail:
        values["detail"] = detail
    if error:
        values["error"] = error
    if ended_at is not None:
        values["ended_at"] = ended_at
    tx.execute(update(run).where(run.c.id == run_id).values(**values))
    found = one(tx, run_id)
    if found is None:
        raise UsageError(f"there is no run {run_id}: `syncd runs` lists them")
    return found


def one(tx: Connection, run_id: str) -> Run | None:
    """The run, or None."""
    row = tx.execute(select(run).where(run.c.id == run_id)).mappings().one_or_none()
    return None if row is None else read(row)


def latest(tx: Connection, sync: str | None, limit: int) -> tuple[Run, ...]:
    """Runs, the newest first."""
    query = select(run).order_by(run.c.number.desc()).limit(limit)
    if sync is not None:
        query = query.where(run.c.sync == sync)
    return tuple(read(row) for row in tx.execute(query).mappings())


def read(row: RowMapping) -> Run:
    """A run, from its row."""
    return Run(
        id=RunId(row["id"]),
        sync=row["sync"],
        actor=row["actor"],
        state=RunState(row["state"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        plan=None if row["plan"] is None else PlanId(row["plan"]),
        detail=row["detail"],
        error=row["error"],
    )


def add_snapshot(tx: Connection, read: Snapshot, run_id: RunId) -> None:
    """Keep a sealed snapshot. Syncs that are due together share one: again is no change.

    Raises:
        ValueError: Another one has this id; our bug.
    """
    found = snapshot_of(tx, read.id)
    if found is not None:
        if found != read:
            raise ValueError(f"another snapshot has the id {read.id}")
        return
    tx.execute(
        insert(snapshot).values(
            id=read.id,
            run=run_id,
            segment=read.segment,
            rules=read.rules,
            rows=read.rows,
            usable=read.usable,
            columns=codec.canonical(list(read.columns)),
            refused=codec.refused_text(read.refused),
            as_of=read.as_of,
            sealed_at=read.sealed_at,
            path=read.path,
            checksum=read.checksum,
        )
    )


def snapshot_of(tx: Connection, snapshot_id: str) -> Snapshot | None:
    """The snapshot with this id, or None."""
    row = tx.execute(select(snapshot).where(snapshot.c.id == snapshot_id)).mappings().one_or_none()
    return None if row is None else _snapshot(row)


def last_snapshot(tx: Connection, segment: str, rules: str) -> Snapshot | None:
    """The newest snapshot of a segment for one rule set, or None."""
    query = select(snapshot).where(snapshot.c.segment == segment, snapshot.c.rules == rules)
    row = tx.execute(query.order_by(snapshot.c.number.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _snapshot(row)


def _snapshot(row: RowMapping) -> Snapshot:
    return Snapshot(
        id=SnapshotId(row["id"]),
        segment=row["segment"],
        rules=row["rules"],
        rows=row["rows"],
        usable=row["usable"],
        columns=codec.texts(row["columns"]),
        refused=codec.refused(row["refused"]),
        as_of=row["as_of"],
        sealed_at=row["sealed_at"],
        path=row["path"],
        checksum=row["checksum"],
    )
