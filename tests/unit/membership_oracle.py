"""A membership's files as plain sets, and what the reference planner makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from syncd.membership.blocks import BlockReader
from syncd.model import Phase, Plan
from syncd.plan import Identifier, IdentifierState, Known, ReferencePlan, reference_plan
from tests.unit.membership_world import SETTLE, MembershipWorld, Person, cells

NUMBERS = {"email": 1, "phone": 2}


def named(row: Mapping[str, object]) -> frozenset[Identifier]:
    """The identifiers of a row, by kind and digest."""
    found = set()
    for name, value in row.items():
        kind = name.partition("_")[0]
        if kind in NUMBERS and isinstance(value, bytes):
            found.add((kind, value))
    return frozenset(found)


def number(identifier: Identifier) -> int:
    """The engine's 128-bit name of an identifier, made by another library."""
    kind, value = identifier
    hashed = hashlib.md5(bytes([NUMBERS[kind]]) + value, usedforsecurity=False).digest()
    return int.from_bytes(hashed, "little")


@contextmanager
def opened(world: MembershipWorld, path: str, checksum: str) -> Iterator[BlockReader]:
    with BlockReader(world.directory / path, key=bytes(32), checksum=checksum) as reader:
        yield reader


def section(reader: BlockReader, name: str) -> list[dict[str, object]]:
    return [row for batch in reader.batches(name) for row in batch.to_pylist()]


def planned(world: MembershipWorld, plan: Plan) -> ReferencePlan:
    """A plan's file in the oracle's form."""
    with opened(world, plan.path, plan.checksum) as reader:
        return ReferencePlan(
            remove=frozenset(named(row) for row in section(reader, Phase.REMOVE.value)),
            add=frozenset(_key(row) for row in section(reader, Phase.ADD.value)),
            again=frozenset(_key(row) for row in section(reader, Phase.AGAIN.value)),
            waiting=frozenset(),
        )


def expected(world: MembershipWorld, members: Mapping[str, Person]) -> ReferencePlan:
    """What the oracle plans from the same generation and the same members."""
    rows: list[frozenset[Identifier]] = []
    states: dict[Identifier, IdentifierState] = {}
    if world.generation is not None:
        with opened(world, world.generation.path, world.generation.checksum) as reader:
            rows = [named(row) for row in section(reader, "rows")]
            by_number = {number(each): each for row in rows for each in row}
            for state in section(reader, "identifiers"):
                high, low = state["high"], state["low"]
                assert isinstance(high, int)
                assert isinstance(low, int)
                states[by_number[high << 64 | low]] = _state(state)
    wanted = {
        key.encode(): named(cells(person))
        for key, person in members.items()
        if person.consent != 2 and cells(person)
    }
    return reference_plan(wanted=wanted, rows=rows, states=states, now=world.now, settle=SETTLE)


def _state(row: Mapping[str, object]) -> IdentifierState:
    at = row["removed_at"]
    removed = None
    if isinstance(at, int):
        removed = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return IdentifierState(Known(row["state"]), bool(row["doubt"]), removed)


def _key(row: Mapping[str, object]) -> bytes:
    key = row["key"]
    assert isinstance(key, bytes)
    return key
