"""A second opinion on identity: one row at a time, hashlib on each value, no Arrow.

Written from the platforms' rules and not from `syncd.identity.steps`; the two share only
the lists of words and countries. Tests hold them against each other.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from syncd.identity.countries import CONSENT_DEMANDED
from tests.unit.identity_fields import (
    BLANK,
    EMPTY_DIGEST,
    RefusedError,
    composed,
    normalised,
)

__all__ = ["EMPTY_DIGEST", "RefusedError", "Row", "digest_row", "normalised"]


# What travels beside identifiers: cells, with their field and the segment's column.
BESIDE = {
    "first_initial": ("first_initial", "first_name"),
    "city": ("city", "city"),
    "state": ("region", "region"),
    "birth_year": ("birth_year", "birth_date"),
    "birth_month": ("birth_month", "birth_date"),
    "birth_day": ("birth_day", "birth_date"),
    "gender": ("gender", "gender"),
}
NO_FACTS: dict[str, bytes | None] = {"value": None, "limited_data_use": None}


@dataclass
class Row:
    """What one member comes to."""

    cells: dict[str, bytes | None] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    consent: int = 0
    region: bool = True

    @property
    def usable(self) -> bool:
        return any(cell for name, cell in self.cells.items() if name not in {*BESIDE, *NO_FACTS})


def digest_row(
    raw: Mapping[str, str | None],
    platform: str,
    default: str | None,
    *,
    details: bool = False,
    facts: bool = False,
) -> Row:
    """All kinds of one member, as `platform` ("meta" or "google") wants them."""
    row = Row()
    own, stated = None, bool((raw.get("country") or "").strip(BLANK))
    if stated:
        own = attempt(row, "google", "country", raw["country"], None)
    known = own if stated else default
    row.region = own is None or own in CONSENT_DEMANDED
    row.consent = consent(row, raw.get("ad_consent"))

    for kind in ("email", "phone"):
        slots = (kind, f"{kind}_2", f"{kind}_3")
        made = [attempt(row, platform, kind, raw.get(name), known) for name in slots]
        unique = list(dict.fromkeys(value for value in made if value is not None))
        for place, name in enumerate(slots):
            row.cells[name] = sha(unique[place]) if place < len(unique) else None

    for name in ("device_id", "external_id"):
        text = attempt(row, platform, name, raw.get(name), known)
        row.cells[name] = None if text is None else text.encode()

    row.cells |= dict.fromkeys(BESIDE)
    for cell, (name, column) in BESIDE.items():
        if details and platform == "meta":
            text = attempt(row, platform, name, raw.get(column), known)
            row.cells[cell] = None if text is None else sha(text)

    row.cells |= facts_of(row, raw, known) if facts and platform == "meta" else NO_FACTS

    columns = {"given_name": "first_name", "family_name": "last_name", "postcode": "postcode"}
    parts = [attempt(row, platform, n, raw.get(column), known) for n, column in columns.items()]
    parts.append(known)
    address = dict(zip(("given_name", "family_name", "postcode", "country"), parts, strict=True))
    for name, value in address.items():
        if value is None or None in parts:
            row.cells[name] = None
        elif platform == "google" and name in {"postcode", "country"}:
            row.cells[name] = value.encode()
        else:
            row.cells[name] = sha(value.lower() if name == "country" else value)
    return row


def facts_of(row: Row, raw: Mapping[str, str | None], known: str | None) -> dict[str, bytes]:
    """Each in every row; what cannot be read is no value, and a limit."""
    worth = attempt(row, "meta", "value", raw.get("value"), known)
    before = row.refused.total()
    limited = attempt(row, "meta", "limited_data_use", raw.get("limited_data_use"), known)
    unread = row.refused.total() > before
    return {
        "value": (worth or "").encode(),
        "limited_data_use": b"1" if limited == "1" or unread else b"0",
    }


def attempt(row: Row, platform: str, name: str, value: str | None, known: str | None) -> str | None:
    """Normalise a value, or count why not."""
    try:
        return normalised(platform, name, value or "", known)
    except RefusedError as why:
        row.refused[name, str(why)] += 1
        return None


def sha(value: str) -> bytes:
    assert value
    return hashlib.sha256(value.encode("utf-8")).digest()


def consent(row: Row, value: str | None) -> int:
    said = composed((value or "").strip(BLANK).lower())
    numbers = {"": 0, "unknown": 0, "granted": 1, "denied": 2}
    if said not in numbers:
        row.refused["ad_consent", "not granted, denied or unknown"] += 1
    return numbers.get(said, 0)
