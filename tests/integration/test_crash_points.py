"""A process that dies around any commit of the ledger, or any push, loses nothing.

Two runs on one world, the second one with removals, additions and members to send again.
Before and after every commit and every push of either run the world is copied just as it
lies there, as a process killed at that point would leave it, and a new process carries on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.integration.deaths import Death
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world

ANNA, BOB, DEE = "anna@example.com", "Bob@Example.com", "dee@example.com"
HOME, MOBILE = "020 624 1111", "06 12345678"

# Anna leaves a phone that Bob shares, Bob's e-mail changes, Cato joins, Dee withdraws.
FIRST = {
    "a": Person((ANNA,), (HOME, MOBILE)),
    "b": Person((BOB,), (HOME,)),
    "d": Person((DEE,)),
}
SECOND = {
    "b": Person((" bob@example.ORG ",), (HOME,)),
    "c": Person(("cato@example.com",), ("+31687654321",)),
    "d": Person((DEE,), consent="denied"),
}


@dataclass
class Deaths:
    """Dies at every point that a world passes, and lives on each time.

    Attributes:
        lives_on: What the next processes do, and what must be true then.
        seen: Moments lived on from; two deaths that leave the same are one.
    """

    here: MemoryWorlds
    lives_on: Callable[[MemoryWorlds], None]
    points: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def __call__(self, point: Death) -> None:
        self.points[point.what] += 1
        moment = self.here.fingerprint()
        if moment in self.seen:
            return
        self.seen.add(moment)
        with self.here.copied() as after:
            try:
                self.lives_on(after)
            except AssertionError as error:
                self.violations.append(f"{point}: {error}")


def lives_on(after: MemoryWorlds) -> None:
    """The next process dies soon too; the one after it makes all equal and rests."""
    after.world.check()
    after.run(SECOND, death=Death("commit", 2, "after"))
    after.world.check()
    after.settle_down(SECOND)


def die_everywhere(*, later: bool) -> Deaths:
    with memory_world(later=later) as here:
        deaths = Deaths(here, lives_on)
        here.world.wire.passing = deaths
        for members in (FIRST, SECOND):
            here.run(members)
            here.process()
        if later:
            here.run(SECOND)  # what waited for the removals
        return deaths


@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_a_death_at_any_point_loses_nothing(told: Callable[[str], None], *, later: bool) -> None:
    """All points, on a platform that works at once and on one that works later."""
    deaths = die_everywhere(later=later)
    tried = sum(deaths.points.values())
    told(
        f"points tried: {tried} ({deaths.points['commit']} around commits, "
        f"{deaths.points['push']} around pushes; {len(deaths.seen)} differ), "
        f"violations: {len(deaths.violations)}"
    )

    assert deaths.points["commit"] > 50
    assert deaths.points["push"] >= 10
    assert deaths.violations == []
