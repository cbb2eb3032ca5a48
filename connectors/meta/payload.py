"""Members as Meta's rows, whole columns at a time.

A request is 10,000 rows of up to 17 texts, as JSON in a field of a form. Encoding them row by row,
and the form letter by letter, takes forty times what may be spent on it (`tests.bench.building`).
So columns are joined here to what `json` and `urllib` would have made of them; tests hold it to
that, to the byte. Imported only to send: pyarrow is heavy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias
from urllib.parse import quote_plus

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import BLANK, filled, hexes, texts
from connectors.meta.form import Quoted
from connectors.meta.schema import FACTS, SCHEMA
from syncd.model import (
    ADDRESS_CELLS,
    DETAIL_CELLS,
    EMAIL_CELLS,
    ID_CELLS,
    PHONE_CELLS,
    Fact,
)

Column: TypeAlias = pa.Array | None  # null where a cell is blank; None where all of them are
Positions = npt.NDArray[np.int64]


def _quoted(text: str) -> bytes:
    return quote_plus(text).encode()


def _scalar(text: bytes) -> pa.Scalar:
    return pa.scalar(text, pa.binary())


_NEXT_CELL, _NEXT_ROW = _quoted('","'), _quoted(',["')
# Made once: see `connectors.columns`.
_CELL, _ROW, _NOTHING = _scalar(_NEXT_CELL), _scalar(_NEXT_ROW), _scalar(b"")
_END, _LIMITED, _UNLIMITED = (_scalar(_quoted(end)) for end in ('"]', '",["LDU"]]', '",[]]'))
_LIMITS = _scalar(b"1")
_UNSAFE = "[^A-Za-z0-9_.~-]"  # what JSON or the form writes as something else


@dataclass(frozen=True, slots=True, eq=False)
class WireRows:
    """Members as Meta's rows.

    Attributes:
        payload: The form field of that name: cells in the order of `schema`, digests in hex, ids
            and values as they are, "" where there is none; processing options as a list.
        members: For each row the position in the batch that it belongs to.
        schema: `SCHEMA`, and the keys of facts that any of the rows has.
        cells: Of the members: what may tell one from the others, as it is sent.
    """

    payload: Quoted = field(repr=False)
    members: Positions = field(repr=False)
    schema: tuple[str, ...]
    cells: tuple[pa.Array, ...] = field(repr=False)


def wire_rows(rows: pa.RecordBatch) -> WireRows:
    """Expand members into Meta's rows.

    Row `i` of a member holds its `i`-th e-mail, its `i`-th phone, and all else of it;
    where there is one of them only, the first of the other is repeated beside it, since Meta
    matches a row by all of its keys. A removal of the whole member repeats the very rows of the
    addition; one with blank cells holds what leaves and nothing else. Meta forgets after 90
    days whom an external id stands for, so a removal never trusts to it where anything else
    of the row leaves too.

    Args:
        rows: At least one.

    Raises:
        ValueError: A row that the core must not send: one without an identifier, say.
    """
    emails, phones, details = (
        [_digests(rows, cell) for cell in cells]
        for cells in (EMAIL_CELLS, PHONE_CELLS, DETAIL_CELLS)
    )
    address = _address(rows)
    # Hashed, an id matches nobody.
    ids = [_texts(rows, cell, "an id") for cell in ID_CELLS]
    members, places = _expanded(emails, phones, [*address, *ids], rows.num_rows)
    alone = [*address, *(_safe(column) for column in ids), *details]
    value = _safe(_texts(rows, Fact.VALUE.value, "a value"))
    said = {fact for fact in FACTS if rows.column(fact.value).null_count < rows.num_rows}
    alone += [value] if Fact.VALUE in said else []
    ends = _ends(rows) if Fact.LIMITED_DATA_USE in said else _END
    columns = [_at(emails, members, places), _at(phones, members, places)]
    columns += [_spread(column, members) for column in alone]
    schema = (*SCHEMA, *(key for fact, key in FACTS.items() if fact in said))
    found = (*emails, *phones, *address, *ids, *details)
    return WireRows(
        payload=_payload(schema, columns, _spread(ends, members)),
        members=members,
        schema=schema,
        cells=tuple(column for column in found if column is not None),
    )


# --- members ---------------------------------------------------------------------


def _digests(rows: pa.RecordBatch, cell: str) -> Column:
    cells = filled(rows, cell)
    return None if cells is None else hexes(cells)


def _texts(rows: pa.RecordBatch, cell: str, what: str) -> Column:
    cells = filled(rows, cell)
    return None if cells is None else texts(cells, what)


def _address(rows: pa.RecordBatch) -> list[Column]:
    """The parts of addresses, of those that are whole."""
    columns = [cells for cell in ADDRESS_CELLS if (cells := _digests(rows, cell)) is not None]
    if len(columns) < len(ADDRESS_CELLS):
        return [None] * len(ADDRESS_CELLS)
    whole = _has(columns[0], rows.num_rows)
    for cells in columns[1:]:
        whole &= _has(cells, rows.num_rows)
    if whole.all():
        return columns
    return [pc.if_else(pa.array(whole), cells, BLANK) for cells in columns]


def _safe(column: Column) -> Column:
    """Texts within JSON, percent-encoded."""
    if column is None:
        return None
    unsafe = pc.match_substring_regex(column, _UNSAFE).fill_null(fill_value=False)
    written = [json.dumps(cell.decode())[1:-1] for cell in column.filter(unsafe).to_pylist()]
    if not written:
        return column
    return pc.replace_with_mask(column, unsafe, pa.array(map(_quoted, written), pa.binary()))


def _ends(rows: pa.RecordBatch) -> pa.Array:
    """What ends each member's rows, where processing options stand there."""
    limited = pc.equal(rows.column(Fact.LIMITED_DATA_USE.value), _LIMITS)
    return pc.if_else(limited.fill_null(fill_value=False), _LIMITED, _UNLIMITED)


