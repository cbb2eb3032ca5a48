"""The words of the rule sets, all in one place, and one value taken through them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from syncd.errors import ConfigError
from syncd.identity import addresses, persons, phones, places, text
from syncd.identity.reasons import Reason
from syncd.identity.step import Step
from syncd.identity.text import BLANKS

STEPS: dict[str, Step] = {
    **text.STEPS,
    **addresses.STEPS,
    **phones.STEPS,
    **places.STEPS,
    **persons.STEPS,
}


def normalise(steps: Iterable[Step], raw: str, country: str | None) -> str | Reason | None:
    """Take one value through the steps.

    Returns:
        A text that is never empty; None where nothing was there; or why it is refused.
    """
    value = raw.strip(BLANKS)
    if not value:
        return None
    for step in steps:
        answer = step.run(value, country) or Reason.NOTHING_LEFT
        if isinstance(answer, Reason):
            return answer
        value = answer
    return value


def traced(
    steps: Sequence[Step], raw: str, country: str | None
) -> tuple[tuple[Step, str | Reason], ...]:
    """What each step makes of a value, as far as the first that refuses it.

    Returns:
        A pair a step; none where nothing was there.
    """
    trail: list[tuple[Step, str | Reason]] = []
    for count, step in enumerate(steps, 1):
        answer = normalise(steps[:count], raw, country)
        if answer is None:
            break
        trail.append((step, answer))
        if isinstance(answer, Reason):
            break
    return tuple(trail)


def steps_named(names: Iterable[str]) -> tuple[Step, ...]:
    """Look the steps of a rule up.

    Raises:
        ConfigError: There is no such step.
    """
    return tuple(_step(name) for name in names)


def _step(name: str) -> Step:
    if name in STEPS:
        return STEPS[name]
    near = get_close_matches(name, STEPS, n=1)
    hint = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(sorted(STEPS))}"
    raise ConfigError(f"a rule names the step {name!r}, which does not exist; {hint}")
