"""Numbering plans, out of libphonenumber's own data, as tables that columns are run through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np
import numpy.typing as npt
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumberDesc,
)

from syncd.identity.patterns import Patterns, State, alternatives

# What the library asks one after the other, before it calls a number valid.
_TYPES = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    *("voicemail", "fixed_line", "mobile"),
)

# What a number may be, as bits: valid in one of the regions of its calling code; and for
# the region of that place in the library's list, of the general form, and valid in it.
VALID = np.uint64(1)
END = 10  # the digit behind the last one: it changes no state
_DEAD = 0


@dataclass(frozen=True, slots=True)
class Prefix:
    """What may stand before a number and is not part of it.

    Attributes:
        plain: Digits, the first that fits is taken off.
        other: A pattern of prefixes that are not plain; None if there are none.
    """

    plain: tuple[str, ...]
    other: str | None


@dataclass(frozen=True, slots=True)
class Region:
    """One region's plan.

    Attributes:
        code: Its calling code, as digits.
        international: Dialled before a calling code.
        national: Dialled before a number within the region.
        general: The bit of numbers that look like the region's, wrong ones included.
        valid: The bit of numbers that are somebody's in it.
        main: Whether its prefixes are the calling code's.
    """

    code: str
    international: Prefix
    national: Prefix
    general: np.uint64
    valid: np.uint64
    main: bool


class Plans:
    """The tables of all calling codes asked for so far, one behind the other.

    Attributes:
        steps: By state and digit, the next state; `END` stays.
        bits: By state, what a number that ends there is.
    """

    def __init__(self) -> None:
        self.steps: npt.NDArray[np.int32] = np.zeros((1, END + 1), np.int32)
        self.bits: npt.NDArray[np.uint64] = np.zeros(1, np.uint64)
        self._starts: dict[str, int] = {}
        self._growing = Lock()

    def start(self, code: str) -> int:
        """The state before the first digit behind a calling code."""
        if code not in self._starts:
            with self._growing:
                self._add(code)
        return self._starts[code]

    def _add(self, code: str) -> None:
        if code in self._starts:
            return
        start = len(self.bits)
        steps, bits = _table(code, first=start)
        # Others may read meanwhile: the tables only grow, and are there before they are named.
        self.bits = np.concatenate([self.bits, bits])
        self.steps = np.concatenate([self.steps, steps])
        self._starts[code] = start


PLANS = Plans()


def is_valid(code: str, national: str) -> bool:
    """Whether a number behind a calling code is somebody's, as the library says."""
    state = PLANS.start(code)
    for digit in national:
        state = int(PLANS.steps[state, int(digit)])
    return bool(PLANS.bits[state] & VALID)


@cache
def region(name: str) -> Region | None:
    """The plan of a region by its ISO code; None if the library has none."""
    if name not in SUPPORTED_REGIONS:
        return None
    metadata = _needed(PhoneMetadata.metadata_for_region(name))
    code = int(metadata.country_code or 0)
    return _region(metadata, COUNTRY_CODE_TO_REGION_CODE[code].index(name))


@cache
def main_region(code: str) -> Region:
    """The region whose prefixes count once a calling code is known."""
    return _region(_regions(code)[0], 0)


def calling_codes() -> Iterator[str]:
    """Every calling code; none is the beginning of another."""
    yield from map(str, COUNTRY_CODE_TO_REGION_CODE)


def _region(metadata: PhoneMetadata, place: int) -> Region:
    return Region(
        code=str(metadata.country_code),
        international=_prefix(metadata.international_prefix),
        national=_prefix(metadata.national_prefix_for_parsing),
        general=np.uint64(1 << (1 + 2 * place)),
        valid=np.uint64(1 << (2 + 2 * place)),
        main=place == 0,
    )


def _prefix(pattern: str | None) -> Prefix:
    found = alternatives(pattern) if pattern else []
    other = [one for one in found if not one.isdigit()]
    return Prefix(tuple(one for one in found if one.isdigit()), "|".join(other) or None)


def _regions(code: str) -> list[PhoneMetadata]:
    """In the library's order."""
    names = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if names[0] == REGION_CODE_FOR_NON_GEO_ENTITY:
        return [_needed(PhoneMetadata.metadata_for_nongeo_region(int(code)))]
    return [_needed(PhoneMetadata.metadata_for_region(name)) for name in names]


def _needed(found: PhoneMetadata | None) -> PhoneMetadata:
    if found is None:
        raise RuntimeError("libphonenumber names a region that it has no data for")
    return found


# --- tables -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a pattern stands for: a region's place, its role, and the lengths it may have."""

    place: int
    role: str
    lengths: frozenset[int]


def _table(code: str, *, first: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
    """The states of a calling code, numbered from `first`; what goes nowhere goes to 0."""
    patterns, kinds = _patterns(code)
    numbers = {patterns.start(): first}
    waiting = list(numbers)
    steps: dict[int, list[int]] = {}
    bits: dict[int, int] = {}
    while waiting:
        state = waiting.pop()
        number = numbers[state]
        following = patterns.following(state)
        for one in following:
            if one is not None and one not in numbers:
                numbers[one] = first + len(numbers)
                waiting.append(one)
        steps[number] = [_DEAD if one is None else numbers[one] for one in following] + [number]
        bits[number] = _bits(state, patterns, kinds)
    order = sorted(steps)
    return (
        np.array([steps[number] for number in order], np.int32),
        np.array([bits[number] for number in order], np.uint64),
    )


def _patterns(code: str) -> tuple[Patterns, list[_Kind]]:
    patterns, kinds = Patterns(), list[_Kind]()

    def add(place: int, role: str, of: PhoneNumberDesc | None, general: PhoneNumberDesc) -> None:
        if of is not None and of.national_number_pattern:
            lengths = frozenset(of.possible_length) or frozenset(general.possible_length)
            patterns.add(len(kinds), of.national_number_pattern)
            kinds.append(_Kind(place, role, lengths))

    for place, metadata in enumerate(_regions(code)):
        general = metadata.general_desc
        if general is None:
            raise RuntimeError(f"libphonenumber has no general pattern for +{code}")
        add(place, "general", general, general)
        for name in _TYPES:
            add(place, "type", getattr(metadata, name), general)
        if metadata.leading_digits:
            patterns.add(len(kinds), metadata.leading_digits, beginning=True)
            kinds.append(_Kind(place, "leading", frozenset()))
    return patterns, kinds


def _bits(state: State, patterns: Patterns, kinds: list[_Kind]) -> int:
    """What a number is that ends in a state.

    The library asks the regions in turn. One with leading digits answers for all numbers
    that begin with them; one without answers only for those that are valid in it.
    """
    matched = [kinds[number] for number in patterns.matched(state)]
    led = {kind.place for kind in kinds if kind.role == "leading"}
    leads = {kinds[number].place for number in state.passed}
    general = {kind.place for kind in matched if kind.role == "general"}
    fitting = {kind.place for kind in matched if _fits(kind, "general", state.depth)}
    valid = {kind.place for kind in matched if _fits(kind, "type", state.depth)} & fitting
    places = sorted({kind.place for kind in kinds})
    answering = (place for place in places if place in (leads if place in led else valid))
    answer = next(answering, None) if len(places) > 1 else 0
    bits = int(VALID) if answer in valid else 0
    for place in places:
        bits |= (place in general) << (1 + 2 * place)
        bits |= (place in valid) << (2 + 2 * place)
    return bits


def _fits(kind: _Kind, role: str, depth: int) -> bool:
    return kind.role == role and depth in kind.lengths
