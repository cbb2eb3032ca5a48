"""Retry what passes, and nothing else; what an account meets, all its requests go by."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from syncd.errors import Denied, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.gate import PATIENCE, Gate, Gates
from syncd.retry import WAITING, Patience

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


@dataclass
class Pages:
    """A book that is kept in memory."""

    waits: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def throttled(self, platform: str, account: str) -> tuple[datetime, str] | None:
        return self.waits.get((platform, account))

    def throttle(self, platform: str, account: str, until: datetime, code: str) -> None:
        self.waits[platform, account] = until, code

    def warn(self, platform: str, account: str, warning: str) -> None:
        self.warnings.append(f"{platform} {account} {warning}")


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


def test_the_window_of_a_wait_doubles_and_any_moment_of_it_may_be_drawn(gate: Gate) -> None:
    """Full jitter: many daemons that met one outage do not come back in step."""
    waits = []
    for _ in range(200):
        clock = Hands()
        Patience(clock, gate, "eu").ask(Platform(*[Unavailable("meta", "reset")] * 5).answer)
        waits.append(clock.slept)
    for window, drawn in zip((1, 2, 4, 8, 16), zip(*waits, strict=True), strict=True):
        assert 0 <= min(drawn) < window / 2 < max(drawn) <= window


def test_a_request_is_made_with_what_it_was_given(patience: Patience) -> None:
    assert patience.ask(divmod, 7, 2) == patience.ask_once(divmod, 7, 2) == (3, 1)
    assert patience.ask(int, "ff", base=16) == patience.ask_once(int, "ff", base=16) == 255


def test_our_own_bug_is_not_tried_again(patience: Patience, clock: Hands) -> None:
    with pytest.raises(ZeroDivisionError):
        patience.ask(divmod, 7, 0)
    assert clock.slept == []


def test_the_last_error_comes_out_in_the_end(patience: Patience) -> None:
    """As it was, so that its exit code is right."""
    errors = [Unavailable("meta", f"reset {n}") for n in range(10)]
    platform = Platform(*errors)

    with pytest.raises(Unavailable) as caught:
        patience.ask(platform.answer)
    assert platform.asked == 6
    assert caught.value is errors[5]


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


def test_we_wait_for_fifteen_minutes_and_not_for_more(clock: Hands) -> None:
    long = Platform(Throttled("meta", "17", retry_after=901.0))
    with pytest.raises(Throttled):
        Patience(clock, Gate("meta"), "eu").ask(long.answer)
    assert clock.slept == []
    as_long_as_it_gets = Platform(Throttled("meta", "17", retry_after=900.0))
    assert Patience(clock, Gate("meta"), "eu").ask(as_long_as_it_gets.answer) == "done"
    assert clock.slept == [900.0]


def test_a_stated_wait_of_nothing_is_kept_to(patience: Patience, clock: Hands) -> None:
    assert patience.ask(Platform(Throttled("meta", "17", retry_after=0.0)).answer) == "done"
    assert clock.slept == [0.0]


def test_throttled_without_a_stated_wait_backs_off_with_the_whole_account(
    patience: Patience, clock: Hands, gate: Gate
) -> None:
    """How long is ours to choose; that nobody else asks meanwhile is not."""
    assert patience.ask(Platform(Throttled("meta", "17")).answer) == "done"
    (waited,) = clock.slept
    assert 0 < waited <= 1
    assert gate.wait("other", NOON) == pytest.approx(waited, abs=1e-6)


def test_an_unanswered_request_closes_no_gate(patience: Patience, gate: Gate) -> None:
    patience.ask(Platform(Unavailable("meta", "reset")).answer)
    assert gate.wait("other", NOON) == 0


def test_six_times_throttled_ends_it_and_says_until_when(patience: Patience, gate: Gate) -> None:
    """Each wait was short; the account is left closed for the last one."""
    platform = Platform(*[Throttled("meta", "17", retry_after=60.0)] * 10)

    with pytest.raises(Throttled, match="17: the account is throttled until 2026-11-22 12:06"):
        patience.ask(platform.answer)
    assert platform.asked == 6
    assert gate.wait("other", NOON + timedelta(minutes=5)) == 60


def test_throttled_to_the_end_without_a_stated_wait_comes_out_as_it_was(
    patience: Patience,
) -> None:
    errors = [Throttled("meta", "17") for _ in range(6)]
    with pytest.raises(Throttled) as caught:
        patience.ask(Platform(*errors).answer)
    assert caught.value is errors[-1]


def test_the_log_names_code_and_wait_and_nothing_else(patience: Patience) -> None:
    """One event a retry."""
    with capture_logs() as logs:
        waits = Throttled("meta", "17", retry_after=2.126), Throttled("meta", "4", retry_after=1.0)
        patience.ask(Platform(*waits).answer)

    of_each = {"event": "push_retry_scheduled", "log_level": "warning"}
    assert logs == [
        {**of_each, "code": "17", "attempt": 1, "wait_s": 2.13},
        {**of_each, "code": "4", "attempt": 2, "wait_s": 1.0},
    ]


# --- a run's budget ---------------------------------------------------------


def test_a_dying_platform_is_not_tried_again_for_every_request(patience: Patience) -> None:
    """Each request gets its answer at last, but all of them together had too many tries."""
    flaky = [Platform(*[Unavailable("meta", "reset")] * 2) for _ in range(1_000)]
    with pytest.raises(Unavailable, match=r"30 times .* used up"):
        deque((patience.ask(platform.answer) for platform in flaky), maxlen=0)
    assert sum(platform.asked for platform in flaky) == 30 + 15 + 1


def used_up(patience: Patience) -> None:
    """Five requests that failed for good: 25 retries; and one that needed the last five."""
    for _ in range(5):
        with pytest.raises(Unavailable):
            patience.ask(Platform(*[Unavailable("meta", "reset")] * 6).answer)
    assert patience.ask(Platform(*[Unavailable("meta", "reset")] * 5).answer) == "done"


@pytest.mark.parametrize("kind", [Unavailable, Throttled])
def test_who_used_up_a_runs_retries_is_told_so(
    patience: Patience, kind: type[Unavailable | Throttled]
) -> None:
    """With the platform's code and reference, and the exit code of the last error."""
    used_up(patience)
    platform = Platform(kind("meta", "80003", reference="r1", hint="ask later"))
    with pytest.raises(kind) as caught:
        patience.ask(platform.answer)
    assert platform.asked == 1
    assert (caught.value.code, caught.value.reference) == ("80003", "r1")
    assert str(caught.value) == (
        "meta answered 80003 (reference r1): ask later. All requests of this run together may "
        "be tried again 30 times and wait 30 minutes; that is used up"
    )


