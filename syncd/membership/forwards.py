"""Fingerprints of a generation's rows, read forwards while their members come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.engine import BATCH_ROWS, Positions

Half = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]


class Forwards:
    """Fingerprints of a generation's rows, read forwards; zeros for a row that is not at rest.

    Attributes:
        left: Flags of the rows at rest whose members did not come yet.
        high, low: Halves of those at hand: of the rows `passed`, then of `first` and those after.
        passed: Positions of rows whose members did not come in their turn; none before `read_all`.
        first: The first row that was not passed.
    """

    def __init__(self, lines: Iterator[pa.RecordBatch], rests: Flags) -> None:
        """Begin before the first row.

        Args:
            lines: Fingerprints of all rows, as a generation's file has them.
            rests: Flags of those at rest; it becomes `left`.
        """
        self.left = rests
        self.high, self.low = np.empty(0, np.uint64), np.empty(0, np.uint64)
        self.passed, self.first = np.empty(0, np.int64), 0
        self._passing = list[tuple[Positions, Half, Half]]()
        self._stays = False  # all that is at hand
        self._unread = self._read(lines)

    def _read(self, lines: Iterator[pa.RecordBatch]) -> Iterator[tuple[Half, Half]]:
        end = 0
        for batch in lines:
            rests = self.left[end : (end := end + batch.num_rows)]  # nobody's member came yet
            high, low = (np.asarray(half, np.uint64) * rests for half in batch.columns)
            yield high, low

    def place(self, row: int) -> int:
        """Where a row that was not passed is at hand, or would be."""
        return row - self.first + len(self.passed)

    def at(self, places: Positions) -> Positions:
        """The rows that are at hand at places."""
        rows = places + (self.first - len(self.passed))
        passed = np.flatnonzero(places < len(self.passed))
        rows[passed] = self.passed[places[passed]]
        return rows

    def reach(self, row: int) -> None:
        """Have all rows at hand that lie before this one, if there are so many."""
        while len(self.low) < self.place(row) and (lines := next(self._unread, None)) is not None:
            self.high = np.concatenate([self.high, lines[0]])
            self.low = np.concatenate([self.low, lines[1]])

    def let_go(self, row: int) -> None:
        """Pass the rows before this one, once they are many; those that are left are kept."""
        count = min(row - self.first, len(self.low))
        if count < BATCH_ROWS or self._stays:
            return
        at = np.flatnonzero(self.left[self.first : self.first + count])
        self._passing.append((at + self.first, self.high[at], self.low[at]))
        self.high, self.low = self.high[count:].copy(), self.low[count:].copy()
        self.first += count

    def read_all(self) -> None:
        """Have all rows at hand that are left; none is let go any more."""
        parts = [*self._passing, (np.empty(0, np.int64), self.high, self.low)]
        self.passed = np.concatenate([at for at, _, _ in parts])
        count = self.place(len(self.left))
        self.high, self.low, end = np.zeros(count, np.uint64), np.zeros(count, np.uint64), 0
        for high, low in chain(((high, low) for _, high, low in parts), self._unread):
            here = slice(end, end := end + len(low))
            self.high[here], self.low[here] = high, low
        self._passing, self._stays = [], True
