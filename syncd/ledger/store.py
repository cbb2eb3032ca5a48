"""The ledger as the rest of syncd sees it: one method, one transaction.

Whoever looks at an audit event sees what was committed with it, and nothing else: an
`event` is written in the transaction of its change. Its empty `run` and `plan` are
filled in where the change has them.

Audiences are named by platform, account and the platform's id, as in `model.Audience`.
Methods that look for something return None or nothing where there is none; those that
change what is not there raise ValueError, which is our bug, or UsageError for a run or
a plan, which a person may have named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from syncd.ledger import audiences, audit, batches, generations, plans, runs
from syncd.ledger.accounts import Accounts
from syncd.ledger.alerting import Alerts
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.audit import Verification
from syncd.ledger.batchledger import BatchLedger
from syncd.ledger.due import DueTimes
from syncd.ledger.erasures import Erasures
from syncd.ledger.figures import Figures
from syncd.ledger.fitted import FittedModels
from syncd.ledger.lookups import Lookups
from syncd.ledger.measured import Measurements
from syncd.ledger.plans import Approval
from syncd.ledger.states import PlanState
from syncd.ledger.surveys import Surveys
from syncd.ledger.tables import ledger
from syncd.ledger.transactions import Stamp, Transactions, advance
from syncd.model import (
    Audience,
    AuditEvent,
    BatchId,
    BatchRecord,
    BatchState,
    Generation,
    Plan,
    PlanId,
    Run,
    RunId,
    RunState,
    Sizes,
    Snapshot,
)
from syncd.ports import Clock


class Ledger(BatchLedger):
    """Runs, plans, batches, memberships and the audit chain; may be shared by threads."""

    def __init__(self, transactions: Transactions, ledger_id: str, clock: Clock) -> None:
        super().__init__(transactions, clock)
        self.ledger_id = ledger_id
        self.erasures = Erasures(transactions, clock)
        self.accounts = Accounts(transactions, clock)
        self.measured = Measurements(transactions)
        self.due = DueTimes(transactions)
        self.alerts = Alerts(transactions)
        self.figures = Figures(transactions)
        self.fitted = FittedModels(transactions)
        self.surveys = Surveys(transactions)
        self.lookups = Lookups(transactions)

    @property
    def transactions(self) -> Transactions:
        """For what changes a ledger as a whole: `syncd.ledger.rebuild`."""
        return self._tx

    def close(self) -> None:
        """Close all connections."""
        self._tx.engine.dispose()

    def claim(
        self,
        audience: Audience,
        sync: str,
        *,
        known_syncs: frozenset[str],
        event: AuditEvent | None,
        created: bool = False,
        takes_out: bool = False,
    ) -> None:
        """Say that a sync fills an audience; `event` is written if that is new.

        Args:
            known_syncs: All configured syncs. An audience whose sync is not among them
                moves to `sync`: it was renamed, or is gone.
            created: We have just made the audience, so what is in it is ours.
            takes_out: Others fill it; the sync only takes members out.

        Raises:
            syncd.errors.ConfigError: Another configured sync fills it.
        """
        with self._tx.write() as tx:
            changed = audiences.claim(
                tx,
                audience,
                sync,
                known_syncs=known_syncs,
                created=created,
                now=self._clock.now(),
                takes_out=takes_out,
            )
            if changed:
                self._tx.tell(tx, event)

    def known(self, platform: str, account: str, audience_id: str) -> KnownAudience | None:
        """What the ledger knows of an audience."""
        with self._tx.read() as tx:
            return audiences.known(tx, platform, account, audience_id)

    def audience_of(self, sync: str) -> KnownAudience | None:
        """The audience that a sync fills now."""
        with self._tx.read() as tx:
            return audiences.of_sync(tx, sync)

    def audiences(self) -> tuple[KnownAudience, ...]:
        """All audiences that were ever claimed, orphans and retired ones too."""
        with self._tx.read() as tx:
            return audiences.every(tx)

    def adopt(
        self, platform: str, account: str, audience_id: str, *, event: AuditEvent | None
    ) -> None:
        """Take over a claimed audience that may hold others."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            audiences.change(tx, pk, adopted=True, ours=True)
            self._tx.tell(tx, event)

    def refreshed(self, platform: str, account: str, audience_id: str, at: datetime) -> None:
        """Note that whoever was due by then was sent again before they expire."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            audiences.change(tx, pk, refreshed_at=at)

    def begin_retiring(
        self, platform: str, account: str, audience_id: str, *, event: AuditEvent | None
    ) -> None:
        """Note that an audience is being emptied for good: from now on no sync fills it.

        A later claim by a sync ends that.
        """
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            audiences.change(tx, pk, retiring_at=self._clock.now(), sync="")
            self._tx.tell(tx, event)

    def retire(
        self, platform: str, account: str, audience_id: str, *, event: AuditEvent | None
    ) -> None:
        """Note that an audience was emptied for good; a later claim takes it up again."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            audiences.change(tx, pk, state="retired")
            self._tx.tell(tx, event)

    def begin_replacement(
        self, platform: str, account: str, audience_id: str, *, event: AuditEvent | None
    ) -> None:
        """Note, before the first request of it, that nobody in an audience is certain."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            now = self._clock.now()
            audiences.change(tx, pk, replace_begun_at=now, replace_sent_at=None)
            self._tx.tell(tx, event)

    def replacement_sent(self, platform: str, account: str, audience_id: str) -> None:
        """Note that everyone was sent who is to be in an audience after its replacement."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            audiences.change(tx, pk, replace_sent_at=self._clock.now())

    def end_replacement(
        self,
        platform: str,
        account: str,
        audience_id: str,
        *,
        replaced: bool,
        event: AuditEvent | None,
    ) -> None:
        """Note that a replacement is over; `replaced`: nobody else is in any more."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience_id).pk
            ours = {"adopted": False} if replaced else {}
            audiences.change(tx, pk, replace_begun_at=None, replace_sent_at=None, **ours)
            self._tx.tell(tx, event)

    def open_run(self, sync: str, actor: str, *, event: AuditEvent | None) -> Run:
        """Begin a run."""
        with self._tx.write() as tx:
            run = runs.begin(tx, sync, actor, now=self._clock.now())
            self._tx.tell(tx, event, run=run.id)
            return run

    def set_run(
        self,
        run_id: RunId,
        state: RunState,
        *,
        plan: PlanId | None = None,
        detail: str = "",
        event: AuditEvent | None = None,
        ended: bool = False,
        error: str = "",
    ) -> Run:
        """Say where a run stands; a plan, detail or error's class that is not given stays."""
        now = self._clock.now() if ended else None
        with self._tx.write() as tx:
            told = {"detail": detail, "error": error}
            run = runs.change(tx, run_id, state, plan=plan, ended_at=now, **told)
            self._tx.tell(tx, event, run=run_id, plan=run.plan or "")
            return run

    def run(self, run_id: str) -> Run | None:
        """The run with this id."""
        with self._tx.read() as tx:
            return runs.one(tx, run_id)

    def runs(self, sync: str | None = None, limit: int = 50) -> tuple[Run, ...]:
        """The last runs, of one sync or of all, the newest first."""
        with self._tx.read() as tx:
            return runs.latest(tx, sync, limit)

    def add_snapshot(self, snapshot: Snapshot, run: RunId) -> None:
        """Keep a sealed snapshot; again by a run that shares it changes nothing."""
        with self._tx.write() as tx:
            runs.add_snapshot(tx, snapshot, run)

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot with this id."""
        with self._tx.read() as tx:
            return runs.snapshot_of(tx, snapshot_id)

    def last_snapshot(self, segment: str, rules: str) -> Snapshot | None:
        """The newest snapshot of a segment for one rule set."""
        with self._tx.read() as tx:
            return runs.last_snapshot(tx, segment, rules)

    def add_plan(
        self,
        plan: Plan,
        run: RunId,
        batches_: Sequence[BatchRecord],
        *,
        event: AuditEvent | None,
        shown: bool = True,
    ) -> None:
        """Keep a plan, `held` if it says so and else `drafted`, and its planned batches.

        One that is not `shown` to anybody is `superseded` from the start.
        Call it within `directory.step`, after the plan's file is on the disk.
        """
        with self._tx.write() as tx:
            plans.add(tx, plan, run, batches_, shown=shown)
            advance(tx)
            self._tx.tell(tx, event, run=run, plan=plan.id)

    def plan(self, plan_id: str) -> Plan | None:
        """The plan with this id."""
        with self._tx.read() as tx:
            return plans.one(tx, plan_id)

    def plan_state(self, plan_id: str) -> PlanState | None:
        """Where a plan stands."""
        with self._tx.read() as tx:
            return plans.state(tx, plan_id)

    def set_plan_state(
        self, plan_id: PlanId, state: PlanState, *, event: AuditEvent | None = None
    ) -> None:
        """Say where a plan stands."""
        with self._tx.write() as tx:
            plans.set_state(tx, plan_id, state)
            self._tx.tell(tx, event, plan=plan_id)

    def approve(
        self, plan_id: PlanId, actor: str, *, event: AuditEvent | None, expires_at: datetime
    ) -> Approval:
        """Permit a plan's removals until `expires_at`."""
        with self._tx.write() as tx:
            now = self._clock.now()
            given = plans.approve(tx, plan_id, actor, now=now, expires_at=expires_at)
            self._tx.tell(tx, event, plan=plan_id)
            return given

    def approval(self, plan_id: str) -> Approval | None:
        """A plan's last approval, expired or not."""
        with self._tx.read() as tx:
            return plans.approved(tx, plan_id)

    def approvals(self, platform: str, account: str, audience: str) -> tuple[Approval, ...]:
        """Approvals of an audience's plans that still stand, one a plan, oldest plan first."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return plans.live_approvals(tx, pk, self._clock.now())

    def spend_approvals(self, platform: str, account: str, audience: str) -> None:
        """End the approvals that stand: what they let go was sent."""
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience).pk
            plans.spend(tx, pk, self._clock.now())

    def last_relief(self, platform: str, account: str, audience: str) -> datetime | None:
        """When an approval last ended, spent or expired: losses before it are accepted."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return plans.last_relief(tx, pk, self._clock.now())

    def passed_snapshot(self, platform: str, account: str, audience: str) -> Snapshot | None:
        """The snapshot of the last plan whose removals were free to go, or None."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            found = plans.passed(tx, pk)
            return None if found is None else runs.snapshot_of(tx, found.snapshot)

    def passed_plan(self, platform: str, account: str, audience: str) -> Plan | None:
        """The last plan whose removals were free to go, or None."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return plans.passed(tx, pk)

    def generation(self, platform: str, account: str, audience: str) -> Generation | None:
        """The audience's membership as it stands."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return generations.latest(tx, pk)

    def commit_generation(
        self,
        platform: str,
        account: str,
        audience: str,
        generation: Generation,
        folded: Mapping[BatchId, BatchState],
        *,
        event: AuditEvent | None = None,
    ) -> None:
        """Keep the next membership and which batch states it has taken in.

        Call it within `directory.step`, after the generation's file is on the disk.

        Raises:
            syncd.errors.LedgerMismatch: Its number does not follow the last one.
        """
        with self._tx.write() as tx:
            pk = audiences.needed(tx, platform, account, audience).pk
            generations.add(tx, pk, generation)
            batches.fold(tx, pk, folded)
            advance(tx)
            self._tx.tell(tx, event)

    def largest_sizes(self, platform: str, account: str, audience: str, since: datetime) -> Sizes:
        """The largest sizes, kind by kind, that the audience has had since then."""
        with self._tx.of(platform, account, audience) as (tx, pk):
            return generations.largest(tx, pk, since)

    def named_files(self) -> frozenset[str]:
        """Every path that some row still needs; other files may be deleted at start."""
        with self._tx.read() as tx:
            return generations.named_files(tx, self._clock.now())

    def stamp(self) -> Stamp:
        """Which ledger this is and how far it has come."""
        with self._tx.read() as tx:
            return Stamp(self.ledger_id, tx.execute(select(ledger.c.counter)).scalar_one())

    def audit(self, event: AuditEvent) -> AuditEvent:
        """Write an event that goes with no change; returns it numbered and sealed."""
        with self._tx.write() as tx:
            return audit.append(tx, self._tx.audit_key, event)

    def events(
        self,
        *,
        since: datetime | None = None,
        sync: str | None = None,
        kind: str | None = None,
        after: int = 0,
        limit: int = 1000,
        newest: bool = False,
    ) -> tuple[AuditEvent, ...]:
        """Audit events that fit, in order.

        Args:
            after: Only events with a greater number.
            limit: At most so many: the first ones, or with `newest` the last ones.
        """
        with self._tx.read() as tx:
            return audit.events(
                tx, since=since, sync=sync, kind=kind, after=after, limit=limit, newest=newest
            )

    def verify(self) -> Verification:
        """Walk the audit chain from its first event to its last."""
        with self._tx.read() as tx:
            return audit.verify(tx, self._tx.audit_key)
