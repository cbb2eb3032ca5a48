"""What a run knows of files that it opens several times: that they are whole, and rows of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path

import numpy as np
import pyarrow as pa

from syncd.membership.engine import BATCH_ROWS, Positions

Rows = tuple[Positions, pa.RecordBatch]


def _known_by(said: os.stat_result, checksum: str) -> tuple[int | str, ...]:
    """What the system says of a file, and says otherwise once anybody writes to it."""
    return said.st_dev, said.st_ino, said.st_size, said.st_mtime_ns, said.st_ctime_ns, checksum


def _summed(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


class Checked:
    """Files whose checksum was found to be the ledger's, as long as the system says the same.

    Whatever is read of one is opened by its own key and seal anyway. The few rows that a change
    reaches are kept: they lie in all blocks of a file, and are asked for by one step after the
    other. They are known by their file's checksum, so that no other file's pass for them.
    """

    def __init__(self, summed: Callable[[BufferedReader], str] = _summed) -> None:
        """Have seen none.

        Args:
            summed: The SHA-256 of an open file, hex.
        """
        self._summed = summed
        self._found: set[tuple[int | str, ...]] = set()
        self._kept: dict[tuple[str, str], Rows] = {}

    def wrote(self, path: Path, checksum: str) -> None:
        """Know a file that was just written here, and summed meanwhile to this SHA-256."""
        self._found.add(_known_by(path.stat(), checksum))

    def see(self, file: BufferedReader, checksum: str) -> bool:
        """Whether an open file has this SHA-256, hex."""
        one = _known_by(os.fstat(file.fileno()), checksum)
        if one not in self._found:
            if self._summed(file) != checksum:
                return False
            self._found.add(one)
        return True

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
        """Look at each of them again."""
        self._found.clear()
        self._kept.clear()
