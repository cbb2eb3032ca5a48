"""A membership's files as plain sets, and what the reference planner makes of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import engine
from syncd.membership.held import every_identifier
from syncd.membership.layers import Layers, base_of
from syncd.model import ID_CELLS, Phase, Plan
from syncd.plan import (
    Identifier,
    IdentifierState,
    Known,
    ReferencePlan,
    Rules,
    SentRow,
    reference_plan,
    reference_sizes,
)
from tests.unit.membership_world import SETTLE, MembershipWorld, Person, cells, kind_of

NUMBERS = {"email": 1, "phone": 2, "device_id": 4, "external_id": 5}


def named(row: Mapping[str, object]) -> frozenset[Identifier]:
    """The identifiers of a row, by kind and digest."""
    found = set()
    for name, value in row.items():
        kind = kind_of(name)
        if kind in NUMBERS and isinstance(value, bytes):
            found.add((kind, value))
    return frozenset(found)


def number(identifier: Identifier) -> int:
    """The engine's 128-bit name of an identifier, made by another library."""
    kind, value = identifier
    if kind in ID_CELLS:
        value = hashlib.sha256(value).hexdigest().encode()
    hashed = hashlib.md5(bytes([NUMBERS[kind]]) + value, usedforsecurity=False).digest()
    return int.from_bytes(hashed, "little")


@contextmanager
def opened(world: MembershipWorld, path: str, checksum: str) -> Iterator[BlockReader]:
    """Any of the world's files; a generation with what it lies over."""
    whole = world.directory / path
    with BlockReader(whole, key=bytes(32), checksum=checksum) as reader:
        base = base_of(reader.header)
        if base is None:
            yield reader
            return
    with Layers(whole, key=bytes(32), checksum=checksum, base=base) as layers:
        yield layers


def identifiers(reader: BlockReader) -> list[dict[str, object]]:
    """What a generation says of each identifier."""
    with engine() as database:
        return [row for part in every_identifier(database, reader) for row in part.to_pylist()]


def section(reader: BlockReader, name: str) -> list[dict[str, object]]:
    return [row for batch in reader.batches(name) for row in batch.to_pylist()]


@dataclass(frozen=True)
class Held:
    """A generation's file as plain sets; the city of each member's last row."""

    rows: list[SentRow] = field(default_factory=list)
    states: dict[Identifier, IdentifierState] = field(default_factory=dict)
    outdated: dict[Identifier, datetime] = field(default_factory=dict)
    cities: dict[bytes, object] = field(default_factory=dict)


def held(world: MembershipWorld) -> Held:
    """What the world's membership is."""
    found = Held()
    if world.generation is None:
        return found
    with opened(world, world.generation.path, world.generation.checksum) as reader:
        for row in section(reader, "rows"):
            found.rows.append(SentRow(_key(row), named(row), current=row["current"] is True))
            if row["current"]:
                found.cities[_key(row)] = row["city"]
        names = {number(one): one for row in found.rows for one in row.identifiers}
        for row in identifiers(reader):
            found.states[names[_number(row)]] = _state(row)
        for row in section(reader, "late"):
            one, until = names[_number(row)], _moment(row["until"])
            found.states[one] = replace(found.states[one], late=until)
        for row in section(reader, "outdated"):
            found.outdated[names[_number(row)]] = _moment(row["since"])
    return found


def planned(world: MembershipWorld, plan: Plan, like: ReferencePlan) -> ReferencePlan:
    """A plan's file in the oracle's form; what has only a number there is counted instead."""
    with opened(world, plan.path, plan.checksum) as reader:
        names = {number(one): one for one in held(world).states}
        marks = {
            name: frozenset(names[_number(row)] for row in section(reader, name))
            for name in ("outdated", "renewed")
        }
        found = ReferencePlan(
            remove=frozenset(named(row) for row in section(reader, Phase.REMOVE.value)),
            add=frozenset(_key(row) for row in section(reader, Phase.ADD.value)),
            again=frozenset(_key(row) for row in section(reader, Phase.AGAIN.value)),
            waiting=frozenset(),
            superseded=like.superseded,
            migrating=like.migrating,
            fresh=marks["outdated"],
            renewed=marks["renewed"],
        )
    assert plan.counts.superseded == len(like.superseded)
    assert plan.counts.migrating == len(like.migrating)
    return found


def expected(
    world: MembershipWorld, members: Mapping[str, Person], *, full: bool = False
) -> ReferencePlan:
    """What the oracle plans from the same generation and the same members."""
    of, before = held(world), world.generation
    rows = {
        key.encode(): (named(cells(person, world.rules)), person.consent)
        for key, person in members.items()
    }
    denied = {key for key, (_, consent) in rows.items() if consent >= 2}
    withdrawn = [rows[key][0] for key in denied]
    withdrawn += [row.identifiers for row in of.rows if row.key in denied]
    like = reference_plan(
        wanted={key: row for key, (row, consent) in rows.items() if row and consent < 2},
        rows=of.rows,
        states=of.states,
        now=world.now,
        settle=SETTLE,
        withdrawn=frozenset().union(*withdrawn),
        rules=Rules(of.outdated, moved=before is not None and before.rules != world.rules),
        full=full,
    )
    return replace(like, add=like.add | _moved(world, of, members) - like.again)


def _moved(world: MembershipWorld, of: Held, members: Mapping[str, Person]) -> frozenset[bytes]:
    """Who is to be sent because their last row had another city.

    To have none is news only of a row that was refused.
    """
    refused = {
        one for one, state in of.states.items() if state.known in {Known.REFUSED, Known.NEVER}
    }
    found = set[bytes]()
    for name, person in members.items():
        key, row = name.encode(), cells(person, world.rules)
        if person.consent < 2 and named(row) and key in of.cities:
            news = person.city or named(row) & refused
            if news and of.cities[key] != row.get("city"):
                found.add(key)
    return frozenset(found)


def expected_sizes(world: MembershipWorld) -> Counter[str]:
    """How many identifiers of each kind the membership should say it holds."""
    of = held(world)
    return reference_sizes(rows=of.rows, states=of.states, outdated=frozenset(of.outdated))


def expected_members(world: MembershipWorld) -> int:
    """How many members it should say it holds: nobody of whom any identifier was taken out."""
    of = held(world)

    def there(identifier: Identifier) -> bool:
        state = of.states[identifier]
        return state.removed_at is None and state.known is not Known.NEVER

    def taken_out(identifier: Identifier) -> bool:
        state = of.states.get(identifier)
        return state is None or state.removed_at is not None

    return len(
        {
            row.key
            for row in of.rows
            if row.current
            and not any(map(taken_out, row.identifiers))
            and any(map(there, row.identifiers))
        }
    )


def _number(row: Mapping[str, object]) -> int:
    high, low = row["high"], row["low"]
    assert isinstance(high, int)
    assert isinstance(low, int)
    return high << 64 | low


def _moment(micros: object) -> datetime:
    assert isinstance(micros, int)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _state(row: Mapping[str, object]) -> IdentifierState:
    at = row["removed_at"]
    removed = None if at is None else _moment(at)
    return IdentifierState(Known(row["state"]), bool(row["doubt"]), removed)


def _key(row: Mapping[str, object]) -> bytes:
    key = row["key"]
    assert isinstance(key, bytes)
    return key
