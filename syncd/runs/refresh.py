"""Whose membership is renewed before the platform ends it; pure.

Platforms end a membership that nobody renews (Google after 540 days), and to send a member
again renews it. Not all at once, and not all that were added on one day: each member has a
slot, and it is the turn of one slot a day. A member is sent again at the latest two thirds
of the lifespan after they were added, and from then on every third of it: so a daemon that
stood still for a third of it misses nobody.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.model import Refresh

_DAY = timedelta(days=1)
_DAY_ZERO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_TURNS = 3  # in a lifespan


def refresh(
    lifespan: timedelta | None,
    *,
    claimed_at: datetime,
    refreshed_at: datetime | None,
    now: datetime,
) -> Refresh | None:
    """The slots whose turn has come; None if it is the turn of none.

    For the first third of a lifespan nobody can be old enough.

    Args:
        lifespan: For how long the audience keeps a member, whole days; None for ever.
        claimed_at: When its sync began to fill it: whoever is in it was added later.
        refreshed_at: When a run last carried out what was due; None if none ever did.
        now: The plan's moment.
    """
    if lifespan is None:
        return None
    period = max(lifespan // _DAY // _TURNS, 1)
    begins = _day(claimed_at) + period
    after = max(_day(refreshed_at), begins) if refreshed_at else begins
    due = Refresh(period, after=after, until=_day(now))
    return due if due.until > due.after else None


def _day(at: datetime) -> int:
    return (at - _DAY_ZERO) // _DAY
