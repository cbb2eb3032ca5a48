"""What befalls requests on the line, and what a run may end with."""

from __future__ import annotations

from connectors.memory import Fail, GoThrough, LoseAnswer, RefuseRows, Step
from syncd.errors import (
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
# What befalls the next requests; an outage lasts longer than a run's patience.
TROUBLES: dict[str, list[Step]] = {
    "reset before": [LOST],
    "reset after": [LoseAnswer()],
    "outage": [LOST] * ATTEMPTS,
    "outage, applied": [LoseAnswer()] * ATTEMPTS,
    "second lost": [GoThrough(), LoseAnswer()],
    "limit": [Fail(Throttled("memory", "busy", retry_after=5.0))],
    "quota": [Fail(Throttled("memory", "quota", retry_after=3600.0))],
    "row refused": [RefuseRows((0,))],
    "refused": [Fail(RequestRefused("memory", "invalid", of_rows=False))],
    "applied, refused": [LoseAnswer(), Fail(RequestRefused("memory", "invalid", of_rows=False))],
}
# What a run may end with.
MISHAPS = (PlatformError, EmptySegment, ShopError, PlanRefused)
