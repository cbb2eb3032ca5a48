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
    spread,
)
from syncd.model import Comparison

# Why a member is kept out, as its place in `REASONS`; 0 for whoever is not. Of the first two
# nothing must be there; of others what they were sent leaves as if they had left.
_REASON = "coalesce(list_position({reasons}, {kept_out}), 0) AS reason"
_OUT = 2


@dataclass(frozen=True, slots=True)
class Sifted:
    """Whom a plan concerns.

    Attributes:
        members: Flags of the snapshot's rows; None: all of them.
        rows: Flags of the rows as sent; None: all of them.
        new: Positions of members who are simply added.
        ids: What is concerned of identifiers; None: all.
        read, wanted: How many members are not concerned, and how many of them are not kept out.
        lost: Those of them who are kept out, by reason.
    """

    members: Flags | None = None
    rows: Flags | None = None
    new: Positions = field(default_factory=lambda: np.empty(0, np.int64))
    ids: Pool | None = None
    read: int = 0
    wanted: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)


EVERYONE = Sifted()


class _Sent:
    """Rows as sent, looked up by the hash of their key."""

    def __init__(self, database: duckdb.DuckDBPyConnection, side: Side) -> None:
        found = [(rows.keys, rows.more["likeness"]) for _, _, rows in side.look(database)]
        none = np.empty(0, np.uint64)
        keys = np.concatenate([none, *(each for each, _ in found)])
        self._likeness = np.concatenate([none, *(each for _, each in found)])
        del found
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        alone = np.ones(len(keys), np.bool_)
        twice = self._keys[1:] == self._keys[:-1]
        alone[1:] &= ~twice
        alone[:-1] &= ~twice
        self._alone = alone
        self.rests = ~side.concerned
        self.met = np.zeros(len(keys), np.bool_)

    def look(self, rows: Named) -> tuple[Flags, Flags]:
        """Which rows have a key that was sent, and which are as their last row was sent."""
        if not len(self._keys):
            return (none := np.zeros(len(rows.keys), np.bool_)), none
        at = np.searchsorted(self._keys, rows.keys)
        at[at == len(self._keys)] = 0
        known = self._keys[at] == rows.keys
        sent = self._order[at]
        same = known & self._alone[at] & self.rests[sent]
        same &= self._likeness[sent] == rows.more["likeness"]
        return known, same

    def meet(self, rows: Named, resting: Flags) -> None:
        """Note that these rows' members are in the snapshot, and as they were sent."""
        at = np.searchsorted(self._keys, rows.keys[resting])
        self.met[self._order[at]] = True


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
    sent.concerned |= ~index.met
    spread(database, (sent, scan.side), keys, ids, wanted=scan.strangers())
    return scan.sifted(sent.concerned, ids)


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
        known, same = self._sent.look(rows)
        resting = same & (reason == 0)
        self._sent.meet(rows, resting)
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
            if len(self._sent.met):
                self._ids.append(np.unique(ids))

    def strangers(self) -> Names:
        """Identifiers of members who were not sent, ordered; none where nobody ever was."""
        found = distinct_names(self._ids)
        self._ids = []
        return found

    def sifted(self, rows: Flags, ids: Pool) -> Sifted:
        """Whom the plan concerns, once everyone who is joined to them is marked."""
        concerned = self.side.concerned
        left = self._reasons[~concerned]
        counts = np.bincount(left, minlength=len(REASONS) + 1)
        return Sifted(
            members=concerned,
            rows=rows,
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
    side.concerned[: moving(generation)] = True
    if comparison is not None and comparison.refresh is not None:
        side.concerned |= due(database, generation, comparison.refresh)
    return side
