"""Phone numbers by Google's libphonenumber data."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import NumberParseException, is_possible_number

from syncd.identity import dialling, numbering, placeholders
from syncd.identity.reasons import Reason
from syncd.identity.step import Step, where
from syncd.identity.text import looks_hashed

# Numbers that nobody holds but platforms publish vectors in, so that a proof of the
# digests needs no one's number: area code 555 (Meta's 15559876543; NANPA assigns no
# subscribers in it) and 07700 900 (Ofcom, "Telephone numbers for use in TV and radio").
_SET_ASIDE = re.compile(r"\+(?:1555\d{7}|447700900\d{3})")

_ENOUGH_DIGITS = 7  # the shortest that a person would write as a whole number
_SEPARATORS = re.compile(r"[;,/|\n]")

# Held across batches: families and companies share numbers, and the library takes 20 us.
_REMEMBERED = 65_536


@lru_cache(maxsize=_REMEMBERED)
def e164(raw: str, region: str | None) -> str | Reason:
    """Read a number as a person of that region would dial it.

    Args:
        raw: Trimmed and not blank.
        region: ISO 3166-1 alpha-2, or None: then only international forms can be read.

    Returns:
        E.164 with its plus, extension dropped, or why the number is refused.
    """
    digits = "".join(character for character in raw if character.isdigit())
    if not digits:
        return Reason.PLACEHOLDER if raw.lower() in placeholders.EXCUSES else Reason.NOT_A_NUMBER
    if len(set(digits)) == 1 or digits in placeholders.COUNTED_UP:
        return Reason.PLACEHOLDER
    if _holds_two(raw):
        return Reason.TWO_NUMBERS
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException as error:
        return _PARSE_REASONS.get(error.error_type, Reason.NOT_A_NUMBER)
    return _judged(number)


def _judged(number: phonenumbers.PhoneNumber) -> str | Reason:
    """Its E.164 form if it can be somebody's."""
    national = phonenumbers.national_significant_number(number)
    if len(national) >= _ENOUGH_DIGITS and len(set(national)) == 1:
        return Reason.PLACEHOLDER
    code = str(number.country_code)
    written = f"+{code}{national}"
    if numbering.is_valid(code, national) or _SET_ASIDE.fullmatch(written):
        return written
    return Reason.NO_SUCH_NUMBER if is_possible_number(number) else Reason.WRONG_LENGTH


def _holds_two(raw: str) -> bool:
    """Whether the cell holds two whole numbers; the library would take one or glue them."""
    parts = _SEPARATORS.split(raw)
    if len(parts) == 1:
        return False
    return sum(sum(map(str.isdigit, part)) >= _ENOUGH_DIGITS for part in parts) > 1


_PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.NO_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: Reason.WRONG_LENGTH,
    NumberParseException.TOO_SHORT_NSN: Reason.WRONG_LENGTH,
    NumberParseException.TOO_LONG: Reason.WRONG_LENGTH,
}


def phone(value: str, country: str | None) -> str | Reason:
    """A number in E.164, as a person of that country would dial it."""
    return Reason.HASHED if looks_hashed(value) else e164(value, country)


def _no_plus(value: str, _country: str | None) -> str:
    return value.removeprefix("+")


def _short_no_plus(values: pa.Array, _countries: pa.Array) -> pa.Array:
    """Without the plus, of which a number in E.164 has one."""
    several = pc.starts_with(values, "++")
    return pc.ascii_ltrim(where(pc.invert(several), values), "+")


STEPS = {
    "phone": Step("read a phone number: E.164", phone, dialling.e164_column, needs_country=True),
    "no_plus": Step("take off the plus", _no_plus, _short_no_plus),
}
