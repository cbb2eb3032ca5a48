"""Dates of birth, gender, device ids, amounts, yes and no, and digests that a shop has."""

from __future__ import annotations

import re
from calendar import monthrange
from decimal import ROUND_HALF_EVEN, Context, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity import placeholders
from syncd.identity.reasons import Reason
from syncd.identity.step import Step, where

# The years that Meta's guide takes begin in 1900. The last one here is no birthday of
# anybody's; what lies between today and then, the platform counts as invalid.
_YEARS = range(1900, 2100)
_MONTHS = 12

# A date is three numbers, whatever stands between and around them, or eight digits: so
# Meta's own normaliser reads it (facebook/capi-param-builder, dobUtil and its tests).
_YEAR_FIRST = re.compile(r"\D*(\d{4})\D+(\d{1,2})\D+(\d{1,2})(?:\D.*)?", re.ASCII | re.DOTALL)
_TOGETHER = re.compile(r"\D*(\d{4})(\d{2})(\d{2})(?:\D*|[T ].*)", re.ASCII | re.DOTALL)
_YEAR_LAST = re.compile(r"\D*(\d{1,2})\D+(\d{1,2})\D+(\d{4})(?:\D.*)?", re.ASCII | re.DOTALL)
_NO_DATE = ((0, 0, 0), (1900, 1, 1))  # what databases and forms fill in

_UUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")
_PLAIN_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_NO_DEVICE = "00000000-0000-0000-0000-000000000000"  # iOS and Android: tracking is off

_AMOUNT = re.compile(r"\+?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_PLAIN_AMOUNT = r"^(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?$"

_CENT = Decimal("0.01")
_LONG = Context(prec=200)  # an amount has up to 100 digits before the point, and decimals
_PLAIN_CENTS = r"^(?:0|[1-9][0-9]*)(?:\.[0-9]?[1-9])?$"

# As databases write a boolean, and what people type for one.
_YES = frozenset({"1", "true", "t", "yes", "y"})
_NO = frozenset({"0", "false", "f", "no", "n"})

_SHA256 = re.compile(r"[0-9a-f]{64}")
DIGEST_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _birth_date(value: str, country: str | None) -> str | Reason:
    """YYYYMMDD.

    Which of two small numbers is the month differs from country to country. Only the US
    is known to put it first; elsewhere a date that could be either is refused.
    """
    if match := _YEAR_FIRST.fullmatch(value) or _TOGETHER.fullmatch(value):
        year, month, day = map(int, match.groups())
    elif match := _YEAR_LAST.fullmatch(value):
        month, day, year = map(int, match.groups())
        if month > _MONTHS:
            month, day = day, month
        elif min(month, day) >= 1 and day <= _MONTHS and day != month and country != "US":
            return Reason.DAY_OR_MONTH
    else:
        return Reason.NOT_A_DATE
    if (year, month, day) in _NO_DATE:
        return Reason.PLACEHOLDER
    known = year in _YEARS and 1 <= month <= _MONTHS and 1 <= day <= monthrange(year, month)[1]
    return f"{year:04}{month:02}{day:02}" if known else Reason.NOT_A_DATE


def _year(value: str, _country: str | None) -> str:
    return value[:4]


def _month(value: str, _country: str | None) -> str:
    return value[4:6]


def _day(value: str, _country: str | None) -> str:
    return value[6:8]


def _gender(value: str, _country: str | None) -> str | Reason:
    """The letter m or f; who is neither, or does not say, has no such field."""
    if value in placeholders.MALE:
        return "m"
    return "f" if value in placeholders.FEMALE else Reason.NOT_M_OR_F


def _device_id(value: str, _country: str | None) -> str | Reason:
    """An advertising id in lower case with its hyphens."""
    match = _UUID.fullmatch(value)
    if not match:
        return Reason.NOT_A_DEVICE
    written = "-".join(match.groups())
    return Reason.PLACEHOLDER if written == _NO_DEVICE else written


def _amount(value: str, _country: str | None) -> str | Reason:
    """A number from 0 up, with a point, no exponent and no zeros at the end."""
    if not _AMOUNT.fullmatch(value):
        return Reason.NOT_AN_AMOUNT
    plain = format(Decimal(value), "f")
    return plain.rstrip("0").rstrip(".") or "0" if "." in plain else plain


def _cents(value: str, _country: str | None) -> str | Reason:
    """An amount rounded to two decimals, half to even."""
    if not _AMOUNT.fullmatch(value):
        return Reason.NOT_AN_AMOUNT
    rounded = Decimal(value).quantize(_CENT, ROUND_HALF_EVEN, _LONG)
    return _amount(format(rounded, "f"), None)


def _yes_or_no(value: str, _country: str | None) -> str | Reason:
    if value in _YES:
        return "1"
    return "0" if value in _NO else Reason.NOT_YES_OR_NO


def _prehashed(value: str, _country: str | None) -> str | Reason:
    """A SHA-256 that the shop made: 64 hexadecimal digits, lower-case."""
    if not _SHA256.fullmatch(value):
        return Reason.NOT_A_DIGEST
    return Reason.DIGEST_OF_NOTHING if value == DIGEST_OF_NOTHING else value


def _short_device_id(values: pa.Array, _countries: pa.Array) -> pa.Array:
    sure = pc.match_substring_regex(values, _PLAIN_UUID)
    return where(pc.and_(sure, pc.not_equal(values, _NO_DEVICE)), values)


def _short_prehashed(values: pa.Array, _countries: pa.Array) -> pa.Array:
    sure = pc.match_substring_regex(values, "^[0-9a-f]{64}$")
    return where(pc.and_(sure, pc.not_equal(values, DIGEST_OF_NOTHING)), values)


STEPS = {
    "birth_date": Step("read a date: YYYYMMDD", _birth_date, needs_country=True),
    "year": Step("keep the year", _year),
    "month": Step("keep the month", _month),
    "day": Step("keep the day", _day),
    "gender": Step("m or f", _gender),
    "device_id": Step("check that it is an advertising id", _device_id, _short_device_id),
    "amount": Step(
        "a number from 0 up",
        _amount,
        lambda values, _: where(pc.match_substring_regex(values, _PLAIN_AMOUNT), values),
    ),
    "cents": Step(
        "round to two decimals",
        _cents,
        lambda values, _: where(pc.match_substring_regex(values, _PLAIN_CENTS), values),
    ),
    "yes_or_no": Step("1 for yes, 0 for no", _yes_or_no),
    "prehashed": Step("check that it is a SHA-256", _prehashed, _short_prehashed),
}
