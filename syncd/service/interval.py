"""How long an audience is left alone between two scheduled edits.

Platforms may begin to learn anew when an audience in use is edited (Meta's Customer File
guide, of `/users`), so a timer can be told to do it less often than it comes by. What an
operator asks for is done at once. Withdrawn consent waits for the next edit too; an erasure
does not.
"""

from __future__ import annotations

from datetime import datetime

from syncd.runs import audiences
from syncd.runs.parts import Parts


def rests_until(parts: Parts) -> datetime | None:
    """When a scheduled run may edit the audience again; None where it may now.

    An edit is a request that the platform accepted, whatever run it was of.
    """
    rest, audience = parts.sync.timing.min_interval, audiences.known(parts)
    if not rest or audience is None:
        return None
    edited = parts.ledger.last_edit(audience.platform, audience.account, audience.id)
    if edited is None or edited + rest <= parts.clock.now():
        return None
    return edited + rest
