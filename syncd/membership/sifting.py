"""Whom a plan or a question concerns; see `syncd.membership.sieve`, and `folding` for a fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.compare import REASONS, kept_out
from syncd.membership.engine import Positions
from syncd.membership.rest import due, moving
from syncd.membership.sieve import (
    LIKENESS,
    Flags,
    Named,
    Names,
    Pool,
    Side,
    distinct_names,
    named,
    parts,
    spread,
)
from syncd.model import Comparison

# Why a member is kept out, as its place in `REASONS`; 0 for whoever is not. Of the first two
# nothing must be there; of others what they were sent leaves as if they had left.
_REASON = "coalesce(list_position({reasons}, {kept_out}), 0) AS reason"
_OUT = 2
MOST = 100_000  # rows and members that are compared at a time, unless more are joined


@dataclass(frozen=True, slots=True)
class Part:
    """Some of whom a plan concerns, and all whom they are joined to.

    Attributes:
        members: Flags of the snapshot's rows; None: all of them.
        rows: Flags of the rows as sent; None: all of them.
    """

    members: Flags | None = None
    rows: Flags | None = None


@dataclass(frozen=True, slots=True)
class Sifted:
    """Whom a plan concerns.

    Attributes:
        parts: What shares nothing with one another, at least one.
        new: Positions of members who are simply added.
        ids: What is concerned of identifiers; None: all.
        read, wanted: How many members are not concerned, and how many of them are not kept out.
        lost: Those of them who are kept out, by reason.
    """

    parts: tuple[Part, ...] = (Part(),)
    new: Positions = field(default_factory=lambda: np.empty(0, np.int64))
    ids: Pool | None = None
    read: int = 0
    wanted: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)


EVERYONE = Sifted()


class _Sent:
    """Rows as sent, looked up by the hash of their key."""

    def __init__(self, database: duckdb.DuckDBPyConnection, side: Side) -> None:
        count = len(side.concerned)
        keys, likeness = np.empty(count, np.uint64), np.empty(count, np.uint64)
        for here, _, rows in side.look(database):
            keys[here], likeness[here] = rows.keys, rows.more["likeness"]
        self._order = np.argsort(keys, kind="stable").astype(np.uint32)
        self._keys, self._likeness = keys[self._order], likeness[self._order]
        # Of several rows of a key all but the last are concerned, and so by the key all are.
        self._rests = ~side.concerned[self._order]
        self._met = np.zeros(count, np.bool_)

    def __len__(self) -> int:
        return len(self._keys)

    def look(self, rows: Named, wanted: Flags) -> tuple[Flags, Flags]:
        """Which rows have a key that was sent, and which members are as they were sent.

        Args:
            rows: Of a snapshot.
            wanted: Who of them is not kept out.
        """
        if not len(self._keys):
            return (none := np.zeros(len(rows.keys), np.bool_)), none
        at = np.searchsorted(self._keys, rows.keys)
        at[at == len(self._keys)] = 0
        known = self._keys[at] == rows.keys
        resting = known & wanted & self._rests[at]
        resting &= self._likeness[at] == rows.more["likeness"]
        self._met[at[resting]] = True
        return known, resting

    def unmet(self) -> Flags:
        """Of the rows as sent, in their order: whose member did not come, or has changed."""
        found = np.ones(len(self._keys), np.bool_)
        found[self._order[self._met]] = False
        return found


def of_plan(
    database: duckdb.DuckDBPyConnection,
    comparison: Comparison,
    members: BlockReader,
    generation: BlockReader | None,
    removing: Iterable[pa.RecordBatch],
) -> Sifted:
    """Find whom a comparison concerns.

    Args:
        database: Any.
        comparison: As asked.
        members: The snapshot.
        generation: What it is compared with.
        removing: Rows of whoever may be removed at any time by a request under way.
    """
    before = comparison.generation
    moved = before is not None and before.rules != comparison.snapshot.rules
    if comparison.full or comparison.takes_out or moved:
        return EVERYONE
    if generation is not None and moving(generation) is None:
        return EVERYONE  # of an earlier version
    keys, ids = Pool(), Pool()
    for batch in removing:
        ids.add(named(database, batch).ids)
    sent = _side(database, generation, comparison)
    index = _Sent(database, sent)
    scan = _Scan(database, comparison, members, index)
    sent.concerned |= index.unmet()
    sides = (sent, scan.side)
    spread(database, sides, keys, ids, wanted=scan.strangers())
    cut = parts(database, sides, MOST)
    return scan.sifted(tuple(Part(members, rows) for rows, members in cut), ids)


def around(
    database: duckdb.DuckDBPyConnection, generation: BlockReader, given: Iterable[pa.RecordBatch]
) -> Flags | None:
    """Flags of rows as sent: who is joined to rows that are given, or not at rest; None: all."""
    if moving(generation) is None:
        return None
    side = _side(database, generation)
    keys, ids = Pool(), Pool()
    for batch in given:
        found = named(database, batch)
        keys.add(found.keys)
        ids.add(found.ids)
    spread(database, (side,), keys, ids, wanted=np.empty(0, np.uint64))
    return side.concerned


class _Scan:
    """A snapshot's members, each looked up among those who were sent."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        comparison: Comparison,
        members: BlockReader,
        sent: _Sent,
    ) -> None:
        count = members.rows("members")
        reason = _REASON.format(reasons=list(REASONS), kept_out=kept_out(comparison))
        read = partial(members.batches, "members")
        self.side = Side.of(read, count, LIKENESS, reason)
        self._sent = sent
        self._reasons = np.zeros(count, np.uint8)
        self._unsent = np.zeros(count, np.bool_)
        self._ids: list[Names] = []
        for here, batch, rows in self.side.look(database):
            self._take(database, here, batch, rows)

    def _take(
        self, database: duckdb.DuckDBPyConnection, here: slice, batch: pa.RecordBatch, rows: Named
    ) -> None:
        reason = rows.more["reason"]
        known, resting = self._sent.look(rows, reason == 0)
        self._reasons[here] = reason
        self.side.linked[here] = reason <= _OUT
        self.side.concerned[here] = known & ~resting
        strangers = np.flatnonzero(~known & (reason <= _OUT))
        if len(strangers):
            if rows.asked:
                ids = rows.ids[strangers]
            else:
                ids = named(database, batch.take(pa.array(strangers))).ids
            self._unsent[strangers + here.start] = ids.any(axis=1) & (reason[strangers] == 0)
            if len(self._sent):
                self._ids.append(np.unique(ids))

    def strangers(self) -> Names:
        """Identifiers of members who were not sent, ordered; none where nobody ever was."""
        found = distinct_names(self._ids)
        self._ids = []
        return found

    def sifted(self, cut: tuple[Part, ...], ids: Pool) -> Sifted:
        """Whom the plan concerns, once everyone who is joined to them is marked."""
        concerned = self.side.concerned
        left = self._reasons[~concerned]
        counts = np.bincount(left, minlength=len(REASONS) + 1)
        return Sifted(
            parts=cut,
            new=np.flatnonzero(self._unsent & ~concerned),
            ids=ids,
            read=len(left),
            wanted=int(counts[0]),
            lost={
                reason: int(count)
                for reason, count in zip(REASONS, counts[1:], strict=True)
                if count
            },
        )


def _side(
    database: duckdb.DuckDBPyConnection,
    generation: BlockReader | None,
    comparison: Comparison | None = None,
) -> Side:
    """Rows as sent; those that are not at rest, or whose turn it is, are concerned."""
    if generation is None:
        return Side.of(lambda: iter(()), 0)
    side = Side.of(partial(generation.batches, "rows"), generation.rows("rows"), LIKENESS)
    stirred = moving(generation)
    if stirred is not None:
        side.concerned |= stirred
    if comparison is not None and comparison.refresh is not None:
        side.concerned |= due(database, generation, comparison.refresh)
    return side
