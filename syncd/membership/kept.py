"""What a run asks of files again and again: some of their rows, and where names are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from syncd.membership.engine import BATCH_ROWS, Positions
from syncd.membership.looked import Looked

Rows = tuple[Positions, pa.RecordBatch]


class Kept:
    """The few rows that a change reaches, which lie in all blocks of a file.

    They are asked for by one step of a run after the other. They are known by their file's
    checksum, so that no other file's pass for them.
    """

    def __init__(self) -> None:
        """Have none yet."""
        self._kept: dict[tuple[str, str], Rows] = {}
        self._looked: dict[str, Looked] = {}

    def looked(self, checksum: str) -> Looked:
        """What was looked for in the file of this checksum."""
        return self._looked.setdefault(checksum, Looked())

    def some(
        self,
        checksum: str,
        section: str,
        wanted: Positions,
        read: Callable[[Positions], Iterator[Rows]],
    ) -> list[Rows] | None:
        """Rows of a section at positions, in one batch if there are any; None: too many to keep.

        Args:
            checksum: Of the file.
            section: Of it.
            wanted: Positions, ascending.
            read: Reads those that are not kept yet.
        """
        if len(wanted) > BATCH_ROWS:
            return None
        kept = self._kept.get((checksum, section))
        at = kept[0] if kept else np.empty(0, np.int64)
        parts = [kept] if kept else []
        parts += read(np.setdiff1d(wanted, at, assume_unique=True))
        if not len(wanted) or not parts:
            return []
        at = np.concatenate([places for places, _ in parts])
        rows = pa.concat_batches([batch for _, batch in parts])
        order = np.argsort(at)
        order = order[np.searchsorted(at, wanted, sorter=order)] if len(at) > BATCH_ROWS else order
        at, rows = at[order], rows.take(pa.array(order))
        self._kept[checksum, section] = at, rows
        if len(at) > len(wanted):
            rows = rows.take(pa.array(np.searchsorted(at, wanted)))
        return [(wanted, rows)]

    def forget(self) -> None:
        """Let go of all."""
        self._kept.clear()
        self._looked.clear()
