"""What a segment's hold-out and arms say: who bought more, by the shop's own orders.

The exposed are compared with the control, all of them and each arm's, and each two arms with one
another.

Who is who is computed anew from the segment as of the first moment and the ledger's key, so
nothing needs to have been kept. Both sides are chosen by the same rules, of which only the hash
that draws the control tells them apart:

- members as of the first moment, whatever became of them since;
- of whom a sync of the segment could have sent something: an identifier, consent, not erased; of
  an arm against the control a sync of that arm, and of two arms one of each;
- who share no identifier with another member. A platform reaches a held-out member by the phone
  that an exposed one has too, and who has a family is left out on both sides alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from syncd.errors import UsageError
from syncd.identity.arms import Split
from syncd.identity.control import Control
from syncd.membership.keptout import by_consent
from syncd.membership.names import named
from syncd.model import SegmentQuery
from syncd.ports import Shop
from syncd.runs.parts import Parts, nobody
from syncd.segments.lift import Lift, lift

if TYPE_CHECKING:
    import pyarrow as pa

_FEW = 100  # members of an arm, or buyers, below which intervals are wide and rough
_FEW_BUYERS = 10
_UNIT = 10_000  # the shop's amounts are in ten-thousandths

Flags = npt.NDArray[np.bool_]


class _Against(Protocol):
    """Compares two sides, a name and flags each."""

    def __call__(self, one: tuple[str, Flags], other: tuple[str, Flags]) -> Lift: ...


class Questions(Shop, Protocol):
    """A shop that is asked for segments, and for what is none."""

    def ask(self, query: SegmentQuery) -> Iterator[tuple[object, ...]]:
        """The rows of a question of our own; see `syncd.shop.DatabaseShop.ask`."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One arm against another, or against the control.

    Attributes:
        one, other: Names of the arms; of the control "control".
        lift: What `one` bought more; there `one` is the exposed, and `other` the control.
    """

    one: str
    other: str
    lift: Lift


@dataclass(frozen=True, slots=True)
class Groups:
    """How a segment's members are told apart.

    Attributes:
        control: Who is held out; None where nobody is.
        split: Who is in which arm; None where it is not split.
    """

    control: Control | None
    split: Split | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms."""
        return tuple(self.split.arms.shares) if self.split else ()


