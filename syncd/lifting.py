"""What a segment's hold-out says: its exposed members against its control, by the shop's orders.

Who is who is computed anew from the segment as of the first moment and the ledger's key, so
nothing needs to have been kept. Both sides are chosen by the same rules, of which only the hash
that draws the control tells them apart:

- members as of the first moment, whatever became of them since;
- of whom a sync of the segment could have sent something: an identifier, consent, not erased;
- who share no identifier with another member. A platform reaches a held-out member by the phone
  that an exposed one has too, and who has a family is left out on both sides alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from syncd.errors import UsageError
from syncd.identity.control import Control
from syncd.membership.names import named
from syncd.model import Consent, SegmentQuery
from syncd.parts import Parts
from syncd.plan import consent_rule
from syncd.ports import Shop
from syncd.segments.lift import Lift, lift

if TYPE_CHECKING:
    import pyarrow as pa

_FEW = 100  # members of an arm, or buyers, below which intervals are wide and rough
_FEW_BUYERS = 10
_UNIT = 10_000  # the shop's amounts are in ten-thousandths

Flags = npt.NDArray[np.bool_]


class Questions(Shop, Protocol):
    """A shop that is asked for segments, and for what is none."""

    def ask(self, query: SegmentQuery) -> Iterator[tuple[object, ...]]:
        """The rows of a question of our own; see `syncd.shop.DatabaseShop.ask`."""
        ...


@dataclass(frozen=True, slots=True)
class Lifted:
    """A segment's lift.

    Attributes:
        share: Of the segment that is held out.
        since, until: Orders from the first moment on and before the second count.
        members: Of the segment as of `since`.
        unsent: Those of whom nothing could be sent, on either side.
        reached: Held-out members who share an identifier with an exposed one, and so were
            reached all the same; left out.
        related: All members left out because they share an identifier with another one.
        lift: The comparison of the rest.
        caveats: What a reader should know before believing it, a sentence each.
    """

    segment: str
    share: float
    since: datetime
    until: datetime
    members: int
    unsent: int
    reached: int
    related: int
    lift: Lift
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Members:
    """Members as of the first moment, one a place.

    Attributes:
        keys: Their customer keys.
        sendable: Whether a sync could have sent something of them.
        held_out: Whether they are of the control.
        ids: A line each, of what a sync sends; 0 where there is none.
    """

    keys: list[bytes]
    sendable: Flags
    held_out: Flags
    ids: npt.NDArray[np.uint64]


def lifted(
    shop: Questions,
    query: SegmentQuery,
    bought: SegmentQuery,
    control: Control,
    syncs: Sequence[Parts],
    moments: tuple[datetime, datetime],
    timeless: Sequence[str] = (),
) -> Lifted:
    """Compare a segment's exposed members with its control.

    Args:
        shop: Where both are asked.
        query: The segment as of the first moment.
        bought: What everybody bought between the two.
        control: Who is held out.
        syncs: Those that send the segment, one at least.
        moments: The first, and the one after the last.
        timeless: Own segments that it is made of and that do not ask for `:as_of`.

    Raises:
        syncd.errors.ShopError: The shop could not be read to the end.
        syncd.errors.UsageError: An arm has hardly anybody in it.
    """
    members = _read(shop, query, control, syncs)
    related, reached = _related(members)
    compared = members.sendable & ~related
    orders, revenue = _outcomes(shop.ask(bought), members.keys)
    arms = [compared & ~members.held_out, compared & members.held_out]
    sizes = [int(arm.sum()) for arm in arms]
    if min(sizes) < 2:  # noqa: PLR2004 - of one nothing varies
        raise UsageError(
            f"segment {query.name} as of {moments[0]:%Y-%m-%d %H:%M} UTC has {sizes[0]:,} exposed "
            f"and {sizes[1]:,} held-out members that can be compared; each side needs two at "
            "least, and a hundred to say much: a larger `holdout`, or an earlier or later --since"
        )
    found = lift(*((orders[arm], revenue[arm]) for arm in arms))
    return Lifted(
        segment=query.name,
        share=control.holdout.share,
        since=moments[0],
        until=moments[1],
        members=len(members.keys),
        unsent=int((~members.sendable).sum()),
        reached=reached,
        related=int((related & members.sendable).sum()),
        lift=found,
        caveats=tuple(_caveats(found, timeless)),
    )


def _caveats(found: Lift, timeless: Sequence[str]) -> Iterator[str]:
    for own in timeless:
        yield (
            f"the SQL of segment {own} does not ask for :as_of, so its members are those of now: "
            "if what they bought meanwhile decides who they are, this compares nothing"
        )
    for name, arm in (("exposed", found.exposed), ("held-out", found.control)):
        if arm.members < _FEW or arm.buyers < _FEW_BUYERS:
            yield (
                f"of {arm.members:,} {name} members {arm.buyers:,} bought: too few to say much; "
                "a larger share or a longer time"
            )


def _read(
    shop: Questions, query: SegmentQuery, control: Control, syncs: Sequence[Parts]
) -> _Members:
    keys: list[bytes] = []
    sendable, held_out = [np.empty(0, np.bool_)], [np.empty(0, np.bool_)]
    ids: list[list[npt.NDArray[np.uint64]]] = []
    stones = syncs[0].ledger.erasures.stones()
    with shop.read(query) as reading:
        for batch in reading:
            erased = _flags(syncs[0].watch.marks(batch, stones))
            may = np.zeros(batch.num_rows, np.bool_)
            lines = []
            for number, parts in enumerate(syncs):
                rows = parts.digest(batch).rows
                may |= _flags(rows["usable"]) & _allowed(rows, parts)
                # Another platform's rules may digest the same address otherwise: told apart.
                lines.append(_spread(named(rows).ids, number))
            sendable.append(may & ~erased)
            key = rows["key"]
            held_out.append(_flags(control.marks(key)))
            keys += key.to_pylist()
            ids.append(lines)
        reading.seal()
    return _Members(keys, np.concatenate(sendable), np.concatenate(held_out), _joined(ids))


def _spread(ids: npt.NDArray[np.uint64], number: int) -> npt.NDArray[np.uint64]:
    """Names of one sync's identifiers, so that they are no other sync's; 0 stays."""
    return np.where(ids == 0, ids, ids ^ np.uint64(number))


def _joined(parts: Sequence[Sequence[npt.NDArray[np.uint64]]]) -> npt.NDArray[np.uint64]:
    """Lines of all batches, whose slots that are filled may differ."""
    width = max((sum(one.shape[1] for one in part) for part in parts), default=0)
    lines = [np.empty((0, width), np.uint64)]
    for part in parts:
        together = np.concatenate(part, axis=1)
        blank = np.zeros((len(together), width - together.shape[1]), np.uint64)
        lines.append(np.concatenate([together, blank], axis=1))
    return np.concatenate(lines)


def _allowed(rows: pa.RecordBatch, parts: Parts) -> Flags:
    """Who may be sent by a sync's consent, as `membership.compare` has it; the hold-out aside."""
    if parts.sync.takes_out:
        return np.ones(rows.num_rows, np.bool_)
    rule = consent_rule(parts.platform.capabilities, parts.sync.consent)
    asked = _flags(rows["region"]) & rule.granted_in_region | rule.granted_only
    said = np.asarray(rows["consent"], np.int8)
    found: Flags = (said == Consent.GRANTED.value) | ((said == Consent.UNKNOWN.value) & ~asked)
    return found


