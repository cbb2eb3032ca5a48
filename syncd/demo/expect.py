"""What a platform should hold for a segment, worked out by a path of its own.

The demo compares platforms with this, so it shares nothing with the product but the
platforms' published rules: no Arrow, no rule sets, one plain row at a time. It knows
the dirt that the demo's shop makes, not all the dirt there is.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import string
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Literal

import phonenumbers

Identifier = tuple[str, str]
Platform = Literal["meta", "google"]
ConsentPolicy = Literal["granted", "not_denied"]
Kind = Literal["email", "phone", "address", "device_id", "external_id"]
KINDS: tuple[Kind, ...] = ("email", "phone", "address", "device_id", "external_id")

# The EEA with the Union's parts that have a code of their own, the UK, Switzerland.
_EUROPE = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "
    "AX GF GP MF MQ RE YT GB CH"
)
_ASKS_CONSENT = frozenset(_EUROPE.split())
_ADDRESS = re.compile(r'[^\s@,;:<>()\[\]\\"]+@[^\s@,;:<>()\[\]\\".]+(\.[^\s@,;:<>()\[\]\\".]+)+')
_GMAIL = ("gmail.com", "googlemail.com")
# Ofcom's mobile numbers for TV and radio; the library knows no holder for them either.
_SET_ASIDE = re.compile(r"\+447700900\d{3}")
_NO_NAME = frozenset(("n/a", "none", "null", "unknown", "-"))
_US_DIGITS = 5
_SHORTEST_POSTCODE = 2


@dataclass(frozen=True, slots=True)
class _Member:
    """One row as the shop answered it, and where the member lives.

    Attributes:
        own: The member's country, or None if missing or unreadable.
        country: The same, or the shop's where the member has stated none.
    """

    cells: Mapping[str, str]
    own: str | None
    country: str | None


def expected_identifiers(
    path: Path,
    sql: str,
    parameters: Mapping[str, object],
    *,
    platform: Platform,
    default_country: str,
    consent: ConsentPolicy = "not_denied",
    kinds: Collection[Kind] = KINDS,
    held_out: Callable[[str], bool] = lambda _: False,
) -> frozenset[Identifier]:
    """All identifiers that the platform's audience should hold for a segment, no others.

    Args:
        path: The shop, a SQLite file.
        sql: The segment's query, `:name` for parameters.
        parameters: Values of those; moments are bound as UTC text.
        platform: By whose rules to normalise and hash.
        default_country: For phones and addresses of members without one.
        consent: Whom Meta is told of; Google's rule is fixed.
        kinds: What the sync sends.
        held_out: Whether a customer key is of the control group, who are not sent.

    Returns:
        Kind and text: a digest in hex, an id as it is; for an address
        `given|family|postcode|country` as the platform receives them, for Google with the
        last two in plain text.
    """
    found: set[Identifier] = set()
    for cells in _rows(path, sql, parameters):
        if held_out(cells["customer_key"]):
            continue
        member = _member(cells, default_country)
        if not _may_be_sent(member, platform, consent):
            continue
        for kind, texts in _identifiers(member, platform):
            if kind in kinds:
                found.update((kind, text) for text in texts if text is not None)
    return frozenset(found)


def _rows(path: Path, sql: str, parameters: Mapping[str, object]) -> Iterator[dict[str, str]]:
    bound = {name: _bound(value) for name, value in parameters.items()}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as shop:
        cursor = shop.execute(sql, bound)
        columns = [column for column, *_ in cursor.description]
        for row in cursor:
            yield {
                column: str(cell)
                for column, cell in zip(columns, row, strict=True)
                if cell is not None and str(cell).strip()
            }


def _bound(value: object) -> str | int | float | None:
    if isinstance(value, datetime):
        utc = value if value.tzinfo is None else value.astimezone(UTC)
        return utc.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _member(cells: Mapping[str, str], default_country: str) -> _Member:
    stated = cells.get("country", "").strip().upper()
    stated = "GB" if stated == "UK" else stated
    if not stated:
        return _Member(cells, None, default_country)
    readable = re.fullmatch("[A-Z]{2}", stated) is not None
    return _Member(cells, stated if readable else None, stated if readable else None)


def _may_be_sent(member: _Member, platform: Platform, consent: ConsentPolicy) -> bool:
    said = member.cells.get("ad_consent", "unknown").strip().lower()
    if said in ("granted", "denied"):
        return said == "granted"
    if platform == "meta":
        return consent == "not_denied"
    return member.own is not None and member.own not in _ASKS_CONSENT


def _identifiers(
    member: _Member, platform: Platform
) -> Iterator[tuple[Kind, tuple[str | None, ...]]]:
    emails = (member.cells.get(name) for name in ("email", "email_2", "email_3"))
    phones = (member.cells.get(name) for name in ("phone", "phone_2", "phone_3"))
    yield "email", tuple(_sha256(_email(raw, platform)) for raw in emails if raw)
    yield "phone", tuple(_sha256(_phone(raw, member, platform)) for raw in phones if raw)
    yield "address", (_address(member, platform),)
    if platform == "meta":  # Google's lists of contacts take neither
        yield "device_id", (member.cells.get("device_id", "").strip().lower() or None,)
        yield "external_id", (member.cells.get("external_id", "").strip() or None,)


def _sha256(text: str | None) -> str | None:
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def _email(raw: str, platform: Platform) -> str | None:
    text = unicodedata.normalize("NFC", raw.strip().lower())
    local, _, domain = text.partition("@")
    if _ADDRESS.fullmatch(text) is None or not local.strip("."):
        return None
    if platform == "google" and domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
        return f"{local}@{domain}" if local else None
    return text


def _phone(raw: str, member: _Member, platform: Platform) -> str | None:
    number = _e164(raw.strip(), member.country)
    return number.lstrip("+") if number and platform == "meta" else number


@lru_cache(maxsize=100_000)
def _e164(raw: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    text = str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    known = phonenumbers.is_valid_number(number) or _SET_ASIDE.fullmatch(text)
    return text if known and len(set(re.sub(r"\D", "", raw))) > 1 else None


def _address(member: _Member, platform: Platform) -> str | None:
    """The address as one text, if all of its parts stand."""
    given = _sha256(_name(member.cells.get("first_name"), platform))
    family = _sha256(_name(member.cells.get("last_name"), platform))
    country, raw = member.country, member.cells.get("postcode")
    raw = None if raw and set(raw.strip()) == {"0"} else raw
    if given is None or family is None or country is None or raw is None:
        return None
    if platform == "google":
        return f"{given}|{family}|{unicodedata.normalize('NFC', raw).strip()}|{country}"
    postcode = _sha256(_meta_postcode(raw, country))
    return f"{given}|{family}|{postcode}|{_sha256(country.lower())}" if postcode else None


def _name(raw: str | None, platform: Platform) -> str | None:
    text = (raw or "").strip()
    if not text or text.lower() in _NO_NAME:
        return None
    text = "".join(unicodedata.normalize("NFC", text.lower()).split())
    if platform == "meta":
        text = "".join(c for c in text if not _punctuation(c))
    return text or None


def _punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _meta_postcode(raw: str, country: str) -> str | None:
    """Meta's own normaliser takes what stands before the dash, in every country."""
    text = "".join(raw.strip().lower().partition("-")[0].split())
    if country == "US":
        text = text[:_US_DIGITS]
        return text if re.fullmatch(r"[0-9]{5}", text) else None
    if country == "GB":  # the guide: area, district and sector; the unit is the last two letters
        whole = re.fullmatch(r"[a-z]{1,2}[0-9][a-z0-9]?[0-9][a-z]{2}", text)
        return text[:-2] if whole else None
    return text if len(text) >= _SHORTEST_POSTCODE else None
