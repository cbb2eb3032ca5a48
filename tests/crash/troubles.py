"""What befalls requests on the line, and what a run may end with."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.memory import Fail, GoThrough, LoseAnswer, RefuseRows, Step
from syncd.errors import (
    Denied,
    EmptySegment,
    PlanRefused,
    PlatformError,
    RequestRefused,
    ShopError,
    Throttled,
    Unavailable,
)
from syncd.retry import ATTEMPTS

LOST = Fail(Unavailable("memory", "timeout"))
# What befalls the next requests.
TROUBLES: dict[str, list[Step]] = {
    "reset before": [LOST],
    "reset after": [LoseAnswer()],
    "outage": [LOST] * ATTEMPTS,
    "outage, applied": [LoseAnswer()] * ATTEMPTS,
    "second lost": [GoThrough(), LoseAnswer()],
    "limit": [Fail(Throttled("memory", "busy", retry_after=5.0))],
    "quota": [Fail(Throttled("memory", "quota", retry_after=3600.0))],
    "denied": [GoThrough(), Fail(Denied("memory", "190"))],
    "row refused": [RefuseRows((0,))],
    "refused": [Fail(RequestRefused("memory", "invalid", of_rows=False))],
    "applied, refused": [LoseAnswer(), Fail(RequestRefused("memory", "invalid", of_rows=False))],
}
ON_THE_LINE = sorted(TROUBLES.keys() - {"denied"})
# Lasts longer than the patience of a run that makes one request at a time.
_OUTAGES = {"outage", "outage, applied"}
# What a run may end with.
MISHAPS = (PlatformError, EmptySegment, ShopError, PlanRefused)


def trouble(name: str, in_flight: int) -> Sequence[Step]:
    """What befalls the next requests, of which so many may be under way.

    An outage meets all of them, and then one again and again until patience ends.
    """
    steps = TROUBLES[name]
    return [*steps, *steps[:1] * (in_flight - 1)] if name in _OUTAGES else steps
