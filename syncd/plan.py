"""Decisions that are pure: the guard, the consent gate, batching, and an oracle.

`reference_plan` states in plain sets what `syncd.membership` computes over columns.
The product does not use it; the property tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class IdentifierState:
    """One identifier in a membership.

    Attributes:
        doubt: An addition of it had an unknown outcome and may land late.
        removed_at: When its removal was accepted; None if none was.
    """

    known: Known
    doubt: bool = False
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A plan as sets.

    Attributes:
        remove: Each removal row's identifiers.
        add, again: Keys of members to send.
        waiting: Identifiers whose removal waits for an addition under way.
    """

    remove: frozenset[frozenset[Identifier]]
    add: frozenset[bytes]
    again: frozenset[bytes]
    waiting: frozenset[Identifier]


def reference_plan(
    *,
    wanted: Mapping[bytes, frozenset[Identifier]],
    rows: Sequence[frozenset[Identifier]],
    states: Mapping[Identifier, IdentifierState],
    now: datetime,
    settle: timedelta,
    adding: frozenset[Identifier] = frozenset(),
    removing: frozenset[Identifier] = frozenset(),
) -> ReferencePlan:
    """Plan in plain sets: what `syncd.membership` must agree with.

    Args:
        wanted: The snapshot after the consent gate: identifiers by key.
        rows: Rows as sent that the audience may hold.
        states: Every identifier that was ever sent and is not settled out.
        adding, removing: Identifiers of requests that an unordered platform has
            accepted and not processed.
    """
    held = frozenset().union(*wanted.values()) if wanted else frozenset()
    take: set[Identifier] = set()
    waiting: set[Identifier] = set()
    for identifier, state in states.items():
        due = state.removed_at is None or (state.doubt and state.removed_at + settle <= now)
        if identifier not in held and due:
            (waiting if identifier in adding else take).add(identifier)
    removals = [row & take for row in rows if row & take]
    touched = set().union(*(row for row in rows if row & take)) if removals else set()
    grown = True
    while grown:
        more = set().union(*(row for row in rows if row & touched)) if touched else set()
        grown = not more <= touched
        touched |= more
    again = {key for key, row in wanted.items() if row & (touched | removing)}
    add = {
        key
        for key, row in wanted.items()
        if key not in again and any(_unsure(states.get(identifier)) for identifier in row)
    }
    return ReferencePlan(
        remove=frozenset(frozenset(row) for row in removals),
        add=frozenset(add),
        again=frozenset(again),
        waiting=frozenset(waiting),
    )


def _unsure(state: IdentifierState | None) -> bool:
    return state is None or state.known is Known.POSSIBLE
