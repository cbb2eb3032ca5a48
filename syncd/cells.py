"""Cells as bytes: those of a column's texts, and a row's cells as one text.

A shop that has a row's cells joined into one text hands over a column of texts in place of ten,
which costs its driver half as much; most rows of most reads are as they were, and nobody asks for
their cells one by one. Cells are parted by `SEPARATOR`, and NULL is `NOTHING`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SEPARATOR, NOTHING = "\x1f", "\x00"

_KEY, _CELLS, _NAMES = "customer_key", "cells", b"columns"
_NULL = pa.scalar(None, pa.string())
_SEPARATOR = ord(SEPARATOR)
_FIRST_PLAIN = ord(" ")


def column_bytes(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text of a column starts, one more than there are texts, and all their bytes."""
    _, offsets, data = values.buffers()
    count = len(values) + 1
    if data is None or not len(values):  # of nothing, offsets may be missing too
        return np.zeros(count, np.int64), np.empty(0, np.uint8)
    starts = np.frombuffer(offsets, np.int32, count, values.offset * 4).astype(np.int64)
    return starts - starts[0], np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]


def joined(cells: pa.StringArray, names: Sequence[str]) -> pa.RecordBatch:
    """Rows whose cells are joined.

    Args:
        cells: Of each row one text; no cell in it holds `SEPARATOR`.
        names: Of the columns, in the order of the cells.
    """
    said = {_NAMES: SEPARATOR.join(names).encode()}
    schema = pa.schema([pa.field(_CELLS, pa.string())], metadata=said)
    return pa.RecordBatch.from_arrays([cells], schema=schema)


def joins(rows: pa.RecordBatch) -> tuple[pa.StringArray, tuple[str, ...]] | None:
    """The joined cells of rows and the names of their columns; None of rows that have columns."""
    said = (rows.schema.metadata or {}).get(_NAMES)
    return None if said is None else (rows.column(_CELLS), tuple(said.decode().split(SEPARATOR)))


def keys(rows: pa.RecordBatch) -> pa.StringArray:
    """The keys of rows, whichever way they came."""
    found = joins(rows)
    if found is None:
        return rows.column(_KEY)
    cells, names = found
    place = names.index(_KEY)
    before = pc.split_pattern(cells, SEPARATOR, max_splits=place + 1)
    return _with_nulls([pc.list_element(before, place)])[0]


def parted(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with a column for each of their cells, whichever way they came."""
    found = joins(rows)
    if found is None:
        return rows
    cells, names = found
    every = pc.split_pattern(cells, SEPARATOR).values
    places = np.arange(0, len(every), len(names))
    columns = [every.take(pa.array(places + n)) for n in range(len(names))]
    return pa.RecordBatch.from_arrays(_with_nulls(columns), names=list(names))


def _with_nulls(columns: list[pa.StringArray]) -> list[pa.StringArray]:
    """Texts as cells."""
    return [
        column
        if column_bytes(column)[1].all()
        else pc.if_else(pc.equal(column, NOTHING), _NULL, column)
        for column in columns
    ]


def separators(cells: pa.StringArray, each: int) -> NDArray[np.bool_] | None:
    """Which joined rows have so many separators and no more; None: all of them."""
    _, held = column_bytes(cells)
    if np.count_nonzero(held == _SEPARATOR) == each * len(cells):
        return None
    found: NDArray[np.bool_] = np.asarray(pc.count_substring(cells, SEPARATOR)) == each
    return found


def controlled(cells: pa.StringArray, each: int) -> NDArray[np.int64]:
    """Joined rows with a control character in a cell, of which hardly a shop has any.

    Args:
        cells: Rows of so many separators each.
    """
    edges, held = column_bytes(cells)
    low = held < _FIRST_PLAIN
    if np.count_nonzero(low) == each * len(cells):
        return np.empty(0, np.int64)
    low &= held != _SEPARATOR
    at = np.flatnonzero(low)
    ends = np.concatenate([held, [np.uint8(_SEPARATOR)]]) == _SEPARATOR
    begins = np.concatenate([[np.True_], ends[:-1]])
    ends[edges[1:]] = True  # the next row's first byte is none of this one's
    begins[edges[:-1]] = True
    alone = (held[at] == ord(NOTHING)) & begins[at] & ends[at + 1]
    return np.unique(np.searchsorted(edges, at[~alone], side="right") - 1)
