"""Whom a plan or a question concerns; see `syncd.membership.sieve`, and `folding` for a fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import Positions, positioned
from syncd.membership.keptout import REASONS, reasons
from syncd.membership.known import Pool, distinct_names
from syncd.membership.looked import MOST as LOOKED
from syncd.membership.members import Members
from syncd.membership.names import Column, Named, Names, consent, likeness, named
from syncd.membership.rest import as_sent, due, moving
from syncd.membership.sieve import Flags, Side, Wanted, parts, spread
from syncd.membership.unchanged import Lines, Respelled, lines_of
from syncd.model import HELD_OUT, WOULD_STAY, Comparison

# Of the first two of `REASONS` nothing must be there; of others what they were sent leaves as if
# they had left.
_OUT = 2
_LATER, _WOULD_STAY = REASONS.index(HELD_OUT) + 1, REASONS.index(WOULD_STAY) + 1
# What tells whether a row is still its member's, and whether they say the same of consent.
_ALIKE: Mapping[str, Column] = {"likeness": likeness, "consent": consent}
MOST = 100_000  # rows and members that are compared at a time, unless more are joined
_COUNTED = 1 << 20  # reasons that are counted at a time, for which each takes 8 bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Some of whom a plan concerns, and all whom they are joined to.

    Attributes:
        members: Flags of the snapshot's members who were digested; None: all of them.
        rows: Flags of the rows as sent; None: all of them. Whoever came unchanged is of the
            part of their row.
    """

    members: Flags | None = None
    rows: Flags | None = None


@dataclass(frozen=True, slots=True)
class Sifted:
    """Whom a plan concerns.

    Attributes:
        parts: What shares nothing with one another, at least one.
        new: Flags of the members who were digested: those who are simply added.
        ids: What is concerned of identifiers; None: all.
        read, wanted: How many members are not concerned, and how many of them are not kept out.
        lost: Those of them who are kept out, by reason.
        respelled: Those who are written otherwise than when they were sent.
    """

    parts: tuple[Part, ...] = (Part(),)
    new: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    ids: Pool | None = None
    read: int = 0
    wanted: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    respelled: Respelled = field(default_factory=lambda: Respelled.of([]))


EVERYONE = Sifted()


class _Sent:
    """Rows as sent whose member did not come unchanged, looked up by the hash of their key."""

    def __init__(self, side: Side, came: Flags) -> None:
        self._rows, left = len(came), ~came
        count = int(left.sum())
        keys, likeness = np.empty(count, np.uint64), np.empty(count, np.uint64)
        consent, at, first = np.empty(count, np.int8), np.empty(count, np.uint32), 0
        for places, rows in side.few(left):
            here = slice(first, first := first + len(places))
            keys[here], likeness[here], at[here] = rows.keys, rows.more["likeness"], places
            consent[here] = rows.more["consent"]
        order = np.argsort(keys, kind="stable")
        self._keys, self._likeness, self._at = keys[order], likeness[order], at[order]
        self._consent = consent[order]
        # Of several rows of a key all but the last are concerned, and so by the key all are.
        self._rests = ~side.concerned[self._at]
        self._met = np.zeros(count, np.bool_)

    def __len__(self) -> int:
        return self._rows

    def any(self) -> bool:
        """Whether there is anybody to look up."""
        return len(self._keys) > 0

    def look(self, rows: Named, wanted: Flags) -> tuple[Flags, Flags, Positions]:
        """Look members up by their keys.

        Args:
            rows: Of a snapshot.
            wanted: Who of them is not kept out.

        Returns:
            Who was sent; who is as they were sent; and of these, where their consent is the
            same too, the row's position: -1 for all others.
        """
        if not self.any():
            none = np.zeros(len(rows.keys), np.bool_)
            return none, none, np.full(len(none), -1, np.int64)
        at = np.searchsorted(self._keys, rows.keys)
        at[at == len(self._keys)] = 0
        known = self._keys[at] == rows.keys
        resting = known & wanted & self._rests[at]
        resting &= self._likeness[at] == rows.more["likeness"]
        self._met[at[resting]] = True
        exact = resting & (self._consent[at] == rows.more["consent"])
        return known, resting, np.where(exact, self._at[at].astype(np.int64), -1)

    def unmet(self) -> Positions:
        """Of the rows as sent, in no order: whose member did not come, or has changed."""
        return self._at[~self._met].astype(np.int64)


