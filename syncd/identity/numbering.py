"""Numbering plans, out of libphonenumber's own data, in a form that columns can be held to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumberDesc,
)

# What the library asks one after the other, before it calls a number valid.
_TYPES = (
    *("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan"),
    *("voicemail", "fixed_line", "mobile"),
)
_NEVER = "[^0-9]"  # no number of digits holds this


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
        general: What every number of it looks like, wrong ones included.
        valid: A number that is somebody's, of whatever type.
        leading: What its numbers begin with, where it shares its calling code and says so.
    """

    code: str
    international: Prefix
    national: Prefix
    general: str
    valid: str
    leading: str | None


@dataclass(frozen=True, slots=True)
class CallingCode:
    """All regions of one calling code.

    The library asks the regions in turn. One with leading digits answers for all numbers
    that begin with them; one without answers only for those that are valid in it.

    Attributes:
        main: Whose prefixes count once the code is known.
        valid: A number that is valid in one of the regions without leading digits.
        leading: A number that begins with some region's leading digits; None: none has any.
        led: Those regions, in the library's order.
    """

    main: Region
    valid: str
    leading: str | None
    led: tuple[Region, ...]

    @property
    def shared(self) -> bool:
        """Whether it has several regions."""
        return bool(self.led) or self.valid != self.main.valid


@cache
def region(name: str) -> Region | None:
    """The plan of a region by its ISO code; None if the library has none."""
    if name not in SUPPORTED_REGIONS:
        return None
    return _region(_needed(PhoneMetadata.metadata_for_region(name)))


@cache
def calling_code(code: str) -> CallingCode:
    """The regions of a calling code that exists."""
    names = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if names[0] == REGION_CODE_FOR_NON_GEO_ENTITY:
        only = _region(_needed(PhoneMetadata.metadata_for_nongeo_region(int(code))))
        return CallingCode(only, only.valid, None, ())
    regions = [found for name in names if (found := region(name)) is not None]
    led = tuple(one for one in regions if one.leading is not None)
    valid = "|".join(one.valid for one in regions if one.leading is None)
    leading = "|".join(f"(?:{one.leading})" for one in led)
    return CallingCode(regions[0], valid or _NEVER, leading or None, led)


def calling_codes() -> Iterator[str]:
    """Every calling code; none is the beginning of another."""
    yield from map(str, COUNTRY_CODE_TO_REGION_CODE)


def _needed(found: PhoneMetadata | None) -> PhoneMetadata:
    if found is None:
        raise RuntimeError("libphonenumber names a region that it has no data for")
    return found


def _region(metadata: PhoneMetadata) -> Region:
    return Region(
        code=str(metadata.country_code),
        international=_prefix(metadata.international_prefix),
        national=_prefix(metadata.national_prefix_for_parsing),
        general=_general(metadata).national_number_pattern or _NEVER,
        valid=_valid(metadata),
        leading=metadata.leading_digits,
    )


def _valid(metadata: PhoneMetadata) -> str:
    """The patterns of all types; those that allow more lengths than the library are left out."""
    patterns = []
    for name in _TYPES:
        kind = getattr(metadata, name)
        if kind is None or not kind.national_number_pattern:
            continue
        allowed = set(kind.possible_length) or set(_general(metadata).possible_length)
        if lengths(kind.national_number_pattern) <= allowed:
            patterns.append(f"(?:{kind.national_number_pattern})")
    return "|".join(dict.fromkeys(patterns)) or _NEVER


def _general(metadata: PhoneMetadata) -> PhoneNumberDesc:
    if metadata.general_desc is None:
        raise RuntimeError("libphonenumber has a region without a general pattern")
    return metadata.general_desc


def _prefix(pattern: str | None) -> Prefix:
    alternatives = _alternatives(pattern) if pattern else []
    plain = tuple(one for one in alternatives if one.isdigit())
    other = [one for one in alternatives if not one.isdigit()]
    return Prefix(plain, "|".join(other) or None)


def _alternatives(pattern: str) -> list[str]:
    """The parts of a pattern between the bars that stand in no bracket."""
    parts, depth = [""], 0
    for part in re.findall(r"\\.|\[[^]]*\]|.", pattern):
        depth += (part == "(") - (part == ")")
        if part == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += part
    return parts


_TOKENS = re.compile(r"\\d|\d|\[[^]]*\]|\((?:\?:)?|[|)]|\{\d+(?:,\d+)?\}|\?")


def lengths(pattern: str) -> frozenset[int]:
    """The lengths that the numbers of a pattern can have.

    Raises:
        ValueError: It uses more than the data does: digits, sets, groups, `|`, `?`, `{n,m}`.
    """
    parts = _TOKENS.findall(pattern)
    if "".join(parts) != pattern:
        raise ValueError(f"a numbering plan has a pattern of another kind: {pattern}")
    return _union(iter(parts))


def _union(parts: Iterator[str]) -> frozenset[int]:
    """Lengths up to the end of a group, of the pattern."""
    found: set[int] = set()
    whole, last = {0}, {0}  # all before the last item, and the last item
    for part in parts:
        if part == ")":
            break
        if part == "|":
            found |= _sums(whole, last)
            whole, last = {0}, {0}
        elif part == "?":
            last = last | {0}
        elif part.startswith("{"):
            least, _, most = part[1:-1].partition(",")
            last = _repeated(last, int(least), int(most or least))
        else:
            whole = _sums(whole, last)
            last = set(_union(parts)) if part.startswith("(") else {1}
    return frozenset(found | _sums(whole, last))


def _sums(one: set[int], other: set[int]) -> set[int]:
    return {first + second for first in one for second in other}


def _repeated(item: set[int], least: int, most: int) -> set[int]:
    found: set[int] = set()
    total = {0}
    for count in range(most + 1):
        if count >= least:
            found |= total
        total = _sums(total, item)
    return found
