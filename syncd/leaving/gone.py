"""Whether an audience was deleted on its platform, beyond doubt."""

from __future__ import annotations

from syncd.errors import AudienceGone, PlatformError, SyncdError
from syncd.ledger.audiences import KnownAudience
from syncd.model import BatchState
from syncd.ports import Connector
from syncd.runs.parts import Parts


def is_gone(parts: Parts, connector: Connector, audience: KnownAudience, error: SyncdError) -> bool:
    """Whether what a request met says so, and two further questions do.

    One answer stands for an audience that was deleted and for one that the account's
    credentials may not see any more (Meta's 100/33 says as much). So the audience itself
    is asked for once more, and then the account must answer, and not know it: whoever may
    list an account's audiences sees all of them. Anything else is not taken for gone.
    """
    if not isinstance(error, AudienceGone):
        return False
    try:
        parts.patience.ask(connector.read, audience.id)
    except AudienceGone:
        try:
            listed = parts.patience.ask(connector.find, audience.name)
        except PlatformError:
            return False
        return all(one.id != audience.id for one in listed)
    except PlatformError:
        return False
    return False


def let_go(parts: Parts, audience: KnownAudience) -> None:
    """Wait for no request any more that an audience was sent which is gone."""
    at = (audience.platform, audience.account, audience.id)
    for batch in parts.ledger.unfinished(*at):
        parts.ledger.mark(batch.id, BatchState.FAILED, code="gone", doubtful=True)
    parts.ledger.cancel_planned(*at, event=None)  # what found it gone was not sent either
    lost = {batch.id: "gone" for batch in parts.ledger.under_way(*at)}
    if lost:
        parts.ledger.give_up(lost, event=None)
