"""From a snapshot to a kept plan, and back to a plan that a person was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from syncd.errors import PlanRefused
from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.model import (
    BatchRecord,
    BatchState,
    Comparison,
    Generation,
    Phase,
    Plan,
    PlanCounts,
    PlanId,
    Refresh,
    Run,
    RunState,
    Sizes,
    Snapshot,
)
from syncd.runs import cutting
from syncd.runs.changes import changes
from syncd.runs.parts import Parts
from syncd.runs.refresh import refresh
from syncd.runs.sentences import numbers, sentence

REFERENCE = timedelta(days=7)  # the guard measures against the largest membership since
PLAN_AGE = timedelta(hours=24)  # a plan older than this is not carried out as shown

log = structlog.get_logger()


def draw(
    parts: Parts,
    opened: Run,
    snapshot: Snapshot,
    audience: KnownAudience | None,
    *,
    actor: str,
    full: bool = False,
    stated: int | None = None,
) -> Plan:
    """Compare a snapshot with what its audience holds and keep the plan.

    Where the audience is not there yet, everybody is an addition and nothing is kept.

    Args:
        parts, opened, snapshot: The sync's, the run, and what was sealed in it.
        audience: What it is compared with, if it is there yet.
        actor: For the audit.
        full: A full resync, see `model.Comparison`.
        stated: Likewise.
    """
    plan_id = PlanId(parts.names("p"))
    comparison = replace(_comparison(parts, snapshot, audience, plan_id), full=full, stated=stated)
    compared = parts.membership.plan(comparison)
    counts = _with_holdout(parts, audience, compared.counts)
    plan = Plan(
        id=plan_id,
        sync=parts.sync.name,
        platform=parts.sync.platform,
        account=parts.sync.account,
        audience=audience.id if audience else "",
        snapshot=snapshot.id,
        generation=comparison.generation.number if comparison.generation else 0,
        configuration=parts.sync.configuration,
        rules=parts.rules_name,
        counts=counts,
        held=compared.held,
        created_at=comparison.now,
        path=compared.path,
        checksum=compared.checksum,
        takes_out=parts.sync.takes_out,
    )
    _say(plan)
    if audience is not None:
        _keep(parts, opened, plan, audience, actor=actor)
    return plan


def _with_holdout(parts: Parts, audience: KnownAudience | None, counts: PlanCounts) -> PlanCounts:
    """Its numbers, with the share that is held out, and that of the last plan that passed."""
    at = (audience.platform, audience.account, audience.id) if audience else None
    before = parts.ledger.passed_plan(*at) if at else None
    return replace(
        counts,
        holdout=parts.sync.holdout.share if parts.sync.holdout else 0.0,
        holdout_before=before.counts.holdout if before else None,
        expired=parts.sync.expired.isoformat() if parts.sync.expired else "",
        arm=f"{parts.sync.arm} of {parts.sync.arms}" if parts.sync.arms else "",
        arm_before=before.counts.arm if before else None,
        definition=parts.sync.definition,
        definition_before=before.counts.definition if before else "",
    )


def latest(parts: Parts, audience: KnownAudience | None) -> Generation | None:
    """What a snapshot will be compared with; None where everyone has to be looked at."""
    if audience is None or audience.takes_out:
        return None
    return parts.ledger.generation(audience.platform, audience.account, audience.id)


def _say(plan: Plan) -> None:
    log.info(
        "plan_made",
        plan=plan.id,
        additions=plan.counts.additions,
        again=plan.counts.again,
        removals=plan.counts.removals,
        held=len(plan.held),
    )


def _keep(parts: Parts, opened: Run, plan: Plan, audience: KnownAudience, *, actor: str) -> None:
    """From here on its batches may be sent, and a person may approve it."""
    event = parts.event(
        "plan_held" if plan.held else "plan_made",
        sentence(plan),
        actor=actor,
        audience=audience.name,
        counts=numbers(plan),
    )
    with directory.step(parts.ledger, parts.directory):
        parts.ledger.add_plan(plan, opened.id, _batches(parts, plan), event=event)


def _comparison(
    parts: Parts, snapshot: Snapshot, audience: KnownAudience | None, plan: PlanId
) -> Comparison:
    ledger, sync, now = parts.ledger, parts.sync, parts.clock.now()
    at = (audience.platform, audience.account, audience.id) if audience else None
    generation = ledger.generation(*at) if at else None
    relief = ledger.last_relief(*at) if at else None
    since = max(now - REFERENCE, relief) if relief else now - REFERENCE
    before = ledger.passed_snapshot(*at) if at else None
    plans = {a.plan: ledger.plan(a.plan) for a in ledger.approvals(*at)} if at else {}
    under_way = ledger.under_way(*at) if at else ()
    return Comparison(
        plan=plan,
        sync=sync.name,
        snapshot=snapshot,
        generation=generation,
        consent=parts.consent,
        removes=sync.removes,
        ordered=parts.platform.capabilities.ordered,
        guard=sync.guard,
        reference=_reference(ledger, at, since) if at else Sizes(),
        # Of an expired segment nothing is as it was, which says nothing of the shop.
        changes=() if sync.expired else changes(before, snapshot),
        approved=tuple(found for found in plans.values() if found is not None),
        under_way=tuple((needed(ledger.plan(b.plan)), b) for b in under_way),
        now=now,
        settle=sync.timing.settle,
        refresh=_refresh(parts, audience, now),
        takes_out=sync.takes_out,
    )


def _refresh(parts: Parts, audience: KnownAudience | None, now: datetime) -> Refresh | None:
    if audience is None or audience.takes_out:
        return None
    lifespan = audience.lifespan or parts.platform.capabilities.lifespan
    claimed, last = audience.claimed_at, audience.refreshed_at
    return refresh(lifespan, claimed_at=claimed, refreshed_at=last, now=now)


def _reference(ledger: Ledger, at: tuple[str, str, str], since: datetime) -> Sizes:
    """The largest membership since then; who was erased meanwhile is no loss."""
    largest, erased = ledger.largest_sizes(*at, since), ledger.erasures.sizes(*at, since)
    kinds = {
        kind: max(count - erased.identifiers.get(kind, 0), 0)
        for kind, count in largest.identifiers.items()
    }
    return Sizes(max(largest.members - erased.members, 0), kinds)


def needed(plan: Plan | None) -> Plan:
    """The plan, of which the ledger has batches."""
    if plan is None:
        raise RuntimeError("the ledger has a batch of a plan it does not have")
    return plan


def _batches(parts: Parts, plan: Plan) -> list[BatchRecord]:
    counts = plan.counts
    rows = {
        Phase.REMOVE: counts.removals,
        Phase.ADD: counts.additions,
        Phase.AGAIN: counts.again,
    }
    return cutting.batches(parts, plan, rows)


def shown(parts: Parts, plan_id: str) -> Plan:
    """The plan that a person was shown, if it still says what would be done now.

    Raises:
        syncd.errors.PlanRefused: It does not.
    """
    plan, ledger = find(parts, plan_id), parts.ledger
    generation = ledger.generation(plan.platform, plan.account, plan.audience)
    age = parts.clock.now() - plan.created_at
    reasons = [
        (plan.sync != parts.sync.name, f"it is a plan of sync {plan.sync}"),
        (_begun(parts, plan), "it was carried out, or cancelled by a later run"),
        ((generation.number if generation else 0) != plan.generation, "the audience changed since"),
        (plan.configuration != parts.sync.configuration, "the configuration changed since"),
        (plan.rules != parts.rules_name, "the rule set changed since"),
        (age > PLAN_AGE, f"its snapshot is older than {PLAN_AGE.total_seconds() / 3600:.0f} h"),
    ]
    wrong = "; ".join(reason for applies, reason in reasons if applies)
    if wrong:
        raise PlanRefused(
            f"plan {plan_id} is not carried out: {wrong}. `syncd plan {parts.sync.name}` draws "
            "a new one"
        )
    return plan


def _begun(parts: Parts, plan: Plan) -> bool:
    batches = parts.ledger.batches(plan.id)
    untouched = all(batch.state is BatchState.PLANNED for batch in batches)
    return parts.ledger.plan_state(plan.id) not in {"drafted", "held"} or not untouched


def find(parts: Parts, plan_id: str) -> Plan:
    """The plan with this id.

    Raises:
        syncd.errors.PlanRefused: There is none.
    """
    plan = parts.ledger.plan(plan_id)
    if plan is None:
        raise PlanRefused(f"there is no plan {plan_id}; `syncd runs` lists them")
    return plan


def held_plan(ledger: Ledger, runs: Iterable[Run]) -> PlanId | None:
    """The newest held plan of a sync that waits for a person; None if none does.

    Args:
        ledger: Where its plans are.
        runs: The sync's last ones, the newest first.
    """
    for each in runs:
        plan = ledger.plan(each.plan) if each.plan else None
        if plan is not None and ledger.plan_state(plan.id) == "superseded":
            return None  # by a rebuild: nothing from before it can be approved
        if plan is not None and plan.held and ledger.approval(plan.id) is None:
            return plan.id
        if each.state in {RunState.DONE, RunState.PARTIAL, RunState.PROCESSING}:
            return None
    return None
