"""What may happen to syncd is drawn, and faults that are planted are found by it.

A short draw stands here; `python -m tests.crash.state_machine` makes the long one, with a
seed of its own each time and with any of the faults.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

import pytest

from tests.crash.state_machine import play, total
from tests.crash.wrongs import WRONGS

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("SYNCD_SEED", "20261125"))
STEPS = 100
PARTS = 2  # beside each other, where there is more than one process

ENOUGH = 400  # steps in which a planted fault must show
# Draws that come upon a fault early. The others show in the long draw, see README.md.
FOUND: Mapping[str, int] = {
    "receipt first": 1,
    "no intent": 1,
    "erasure without a second removal": 1,
    "removal repeated while settling": 1,
    "confirmation after a return": 1,
}


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_the_promises_hold(part: int, told: Callable[[str], None]) -> None:
    """Members, shops, faults, crashes, approvals and erasures, on two platforms."""
    seed, begun = SEED + part, time.process_time()
    tally = play(STEPS, seed=seed)
    told(f"seed {seed}, {total(tally, time.process_time() - begun)}")

    assert tally.said == [], (seed, tally.story)
    assert tally.steps.total() >= STEPS


@pytest.mark.parametrize("name", FOUND)
def test_a_planted_fault_is_found(name: str, told: Callable[[str], None]) -> None:
    """In the words that are meant for it."""
    tally = play(ENOUGH, seed=FOUND[name], plant=name)
    told(f"found in example {tally.examples}, after {tally.steps.total()} steps: {tally.said[:1]}")

    assert tally.found[:1] == [WRONGS[name].shows]
