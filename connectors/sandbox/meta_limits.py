"""How much the local Graph API lets an ad account ask, by Meta's "Rate Limiting" page.

A read costs 1 point and a write 3; points are gone after 300 seconds. Whoever has too many
is shut out for a while. Beside that, calls are counted by the hour.
"""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from connectors.sandbox.meta_rules import GraphError

READ, WRITE = 1, 3  # points
DECAY = timedelta(seconds=300)
AN_HOUR = timedelta(hours=1)
FOR_AN_AUDIENCE = 40  # calls an hour more, for each one of the account

TierName = Literal["", "limited", "full"]


@dataclass(frozen=True, slots=True)
class Tier:
    """What an app may ask of one ad account.

    Attributes:
        access: As the headers name it.
        points: At most, within `DECAY`.
        block: For how long an account that had more is shut out.
        calls: At most in an hour, for an account without audiences.
    """

    access: str
    points: int
    block: timedelta
    calls: int


TIERS = {
    "limited": Tier("development_access", 60, timedelta(seconds=300), 5_000),
    "full": Tier("standard_access", 9_000, timedelta(seconds=60), 190_000),
}


@dataclass(slots=True)
class _Account:
    points: deque[tuple[datetime, int]] = field(default_factory=deque)
    calls: deque[datetime] = field(default_factory=deque)
    shut_until: datetime | None = None


class Limits:
    """The ad accounts of one app, each with what it asked lately; safe between threads."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def admit(self, account: str, now: datetime, *, writes: bool, audiences: int) -> None:
        """Count a request in.

        Which of its two codes Meta answers with is not documented; here a write gets 613
        and a read 17.

        Raises:
            GraphError: It is one too many, and was not counted.
        """
        with self._lock:
            one = self._known(account, now)
            cost = WRITE if writes else READ
            if one.shut_until is None and _sum(one) + cost > self._tier.points:
                one.shut_until = now + self._tier.block
            if one.shut_until is not None:
                code, subcode = (613, 1487742) if writes else (17, 2446079)
                raise GraphError(code, "Too many calls from this ad account", subcode=subcode)
            if len(one.calls) >= self._most(audiences):
                raise GraphError(80003, "Too many calls to custom audiences of this ad account")
            one.points.append((now, cost))
            one.calls.append(now)

    def headers(self, account: str, now: datetime, *, audiences: int) -> dict[str, str]:
        """What an answer states of them."""
        with self._lock:
            one = self._known(account, now)
            ends = one.points[-1][0] + DECAY if one.points else now
            over = len(one.calls) >= self._most(audiences)
            wait = one.calls[0] + AN_HOUR - now if over else timedelta()
            usage = {
                "acc_id_util_pct": round(100 * _sum(one) / self._tier.points, 2),
                "reset_time_duration": math.ceil(((one.shut_until or ends) - now).total_seconds()),
                "ads_api_access_tier": self._tier.access,
            }
            business = {
                "type": "custom_audience",
                "call_count": int(100 * len(one.calls) / self._most(audiences)),
                "total_cputime": 1,
                "total_time": 1,
                "estimated_time_to_regain_access": math.ceil(wait.total_seconds() / 60),
                "ads_api_access_tier": self._tier.access,
            }
        if one.shut_until:
            usage["acc_id_util_pct"] = 100
        number = account.removeprefix("act_")
        return {
            "x-ad-account-usage": json.dumps(usage),
            "x-business-use-case-usage": json.dumps({number: [business]}),
        }

    def _most(self, audiences: int) -> int:
        return self._tier.calls + FOR_AN_AUDIENCE * audiences

    def _known(self, account: str, now: datetime) -> _Account:
        """An account, without what is over."""
        one = self._accounts.setdefault(account, _Account())
        if one.shut_until is not None and now >= one.shut_until:
            one.shut_until = None
            one.points.clear()
        while one.points and now - one.points[0][0] >= DECAY:
            one.points.popleft()
        while one.calls and now - one.calls[0] >= AN_HOUR:
            one.calls.popleft()
        return one


def _sum(one: _Account) -> int:
    return sum(points for _, points in one.points)
