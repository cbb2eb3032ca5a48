"""Emptying an audience for good that no sync fills any more.

A visit does what is due: everything that may be there is removed, through the same outbox
as any removal; what is in doubt is removed once more after the settle window. When nothing
can be left the audience is retired and its digests are gone from our files. Until then
somebody has to come again. No guard is asked: the operator named the audience.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from syncd import settle
from syncd.errors import Busy, SyncdError
from syncd.leaving import replacing
from syncd.leaving.gone import is_gone, let_go
from syncd.leaving.unread import carry_out, keep
from syncd.ledger.audiences import KnownAudience
from syncd.model import (
    AuditEvent,
    BatchState,
    Emptied,
    Emptying,
    Generation,
    Operation,
    PlanId,
    Run,
    RunState,
)
from syncd.ports import Connector
from syncd.runs.parts import Parts

RETIREMENT = "(retirement)"  # in place of a sync or a segment; no configuration can name one so
_REFUSED = 3

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Retired:
    """What a visit came to.

    Attributes:
        state: `retired` when nothing is left; `gone` when the platform has no such audience
            any more; `emptying` while somebody has to come again.
        removed: Rows whose removal was accepted in this visit.
        refused: Rows that the platform refused to remove; the next visit tries again.
        left: Identifiers that may still be there, or whose removal has not settled.
        under_way: Requests that the platform has accepted and is still working on.
        again_at: When it is worth coming again; None if nothing but the platform's work, or
            a refusal, is waited for.
    """

    audience: KnownAudience
    state: Literal["retired", "gone", "emptying"]
    removed: int = 0
    refused: int = 0
    left: int = 0
    under_way: int = 0
    again_at: datetime | None = None

    @property
    def exit_code(self) -> int:
        """0 nothing is left, 3 rows were refused, 75 to be called again."""
        if self.refused:
            return _REFUSED
        return Busy.exit_code if self.state == "emptying" else 0


def retire(parts: Parts, audience: KnownAudience, *, actor: str) -> Retired:
    """Begin to empty an audience, or carry on with it.

    Args:
        parts: What it takes to remove from it; its sync adds nobody.
        audience: No configured sync fills it.
        actor: For the audit.

    Raises:
        syncd.errors.SyncdError: Something is still to be done; the next visit does it.
    """
    run = _begin(parts, audience, actor=actor)
    parts.lock.tell(run.id)
    with _ended(parts, run, audience):
        if audience.takes_out:
            found = _forget(parts, audience, run)
        else:
            found = _emptied(parts, audience, run)
        state = RunState.PARTIAL if found.refused else RunState.DONE
        parts.ledger.set_run(run.id, state, detail=sentence(found), ended=True)
    parts.membership.sweep(parts.ledger.named_files)  # the last of its digests
    log.info("audience_visited", state=found.state, left=found.left, refused=found.refused)
    return found


def _emptied(parts: Parts, audience: KnownAudience, run: Run) -> Retired:
    connector = parts.connect()
    try:
        return _visit(parts, connector, audience, run)
    except SyncdError as error:
        if not is_gone(parts, connector, audience, error):
            raise
        return _gone(parts, audience, run)


def sentence(found: Retired) -> str:
    """How far it has come, and when to come again."""
    if found.state == "retired":
        if found.audience.takes_out:
            return "Whom syncd took out of it is forgotten; nothing was sent."
        return "Nothing of ours is in it any more."
    if found.state == "gone":
        return "The platform has no such audience any more; what was kept of it is forgotten."
    said = f"Removed {found.removed:,} rows."
    if found.refused:
        said += f" The platform refused {found.refused:,} rows; the next call tries them again."
    if found.under_way:
        said += f" The platform still works on {found.under_way:,} requests: come again later."
    said += f" {found.left:,} identifiers may still be there, or their removal has not settled."
    if found.again_at is not None:
        said += f" Worth calling again: {found.again_at:%Y-%m-%d %H:%M} UTC."
    return said


def _begin(parts: Parts, audience: KnownAudience, *, actor: str) -> Run:
    for earlier in parts.ledger.runs(RETIREMENT):
        if earlier.ended_at is None:
            said = "The process ended in the middle; the next call carried on from there."
            parts.ledger.set_run(earlier.id, RunState.FAILED, detail=said, ended=True)
    run = parts.ledger.open_run(RETIREMENT, actor, event=None)
    if audience.retiring_at is None:
        at = (audience.platform, audience.account, audience.id)
        generation = parts.ledger.generation(*at)
        members = generation.sizes.members if generation else 0
        said = f"{actor} began to forget whom syncd took out of audience {audience.name}."
        if not audience.takes_out:
            said = (
                f"{actor} began to empty audience {audience.name} ({audience.id}) on "
                f"{parts.platform.title} for good: {members:,} members are taken out."
            )
        if audience.adopted:
            said += " Members that syncd did not put there stay in it."
        event = _event(parts, run, audience, "audience_retiring", said, {"members": members})
        parts.ledger.begin_retiring(*at, event=event)
    return run


def _visit(parts: Parts, connector: Connector, audience: KnownAudience, run: Run) -> Retired:
    at = (audience.platform, audience.account, audience.id)
    replacing.recover(parts, connector, audience, actor=run.actor)  # not while that goes on
    said = "Cancelled what was planned for an audience that is emptied for good."
    event = _event(parts, run, audience, "batches_cancelled", said, {})
    parts.ledger.cancel_planned(*at, event=event)
    for batch in parts.ledger.unfinished(*at):
        if batch.phase.operation is Operation.ADD:
            # Not sent again, only to be taken out: its members count as possible, in doubt.
            parts.ledger.mark(batch.id, BatchState.FAILED, code="retired", doubtful=True)
    settle.resolve(parts, connector, audience)
    under_way = settle.poll(parts, connector, audience, actor=run.actor)
    settle.fold(parts, audience, actor=run.actor, settles=True)
    generation = parts.ledger.generation(*at)
    if generation is None:  # nothing was ever put in
        return _over(parts, audience, run)
    if _overtakes(parts, audience):
        left = sum(generation.sizes.identifiers.values())
        return Retired(audience, "emptying", left=left, under_way=under_way)
    emptied = parts.membership.empty(_question(parts, generation))
    if emptied.removals:
        return _remove(parts, connector, audience, run, emptied)
    if emptied.left:
        again = emptied.last_removed_at and emptied.last_removed_at + parts.sync.timing.settle
        return Retired(audience, "emptying", left=emptied.left, under_way=under_way, again_at=again)
    return _over(parts, audience, run)


def _overtakes(parts: Parts, audience: KnownAudience) -> bool:
    """Whether a removal that is sent now could take effect before an earlier addition."""
    if parts.platform.capabilities.ordered:
        return False
    under_way = parts.ledger.under_way(audience.platform, audience.account, audience.id)
    return any(batch.phase.operation is Operation.ADD for batch in under_way)


def _question(parts: Parts, generation: Generation, *, gone: bool = False) -> Emptying:
    plan, now = PlanId(parts.names("p")), parts.clock.now()
    return Emptying(plan, generation, now, parts.sync.timing.settle, gone)


def _remove(
    parts: Parts, connector: Connector, audience: KnownAudience, run: Run, emptied: Emptied
) -> Retired:
    due = emptied.confirmations
    plan = keep(parts, audience, emptied, run=run.id, of=RETIREMENT, confirmations=due)
    parts.ledger.set_run(run.id, RunState.PUSHING, plan=plan.id)
    removed, refused = carry_out(parts, connector, audience, plan, actor=run.actor)
    said = (
        f"The removal of {removed:,} rows was accepted for audience {audience.name} "
        f"({audience.id}) on {parts.platform.title}, which is emptied for good: "
        f"{emptied.leaving_ids:,} identifiers, and {due:,} once more."
    )
    if refused:
        said += f" {refused:,} rows were refused and are tried again."
    counts = {"removed": removed, "refused": refused, "confirmations": due}
    parts.ledger.audit(_event(parts, run, audience, "audience_emptied", said, counts))
    at = (audience.platform, audience.account, audience.id)
    return Retired(
        audience,
        "emptying",
        removed=removed,
        refused=refused,
        left=emptied.left,
        under_way=len(parts.ledger.under_way(*at)),
        again_at=parts.clock.now() + parts.sync.timing.settle,
    )


def _over(parts: Parts, audience: KnownAudience, run: Run) -> Retired:
    said = (
        f"Audience {audience.name} ({audience.id}) on {parts.platform.title} is retired: all that "
        "syncd put there was removed and that has settled."
    )
    if audience.adopted:
        said += " It may hold members that syncd did not put there; they stay in it."
    settle.fold(parts, audience, actor=run.actor, forgets=True)
    at = (audience.platform, audience.account, audience.id)
    event = _event(parts, run, audience, "audience_retired", said, {})
    parts.ledger.retire(*at, event=event)
    return Retired(audience, "retired")


def _gone(parts: Parts, audience: KnownAudience, run: Run) -> Retired:
    """Forget all of an audience that the platform deleted; what it was asked lands nowhere."""
    said = (
        f"Audience {audience.name} ({audience.id}) is gone: {parts.platform.title} knows it no "
        "more. It is retired, and what was kept of its members is forgotten."
    )
    _let_go(parts, audience, run, said)
    return Retired(audience, "gone")


def _forget(parts: Parts, audience: KnownAudience, run: Run) -> Retired:
    """End with an audience that others fill; nothing of ours is in it to be taken out.

    Raises:
        syncd.errors.Busy: An erasure may still have to take its person out of it.
    """
    if parts.ledger.erasures.open():
        raise Busy(
            f"audience {audience.name} ({audience.id}) is not forgotten before every erasure is "
            "complete: `syncd erase --status` lists them"
        )
    said = (
        f"Audience {audience.name} ({audience.id}) on {parts.platform.title} is retired: whom "
        "syncd took out of it is forgotten, and nothing was sent."
    )
    _let_go(parts, audience, run, said)
    return Retired(audience, "retired")


def _let_go(parts: Parts, audience: KnownAudience, run: Run, said: str) -> None:
    """Forget all that is kept of an audience's members."""
    at = (audience.platform, audience.account, audience.id)
    let_go(parts, audience)
    settle.fold(parts, audience, actor=run.actor)
    generation = parts.ledger.generation(*at)
    if generation is not None:
        emptied = parts.membership.empty(_question(parts, generation, gone=True))
        plan = keep(parts, audience, emptied, run=run.id, of=RETIREMENT, confirmations=0)
        settle.fold(parts, audience, actor=run.actor, carried_out=plan, tells=True)
    settle.fold(parts, audience, actor=run.actor, forgets=True)
    parts.ledger.retire(*at, event=_event(parts, run, audience, "audience_retired", said, {}))


def _event(
    parts: Parts,
    run: Run,
    audience: KnownAudience,
    kind: str,
    said: str,
    counts: Mapping[str, int],
) -> AuditEvent:
    return parts.event(
        kind, said, actor=run.actor, audience=audience.name, run=run.id, counts=counts
    )


@contextmanager
def _ended(parts: Parts, run: Run, audience: KnownAudience) -> Iterator[None]:
    """Whatever ends a visit early is in the ledger before anyone hears of it."""
    try:
        yield
    except SyncdError as error:
        event = _event(parts, run, audience, "run_failed", str(error), {})
        parts.ledger.set_run(run.id, RunState.FAILED, detail=str(error), event=event, ended=True)
        log.error("run_failed", error=type(error).__name__)
        raise