def _related(members: _Members) -> tuple[Flags, int]:
    """Who shares an identifier with another member, and how many held out with an exposed one."""
    related, reached = _sharing(members, members.sendable), 0
    if related.any():
        exposed = members.ids[members.sendable & ~members.held_out]
        there = np.isin(members.ids, exposed[exposed != 0]).any(axis=1)
        reached = int((there & members.sendable & members.held_out).sum())
    return related, reached


def _sharing(members: _Members, among: Flags) -> Flags:
    """Who has an identifier that another of some members has too."""
    # Each once a member: one who has the same twice shares it with nobody.
    ordered = np.sort(members.ids, axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0
    names, counts = np.unique(ordered[among], return_counts=True)
    shared = names[(counts > 1) & (names != 0)]
    return np.asarray(np.isin(ordered, shared).any(axis=1), np.bool_)


def _outcomes(
    rows: Iterable[tuple[object, ...]], keys: Sequence[bytes]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Orders and revenue of each member, in the members' order."""
    places = {key: place for place, key in enumerate(keys)}
    orders, revenue = np.zeros(len(keys)), np.zeros(len(keys))
    for key, count, paid in rows:
        place = places.get(str(key).encode())
        if place is not None:
            orders[place], revenue[place] = float(str(count)), float(str(paid)) / _UNIT
    return orders, revenue


def _flags(column: pa.Array) -> Flags:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.bool_)
