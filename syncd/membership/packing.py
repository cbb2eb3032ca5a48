"""A block's rows in few bytes, and back as they were.

Digests do not compress: they lie as they are, 32 bytes each without anything between them. What
is the same in many rows is written once and numbered, what no row has is left out, and all that
is not a digest or a hash is compressed; of rows of numbers that are all the same there is one.
So a block is one or two Arrow streams, of the columns that are compressed and of those that are
not, and perhaps another one of a column that was added when it was taken over from another file.
Blocks of earlier versions are one.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from syncd.membership.engine import CELL_FIELDS, Positions
from syncd.membership.names import NAMES_SCHEMA
from syncd.model import ADDRESS_CELLS, DETAIL_CELLS, FACT_CELLS, ROW_COLUMNS

FEW = 256  # rows: to save bytes of so few is not worth the work

_DIGEST = pa.binary(32)
_KEPT = (_DIGEST, pa.uint64())  # of columns that do not compress
_SHARED = frozenset((*ADDRESS_CELLS, *DETAIL_CELLS, *FACT_CELLS))  # by many members
# A number takes two bytes and a digest 32: so few must differ that it is worth the work.
_OFTEN = 0.9
_ROW = frozenset(("key", "consent"))  # columns that all rows with cells have, and nothing else
# Fast enough at its lowest level; all of a block is on this thread anyway.
_COMPRESSED = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", 1), use_threads=False)
_PLAIN = pa.ipc.IpcWriteOptions(use_threads=False)


def packed(rows: pa.RecordBatch) -> memoryview:
    """The bytes of a block, of no more rows than one may have."""
    sink = pa.BufferOutputStream()
    if _repeats(rows):
        _put(sink, rows.slice(0, 1), _PLAIN)
    else:
        _write(sink, rows.drop_columns(_blank(rows)))
    return memoryview(sink.getvalue()).cast("B")


def unpacked(block: bytes, rows: int, at: Positions | None = None) -> pa.RecordBatch:
    """The rows of a block, with all columns that rows of its sort have today.

    Args:
        block: As `packed` made it.
        rows: How many it has.
        at: Positions of those that are wanted, ascending; None: all.
    """
    some = None if at is None else pa.array(at)
    source = pa.BufferReader(block)
    fields: list[pa.Field] = []
    columns: list[pa.Array] = []
    while source.tell() < len(block):
        with pa.ipc.open_stream(source) as stream:
            (batch,) = stream  # read to its end, where the next one begins
        same = batch.num_rows < rows  # one line, for all of them
        wanted = pa.array(np.zeros(rows if at is None else len(at), np.int64)) if same else some
        fields += [pa.field(field.name, _plain(field.type)) for field in batch.schema]
        taken = batch.columns if wanted is None else [one.take(wanted) for one in batch.columns]
        columns += [_grown(column) for column in taken]
    return _completed(pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields)))


def _write(sink: pa.BufferOutputStream, rows: pa.RecordBatch) -> None:
    if rows.num_rows < FEW:
        _put(sink, rows, _PLAIN)
        return
    if _ROW.issubset(rows.schema.names):
        columns = [_shrunk(name, rows.column(name)) for name in rows.schema.names]
        rows = pa.RecordBatch.from_arrays(columns, names=rows.schema.names)
        kept = [field.name for field in rows.schema if field.type in _KEPT]
    else:  # columns of other sorts are given back in the order in which they lie
        hashes = all(field.type in _KEPT for field in rows.schema)
        kept = rows.schema.names if hashes else []
    _put(sink, rows.drop_columns(kept), _COMPRESSED)
    _put(sink, rows.select(kept), _PLAIN)


def _repeats(rows: pa.RecordBatch) -> bool:
    """Whether all rows are the same, of many that have nothing but numbers."""
    told = all(one.type == pa.int64() and not one.null_count for one in rows.columns)
    if rows.num_rows < FEW or not told:
        return False
    columns = [np.asarray(column, np.int64) for column in rows.columns]
    return all(column[0] == column[-1] and (column == column[0]).all() for column in columns)


def _put(
    sink: pa.BufferOutputStream, rows: pa.RecordBatch, options: pa.ipc.IpcWriteOptions
) -> None:
    if rows.num_columns:
        with pa.ipc.new_stream(sink, rows.schema, options=options) as stream:
            stream.write_batch(rows)


def _blank(rows: pa.RecordBatch) -> list[str]:
    """Columns that say nothing of any row: `_completed` adds them again."""
    cells = [cell for cell in ROW_COLUMNS if cell in rows.schema.names]
    slots = NAMES_SCHEMA.names[1:] if NAMES_SCHEMA.names[0] in rows.schema.names else ()
    return [
        *(cell for cell in cells if rows.column(cell).null_count == rows.num_rows),
        *(slot for slot in slots if not np.asarray(rows.column(slot)).any()),
    ]


def _shrunk(name: str, cells: pa.Array) -> pa.Array:
    if cells.type != pa.binary():
        return cells
    if name in _SHARED:
        coded = cells.dictionary_encode()
        if len(coded.dictionary) < _OFTEN * len(cells):
            return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.int16()), coded.dictionary)
    return cells if name == "key" or cells.null_count else _close(cells)


def _close(cells: pa.Array) -> pa.Array:
    """Digests without what says where each begins, as they lie; other cells as they are."""
    edges = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset :][: len(cells) + 1]
    if (np.diff(edges) != _DIGEST.byte_width).any():
        return cells
    held = cells.buffers()[2].slice(int(edges[0]), int(edges[-1] - edges[0]))
    return pa.Array.from_buffers(_DIGEST, len(cells), [None, held])


def _plain(kind: pa.DataType) -> pa.DataType:
    coded = kind == _DIGEST or pa.types.is_dictionary(kind)
    return pa.binary() if coded else kind


def _grown(cells: pa.Array) -> pa.Array:
    if cells.type == _DIGEST:  # none of them is blank
        edges = np.arange(cells.offset, cells.offset + len(cells) + 1, dtype=np.int32)
        edges *= _DIGEST.byte_width
        buffers = [None, pa.py_buffer(edges), cells.buffers()[1]]
        return pa.Array.from_buffers(pa.binary(), len(cells), buffers)
    if pa.types.is_dictionary(cells.type):
        return cells.dictionary.take(cells.indices)
    return cells


def _completed(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows in the order of today's columns, with those that were left out or not there yet."""
    names = rows.schema.names
    if _ROW.issubset(names):
        fields = [pa.field("key", pa.binary()), *CELL_FIELDS]
        fields += [field for field in rows.schema if field.name not in {"key", *ROW_COLUMNS}]
        blank = pa.nulls(rows.num_rows, pa.binary())
    elif NAMES_SCHEMA.names[0] in names:
        fields = list(NAMES_SCHEMA)
        blank = pa.array(np.zeros(rows.num_rows, np.uint64))
    else:
        return rows
    columns = [rows.column(f.name) if f.name in names else blank for f in fields]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
