"""What may happen to syncd is drawn, and faults that are planted are found by it.

The seeds are fixed, so that an alarm is of the change that was made; with `SYNCD_SEED` they are
others, and `python -m tests.crash.state_machine` draws anew each time, as much as you like.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.crash.state_machine import play, total
from tests.crash.wrongs import WRONGS

pytestmark = pytest.mark.slow

STEPS = 250  # of a part; the command draws more, and others each time
PARTS = 4  # beside each other, where there is more than one process
SEED = int(os.environ.get("SYNCD_SEED", "20261125"))  # of part 0; the next has the next one

ENOUGH = 400  # steps in which a planted fault must show


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_the_promises_hold(part: int, told: Callable[[str], None]) -> None:
    """Members, shops, faults, crashes, approvals and erasures, on two platforms."""
    seed, begun = SEED + part, time.process_time()
    tally = play(STEPS, seed=seed)
    told(f"seed {seed}, {total(tally, time.process_time() - begun)}")

    again = f"python -m tests.crash.state_machine {STEPS} --seed {seed}"
    assert tally.said == [], (again, tally.story)
    assert tally.steps.total() >= STEPS
    assert tally.requests["beside"] > 0, "several were under way at once"


@pytest.mark.parametrize("name", WRONGS)
def test_a_planted_fault_is_found(name: str, told: Callable[[str], None]) -> None:
    """In the words that are meant for it."""
    tally = play(ENOUGH, seed=1, plant=name, retold=False)
    told(f"found in example {tally.examples}, after {tally.steps.total()} steps: {tally.said[:1]}")

    assert tally.found[:1] == [WRONGS[name].shows]
