"""A state machine draws what may happen: `python -m tests.crash.state_machine`.

Two syncs of one segment hang in one ledger: one platform answers now, the other works later
and in any order. In two examples of three both take several requests at once, see
`tests.crash.traffic`. `tests.crash.happenings` says what may befall them, `tests.crash.promises`
and `tests.crash.book` what must be true after each step; at the end of an example faults end,
and all must become equal and rest.

Usage: python -m tests.crash.state_machine [STEPS] [--seed N] [--plant FAULT] [--shrink]
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import hypothesis
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.crash.draws import Enough, Tally
from tests.crash.happenings import Machine
from tests.crash.wrongs import WRONGS, planted

STEPS = 2_000
LENGTH = 60  # steps of an example


def play(
    steps: int, *, seed: int, plant: str = "", shrink: bool = False, retold: bool = True
) -> Tally:
    """Draw examples until so many steps were made, or something was violated.

    Args:
        plant: A fault to put in first, see `tests.crash.wrongs`; what brings it to light is
            drawn more often.
        shrink: Look for a shorter example of what was found.
        retold: Live through what was found once more, for its story.
    """
    tally = Tally(wanted=steps, retold=retold)
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    how = settings(
        max_examples=steps // LENGTH + 3,  # the first one, the simplest there is, does not count
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    likely = WRONGS[plant].likely if plant else ()
    flies = WRONGS[plant].beside if plant else True
    drawn = type("Drawn", (Machine,), {"tally": tally, "likely": likely, "flies": flies})
    drawn = hypothesis.seed(seed)(drawn)
    with planted(plant), _hushed():
        try:
            run_state_machine_as_test(drawn, settings=how)
        except Exception as error:
            # To end between two examples is inconsistent to Hypothesis; so is a violation
            # that comes of the order in which the engine's threads hand out rows.
            if not tally.found and not isinstance(error, Enough | Flaky):
                raise
            tally.story += getattr(error, "__notes__", [])
    return tally


@contextmanager
def _hushed() -> Iterator[None]:
    """Thousands of runs say nothing."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def lines(tally: Tally, seconds: float) -> list[str]:
    """The tally as it is printed."""
    rules = [f"  {name:22}{count:6}" for name, count in sorted(tally.steps.items())]
    story = tally.story if tally.said else []
    return [*story, *rules, *tally.said[:1], total(tally, seconds)]


def total(tally: Tally, seconds: float) -> str:
    """All of it in one line."""
    steps = f"{tally.steps.total():,} steps in {tally.examples:,} examples"
    requests = f"{tally.requests['beside']:,} of {tally.requests['begun']:,} requests beside others"
    return f"{steps}, {requests}, {seconds:.0f} s of the processor, violations: {len(tally.said)}"


def main(arguments: Sequence[str]) -> int:
    """Play, print, and say by the exit code whether anything was violated."""
    asked = argparse.ArgumentParser(prog="python -m tests.crash.state_machine")
    asked.add_argument("steps", type=int, nargs="?", default=STEPS)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(10**8))
    asked.add_argument("--plant", choices=sorted(WRONGS), default="", help="break syncd first")
    asked.add_argument("--shrink", action="store_true", help="look for a shorter example")
    given = asked.parse_args(arguments)
    print(f"seed {given.seed}", flush=True)
    begun = time.process_time()
    tally = play(given.steps, seed=given.seed, plant=given.plant, shrink=given.shrink)
    for line in lines(tally, time.process_time() - begun):
        print(line)
    return 1 if tally.said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
