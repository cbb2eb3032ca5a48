"""What a platform's answers advise is kept to, and what its audiences and accounts wait for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from connectors.memory import PLATFORM
from syncd.errors import AudienceBusy, Denied, RequestRefused, Throttled, Unavailable
from syncd.gate import PATIENCE, Gate, Gates
from syncd.model import Advice
from syncd.ports import Connector
from syncd.retry import BUSY, PACING, WAITING, Patience
from tests.unit.test_retry import NOON, Hands, Pages, Platform

ADVISES = replace(PLATFORM, capabilities=replace(PLATFORM.capabilities, advises=True))


@dataclass
class Advising(Platform):
    """Answers with the advice it was given, one after the other."""

    advices: list[Advice] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def advice(self) -> Advice:
        return self.advices.pop(0) if self.advices else Advice()

    def heeded(self, patience: Patience) -> Patience:
        patience.heed(ADVISES, cast("Connector", self))
        return patience


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def gate(pages: Pages) -> Gate:
    return Gates(pages).of("meta", "act_1")


def test_a_pause_holds_the_next_request_and_every_other_of_the_account(
    clock: Hands, gate: Gate
) -> None:
    platform = Advising([Advice(15.0, "ad account usage 80 %")])
    patience = Patience(clock, gate, "eu")
    connector = cast("Connector", platform)
    assert patience.heed(ADVISES, connector) is connector
    assert patience.ask(platform.answer) == "done"
    assert clock.slept == [], "this one is answered"
    assert gate.wait("other", clock.at) == 15
    assert patience.ask(platform.answer) == "done"
    assert clock.slept == [15.0]


def test_a_pause_of_less_than_a_second_is_one(clock: Hands, gate: Gate) -> None:
    platform = Advising([Advice(0.5, "app usage 76 %")])
    platform.heeded(Patience(clock, gate, "eu")).ask(platform.answer)
    assert gate.wait("eu", clock.at) == 0.5


def test_who_gives_no_advice_is_not_asked_for_it(clock: Hands, gate: Gate) -> None:
    platform = Advising([Advice(15.0, "x")])
    patience = Patience(clock, gate, "eu")
    patience.heed(PLATFORM, cast("Connector", platform))
    patience.ask(platform.answer)
    assert gate.wait("eu", clock.at) == 0


def test_a_refused_request_was_answered_and_its_advice_counts(clock: Hands, gate: Gate) -> None:
    platform = Advising([Advice(15.0, "x")])
    platform.errors = [RequestRefused("meta", "100")]
    with pytest.raises(RequestRefused):
        platform.heeded(Patience(clock, gate, "eu")).ask(platform.answer)
    assert gate.wait("eu", clock.at) == 15


def test_pauses_of_a_platform_that_answers_spend_nothing(clock: Hands, gate: Gate) -> None:
    """A run on a small quota goes on for hours, each wait followed by an answer."""
    requests = 30
    platform = Advising([Advice(300.0, "ad account usage 97 %")] * requests)
    patience = platform.heeded(Patience(clock, gate, "eu"))
    for _ in range(requests):
        patience.ask(platform.answer)
    assert sum(clock.slept) == 300 * (requests - 1) > WAITING
    platform.errors = [Throttled("meta", "17", retry_after=WAITING / 2)]
    assert patience.ask(platform.answer) == "done", "what a run may wait for refusals is whole"


def test_a_wait_that_others_brought_about_is_no_pacing(clock: Hands, gate: Gate) -> None:
    """It outlasts what this run was advised, and is spent of what a run may wait."""
    platform = Advising([Advice(15.0, "app usage 80 %")] * 4)
    patience = platform.heeded(Patience(clock, gate, "eu"))
    for _ in range(3):
        patience.ask(platform.answer)
        gate.close(clock.now() + timedelta(seconds=WAITING / 3), "17")
    patience.ask(platform.answer)
    assert clock.slept == [WAITING / 3] * 3
    flaky = Platform(Unavailable("meta", "reset"))
    with pytest.raises(Unavailable, match="used up"):
        patience.ask(flaky.answer)


def test_a_run_is_not_paced_for_longer_than_its_snapshot_is_good(clock: Hands, gate: Gate) -> None:
    """Six hours, to the second; whoever withdrew consent since must not wait for all of it."""
    platform = Advising([Advice(300.0, "app usage 99 %")] * 100)
    patience = platform.heeded(Patience(clock, gate, "eu"))
    with pytest.raises(Throttled, match=r"app usage 99 %: this run has waited 6 hours") as caught:
        deque((patience.ask(platform.answer) for _ in range(100)), maxlen=0)
    assert sum(clock.slept) == PACING
    assert platform.asked == PACING / 300 + 1
    assert caught.value.retry_after == 300
    assert Patience(clock, gate, "eu").ask(platform.answer) == "done", "the next run goes on"


def test_a_pause_beyond_our_patience_ends_the_run_at_its_next_request(
    clock: Hands, gate: Gate
) -> None:
    platform = Advising([Advice(PATIENCE + 1, "custom audience usage 100 %")])
    patience = platform.heeded(Patience(clock, gate, "eu"))
    assert patience.ask(platform.answer) == "done"
    with pytest.raises(Throttled, match="custom audience usage 100 %: the account is throttled"):
        patience.ask(platform.answer)
    assert platform.asked == 1


@pytest.mark.parametrize(("seconds", "written"), [(29.9, False), (30.0, True), (5_000.0, True)])
def test_a_wait_worth_telling_is_written_down_as_it_begins(
    clock: Hands, pages: Pages, gate: Gate, seconds: float, *, written: bool
) -> None:
    """Of a refusal and of advice alike, whatever asked."""
    until = NOON + timedelta(seconds=seconds)
    advised = Advising([Advice(seconds, "app usage 99 %")])
    advised.heeded(Patience(clock, gate, "eu")).ask(advised.answer)
    assert pages.waits == ({("meta", "act_1"): (until, "app usage 99 %")} if written else {})
    pages.waits.clear()
    other = Gates(pages).of("meta", "act_1")
    refused = Platform(Throttled("meta", "17", retry_after=seconds))
    seen: list[object] = []

    class Reader(Hands):
        def sleep(self, seconds: float) -> None:
            seen.append(pages.waits.get(("meta", "act_1")))
            super().sleep(seconds)

    try:
        Patience(Reader(), other, "eu").ask(refused.answer)
    except Throttled:
        seen.append(pages.waits["meta", "act_1"])
    assert seen == [(until, "17") if written else None]


def test_a_shorter_wait_does_not_hide_a_longer_one(pages: Pages, gate: Gate) -> None:
    gate.hold(600, "17", NOON)
    gate.hold(60, "4", NOON)
    assert pages.waits["meta", "act_1"] == (NOON + timedelta(seconds=600), "17")


def test_a_warning_is_written_down_once_a_run(clock: Hands, pages: Pages, gate: Gate) -> None:
    for _ in range(2):
        platform = Advising([Advice(warning="old")] * 3)
        patience = platform.heeded(Patience(clock, gate, "eu"))
        for _ in range(4):
            patience.ask(platform.answer)
    assert pages.warnings == ["meta act_1 old"] * 2


# --- an audience that another update holds -------------------------------------


def test_a_busy_audience_is_waited_for_alone(clock: Hands, gate: Gate) -> None:
    """Every few minutes, for longer than anything else is tried, and spending nothing."""
    busy = Platform(*[AudienceBusy("meta", "2650/1870145", retry_after=180.0)] * 40)
    patience = Patience(clock, gate, "eu")
    assert patience.ask(busy.answer) == "done"
    assert clock.slept == [180.0] * 40
    assert gate.wait("other", NOON) == 0, "others of the account go on"
    platform = Platform(Throttled("meta", "17", retry_after=WAITING / 2))
    assert patience.ask(platform.answer) == "done"


def test_a_busy_audience_of_no_stated_wait_is_asked_every_three_minutes(
    clock: Hands, gate: Gate
) -> None:
    Patience(clock, gate, "eu").ask(Platform(AudienceBusy("meta", "busy")).answer)
    assert clock.slept == [180.0]


def test_a_busy_audience_is_given_up_after_three_hours(clock: Hands, gate: Gate) -> None:
    told = AudienceBusy("meta", "2650/1870145", retry_after=180.0, reference="r1")
    busy = Platform(*[told] * 100)
    with pytest.raises(AudienceBusy, match=r"r1.*lasted 3 hours.*look at the audience") as caught:
        Patience(clock, gate, "eu").ask(busy.answer)
    assert sum(clock.slept) == BUSY
    assert caught.value.exit_code == 75


# --- an account that is denied ---------------------------------------------------


@pytest.mark.parametrize(("stated", "seconds"), [(None, 3_600.0), (86_400.0, 86_400.0)])
def test_a_denial_is_looked_at_again_after_an_hour_or_as_stated(
    clock: Hands, gate: Gate, stated: float | None, seconds: float
) -> None:
    platform = Platform(Denied("meta", "368", again_after=stated))
    patience = Patience(clock, gate, "eu")
    with pytest.raises(Denied):
        patience.ask(platform.answer)
    clock.at += timedelta(seconds=seconds - 1)
    with pytest.raises(Denied, match="No further request"):
        patience.ask(platform.answer)
    assert platform.asked == 1
    clock.at += timedelta(seconds=1)
    assert patience.ask(platform.answer) == "done"


def test_a_long_wait_says_why_where_the_platform_gave_a_reason(clock: Hands, gate: Gate) -> None:
    error = Throttled("meta", "613", retry_after=3_600.0, hint="abuse prevention")
    with pytest.raises(Throttled, match="613: abuse prevention: the account is throttled until"):
        Patience(clock, gate, "eu").ask(Platform(error).answer)


def test_a_request_that_can_be_left_out_is_tried_once_and_waits_for_nothing(
    gate: Gate, pages: Pages, clock: Hands
) -> None:
    """While the account must wait it is not made; and what it learns, the others go by."""
    patience = Patience(clock, gate, "eu")
    platform = Platform(Unavailable("meta", "reset"), Throttled("meta", "17", retry_after=60.0))
    until = clock.now() + timedelta(seconds=60)
    with pytest.raises(Unavailable):
        patience.try_once(platform.answer)
    with pytest.raises(Throttled):
        patience.try_once(platform.answer)
    assert gate.wait("eu", clock.now()) == 60.0
    assert pages.waits == {("meta", "act_1"): (until, "17")}
    assert patience.try_once(platform.answer) is None
    assert (platform.asked, clock.slept) == (2, [])

    clock.sleep(60.0)
    assert patience.try_once(platform.answer) == "done"
    assert patience.try_once(dict, [("id", "1")], size=2) == {"id": "1", "size": 2}

    gate.close(clock.now() + timedelta(seconds=0.5), "17")
    assert patience.try_once(platform.answer) is None, "a short wait is one too"
