"""Worlds of `mode: remove`: an audience that others filled, and a sync that takes out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from connectors.sandbox.state import AudienceState, Identifier
from syncd.model import Guard
from tests.integration.memory_worlds import ACCOUNT, MemoryWorlds, Person, memory_world
from tests.integration.worlds import NAME

# Whoever is out is not counted any more: few stay, of whom more than all may be new.
OPEN = Guard(max_removed=9.0, min_members=0)

# Each with identifiers of their own, so that a person is out when a row of it was taken out.
EVERYBODY = {
    "a": Person(("anna@example.com",), ("06 12345678",)),
    "b": Person(("Bob@Example.com",), ("020 624 1111",)),
    "c": Person(("cato@example.com",)),
    "d": Person(("dee@example.com",), consent="denied"),
    "e": Person(("eve@example.com",), consent="unknown"),
}


def filled(here: MemoryWorlds, members: Mapping[str, Person]) -> AudienceState:
    """An agency puts these people into the audience, which it makes if it is not there."""
    named = here.remote.audiences.named(ACCOUNT, NAME)
    audience = named[0] if named else here.remote.audiences.create(ACCOUNT, NAME)
    audience.add([row_of(here, one) for one in members.values()], at=here.world.clock.now())
    here.world.foreign |= audience.identifiers
    return audience


def row_of(here: MemoryWorlds, person: Person) -> frozenset[Identifier]:
    """What a platform knows a person by, whatever they consent to."""
    here.fill({"x": Person(person.emails, person.phones)})
    return here.world.expected()


def rows_of(here: MemoryWorlds, members: Mapping[str, Person]) -> frozenset[Identifier]:
    return frozenset().union(*(row_of(here, one) for one in members.values()))


@contextmanager
def taking_world(*, later: bool = False, guard: Guard = OPEN) -> Iterator[MemoryWorlds]:
    """The audience holds everybody, put there by others; nobody was taken out yet."""
    with memory_world(later=later, guard=guard) as here:
        here.world.takes_out = True
        filled(here, EVERYBODY)
        yield here


def rest(here: MemoryWorlds, members: Mapping[str, Person]) -> None:
    """Good runs until there is nothing to send and nothing under way."""
    quiet = False
    for _ in range(6):
        here.process()
        before = len(here.world.sent)
        here.run(members)
        quiet = here.world.sent[before:] == []
        if quiet and not here.remote.pending:
            break
    assert quiet, "a run with nothing changed sent something"
    assert here.world.ledger.unfinished(*here.world.at) == ()
    assert here.world.ledger.verify().ok


def check_out(here: MemoryWorlds, members: Mapping[str, Person]) -> None:
    """Nobody of these is in the audience any more."""
    left = here.world.identifiers & rows_of(here, members)
    assert not left, f"{len(left)} identifiers are in the audience and were to be taken out"
