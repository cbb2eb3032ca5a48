"""Cells of the core's rows, whole columns at a time, as requests want them."""

from __future__ import annotations

from binascii import hexlify

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Arrow takes longer to make a value of a Python one than to look at a request's cells for it.
BLANK = pa.scalar(None, pa.binary())
_DIGEST_BYTES = 32


def filled(rows: pa.RecordBatch, cell: str) -> pa.Array | None:
    """A column with null for what is empty; None where that is all of it."""
    cells = rows.column(cell)
    if cells.null_count == len(cells):
        return None
    ends = _ends(cells)
    empty = ends[1:] == ends[:-1]
    if cells.null_count:
        empty &= np.asarray(cells.is_valid())
    if empty.any():
        cells = pc.if_else(pa.array(empty), BLANK, cells)
    return cells if cells.null_count < len(cells) else None


def hexes(cells: pa.Array) -> pa.Array:
    """Digests in hex.

    Raises:
        ValueError: One of another size.
    """
    ends = _ends(cells)
    sizes, held = np.diff(ends), None
    wrong = sizes != _DIGEST_BYTES
    if cells.null_count:
        valid = np.asarray(cells.is_valid())
        wrong &= valid
        held = pa.py_buffer(np.packbits(valid, bitorder="little"))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"row {row}: a digest of {sizes[row]} bytes, not {_DIGEST_BYTES}")
    raw = memoryview(cells.buffers()[2])[ends[0] : ends[-1]]
    doubled = pa.py_buffer(2 * (ends - ends[0]))
    buffers = [held, doubled, pa.py_buffer(hexlify(raw))]
    return pa.Array.from_buffers(pa.binary(), len(cells), buffers)


def _ends(cells: pa.Array) -> npt.NDArray[np.int32]:
    """Where the first cell begins among the column's bytes, and where each ends."""
    return np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]


def joined(cells: pa.Array) -> bytes:
    """All cells, one after the other, of which none is null."""
    ends = _ends(cells)
    return bytes(memoryview(cells.buffers()[2])[ends[0] : ends[-1]])


def texts(cells: pa.Array, what: str) -> pa.Array:
    """Cells that are UTF-8.

    Args:
        cells: Bytes.
        what: They are, for the message.

    Raises:
        ValueError: One is not.
    """
    if _is_utf8(cells):
        return cells
    wrong = next(row for row in range(len(cells)) if not _is_utf8(cells.slice(row, 1)))
    raise ValueError(f"row {wrong}: {what} that is not UTF-8")


def _is_utf8(cells: pa.Array) -> bool:
    try:
        cells.cast(pa.utf8())
    except pa.ArrowInvalid:
        return False
    return True