def test_a_request_that_had_all_its_tries_tells_its_own_error(patience: Patience) -> None:
    """Though it took the run's last ones: what it met is the more telling."""
    for _ in range(5):
        with pytest.raises(Unavailable):
            patience.ask(Platform(*[Unavailable("meta", "reset")] * 6).answer)
    last = Unavailable("meta", "timeout")
    with pytest.raises(Unavailable) as caught:
        patience.ask(Platform(*[Unavailable("meta", "reset")] * 5, last).answer)
    assert caught.value is last


def test_half_an_hour_of_waiting_is_used_up_to_the_second(patience: Patience, clock: Hands) -> None:
    """A wait is not begun that would take the last of it."""
    assert patience.ask(Platform(Throttled("meta", "17", retry_after=900.0)).answer) == "done"
    assert patience.ask(Platform(Throttled("meta", "17", retry_after=899.0)).answer) == "done"
    with pytest.raises(Throttled):
        patience.ask(Platform(Throttled("meta", "17", retry_after=1.0)).answer)
    assert clock.slept == [900.0, 899.0]


@pytest.mark.parametrize("error", [Unavailable("meta", "reset"), Throttled("meta", "17")])
def test_what_states_no_wait_is_tried_again_while_anything_is_left(
    error: PlatformError, patience: Patience
) -> None:
    for seconds in (900.0, 899.5):
        patience.ask(Platform(Throttled("meta", "17", retry_after=seconds)).answer)
    assert patience.ask(Platform(error).answer) == "done"


def test_what_is_waited_for_at_the_gate_counts(
    patience: Patience, clock: Hands, gate: Gate
) -> None:
    """Whoever's request closed it."""
    gate.close(NOON + timedelta(seconds=900), "17")
    with pytest.raises(Throttled):
        patience.ask(Platform(Throttled("meta", "17", retry_after=900.0)).answer)
    assert clock.slept == [900.0]


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


def test_a_request_passes_a_gate_once_it_opens(gate: Gate) -> None:
    """Asked again after each wait: meanwhile another request may have closed it for longer."""

    class Busy(Hands):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 1:
                gate.close(self.at + timedelta(seconds=5), "4")

    clock = Busy()
    gate.close(NOON + timedelta(seconds=0.5), "17")
    assert Patience(clock, gate, "eu").ask(Platform().answer) == "done"
    assert clock.slept == [0.5, 5.0]


def test_a_refused_request_denies_nobody(patience: Patience) -> None:
    with pytest.raises(RequestRefused):
        patience.ask(Platform(RequestRefused("meta", "100")).answer)
    patience.check()
    assert patience.ask(Platform().answer) == "done"


def test_other_accounts_go_on(clock: Hands) -> None:
    gates = Gates(Pages())
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
    gates = Gates(Pages({("meta", "act_1"): (until, "80003")}))
    with pytest.raises(Throttled, match="14:00"):
        Patience(clock, gates.of("meta", "act_1"), "eu").check()
    Patience(clock, gates.of("meta", "act_2"), "eu").check()


@pytest.mark.parametrize("ask", [Patience.ask, Patience.ask_once])
def test_an_account_that_denies_us_is_asked_once(
    ask: Callable[[Patience, Callable[[], str]], str], clock: Hands, gate: Gate
) -> None:
    """Whoever else wants something of it hears the same, without a request."""
    with pytest.raises(Denied):
        ask(Patience(clock, gate, "eu"), Platform(Denied("meta", "190/463")).answer)
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
