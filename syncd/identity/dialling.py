"""Phone numbers by the column: what libphonenumber's data says for sure.

It reads digits with blanks, dashes, dots and brackets between them, and perhaps a plus
before them. It answers where the library's own steps leave no choice, and says nothing
elsewhere: prefixes that are no plain digits, extensions, letters, other scripts. Those
are asked one by one of `syncd.identity.phones`. Tests hold the two equal in every region.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity import placeholders
from syncd.identity.numbering import (
    CallingCode,
    Prefix,
    Region,
    calling_code,
    calling_codes,
    region,
)

_Rows = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]

# Made once: turning a Python value into Arrow's costs 0.2 ms where dateutil is not installed.
_NO = pa.scalar(False)
_NOTHING_BETWEEN = pa.scalar("")
_COUNTED_UP = pa.array(sorted(placeholders.COUNTED_UP), pa.string())
_ALL_ALIKE = "^(?:" + "|".join(f"{digit}*" for digit in range(10)) + ")$"
_CODE_DIGITS = 3  # no calling code is longer

# What each byte is, so that one running sum counts all three at once: a digit in the low
# bits, a plus in the middle, anything else but the usual separators in the high ones.
_PLUS, _OTHER = 1 << 32, 1 << 40
_WEIGHTS = np.full(256, _OTHER, np.int64)
_WEIGHTS[list(b" -.()")] = 0
_WEIGHTS[list(b"0123456789")] = 1
_WEIGHTS[ord("+")] = _PLUS


@dataclass(slots=True)
class _Found:
    """Numbers found so far, without their calling code, and the rows that they belong to."""

    rows: list[_Rows] = field(default_factory=list)
    numbers: list[pa.Array] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def add(self, rows: _Rows, numbers: pa.Array, sure: _Flags, code: str) -> None:
        """Take the sure ones."""
        if not sure.any():
            return
        self.rows.append(rows[sure])
        self.numbers.append(numbers.filter(pa.array(sure)))
        self.codes.append(f"+{code}")

    def add_all(self, inner: _Found, rows: _Rows) -> None:
        """Take what was found among some rows, counted from 0."""
        self.rows += [rows[at] for at in inner.rows]
        self.numbers += inner.numbers
        self.codes += inner.codes

    def column(self, count: int) -> pa.Array:
        """In E.164, one a row, null where nothing was found."""
        if not self.rows:
            return pa.nulls(count, pa.string())
        rows, numbers = np.concatenate(self.rows), pa.concat_arrays(self.numbers)
        group = np.repeat(np.arange(len(self.rows)), [len(one) for one in self.rows])
        codes = pa.array(self.codes, pa.string()).take(pa.array(group))
        places = np.full(count, -1, np.int64)
        places[rows] = np.arange(len(rows))
        alike = _matches(numbers, _ALL_ALIKE)  # perhaps a placeholder
        places[rows[alike]] = -1
        written = pc.binary_join_element_wise(codes, numbers, _NOTHING_BETWEEN)
        return written.take(pa.array(places, mask=places < 0))


def e164_column(values: pa.Array, countries: pa.Array) -> pa.Array:
    """Numbers as people of those countries dial them, in E.164.

    Args:
        values: Trimmed text of printable ASCII.
        countries: ISO alpha-2 or null, one a row.

    Returns:
        Null where it takes the library to tell, or there is nothing to tell.
    """
    digits, plus, sure = _digits(values)
    found = _Found()
    _international(found, np.flatnonzero(sure & plus), digits)
    national = np.flatnonzero(sure & ~plus)
    coded = countries.dictionary_encode()
    regions = coded.indices.fill_null(-1).to_numpy()[national]
    for number, at in _groups(regions):
        plan = region(coded.dictionary[number].as_py()) if number >= 0 else None
        if plan is not None:
            _national(found, national[at], digits, plan)
    return found.column(len(values))


def _digits(values: pa.Array) -> tuple[pa.Array, _Flags, _Flags]:
    """The digits of each value, whether a plus stands before them, and whether that is all."""
    starts, text = _buffers(values)
    weights = _WEIGHTS[text]
    sums = np.zeros(len(text) + 1, np.int64)
    np.cumsum(weights, out=sums[1:])
    at_start = sums[starts]
    counts = at_start[1:] - at_start[:-1]
    pluses = counts >> 32
    first = text[np.minimum(starts[:-1], max(len(text) - 1, 0))] if len(text) else text
    plus = (pluses == 1) & (first == ord("+")) if len(text) else np.zeros(len(values), bool)
    sure = (counts < _OTHER) & (plus | (pluses == 0)) & (counts > 0)
    kept = text[weights == 1]
    offsets = (at_start & (_PLUS - 1)).astype(np.int32)
    digits = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(kept))
    counted = pc.is_in(digits, _COUNTED_UP)
    sure &= ~counted.to_numpy(zero_copy_only=False)
    if values.null_count:
        sure &= values.is_valid().to_numpy(zero_copy_only=False)
    return digits, plus, sure


def _international(found: _Found, rows: _Rows, digits: pa.Array) -> None:
    """Numbers that begin with a calling code."""
    of_rows = digits.take(pa.array(rows))
    for number, at in _groups(_calling_codes(of_rows)):
        if not number:
            continue
        text = str(number)
        code = calling_code(text)
        rest = pc.utf8_slice_codeunits(of_rows.take(pa.array(at)), len(text))
        _significant(found, rows[at], rest, plan=code.main, code=code)


def _national(found: _Found, rows: _Rows, digits: pa.Array, plan: Region) -> None:
    """Numbers without a plus, as dialled within a region."""
    dialled = digits.take(pa.array(rows))
    left = ~_begins(dialled, plan.international.other)
    for prefix in plan.international.plain:
        abroad = left & _starts(dialled, prefix)
        left &= ~abroad
        # The library takes a zero behind the prefix for part of the number.
        abroad &= ~_starts(dialled, f"{prefix}0")
        if abroad.any():
            at = np.flatnonzero(abroad)
            rest = pc.utf8_slice_codeunits(dialled.take(pa.array(at)), len(prefix))
            _abroad(found, rows[at], rest)
    own = left & _starts(dialled, plan.code)
    left &= ~own
    if own.any():
        _own_code(found, rows[own], dialled.filter(pa.array(own)), plan)
    at = np.flatnonzero(left)
    _significant(
        found, rows[at], dialled.take(pa.array(at)), plan=plan, code=calling_code(plan.code)
    )


def _abroad(found: _Found, rows: _Rows, digits: pa.Array) -> None:
    """Numbers behind an international prefix."""
    inner = _Found()
    _international(inner, np.arange(len(rows)), digits)
    found.add_all(inner, rows)


def _own_code(found: _Found, rows: _Rows, digits: pa.Array, plan: Region) -> None:
    """Numbers that begin with the region's own calling code, and perhaps mean it.

    The library takes it for one if the whole is no number of the region and the rest is.
    """
    rest = pc.utf8_slice_codeunits(digits, len(plan.code))
    code = calling_code(plan.code)
    sure = ~_matches(digits, f"^(?:{plan.general})$") & _matches(rest, f"^(?:{plan.general})$")
    for prefix in {plan.national, code.main.national}:
        sure &= ~_prefixed(rest, prefix)
    at = np.flatnonzero(sure)
    _significant(found, rows[at], rest.take(pa.array(at)), plan=code.main, code=code)


def _significant(
    found: _Found, rows: _Rows, rest: pa.Array, *, plan: Region, code: CallingCode
) -> None:
    """Numbers without a calling code: a national prefix comes off, what is left is valid or not.

    Args:
        plan: Whose national prefix it would be.
        code: Where the number must be valid.
    """
    if not len(rows):
        return
    sure = ~_begins(rest, plan.national.other)
    stripped = np.zeros(len(rows), bool)
    number = rest
    for prefix in plan.national.plain:
        here = _starts(rest, prefix) & ~stripped
        if here.any():
            stripped |= here
            cut = pc.utf8_slice_codeunits(rest, len(prefix))
            number = pc.if_else(pa.array(here), cut, number)
    sure &= _valid(number, code)
    if code.shared and (sure & stripped).any():
        # The prefix came off by the rules of one region, so it must be a number of that one.
        sure &= ~stripped | _matches(number, f"^(?:{plan.valid})$")
    found.add(rows, number, sure, plan.code)


def _valid(numbers: pa.Array, code: CallingCode) -> _Flags:
    valid = _matches(numbers, f"^(?:{code.valid})$")
    if code.leading is None:
        return valid
    led = _begins(numbers, code.leading)
    valid &= ~led
    at = np.flatnonzero(led)
    for plan in code.led:
        if not len(at):
            break
        here = numbers.take(pa.array(at))
        mine = _begins(here, plan.leading)
        valid[at[mine & _matches(here, f"^(?:{plan.valid})$")]] = True
        at = at[~mine]
    return valid


# --- columns --------------------------------------------------------------------


def _buffers(values: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each value starts, one more than there are values, and all their bytes."""
    _, offsets, data = values.buffers()
    count = len(values) + 1
    starts = np.frombuffer(offsets, np.int32, count, values.offset * 4)
    if data is None:
        return np.zeros(count, np.int32), np.empty(0, np.uint8)
    text = np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]
    return starts - starts[0], text


