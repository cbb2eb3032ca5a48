"""A sync that is killed at any point loses nothing; and the suite that says so can fail.

A sample, drawn by a fixed seed; `python -m tests.crash.kill --all` tries every point. Of the
Google Ads API's, see `test_kill_jobs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import pytest

from tests.crash.kill import SAMPLE, SEED, everywhere, kill, lines, scenes
from tests.crash.mortal import Point
from tests.crash.stage import NAMES, stage

pytestmark = pytest.mark.slow

# About where each fault shows, on a day of changes on Meta. Points move as a run gets
# another commit, so those nearby are tried too; `--plant` tries all.
NEARBY = 12
SHOWN = {
    "receipt_before_send": Point("commit", 7, "after"),
    "intent_after_send": Point("send", 2, "applied"),
    "named_before_renamed": Point("file", 14, "before"),
    "unknown_not_sent_again": Point("send", 2, "applied"),
    "stamped_before_committed": Point("commit", 3, "before"),
    "plans_swept": Point("send", 1, "before"),
    "noted_before_folded": Point("commit", 36, "after"),
}


def test_a_kill_at_a_sample_of_points_loses_nothing(told: Callable[[str], None]) -> None:
    """Two platforms, three scenes, every kind of point."""
    begun = time.monotonic()
    tally = everywhere(size=SAMPLE, seed=SEED, names=NAMES)
    for line in (f"seed {SEED}", *lines(tally, time.monotonic() - begun)):
        told(line)

    assert sum(tally.tried.values()) >= SAMPLE
    assert tally.violations == []


def test_planted_faults_are_found() -> None:
    """The order in which a crash is survived is broken, a way at a time."""
    with stage("meta") as here:
        (day,) = scenes(here, ("day",))
        points = day.points()
        missed = []
        for name, shown in SHOWN.items():
            here.plant = name
            if not any(kill(day, point) for point in near(points, shown)):
                missed.append(name)
        here.plant = ""

    assert missed == []


def near(points: Sequence[Point], shown: Point) -> list[Point]:
    """Points of that kind, the nearest first."""
    alike = [one for one in points if (one.kind, one.when) == (shown.kind, shown.when)]
    return sorted(alike, key=lambda one: abs(one.number - shown.number))[:NEARBY]
