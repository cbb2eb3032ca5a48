"""Consent that was denied reaches audiences which no sync fills any more.

Where a run's snapshot holds members who deny, orphans of the same account that were filled
by the same rules lose them too: at once, and once more after the settle window. Nobody
else's run looks at those audiences.
"""

from __future__ import annotations

import structlog

from syncd import settle
from syncd.errors import PlatformError
from syncd.leaving.unread import carry_out, keep
from syncd.ledger.audiences import KnownAudience
from syncd.model import (
    BatchState,
    Operation,
    PlanId,
    Run,
    Snapshot,
    Withdrawal,
    Withdrawn,
)
from syncd.ports import Connector
from syncd.runs.parts import Parts

WITHDRAWAL = "(withdrawal)"  # in place of a segment; no configuration can name one so

log = structlog.get_logger()


def reach(parts: Parts, connector: Connector, snapshot: Snapshot, run: Run) -> None:
    """Take out of orphans whom a snapshot says deny consent; one's failure stops nothing.

    Args:
        parts: Of the sync whose run it is.
        connector: Its account's.
        snapshot: Sealed in this run.
        run: For the audit.
    """
    for audience in parts.ledger.audiences():
        if not _orphan(parts, audience):
            continue
        try:
            _reach(parts, connector, snapshot, run, audience=audience)
        except PlatformError as error:
            log.error("withdrawal_waits", error=type(error).__name__)
            said = (
                f"Audience {audience.name} ({audience.id}), which no sync fills any more, was not "
                f"rid of members who deny consent: {error}. The next run tries again; `syncd "
                f"retire {audience.id}` empties it."
            )
            _tell(parts, run, audience, "withdrawal_waits", said)


def _orphan(parts: Parts, audience: KnownAudience) -> bool:
    ours = (audience.platform, audience.account) == (parts.sync.platform, parts.sync.account)
    left = audience.sync not in parts.known_syncs and audience.retiring_at is None
    # Whom a sync took out of what others fill has nothing of ours in there to withdraw.
    return ours and left and audience.state == "active" and not audience.takes_out


def _reach(
    parts: Parts, connector: Connector, snapshot: Snapshot, run: Run, *, audience: KnownAudience
) -> None:
    at = (audience.platform, audience.account, audience.id)
    for batch in parts.ledger.unfinished(*at):
        if batch.phase.operation is Operation.ADD:  # of the sync that it had: not sent again
            parts.ledger.mark(batch.id, BatchState.FAILED, code="orphaned", doubtful=True)
    parts.ledger.cancel_planned(*at, of=WITHDRAWAL, event=None)  # turned away: drawn anew
    settle.resolve(parts, connector, audience)
    settle.poll(parts, connector, audience, actor=run.actor)
    settle.fold(parts, audience, actor=run.actor)
    generation = parts.ledger.generation(*at)
    under_way = parts.ledger.under_way(*at)
    overtakes = any(batch.phase.operation is Operation.ADD for batch in under_way)
    if generation is None or generation.rules != snapshot.rules or overtakes:
        return
    now, window, guard = parts.clock.now(), parts.sync.timing.settle, parts.sync.guard
    plan = PlanId(parts.names("p"))
    found = parts.membership.withdraw(Withdrawal(plan, snapshot, generation, guard, now, window))
    if found.held:
        said = (
            f"Members who deny consent stay in audience {audience.name} ({audience.id}), which no "
            f"sync fills any more: {'; '.join(found.held)}. `syncd retire {audience.id}` empties "
            "it."
        )
        _tell(parts, run, audience, "withdrawal_waits", said)
    if found.removals:
        _remove(parts, connector, found, run, audience=audience)


def _remove(
    parts: Parts, connector: Connector, found: Withdrawn, run: Run, *, audience: KnownAudience
) -> None:
    due = found.confirmations
    plan = keep(parts, audience, found, run=run.id, of=WITHDRAWAL, confirmations=due)
    removed, refused = carry_out(parts, connector, audience, plan, actor=run.actor)
    said = (
        f"The removal of {removed:,} rows of members who deny consent was accepted for audience "
        f"{audience.name} ({audience.id}), which no sync fills any more: {found.identifiers:,} "
        f"identifiers, and {due:,} once more."
    )
    if refused:
        said += f" {refused:,} rows were refused; the next run tries them again."
    counts = {"removed": removed, "refused": refused, "confirmations": due}
    _tell(parts, run, audience, "withdrawal_carried_out", said, **counts)


def _tell(
    parts: Parts, run: Run, audience: KnownAudience, kind: str, said: str, **counts: int
) -> None:
    event = parts.event(
        kind, said, actor=run.actor, audience=audience.name, run=run.id, counts=counts
    )
    parts.ledger.audit(event)
