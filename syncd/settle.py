"""What happens after a request: unknown outcomes, work under way, the next membership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.model import (
    AuditEvent,
    BatchId,
    BatchRecord,
    BatchState,
    Generation,
    Operation,
    Outcome,
    Plan,
    PlanId,
)
from syncd.ports import Connector
from syncd.runs.outbox import send
from syncd.runs.parts import Parts

# Google says up to 24 h, facts/google.md 3.2. Three times that is no delay any more: the
# request was lost on their side, and removals would wait for it for ever.
LONGEST = timedelta(hours=72)

log = structlog.get_logger()


def resolve(parts: Parts, connector: Connector, audience: KnownAudience) -> int:
    """Send again what nobody knows the outcome of, before anything opposite; how many.

    The same batch, the same rows: additions and removals are sets, so twice is once.
    """
    unfinished = parts.ledger.unfinished(audience.platform, audience.account, audience.id)
    for (plan_id, _), batches in groupby(unfinished, lambda b: (b.plan, b.phase.operation)):
        send(parts, connector, _plan(parts, plan_id), list(batches), audience.id)
    return len(unfinished)


def poll(parts: Parts, connector: Connector, audience: KnownAudience, *, actor: str) -> int:
    """Ask what became of accepted batches; how many are still under way.

    What takes longer than `LONGEST`, or is not known to the platform any more, is given
    up: it keeps nothing waiting, and may still take effect. Batches whose rows are in one
    request of the platform's are asked about once. Where the platform has begun with one only
    now, as its sender had died, all that went out with it are as new.
    """
    waiting = 0
    told: dict[str, Outcome] = {}
    begun = set[tuple[PlanId, Operation]]()
    lost: dict[BatchId, tuple[BatchRecord, str]] = {}
    for batch in parts.ledger.under_way(audience.platform, audience.account, audience.id):
        outcome = told.get(batch.reference)
        if outcome is None:
            outcome = parts.patience.ask(connector.outcome, batch.reference)
            # What it counts is of the request, not of each of its batches.
            told[batch.reference] = replace(outcome, refused=())
        if outcome.begun:
            begun.add((batch.plan, batch.phase.operation))
        elif outcome.state == "processing":
            outcome = replace(outcome, begun=(batch.plan, batch.phase.operation) in begun)
        code = _lost(batch, outcome, parts.clock.now())
        if code:
            lost[batch.id] = batch, code
            continue
        parts.ledger.outcome(batch.id, outcome)
        if outcome.state == "processing":
            waiting += 1
        else:
            log.info(
                "batch_processed",
                batch=batch.id,
                state=outcome.state,
                refused=sum(refusal.count for refusal in outcome.refused),
            )
    if lost:
        _give_up(parts, audience, lost, actor=actor)
    return waiting


def until_first_look(parts: Parts, audience: KnownAudience) -> timedelta:
    """How long it is too early to ask what became of accepted batches; nothing if it is not.

    By the one accepted last: whoever waits, waits for that too. `poll:` may ask for less.
    """
    under_way = parts.ledger.under_way(audience.platform, audience.account, audience.id)
    accepted = [batch.accepted_at for batch in under_way if batch.accepted_at is not None]
    if not accepted:
        return timedelta()
    advised = min(parts.platform.capabilities.first_look, parts.sync.timing.poll)
    left = max(accepted) + advised - parts.clock.now()
    return min(max(left, timedelta()), advised)  # also where the clock was put back


def _lost(batch: BatchRecord, outcome: Outcome, now: datetime) -> str:
    """Why nobody waits for a batch any more, as a code; "" if its answer may still come."""
    if outcome.state == "forgotten":
        return "FORGOTTEN"
    accepted = now if outcome.begun else batch.accepted_at
    late = accepted is not None and now - accepted > LONGEST
    return "STILL_PROCESSING" if late and outcome.state == "processing" else ""


def _give_up(
    parts: Parts,
    audience: KnownAudience,
    lost: Mapping[BatchId, tuple[BatchRecord, str]],
    *,
    actor: str,
) -> None:
    rows = dict.fromkeys(Operation, 0)
    for batch, _ in lost.values():
        rows[batch.phase.operation] += batch.rows
    requests = "1 request" if len(lost) == 1 else f"{len(lost):,} requests"
    said = (
        f"Gave up on {requests} that {parts.platform.title} accepted and has not worked on within "
        f"{LONGEST.total_seconds() / 3600:g} h, or does not know any more: {rows[Operation.ADD]:,} "
        f"rows to add, {rows[Operation.REMOVE]:,} to remove. They may still take effect. Whoever "
        "is wanted is added anew; whoever is not is removed, and once more after the settle window."
    )
    counts = {
        "batches": len(lost),
        "additions": rows[Operation.ADD],
        "removals": rows[Operation.REMOVE],
    }
    event = parts.event("batch_given_up", said, actor=actor, audience=audience.name, counts=counts)
    parts.ledger.give_up({one: code for one, (_, code) in lost.items()}, event=event)
    log.warning("batch_given_up", **counts)


def fold(
    parts: Parts,
    audience: KnownAudience,
    *,
    actor: str,
    carried_out: Plan | None = None,
    tells: bool = False,
    settles: bool = False,
    forgets: bool = False,
) -> bool:
    """Take what became of batches into the membership; whether there was anything.

    A plan that was just carried out under changed rules is taken in though it had nothing
    to send: from then on the audience is one of those rules. So is one that `tells` of rows
    what is to be kept.
    With `settles`, what has settled is forgotten though there is nothing to take in. So is who
    has left, with `forgets` or once that was long enough ago.
    """
    at = (audience.platform, audience.account, audience.id)
    unfolded, last = parts.ledger.unfolded(*at), parts.ledger.generation(*at)
    plans = [
        (_plan(parts, plan_id), list(batches))
        for plan_id, batches in groupby(unfolded, lambda batch: batch.plan)
    ]
    moves = carried_out and last and (tells or last.rules != carried_out.rules)
    if carried_out and moves and all(plan.id != carried_out.id for plan, _ in plans):
        plans.append((carried_out, []))
    settles |= parts.membership.outlived(last, parts.clock.now())
    forgets &= last is not None and last.remembers is not None
    if not plans and not ((settles or forgets) and last):
        return False
    with directory.step(parts.ledger, parts.directory):
        made = parts.membership.fold(
            parts.names("g"),
            last,
            plans,
            now=parts.clock.now(),
            settled=settled(parts, audience),
            forgets=forgets,
        )
        event = _moved(parts, last, made, [plan for plan, _ in plans], actor=actor)
        folded = {batch.id: batch.state for batch in unfolded}
        parts.ledger.commit_generation(*at, made, folded, event=event)
    return True


def _moved(
    parts: Parts, last: Generation | None, made: Generation, plans: Sequence[Plan], *, actor: str
) -> AuditEvent | None:
    """What to say, once, when an audience goes over to changed rules."""
    if last is None or last.rules == made.rules:
        return None
    plan = next(plan for plan in plans if plan.generation == last.number)
    replaced = plan.counts.migrating + plan.counts.superseded
    said = f"The rule set changed from {last.rules} to {made.rules}: "
    if parts.sync.removes:
        hours = parts.sync.timing.settle.total_seconds() / 3600
        said += (
            f"{replaced:,} identifiers get a new digest; the old ones leave after {hours:g} h, "
            "outside the guard."
        )
    elif parts.sync.takes_out:
        said += "members are taken out once more, by their new digests, outside the guard."
    else:
        said += "members get their new digests; the old ones stay, for this sync only adds."
    numbers = {"migrating": replaced}
    return parts.event("rules_changed", said, actor=actor, plan=plan.id, counts=numbers)


def settled(parts: Parts, audience: KnownAudience) -> datetime:
    """Removals accepted by then have taken effect; none that is still under way has."""
    due = parts.clock.now() - parts.sync.timing.settle
    under_way = parts.ledger.under_way(audience.platform, audience.account, audience.id)
    accepted = [batch.accepted_at for batch in under_way if batch.accepted_at is not None]
    return min([due, *(at - timedelta(seconds=1) for at in accepted)])


def gated(parts: Parts, audience: KnownAudience) -> bool:
    """Whether members to be sent again must still wait: removals are under way.

    Only where requests take effect later and in any order: an addition could be applied
    before the removal that it is to follow.
    """
    if parts.platform.capabilities.ordered:
        return False
    under_way = parts.ledger.under_way(audience.platform, audience.account, audience.id)
    return any(batch.phase.operation is Operation.REMOVE for batch in under_way)


def waiting(batches: Sequence[BatchRecord]) -> list[BatchRecord]:
    """Batches of a plan that were not sent yet."""
    return [batch for batch in batches if batch.state is BatchState.PLANNED]


def _plan(parts: Parts, plan_id: PlanId) -> Plan:
    plan = parts.ledger.plan(plan_id)
    if plan is None:
        raise RuntimeError(f"the ledger has batches of a plan it does not have: {plan_id}")
    return plan
