"""A sync that is killed at any point loses nothing; and the suite that says so can fail.

A sample, drawn by a fixed seed; `python -m tests.crash.kill --all` tries every point.
"""

from __future__ import annotations

import time

import pytest

from tests.crash.kill import SAMPLE, SEED, everywhere, kill, lines, scenes
from tests.crash.mortal import Point
from tests.crash.stage import stage

pytestmark = pytest.mark.slow

# A point at which each fault shows, on a day of changes on Meta; `--plant` finds the others.
SHOWN = {
    "receipt_before_send": Point("commit", 7, "after"),
    "intent_after_send": Point("send", 2, "applied"),
    "named_before_renamed": Point("commit", 3, "after"),
    "unknown_not_sent_again": Point("send", 2, "applied"),
    "unknown_cancelled": Point("send", 8, "applied"),
    "folded_twice": Point("commit", 1, "before"),
    "stamped_before_committed": Point("commit", 3, "before"),
}


def test_a_kill_at_a_sample_of_points_loses_nothing() -> None:
    """Both platforms, three scenes, every kind of point."""
    begun = time.monotonic()
    tally = everywhere(size=SAMPLE, seed=SEED)
    for line in (f"seed {SEED}", *lines(tally, time.monotonic() - begun)):
        print(line)

    assert sum(tally.tried.values()) >= SAMPLE
    assert tally.violations == []


def test_planted_faults_are_found() -> None:
    """The order in which a crash is survived is broken, a way at a time."""
    with stage("meta") as here:
        (day,) = scenes(here, ("day",))
        missed = []
        for name, point in SHOWN.items():
            here.plant = name
            if not kill(day, point):
                missed.append(name)
        here.plant = ""

    assert missed == []
