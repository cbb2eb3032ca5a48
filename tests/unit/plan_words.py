"""Small words for the reference planner: a member is a letter, an identifier a kind and digit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from syncd.plan import (
    Identifier,
    IdentifierState,
    Known,
    ReferencePlan,
    Rules,
    SentRow,
    reference_plan,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SETTLE = timedelta(hours=48)
DUE = NOON - SETTLE
SECOND = timedelta(seconds=1)

CERTAIN = IdentifierState(Known.CERTAIN)
POSSIBLE = IdentifierState(Known.POSSIBLE)
REFUSED = IdentifierState(Known.REFUSED)
NEVER = IdentifierState(Known.NEVER)
NOTHING: frozenset[Identifier] = frozenset()


def ids(names: str) -> frozenset[Identifier]:
    """`e1 p2` is an e-mail and a phone."""
    kinds = {"e": "email", "p": "phone"}
    return frozenset((kinds[name[0]], name[1:].encode()) for name in names.split())


def wants(**members: str) -> dict[bytes, frozenset[Identifier]]:
    return {key.encode(): ids(names) for key, names in members.items()}


def rows(*sent: str) -> tuple[SentRow, ...]:
    """`a: e1 p1` is a row of a; `a! e1` one that another followed."""
    return tuple(SentRow(row[0].encode(), ids(row[2:]), current=row[1] == ":") for row in sent)


def known(**states: IdentifierState) -> dict[Identifier, IdentifierState]:
    return {one: state for name, state in states.items() for one in ids(name)}


def since(moment: datetime, names: str) -> dict[Identifier, datetime]:
    return dict.fromkeys(ids(names), moment)


def plan(
    wanted: Mapping[bytes, frozenset[Identifier]],
    sent: tuple[SentRow, ...] = (),
    states: Mapping[Identifier, IdentifierState] | None = None,
    *,
    adding: str = "",
    removing: str = "",
    withdrawn: str = "",
    rules: Rules | None = None,
    full: bool | None = None,
) -> ReferencePlan:
    given = {} if full is None else {"full": full}
    return reference_plan(
        wanted=wanted,
        rows=sent,
        states=states or {},
        now=NOON,
        settle=SETTLE,
        adding=ids(adding),
        removing=ids(removing),
        withdrawn=ids(withdrawn),
        rules=rules,
        **given,
    )


def removed(*names: str) -> frozenset[frozenset[Identifier]]:
    return frozenset(ids(row) for row in names)


def members(keys: str) -> frozenset[bytes]:
    return frozenset(key.encode() for key in keys)


def gone(at: datetime, *, doubt: bool) -> IdentifierState:
    return IdentifierState(Known.POSSIBLE, doubt=doubt, removed_at=at)
