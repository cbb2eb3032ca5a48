"""Whom a comparison or a fold concerns: the tables of both hold nobody else.

What is decided of a member depends on whoever is joined to them: by a key, by an identifier
that two rows carry, over any number of steps. Files are read as streams, and a row is

    concerned   if something about it moves, or it is joined to a row that is
    at rest     if its member still has it, each of its identifiers is certain, and nothing
                waits for any: nothing is decided of it
    new         if its member was never sent, nor any of its identifiers: it is simply sent

So memory follows what changed, not what the audience holds; and what changed is cut into parts
that share nothing, which are decided one after the other. Keys and identifiers go by their
`names` here: if two had the same one, somebody would be concerned in vain. Only that a row is
still its member's is taken from a hash alone: one change in 1.8e19 would pass for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.hashes import in_ranges
from syncd.membership.engine import BATCH_ROWS, KIND_NAMES, Positions, chosen, positioned
from syncd.membership.known import Known, Pool
from syncd.membership.looked import Looked
from syncd.membership.names import Column, Named, Names, named

Flags = npt.NDArray[np.bool_]

# Rows at positions, which ascend, and the positions.
Some = Callable[[Positions], Iterator[tuple[Positions, pa.RecordBatch]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of whoever may be new, ordered: where one of them was sent, both are concerned."""

    keys: Names = field(default_factory=lambda: np.empty(0, np.uint64))
    ids: Names = field(default_factory=lambda: np.empty(0, np.uint64))


@dataclass
class Side:
    """One section of one file, and which of its rows are concerned.

    Attributes:
        read: Its batches, from the beginning each time.
        concerned: One a row.
        keyed: Rows that are joined to others by their key.
        linked: Rows that are joined to others by their identifiers.
        more: Further columns that `look` gives, each with a name.
        names: Batches of its names, likewise, if the file has them: all its rows in their order.
        some: Rows at positions, as `BlockReader.some` has them; None: they are read for that.
        some_names: Likewise its names.
        looked: What was looked for among its names before, where `some_names` has them.
    """

    read: Callable[[], Iterator[pa.RecordBatch]]
    concerned: Flags
    keyed: Flags
    linked: Flags
    more: Mapping[str, Column] = field(default_factory=dict)
    names: Callable[[], Iterator[pa.RecordBatch]] | None = None
    some: Some | None = None
    some_names: Some | None = None
    looked: Looked | None = None
    _told: Flags = field(init=False)
    _kept: list[tuple[slice, pa.RecordBatch, Named]] | None = None
    _kept_names: list[tuple[slice, Named]] | None = None

    def __post_init__(self) -> None:
        self._told = np.zeros(len(self.concerned), np.bool_)

    @classmethod
    def of(
        cls,
        read: Callable[[], Iterator[pa.RecordBatch]],
        rows: int,
        more: Mapping[str, Column] | None = None,
        names: Callable[[], Iterator[pa.RecordBatch]] | None = None,
    ) -> Side:
        """A section none of whose rows is concerned yet, and all of which may be."""
        everyone = np.broadcast_to(np.True_, rows)  # a byte, whatever the rows
        linked = np.ones(rows, np.bool_)
        return cls(read, np.zeros(rows, np.bool_), everyone, linked, more or {}, names)

    def look(self) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        """Its batches, where each lies, and names with what else was asked; perhaps no ids."""
        return self._batches(more=True)

    def batches(self, *, ids: bool = True) -> Iterator[tuple[slice, Named]]:
        """Where each batch lies, and its rows by their names; perhaps without `more`.

        Args:
            ids: Identifiers are looked at.
        """
        if self.names is None:
            for here, _, found in self._batches(more=not ids):
                yield here, found
        elif self._small:
            if self._kept_names is None:
                self._kept_names = list(self._read(self.names))
            yield from self._kept_names
        else:
            yield from self._read(self.names)

    def few(self, wanted: Flags) -> Iterator[tuple[Positions, Named]]:
        """Rows with a flag, hardly any of many: where they are, and as `look` gives them."""
        if self._small:
            for here, _, found in self.look():
                at = np.flatnonzero(wanted[here])
                yield at + here.start, found.taken(at)
        elif wanted.any():
            if self.some is None:
                picked = chosen(positioned(self.read()), wanted)
            else:
                picked = self.some(np.flatnonzero(wanted))
            for at, rows in picked:
                yield at, named(rows, self.more, ids=False)

    @property
    def _small(self) -> bool:
        """Calls over few rows cost the same as over many: a small section is read once."""
        return len(self.concerned) <= BATCH_ROWS

    def _batches(self, *, more: bool) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        if self._kept is None:
            ids = self.names is None and (self._small or not more)
            found = self._named(more=more or self._small, ids=ids)
            if not self._small:
                yield from found
                return
            self._kept = list(found)
        yield from self._kept

    def _named(self, *, more: bool, ids: bool) -> Iterator[tuple[slice, pa.RecordBatch, Named]]:
        for first, rows in positioned(self.read()):
            found = named(rows, self.more if more else None, ids=ids)
            yield slice(first, first + rows.num_rows), rows, found

    @staticmethod
    def _read(names: Callable[[], Iterator[pa.RecordBatch]]) -> Iterator[tuple[slice, Named]]:
        for first, lines in positioned(names()):
            yield slice(first, first + lines.num_rows), Named.read(lines)

    def begin(self, keys: Pool, ids: Pool) -> None:
        """Put in what rows have that are marked already, where they can be read by themselves.

        So that one look over all others finds whoever is joined to them.
        """
        if self._small or self.some_names is None or not self.concerned.any():
            return
        for at, lines in self.some_names(np.flatnonzero(self.concerned)):
            found = Named.read(lines)
            keys.add(found.keys)
            ids.add(found.ids[self.linked[at]])
            self._told[at] = True

    def spread(self, keys: Pool, ids: Pool, wanted: Wanted) -> None:
        """Mark whoever is joined to what is in the pools, and put in what marked rows have.

        Args:
            keys, ids: Of what is concerned.
            wanted: What has one of these names is marked, too.
        """
        known = keys.beside(wanted.keys), ids.beside(wanted.ids)
        recalled = self._recalled(*known)
        if recalled is not None:
            for at, found in recalled:
                self._join(at, found, known, (keys, ids))
            return
        met = [np.empty(0, np.int64)]
        for here, found in self.batches():
            joined = self._join(here, found, known, (keys, ids))
            met.append(np.flatnonzero(joined) + here.start)
        if self.looked is not None:
            self.looked.add(*known, np.concatenate(met))

    def _join(
        self,
        here: slice | Positions,
        found: Named,
        known: tuple[Known, Known],
        pools: tuple[Pool, Pool],
    ) -> Flags:
        """Mark whoever of some rows has a known name, and put in what marked ones have."""
        (known_keys, known_ids), (keys, ids) = known, pools
        joined: Flags = known_keys.has(found.keys) & self.keyed[here]
        joined |= known_ids.any(found.ids) & self.linked[here]
        if joined.any():  # of most batches nobody is; what is not written to takes no memory
            self.concerned[here] |= joined
        fresh = self.concerned[here] & ~self._told[here]
        if fresh.any():
            keys.add(found.keys[fresh])
            ids.add(found.ids[fresh & self.linked[here]])
            self._told[here] |= fresh
        return joined

    def _recalled(self, keys: Known, ids: Known) -> Iterator[tuple[Positions, Named]] | None:
        """Rows among which a look for these names would find any; None: look at all of them."""
        if self.looked is None or self.some_names is None or self._small:
            return None
        at = self.looked.rows(keys, ids)
        if at is None:
            return None
        return ((places, Named.read(lines)) for places, lines in self.some_names(at))


