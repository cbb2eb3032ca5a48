"""Postcodes, states and country codes."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.countries import CANADIAN_PROVINCES, ISO_3166, REPAIRED, US_STATES
from syncd.identity.reasons import Reason
from syncd.identity.step import Step, changed, where

_ZIP_LENGTH = 5
_SHORTEST_POSTCODE = 2
_STATE_CODE_LENGTH = 2

# Outward code (area and district), sector, unit; lower-case, no blank. Royal Mail,
# Programmers' guide to the Postcode Address File: A9 A99 A9A AA9 AA99 AA9A, and GIR.
_UK_POSTCODE = re.compile(r"((?:[a-z]{1,2}[0-9][a-z0-9]?|gir)[0-9])(?:[a-z]{2})?")

_STATES = {"US": US_STATES, "CA": CANADIAN_PROVINCES}
_ANY_STATE = US_STATES | CANADIAN_PROVINCES  # no name is in both


def _before_dash(value: str, _country: str | None) -> str:
    return value.partition("-")[0]


def _us_five(value: str, country: str | None) -> str | Reason:
    """Five digits in the US, whatever follows them; elsewhere as it is.

    Four digits are a lost leading zero, and hashed as they stand they match nobody.
    """
    if country != "US":
        return value
    five = value[:_ZIP_LENGTH]
    whole = len(five) == _ZIP_LENGTH and five.isascii() and five.isdigit()
    return five if whole else Reason.NOT_A_US_POSTCODE


def _uk_sector(value: str, country: str | None) -> str | Reason:
    """Area, district and sector in the UK ("sw1a1" of SW1A 1AA); elsewhere as it is."""
    if country != "GB":
        return value
    match = _UK_POSTCODE.fullmatch(value)
    return match[1] if match else Reason.NOT_A_UK_POSTCODE


def _two_or_more(value: str, _country: str | None) -> str | Reason:
    return value if len(value) >= _SHORTEST_POSTCODE else Reason.TOO_SHORT


def _starts_with_letter(value: str, _country: str | None) -> str | Reason:
    return value if value[0].isalpha() else Reason.NOT_A_CITY


def _state(value: str, country: str | None) -> str | Reason:
    """In the US and Canada the two-letter code, elsewhere the name without blanks.

    Args:
        value: Lower-case letters and digits, nothing between them.
        country: Where it is not known, a name of a state of either is taken for it.
    """
    if country is None:
        return _ANY_STATE.get(value, value)
    if country not in _STATES:
        return value
    codes = _STATES[country]
    if len(value) == _STATE_CODE_LENGTH:
        return value if value in codes.values() else Reason.NOT_A_STATE
    return codes.get(value, Reason.NOT_A_STATE)


def country_code(value: str, _country: str | None) -> str | Reason:
    """An ISO 3166-1 alpha-2 code, upper-case."""
    # Only ASCII: elsewhere upper case makes codes up (a sharp s, SS; the ligature fi, FI).
    code = value.upper() if value.isascii() else value
    code = REPAIRED.get(code, code)
    return code if code in ISO_3166 else Reason.NOT_A_COUNTRY


def _in_country(countries: pa.Array, code: str) -> pa.Array:
    return pc.fill_null(pc.equal(countries, code), pa.scalar(False))


def _short_us_five(values: pa.Array, countries: pa.Array) -> pa.Array:
    return changed(values, _in_country(countries, "US"), _fives)


def _fives(values: pa.Array) -> pa.Array:
    return where(pc.match_substring_regex(values, "^[0-9]{5}$"), values)


def _short_uk_sector(values: pa.Array, countries: pa.Array) -> pa.Array:
    return changed(values, _in_country(countries, "GB"), _sectors)


def _sectors(values: pa.Array) -> pa.Array:
    known = where(pc.match_substring_regex(values, f"^(?:{_UK_POSTCODE.pattern})$"), values)
    whole = pc.match_substring_regex(known, "[a-z]{2}$")
    return pc.if_else(whole, pc.utf8_slice_codeunits(known, 0, -2), known)


def _short_before_dash(values: pa.Array, _countries: pa.Array) -> pa.Array:
    return changed(values, pc.match_substring(values, "-"), _up_to_dash)


def _up_to_dash(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(values, "-.*$", "")


STEPS = {
    "before_dash": Step(
        "keep what stands before a dash",
        _before_dash,
        _short_before_dash,
    ),
    "us_five": Step("in the US, keep five digits", _us_five, _short_us_five, needs_country=True),
    "uk_sector": Step(
        "in the UK, keep area, district and sector",
        _uk_sector,
        _short_uk_sector,
        needs_country=True,
    ),
    "two_or_more": Step(
        "refuse a single character",
        _two_or_more,
        lambda values, _: where(
            pc.greater_equal(pc.binary_length(values), _SHORTEST_POSTCODE), values
        ),
    ),
    "starts_with_letter": Step(
        "refuse what does not begin with a letter",
        _starts_with_letter,
        lambda values, _: where(pc.match_substring_regex(values, "^[A-Za-z]"), values),
    ),
    "state": Step("in the US and Canada, the two-letter code", _state, needs_country=True),
    "country_code": Step("ISO 3166-1 alpha-2, upper-case", country_code),
}
