"""One retry policy for all platforms: retry what passes, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn, ParamSpec, TypeVar

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from syncd.errors import Denied, PlatformError, Throttled, Unavailable
from syncd.gate import PATIENCE, Gate, throttled_until
from syncd.ports import Clock

ATTEMPTS = 6  # with windows of 1, 2, 4, 8 and 16 seconds in between, facts/meta.md 3.3 A

# Of all requests of a run together. A healthy platform needs a few retries for thousands of
# batches; one that needs more is dying, and a later run costs nothing.
RETRIES = 30
WAITING = 1_800.0  # seconds

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()

# Full jitter: many daemons that met the same outage do not come back in step.
_backoff = wait_random_exponential(multiplier=1.0)


PASSING: tuple[type[PlatformError], ...] = (Throttled, Unavailable)


class Patience:
    """What one run may spend on trying again, behind its account's gate."""

    def __init__(self, clock: Clock, gate: Gate, who: str) -> None:
        """Begin a run.

        Args:
            clock: Waits by it.
            gate: Every request passes it, and closes it for all where the platform says so.
            who: Whose credentials its requests have: the configured account's name.
        """
        self._clock = clock
        self._gate = gate
        self._who = who
        self._retries = RETRIES
        self._waiting = WAITING
        self._lock = threading.Lock()

    def check(self) -> None:
        """Refuse to begin what could make no request.

        Raises:
            syncd.errors.Denied: The platform denied the account to this process.
            syncd.errors.Throttled: It is throttled for longer than a run waits.
        """
        self._gate.wait(self._who, self._clock.now())

    def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a request until it is answered: a throttled or unanswered one is retried.

        Raises:
            syncd.errors.PlatformError: What the last attempt met; what does not pass, at once.
        """
        answer: T = self._retrying(PASSING)(self._heard, call, *args, **kwargs)
        return answer

    def ask_once(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a request for which asking twice is not as asking once: wait if throttled."""
        answer: T = self._retrying((Throttled,))(self._heard, call, *args, **kwargs)
        return answer

    def try_once(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Make a request that can be left out: one attempt, and none while it would wait.

        Returns:
            Its answer; None where the account's gate is closed.

        Raises:
            syncd.errors.PlatformError: What it met.
        """
        if self._gate.wait(self._who, self._clock.now()) > 0:
            return None
        try:
            return self._heard(call, *args, **kwargs)
        except Throttled as error:
            if error.retry_after is not None:
                until = self._clock.now() + timedelta(seconds=error.retry_after)
                self._gate.close(until, error.code)
            raise

    def _heard(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except Denied as error:
            self._gate.deny(self._who, error, self._clock.now())
            raise

    def _retrying(self, passing: tuple[type[PlatformError], ...]) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(passing),
            before=self._pass,
            stop=self._stop,
            wait=self._wait,
            sleep=self._clock.sleep,
            before_sleep=self._spend,
            retry_error_callback=self._give_up,
        )

    def _pass(self, _: RetryCallState) -> None:
        """Wait at the gate, as long as somebody's request closed it."""
        while (seconds := self._gate.wait(self._who, self._clock.now())) > 0:
            with self._lock:
                self._waiting -= seconds
            self._clock.sleep(seconds)

    def _stop(self, state: RetryCallState) -> bool:
        error = _error(state)
        stated = error.retry_after or 0.0 if isinstance(error, Throttled) else 0.0
        return state.attempt_number >= ATTEMPTS or stated > PATIENCE or self._spent(stated)

    def _spent(self, stated: float) -> bool:
        return self._retries <= 0 or self._waiting <= stated

    def _wait(self, state: RetryCallState) -> float:
        error = _error(state)
        if not isinstance(error, Throttled):
            return _backoff(state)
        seconds = _backoff(state) if error.retry_after is None else error.retry_after
        self._gate.close(self._clock.now() + timedelta(seconds=seconds), error.code)
        return seconds

    def _spend(self, state: RetryCallState) -> None:
        error, seconds = _error(state), state.upcoming_sleep
        with self._lock:
            self._retries -= 1
            self._waiting -= seconds
        log.warning(
            "push_retry_scheduled",
            code=error.code,
            attempt=state.attempt_number,
            wait_s=round(seconds, 2),
        )

    def _give_up(self, state: RetryCallState) -> NoReturn:
        """Raise the last error, with what made it the last."""
        error = _error(state)
        if isinstance(error, Throttled) and error.retry_after is not None:
            now = self._clock.now()
            until = now + timedelta(seconds=error.retry_after)  # the gate is closed till then
            raise throttled_until(error.platform, error.code, until, now) from None
        if state.attempt_number < ATTEMPTS:
            hint = (
                f"{error.hint}. All requests of this run together may be tried again "
                f"{RETRIES} times and wait {WAITING / 60:.0f} minutes; that is used up"
            )
            kind = Throttled if isinstance(error, Throttled) else Unavailable
            raise kind(error.platform, error.code, reference=error.reference, hint=hint) from None
        raise error


def _error(state: RetryCallState) -> PlatformError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, PlatformError):
        raise TypeError("only a platform's errors are retried")
    return error
