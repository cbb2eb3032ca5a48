"""What the ledger adds up to, read at one moment: for metrics and for alerts.

Totals count rows that stay for good, in states that are final, so that they only grow and
a restart changes nothing of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Float, Select, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from syncd.ledger import audiences, batches, codec, generations, measured, plans, runs, tables
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.tables import (
    alert,
    attempt,
    audience,
    batch,
    credential,
    due,
    plan,
    run,
    size,
    throttle,
)
from syncd.ledger.transactions import Transactions
from syncd.model import BatchRecord, Generation, Measured, Plan, Run, RunState, Snapshot

# Later states change no more. `processing` may become `done`, and `reading` anything.
FINAL = (RunState.DONE, RunState.PARTIAL, RunState.HELD, RunState.FAILED, RunState.PLANNED)
# All that could be sent was accepted.
SUCCESSES = (RunState.DONE, RunState.PARTIAL, RunState.PROCESSING)


class BatchTotal(NamedTuple):
    """Batches of one audience, phase and state.

    Attributes:
        accepted: Whether the platform accepted them, whatever came of them later.
        rows: Of all of them together.
    """

    audience: int
    phase: str
    state: str
    accepted: bool
    batches: int
    rows: int


class Durations(NamedTuple):
    """How long the answered requests of a platform took.

    Attributes:
        below: How many took no longer than each bound.
        seconds: All of them together.
    """

    platform: str
    below: tuple[int, ...]
    requests: int
    seconds: float


class _SecondsBetween(FunctionElement[float]):
    """From one point in time to another; both are text in the ledger."""

    inherit_cache = True
    type = Float()


@compiles(_SecondsBetween, "sqlite")
def _on_sqlite(element: _SecondsBetween, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the library's signature
    begun, ended = (compiler.process(one, **how) for one in element.clauses)
    return f"((julianday({ended}) - julianday({begun})) * 86400.0)"


@compiles(_SecondsBetween, "postgresql")
def _on_postgresql(element: _SecondsBetween, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the library's signature
    begun, ended = (compiler.process(one, **how) for one in element.clauses)
    return f"extract(epoch FROM ({ended})::timestamptz - ({begun})::timestamptz)"


class Figures:
    """What one ledger adds up to."""

    def __init__(self, transactions: Transactions) -> None:
        self._tx = transactions

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """See the ledger as it is at one moment."""
        with self._tx.read() as tx:
            yield Moment(tx)


@dataclass(frozen=True, slots=True)
class Moment:
    """The ledger at one moment; good as long as its block lasts."""

    tx: Connection

    # --- of one sync -----------------------------------------------------------------

    def last_run(self, sync: str, states: Collection[RunState] = ()) -> Run | None:
        """The newest run of a sync that has ended, in one of these states or in any.

        One that only showed a plan is none.
        """
        query = _ended(sync).order_by(run.c.number.desc()).limit(1)
        if states:
            query = query.where(run.c.state.in_([state.value for state in states]))
        row = self.tx.execute(query).mappings().one_or_none()
        return None if row is None else runs.read(row)

    def first_began(self, sync: str) -> datetime | None:
        """When the first run of a sync began."""
        found: datetime | None = self.tx.scalar(
            select(run.c.started_at).where(run.c.sync == sync).order_by(run.c.number).limit(1)
        )
        return found

    def first_sent(self, syncs: Collection[str]) -> datetime | None:
        """When the first run of some syncs had ended that drew a plan and sent by it."""
        query = (
            select(run.c.ended_at)
            .where(
                run.c.sync.in_(syncs),
                run.c.plan.is_not(None),
                run.c.ended_at.is_not(None),
                run.c.state.in_([*(one.value for one in SUCCESSES), RunState.HELD.value]),
            )
            .order_by(run.c.ended_at)
            .limit(1)
        )
        found: datetime | None = self.tx.scalar(query)
        return found

    def due_at(self, sync: str) -> datetime | None:
        """When a sync is due by its schedule, as far as a daemon has kept it."""
        found: datetime | None = self.tx.scalar(select(due.c.due_at).where(due.c.sync == sync))
        return found

    def members_read(self, sync: str, limit: int = 2) -> tuple[tuple[Run, int], ...]:
        """The last runs of a sync that drew a plan, and the usable rows that each read."""
        query = (
            _ended(sync)
            .join(plan, plan.c.id == run.c.plan)
            .add_columns(plan.c.counts)
            .order_by(run.c.number.desc())
            .limit(limit)
        )
        found = self.tx.execute(query).mappings()
        return tuple((runs.read(row), codec.counts(row["counts"]).snapshot) for row in found)

    def audience_of(self, sync: str) -> KnownAudience | None:
        """The audience that a sync fills now."""
        return audiences.of_sync(self.tx, sync)

    def plan(self, plan_id: str) -> Plan | None:
        """The plan with this id."""
        return plans.one(self.tx, plan_id)

    def batches(self, plan_id: str) -> tuple[BatchRecord, ...]:
        """A plan's batches in the order in which they are sent."""
        return batches.of_plan(self.tx, plan_id)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot with this id."""
        return runs.snapshot_of(self.tx, snapshot_id)

    # --- of one audience -------------------------------------------------------------

    def generation(self, audience_pk: int) -> Generation | None:
        """The audience's membership as it stands."""
        return generations.latest(self.tx, audience_pk)

    def stated(self, audience_pk: int) -> Measured | None:
        """The last that a platform stated of an audience."""
        query = select(size).where(size.c.audience == audience_pk)
        found = self.tx.execute(query.order_by(size.c.number.desc()).limit(1)).mappings()
        return next(iter(measured.read(found)), None)

    def best_match(self, than: Measured, audience_pk: int, since: datetime) -> float | None:
        """The best match rate stated since then and before, of about as many members.

        About: within a fifth. A membership that has just grown is not counted yet.
        """
        query = select(func.max(size.c.most * 1.0 / size.c.members)).where(
            size.c.audience == audience_pk,
            size.c.at >= since,
            size.c.at < than.at,
            size.c.members.between(than.members * 0.8, than.members * 1.2),
            size.c.members > 0,
            size.c.foreign.is_(False),
        )
        found = self.tx.scalar(query)
        return None if found is None else float(found)

    # --- of all ----------------------------------------------------------------------

    def audiences(self) -> tuple[KnownAudience, ...]:
        """All audiences that were ever claimed."""
        return audiences.every(self.tx)

    def run_totals(self) -> dict[tuple[str, str], int]:
        """Runs that have come to their end, by sync and state."""
        query = (
            select(run.c.sync, run.c.state, func.count())
            .where(run.c.ended_at.is_not(None), run.c.state.in_([one.value for one in FINAL]))
            .group_by(run.c.sync, run.c.state)
        )
        return {(sync, state): count for sync, state, count in self.tx.execute(query)}

    def batch_totals(self) -> tuple[BatchTotal, ...]:
        """All batches there are, added up."""
        accepted = batch.c.accepted_at.is_not(None)
        what = (batch.c.audience, batch.c.phase, batch.c.state, accepted)
        query = select(*what, func.count(), func.sum(batch.c.rows)).group_by(*what)
        return tuple(
            BatchTotal(pk, phase, state, bool(was), count, int(rows))
            for pk, phase, state, was, count, rows in self.tx.execute(query)
        )

    def durations(self, bounds: Sequence[float]) -> tuple[Durations, ...]:
        """How long requests took, by platform; those whose answer is known to have come.

        Args:
            bounds: Seconds.
        """
        took: ColumnElement[float] = _SecondsBetween(attempt.c.started_at, attempt.c.ended_at)
        each = (
            select(batch.c.audience, took.label("seconds"))
            .join(batch, batch.c.id == attempt.c.batch)
            .where(attempt.c.ended_at.is_not(None), attempt.c.code != "interrupted")
            .subquery()
        )
        below = [func.sum(case((each.c.seconds <= bound, 1), else_=0)) for bound in bounds]
        query = (
            select(audience.c.platform, func.count(), func.sum(each.c.seconds), *below)
            .join(audience, audience.c.pk == each.c.audience)
            .group_by(audience.c.platform)
        )
        return tuple(
            Durations(platform, tuple(map(int, counts)), int(count), float(seconds))
            for platform, count, seconds, *counts in self.tx.execute(query)
        )

    def throttles(self) -> dict[tuple[str, str], datetime]:
        """Until when each account was last told to wait, by platform and account."""
        query = select(throttle.c.platform, throttle.c.account, throttle.c.until)
        return {(platform, account): until for platform, account, until in self.tx.execute(query)}

    def credential_ends(self) -> dict[tuple[str, str], datetime]:
        """When each account's credential ends, by platform and account, where that is stated."""
        query = select(credential.c.platform, credential.c.account, credential.c.ends_at).where(
            credential.c.ends_at.is_not(None)
        )
        return {(platform, account): ends for platform, account, ends in self.tx.execute(query)}

    def alerts_open(self) -> tuple[tuple[str, str], ...]:
        """Subject and condition of each alert that is open."""
        query = select(alert.c.subject, alert.c.condition).where(alert.c.closed_at.is_(None))
        return tuple((subject, condition) for subject, condition in self.tx.execute(query))

    def audit_events(self) -> int:
        """How many events the audit has."""
        return int(self.tx.execute(select(tables.ledger.c.audit_number)).scalar_one())


def _ended(sync: str) -> Select[*tuple[object, ...]]:
    return select(run).where(
        run.c.sync == sync, run.c.ended_at.is_not(None), run.c.state != RunState.PLANNED.value
    )
