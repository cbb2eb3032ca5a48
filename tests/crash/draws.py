"""What the state machine draws from, and the book of what it drew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.crash.house import View
from tests.crash.sides import NAMES
from tests.integration.deaths import Death

Done = TypeVar("Done", bound=Callable[..., None])

sides, places = st.sampled_from(NAMES), st.integers(0, 30)
views: st.SearchStrategy[View] = st.sampled_from(
    ["whole", "whole", "torn", "torn", "empty", "without phones"]
)
CHANGES = (
    "join",
    "leave",
    "another e-mail",
    "come back",
    "other phones",
    "a family's phone",
    "consent denied",
    "consent given",
)
deaths = st.one_of(
    st.builds(Death, st.just("commit"), st.integers(1, 22), st.sampled_from(["before", "after"])),
    st.builds(Death, st.just("push"), st.integers(1, 4), st.sampled_from(["before", "after"])),
)
perhaps = st.one_of(st.none(), st.none(), deaths)
orders = st.lists(st.integers(0, 5), max_size=4).map(tuple)


class Enough(Exception):
    """So many steps were made as were asked for."""


@dataclass
class Tally:
    """What was done and found.

    Attributes:
        wanted: So many steps are enough.
        retold: What was found is lived through once more, for its story.
        steps: By rule.
        requests: How many were made, and of those: while another was under way.
        found: The category of each violation.
        said: Its words.
        story: The steps that led to it.
    """

    wanted: int = 0
    retold: bool = True
    steps: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    @property
    def enough(self) -> bool:
        told = bool(self.found) and not self.retold
        return told or self.steps.total() >= self.wanted


@dataclass(frozen=True)
class Happening:
    """Something that may happen: how often, when, and what of it is drawn."""

    weight: int
    ready: Callable[[Any], object]
    drawn: Mapping[str, st.SearchStrategy[Any]]


# By the names of the machine's methods.
MAY: dict[str, Happening] = {}


def _always(_: Any) -> bool:
    return True


def may(
    *, weight: int = 2, ready: Callable[[Any], object] = _always, **drawn: st.SearchStrategy[Any]
) -> Callable[[Done], Done]:
    """A method of the machine is something that may happen."""

    def kept(done: Done) -> Done:
        MAY[done.__name__] = Happening(weight, ready, drawn)
        return done

    return kept


def ends_here(error: Exception) -> bool:
    """Whether this is Hypothesis's own way of saying that an example ends."""
    return type(error).__module__.startswith("hypothesis")
