"""A platform to test against, and members to send it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol
from uuid import UUID

import pyarrow as pa

from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    FACT_CELLS,
    ID_CELLS,
    PHONE_CELLS,
    ROW_COLUMNS,
    Account,
    Batch,
    BatchId,
    IdentifierKind,
    Operation,
)
from syncd.ports import Connector, Platform

Identifier = tuple[str, str]
Member = Mapping[str, bytes]
FaultName = Literal[
    "throttled",
    "throttled_silently",
    "unavailable",
    "reset_before",
    "reset_after",
    "malformed",
    "request_refused",
    "refuse_row",
]
FAILURES: tuple[FaultName, ...] = (
    "throttled",
    "throttled_silently",
    "unavailable",
    "reset_before",
    "reset_after",
    "malformed",
    "request_refused",
)

RETRY_AFTER = 120.0
"""Seconds that the fault `throttled` asks to wait."""
REFUSED_ROW = 1
"""Position of the row that the fault `refuse_row` has refused."""


class Rig(Protocol):
    """A platform to test against, as the suite sees it."""

    @property
    def platform(self) -> Platform:
        """What is tested."""
        ...

    @property
    def plain_fields(self) -> frozenset[str]:
        """Cells that travel as plain text, not as a digest: of an address, and ids."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """Secrets that no message may hold: tokens, keys, proofs."""
        ...

    @property
    def unknown_id(self) -> str:
        """A well-formed id of an audience that does not exist."""
        ...

    def connect(self, *, denied: bool = False) -> Connector:
        """A connector to the platform; `denied`: with credentials that it does not take."""
        ...

    def fault(self, name: FaultName) -> None:
        """Let the next push meet this.

        `throttled` states `RETRY_AFTER`, `throttled_silently` no time; `unavailable` is an
        error of the platform's own, nothing applied; `reset_before` and `reset_after` close
        the connection before and after applying; `malformed` is an answer that is none;
        `request_refused` takes no row, for the sake of one or several of them; `refuse_row`
        takes all but row `REFUSED_ROW`.
        """
        ...

    def settle(self) -> None:
        """Let the platform finish what it works on; nothing to do where it answers now."""
        ...

    def identifiers(self, audience_id: str) -> frozenset[Identifier]:
        """What the audience holds, as `connectors.sandbox.state` puts it."""
        ...

    def requests(self) -> int:
        """How many requests have reached the platform, failed ones included."""
        ...


def account(platform: Platform, options: Mapping[str, str], endpoint: str | None = None) -> Account:
    """An account to connect with, its references resolved."""
    return Account("conformance", platform.name, options, endpoint)


def member(number: int, *fields: str, plain: frozenset[str] = frozenset()) -> Member:
    """A made-up member with these cells; the same number gives the same cells.

    Args:
        number: Members of different numbers share nothing but a plain country.
        fields: Names from `ROW_COLUMNS`; by default one e-mail and one phone.
        plain: Fields that travel unhashed; facts always do.
    """
    return {
        field: _plain(field, number)
        if field in plain or field in FACT_CELLS
        else hashlib.sha256(f"{field} {number}".encode()).digest()
        for field in fields or ("email", "phone")
    }


def _plain(field: str, number: int) -> bytes:
    if field in FACT_CELLS:
        return f"{number % 2}".encode()
    if field == "device_id":
        return str(UUID(int=number + 1)).encode()
    return b"NL" if field == "country" else f"{1000 + number}AB".encode()


def batch(operation: Operation, members: Sequence[Member], batch_id: str = "b1") -> Batch:
    """Members as the core hands them to a connector, with consent granted."""
    columns = [pa.array([one.get(name) for one in members], pa.binary()) for name in ROW_COLUMNS]
    columns.append(pa.array([1] * len(members), pa.int8()))
    rows = pa.RecordBatch.from_arrays(columns, names=[*ROW_COLUMNS, "consent"])
    return Batch(BatchId(batch_id), operation, rows)


def identifiers(
    members: Sequence[Member], plain: frozenset[str] = frozenset()
) -> frozenset[Identifier]:
    """The identifiers of members, as `connectors.sandbox.state` puts them."""
    return frozenset(found for one in members for found in _identifiers(one, plain))


def _identifiers(one: Member, plain: frozenset[str]) -> list[Identifier]:
    found = [("email", one[cell].hex()) for cell in EMAIL_CELLS if cell in one]
    found += [("phone", one[cell].hex()) for cell in PHONE_CELLS if cell in one]
    found += [(cell, _text(one, cell, plain)) for cell in ID_CELLS if cell in one]
    if all(cell in one for cell in ADDRESS_CELLS):
        parts = (_text(one, cell, plain) for cell in ADDRESS_CELLS)
        found.append(("address", "|".join(parts)))
    return found


def _text(one: Member, cell: str, plain: frozenset[str]) -> str:
    return one[cell].decode() if cell in plain else one[cell].hex()


def whole_member(rig: Rig, number: int) -> Member:
    """A member with as many identifiers as the platform can take of one."""
    kinds = rig.platform.capabilities.kinds
    address = ADDRESS_CELLS if IdentifierKind.ADDRESS in kinds else ()
    ids = tuple(cell for cell in ID_CELLS if IdentifierKind(cell) in kinds)
    cells = (
        *(EMAIL_CELLS if IdentifierKind.EMAIL in kinds else ()),
        *(PHONE_CELLS if IdentifierKind.PHONE in kinds else ()),
    )
    room = rig.platform.capabilities.max_identifiers - (1 if address else 0) - len(ids)
    return member(number, *cells[:room], *address, *ids, plain=rig.plain_fields)