def of_plan(
    comparison: Comparison,
    members: Members,
    generation: BlockReader | None,
    removing: Iterable[pa.RecordBatch],
) -> Sifted:
    """Find whom a comparison concerns.

    Args:
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
        ids.add(named(batch).ids)
    sent = _side(generation, comparison)
    index = _Sent(sent, members.came)
    scan = _Scan(comparison, members, index)
    sent.concerned[index.unmet()] = True
    sides = (sent, scan.side)
    spread(sides, keys, ids, wanted=scan.strangers())
    cut = parts(sides, MOST)
    resting = int(np.count_nonzero(members.came & ~sent.concerned))
    return scan.sifted(tuple(Part(fresh, rows) for rows, fresh in cut), ids, resting)


def around(generation: BlockReader, given: Iterable[pa.RecordBatch]) -> Flags | None:
    """Flags of rows as sent: who is joined to rows that are given, or not at rest; None: all."""
    if moving(generation) is None:
        return None
    side = _side(generation)
    keys, ids = Pool(), Pool()
    for batch in given:
        found = named(batch)
        keys.add(found.keys)
        ids.add(found.ids)
    spread((side,), keys, ids, wanted=Wanted())
    return side.concerned


class _Scan:
    """A snapshot's members who were digested, each looked up among those who were sent."""

    def __init__(
        self,
        comparison: Comparison,
        members: Members,
        sent: _Sent,
    ) -> None:
        count = members.digested
        self.side = Side.of(members.fresh, count, _ALIKE, members.names)
        self._sent = sent
        self._rule = comparison.consent
        self._reasons = np.zeros(count, np.uint8)
        self._unsent = np.zeros(count, np.bool_)
        self._keys: list[Names] = []
        self._ids: list[Names] = []
        self._respelled: list[tuple[Positions, Lines]] = []
        if len(sent):
            self._look_up(members)
        else:  # nobody ever was, and whatever anybody is known by does not matter
            for first, marks in positioned(members.marks()):
                self._take(first, marks, np.zeros(len(marks), np.bool_))

    def _look_up(self, members: Members) -> None:
        beside = zip(members.marks(), members.fingerprints(), members.names(), strict=True)
        for (here, _, rows), (marks, lines, names) in zip(self.side.look(), beside, strict=True):
            wanted = reasons(self._rule, marks) == 0
            known, resting, at = self._sent.look(rows, wanted)
            spelled = lines_of(lines)
            told = (at >= 0) & spelled.any(axis=1)
            self._respelled.append((at[told], spelled[told]))
            self.side.concerned[here] = known & ~resting
            self._take(here.start, marks, known)
            strangers = ~known & self.side.linked[here]
            if strangers.any():
                self._keys.append(rows.keys[strangers])
                self._ids.append(np.unique(Named.read(names).ids[strangers]))

    def _take(self, first: int, marks: pa.RecordBatch, known: Flags) -> None:
        """Take in why members are kept out, and who is new.

        Args:
            first: The position of the first of them.
            marks: What may keep them out.
            known: Who of them was sent.
        """
        here = slice(first, first + len(marks))
        reason = reasons(self._rule, marks)
        # Of who was sent the comparison says whether they still are.
        reason[_would_stay(marks) & ~known & ((reason == 0) | (reason >= _LATER))] = _WOULD_STAY
        if reason.any():  # what is not written to takes no memory
            self._reasons[here] = reason
        self.side.linked[here] = reason <= _OUT
        self._unsent[here] = ~known & (reason == 0)  # a snapshot has nobody without an identifier

    def strangers(self) -> Wanted:
        """Names of members who were not sent; none where nobody ever was.

        No row has their keys; the fold that takes them in asks for them all the same, and finds
        what was looked for here: see `syncd.membership.looked`.
        """
        keys, ids = distinct_names(self._keys), distinct_names(self._ids)
        self._keys, self._ids = [], []
        return Wanted(keys if len(keys) <= LOOKED else keys[:0], ids)

    def sifted(self, cut: tuple[Part, ...], ids: Pool, resting: int) -> Sifted:
        """Whom the plan concerns, once everyone who is joined to them is marked.

        Args:
            cut: Its parts.
            ids: What is concerned of identifiers.
            resting: How many came unchanged and are in no part.
        """
        concerned, new = self.side.concerned, self._unsent
        new[concerned] = False
        counts = np.zeros(len(REASONS) + 1, np.int64)
        for first in range(0, len(concerned), _COUNTED):
            here = slice(first, first + _COUNTED)
            left = self._reasons[here][~concerned[here]]
            counts += np.bincount(left, minlength=len(counts))
        return Sifted(
            parts=cut,
            new=new,
            ids=ids,
            read=int(counts.sum()) + resting,
            wanted=int(counts[0]) + resting,
            lost={
                reason: int(count)
                for reason, count in zip(REASONS, counts[1:], strict=True)
                if count
            },
            respelled=Respelled.of(self._respelled),
        )


def _would_stay(marks: pa.RecordBatch) -> Flags:
    """Who would stay a member, and does not become one."""
    return np.asarray(pc.fill_null(marks["stays"], fill_value=False), np.bool_)


def _side(
    generation: BlockReader | None,
    comparison: Comparison | None = None,
) -> Side:
    """Rows as sent; those that are not at rest, or whose turn it is, are concerned."""
    if generation is None:
        return Side.of(lambda: iter(()), 0)
    side = as_sent(generation, _ALIKE)
    stirred = moving(generation)
    if stirred is not None:
        side.concerned |= stirred
    if comparison is not None and comparison.refresh is not None:
        side.concerned |= due(side, comparison.refresh)
    return side
