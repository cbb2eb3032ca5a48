"""A second opinion on identity: one row at a time, hashlib on each value, no Arrow.

Written from the platforms' rules and not from `syncd.identity.steps`; the two share only
the lists of words and countries. Tests hold them against each other.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import phonenumbers

from syncd.identity import placeholders
from syncd.identity.countries import CONSENT_DEMANDED, ISO_3166

EMPTY_DIGEST = hashlib.sha256(b"").digest()
INVISIBLE = (
    "\xad\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
SYMBOLS = set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")


class RefusedError(Exception):
    """A value that is not to be hashed; its text is the reason."""


@dataclass
class Row:
    """What one member comes to."""

    cells: dict[str, bytes | None] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    consent: int = 0
    region: bool = True

    @property
    def usable(self) -> bool:
        return any(self.cells.values())


def digest_row(raw: Mapping[str, str | None], platform: str, default: str | None) -> Row:
    """All three kinds of one member, as `platform` ("meta" or "google") wants them."""
    row = Row()
    own, stated = None, bool(bare(raw.get("country") or ""))
    if stated:
        own = attempt(row, "country", country, raw["country"] or "")
    known = own if stated else default
    row.region = own is None or own in CONSENT_DEMANDED
    row.consent = consent(row, raw.get("ad_consent"))

    emails = [raw.get(name) for name in ("email", "email_2", "email_3")]
    made = [attempt(row, "email", lambda v: email(v, platform), value) for value in emails]
    numbers = [raw.get(name) for name in ("phone", "phone_2", "phone_3")]
    dialled = [attempt(row, "phone", lambda v: phone(v, known, platform), v) for v in numbers]
    for kind, values in (("email", made), ("phone", dialled)):
        unique = list(dict.fromkeys(value for value in values if value is not None))
        for place, name in enumerate((kind, f"{kind}_2", f"{kind}_3")):
            row.cells[name] = sha(unique[place]) if place < len(unique) else None

    parts = [
        attempt(row, "given_name", lambda v: name_of(v, platform), raw.get("first_name")),
        attempt(row, "family_name", lambda v: name_of(v, platform), raw.get("last_name")),
        attempt(row, "postcode", lambda v: postcode(v, known, platform), raw.get("postcode")),
        known,
    ]
    address = dict(zip(("given_name", "family_name", "postcode", "country"), parts, strict=True))
    for name, value in address.items():
        if value is None or None in parts:
            row.cells[name] = None
        elif platform == "google" and name in {"postcode", "country"}:
            row.cells[name] = value.encode()
        else:
            row.cells[name] = sha(value.lower() if name == "country" else value)
    return row


def attempt(row: Row, name: str, make: object, value: str | None) -> str | None:
    """Normalise a value, or count why not."""
    if value is None or not bare(value):
        return None
    try:
        made = make(bare(value))  # type: ignore[operator]  # a plain function or a lambda
    except RefusedError as why:
        row.refused[name, str(why)] += 1
        return None
    if not made:
        row.refused[name, "nothing left after normalising"] += 1
        return None
    return str(made)


def sha(value: str) -> bytes:
    assert value
    return hashlib.sha256(value.encode("utf-8")).digest()


def is_blank(character: str) -> bool:
    return character.isspace() or character in INVISIBLE


def bare(value: str) -> str:
    start, end = 0, len(value)
    while start < end and is_blank(value[start]):
        start += 1
    while end > start and is_blank(value[end - 1]):
        end -= 1
    return value[start:end]


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
    blank = "".join(c for c in map(chr, range(0x10000)) if is_blank(c))
    for title in ("mr", "mrs", "ms", "miss", "mx", "dr", "prof"):
        rest = value[len(title) :]
        if value[: len(title)].lower() == title and rest[:1] and rest[0] in "." + blank:
            name = rest.lstrip("." + blank)
            value = name or value
            break
    for suffix in ("jr", "jr.", "sr", "sr."):
        if value.lower().endswith(suffix):
            name = value[: -len(suffix)]
            if name[-1:] and name[-1] in "," + blank and name.rstrip("," + blank):
                return name.rstrip("," + blank)
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


def country(value: str) -> str:
    code = {"UK": "GB"}.get(value.upper(), value.upper())
    if code not in ISO_3166:
        raise RefusedError("not a two-letter country code of ISO 3166")
    return code


def consent(row: Row, value: str | None) -> int:
    said = composed(bare(value or "").lower())
    numbers = {"": 0, "unknown": 0, "granted": 1, "denied": 2}
    if said not in numbers:
        row.refused["ad_consent", "not granted, denied or unknown"] += 1
    return numbers.get(said, 0)