# --- their rows ------------------------------------------------------------------


def _has(column: Column, size: int) -> npt.NDArray[np.bool_]:
    if column is None or not column.null_count:
        return np.full(size, column is not None)
    return np.asarray(column.is_valid())


def _expanded(
    emails: Sequence[Column], phones: Sequence[Column], alone: Sequence[Column], size: int
) -> tuple[Positions, Positions]:
    """Whose each of Meta's rows is, and at which of its places the e-mail or phone stands."""
    filled_places = np.stack(
        [
            _has(email, size) | _has(phone, size)
            for email, phone in zip(emails, phones, strict=True)
        ],
        axis=1,
    )
    without = ~filled_places.any(axis=1)
    if without.any():
        by_others = np.stack([_has(column, size) for column in alone]).any(axis=0)
        filled_places[:, 0] |= without & by_others
        if (bare := without & ~by_others).any():
            raise ValueError(f"row {bare.argmax()} of the batch holds no identifier")
    members, places = np.nonzero(filled_places)
    return members, places


def _at(columns: Sequence[Column], members: Positions, places: Positions) -> Column:
    """The cell at each row's place, or its member's first where that is blank."""
    first, *others = columns
    if all(column is None for column in others):
        return _spread(first, members)
    size = int(members[-1]) + 1
    has = np.stack([_has(column, size) for column in columns])
    from_place = np.where(has[places, members], places, 0)
    every = [pa.nulls(size, pa.binary()) if one is None else one for one in columns]
    return pa.concat_arrays(every).take(pa.array(from_place * size + members))


def _spread(column: Column | pa.Scalar, members: Positions) -> Column | pa.Scalar:
    """The member's cell in each of its rows."""
    if not isinstance(column, pa.Array) or len(column) == len(members):  # a row each
        return column
    return column.take(pa.array(members))


# --- their text ------------------------------------------------------------------


def _payload(
    schema: tuple[str, ...], columns: Sequence[Column], ends: pa.Array | pa.Scalar
) -> Quoted:
    # `is_raw`: the keys are separate ones, not combined as in "LN_FN_ZIP".
    keys = json.dumps(schema, separators=(",", ":"))
    head, tail = _quoted(f'{{"schema":{keys},"data":[["'), _quoted('],"is_raw":true}')
    return Quoted((head, _data(columns, ends), tail))


def _data(columns: Sequence[Column], ends: pa.Array | pa.Scalar) -> memoryview:
    """All rows, from the first cell to the end of the last."""
    *cells, last = _folded(columns)
    last = _joined(last, ends, _ROW, between=_NOTHING)
    rows = _joined(*cells, last, between=_CELL)
    _, offsets, text = rows.buffers()
    size = int(np.frombuffer(offsets, np.int32)[len(rows)])
    return memoryview(text)[: size - len(_NEXT_ROW)]


def _folded(columns: Sequence[Column]) -> list[pa.Array | pa.Scalar]:
    """Columns, with neighbours that are blank as one text: a column costs time for each row."""
    found: list[pa.Array | pa.Scalar] = []
    for blank, some in groupby(columns, key=lambda column: column is None):
        same = list(some)
        found += [_scalar(_NEXT_CELL * (len(same) - 1))] if blank else same
    return found


def _joined(*parts: pa.Array | pa.Scalar, between: pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(
        *parts, between, null_handling="replace", null_replacement=b""
    )
