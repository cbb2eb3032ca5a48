"""An audience replaced as a whole, so that whoever else is in it is out.

By a session: one upload drops everyone and loads who is wanted. From its first request on
nobody in the audience is certain, which the ledger keeps (`replace_begun_at`), until the
platform says that it is done, or everyone was sent once more. By a cut-off: everyone is
sent once more, as in a full resync, and whoever was last added before that is taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import structlog

from syncd.errors import Busy, Held, Unreplaced
from syncd.ledger.audiences import KnownAudience
from syncd.model import AuditEvent, BatchRecord, BatchState, Operation, Phase, Plan
from syncd.ports import Connector
from syncd.runs.outbox import send
from syncd.runs.parts import Parts

if TYPE_CHECKING:
    from syncd.ports import Cuts, Replaces

# A session's first batch begins it, and 90 minutes later it is over (facts/meta.md 2.3). A
# first batch without an answer is given as long again to land, or not.
WINDOW = timedelta(minutes=90)
MARGIN = timedelta(minutes=10)
FIRST_LOOK = timedelta(minutes=1)  # a platform may take a moment to say that it has begun
STUCK = timedelta(hours=3)
LONGEST_CUT = timedelta(hours=26)  # Google says up to 24 h; facts/google.md 4.6
SKEW = timedelta(minutes=10)  # by which the platform's clock may be behind ours

_PROCESSED = frozenset({BatchState.PROCESSED, BatchState.SETTLED})
_TAKEN = _PROCESSED | {BatchState.ACCEPTED}

log = structlog.get_logger()


# --- what an earlier run left -------------------------------------------------------------


def recover(parts: Parts, connector: Connector, audience: KnownAudience, *, actor: str) -> bool:
    """Find out what became of a replacement; before any other request to the audience.

    Returns:
        Whether everyone must be sent once more: it failed, or not all of it was sent.

    Raises:
        syncd.errors.Busy: The platform is still at it, and would refuse all else.
    """
    begun = audience.replace_begun_at
    if begun is None:
        return False
    state = parts.patience.ask(cast("Replaces", connector).replacing, audience.id)
    if state == "running":
        raise Busy(_still(parts, audience, begun))
    if state == "failed" or audience.replace_sent_at is None:
        return True
    _replaced(parts, audience, None, actor=actor)
    return False


def tell_unfinished(parts: Parts, audience: KnownAudience, *, actor: str) -> None:
    """Say why a run sends everyone."""
    begun = audience.replace_begun_at
    said = (
        f"The replacement of {_named(parts, audience)}, begun at {begun:%Y-%m-%d %H:%M} UTC, was "
        "not carried to its end, so members may be missing: this run sends everyone once more."
    )
    event = parts.event("audience_replace_unfinished", said, actor=actor, audience=audience.name)
    parts.ledger.audit(event)


def made_good(parts: Parts, audience: KnownAudience, plan: Plan, *, actor: str) -> None:
    """After a full resync, forget a replacement that was not carried to its end.

    Not while its first batch, if it got no answer, could still land: that one would drop
    everyone once more. Until then every run sends everyone.
    """
    begun = audience.replace_begun_at
    if begun is None or plan.created_at < _landed(begun):
        return
    if not _all_in(_additions(parts, plan), _TAKEN):
        return
    said = (
        f"Everyone was sent once more to {_named(parts, audience)}, after a replacement that was "
        "not carried to its end."
    )
    if audience.adopted:
        said += f" It may still hold others: `syncd reconcile {parts.sync.name} --replace`."
    event = _event(parts, audience, "audience_replace_ended", said, actor, plan)
    parts.ledger.end_replacement(*_at(audience), replaced=False, event=event)


# --- by a session --------------------------------------------------------------------------


def by_session(
    parts: Parts, connector: Connector, plan: Plan, audience: KnownAudience, *, actor: str
) -> None:
    """Drop everyone and load a full plan's additions; stay until the platform is done.

    Its removals are not sent: the platform drops whom they name.

    Raises:
        syncd.errors.Unreplaced: It failed, or rows were not taken.
        syncd.errors.PlatformError: A request failed; the next run asks what became of it.
        syncd.errors.Busy: It is, or another one is, still under way.
    """
    for batch in parts.ledger.batches(plan.id):
        if batch.phase is Phase.REMOVE and batch.state is BatchState.PLANNED:
            parts.ledger.mark(batch.id, BatchState.CANCELLED, code="replaced")
    batches = _somebody(parts, plan)
    replaces = cast("Replaces", connector)
    earlier = audience.replace_begun_at
    if earlier is not None:
        raise Busy(
            f"{_named(parts, audience)} is not replaced yet: an earlier replacement, begun at "
            f"{earlier:%Y-%m-%d %H:%M} UTC, could still land until {_landed(earlier):%H:%M}, and "
            "drop whom this one loads. Everyone was sent meanwhile; replace it after that"
        )
    if parts.patience.ask(replaces.replacing, audience.id) == "running":
        raise Busy(_still(parts, audience, None))
    rows = sum(batch.rows for batch in batches)
    said = (
        f"Replacing {_named(parts, audience)} as a whole: {rows:,} members are loaded, and whoever "
        f"else is in it is dropped. {_title(parts)} gives it 90 minutes."
    )
    event = _event(parts, audience, "audience_replace_begun", said, actor, plan)
    parts.ledger.begin_replacement(*_at(audience), event=event)
    upload = replaces.replace(audience.id, rows=rows)
    send(parts, connector, plan, batches, audience.id, whole=upload)
    sent = _additions(parts, plan)
    if not _all_in(sent, _TAKEN) or not any(batch.state in _TAKEN for batch in sent):
        raise Unreplaced(
            f"{_named(parts, audience)} was not replaced: {_title(parts)} did not take all of the "
            "rows. `syncd runs show` says why; the next run sends everyone once more"
        )
    parts.ledger.replacement_sent(*_at(audience))
    _await(parts, replaces, audience)
    _replaced(parts, audience, plan, actor=actor)


def _await(parts: Parts, connector: Replaces, audience: KnownAudience) -> None:
    """Stay until the platform has replaced the audience."""
    begun = parts.clock.now()
    parts.clock.sleep(min(FIRST_LOOK, parts.sync.timing.poll).total_seconds())
    while (state := parts.patience.ask(connector.replacing, audience.id)) == "running":
        if parts.clock.now() > begun + WINDOW + MARGIN:
            raise Busy(_still(parts, audience, begun))
        parts.clock.sleep(min(parts.sync.timing.poll, WINDOW / 9).total_seconds())
    if state == "failed":
        raise Unreplaced(
            f"{_title(parts)} says that replacing {_named(parts, audience)} failed; the next run "
            f"sends everyone once more: `syncd sync {parts.sync.name}`"
        )


# --- by a cut-off --------------------------------------------------------------------------


def begin_cut(parts: Parts, plan: Plan, audience: KnownAudience, *, actor: str) -> datetime:
    """Say what is to come, before everyone is sent; the moment that `cut` is about."""
    rows = sum(batch.rows for batch in _somebody(parts, plan))
    before = parts.clock.now() - SKEW
    said = (
        f"Replacing {_named(parts, audience)}: {rows:,} members are sent once more; when "
        f"{_title(parts)} has processed them, whoever was last added before "
        f"{before:%Y-%m-%d %H:%M} UTC is taken out."
    )
    event = _event(parts, audience, "audience_replace_begun", said, actor, plan)
    parts.ledger.audit(event)
    return before


def cut(
    parts: Parts,
    connector: Connector,
    plan: Plan,
    audience: KnownAudience,
    *,
    before: datetime,
    actor: str,
) -> None:
    """Take out whoever was last added before a full plan's additions; stay until it is done.

    Asked twice, or landing late, it takes out nobody who is wanted: each was added since.

    Raises:
        syncd.errors.Unreplaced: An addition failed or is under way, so nobody was taken
            out; or the platform did not do it.
        syncd.errors.PlatformError: It would not take the request, or gave no answer.
    """
    if not _all_in(_additions(parts, plan), _PROCESSED):
        raise Unreplaced(
            f"{_named(parts, audience)} was not replaced: additions of this run failed or are "
            "still under way, so nobody was taken out. Nobody is missing either; "
            f"`syncd reconcile {parts.sync.name} --replace` begins anew"
        )
    receipt = parts.patience.ask(cast("Cuts", connector).cut, audience.id, before)
    log.info("audience_cut", reference=receipt.reference)
    until = parts.clock.now() + LONGEST_CUT
    state = "processed" if receipt.final else "processing"
    pause = min(parts.platform.capabilities.first_look, parts.sync.timing.poll)
    while state == "processing" and parts.clock.now() < until:
        parts.clock.sleep(pause.total_seconds())
        state = parts.patience.ask(connector.outcome, receipt.reference).state
        pause = parts.sync.timing.poll
    if state != "processed":
        how = "failed" if state == "failed" else "is still under way"
        raise Unreplaced(
            f"taking others out of {_named(parts, audience)} {how} (reference "
            f"{receipt.reference}): it may hold others, and nobody who is wanted is missing"
        )
    _replaced(parts, audience, plan, actor=actor)


# --- both ----------------------------------------------------------------------------------


def refuse_held(plan: Plan) -> None:
    """Replace nothing while removals wait for a person.

    Raises:
        syncd.errors.Held: They do.
    """
    if plan.held:
        raise Held(
            f"nothing was replaced: removals are held: {'; '.join(plan.held)}. Look at it, then "
            f"`syncd approve {plan.id}`, and replace the audience after that"
        )


def _somebody(parts: Parts, plan: Plan) -> Sequence[BatchRecord]:
    """The additions of a full plan, of which there are some."""
    batches = _additions(parts, plan)
    if not batches:
        raise Unreplaced("there is nobody to put in: an audience is not replaced by an empty one")
    return batches


def _additions(parts: Parts, plan: Plan) -> Sequence[BatchRecord]:
    batches = parts.ledger.batches(plan.id)
    return [batch for batch in batches if batch.phase.operation is Operation.ADD]


def _all_in(batches: Sequence[BatchRecord], states: Collection[BatchState]) -> bool:
    """Whether every row of them is in a state, or was refused by name."""
    return all(
        batch.state in states
        or (
            batch.state is BatchState.REFUSED
            and all(refusal.row is not None for refusal in batch.refused)
        )
        for batch in batches
    )


def _replaced(parts: Parts, audience: KnownAudience, plan: Plan | None, *, actor: str) -> None:
    """Say that it is done; without a plan that an earlier run did it."""
    sent = "those" if plan is None else f"the {plan.counts.wanted:,} members"
    said = f"Replaced {_named(parts, audience)}: it holds {sent} that syncd sent and nobody else."
    event = _event(parts, audience, "audience_replaced", said, actor, plan)
    parts.ledger.end_replacement(*_at(audience), replaced=True, event=event)
    log.info("audience_replaced")


def _landed(begun: datetime) -> datetime:
    """When no request of a replacement begun then can have an effect any more."""
    return begun + WINDOW + MARGIN


def _still(parts: Parts, audience: KnownAudience, begun: datetime | None) -> str:
    since = f" since {begun:%Y-%m-%d %H:%M} UTC" if begun else ", by another tool"
    said = (
        f"{_named(parts, audience)} is being replaced{since}. {_title(parts)} gives that 90 "
        "minutes and takes no other change meanwhile: "
    )
    if begun and parts.clock.now() > begun + STUCK:
        return said + "it lasts too long, so look at the audience there"
    return said + "try later"


def _named(parts: Parts, audience: KnownAudience) -> str:
    return f"audience {audience.name} ({audience.id}) on {_title(parts)}"


def _title(parts: Parts) -> str:
    return parts.platform.title


def _at(audience: KnownAudience) -> tuple[str, str, str]:
    return audience.platform, audience.account, audience.id


def _event(
    parts: Parts, audience: KnownAudience, kind: str, said: str, actor: str, plan: Plan | None
) -> AuditEvent:
    """Without a plan the members are those that the last generation counts."""
    if plan is None:
        generation = parts.ledger.generation(*_at(audience))
        members = generation.sizes.members if generation else 0
    else:
        members = plan.counts.wanted
    return parts.event(
        kind,
        said,
        actor=actor,
        audience=audience.name,
        plan=plan.id if plan else "",
        counts={"members": members},
    )
