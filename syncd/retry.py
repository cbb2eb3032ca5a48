"""One retry policy for all platforms: retry what passes, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from syncd.errors import PlatformError, Throttled, Unavailable

ATTEMPTS = 6  # about two minutes of backoff in all, facts/meta.md 3.3 A
LONGEST = 60.0  # seconds between two attempts of our own choosing
PATIENCE = 900.0  # seconds a platform may ask us to wait within a run; beyond, run again later

log = structlog.get_logger()

# Full jitter: many daemons that met the same outage do not come back in step.
_backoff = wait_random_exponential(multiplier=1.0, max=LONGEST)


PASSING: tuple[type[PlatformError], ...] = (Throttled, Unavailable)


def policy(
    *,
    sleep: Callable[[float], None],
    attempts: int = ATTEMPTS,
    passing: tuple[type[PlatformError], ...] = PASSING,
) -> Retrying:
    """Retry a throttled or unanswered request; everything else is final at once.

    Args:
        sleep: How to wait, seconds.
        attempts: Total tries, the first included.
        passing: What to retry; only `Throttled` where asking twice is not as asking once.
    """
    return Retrying(
        retry=retry_if_exception_type(passing),
        stop=lambda state: stop_after_attempt(attempts)(state) or _too_long(state),
        wait=_wait,
        sleep=sleep,
        before_sleep=_log,
        reraise=True,
    )


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, Throttled) and error.retry_after is not None:
        return error.retry_after
    return _backoff(state)


def _too_long(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome else None
    return isinstance(error, Throttled) and (error.retry_after or 0.0) > PATIENCE


def _log(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    log.warning(
        "push_retry_scheduled",
        code=error.code if isinstance(error, PlatformError) else None,
        attempt=state.attempt_number,
        wait_s=round(state.upcoming_sleep, 2),
    )
