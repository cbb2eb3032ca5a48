"""Rows at rest by the fingerprint of what they were digested from: who need not be digested again.

A generation's file has a section of fingerprints beside its rows, a line each. Whoever comes out
of the shop with the fingerprint of a row at rest is that row's member, and would be digested to
just that row (`syncd.identity.fingerprints`): of them a snapshot says which rows are theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import BATCH_ROWS, FINGERPRINT, Positions
from syncd.membership.forwards import Forwards, Half
from syncd.membership.rest import moving

SECTION = "fingerprints"  # of a generation: a line a row, zeros for a row without one
CAME = "came"  # of a snapshot: a bit a row, set where its member came unchanged
RESPELLED = "respelled"  # of a plan: rows that are as they were, and their fingerprints now
_CAME_SCHEMA = pa.schema([pa.field("bits", pa.uint8())])
GENERATION = "generation"  # in its header: the checksum of the file whose rows they are

_NAMES = FINGERPRINT.names
_TOGETHER = 4_096  # fingerprints that are compared at a time
_BREAKS = 256  # in the order of a batch: where there are more, all that is left is looked up
# Where the order breaks, few are between as a rule: one left, one came, one has another
# fingerprint now. Where it goes on is looked for among so many, and then among more.
_NEAR = 16
_FURTHER = 1_024
_DEAR = 8  # what such a break counts for
Lines = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Respelled:
    """Rows at rest whose members are written otherwise now, and digested to the same.

    Without it they would be digested in each run until they are sent for some other reason.

    Attributes:
        at: Positions of the rows, ascending.
        lines: Their fingerprints now.
    """

    at: Positions
    lines: Lines

    @classmethod
    def of(cls, parts: Sequence[tuple[Positions, Lines]]) -> Respelled:
        """All of them, in order."""
        at = np.concatenate([np.empty(0, np.int64), *(at for at, _ in parts)])
        lines = np.concatenate([np.empty((0, 2), np.uint64), *(lines for _, lines in parts)])
        order = np.argsort(at, kind="stable")  # of two plans the later one counts
        return cls(at[order], lines[order])

    @classmethod
    def read(cls, plan: BlockReader) -> Respelled:
        """As a plan's file has them."""
        found = [
            (np.asarray(rows["n"], np.int64), lines_of(rows)) for rows in plan.batches(RESPELLED)
        ]
        return cls.of(found)

    def any(self, first: int, rows: int) -> bool:
        """Whether one of so many rows from a position on is among them."""
        low, high = np.searchsorted(self.at, [first, first + rows])
        return bool(low < high)

    def write(self, writer: BlockWriter) -> None:
        """Write them to a plan's file."""
        for first in range(0, len(self.at), BATCH_ROWS):
            here = slice(first, first + BATCH_ROWS)
            columns = [pa.array(self.at[here]), *map(pa.array, self.lines[here].T)]
            writer.write(RESPELLED, pa.RecordBatch.from_arrays(columns, ["n", *_NAMES]))

    def put(self, at: Positions, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows, whose positions are given, with their fingerprints of now."""
        last = np.searchsorted(self.at, at, side="right") - 1
        met = (last >= 0) & (self.at[last] == at) if len(self.at) else np.zeros(len(at), np.bool_)
        if not met.any():
            return rows
        lines = lines_of(rows)
        lines[met] = self.lines[last[met]]
        for name, half in zip(_NAMES, lines.T, strict=True):
            place = rows.schema.get_field_index(name)
            rows = rows.set_column(place, rows.schema.field(place), pa.array(half))
        return rows


class Unchanged:
    """The rows at rest of a generation, read while their members come: a byte a row in memory.

    A shop returns most members in the order in which it did when they were sent, so that most
    are known by whom they come after, and few rows are at hand at a time. All others are looked
    up, among the rows that are left: for the first of them whatever follows is read, 16 bytes a
    row, and 8 for each that is looked among.

    Attributes:
        came: How many were found so far.
    """

    def __init__(self, generation: BlockReader | None) -> None:
        """Begin at the first row; of no generation, or one of an earlier version, nobody rests.

        Args:
            generation: Read by whoever asks, as long as anybody does.
        """
        stirred = (
            moving(generation) if generation is not None and generation.rows(SECTION) else None
        )
        if generation is None or stirred is None:
            self._rows = Forwards(iter(()), np.zeros(0, np.bool_))
        else:
            self._rows = Forwards(generation.batches(SECTION), ~stirred)
        self._resting = np.packbits(self._rows.left)
        self.came = 0
        self._next = 0  # the row whose member is expected
        self._lost = False  # in a batch whose end does not tell who comes next

    def follow(self, wanted: Lines) -> Positions:
        """Positions of the rows with the fingerprints of a batch, as far as they come in order.

        Args:
            wanted: Of the batch.

        Returns:
            One a line; -1 for who comes otherwise, has none, or is not there: see `search`.
        """
        high, low = np.ascontiguousarray(wanted[:, 0]), np.ascontiguousarray(wanted[:, 1])
        found = np.full(len(wanted), -1, np.int64)
        self._rows.let_go(self._next)
        self._lost = self._in_order(high, low, found) < len(wanted)
        found[(high == 0) & (low == 0)] = -1
        self._know(found, expect=True)
        return found

    def search(self, wanted: Lines) -> Positions:
        """Positions of the rows with these fingerprints, in any order; -1 for whom there is none.

        Args:
            wanted: Of those whom `follow` did not find, up to the end of its last batch.
        """
        found = np.full(len(wanted), -1, np.int64)
        some = np.flatnonzero(wanted.any(axis=1))
        if len(some) and len(self._rows.left):
            found[some] = self._looked_up(wanted[some, 0], wanted[some, 1])
        self._know(found, expect=self._lost)
        return found

    def write(self, writer: BlockWriter) -> None:
        """Write to a snapshot's file whose members came."""
        if self.came:
            bits = pa.array(self._resting & ~np.packbits(self._rows.left))
            writer.write(CAME, pa.RecordBatch.from_arrays([bits], schema=_CAME_SCHEMA))

    def _know(self, found: Positions, *, expect: bool) -> None:
        """Know who came, and perhaps so who comes next."""
        met = np.flatnonzero(found >= 0)
        if len(met):
            self.came += len(met)
            self._rows.left[found[met]] = False
            if expect:
                self._next = int(found[met[-1]]) + len(found) - int(met[-1])

    def _in_order(self, high: Half, low: Half, found: Positions) -> int:
        """Find those who come in the order of the rows, as long as hardly any are between.

        Returns:
            How many were looked at before the order was lost.
        """
        here, row, breaks = 0, self._next, 0
        while here < len(low) and breaks < _BREAKS:
            alike = self._alike(high[here : here + _TOGETHER], low[here : here + _TOGETHER], row)
            found[here : here + alike] = np.arange(row, row + alike)
            here, row = here + alike, row + alike
            if alike == _TOGETHER or here == len(low):
                continue
            came, left, dear = self._between(low[here : here + _FURTHER], row)
            if not came and not left:
                break
            breaks += _DEAR if dear else 1
            here, row = here + came, row + left
        return here

    def _alike(self, high: Half, low: Half, row: int) -> int:
        """How many of some members follow one another as the rows do from one on."""
        rows = self._rows
        rows.reach(row + len(low))
        at = rows.place(row)
        count = min(len(low), len(rows.low) - at)
        if count <= 0 or row < rows.first:
            return 0
        alike = rows.low[at : at + count] == low[:count]
        alike &= rows.high[at : at + count] == high[:count]
        first = int(alike.argmin())
        return count if alike[first] else first

    def _between(self, low: Half, row: int) -> tuple[int, int, bool]:
        """How many members and rows are between, until both are alike again; 0 if none are near.

        Args:
            low: Of the next members; the first is not the row's.
            row: The next one.

        Returns:
            Both numbers, and whether it took long to find them.
        """
        rows = self._rows
        rows.reach(row + _FURTHER)
        at = rows.place(row)
        if row < rows.first:
            return 0, 0, False
        ahead = rows.low[at : at + _FURTHER]
        same = (low[:_NEAR, None] == ahead[:_NEAR]) & (ahead[:_NEAR] != 0)
        came, left = np.nonzero(same)
        dear = not len(came)
        if dear:
            alike, came, left = np.intersect1d(low, ahead, return_indices=True)
            came, left = came[alike != 0], left[alike != 0]
        if not len(came):
            return 0, 0, dear
        nearest = int(np.argmin(came + left))
        return int(came[nearest]), int(left[nearest]), dear

    @cached_property
    def _places(self) -> tuple[Half, np.uint64]:
        """A number for each row, in order, and which of its bits say where it is at hand.

        They are its last; the others say how its fingerprint begins. Made once anybody is looked
        up, of the rows whose members did not come by then: to sort all takes longer than to read
        them, and no two members have one fingerprint.
        """
        rows = self._rows
        rows.read_all()
        last = np.uint64((1 << len(rows.low).bit_length()) - 1)
        passed = np.ones(len(rows.passed), np.bool_)
        places = np.flatnonzero(np.concatenate([passed, rows.left[rows.first :]]))
        begins = rows.low[places]
        begins &= ~last
        numbers = places.view(np.uint64)
        numbers |= begins
        numbers.sort()
        return numbers, last

    def _looked_up(self, high: Half, low: Half) -> Positions:
        (places, last), rows = self._places, self._rows
        order = np.argsort(low)  # neighbours are looked up one after the other
        place = np.empty(len(low), np.int64)
        place[order] = np.searchsorted(places, low[order] & ~last)
        found = np.full(len(low), -1, np.int64)
        left = np.arange(len(low))
        while len(left):  # again where several rows begin alike
            left = left[place[left] < len(places)]
            met = places[place[left]]
            begins = met & ~last == low[left] & ~last
            left, at = left[begins], (met[begins] & last).astype(np.int64)
            same = (rows.low[at] == low[left]) & (rows.high[at] == high[left])
            found[left[same]] = rows.at(at[same])
            left = left[~same]
            place[left] += 1
        return found


def came(snapshot: BlockReader, rows: int) -> Flags:
    """Flags of a generation's rows: whose members came unchanged, as a snapshot's file says."""
    bits = [np.asarray(batch["bits"]) for batch in snapshot.batches(CAME)]
    return np.unpackbits(np.concatenate(bits), count=rows).view(np.bool_)


def fingerprinted(rows: pa.RecordBatch, lines: pa.RecordBatch | None = None) -> pa.RecordBatch:
    """Rows with these fingerprints, or with their own; with none where they have none."""
    if lines is None and set(rows.schema.names).issuperset(_NAMES):
        return rows
    for place, field in enumerate(FINGERPRINT):
        none = np.zeros(rows.num_rows, np.uint64)
        column = pa.array(none) if lines is None else lines.column(place)
        rows = rows.append_column(field, column)
    return rows


def lines_of(rows: pa.RecordBatch) -> Lines:
    """The fingerprints of rows, a line each."""
    return np.column_stack([np.asarray(rows.column(name), np.uint64) for name in _NAMES])
