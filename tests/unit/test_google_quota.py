"""Requests of a Google project, counted for all accounts, and when to make no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.google.quota import DAY, HOUR, MINUTE, QUOTAS, Kind, Project, Projects
from syncd.model import Advice


class Hands:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.at = 1_234_567.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def project(hands: Hands) -> Project:
    return Project(hands.now)


@pytest.mark.parametrize("kind", QUOTAS)
def test_a_tenth_of_a_minutes_quota_is_left_to_others(
    hands: Hands, project: Project, kind: Kind
) -> None:
    """269 go at once; with the 270th the account waits until the first is a minute old."""
    project.asked(kind)
    hands.at += 20
    project.asked(kind, 268)
    assert project.advice == Advice()
    project.asked(kind)
    assert project.advice == Advice(
        MINUTE - 20, f"90% of the project's quota of 300 {kind} a minute is used"
    )
    hands.at += 40
    assert project.advice == Advice()
    project.asked(kind)
    assert project.advice.pause == 20


def test_kinds_have_quotas_of_their_own(project: Project) -> None:
    for kind in QUOTAS:
        project.asked(kind, 269)
    assert project.advice == Advice()


@pytest.mark.parametrize(("kind", "quota"), [("uploads", 100_000), ("list reads", 50_000)])
def test_a_days_quota_frees_itself_by_the_hour(
    hands: Hands, project: Project, kind: Kind, quota: int
) -> None:
    hands.at = 100 * HOUR + 10 * MINUTE
    began = hands.at
    for _ in range(24 * 60):
        if project.advice.pause >= HOUR:
            break
        project.asked(kind, 200)
        hands.at += MINUTE
    asked = (hands.at - began) / MINUTE * 200
    assert asked == quota * 0.9
    told = project.advice
    assert told.reason == f"90% of the project's quota of {quota:,} {kind} a day is used"
    hands.at += told.pause - 1
    assert project.advice.pause == 1
    hands.at += 1
    assert hands.at >= began + DAY, "not before the first requests are a day old"
    assert project.advice == Advice()


def test_uploads_of_earlier_processes_count_until_they_are_a_day_old(
    hands: Hands, project: Project
) -> None:
    """Once an account, however many connectors are made for it; of the minute they are no part."""
    hands.at = 100 * HOUR + 10 * MINUTE

    def sent(*told: tuple[timedelta, int]) -> Callable[[], tuple[tuple[timedelta, int], ...]]:
        return lambda: told

    ours = sent((timedelta(hours=20), 50_000), (timedelta(0), 30_000))
    for _ in range(3):
        project.recall("1234567890", ours)
    assert project.advice == Advice()
    project.recall("2345678901", sent((timedelta(hours=22), 10_000)))
    told = project.advice
    assert told.reason == "90% of the project's quota of 100,000 uploads a day is used"
    hands.at += told.pause
    assert HOUR <= told.pause <= 3 * HOUR
    assert project.advice == Advice()


def test_a_used_up_quota_holds_every_account(hands: Hands, project: Project) -> None:
    """For as long as Google says; a later, shorter word changes nothing."""
    project.refused(120.0, "RESOURCE_EXHAUSTED")
    hands.at += 10
    project.refused(5.0, "RESOURCE_EXHAUSTED/OTHER")
    project.refused(None, "RESOURCE_EXHAUSTED/OTHER")
    assert project.advice == Advice(110.0, "RESOURCE_EXHAUSTED")
    hands.at += 110
    assert project.advice == Advice()


def test_projects_are_told_apart_by_name() -> None:
    projects = Projects()
    projects.of("one").asked("uploads", 300)
    assert projects.of("one").advice.pause > 0
    assert projects.of("two").advice == Advice()
