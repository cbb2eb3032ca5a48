"""Patterns of digits as one automaton: what libphonenumber's data says, run over columns.

The patterns are made of digits, sets of digits, groups, `|`, `?` and `{n,m}`, so each
describes finitely many numbers. They are turned into states and arrows (Thompson's
construction), and several of them at once into states that know which of them have matched
so far and which have matched on the way (subset construction).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_PARTS = re.compile(r"\\d|\d|\[[^]]*\]|\((?:\?:)?|[|)]|\{\d+(?:,\d+)?\}|\?")
_ANY_DIGIT = frozenset(range(10))


@dataclass(frozen=True, slots=True)
class _Set:
    digits: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Repeat:
    item: _Node
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class _Choice:
    of: tuple[tuple[_Node, ...], ...]


_Node = _Set | _Repeat | _Choice


@dataclass(frozen=True, slots=True)
class State:
    """Where a number may stand after so many digits.

    Attributes:
        places: States of the patterns, of all at once.
        depth: Digits read.
        passed: Patterns that matched at this depth or a smaller one, of those that are
            only looked for at the beginning.
    """

    places: frozenset[int]
    depth: int
    passed: frozenset[int]


@dataclass(slots=True)
class Patterns:
    """Several patterns, each with a number of the caller's.

    Attributes:
        arrows: From a state, by some digits, to another.
        empty: From a state to others by no digit.
        ends: States in which a pattern has matched.
    """

    arrows: dict[int, tuple[frozenset[int], int]] = field(default_factory=dict)
    empty: dict[int, tuple[int, ...]] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    beginnings: set[int] = field(default_factory=set)
    _starts: list[int] = field(default_factory=list)
    _reached: dict[int, frozenset[int]] = field(default_factory=dict)
    _count: int = 0

    def add(self, number: int, pattern: str, *, beginning: bool = False) -> None:
        """Take a pattern in.

        Args:
            beginning: It is enough that a number begins with it.

        Raises:
            ValueError: It uses more than such patterns do.
        """
        end = self._new()
        self.ends[end] = number
        self._starts.append(self._built(_parsed(pattern), end))
        if beginning:
            self.beginnings.add(number)

    def start(self) -> State:
        """Before the first digit."""
        places = frozenset[int]().union(*map(self._reach, self._starts))
        return State(places, 0, frozenset())

    def following(self, state: State) -> tuple[State | None, ...]:
        """After each of the ten digits; None where no pattern goes on."""
        reached: tuple[set[int], ...] = tuple(set() for _ in range(10))
        for place in state.places:
            if place in self.arrows:
                digits, target = self.arrows[place]
                for digit in digits:
                    reached[digit].update(self._reach(target))
        return tuple(self._after(state, frozenset(places)) for places in reached)

    def matched(self, state: State) -> frozenset[int]:
        """The patterns that match what was read, to its end."""
        return frozenset(self.ends[place] for place in state.places if place in self.ends)

    def _after(self, state: State, places: frozenset[int]) -> State | None:
        if not places:
            return None
        matched = {self.ends[place] for place in places if place in self.ends}
        passed = state.passed | (matched & self.beginnings)
        return State(places, state.depth + 1, passed)

    def _new(self) -> int:
        self._count += 1
        return self._count

    def _reach(self, start: int) -> frozenset[int]:
        """The states that a state is in without a digit more."""
        if start not in self._reached:
            found, waiting = set[int](), [start]
            while waiting:
                place = waiting.pop()
                if place in self.empty:
                    waiting.extend(self.empty[place])
                else:
                    found.add(place)
            self._reached[start] = frozenset(found)
        return self._reached[start]

    def _built(self, node: _Node, after: int) -> int:
        """States for a node that lead to `after`; the first of them."""
        match node:
            case _Set(digits):
                place = self._new()
                self.arrows[place] = (digits, after)
                return place
            case _Choice(of):
                return self._fork([self._sequence(sequence, after) for sequence in of])
            case _Repeat(item, least, most):
                place = after
                for _ in range(most - least):
                    place = self._fork([self._built(item, place), after])
                return self._sequence((item,) * least, place)

    def _sequence(self, nodes: Sequence[_Node], after: int) -> int:
        for node in reversed(nodes):
            after = self._built(node, after)
        return after

    def _fork(self, places: Sequence[int]) -> int:
        if len(places) == 1:
            return places[0]
        place = self._new()
        self.empty[place] = tuple(places)
        return place


def alternatives(pattern: str) -> list[str]:
    """The parts of a pattern between the bars that stand in no bracket."""
    parts, depth = [""], 0
    for piece in re.findall(r"\\.|\[[^]]*\]|.", pattern):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _parsed(pattern: str) -> _Node:
    pieces = _PARTS.findall(pattern)
    if "".join(pieces) != pattern:
        raise ValueError(f"a numbering plan has a pattern of another kind: {pattern}")
    return _choice(iter(pieces))


def _choice(pieces: Iterator[str]) -> _Node:
    """What stands up to the end of a group, or of the pattern."""
    found: list[list[_Node]] = [[]]
    for piece in pieces:
        here = found[-1]
        if piece == ")":
            break
        if piece == "|":
            found.append([])
        elif piece == "?":
            here[-1] = _Repeat(here[-1], 0, 1)
        elif piece.startswith("{"):
            least, _, most = piece[1:-1].partition(",")
            here[-1] = _Repeat(here[-1], int(least), int(most or least))
        else:
            here.append(_choice(pieces) if piece.startswith("(") else _Set(_digits(piece)))
    return _Choice(tuple(map(tuple, found)))


def _digits(piece: str) -> frozenset[int]:
    if piece == r"\d":
        return _ANY_DIGIT
    spans = re.findall(r"(\d)(?:-(\d))?", piece)
    return frozenset(
        digit for first, last in spans for digit in range(int(first), int(last or first) + 1)
    )
