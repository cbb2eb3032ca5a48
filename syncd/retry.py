"""One retry policy for all platforms: retry what passes, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn, ParamSpec, TypeVar, cast

import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from syncd.errors import (
    AudienceBusy,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.gate import PATIENCE, Gate, throttled_until
from syncd.model import Advice
from syncd.ports import Advises, Clock, Connector, Platform

ATTEMPTS = 6  # with windows of 1, 2, 4, 8 and 16 seconds in between, facts/meta.md 3.3 A

# Of all requests of a run together. A healthy platform needs a few retries for thousands of
# batches; one that needs more is dying, and a later run costs nothing.
RETRIES = 30
WAITING = 1_800.0  # seconds

# Of waits that answered requests advised. They follow on progress and need no such budget;
# but whoever left since the snapshot, or withdrew consent, waits for the next run.
PACING = 6 * 3_600.0  # seconds

# An audience that another update holds: asked again every few minutes, and no longer than
# any update can last, facts/meta.md 3.3 B'.
BUSY = 3 * 3_600.0  # seconds
ASKED_AGAIN = 180.0  # seconds, where the platform does not say

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
        self._pacing = PACING
        self._lock = threading.Lock()
        self._advice: Callable[[], Advice] = Advice
        self._paced: datetime | None = None  # until when, by answers that this run got
        self._warning = ""

    def heed(self, platform: Platform, connector: Connector) -> Connector:
        """Wait as this connector's answers advise, where its platform gives advice."""
        if platform.capabilities.advises:
            self._advice = cast("Advises", connector).advice
        return connector

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
                self._gate.hold(error.retry_after, error.code, self._clock.now())
            raise

    def _heard(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            answer = call(*args, **kwargs)
        except Denied as error:
            self._gate.deny(self._who, error, self._clock.now())
            raise
        except RequestRefused:  # an answer too
            self._listen()
            raise
        self._listen()
        return answer

    def _listen(self) -> None:
        """Close the gate before the platform has to refuse something."""
        advice, now = self._advice(), self._clock.now()
        if advice.pause > 0:
            self._gate.hold(advice.pause, advice.reason, now)
            self._paced = now + timedelta(seconds=advice.pause)
        if advice.warning and advice.warning != self._warning:
            self._gate.warn(advice.warning)
            self._warning = advice.warning

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
        """Wait at the gate, as long as somebody's request closed it.

        What an answered request of this run advised is no sign of a dying platform: it is
        spent of a budget of its own.
        """
        while (seconds := self._gate.wait(self._who, now := self._clock.now())) > 0:
            paced = self._paced is not None and now + timedelta(seconds=seconds) <= self._paced
            with self._lock:
                if paced:
                    self._pacing -= seconds
                else:
                    self._waiting -= seconds
            if self._pacing < 0:
                raise self._gate.throttled(
                    now, f"this run has waited {PACING / 3600:.0f} hours as its answers advised"
                )
            self._clock.sleep(seconds)

    def _stop(self, state: RetryCallState) -> bool:
        error = _error(state)
        if isinstance(error, AudienceBusy):
            return state.idle_for + state.upcoming_sleep > BUSY
        stated = error.retry_after or 0.0 if isinstance(error, Throttled) else 0.0
        return state.attempt_number >= ATTEMPTS or stated > PATIENCE or self._spent(stated)

    def _spent(self, stated: float) -> bool:
        return self._retries <= 0 or self._waiting <= stated

    def _wait(self, state: RetryCallState) -> float:
        error = _error(state)
        if not isinstance(error, Throttled):
            return _backoff(state)
        if isinstance(error, AudienceBusy):  # which is no matter of its account
            return ASKED_AGAIN if error.retry_after is None else error.retry_after
        seconds = _backoff(state) if error.retry_after is None else error.retry_after
        self._gate.hold(seconds, error.code, self._clock.now())
        return seconds

    def _spend(self, state: RetryCallState) -> None:
        error, seconds = _error(state), state.upcoming_sleep
        if not isinstance(error, AudienceBusy):
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
        if isinstance(error, AudienceBusy):
            hint = (
                f"{error.hint}. That has lasted {BUSY / 3600:.0f} hours now, which is longer than "
                "any update takes: look at the audience there. The next run tries again"
            )
            raise AudienceBusy(
                error.platform, error.code, reference=error.reference, hint=hint
            ) from None
        if isinstance(error, Throttled) and error.retry_after is not None:
            now = self._clock.now()
            until = now + timedelta(seconds=error.retry_after)  # the gate is closed till then
            why = "" if error.hint == error.way_on else error.hint
            raise throttled_until(error.platform, error.code, until, now, why=why) from None
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