@cache
def _code_of_digits() -> npt.NDArray[np.int64]:
    """The calling code at the beginning of each three digits; 0 if there is none."""
    table = np.zeros(10**_CODE_DIGITS, np.int64)
    for code in calling_codes():
        size = 10 ** (_CODE_DIGITS - len(code))
        table[int(code) * size : (int(code) + 1) * size] = int(code)
    return table


def _calling_codes(digits: pa.Array) -> _Rows:
    starts, text = _buffers(digits)
    long = np.flatnonzero(np.diff(starts) > _CODE_DIGITS)
    at = starts[long]
    number = np.zeros(len(long), np.int64)
    for place in range(_CODE_DIGITS):
        number = number * 10 + (text[at + place] - ord("0"))
    found = np.zeros(len(digits), np.int64)
    found[long] = _code_of_digits()[number]
    return found


def _groups(keys: npt.NDArray[np.int64]) -> Iterator[tuple[int, _Rows]]:
    """The positions of each distinct key."""
    order = np.argsort(keys, kind="stable")
    ends = np.flatnonzero(np.diff(keys[order])) + 1
    for at in np.split(order, ends):
        if len(at):
            yield int(keys[at[0]]), at


def _flags(found: pa.Array) -> _Flags:
    return np.array(pc.fill_null(found, _NO).to_numpy(zero_copy_only=False))


def _matches(values: pa.Array, pattern: str) -> _Flags:
    return _flags(pc.match_substring_regex(values, pattern))


def _begins(values: pa.Array, pattern: str | None) -> _Flags:
    if pattern is None:
        return np.zeros(len(values), bool)
    return _matches(values, f"^(?:{pattern})")


def _starts(values: pa.Array, prefix: str) -> _Flags:
    return _flags(pc.starts_with(values, prefix))


def _prefixed(values: pa.Array, prefix: Prefix) -> _Flags:
    found = _begins(values, prefix.other)
    for plain in prefix.plain:
        found |= _starts(values, plain)
    return found
