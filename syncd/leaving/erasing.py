"""Erased persons in one audience: out at once, once more after the settle window, purged.

Nothing here asks the shop. What the membership says is there is removed, whoever else
holds it keeps it, and no guard is asked. A visit does what is due and says what became of
it; what failed is done by the next visit, at the start of the next run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from syncd import settle
from syncd.errors import Stopped, SyncdError
from syncd.leaving import replacing
from syncd.leaving.gone import is_gone, let_go
from syncd.leaving.unread import keep
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.model import (
    GONE,
    AuditEvent,
    BatchRecord,
    BatchState,
    Erased,
    Erasure,
    ErasureId,
    Found,
    Operation,
    Plan,
    PlanId,
    RunState,
    Search,
    Searched,
    Sizes,
)
from syncd.ports import Connector
from syncd.runs.outbox import send
from syncd.runs.parts import Parts
from syncd.runs.sums import refused_rows

ERASURE = "(erasure)"  # in place of a sync or a segment; no configuration can name one so


def carry_out(parts: Parts, connector: Connector, audience: KnownAudience, *, actor: str) -> None:
    """Do what is due of open erasures in one audience, before anything else is done there.

    Raises:
        syncd.errors.SyncdError: Something is still to be done; the ledger says why.
    """
    left = left_in(parts.ledger, audience)
    if not left:
        return
    erasures = tuple(one for one in parts.ledger.erasures.open() if one.id in left)
    try:
        replacing.recover(parts, connector, audience, actor=actor)
        _ready(parts, connector, audience, erasures, left, actor=actor)
        _remove(parts, connector, audience, erasures, left, actor=actor)
    except Stopped:  # no trouble of the platform's
        raise
    except SyncdError as error:
        if is_gone(parts, connector, audience, error):
            _gone(parts, audience, erasures, left, actor=actor)
            return
        told = [replace(_told(parts.ledger, audience, one), trouble=str(error)) for one in left]
        parts.ledger.erasures.tell(told)
        raise


def left_in(ledger: Ledger, audience: KnownAudience) -> Mapping[ErasureId, Erased]:
    """Open erasures that are not over in an audience, and what became of them there."""
    found = {one.id: _told(ledger, audience, one.id) for one in ledger.erasures.open()}
    return {one: told for one, told in found.items() if told.purged_at is None}


def _told(ledger: Ledger, audience: KnownAudience, erasure: ErasureId) -> Erased:
    at = (audience.platform, audience.account, audience.id)
    for told in ledger.erasures.told(erasure):
        if (told.platform, told.account, told.audience) == at:
            return told
    return Erased(erasure, *at, audience.name, trouble="it was not reached yet")


def _ready(
    parts: Parts,
    connector: Connector,
    audience: KnownAudience,
    erasures: Sequence[Erasure],
    left: Mapping[ErasureId, Erased],
    *,
    actor: str,
) -> None:
    """Bring to an end what is under way, without sending an erased person once more."""
    at = (audience.platform, audience.account, audience.id)
    new = [one for one in left if not parts.ledger.erasures.reached(one, *at)]
    if new:
        # Plans from before may add the person: whoever was shown one draws another.
        said = "Cancelled what was planned before a person was erased; it is planned anew."
        event = parts.event("batches_cancelled", said, actor=actor, audience=audience.name)
        parts.ledger.cancel_planned(*at, event=event)
    else:
        # What an earlier visit could not send is drawn anew. Its plan names the person, and
        # where no sync fills the audience nobody else drops it.
        parts.ledger.cancel_planned(*at, of=ERASURE, event=None)
    question = _question(parts, audience, erasures)
    for batch in parts.ledger.unfinished(*at):
        plan = parts.ledger.plan(batch.plan)
        if plan is None or batch.phase.operation is Operation.REMOVE:
            continue
        if parts.membership.names(plan, batch, question):
            # Its members count as possible, and are added anew by the next plan.
            parts.ledger.mark(batch.id, BatchState.FAILED, code="erased", doubtful=True)
    settle.resolve(parts, connector, audience)
    settle.poll(parts, connector, audience, actor=actor)
    settle.fold(parts, audience, actor=actor)


def _question(parts: Parts, audience: KnownAudience, erasures: Sequence[Erasure]) -> Search:
    at = (audience.platform, audience.account, audience.id)
    return Search(
        plan=PlanId(parts.names("p")),
        platform=parts.platform.name,
        generation=parts.ledger.generation(*at),
        erasures=tuple(erasures),
        now=parts.clock.now(),
        settle=parts.sync.timing.settle,
        settled=settle.settled(parts, audience),
        begun=frozenset(
            one.id for one in erasures if _told(parts.ledger, audience, one.id).removed_at
        ),
    )


def _remove(
    parts: Parts,
    connector: Connector,
    audience: KnownAudience,
    erasures: Sequence[Erasure],
    left: Mapping[ErasureId, Erased],
    *,
    actor: str,
) -> None:
    batches: Sequence[BatchRecord] = ()
    searched = _searched(parts, audience, erasures)
    if not searched.idle:
        batches = _sent(parts, connector, audience, searched, actor=actor)
    refused = refused_rows(batches)
    now = parts.clock.now()
    became = {
        one: _became(left[one], found, batches, refused=refused, now=now)
        for one, found in searched.found.items()
    }
    if searched.purges:
        after = _searched(parts, audience, erasures).found
        became = {
            one: replace(it, purged_at=None if after[one].rows else now)
            for one, it in became.items()
        }
    for one, it in became.items():
        event = _event(parts, audience, it, searched.found[one], actor=actor)
        parts.ledger.erasures.tell([it], event=event)


def _searched(parts: Parts, audience: KnownAudience, erasures: Sequence[Erasure]) -> Searched:
    question = _question(parts, audience, erasures)
    if question.generation is None:  # nothing was ever put in
        nothing = Found(Sizes(), 0, 0, 0, 0, 0, 0)
        return Searched(question.plan, {one.id: nothing for one in erasures})
    return parts.membership.search(question)


def _sent(
    parts: Parts, connector: Connector, audience: KnownAudience, searched: Searched, *, actor: str
) -> Sequence[BatchRecord]:
    """Keep the plan and carry it out; its batches as they are then."""
    plan = _kept(parts, audience, searched, actor=actor)
    try:
        send(parts, connector, plan, parts.ledger.batches(plan.id), audience.id)
    finally:
        settle.fold(parts, audience, actor=actor, carried_out=plan, tells=searched.purges)
    return parts.ledger.batches(plan.id)


def _gone(
    parts: Parts,
    audience: KnownAudience,
    erasures: Sequence[Erasure],
    left: Mapping[ErasureId, Erased],
    *,
    actor: str,
) -> None:
    """The platform deleted the audience: drop what is stored of the persons, and say so."""
    let_go(parts, audience)
    settle.fold(parts, audience, actor=actor)
    question = replace(_question(parts, audience, erasures), gone=True)
    if question.generation is not None:
        searched = parts.membership.search(question)
        if searched.purges:
            plan = _kept(parts, audience, searched, actor=actor)
            settle.fold(parts, audience, actor=actor, carried_out=plan, tells=True)
    now = parts.clock.now()
    where = f"audience {audience.name} ({audience.id}) on {parts.platform.title}"
    for one, told in left.items():
        said = f"Erasure {one} is over for {where}: the platform has no such audience any more."
        event = parts.event("erasure_carried_out", said, actor=actor, audience=audience.name)
        became = replace(told, purged_at=now, trouble=GONE)
        parts.ledger.erasures.tell([became], event=event)


def _kept(parts: Parts, audience: KnownAudience, searched: Searched, *, actor: str) -> Plan:
    run = parts.ledger.open_run(ERASURE, actor, event=None)
    due = sum(found.confirmations for found in searched.found.values())
    plan = keep(parts, audience, searched, run=run.id, of=ERASURE, confirmations=due)
    parts.ledger.set_run(run.id, RunState.DONE, plan=plan.id, ended=True)
    return plan


def _became(
    told: Erased, found: Found, batches: Sequence[BatchRecord], *, refused: int, now: datetime
) -> Erased:
    """What is known after a visit. A refused row leaves all as it was: it is tried again."""
    if refused:
        trouble = f"the platform refused {refused:,} of the rows; the next run tries again"
        return replace(told, shared=found.shared, trouble=trouble)
    removed = bool(found.leaving_ids) or (found.waiting > 0 and told.removed_at is None)
    confirmed = not removed and found.waiting == 0 and (found.confirmations or found.settling)
    references = [batch.reference for batch in batches if batch.reference]
    took = bool(found.leaving_ids or found.confirmations)
    return replace(
        told,
        sizes=told.sizes if told.removed_at else found.leaving,
        shared=found.shared,
        removed_at=now if removed else told.removed_at,
        confirmed_at=None if removed else (told.confirmed_at or (now if confirmed else None)),
        purged_at=None if found.rows else now,
        requests=(*told.requests, *references) if took else told.requests,
        trouble="",
    )


def _event(
    parts: Parts, audience: KnownAudience, became: Erased, found: Found, *, actor: str
) -> AuditEvent | None:
    """What to say of a visit; nothing where it did nothing."""
    where = f"audience {audience.name} ({audience.id}) on {parts.platform.title}"
    counts = {"identifiers": found.leaving_ids, "confirmations": found.confirmations}
    if became.trouble:
        said = f"Erasure {became.erasure}: {where}: {became.trouble}."
    elif found.leaving_ids or found.confirmations:
        first = f"{found.leaving_ids:,} identifiers" if found.leaving_ids else ""
        again = f"{found.confirmations:,} identifiers once more" if found.confirmations else ""
        what = " and of ".join(filter(None, [first, again]))
        said = f"Erasure {became.erasure}: the removal of {what} was accepted for {where}."
        if found.shared:
            said += f" {found.shared:,} stay, since another member holds them."
    else:
        return None
    return parts.event(
        "erasure_carried_out", said, actor=actor, audience=audience.name, counts=counts
    )
