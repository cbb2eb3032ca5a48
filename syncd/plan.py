"""Decisions that are pure: the guard, the consent gate, batching, and an oracle.

`reference_plan` states in plain sets what `syncd.membership` computes over columns.
The product does not use it; the property tests hold one against the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from syncd.model import Capabilities, ConsentRule, Guard, Sizes

Identifier = tuple[str, bytes]


def consent_rule(capabilities: Capabilities, setting: str) -> ConsentRule:
    """Combine what the platform demands with what the sync asks for.

    Args:
        capabilities: The platform's.
        setting: `granted` or `not_denied`.
    """
    return ConsentRule(
        granted_only=setting == "granted",
        granted_in_region=capabilities.consent == "member",
    )


def ranges(rows: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut `rows` rows into batches: (first row, count), the last one shorter."""
    for first in range(0, rows, size):
        yield first, min(size, rows - first)


def held_reasons(
    *,
    leaving: Sizes,
    withdrawn: Sizes,
    target: Sizes,
    reference: Sizes,
    guard: Guard,
    changes: Sequence[str] = (),
) -> tuple[str, ...]:
    """Say why removals must wait for a person; nothing if they may go.

    Shares are of the largest membership of the last 7 days, and the loss since then
    counts, not this run's alone: a series of small steps is one large one.

    Args:
        leaving: Members and identifiers that would go, withdrawn consent apart.
        withdrawn: Those that go because consent was denied.
        target: What the audience would hold afterwards.
        reference: The largest membership of the last 7 days.
        changes: What is not as in the last run that passed, a sentence each.
    """
    reasons: list[str] = []
    if not leaving.members and not any(leaving.identifiers.values()):
        return ()
    reasons += changes
    if target.members < guard.min_members:
        few = f"the segment has {target.members:,} members"
        reasons.append(f"{few}, fewer than min_members {guard.min_members:,}")
    limit = guard.max_removed_count
    if limit is not None and leaving.members > limit:
        reasons.append(f"{leaving.members:,} members would leave, more than {limit:,}")
    lost = _loss(leaving.members, target.members, withdrawn.members, reference.members)
    reasons += _share("members", lost, reference.members, guard)
    for kind, held in sorted(reference.identifiers.items()):
        lost = _loss(
            leaving.identifiers.get(kind, 0),
            target.identifiers.get(kind, 0),
            withdrawn.identifiers.get(kind, 0),
            held,
        )
        if leaving.identifiers.get(kind, 0):
            reasons += _share(f"{kind} identifiers", lost, held, guard)
    return tuple(reasons)


def withdrawal_reasons(*, withdrawn: Sizes, reference: Sizes, guard: Guard) -> tuple[str, ...]:
    """Say why even removals for denied consent must wait; nothing if they may go.

    They pass the guard, unless they alone would take out more than it allows at once: a
    consent column gone wrong looks just like that.
    """
    gone, of = withdrawn.members, reference.members
    if not of or gone < guard.min_members or gone <= guard.max_removed * of:
        return ()
    said = f"{gone:,} of {of:,} members have consent denied at once ({gone / of:.0%}"
    return (f"{said}, max_removed is {guard.max_removed:.0%})",)


def _loss(leaving: int, target: int, withdrawn: int, reference: int) -> int:
    return max(leaving, reference - target - withdrawn)


def _share(what: str, lost: int, of: int, guard: Guard) -> Iterator[str]:
    if of and lost > guard.max_removed * of:
        yield (
            f"{lost:,} of {of:,} {what} would leave ({lost / of:.0%}, "
            f"max_removed is {guard.max_removed:.0%})"
        )


# --- the oracle --------------------------------------------------------------


class Known(Enum):
    """What we know of an identifier on the platform."""

    POSSIBLE = 0  # ever sent; may or may not be there
    CERTAIN = 1  # accepted, and not failed or touched by a removal since
    REFUSED = 2  # the platform named its row as refused; not sent again unchanged
    NEVER = 3  # the same, and nothing of the row was ever applied


_NOT_THERE = frozenset({Known.REFUSED, Known.NEVER})


@dataclass(frozen=True, slots=True)
class IdentifierState:
    """One identifier in a membership.

    Attributes:
        doubt: An addition of it had an unknown outcome and may land late.
        removed_at: When its removal was accepted; None if none was.
        late: Until when a removal of it may still land that was never answered.
    """

    known: Known
    doubt: bool = False
    removed_at: datetime | None = None
    late: datetime | None = None


