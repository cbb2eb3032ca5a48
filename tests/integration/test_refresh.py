"""A year of runs on a platform that ends memberships: nobody who is wanted ever expires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.sandbox.state import Identifier
from syncd.model import Operation
from syncd.sync import Result, Wish, run
from tests.integration.deaths import Death
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world

LIFESPAN = timedelta(days=9)
PEOPLE = {
    f"c{n:02}": Person((f"member{n}@example.com",), (f"06 12345{n // 2:03}",)) for n in range(12)
}


@pytest.fixture(params=[False, True], ids=["now", "later"])
def worlds(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    """A platform on which a membership ends after nine days."""
    with memory_world(later=request.param) as made:
        platform = made.world.platform
        capabilities = replace(platform.capabilities, lifespan=LIFESPAN)
        made.world.platform = replace(platform, capabilities=capabilities)
        yield made


class Ages:
    """When each identifier was last added."""

    def __init__(self, worlds: MemoryWorlds) -> None:
        self.worlds = worlds
        self.added: dict[Identifier, datetime] = {}
        self.seen = 0

    def look(self) -> int:
        """How many rows were sent since; and that nobody is too old."""
        world = self.worlds.world
        new, self.seen = world.sent[self.seen :], len(world.sent)
        for push in new:
            assert push.operation is Operation.ADD
            for row in push.rows:
                self.added |= dict.fromkeys(row, world.clock.at)
        oldest = min(self.added[one] for one in world.expected())
        assert world.clock.at - oldest < LIFESPAN
        return sum(len(push.rows) for push in new)


def test_nobody_expires_who_is_wanted(worlds: MemoryWorlds) -> None:
    ages, sent = Ages(worlds), []
    for _ in range(14):
        found = worlds.run(PEOPLE)
        assert isinstance(found, Result)
        worlds.process()
        sent.append(ages.look())
        assert found.plan.counts.refreshed == (sent[-1] if len(sent) > 1 else 0)
        worlds.run(PEOPLE)
        assert ages.look() == 0, "what is due on a day is sent once"
        worlds.world.clock.pass_by(hours=24)
    assert sent[:4] == [len(PEOPLE), 0, 0, 0]
    assert all(sum(sent[day : day + 3]) == len(PEOPLE) for day in range(4, 12))
    assert max(sent[4:]) < len(PEOPLE), "spread over days"
    worlds.world.check_equal()


def test_a_run_that_died_is_made_up_for(worlds: MemoryWorlds) -> None:
    """The turn of a day counts as had only when all of it was sent."""
    worlds.run(PEOPLE)
    worlds.process()
    ages = Ages(worlds)
    ages.look()
    for _ in range(9):
        worlds.world.clock.pass_by(hours=24)
        worlds.run(PEOPLE, death=Death("push", 1, "before"))
        worlds.run(PEOPLE)
        worlds.process()
        ages.look()
    worlds.world.check_equal()


def test_a_platform_that_was_down_for_a_third_of_a_lifespan_loses_nobody(
    worlds: MemoryWorlds,
) -> None:
    worlds.run(PEOPLE)
    worlds.process()
    ages = Ages(worlds)
    ages.look()
    for hours in (24 * 6, 24 * 3, 24 * 3, 24 * 3, 24 * 3):
        worlds.world.clock.pass_by(hours=hours - 1)
        worlds.run(PEOPLE)
        worlds.process()
        ages.look()
    worlds.world.check_equal()


def test_a_full_resync_is_everyones_turn(worlds: MemoryWorlds) -> None:
    worlds.run(PEOPLE)
    worlds.process()
    worlds.world.clock.pass_by(hours=24 * 5)
    run(worlds.world.parts(), Wish("test", full=True))
    worlds.process()
    before = len(worlds.world.sent)
    worlds.run(PEOPLE)
    assert worlds.world.sent[before:] == []