def spread(
    sides: Sequence[Side],
    keys: Pool,
    ids: Pool,
    *,
    wanted: Wanted,
) -> None:
    """Mark on every side whoever is joined to the pools or to what is marked already.

    Args:
        sides: The first is of rows as sent.
        keys, ids: Of what is concerned; both grow.
        wanted: Of whoever may be new on any side but the first.
    """
    for side in sides:
        side.begin(keys, ids)
    keys.settle()
    ids.settle()
    marked = any(side.concerned.any() for side in sides)
    if not (marked or len(keys) or len(ids) or len(wanted.keys) or len(wanted.ids)):
        return
    sent, *others = sides
    nobody = Wanted()
    while True:
        # Those that came are few, the rows as sent all there are: they are looked over once for
        # all that the others reach among themselves.
        grew = True
        while grew:
            grew = sum(_grew(side, keys, ids, nobody) for side in others) > 0
        if not _grew(sent, keys, ids, wanted):
            return
        wanted = nobody


def _grew(side: Side, keys: Pool, ids: Pool, wanted: Wanted) -> bool:
    """Look over one side; whether the pools grew by it."""
    side.spread(keys, ids, wanted)
    grew = keys.settle(), ids.settle()
    return any(grew)


class Distinct:
    """Identifiers of each kind, each counted once however many rows have it.

    By their names: of ten million, two would count as one in a membership of 400,000.
    """

    def __init__(self) -> None:
        self._found: dict[int, list[Names]] = {}

    def add(self, rows: Named) -> None:
        """Take in all that these rows have."""
        for kind, ids in zip(rows.kinds, rows.ids.T, strict=True):
            self._found.setdefault(kind, []).append(np.sort(ids[ids != 0]))

    def counts(self) -> dict[str, int]:
        """How many there were of each kind; they are let go."""
        counts = {
            KIND_NAMES[kind]: _different(self._found.pop(kind)) for kind in sorted(self._found)
        }
        return {kind: count for kind, count in counts.items() if count}


def distinct(side: Side, flags: Flags) -> dict[str, int]:
    """How many identifiers of each kind some rows have, each counted once."""
    found = Distinct()
    for here, rows in side.batches():
        at = np.flatnonzero(flags[here])
        if len(at):
            found.add(rows.taken(at))
    return found.counts()


def _different(parts: list[Names]) -> int:
    ranges = (near for near in in_ranges(parts) if len(near))
    return sum(1 + int(np.count_nonzero(near[1:] != near[:-1])) for near in ranges)


def parts(sides: Sequence[Side], most: int) -> list[list[Flags]]:
    """Cut whom is concerned into parts that share nothing, so that each is decided alone.

    Args:
        sides: After `spread`.
        most: Rows a part has, unless those that are joined to one another are more.

    Returns:
        For each part, and at least one, flags of each side's rows.
    """
    counts = [int(side.concerned.sum()) for side in sides]
    if sum(counts) <= most:
        return [[side.concerned for side in sides]]
    labels = _components(*_pairs(sides, counts), sum(counts))
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


def _pairs(sides: Sequence[Side], counts: Sequence[int]) -> tuple[Names, Positions]:
    """Every key and identifier of whom is concerned, with the number of the row that has it."""
    names, rows = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    first = 0
    for side, count in zip(sides, counts, strict=True):
        numbers = np.cumsum(side.concerned) - 1 + first
        for here, found in side.batches():
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
