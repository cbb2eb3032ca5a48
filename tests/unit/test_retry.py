"""Retry what passes, and nothing else."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from syncd.errors import Denied, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.retry import ATTEMPTS, LONGEST, policy


class Platform:
    """Raises what it was given, then answers."""

    def __init__(self, *errors: PlatformError) -> None:
        self.errors = list(errors)
        self.asked = 0

    def answer(self) -> str:
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_a_throttled_request_waits_as_told() -> None:
    """The platform's own waiting time beats our backoff."""
    slept: list[float] = []
    platform = Platform(Throttled("meta", "17", retry_after=42.0))

    assert policy(sleep=slept.append)(platform.answer) == "done"
    assert slept == [42.0]


def test_an_unanswered_request_backs_off_with_jitter() -> None:
    """Never longer than the cap."""
    slept: list[float] = []
    platform = Platform(*[Unavailable("meta", "reset")] * (ATTEMPTS - 1))

    assert policy(sleep=slept.append)(platform.answer) == "done"
    assert len(slept) == ATTEMPTS - 1
    assert all(0 <= wait <= LONGEST for wait in slept)


def test_the_last_error_comes_out_in_the_end() -> None:
    """As it was, so that its exit code is right."""
    platform = Platform(*[Unavailable("meta", "reset")] * 10)

    with pytest.raises(Unavailable):
        policy(sleep=lambda _: None)(platform.answer)
    assert platform.asked == ATTEMPTS


@pytest.mark.parametrize("error", [Denied("meta", "190"), RequestRefused("google", "INVALID")])
def test_what_does_not_pass_is_not_tried_again(error: PlatformError) -> None:
    """A dead token is asked for once."""
    platform = Platform(error)

    with pytest.raises(type(error)):
        policy(sleep=lambda _: None)(platform.answer)
    assert platform.asked == 1


def test_a_wait_beyond_our_patience_ends_the_run() -> None:
    """The next run comes anyway."""
    platform = Platform(Throttled("meta", "80003", retry_after=3600.0))

    with pytest.raises(Throttled):
        policy(sleep=lambda _: None)(platform.answer)
    assert platform.asked == 1


def test_the_log_names_code_and_wait_and_nothing_else() -> None:
    """One event a retry."""
    with capture_logs() as logs:
        policy(sleep=lambda _: None)(Platform(Throttled("meta", "17", retry_after=2.0)).answer)

    assert logs == [
        {
            "event": "push_retry_scheduled",
            "log_level": "warning",
            "code": "17",
            "attempt": 1,
            "wait_s": 2.0,
        }
    ]
