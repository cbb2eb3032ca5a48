"""Rows by 64-bit names of their keys and identifiers, which are looked over in place of cells.

Equal keys have equal names, and so have equal identifiers of one kind, whichever slot, batch, file
or version of a library they are read in. That two others share one is possible: who relies on a
name alone must lose nothing but time by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.hashes import NONE, Hashes, hashed, joined, stirred
from syncd.membership.engine import SLOTS, Positions
from syncd.model import ROW_COLUMNS

Names = Hashes
# Of a batch, one a row.
Column = Callable[[pa.RecordBatch], npt.NDArray[np.generic]]

_KIND = 0xD1342543DE82EF95  # odd: its multiples, of which 64 bits count, keep the kinds apart


@dataclass(frozen=True, slots=True)
class Named:
    """A batch's rows by their names.

    Attributes:
        keys: One a row.
        ids: A line a row, a column a slot that is filled at all; 0 where a row has none. No
            columns where they were not asked for.
        kinds: Of each such column.
        more: What else was asked for.
        asked: Identifiers were.
    """

    keys: Names
    ids: Names
    kinds: tuple[int, ...]
    more: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    asked: bool = True

    def taken(self, at: Positions) -> Named:
        """Some of the rows."""
        more = {name: column[at] for name, column in self.more.items()}
        return replace(self, keys=self.keys[at], ids=self.ids[at], more=more)


def named(
    rows: pa.RecordBatch, more: Mapping[str, Column] | None = None, *, ids: bool = True
) -> Named:
    """Name a batch's rows.

    Args:
        rows: With `key` and `ROW_COLUMNS`.
        more: Further columns, each with a name.
        ids: Identifiers too, which costs most.
    """
    columns = {}
    for slot, (kind, cells, _) in enumerate(SLOTS if ids else ()):
        if all(rows.column(cell).null_count < rows.num_rows for cell in cells):
            columns[slot] = _identifiers(rows, kind, cells)
    none = np.empty((rows.num_rows, 0), np.uint64)
    return Named(
        keys=hashed(rows.column("key")),
        ids=np.stack(list(columns.values()), axis=1) if columns else none,
        kinds=tuple(SLOTS[slot][0] for slot in columns),
        more={name: column(rows) for name, column in (more or {}).items()},
        asked=ids,
    )


def likeness(rows: pa.RecordBatch) -> Names:
    """One number a row that tells its cells from any other's.

    Of two rows with different cells one pair in 1.8e19 has the same.
    """
    found = np.zeros(rows.num_rows, np.uint64)
    for place, cell in enumerate(ROW_COLUMNS):
        cells = rows.column(cell)
        if cells.null_count < rows.num_rows:
            found += _of_kind(hashed(cells), place)
    return found


def consent(rows: pa.RecordBatch) -> npt.NDArray[np.generic]:
    """What each row says of consent, by its number."""
    return np.asarray(rows.column("consent"), np.int8)


def _identifiers(rows: pa.RecordBatch, kind: int, cells: tuple[str, ...]) -> Names:
    found, *others = (hashed(rows.column(cell)) for cell in cells)
    for other in others:
        found = joined(found, other)
    return _of_kind(found, kind)


def _of_kind(hashes: Hashes, kind: int) -> Names:
    names = stirred(hashes ^ np.uint64(kind * _KIND % 2**64))
    np.maximum(names, np.uint64(1), out=names)
    names[hashes == NONE] = NONE
    return names
