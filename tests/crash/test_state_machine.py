"""What may happen is drawn, 2,000 steps in every run of the tests; and each planted fault is found.

A seed is drawn and told; `SYNCD_SEED` gives one back. `python -m tests.crash.state_machine`
draws as many steps as one likes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from random import SystemRandom

import pytest

from tests.crash.state_machine import STEPS, play, total
from tests.crash.wrongs import WRONGS

pytestmark = pytest.mark.slow

PARTS = 5  # beside each other, where there is more than one process
SEED = int(os.environ.get("SYNCD_SEED", "0")) or SystemRandom().randrange(1, 10**8)

ENOUGH = 400  # steps in which a planted fault must show
# Draws that come upon it early: of other seeds one in three takes longer than that.
FOUND: Mapping[str, int] = {
    "receipt first": 1,
    "no intent": 1,
    "torn snapshot used": 1,
    "opposite operation before an unknown one resolved": 1,
    "erasure without a second removal": 1,
    "guard counted after the additions": 1,
    "removal repeated while settling": 1,
    "confirmation after a return": 1,
    "guard measured against the last run only": 1,
}


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_the_promises_hold(part: int, told: Callable[[str], None]) -> None:
    """Members, shops, faults, crashes, approvals and erasures, on two platforms."""
    seed, begun = SEED + part, time.process_time()
    tally = play(STEPS // PARTS, seed=seed)
    told(f"seed {seed} (SYNCD_SEED={SEED}), {total(tally, time.process_time() - begun)}")

    assert tally.said == [], (seed, tally.story)
    assert tally.steps.total() >= STEPS // PARTS


@pytest.mark.parametrize("name", WRONGS)
def test_a_planted_fault_is_found(name: str, told: Callable[[str], None]) -> None:
    """In the words that are meant for it."""
    tally = play(ENOUGH, seed=FOUND[name], plant=name)
    told(f"found in example {tally.examples}, after {tally.steps.total()} steps: {tally.said[:1]}")

    assert tally.found[:1] == [WRONGS[name].shows]
