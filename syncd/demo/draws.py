"""Cheap random draws one at a time, from numbers drawn in bulk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 65_536


class Draws:
    """Random choices whose order alone decides what they are.

    A call to numpy for each single draw costs more than all else in making a person.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._numbers: Iterator[float] = iter(())

    def number(self) -> float:
        """From 0 up to, not including, 1."""
        for number in self._numbers:
            return number
        self._numbers = iter(self._random.random(_BLOCK).tolist())
        return next(self._numbers)

    def below(self, limit: int) -> int:
        """From 0 up to, not including, `limit`."""
        return int(self.number() * limit)

    def chance(self, share: float) -> bool:
        """True in this share of calls."""
        return self.number() < share

    def fate(self, shares: Mapping[str, float]) -> str:
        """One of these words, as often as its share says; for all the rest `nothing`."""
        drawn = self.number()
        for word, share in shares.items():
            drawn -= share
            if drawn < 0:
                return word
        return "nothing"

    def pick(self, among: Sequence[T]) -> T:
        """One of them, each as likely."""
        return among[int(self.number() * len(among))]
