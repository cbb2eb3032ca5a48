"""A sync over the Google Ads API that is killed between create, add, run and poll goes on.

One kill at each such place on a day of changes, drawn by a fixed seed from all of its kind;
`python -m tests.crash.kill --all --platform google_ads` tries every one, in four scenes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random

import pytest

from tests.crash.kill import SEED, Scene, kill, scenes
from tests.crash.mortal import Point
from tests.crash.stage import stage

pytestmark = pytest.mark.slow

Passed = list[tuple[Point, str]]


@pytest.fixture(scope="module")
def day() -> Iterator[Scene]:
    with stage("google_ads") as here:
        (made,) = scenes(here, ("day",))
        yield made


@pytest.fixture(scope="module")
def passed(day: Scene) -> Passed:
    """The points of a run that nobody kills."""
    day.begin()
    ended = day.stage.sync()
    assert ended.code == 0, ended.said
    return list(ended.passed)


def test_a_kill_between_create_add_run_and_poll_loses_and_doubles_no_job(
    day: Scene, passed: Passed
) -> None:
    places = defaultdict(list)
    for point, what in passed:
        # What comes after the answer to a request comes before the next one, or a commit.
        asks, tells = point.kind == "question", point.kind == "send" and point.when != "after"
        if (asks or tells) and what != "create_list":
            places[what, point.when].append(point)
    assert len(places) == 2 * 3 + 2, "create, add and run, each unsent and unanswered; and polls"
    random = Random(SEED)
    chosen = [random.choice(points) for _, points in sorted(places.items())]
    chosen.append(receipt(passed))

    assert {str(point): kill(day, point) for point in chosen} == {str(p): [] for p in chosen}


@pytest.mark.parametrize(("plant", "what"), [("left_pending", "run"), ("drawn_ids", "create_job")])
def test_a_planted_fault_is_found(day: Scene, passed: Passed, plant: str, what: str) -> None:
    """A job that nobody runs, and one that nobody finds again."""
    when = "before" if what == "run" else "applied"
    point = next(p for p, name in passed if name == what and p.when == when)
    day.stage.plant = plant
    try:
        assert any("PENDING" in one for one in kill(day, point))
    finally:
        day.stage.plant = ""


def receipt(passed: Passed) -> Point:
    """Where the receipt of a batch is committed whose job was run."""
    run = next(
        n for n, (point, what) in enumerate(passed) if (what, point.when) == ("run", "after")
    )
    return next(point for point, _ in passed[run:] if point.kind == "commit")
