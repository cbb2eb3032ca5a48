"""Where to cut rows into requests, if a row may take several of the platform's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.carrying import of_phase
from syncd.membership.engine import SLOTS
from syncd.membership.names import NAMES_SCHEMA
from syncd.model import EMAIL_CELLS, PHONE_CELLS, Phase

_NAME_OF = {
    cells[0]: name for (_, cells, _), name in zip(SLOTS, NAMES_SCHEMA.names[1:], strict=True)
}


def with_slots(plan: BlockReader, phase: Phase) -> str:
    """The section of a plan that says with least work what `slots` asks of a phase's rows."""
    of = of_phase(phase)
    return of.names if plan.rows(of.names) == plan.rows(of.rows) else of.rows


def slots(rows: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """How many of the platform's own rows each of ours takes; see `Capabilities.max_slots`.

    Args:
        rows: With the cells of e-mails and phones, or by their names (`NAMES_SCHEMA`).
    """
    taken = np.zeros(rows.num_rows, np.int64)
    for email, phone in zip(EMAIL_CELLS, PHONE_CELLS, strict=True):
        taken += _filled(rows, email) | _filled(rows, phone)
    return np.maximum(taken, 1)


def cut(parts: Iterable[pa.RecordBatch], most: int) -> Iterator[tuple[int, int]]:
    """Cut rows that follow each other into requests: (first row, count), as few as can be.

    Args:
        parts: Rows as for `slots`, in their order.
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
    if cell not in rows.schema.names:
        named: npt.NDArray[np.bool_] = np.asarray(rows.column(_NAME_OF[cell]), np.uint64) != 0
        return named
    return np.asarray(rows.column(cell).is_valid(), np.bool_)
