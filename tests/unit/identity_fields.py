"""A second opinion on each field: one value at a time, from the platforms' rules.

Shares with `syncd.identity` the lists of words and countries, and libphonenumber.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

import phonenumbers

from syncd.identity import placeholders
from syncd.identity.countries import CANADIAN_PROVINCES, ISO_3166, US_STATES

EMPTY_DIGEST = hashlib.sha256(b"").digest()
INVISIBLE = (
    "\xad\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
BLANK = "".join(c for c in map(chr, range(0x10000)) if c.isspace() or c in INVISIBLE)
SYMBOLS = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class RefusedError(Exception):
    """A value that is not to be hashed; its text is the reason."""


def normalised(platform: str, name: str, raw: str, known: str | None) -> str | None:
    """Any field of any platform; None where nothing was there.

    Args:
        known: The member's country, ISO alpha-2.

    Raises:
        RefusedError: It is not to be hashed.
    """
    value = raw.strip(BLANK)
    if not value:
        return None
    made = FIELDS[name](value, known, platform)
    if not made:
        raise RefusedError("nothing left after normalising")
    return made


def is_blank(character: str) -> bool:
    return character in BLANK


def composed(value: str) -> str:
    return unicodedata.normalize("NFC", value)


def looks_hashed(value: str) -> bool:
    if len(value) == 44 and value.endswith("=") and value[:-1].isascii():
        return all(c.isalnum() or c in "+/" for c in value[:-1])
    return len(value) in {32, 40, 64} and all(c in "0123456789abcdefABCDEF" for c in value)


def email(value: str, platform: str) -> str:  # noqa: C901 - one rule a line, as the sheet has it
    value = composed(composed(value).lower())
    if looks_hashed(value):
        raise RefusedError("already hashed")
    if value in placeholders.EXCUSES:
        raise RefusedError("placeholder")
    pieces = value.split("@")
    if len(pieces) > 2 and any(pieces[1:-1]):
        raise RefusedError("two addresses in one cell")
    local, domain = pieces[0], "@".join(pieces[1:])
    if not domain:
        raise RefusedError("no domain")
    if any(is_blank(c) for c in value):
        raise RefusedError("white space inside")
    if set(local) <= {"."}:
        raise RefusedError("nothing before the @")
    if any(c in '()<>[],;:\\"' or ord(c) < 32 or ord(c) == 127 for c in value) or len(pieces) > 2:
        raise RefusedError("characters that no address has")
    if "." not in domain or "" in domain.split("."):
        raise RefusedError("no domain")
    if value in placeholders.ADDRESSES:
        raise RefusedError("placeholder")
    if local in placeholders.SAID_TWICE and domain.startswith(local + "."):
        raise RefusedError("placeholder")
    if platform == "google" and domain in {"gmail.com", "googlemail.com"}:
        local = "".join(c for c in local.split("+")[0] if c != ".")
        if not local:
            raise RefusedError("nothing before the @")
    return f"{local}@{domain}"


def phone(value: str, region: str | None, platform: str) -> str:
    if looks_hashed(value):
        raise RefusedError("already hashed")
    digits = [c for c in value if c.isdigit()]
    if not digits:
        excuse = value.lower() in placeholders.EXCUSES
        raise RefusedError("placeholder" if excuse else "not a phone number")
    if len(set(digits)) == 1 or "".join(digits) in placeholders.COUNTED_UP:
        raise RefusedError("placeholder")
    long = [p for p in re.split(r"[;,/|\n]", value) if sum(c.isdigit() for c in p) >= 7]
    if len(long) > 1:
        raise RefusedError("two numbers in one cell")
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        reasons = ["no country code, and no country to dial from", "not a phone number"]
        reason = (reasons + ["wrong number of digits"] * 3)[error.error_type]
        raise RefusedError(reason) from None
    written = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    national = phonenumbers.national_significant_number(number)
    if len(national) >= 7 and len(set(national)) == 1:
        raise RefusedError("placeholder")
    if not phonenumbers.is_possible_number(number):
        raise RefusedError("wrong number of digits")
    fictional = (written.startswith("+1555") and len(written) == 12) or (
        written.startswith("+447700900") and len(written) == 13
    )
    if not (phonenumbers.is_valid_number(number) or fictional):
        raise RefusedError("no such number")
    return written[1:] if platform == "meta" else written


def part_of_address(value: str) -> str:
    value = composed(value)
    if looks_hashed(value):
        raise RefusedError("already hashed")
    if value.lower() in placeholders.WORDS:
        raise RefusedError("placeholder")
    return value


def name_of(value: str, platform: str) -> str:
    written = part_of_address(value)
    if platform == "google":
        written = without_title(written)
    letters = composed(written.lower())
    if platform == "meta":
        letters = "".join(
            c for c in letters if c not in SYMBOLS and not unicodedata.category(c).startswith("P")
        )
    return "".join(c for c in letters if not is_blank(c))


def without_title(value: str) -> str:
    """Without the title before a name and the suffix behind it, but never without the name."""
    for title in ("mr", "mrs", "ms", "miss", "mx", "dr", "prof"):
        rest = value[len(title) :]
        if value[: len(title)].lower() == title and rest[:1] and rest[0] in "." + BLANK:
            name = rest.lstrip("." + BLANK)
            value = name or value
            break
    for suffix in ("jr", "jr.", "sr", "sr."):
        if value.lower().endswith(suffix):
            name = value[: -len(suffix)]
            if name[-1:] and name[-1] in "," + BLANK and name.rstrip("," + BLANK):
                return name.rstrip("," + BLANK)
    return value


def postcode(value: str, known: str | None, platform: str) -> str:
    code = part_of_address(value)
    if platform == "google":
        return code
    code = composed(code.lower()).split("-")[0]
    code = "".join(c for c in code if not is_blank(c))
    if not code:
        return code
    if known == "US":
        if not re.match("[0-9]{5}", code):
            raise RefusedError("not five digits, in the US")
        code = code[:5]
    if known == "GB":
        match = re.fullmatch("([a-z][a-z]?[0-9][0-9a-z]?[0-9]|gir[0-9])([a-z][a-z])?", code)
        if match is None:
            raise RefusedError("not a postcode of the UK")
        code = match.group(1)
    if len(code) < 2:
        raise RefusedError("too short")
    return code


def country(value: str, platform: str) -> str:
    code = "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in value)
    code = "GB" if code == "UK" else code
    if code not in ISO_3166:
        raise RefusedError("not a two-letter country code of ISO 3166")
    return code.lower() if platform == "meta" else code


def place(value: str) -> str:
    """A city or a state: A to Z and digits are kept, an accented letter is none of them."""
    if looks_hashed(value):
        raise RefusedError("already hashed")
    if value.lower() in placeholders.WORDS:
        raise RefusedError("placeholder")
    letters = re.sub("[^a-z0-9]", "", re.sub("[A-Z]", lambda found: found[0].lower(), value))
    if not letters:
        raise RefusedError("nothing left after normalising")
    if letters[0] in "0123456789":
        raise RefusedError("does not begin with a letter")
    return letters


def state(name: str, known: str | None) -> str:
    """Two letters in the US and Canada, as it is elsewhere."""
    lists = {"US": [US_STATES], "CA": [CANADIAN_PROVINCES], None: [US_STATES, CANADIAN_PROVINCES]}
    for codes in lists.get(known, []):
        if name in codes:
            return codes[name]
        if len(name) == 2 and name in codes.values():
            return name
    if known in {"US", "CA"}:
        raise RefusedError("no state or province of that name")
    return name


def birth(value: str, known: str | None) -> date:
    """Three numbers in a row, the year at one end, or eight digits."""
    if looks_hashed(value):
        raise RefusedError("already hashed")
    spaced = "".join(c if c in "0123456789" else " " for c in value)
    numbers = spaced.split()
    alone = len(numbers) == 1 or (numbers and value.split(numbers[0])[1][:1] in {"T", " "})
    if numbers and len(numbers[0]) == 8 and alone:
        numbers = [numbers[0][:4], numbers[0][4:6], numbers[0][6:]]
    sizes = [len(number) for number in numbers[:3]]
    short = {1, 2}
    if len(sizes) == 3 and sizes[0] == 4 and set(sizes[1:]) <= short:
        year, month, day = (int(number) for number in numbers[:3])
    elif len(sizes) == 3 and sizes[2] == 4 and set(sizes[:2]) <= short:
        month, day, year = (int(number) for number in numbers[:3])
        if month > 12:
            month, day = day, month
        elif month != day and month and 1 <= day <= 12 and known != "US":
            raise RefusedError("day and month could be either")
    else:
        raise RefusedError("not a date of birth")
    if (year, month, day) in {(0, 0, 0), (1900, 1, 1)}:
        raise RefusedError("placeholder")
    try:
        found = date(year, month, day)
    except ValueError:
        raise RefusedError("not a date of birth") from None
    if not 1900 <= year < 2100:
        raise RefusedError("not a date of birth")
    return found


def gender(value: str) -> str:
    word = composed(composed(value).lower())
    for letter, words in (("m", placeholders.MALE), ("f", placeholders.FEMALE)):
        if word in words:
            return letter
    raise RefusedError("neither m nor f")


def device_id(value: str) -> str:
    """8, 4, 4, 4 and 12 hexadecimal digits, lower-case, a hyphen between."""
    rest, groups = value.lower(), []
    for size in (8, 4, 4, 4, 12):
        groups.append(rest[:size])
        rest = rest[size:].removeprefix("-" if size < 12 else "")
    digits = "".join(groups)
    if rest or len(digits) != 32 or not set(digits) <= set("0123456789abcdef"):
        raise RefusedError("not an advertising id")
    if not int(digits, 16):
        raise RefusedError("placeholder")
    return "-".join(groups)


def external_id(value: str) -> str:
    if value.lower() in placeholders.WORDS:
        raise RefusedError("placeholder")
    return value


def amount(value: str) -> str:
    """A number written out: 0.5 of .50, 1500 of 1.5e3."""
    mantissa, e, exponent = value.removeprefix("+").replace("E", "e").partition("e")
    whole, _, part = mantissa.partition(".")
    shift = exponent[1:] if exponent[:1] in {"+", "-"} else exponent
    numbers = [whole + part, *([shift] if e else [])]
    if not all(n.isascii() and n.isdigit() for n in numbers) or len(shift) > 2:
        raise RefusedError("not a number from 0 up")
    point = len(whole) + (int(exponent) if e else 0)
    digits = "0" * max(0, -point) + whole + part + "0" * max(0, point - len(whole + part))
    point = max(point, 0)
    return in_cents(digits[:point] or "0", digits[point:])


def in_cents(whole: str, behind: str) -> str:
    """Two decimals at most, by counting cents; a half goes to the even one."""
    cents, rest = int(whole + behind[:2].ljust(2, "0")), behind[2:].rstrip("0")
    if rest > "5" or (rest == "5" and cents % 2):
        cents += 1
    plain = f"{cents // 100}.{cents % 100:02}".rstrip("0")
    return plain.removesuffix(".")


def yes_or_no(value: str) -> str:
    word = value.lower()
    if word in {"1", "true", "t", "yes", "y"}:
        return "1"
    if word in {"0", "false", "f", "no", "n"}:
        return "0"
    raise RefusedError("neither yes nor no")


def prehashed(value: str) -> str:
    if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise RefusedError("not 64 lower-case hexadecimal digits")
    if value == EMPTY_DIGEST.hex():
        raise RefusedError("the digest of an empty text")
    return value


FIELDS: Mapping[str, Callable[[str, str | None, str], str]] = {
    "email": lambda value, _, platform: email(value, platform),
    "phone": phone,
    "given_name": lambda value, _, platform: name_of(value, platform),
    "family_name": lambda value, _, platform: name_of(value, platform),
    "first_initial": lambda value, _, platform: name_of(value, platform)[:1],
    "postcode": postcode,
    "country": lambda value, _, platform: country(value, platform),
    "city": lambda value, _, __: place(value),
    "region": lambda value, known, _: state(place(value), known),
    "birth_date": lambda value, known, _: birth(value, known).strftime("%Y%m%d"),
    "birth_year": lambda value, known, _: f"{birth(value, known).year}",
    "birth_month": lambda value, known, _: f"{birth(value, known).month:02}",
    "birth_day": lambda value, known, _: f"{birth(value, known).day:02}",
    "gender": lambda value, _, __: gender(value),
    "device_id": lambda value, _, __: device_id(value),
    "external_id": lambda value, _, __: external_id(value),
    "value": lambda value, _, __: amount(value),
    "limited_data_use": lambda value, _, __: yes_or_no(value),
    "prehashed": lambda value, _, __: prehashed(value),
}
