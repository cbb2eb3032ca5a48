"""The state machine finds what is planted, in its own words.

The long draw is a command so far: `python -m tests.crash.state_machine`, see there.
"""

from __future__ import annotations

import pytest

from tests.crash.state_machine import play
from tests.crash.wrongs import WRONGS

pytestmark = pytest.mark.slow

SEED = 1  # what is found, and how soon, is the same in every run
ENOUGH = 300  # steps in which a fault must show
# Faults that a short draw is known to find; `--plant` tries any of `WRONGS`.
SOON = ("receipt first", "no intent", "removal repeated while settling")


@pytest.mark.parametrize("name", SOON)
def test_a_planted_fault_is_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    tally = play(ENOUGH, seed=SEED, plant=name)
    with capsys.disabled():
        print(f"\n{name}: {tally.said[:1]} in example {tally.examples}, seed {SEED}")

    assert tally.found[:1] == [WRONGS[name].shows]
