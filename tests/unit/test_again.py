"""A request whose first attempt was made beside others, and that is made again alone."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from connectors.memory import PLATFORM
from syncd.errors import AudienceBusy, Denied, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.gate import PATIENCE, Gate
from syncd.model import Advice
from syncd.ports import Connector
from syncd.retry import ATTEMPTS, RETRIES, UNAPPLIED, Met, Patience, advice_of
from tests.unit.test_pacing import ADVISES, Advising
from tests.unit.test_retry import NOON, Hands, Platform


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def gate() -> Gate:
    return Gate("meta")


@pytest.fixture
def patience(clock: Hands, gate: Gate) -> Patience:
    return Patience(clock, gate, "eu")


def test_what_was_met_is_waited_for_as_if_it_were_met_now(
    patience: Patience, clock: Hands, gate: Gate
) -> None:
    met = Met(Throttled("meta", "17", retry_after=42.0), NOON)
    assert patience.again(met, Platform().answer) == "done"
    assert clock.slept == [42.0]
    assert gate.wait("other", NOON) == 42.0, "and so does everybody of the account"


def test_what_was_waited_since_counts(patience: Patience, clock: Hands) -> None:
    """Several were told so at once, and are made again one after the other."""
    told = [Met(Throttled("meta", "17", retry_after=42.0), NOON) for _ in range(4)]
    for met in told:
        assert patience.again(met, Platform().answer) == "done"
    assert clock.slept == [42.0, 0.0, 0.0, 0.0]
    clock.at = NOON + timedelta(seconds=100)
    late = Met(Throttled("meta", "17", retry_after=60.0), NOON + timedelta(seconds=90))
    patience.again(late, Platform().answer)
    assert clock.slept[-1] == 50.0


def test_the_first_attempt_is_one_of_six_and_spends_of_the_runs_retries(patience: Patience) -> None:
    platform = Platform(*[Unavailable("meta", "reset")] * 10)
    with pytest.raises(Unavailable):
        patience.again(Met(Unavailable("meta", "reset"), NOON), platform.answer)
    assert platform.asked == ATTEMPTS - 1
    for _ in range(RETRIES - (ATTEMPTS - 1)):
        patience.again(Met(Unavailable("meta", "reset"), NOON), Platform().answer)
    last = Platform()
    with pytest.raises(Unavailable, match="used up"):
        patience.again(Met(Unavailable("meta", "reset"), NOON), last.answer)
    assert last.asked == 0


def test_only_what_passes_is_met_again(patience: Patience) -> None:
    """Where asking twice is not as asking once, no answer ends it."""
    met = Met(Throttled("meta", "17", retry_after=1.0), NOON, UNAPPLIED)
    lost = Platform(Unavailable("meta", "reset"))
    with pytest.raises(Unavailable):
        patience.again(met, lost.answer)
    assert lost.asked == 1


def test_a_wait_beyond_our_patience_is_not_begun(patience: Patience, clock: Hands) -> None:
    platform = Platform()
    met = Met(Throttled("meta", "17", retry_after=PATIENCE + 1), NOON)
    with pytest.raises(Throttled, match="throttled until"):
        patience.again(met, platform.answer)
    assert (platform.asked, clock.slept) == (0, [])


def test_a_busy_audience_is_asked_again_when_it_was_to_be(patience: Patience, clock: Hands) -> None:
    clock.at = NOON + timedelta(seconds=100)
    busy = Met(AudienceBusy("meta", "busy", retry_after=180.0), NOON)
    assert patience.again(busy, Platform().answer) == "done"
    assert clock.slept == [80.0]


def test_who_was_told_no_wait_backs_off_with_the_whole_account(
    patience: Patience, clock: Hands, gate: Gate
) -> None:
    assert patience.again(Met(Throttled("meta", "17"), NOON), Platform().answer) == "done"
    (waited,) = clock.slept
    assert 0 < waited <= 1
    assert gate.wait("other", NOON) == pytest.approx(waited, abs=1e-6)


def test_it_is_made_with_what_it_was_given(patience: Patience) -> None:
    assert patience.again(Met(Unavailable("meta", "reset"), NOON), divmod, 7, 2) == (3, 1)
    assert patience.again(Met(Unavailable("meta", "reset"), NOON), int, "ff", base=16) == 255


# --- what is heard ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [None, RequestRefused("meta", "100")])
def test_an_answer_that_was_heard_slows_all_and_one_that_is_well_lets_them_go(
    patience: Patience, gate: Gate, error: PlatformError | None
) -> None:
    """Each by the connector that it came through, not by the run's own."""
    own, other = Advising([Advice(900.0, "own")]), Advising([Advice(15.0, "app usage 80 %")])
    patience.heed(ADVISES, cast("Connector", own))
    advice = advice_of(ADVISES, cast("Connector", other))
    if error is not None:
        other.errors = [error]
        with pytest.raises(RequestRefused):
            patience.hear(advice, other.answer)
    else:
        assert patience.hear(advice, other.answer) == "done"
    seen = [(patience.slowed, patience.free())]
    assert gate.wait("other", NOON) == 15.0
    patience.wait()
    seen.append((patience.slowed, patience.free()))
    patience.hear(advice, other.answer)
    seen.append((patience.slowed, patience.free()))
    assert seen == [(True, False), (True, True), (False, True)]


def test_before_anything_was_heard_nobody_is_slowed(patience: Patience) -> None:
    assert (patience.slowed, patience.free()) == (False, True)


def test_a_pause_of_less_than_a_second_is_one(patience: Patience) -> None:
    platform = Advising([Advice(0.5, "app usage 76 %")])
    patience.hear(advice_of(ADVISES, cast("Connector", platform)), platform.answer)
    assert (patience.slowed, patience.free()) == (True, False)


def test_a_longer_pause_that_was_heard_before_is_no_wait_of_others(patience: Patience) -> None:
    """Answers come in any order; six such waits would have used up the run's half an hour."""
    advised = [Advice(290.0, "97 %"), Advice(15.0, "80 %")] * 8
    platform = Advising(advised)
    advice = advice_of(ADVISES, cast("Connector", platform))
    for _ in range(8):
        patience.hear(advice, platform.answer)
        patience.hear(advice, platform.answer)
        patience.wait()
    assert patience.again(Met(Unavailable("meta", "reset"), NOON), Platform().answer) == "done"


def test_a_denial_that_was_heard_is_for_all(patience: Patience) -> None:
    with pytest.raises(Denied):
        patience.hear(Advice, Platform(Denied("meta", "190")).answer)
    with pytest.raises(Denied, match="No further request"):
        patience.free()


def test_who_gives_no_advice_is_not_asked_for_it() -> None:
    platform = Advising([Advice(15.0, "x")])
    assert advice_of(PLATFORM, cast("Connector", platform))() == Advice()
    assert platform.advices
