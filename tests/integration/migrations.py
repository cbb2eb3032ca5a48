"""Rules that change under members of a memory platform, and what a test looks at then."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from connectors.sandbox.state import Identifier
from syncd.model import Guard, Operation, Plan
from syncd.sync import Result
from tests.integration.memory_worlds import MemoryWorlds, Person
from tests.integration.rule_versions import NEXT, Version

GUARD = Guard(max_removed=0.3, min_members=0)
TEN = range(10)


def person(number: int) -> Person:
    return Person((f"member{number}@example.com",), (f"06123456{number:02}",))


MANY = {str(n): person(n) for n in TEN}
FEW = {str(n): MANY[str(n)] for n in range(4)}
ONE_LESS = {key: one for key, one in MANY.items() if key != "0"}
NO_PHONES = {key: replace(one, phones=()) for key, one in MANY.items()}


def email(number: int) -> Identifier:
    """What a member's e-mail is by the shipped rules."""
    return "email", hashlib.sha256(f"member{number}@example.com".encode()).hexdigest()


def phone(number: int) -> Identifier:
    """Likewise the phone."""
    return "phone", hashlib.sha256(f"316123456{number:02}".encode()).hexdigest()


def rest(here: MemoryWorlds, members: dict[str, Person]) -> list[Plan]:
    """Runs until there is nothing to send and nothing under way; their plans."""
    plans = []
    for _ in range(6):
        before = len(here.world.sent)
        found = here.run(members)
        assert isinstance(found, Result), found
        here.world.check()
        plans.append(found.plan)
        if here.world.sent[before:] == [] and not here.remote.pending:
            return plans
        here.process()
        here.world.check()
    raise AssertionError("it does not come to rest")


def filled(here: MemoryWorlds, members: dict[str, Person] = MANY) -> frozenset[Identifier]:
    """These members are on the platform by the shipped rules; what it holds."""
    rest(here, members)
    here.world.check_equal()
    here.world.clock.pass_by(days=10)
    return here.world.identifiers


def moved(
    here: MemoryWorlds, members: dict[str, Person] = MANY, version: Version = NEXT
) -> list[Plan]:
    """The rules change under members who are on the platform."""
    here.world.version = version
    return rest(here, members)


def removals(here: MemoryWorlds, since: int = 0) -> frozenset[Identifier]:
    """Every identifier that a removal named, from a push on."""
    pushes = [push for push in here.world.sent[since:] if push.operation is Operation.REMOVE]
    return frozenset().union(*(row for push in pushes for row in push.rows))


def events(here: MemoryWorlds, kind: str = "rules_changed") -> list[str]:
    return [event.detail for event in here.world.ledger.events(kind=kind)]


def settled(here: MemoryWorlds, members: dict[str, Person]) -> list[Plan]:
    """Two days later, nobody having approved anything, all is equal and rests."""
    here.world.clock.pass_by(hours=49)
    plans = rest(here, members)
    assert [plan.held for plan in plans if plan.held] == []
    here.world.check_equal()
    here.world.check_quiet()
    return plans
