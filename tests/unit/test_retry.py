"""Retry what passes, and nothing else; what an account meets, all its requests go by."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from syncd.errors import Denied, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.gate import PATIENCE, Gate, Gates
from syncd.retry import ATTEMPTS, LONGEST, RETRIES, WAITING, Patience

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Hands:
    """A clock that a wait moves on."""

    at: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


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


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def gate() -> Gate:
    return Gate("meta")


@pytest.fixture
def patience(clock: Hands, gate: Gate) -> Patience:
    return Patience(clock, gate, "eu")


def test_a_throttled_request_waits_as_told(patience: Patience, clock: Hands) -> None:
    """The platform's own waiting time beats our backoff."""
    platform = Platform(Throttled("meta", "17", retry_after=42.0))

    assert patience.ask(platform.answer) == "done"
    assert clock.slept == [42.0]


def test_an_unanswered_request_backs_off_with_jitter(patience: Patience, clock: Hands) -> None:
    """Never longer than the cap."""
    platform = Platform(*[Unavailable("meta", "reset")] * (ATTEMPTS - 1))

    assert patience.ask(platform.answer) == "done"
    assert len(clock.slept) == ATTEMPTS - 1
    assert all(0 <= wait <= LONGEST for wait in clock.slept)


def test_the_last_error_comes_out_in_the_end(patience: Patience) -> None:
    """As it was, so that its exit code is right."""
    platform = Platform(*[Unavailable("meta", "reset")] * 10)

    with pytest.raises(Unavailable):
        patience.ask(platform.answer)
    assert platform.asked == ATTEMPTS


@pytest.mark.parametrize("error", [Denied("meta", "190"), RequestRefused("google", "INVALID")])
def test_what_does_not_pass_is_not_tried_again(error: PlatformError, patience: Patience) -> None:
    """A dead token is asked for once."""
    platform = Platform(error)

    with pytest.raises(type(error)):
        patience.ask(platform.answer)
    assert platform.asked == 1


def test_what_may_not_be_asked_twice_is_retried_only_where_nothing_was_done(
    patience: Patience,
) -> None:
    """Throttled is not applied; without an answer nobody knows."""
    throttled = Platform(Throttled("meta", "17", retry_after=1.0))
    assert patience.ask_once(throttled.answer) == "done"
    lost = Platform(Unavailable("meta", "reset"))
    with pytest.raises(Unavailable):
        patience.ask_once(lost.answer)
    assert lost.asked == 1


def test_a_wait_beyond_our_patience_ends_the_run_and_says_until_when(patience: Patience) -> None:
    """The next run comes anyway."""
    platform = Platform(Throttled("meta", "80003", retry_after=3600.0))

    with pytest.raises(Throttled) as caught:
        patience.ask(platform.answer)
    assert platform.asked == 1
    assert caught.value.exit_code == 75
    assert caught.value.retry_after == 3600.0
    assert str(caught.value) == (
        "meta answered 80003: the account is throttled until 2026-11-22 13:00 UTC; run again "
        "then, it goes on where it stopped"
    )


def test_the_log_names_code_and_wait_and_nothing_else(patience: Patience) -> None:
    """One event a retry."""
    with capture_logs() as logs:
        patience.ask(Platform(Throttled("meta", "17", retry_after=2.0)).answer)

    assert logs == [
        {
            "event": "push_retry_scheduled",
            "log_level": "warning",
            "code": "17",
            "attempt": 1,
            "wait_s": 2.0,
        }
    ]


# --- a run's budget ---------------------------------------------------------


def test_a_dying_platform_is_not_tried_again_for_every_request(patience: Patience) -> None:
    """Each request gets its answer at last, but all of them together had too many tries."""
    flaky = [Platform(*[Unavailable("meta", "reset")] * 2) for _ in range(1_000)]
    with pytest.raises(Unavailable, match=rf"{RETRIES} times .* used up"):
        deque((patience.ask(platform.answer) for platform in flaky), maxlen=0)
    assert sum(platform.asked for platform in flaky) == RETRIES + RETRIES // 2 + 1


def test_a_run_waits_only_so_long_in_all(patience: Patience, clock: Hands) -> None:
    """Each wait alone is one that we have patience for."""
    busy = [Platform(Throttled("meta", "17", retry_after=PATIENCE - 1)) for _ in range(1_000)]
    with pytest.raises(Throttled, match=r"throttled until"):
        deque((patience.ask(platform.answer) for platform in busy), maxlen=0)
    assert 0 < sum(clock.slept) <= WAITING


# --- the gate of an account -------------------------------------------------


def test_a_throttled_account_waits_as_a_whole(clock: Hands, gate: Gate) -> None:
    """Another sync of the same account makes no request before its time."""
    with pytest.raises(Throttled):
        Patience(clock, gate, "eu").ask(
            Platform(Throttled("meta", "17", retry_after=3600.0)).answer
        )
    other = Platform()
    with pytest.raises(Throttled, match="throttled until 2026-11-22 13:00"):
        Patience(clock, gate, "eu").ask(other.answer)
    assert other.asked == 0
    clock.at += timedelta(minutes=50)
    assert Patience(clock, gate, "eu").ask(other.answer) == "done"
    assert clock.at == NOON + timedelta(hours=1), "what was left of it was waited for"


def test_other_accounts_go_on(clock: Hands) -> None:
    gates = Gates(lambda *_: None)
    throttled = Patience(clock, gates.of("meta", "act_1"), "eu")
    with pytest.raises(Throttled):
        throttled.ask(Platform(Throttled("meta", "17", retry_after=3600.0)).answer)
    for other in (gates.of("meta", "act_2"), gates.of("google", "act_1")):
        assert Patience(clock, other, "eu").ask(Platform().answer) == "done"
    assert gates.of("meta", "act_1") is gates.of("meta", "act_1")
    assert clock.slept == []


def test_a_later_end_counts_and_an_earlier_one_does_not(gate: Gate) -> None:
    gate.close(NOON + timedelta(seconds=60), "17")
    gate.close(NOON + timedelta(seconds=30), "4")
    assert gate.wait("eu", NOON) == 60
    assert gate.wait("eu", NOON + timedelta(seconds=90)) == 0


def test_what_an_earlier_process_learned_holds(clock: Hands) -> None:
    until = NOON + timedelta(hours=2)
    gates = Gates(lambda _, account: (until, "80003") if account == "act_1" else None)
    with pytest.raises(Throttled, match="14:00"):
        Patience(clock, gates.of("meta", "act_1"), "eu").check()
    Patience(clock, gates.of("meta", "act_2"), "eu").check()


def test_an_account_that_denies_us_is_asked_once(clock: Hands, gate: Gate) -> None:
    """Whoever else wants something of it hears the same, without a request."""
    with pytest.raises(Denied):
        Patience(clock, gate, "eu").ask(Platform(Denied("meta", "190/463")).answer)
    other = Platform()
    for meet in (
        Patience(clock, gate, "eu").check,
        lambda: Patience(clock, gate, "eu").ask(other.answer),
    ):
        with pytest.raises(Denied, match=r"190/463.*No further request") as caught:
            meet()
        assert caught.value.exit_code == 77
    assert other.asked == 0
    assert Patience(clock, gate, "other token").ask(Platform().answer) == "done"
    clock.at += timedelta(hours=1)
    assert Patience(clock, gate, "eu").ask(other.answer) == "done", (
        "a long-lived process asks again"
    )
