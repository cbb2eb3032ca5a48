"""Where to cut rows into requests, if a row may take several of the platform's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.model import EMAIL_CELLS, PHONE_CELLS


def slots(rows: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """How many of the platform's own rows each of ours takes; see `Capabilities.max_slots`."""
    taken = np.zeros(rows.num_rows, np.int64)
    for email, phone in zip(EMAIL_CELLS, PHONE_CELLS, strict=True):
        taken += _filled(rows, email) | _filled(rows, phone)
    return np.maximum(taken, 1)


def cut(parts: Iterable[pa.RecordBatch], most: int) -> Iterator[tuple[int, int]]:
    """Cut rows that follow each other into requests: (first row, count), as few as can be.

    Args:
        parts: Rows with the cells of e-mails and phones, in their order.
        most: Slots a request may carry, no fewer than one row takes.
    """
    first = position = 0  # rows
    before = total = 0  # slots: of the rows before `first`, and before `position`
    for rows in parts:
        ends = total + np.cumsum(slots(rows))
        while rows.num_rows and ends[-1] - before > most:
            fit = int(np.searchsorted(ends, before + most, side="right"))
            yield first, position + fit - first
            first, before = position + fit, int(ends[fit - 1]) if fit else total
        position += rows.num_rows
        total = int(ends[-1]) if rows.num_rows else total
    if position > first:
        yield first, position - first


def _filled(rows: pa.RecordBatch, cell: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = rows.column(cell).is_valid().to_numpy(zero_copy_only=False)
    return found
