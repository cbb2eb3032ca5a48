"""One retry policy for all platforms: retry what passes, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
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


Kinds = tuple[type[PlatformError], ...]
PASSING: Kinds = (Throttled, Unavailable)
UNAPPLIED: Kinds = (Throttled,)  # where asking twice is not as asking once


@dataclass(frozen=True, slots=True)
class Met:
    """What a request came to that is to be made again.

    Attributes:
        at: When; what was waited since then counts.
        passing: What passes, of what its next attempts meet.
    """

    error: PlatformError
    at: datetime
    passing: Kinds = PASSING


class Patience:
    """What one run may spend on trying again, behind its account's gate.

    Attributes:
        slowed: Whether the last answer advised a pause.
    """

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
        self.slowed = False

    def heed(self, platform: Platform, connector: Connector) -> Connector:
        """Wait as this connector's answers advise, where its platform gives advice."""
        self._advice = advice_of(platform, connector)
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
        answer: T = self._retrying(UNAPPLIED)(self._heard, call, *args, **kwargs)
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

    def free(self) -> bool:
        """Whether a request need not wait at the gate now.

        Raises:
            syncd.errors.PlatformError: As `check`.
        """
        return self._gate.wait(self._who, self._clock.now()) <= 0

    def again(self, met: Met, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a request until it is answered, whose first attempt was made before.

        Args:
            met: What came of that one.
            call: Makes the next one; it hears of its answer itself, see `hear`.

        Raises:
            syncd.errors.PlatformError: As `ask`.
        """
        error = met.error
        if isinstance(error, Throttled) and error.retry_after is not None:
            since = (self._clock.now() - met.at).total_seconds()
            error.retry_after = max(error.retry_after - since, 0.0)
        first = [error]

        def attempt() -> T:
            if first:
                raise first.pop()
            return call(*args, **kwargs)

        answer: T = self._retrying(met.passing)(attempt)
        return answer

    def _heard(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self.hear(self._advice, call, *args, **kwargs)

    def hear(
        self, advice: Callable[[], Advice], call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Let all requests of the account go by what one request comes to.

        Args:
            advice: What its answer says beside the matter.
            call: Gives its answer, or raises what it met.
        """
        try:
            answer = call(*args, **kwargs)
        except Denied as error:
            self._gate.deny(self._who, error, self._clock.now())
            raise
        except RequestRefused:  # an answer too
            self._listen(advice())
            raise
        self._listen(advice())
        return answer

    def _listen(self, advice: Advice) -> None:
        """Close the gate before the platform has to refuse something."""
        now = self._clock.now()
        self.slowed = advice.pause > 0
        if advice.pause > 0:
            self._gate.hold(advice.pause, advice.reason, now)
            until = now + timedelta(seconds=advice.pause)
            # Answers come in any order; what an earlier one advised is not over.
            self._paced = until if self._paced is None else max(self._paced, until)
        if advice.warning and advice.warning != self._warning:
            self._gate.warn(advice.warning)
            self._warning = advice.warning

    def _retrying(self, passing: Kinds) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(passing),
            before=lambda _: self.wait(),
            stop=self._stop,
            wait=self._wait,
            sleep=self._clock.sleep,
            before_sleep=self._spend,
            retry_error_callback=self._give_up,
        )

    def wait(self) -> None:
        """Wait at the gate, as long as somebody's request closed it.

        What an answered request of this run advised is no sign of a dying platform: it is
        spent of a budget of its own.

        Raises:
            syncd.errors.PlatformError: As `check`, or the budget is used up.
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


def advice_of(platform: Platform, connector: Connector) -> Callable[[], Advice]:
    """What tells a connector's advice; none of a platform that gives none."""
    return cast("Advises", connector).advice if platform.capabilities.advises else Advice


def _error(state: RetryCallState) -> PlatformError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, PlatformError):
        raise TypeError("only a platform's errors are retried")
    return error
