"""Rows as lines of small numbers, and sections of them, for the sieve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from syncd.membership.engine import ROW_SCHEMA, Positions
from syncd.membership.names import named
from syncd.membership.sieve import Side

# Of a row: its key; two e-mails, a phone, an address and an external id, 0 for none.
Line = tuple[int, int, int, int, int, int]
Node = tuple[str, object]

LINES = st.lists(
    st.tuples(st.integers(1, 9), *(st.integers(0, most) for most in (9, 3, 9, 4, 3))), max_size=12
)


def rows(lines: list[Line]) -> pa.RecordBatch:
    cells = [
        {
            "key": b"%d" % key,
            "email": b"%032d" % email if email else None,
            "email_2": b"%032d" % second if second else None,
            "phone": b"%032d" % phone if phone else None,
            # Two and two share the first name, which joins nobody.
            "given_name": b"%032d" % (address // 2) if address else None,
            "family_name": b"%032d" % 1,
            "postcode": b"%d" % address,
            "country": b"NL",
            "external_id": b"%d" % external if external else None,
        }
        for key, email, second, phone, address, external in lines
    ]
    return pa.RecordBatch.from_pylist(cells, schema=ROW_SCHEMA)


def names_of(line: Line) -> set[Node]:
    """What a row is joined by, its key first of all."""
    key, *ids = line
    kinds = ("email", "email", "phone", "address", "external_id")
    return {("key", key)} | {(kind, of) for kind, of in zip(kinds, ids, strict=True) if of}


def side(lines: list[Line], seeds: set[int], *, by_name: bool = False) -> Side:
    """A section of rows, three a batch; those at the given positions are concerned.

    By name, it has a section of names, two a batch, and its rows cannot be read.
    """

    def read() -> Iterator[pa.RecordBatch]:
        assert not by_name
        for first in range(0, len(lines), 3):
            yield rows(lines[first : first + 3])

    def names() -> Iterator[pa.RecordBatch]:
        for first in range(0, len(lines), 2):
            yield named(rows(lines[first : first + 2])).batch()

    def some_names(wanted: Positions) -> Iterator[tuple[Positions, pa.RecordBatch]]:
        for at in np.array_split(wanted, 2) if len(wanted) > 1 else [wanted]:
            yield at, named(rows([lines[n] for n in at])).batch()

    made = Side.of(read, len(lines), names=names if by_name else None)
    made.some_names = some_names if by_name else None
    made.concerned[[n for n in seeds if n < len(lines)]] = True
    return made
