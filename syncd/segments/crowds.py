"""Many segments' members by the hash of their key, and what these bought: sizes, pairs, sums.

Keys come by as columns and are gone; what stays is 16 bytes a customer who is in any segment,
and 16 bytes a buyer. Two keys that share 64 bits would count as one customer: of ten million,
with a chance of 1 in 400,000 that any do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.hashes import Hashes, hashed
from syncd.model import SegmentQuery
from syncd.ports import Shop

MOST = 63  # segments at a time, a bit each
ROWS = 100_000  # of buyers that are taken together

Sums = npt.NDArray[np.int64]


@dataclass(slots=True)
class Crowd:
    """Who is in which of several segments, by hash.

    Attributes:
        names: The segments that were counted; the first one's bit is 1, the next one's 2.
        sizes: Their rows, likewise.
    """

    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    _who: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))  # ascending
    _bits: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))  # of each

    def add(
        self,
        name: str,
        shop: Shop,
        query: SegmentQuery,
        beat: Callable[[], None] = lambda: None,
    ) -> int:
        """Read a segment whole and count it; one that cannot be read leaves nothing behind.

        Args:
            name: Of the segment.
            shop: Where it is asked.
            query: The segment's.
            beat: Called between two batches; may raise, to end it.

        Returns:
            Its rows.

        Raises:
            syncd.errors.ShopError: The shop could not be read to the end.
            syncd.errors.ConfigError: The SQL cannot be used.
            ValueError: There are `MOST` already; our bug.
        """
        if len(self.names) == MOST:
            raise ValueError(f"a crowd has {MOST} segments at most")
        found = list[Hashes]()
        with shop.read(query) as reading:
            for batch in reading:
                found.append(hashes_of(batch))
                beat()
            rows = reading.seal()
        self.admit(name, found, rows)
        return rows

    def admit(self, name: str, found: Iterable[Hashes], rows: int) -> None:
        """Count a segment that was read elsewhere.

        Args:
            name: Of the segment.
            found: Of its members, by batch; see `hashes_of`.
            rows: How many they are.

        Raises:
            ValueError: There are `MOST` already; our bug.
        """
        if len(self.names) == MOST:
            raise ValueError(f"a crowd has {MOST} segments at most")
        who = np.unique(np.concatenate([np.empty(0, np.uint64), *found]))
        self._join(who, np.uint64(1 << len(self.names)))
        self.names.append(name)
        self.sizes.append(rows)

    def _join(self, who: Hashes, bit: np.uint64) -> None:
        here = _found(self._who, who)
        known = here >= 0
        self._bits[here[known]] |= bit
        new = who[~known]
        at = np.searchsorted(self._who, new)
        self._who = np.insert(self._who, at, new)
        self._bits = np.insert(self._bits, at, np.full(len(new), bit))

    def sets(self) -> list[tuple[int, int]]:
        """For each set of segments that somebody is in, its bits and how many are in it."""
        bits, counts = np.unique(self._bits, return_counts=True)
        return list(zip(bits.tolist(), counts.tolist(), strict=True))

    def bought(self, takings: Takings) -> list[tuple[int, int]]:
        """By segment, how many of its members bought, and what that came to."""
        here = _found(self._who, takings.who)
        known = here >= 0
        bits, paid = self._bits[here[known]], takings.paid[known]
        found = []
        for place in range(len(self.names)):
            inside = (bits & np.uint64(1 << place)) != 0
            found.append((int(inside.sum()), int(paid[inside].sum())))
        return found


@dataclass(frozen=True, slots=True)
class Takings:
    """What customers bought.

    Attributes:
        who: Hashes of their keys.
        paid: By each, in ten-thousandths.
    """

    who: Hashes
    paid: Sums

    @property
    def revenue(self) -> int:
        """Of all of them."""
        return int(self.paid.sum())


def takings(rows: Iterable[tuple[object, ...]], beat: Callable[[], None] = lambda: None) -> Takings:
    """Take in what `segments.bought_query` returns; orders are left out.

    Args:
        rows: A customer key, orders and ten-thousandths each, a customer once.
        beat: Called now and then; may raise, to end it.
    """
    who, paid = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    left = iter(rows)
    while part := list(islice(left, ROWS)):
        who.append(hashed(pa.array([str(key) for key, _, _ in part], pa.string())))
        # Exact: a database's own decimals, and SQLite's whole numbers.
        paid.append(np.array([int(str(sum_)) for _, _, sum_ in part], np.int64))
        beat()
    return Takings(np.concatenate(who), np.concatenate(paid))


def _found(among: Hashes, wanted: Hashes) -> npt.NDArray[np.int64]:
    """Where each stands among ascending ones; -1 where it does not."""
    at = np.searchsorted(among, wanted)
    inside = at < len(among)
    at[~inside] = 0
    there = inside.copy()
    if len(among):
        there &= among[at] == wanted
    found: npt.NDArray[np.int64] = np.where(there, at, -1)
    return found


def hashes_of(batch: pa.RecordBatch) -> Hashes:
    """The hash of each member's key, as text."""
    column = batch.column("customer_key")
    return hashed(column if pa.types.is_string(column.type) else pc.cast(column, pa.string()))
