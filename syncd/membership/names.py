"""Rows by 64-bit names of their keys and identifiers, which are looked over in place of cells.

Equal keys have equal names, and so have equal identifiers of one kind, whichever slot, batch, file
or version of a library they are read in. That two others share one is possible: who relies on a
name alone must lose nothing but time by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.hashes import NONE, Hashes, hashed, joined, stirred
from syncd.membership.engine import SLOTS, Positions
from syncd.model import ROW_COLUMNS

Names = Hashes

SECTION = "names"  # of a generation: a line a row, by which most of them are looked over
# A key's name, and that of the identifier of each slot, 0 for none. Kept in files: never changed.
NAMES_SCHEMA = pa.schema(
    [pa.field("name", pa.uint64()), *(pa.field(f"i{n}", pa.uint64()) for n in range(len(SLOTS)))]
)

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
        slots: Of each such column.
        more: What else was asked for.
    """

    keys: Names
    ids: Names
    slots: tuple[int, ...]
    more: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    @classmethod
    def read(cls, lines: pa.RecordBatch) -> Named:
        """As a file has them."""
        keys, *slots = (np.asarray(column, np.uint64) for column in lines.columns)
        filled = [slot for slot, names in enumerate(slots) if names.any()]
        return cls(keys, _lines([slots[slot] for slot in filled], len(keys)), tuple(filled))

    @property
    def kinds(self) -> tuple[int, ...]:
        """Of identifiers, a number for each column."""
        return tuple(SLOTS[slot][0] for slot in self.slots)

    def batch(self) -> pa.RecordBatch:
        """As a file has them: `NAMES_SCHEMA`."""
        none = np.zeros(len(self.keys), np.uint64)
        slots = dict(zip(self.slots, self.ids.T, strict=True))
        columns = [self.keys, *(slots.get(slot, none) for slot in range(len(SLOTS)))]
        return pa.RecordBatch.from_arrays([pa.array(c) for c in columns], schema=NAMES_SCHEMA)

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
    return Named(
        keys=hashed(rows.column("key")),
        ids=_lines(list(columns.values()), rows.num_rows),
        slots=tuple(columns),
        more={name: column(rows) for name, column in (more or {}).items()},
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


def _lines(columns: Sequence[Names], rows: int) -> Names:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0), np.uint64)


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