@dataclass(frozen=True, slots=True)
class Lifted:
    """A segment's lift.

    Attributes:
        share: Of the segment that is held out; 0 for none.
        since, until: Orders from the first moment on and before the second count.
        members: Of the segment as of `since`.
        unsent: Those of whom nothing could be sent, on either side.
        reached: Held-out members who share an identifier with an exposed one, and so were
            reached all the same; left out.
        related: All members left out because they share an identifier with another one.
        lift: The exposed, of all arms, compared with the control; None without a hold-out.
        trials: Each arm compared with the control, and each two arms.
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
    lift: Lift | None
    trials: tuple[Trial, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Members:
    """Members as of the first moment, one a place.

    Attributes:
        keys: Their customer keys.
        by_sync: Whether each sync could have sent something of them, whatever their arm.
        held_out: Whether they are of the control.
        arm: The place of their arm; 0 where there are none.
        ids: A line each, of what a sync sends; 0 where there is none.
    """

    keys: list[bytes]
    by_sync: Flags
    held_out: Flags
    arm: npt.NDArray[np.intp]
    ids: npt.NDArray[np.uint64]


def lifted(
    shop: Questions,
    query: SegmentQuery,
    bought: SegmentQuery,
    groups: Groups,
    syncs: Sequence[Parts],
    moments: tuple[datetime, datetime],
    timeless: Sequence[str] = (),
) -> Lifted:
    """Compare a segment's exposed members with its control, and its arms.

    Args:
        shop: Where both are asked.
        query: The segment as of the first moment.
        bought: What everybody bought between the two.
        groups: Who is held out, and who is in which arm; one of the two at least.
        syncs: Those that send the segment, one at least.
        moments: The first, and the one after the last.
        timeless: Own segments that it is made of and that do not ask for `:as_of`.

    Raises:
        syncd.errors.ShopError: The shop could not be read to the end.
        syncd.errors.UsageError: One of what is compared has hardly anybody in it.
    """
    members = _read(shop, query, groups, syncs)
    arms = {name: members.arm == place for place, name in enumerate(groups.arms)}
    sent = {name: _sent(members, syncs, name) for name in groups.arms}
    sendable = np.asarray(members.by_sync.any(axis=1), np.bool_)
    related, reached = _related(members, sendable)
    compared = sendable & ~related
    # Of the control too: the hash says which arm each of them would have been in.
    own = np.logical_or.reduce([flags & sent[name] for name, flags in arms.items()] or [sendable])
    figures = _outcomes(shop.ask(bought), members.keys)
    against = partial(_compared, query.name, moments[0], figures)
    control, exposed = compared & members.held_out, compared & ~members.held_out
    both = (("exposed", exposed & own), ("held-out", control & own))
    whole = against(*both) if groups.control else None
    sides = {name: (flags & exposed, sent[name]) for name, flags in arms.items()}
    trials = tuple(_trials(sides, control if groups.control else None, against))
    share = groups.control.holdout.share if groups.control else 0.0
    return Lifted(
        *(query.name, share, *moments, len(members.keys)),
        unsent=int((~own).sum()),
        reached=reached,
        related=int((related & own).sum()),
        lift=whole,
        trials=trials,
        caveats=tuple(_caveats(whole, trials, timeless)),
    )


def _trials(
    arms: Mapping[str, tuple[Flags, Flags]], control: Flags | None, against: _Against
) -> Iterator[Trial]:
    """Each arm against the control, and each two arms.

    Args:
        arms: By name: whom of it one can compare, and of whom its syncs could have sent something.
        control: Who is held out; None where nobody is.
        against: Compares.
    """
    for name, (ours, sent) in arms.items():
        if control is not None:
            yield Trial(name, "control", against((name, ours & sent), ("control", control & sent)))
    for (one, (ours, here)), (other, (theirs, there)) in combinations(arms.items(), 2):
        both = here & there
        yield Trial(one, other, against((one, ours & both), (other, theirs & both)))


def _sent(members: _Members, syncs: Sequence[Parts], arm: str) -> Flags:
    """Of whom a sync of an arm, or one of the whole segment, could have sent something."""
    of_it = [parts.sync.arm in ("", arm) for parts in syncs]
    return np.asarray(members.by_sync[:, of_it].any(axis=1), np.bool_)


def _compared(
    segment: str,
    since: datetime,
    figures: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    one: tuple[str, Flags],
    other: tuple[str, Flags],
) -> Lift:
    """Compare two sides, a name and flags each, by the orders and revenue of each member."""
    (one_name, ours), (other_name, theirs) = one, other
    sizes = [int(ours.sum()), int(theirs.sum())]
    if min(sizes) < 2:  # noqa: PLR2004 - of one nothing varies
        raise UsageError(
            f"segment {segment} as of {since:%Y-%m-%d %H:%M} UTC has {sizes[0]:,} {one_name} "
            f"and {sizes[1]:,} {other_name} members that can be compared; each side needs two at "
            "least, and a hundred to say much: a larger share, or an earlier or later --since"
        )
    orders, revenue = figures
    return lift((orders[ours], revenue[ours]), (orders[theirs], revenue[theirs]))


def _caveats(whole: Lift | None, trials: Sequence[Trial], timeless: Sequence[str]) -> Iterator[str]:
    for own in timeless:
        yield (
            f"the SQL of segment {own} does not ask for :as_of, so its members are those of now: "
            "if what they bought meanwhile decides who they are, this compares nothing"
        )
    sides = {"exposed": whole.exposed, "held-out": whole.control} if whole else {}
    for trial in trials:
        sides.setdefault(f"arm {trial.one}", trial.lift.exposed)
        if trial.other != "control":
            sides.setdefault(f"arm {trial.other}", trial.lift.control)
    for name, arm in sides.items():
        if arm.members < _FEW or arm.buyers < _FEW_BUYERS:
            yield (
                f"of {arm.members:,} {name} members {arm.buyers:,} bought: too few to say much; "
                "a larger share or a longer time"
            )
    if len(trials) > 1:
        yield (
            f"{len(trials)} comparisons at 95 % each: one in twenty such intervals misses zero by "
            "chance alone"
        )


def _read(shop: Questions, query: SegmentQuery, groups: Groups, syncs: Sequence[Parts]) -> _Members:
    keys: list[bytes] = []
    by_sync = [np.empty((0, len(syncs)), np.bool_)]
    held_out, arm = [np.empty(0, np.bool_)], [np.empty(0, np.intp)]
    ids: list[list[npt.NDArray[np.uint64]]] = []
    stones = syncs[0].ledger.erasures.stones()
    with shop.read(query) as reading:
        for batch in reading:
            there = ~_flags(syncs[0].watch.marks(batch, stones))
            may, lines = [], []
            for number, parts in enumerate(syncs):
                rows = parts.digest(batch).rows
                may.append(_flags(rows["usable"]) & _allowed(rows, parts) & there)
                # Another platform's rules may digest the same address otherwise: told apart.
                lines.append(_spread(named(rows).ids, number))
            by_sync.append(np.column_stack(may))
            key, whole = rows["key"], np.zeros(batch.num_rows, np.intp)
            marks = groups.control.marks(key) if groups.control else nobody(key)
            held_out.append(_flags(marks))
            arm.append(groups.split.places(key) if groups.split else whole)
            keys += key.to_pylist()
            ids.append(lines)
        reading.seal()
    return _Members(
        keys,
        np.concatenate(by_sync),
        np.concatenate(held_out),
        np.concatenate(arm),
        _joined(ids),
    )


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
    """Who may be sent by a sync's consent."""
    denied, ungranted, in_region = by_consent(parts.consent, rows)
    return ~(denied | ungranted | in_region)


def _related(members: _Members, sendable: Flags) -> tuple[Flags, int]:
    """Who shares an identifier with another member, and how many held out with an exposed one.

    So nobody is compared whom another arm, or the exposed, would have reached too.
    """
    related, reached = _sharing(members, sendable), 0
    if related.any():
        exposed = members.ids[sendable & ~members.held_out]
        there = np.isin(members.ids, exposed[exposed != 0]).any(axis=1)
        reached = int((there & sendable & members.held_out).sum())
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