@dataclass(frozen=True, slots=True)
class SentRow:
    """A row as sent; `current` if it is its member's last one."""

    key: bytes
    identifiers: frozenset[Identifier]
    current: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What is known of changed rules.

    Attributes:
        outdated: Identifiers that earlier rules made, and since when what replaces them
            is there.
        moved: The snapshot is the first one under changed rules.
    """

    outdated: Mapping[Identifier, datetime] = field(default_factory=dict)
    moved: bool = False


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A plan as sets.

    Attributes:
        remove: Each removal row's identifiers.
        add, again: Keys of members to send.
        waiting: Identifiers whose removal waits for an addition under way.
        superseded: Those that leave because changed rules replaced them.
        migrating: Those that will.
        fresh, renewed: Those newly outdated, and those that are wanted again.
    """

    remove: frozenset[frozenset[Identifier]]
    add: frozenset[bytes]
    again: frozenset[bytes]
    waiting: frozenset[Identifier]
    superseded: frozenset[Identifier]
    migrating: frozenset[Identifier]
    fresh: frozenset[Identifier]
    renewed: frozenset[Identifier]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the oracle is asked about, under one name."""

    wanted: Mapping[bytes, frozenset[Identifier]]
    rows: Sequence[SentRow]
    states: Mapping[Identifier, IdentifierState]

    @property
    def held(self) -> frozenset[Identifier]:
        return frozenset().union(*self.wanted.values())

    def of(self, identifier: Identifier) -> list[SentRow]:
        return [row for row in self.rows if identifier in row.identifiers]

    def gone(self, due: datetime, *, full: bool) -> frozenset[Identifier]:
        """What should leave: for the first time, as a confirmation that is due, or anew."""
        return frozenset(
            one
            for one, state in self.states.items()
            if full or state.removed_at is None or (state.doubt and state.removed_at <= due)
            if one not in self.held and not self.outlived(one)
        )

    def outlived(self, identifier: Identifier) -> bool:
        """It never was there, and a member who was to have it now has something else."""
        return self.states[identifier].known is Known.NEVER and any(
            row.current and row.key in self.wanted for row in self.of(identifier)
        )

    def late(self, now: datetime) -> frozenset[Identifier]:
        """What came back while a removal could still land, which now it cannot any more."""
        return frozenset(
            one
            for one in self.held & self.states.keys()
            if (until := self.states[one].late) is not None and until <= now
        )

    def certain(self, identifier: Identifier) -> bool:
        """It was accepted, and not failed or touched by a removal since."""
        state = self.states.get(identifier)
        return state is not None and state.known is Known.CERTAIN

    def there(self, identifier: Identifier) -> bool:
        """It was sent, not refused by name and not removed."""
        state = self.states.get(identifier)
        return state is not None and state.removed_at is None and state.known not in _NOT_THERE


def reference_plan(
    *,
    wanted: Mapping[bytes, frozenset[Identifier]],
    rows: Sequence[SentRow],
    states: Mapping[Identifier, IdentifierState],
    now: datetime,
    settle: timedelta,
    adding: frozenset[Identifier] = frozenset(),
    removing: frozenset[Identifier] = frozenset(),
    withdrawn: frozenset[Identifier] = frozenset(),
    rules: Rules | None = None,
    full: bool = False,
) -> ReferencePlan:
    """Plan in plain sets: what `syncd.membership` must agree with.

    Args:
        wanted: The snapshot after the consent gate: identifiers by key.
        rows: Rows as sent that the audience may hold.
        states: Every identifier that was ever sent and is not settled out.
        adding, removing: Those in requests that were accepted and not processed yet.
        withdrawn: Those of members whose consent is denied, in the snapshot and as sent.
        rules: What is known of changed rules; by default none ever did.
        full: A full resync.
    """
    known, rules = _Facts(wanted, rows, states), rules or Rules()
    fresh = _fresh(known, rules)
    outdated = (rules.outdated.keys() | fresh) - withdrawn
    gone = known.gone(now - settle, full=full)
    replaced = {
        one for one in gone & outdated if states[one].removed_at is None and _replaced(known, one)
    }
    settled = {one for one, since in rules.outdated.items() if since + settle <= now}
    ripe = {one for one in replaced & settled - adding if _certain(known, one, adding)}
    take = gone - replaced - adding
    remove, again = _taken_out(known, take | ripe, removing, known.late(now))
    return ReferencePlan(
        remove=remove,
        add=(frozenset(wanted) if full else _added(known)) - again,
        again=again,
        waiting=(gone - replaced) & adding,
        superseded=frozenset(ripe),
        migrating=frozenset(replaced - ripe),
        fresh=fresh,
        renewed=frozenset(rules.outdated.keys() & known.held),
    )


def _certain(known: _Facts, identifier: Identifier, adding: frozenset[Identifier]) -> bool:
    """What members have instead is accepted, and processed where that comes later."""
    return not any(
        one in adding or not known.certain(one)
        for row in known.of(identifier)
        for one in known.wanted[row.key]
    )


def _taken_out(
    known: _Facts,
    take: frozenset[Identifier],
    removing: frozenset[Identifier],
    late: frozenset[Identifier],
) -> tuple[frozenset[frozenset[Identifier]], frozenset[bytes]]:
    """The rows that remove, and the members that must follow them."""
    hit = [row for row in known.rows if row.identifiers & take]
    touched = late.union(*(row.identifiers for row in hit))
    grown = True
    while grown:
        joined = (row.identifiers for row in known.rows if row.identifiers & touched)
        more = touched.union(*joined)
        grown, touched = more != touched, more
    sent = {one for one, state in known.states.items() if state.known not in _NOT_THERE}
    keys = {row.key for row in hit}
    again = {
        key
        for key, row in known.wanted.items()
        if row & (touched | removing) or (key in keys and row & sent)
    }
    return frozenset(row.identifiers & take for row in hit), frozenset(again)


def _fresh(known: _Facts, rules: Rules) -> frozenset[Identifier]:
    """What the earlier rules made, and was not gone before they changed."""
    if not rules.moved:
        return frozenset()
    current = {
        row.key: row.identifiers - rules.outdated.keys() for row in known.rows if row.current
    }

    def last(row: SentRow, identifier: Identifier) -> bool:
        after = current.get(row.key, frozenset[Identifier]())
        return row.current or all(kind != identifier[0] for kind, _ in after)

    return frozenset(
        identifier
        for identifier in known.states.keys() - rules.outdated.keys() - known.held
        if any(last(row, identifier) for row in known.of(identifier))
    )


def _replaced(known: _Facts, identifier: Identifier) -> bool:
    """Every member who was sent it is wanted, with as many identifiers of its kind."""

    def many(identifiers: Iterable[Identifier]) -> int:
        return sum(kind == identifier[0] for kind, _ in identifiers)

    return all(
        row.key in known.wanted
        and many(known.wanted[row.key])
        >= many(one for one in row.identifiers if _lives(known.states.get(one)))
        for row in known.of(identifier)
    )


def _lives(state: IdentifierState | None) -> bool:
    return state is not None and state.removed_at is None


def reference_sizes(
    *,
    rows: Sequence[SentRow],
    states: Mapping[Identifier, IdentifierState],
    outdated: frozenset[Identifier] = frozenset(),
) -> Counter[str]:
    """Identifiers of each kind that an audience holds, a replaced one not counted."""
    known = _Facts({}, rows, states)

    def spare(identifier: Identifier) -> bool:
        def many(identifiers: Iterable[Identifier]) -> int:
            return sum(kind == identifier[0] for kind, _ in identifiers)

        def there(key: bytes) -> int:
            sent = (row.identifiers - outdated for row in rows if row.key == key)
            return max(many(filter(known.there, row)) for row in sent)

        return identifier in outdated and all(
            there(row.key) >= many(one for one in row.identifiers if _lives(states.get(one)))
            for row in known.of(identifier)
        )

    may_be_there = (
        one for one, state in states.items() if _lives(state) and state.known is not Known.NEVER
    )
    return Counter(one[0] for one in may_be_there if not spare(one))


def _unsure(state: IdentifierState | None) -> bool:
    return state is None or state.known is Known.POSSIBLE


def _added(known: _Facts) -> frozenset[bytes]:
    """Members to send: of whom something is not certain, or another row than the refused one."""
    sent = {row.identifiers for row in known.rows}
    states = known.states
    return frozenset(
        key
        for key, row in known.wanted.items()
        if any(_unsure(states.get(one)) for one in row)
        or (row not in sent and any(_refused(states.get(one)) for one in row))
    )


def _refused(state: IdentifierState | None) -> bool:
    return state is not None and state.known in _NOT_THERE
