"""Whom a comparison or a fold concerns: the tables of both hold nobody else.

What is decided of a member depends on whoever is joined to them: by a key, by an identifier
that two rows carry, over any number of steps. Files are read as streams, and a row is

    concerned   if something about it moves, or it is joined to a row that is
    at rest     if its member still has it, each of its identifiers is certain, and nothing
                waits for any: nothing is decided of it
    new         if its member was never sent, nor any of its identifiers: it is simply sent

So memory follows what changed, not what the audience holds; and what changed is cut into parts
that share nothing, which are decided one after the other. Keys, rows and identifiers go by
64-bit hashes here, told apart within this process and never kept. If two keys or identifiers
had the same one, somebody would be concerned in vain. Only that a row is still its member's is
taken from a hash alone: one change in 1.8e19 would pass for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.engine import (
    BATCH_ROWS,
    CELLS,
    KIND_NAMES,
    SLOTS,
    Positions,
    chosen,
    positioned,
)

Names = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_KEYS = "hash(key) AS key"
LIKENESS = f"hash({CELLS}) AS likeness"
# Ids that travel as they are have no digest to be hashed by.
_MADE = {slot: cells[0] if kind > 3 else made for slot, (kind, cells, made) in enumerate(SLOTS)}  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Named:
    """A batch's rows by their hashes.

    Attributes:
        keys: One a row.
        ids: A line a row, a column a slot that is filled at all; 0 where a row has none. No
            columns where they were not asked for.
        asked: They were.
        kinds: Of each such column.
        more: What else was asked for.
    """

    keys: Names
    ids: Names
    kinds: tuple[int, ...]
    more: dict[str, npt.NDArray[np.int64]]
    asked: bool = True

    def taken(self, at: Positions) -> Named:
        """Some of the rows."""
        more = {name: column[at] for name, column in self.more.items()}
        return replace(self, keys=self.keys[at], ids=self.ids[at], more=more)


def named(
    database: duckdb.DuckDBPyConnection, rows: pa.RecordBatch, *more: str, ids: bool = True
) -> Named:
    """Hash a batch's rows.

    Args:
        database: Any.
        rows: With `key` and `ROW_COLUMNS`.
        more: SQL of further columns, each with a name.
        ids: Identifiers too, which costs most.
    """
    filled = [
        slot
        for slot, (_, cells, _) in enumerate(SLOTS)
        if ids and all(rows.column(cell).null_count < rows.num_rows for cell in cells)
    ]
    columns = [
        f"CASE WHEN {_MADE[slot]} IS NULL THEN 0 ELSE hash({SLOTS[slot][0]}, {_MADE[slot]}) END "
        f"AS i{slot}"
        for slot in filled
    ]
    database.register("incoming", rows)
    try:
        query = f"SELECT {', '.join((_KEYS, *columns, *more))} FROM incoming"
        found = database.execute(query).fetchnumpy()
    finally:
        database.unregister("incoming")
    lines = [np.asarray(found.pop(f"i{slot}"), np.uint64) for slot in filled]
    none = np.empty((rows.num_rows, 0), np.uint64)
    return Named(
        keys=np.asarray(found.pop("key"), np.uint64),
        ids=np.stack(lines, axis=1) if lines else none,
        kinds=tuple(SLOTS[slot][0] for slot in filled),
        more=found,
        asked=ids,
    )


class Pool:
    """Hashes, and whether others are among them."""

    def __init__(self) -> None:
        self._known = np.empty(0, np.uint64)
        self._added: list[Names] = []

    def add(self, names: Names) -> None:
        """Put in some more; they count after `settle`."""
        if names.size:
            self._added.append(np.unique(names))

    def settle(self) -> bool:
        """Let what was put in count; says whether any of it was not known."""
        if not self._added:
            return False
        before = len(self._known)
        self._known = distinct_names([self._known, *self._added])
        self._added = []
        return len(self._known) > before

    def has(self, names: Names) -> Flags:
        """Which of them it knows; the shape is theirs."""
        return among(self._known, names)

    def any(self, lines: Names) -> Flags:
        """Which of some lines have a name that it knows."""
        return np.asarray(self.has(lines).any(axis=1), np.bool_)

    def __len__(self) -> int:
        return len(self._known)


def distinct_names(parts: Sequence[Names]) -> Names:
    """Each name once, in order, without the one that stands for none."""
    found: Names = np.unique(np.concatenate([np.empty(0, np.uint64), *parts]))
    return np.asarray(found[found != 0], np.uint64)


def among(ordered: Names, names: Names) -> Flags:
    """Which of some names are in an ordered list."""
    if not len(ordered):
        return np.zeros(names.shape, np.bool_)
    at = np.searchsorted(ordered, names)
    at[at == len(ordered)] = 0
    found: Flags = ordered[at] == names
    return found


@dataclass
class Side:
    """One section of one file, and which of its rows are concerned.

    Attributes:
        read: Its batches, from the beginning each time.
        concerned: One a row.
        keyed: Rows that are joined to others by their key.
        linked: Rows that are joined to others by their identifiers.
        more: SQL of further columns that `look` gives.
    """

    read: Callable[[], Iterator[pa.RecordBatch]]
    concerned: Flags
    keyed: Flags
    linked: Flags
    more: tuple[str, ...] = ()
    _told: Flags = field(init=False)
    _kept: list[tuple[slice, pa.RecordBatch, Named]] | None = None

    def __post_init__(self) -> None:
        self._told = np.zeros_like(self.concerned)

    @classmethod
    def of(cls, read: Callable[[], Iterator[pa.RecordBatch]], rows: int, *more: str) -> Side:
        """A section none of whose rows is concerned yet, and all of which may be."""
        everyone = np.ones(rows, np.bool_)
        return cls(read, np.zeros(rows, np.bool_), everyone, everyone.copy(), more)

    def look(
        self, database: duckdb.DuckDBPyConnection
    ) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        """Its batches, where each lies, and its rows by their hashes; perhaps without ids."""
        return self._batches(database, more=True)

    def batches(
        self, database: duckdb.DuckDBPyConnection
    ) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        """Its batches, where each lies, and its rows by their hashes; perhaps without `more`."""
        return self._batches(database, more=False)

    def few(
        self, database: duckdb.DuckDBPyConnection, wanted: Flags
    ) -> Iterator[tuple[Positions, Named]]:
        """Rows with a flag, hardly any of many: where they are, and as `look` gives them."""
        if len(wanted) <= BATCH_ROWS:
            for here, _, found in self.look(database):
                at = np.flatnonzero(wanted[here])
                yield at + here.start, found.taken(at)
        elif wanted.any():
            for at, rows in chosen(positioned(self.read()), wanted):
                yield at, named(database, rows, *self.more, ids=False)

    def _batches(
        self, database: duckdb.DuckDBPyConnection, *, more: bool
    ) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        # Statements over few rows cost the same as over many: a small section is hashed once.
        small = len(self.concerned) <= BATCH_ROWS
        if self._kept is None:
            found = self._named(database, more=more or small, ids=small or not more)
            if not small:
                yield from found
                return
            self._kept = list(found)
        yield from self._kept

    def _named(
        self, database: duckdb.DuckDBPyConnection, *, more: bool, ids: bool
    ) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        for first, rows in positioned(self.read()):
            found = named(database, rows, *(self.more if more else ()), ids=ids)
            yield slice(first, first + rows.num_rows), rows, found

    def spread(
        self, database: duckdb.DuckDBPyConnection, keys: Pool, ids: Pool, wanted: Names
    ) -> None:
        """Mark whoever is joined to what is in the pools, and put in what marked rows have.

        Args:
            database: Any.
            keys, ids: Of what is concerned.
            wanted: Identifiers, ordered: those of them that this side has are concerned too.
        """
        for here, _, found in self.batches(database):
            linked = found.ids[self.linked[here]]
            ids.add(linked[among(wanted, linked)])
            joined = keys.has(found.keys) & self.keyed[here]
            joined |= ids.any(found.ids) & self.linked[here]
            self.concerned[here] |= joined
            fresh = self.concerned[here] & ~self._told[here]
            keys.add(found.keys[fresh])
            ids.add(found.ids[fresh & self.linked[here]])
            self._told[here] |= fresh


def spread(
    database: duckdb.DuckDBPyConnection,
    sides: Sequence[Side],
    keys: Pool,
    ids: Pool,
    *,
    wanted: Names,
) -> None:
    """Mark on every side whoever is joined to the pools or to what is marked already.

    Args:
        database: Any.
        sides: The first is of rows as sent.
        keys, ids: Of what is concerned; both grow.
        wanted: Identifiers of whoever may be new, ordered: those that were sent are concerned.
    """
    keys.settle()
    ids.settle()
    marked = any(side.concerned.any() for side in sides)
    if not (marked or len(keys) or len(ids) or len(wanted)):
        return
    idle = 0
    for number, side in enumerate(cycle(sides)):
        side.spread(database, keys, ids, wanted if number == 0 else wanted[:0])
        grew = [pool.settle() for pool in (keys, ids)]
        idle = 0 if any(grew) else idle + 1
        if idle >= len(sides):
            return


def distinct(
    database: duckdb.DuckDBPyConnection, sides: Sequence[tuple[Side, Flags]]
) -> dict[str, int]:
    """How many identifiers of each kind some rows have, each counted once.

    By their hashes: of ten million, two would count as one in a membership of 400,000.

    Args:
        database: Any.
        sides: Each with the rows that count.
    """
    found = dict[int, list[Names]]()
    for side, flags in sides:
        if not flags.any():
            continue
        for here, _, rows in side.batches(database):
            for kind, column in zip(rows.kinds, rows.ids.T, strict=True):
                ids = column[flags[here]]
                found.setdefault(kind, []).append(ids[ids != 0])
    counts = {KIND_NAMES[kind]: _different(found.pop(kind)) for kind in sorted(found)}
    return {kind: count for kind, count in counts.items() if count}


def _different(parts: list[Names]) -> int:
    ordered = in_order(parts)
    return len(ordered) and 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def in_order(parts: list[Names]) -> Names:
    """All names in order, in one copy: the parts are let go."""
    found = np.concatenate([np.empty(0, np.uint64), *parts])
    parts.clear()
    found.sort()
    return found


def parts(
    database: duckdb.DuckDBPyConnection, sides: Sequence[Side], most: int
) -> list[list[Flags]]:
    """Cut whom is concerned into parts that share nothing, so that each is decided alone.

    Args:
        database: Any.
        sides: After `spread`.
        most: Rows a part has, unless those that are joined to one another are more.

    Returns:
        For each part, and at least one, flags of each side's rows.
    """
    counts = [int(side.concerned.sum()) for side in sides]
    if sum(counts) <= most:
        return [[side.concerned for side in sides]]
    labels = _components(*_pairs(database, sides, counts), sum(counts))
    _, component, rows = np.unique(labels, return_inverse=True, return_counts=True)
    number = ((np.cumsum(rows) - rows) // most)[component]
    found = []
    for part in np.unique(number):
        ours, flags, first = number == part, [], 0
        for side, count in zip(sides, counts, strict=True):
            chosen = np.zeros_like(side.concerned)
            chosen[np.flatnonzero(side.concerned)[ours[first : first + count]]] = True
            flags.append(chosen)
            first += count
        found.append(flags)
    return found


def _pairs(
    database: duckdb.DuckDBPyConnection, sides: Sequence[Side], counts: Sequence[int]
) -> tuple[Names, Positions]:
    """Every key and identifier of whom is concerned, with the number of the row that has it."""
    names, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    first = 0
    for side, count in zip(sides, counts, strict=True):
        numbers = np.cumsum(side.concerned) - 1 + first
        for here, _, found in side.batches(database):
            ours = side.concerned[here]
            at = numbers[here]
            keyed, linked = ours & side.keyed[here], ours & side.linked[here]
            names.append(found.keys[keyed])
            rows.append(at[keyed])
            ids = found.ids[linked]
            names.append(ids[ids != 0])
            rows.append(np.broadcast_to(at[linked][:, None], ids.shape)[ids != 0])
        first += count
    return np.concatenate(names), np.concatenate(rows)


def _components(names: Names, rows: Positions, count: int) -> Positions:
    """The least row that each row is joined to, over any number of steps."""
    order = np.argsort(names)
    same = names[order][1:] == names[order][:-1]
    left, right = rows[order][:-1][same], rows[order][1:][same]
    labels = np.arange(count)
    while (apart := labels[left] != labels[right]).any():
        left, right = left[apart], right[apart]
        here, there = labels[left], labels[right]
        np.minimum.at(labels, np.maximum(here, there), np.minimum(here, there))
        while (labels != labels[labels]).any():
            labels = labels[labels]
    return labels
