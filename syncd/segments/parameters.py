"""What a shipped segment can be given: a number within bounds, or words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from syncd.errors import ConfigError

Value = float | str | tuple[str, ...] | None

_MOST_WORDS = 100
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a shipped segment can be given.

    Attributes:
        default: None where leaving it out means no limit, or where it is required.
        low: The least it may be.
        high: The most it may be.
        unit: What it counts.
    """

    name: str
    default: float | None
    low: float
    high: float
    unit: str
    help: str
    required: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers will do, as its bounds then are in the catalogue."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def bounds(self) -> str:
        """What it may be, in words."""
        return f"from {self.low:g} to {self.high:g}"

    def accept(self, segment: str, value: object) -> Value:
        """The value, if it lies within the bounds.

        Raises:
            ConfigError: It does not; says the bounds.
        """
        what = f"{segment}.{self.name} ({self.unit})"
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise ConfigError(f"{what} must be a number {self.bounds}")
        if not self.low <= value <= self.high:
            raise ConfigError(f"{what} is {value:g}; it must lie {self.bounds}")
        if self.whole and value != int(value):
            raise ConfigError(f"{what} is {value:g}; it must be a whole number {self.bounds}")
        return int(value) if self.whole else float(value)


@dataclass(frozen=True, slots=True)
class Words:
    """A word, or a list of words, that a shipped segment can be given.

    Attributes:
        default: None where leaving it out means no limit, or where it is required.
        choices: The only words there are; empty where the shop's own words go.
        pattern: What each word must look like whole, where there are no choices.
        many: Whether it is a list of 1 to 100 words; one word alone will do too.
        unit: What the words are.
    """

    name: str
    default: str | tuple[str, ...] | None
    choices: tuple[str, ...]
    pattern: str
    many: bool
    unit: str
    help: str
    required: bool = False

    @property
    def bounds(self) -> str:
        """What it may be, in words."""
        if self.choices:
            return f"{'any' if self.many else 'one'} of: {', '.join(self.choices)}"
        return f"a list of {self.unit}" if self.many else self.unit

    def accept(self, segment: str, value: object) -> Value:
        """The value, if each of its words is one that will do.

        Raises:
            ConfigError: One is not; says which will do.
        """
        what = f"{segment}.{self.name}"
        words = tuple(value) if self.many and isinstance(value, list | tuple) else (value,)
        if not 1 <= len(words) <= _MOST_WORDS:
            raise ConfigError(f"{what} has {len(words)} words; it must have 1 to {_MOST_WORDS}")
        accepted = tuple(self._word(what, word) for word in words)
        return accepted if self.many else accepted[0]

    def _word(self, what: str, value: object) -> str:
        if not isinstance(value, str):
            raise ConfigError(f"{what} must be text, in quotes: {self.bounds}")
        word = value.strip()
        good = word in self.choices if self.choices else re.fullmatch(self.pattern, word)
        if not good or len(word) > _LONGEST:
            raise ConfigError(f"{what} is {word[:_LONGEST]!r}; it must be {self.bounds}")
        return word


Parameter = Number | Words
