"""How the membership names identifiers, worked out by other means than its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

from connectors.sandbox.state import Identifier
from syncd.membership.blocks import BlockReader
from syncd.membership.held import ABSENT
from syncd.membership.rest import RESTS
from syncd.model import ADDRESS_CELLS, ID_CELLS

_KINDS = {"email": 1, "phone": 2, "address": 3, "device_id": 4, "external_id": 5}
CERTAIN = 1  # as `syncd.membership.held` numbers states


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


@cache
def number(identifier: Identifier) -> int:
    """The membership's 128-bit name of an identifier, made by another library."""
    kind, text = identifier
    *first, last = (bytes.fromhex(cell) for cell in text.split("|"))
    if kind in ID_CELLS:
        last = hashlib.sha256(last).hexdigest().encode()
    plain = bytes([_KINDS[kind]]) + b"".join(first) + (b"|" if first else b"") + last
    return int.from_bytes(hashlib.md5(plain, usedforsecurity=False).digest(), "little")


def states(file: BlockReader) -> dict[int, int]:
    """The state of every identifier of a generation, by its number.

    A file says nothing of what is certain and in a row at rest; read in plain sets, for a test
    looks at it after each step, and the engine takes as long for twenty rows as for thousands.
    """
    found: dict[int, int] = {
        (row["high"] << 64) | row["low"]: row["state"]
        for rows in file.batches("identifiers")
        for row in rows.to_pylist()
    }
    if file.header.get(RESTS):
        for one in frozenset().union(*sent(file)):
            found.setdefault(number(one), CERTAIN)
    return {name: state for name, state in found.items() if state != ABSENT}


def sent(file: BlockReader) -> list[frozenset[Identifier]]:
    """The rows of a generation, each by its identifiers."""
    return [named(row) for rows in file.batches("rows") for row in rows.to_pylist()]
