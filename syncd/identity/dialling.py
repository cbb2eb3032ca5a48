"""Phone numbers by the column: what libphonenumber's data says for sure.

It reads digits with blanks, dashes, dots and brackets between them, and perhaps a plus
before them. It answers where the library's own steps leave no choice, and says nothing
elsewhere: prefixes that are no plain digits, extensions, letters, other scripts. Those
are asked one by one of `syncd.identity.phones`. Tests hold the two equal in every region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.cells import column_bytes
from syncd.identity.numbering import (
    END,
    PLANS,
    VALID,
    Prefix,
    Region,
    calling_codes,
    main_region,
    region,
)
from syncd.identity.step import changed

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NO = pa.scalar(False)
_URI = "tel:"
_CODE_DIGITS = 3  # no calling code is longer
_LONGEST = 20  # digits that any dialled number can have, prefixes included
_ONE_NUMBER = 13  # digits that cannot be two numbers of seven

# What each byte is.
_SEPARATOR, _DIGIT, _PLUS, _OTHER = range(4)
_KINDS = np.full(256, _OTHER, np.uint8)
_KINDS[list(b" -.()/")] = _SEPARATOR
_KINDS[list(b"0123456789")] = _DIGIT
_KINDS[ord("+")] = _PLUS


@dataclass(frozen=True, slots=True)
class _Dialled:
    """The digits of a column, one value behind the other.

    Attributes:
        digits: Numbers 0 to 9, and some `END`s after the last value.
        starts: Where each value's begin, one more than there are values.
        text: The same as a column of text.
        plus: Values that begin with a plus.
        bare: Of these, those that are digits otherwise.
        sure: Values that are a number and nothing but a number.
    """

    digits: npt.NDArray[np.uint8]
    starts: Places
    text: pa.Array
    plus: Flags
    bare: Flags
    sure: Flags

    def begins(self, at: Places, prefix: str) -> Flags:
        """Whether digits from these places on begin so; a value may end before them."""
        found = np.ones(len(at), bool)
        for offset, digit in enumerate(prefix):
            found &= self.digits[at + offset] == int(digit)
        return found


class _Found:
    """By value: the calling code, where the number behind it starts, and whether it is sure."""

    def __init__(self, count: int) -> None:
        self.codes = np.zeros(count, np.int64)
        self.starts = np.zeros(count, np.int64)

    def add(self, values: Places, code: str, starts: Places) -> None:
        """Take numbers that are sure."""
        self.codes[values] = int(code)
        self.starts[values] = starts


def e164_column(values: pa.Array, countries: pa.Array) -> pa.Array:
    """Numbers as people of those countries dial them, in E.164.

    Args:
        values: Trimmed text of printable ASCII.
        countries: ISO alpha-2 or null, one a row.

    Returns:
        Null where it takes the library to tell, or there is nothing to tell.
    """
    # A URI (RFC 3966); one with parameters is left to the library.
    values = changed(values, pc.starts_with(values, _URI), _without_scheme)
    dialled = _dialled(values)
    found = _Found(len(values))
    abroad = np.flatnonzero(dialled.sure & dialled.plus)
    _international(found, dialled, abroad, dialled.starts[abroad])
    inland = np.flatnonzero(dialled.sure & ~dialled.plus)
    coded = countries.take(pa.array(inland)).dictionary_encode()
    names = coded.dictionary.to_pylist()
    for number, at in _groups(coded.indices.fill_null(-1).to_numpy()):
        plan = region(names[number]) if number >= 0 else None
        if plan is not None:
            _national(found, dialled, inland[at], plan)
    return _written(found, dialled, values)


def _without_scheme(values: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(values, len(_URI))


def _international(found: _Found, dialled: _Dialled, values: Places, starts: Places) -> None:
    """Numbers whose calling code begins at `starts`."""
    for number, at in _groups(_calling_codes(dialled, values, starts)):
        if number:
            code = str(number)
            plan = main_region(code)
            _significant(found, dialled, values[at], starts[at] + len(code), plan)


def _national(found: _Found, dialled: _Dialled, values: Places, plan: Region) -> None:
    """Numbers without a plus, as dialled within a region."""
    values = values[~_matches(dialled, values, plan.international.other)]
    for prefix in plan.international.plain:
        starts = dialled.starts[values]
        # A zero behind it is part of the number to the library; no calling code begins so.
        abroad = dialled.begins(starts, prefix)
        _international(found, dialled, values[abroad], starts[abroad] + len(prefix))
        values = values[~abroad]
    own = dialled.begins(dialled.starts[values], plan.code)
    _own_code(found, dialled, values[own], plan)
    values = values[~own]
    _significant(found, dialled, values, dialled.starts[values], plan)


def _own_code(found: _Found, dialled: _Dialled, values: Places, plan: Region) -> None:
    """Numbers that begin with the region's own calling code, and perhaps mean it.

    The library takes it for one if the whole is no number of the region and the rest is.
    """
    whole = dialled.starts[values]
    rest = whole + len(plan.code)
    ends = dialled.starts[values + 1]
    sure = (_bits(dialled, whole, ends, plan.code) & plan.general) == 0
    sure &= (_bits(dialled, rest, ends, plan.code) & plan.general) != 0
    main = main_region(plan.code)
    for prefix in (plan.national, main.national):
        sure &= ~_prefixed(dialled, values, rest, prefix)
    _significant(found, dialled, values[sure], rest[sure], main)


def _significant(
    found: _Found, dialled: _Dialled, values: Places, starts: Places, plan: Region
) -> None:
    """Numbers without a calling code: a national prefix comes off, what is left is valid or not.

    Args:
        plan: Whose national prefix it would be, and whose calling code they have.
    """
    if plan.national.other is not None:
        plain = ~_matches(dialled, values, plan.national.other, starts)
        values, starts = values[plain], starts[plain]
    stripped = np.zeros(len(values), bool)
    for prefix in plan.national.plain:
        here = dialled.begins(starts, prefix) & ~stripped
        starts = starts + here * len(prefix)
        stripped |= here
    ends = dialled.starts[values + 1]
    bits = _bits(dialled, starts, ends, plan.code)
    # A prefix came off by the rules of one region, so it must be a number of that one.
    sure = ((bits & VALID) != 0) & (~stripped | ((bits & plan.valid) != 0))
    found.add(values[sure], plan.code, starts[sure])


def _bits(dialled: _Dialled, starts: Places, ends: Places, code: str) -> npt.NDArray[np.uint64]:
    """What numbers behind a calling code are."""
    state = np.full(len(starts), PLANS.start(code), np.int32)
    steps = PLANS.steps.reshape(-1)
    at = starts.copy()
    for _ in range(int((ends - starts).max(initial=0))):
        digit = np.where(at < ends, dialled.digits.take(at, mode="clip"), END)
        state = steps.take(state * (END + 1) + digit)
        at += 1
    found: npt.NDArray[np.uint64] = PLANS.bits[state]
    return found


# --- columns --------------------------------------------------------------------


def _dialled(values: pa.Array) -> _Dialled:
    starts, text = column_bytes(values)
    kinds = _KINDS.take(text)
    is_digit = kinds == _DIGIT
    kept = text[is_digit]
    counted = np.zeros(len(text) + 1, np.int32)
    np.cumsum(is_digit, out=counted[1:])
    offsets = counted[starts]
    counts = np.diff(offsets)
    plus, spoilt = _pluses(kinds, starts)
    spoilt[_rows_of(np.flatnonzero(kinds == _OTHER), starts)] = True
    sure = ~spoilt & (counts <= _LONGEST) & ~_two_numbers(values, counts)
    if values.null_count:
        sure &= _flags(values.is_valid())
    column = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(kept))
    digits = np.append(kept - np.uint8(ord("0")), np.full(_LONGEST, END, np.uint8))
    bare = plus & (np.diff(starts) == counts + 1)
    dialled = _Dialled(digits, offsets.astype(np.int64), column, plus, bare, sure)
    sure &= ~_even_steps(digits, dialled.starts[:-1], dialled.starts[1:], 1)  # 1234567
    return dialled


def _pluses(kinds: npt.NDArray[np.uint8], starts: Places) -> tuple[Flags, Flags]:
    """Which values begin with a plus, and which have one elsewhere."""
    first = np.append(kinds, np.uint8(_OTHER))[starts[:-1]]
    plus = (first == _PLUS) & (np.diff(starts) > 0)
    spoilt = np.zeros(len(plus), bool)
    places = np.flatnonzero(kinds == _PLUS)
    if len(places) != np.count_nonzero(plus):
        rows = _rows_of(places, starts)
        spoilt[rows[places != starts[rows]]] = True
    return plus, spoilt


def _rows_of(places: Places, starts: Places) -> Places:
    """The values that bytes belong to."""
    found: Places = np.searchsorted(starts, places, side="right") - 1
    return found


def _two_numbers(values: pa.Array, counts: npt.NDArray[np.int32]) -> Flags:
    """Whether a value may hold two numbers with a slash between them."""
    found = counts > _ONE_NUMBER
    if found.any():
        found &= _flags(pc.match_substring(values, "/"))
    return found


def _even_steps(digits: npt.NDArray[np.uint8], starts: Places, ends: Places, step: int) -> Flags:
    """Whether each digit is the one before it and `step`, modulo ten; of the first `_LONGEST`."""
    found = np.ones(len(starts), bool)
    left = np.arange(len(starts))
    for place in range(1, _LONGEST):
        left = left[starts[left] + place < ends[left]]
        at = starts[left] + place
        even = (digits[at] + 10 - digits[at - 1]) % 10 == step
        found[left[~even]] = False
        left = left[even]  # hardly any are for long
    return found


def _written(found: _Found, dialled: _Dialled, values: pa.Array) -> pa.Array:
    """In E.164, one a row, null where nothing was found."""
    ends = dialled.starts[1:]
    known = found.codes > 0
    known &= ~_even_steps(dialled.digits, found.starts, ends, 0)  # all alike: a placeholder?
    widths = 1 + (found.codes > 9) + (found.codes > 99)  # noqa: PLR2004 - digits of a code
    # Most shops have them so already.
    same = known & dialled.bare & (found.starts == dialled.starts[:-1] + widths)
    known &= ~same
    lengths = np.where(known, 1 + widths + ends - found.starts, 0)
    offsets = np.zeros(len(known) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    # Each byte is the digit as far before the number's end as it is before its own end; the
    # first ones are then overwritten by plus and code.
    source = np.repeat(ends - offsets[1:], lengths) + np.arange(offsets[-1])
    text = dialled.digits[source] + np.uint8(ord("0"))
    at, code, width = offsets[:-1][known], found.codes[known], widths[known]
    for place in range(_CODE_DIGITS):
        inside = place < width
        power = 10 ** (width[inside] - 1 - place)
        text[at[inside] + 1 + place] = code[inside] // power % 10 + ord("0")
    text[at] = ord("+")
    buffers = [
        pa.py_buffer(np.packbits(known, bitorder="little")),
        pa.py_buffer(offsets.astype(np.int32)),
        pa.py_buffer(text),
    ]
    others = pa.Array.from_buffers(pa.string(), len(known), buffers)
    return pc.if_else(pa.array(same), values, others)


@cache
def _code_of_digits() -> Places:
    """The calling code at the beginning of each three digits; 0 if there is none."""
    table = np.zeros(10**_CODE_DIGITS, np.int64)
    for code in calling_codes():
        size = 10 ** (_CODE_DIGITS - len(code))
        table[int(code) * size : (int(code) + 1) * size] = int(code)
    return table


def _calling_codes(dialled: _Dialled, values: Places, starts: Places) -> Places:
    number = np.zeros(len(starts), np.int64)
    for place in range(_CODE_DIGITS):
        number = number * 10 + dialled.digits[starts + place]
    long = dialled.starts[values + 1] - starts > _CODE_DIGITS
    found: Places = np.where(long, _code_of_digits()[np.where(long, number, 0)], 0)
    return found


def _groups(keys: npt.NDArray[np.integer]) -> Iterator[tuple[int, Places]]:
    """The positions of each distinct key."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    for at in np.split(order, ends):
        if len(at):
            yield int(keys[at[0]]), at


def _matches(
    dialled: _Dialled, values: Places, pattern: str | None, starts: Places | None = None
) -> Flags:
    """Whether the digits of values begin so, from their start or from other places on."""
    if pattern is None or not len(values):
        return np.zeros(len(values), bool)
    text = dialled.text.take(pa.array(values))
    if starts is not None:
        # What comes before them has the same length in all: a calling code, or nothing.
        skipped = int(starts[0] - dialled.starts[values[0]])
        text = pc.utf8_slice_codeunits(text, skipped)
    return _flags(pc.match_substring_regex(text, f"^(?:{pattern})"))


def _prefixed(dialled: _Dialled, values: Places, starts: Places, prefix: Prefix) -> Flags:
    found = _matches(dialled, values, prefix.other, starts)
    for plain in prefix.plain:
        found |= dialled.begins(starts, plain)
    return found


def _flags(found: pa.Array) -> Flags:
    return np.array(pc.fill_null(found, _NO).to_numpy(zero_copy_only=False))
