"""Requests as `json` and `urllib` make them, member by member: what ours must equal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus

import pyarrow as pa

from connectors.meta.payload import WireRows
from connectors.meta.schema import SCHEMA
from syncd.model import (
    ADDRESS_CELLS,
    DETAIL_CELLS,
    EMAIL_CELLS,
    ID_CELLS,
    PHONE_CELLS,
)

Row = Mapping[str, bytes | None]
Cell = str | list[str]


def payload(rows: pa.RecordBatch) -> str:
    """The form field `payload`."""
    members = rows.to_pylist()
    said = {
        key: cells
        for key, cells in (
            ("LOOKALIKE_VALUE", [(one["value"] or b"").decode() for one in members]),
            ("DATA_PROCESSING_OPTIONS", [_options(one) for one in members]),
        )
        if rows.column("value" if key == "LOOKALIKE_VALUE" else "limited_data_use").null_count
        < len(members)
    }
    facts = list(zip(*said.values(), strict=True)) if said else [()] * len(members)
    data = [[*row, *facts[n]] for n, one in enumerate(members) for row in expanded(one)]
    content = {"schema": [*SCHEMA, *said], "data": data, "is_raw": True}
    return json.dumps(content, separators=(",", ":"))


def expanded(member: Row) -> list[list[str]]:
    """One member's rows, without facts."""
    emails, phones = _hexes(member, EMAIL_CELLS), _hexes(member, PHONE_CELLS)
    address = _hexes(member, ADDRESS_CELLS)
    if not all(address):
        address = [""] * len(ADDRESS_CELLS)
    ids = [(member.get(cell) or b"").decode() for cell in ID_CELLS]
    alone = [*address, *ids]
    details = _hexes(member, DETAIL_CELLS)
    found = [
        [email or emails[0], phone or phones[0], *alone, *details]
        for email, phone in zip(emails, phones, strict=True)
        if email or phone
    ]
    return found or ([["", "", *alone, *details]] if any(alone) else [])


def _hexes(member: Row, cells: Sequence[str]) -> list[str]:
    return [(member.get(cell) or b"").hex() for cell in cells]


def _options(member: Row) -> list[str]:
    return ["LDU"] if member["limited_data_use"] == b"1" else []


def text(wire: WireRows) -> str:
    """A payload as Meta gets it once the form is read."""
    return unquote_plus(b"".join(wire.payload.parts).decode("ascii"))


def data(wire: WireRows) -> list[list[Any]]:
    """The rows in it."""
    found: list[list[Any]] = json.loads(text(wire))["data"]
    return found
