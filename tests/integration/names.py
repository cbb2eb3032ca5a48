"""How the membership names identifiers, worked out by other means than its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from connectors.sandbox.state import Identifier
from syncd.membership.blocks import BlockReader
from syncd.membership.engine import engine
from syncd.membership.held import every_identifier
from syncd.model import ADDRESS_CELLS, ID_CELLS

_KINDS = {"email": 1, "phone": 2, "address": 3, "device_id": 4, "external_id": 5}


def named(row: Mapping[str, object]) -> frozenset[Identifier]:
    """The identifiers of a row, an address by its four cells."""
    kinds = [(kind_of(name), value) for name, value in row.items()]
    found = {
        (kind, value.hex()) for kind, value in kinds if kind in _KINDS and isinstance(value, bytes)
    }
    cells = [row.get(name) for name in ADDRESS_CELLS]
    whole = [cell.hex() for cell in cells if isinstance(cell, bytes)]
    if len(whole) == len(ADDRESS_CELLS):
        found.add(("address", "|".join(whole)))
    return frozenset(found)


def kind_of(cell: str) -> str:
    """The kind that a cell is of: `email` for `email_2`."""
    return cell if cell in ID_CELLS else cell.partition("_")[0]


def number(identifier: Identifier) -> int:
    """The membership's 128-bit name of an identifier, made by another library."""
    kind, text = identifier
    *first, last = (bytes.fromhex(cell) for cell in text.split("|"))
    if kind in ID_CELLS:
        last = hashlib.sha256(last).hexdigest().encode()
    plain = bytes([_KINDS[kind]]) + b"".join(first) + (b"|" if first else b"") + last
    return int.from_bytes(hashlib.md5(plain, usedforsecurity=False).digest(), "little")


def identifiers(file: BlockReader) -> list[dict[str, int]]:
    """What a generation says of each identifier, of those at rest too."""
    with engine() as database:
        return [row for part in every_identifier(database, file) for row in part.to_pylist()]
