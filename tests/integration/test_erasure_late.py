"""An erasure that takes too long is told: by name of the place, once in the audit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.memory import Fail
from syncd.errors import Unavailable
from syncd.leaving.erasure import SETTLE
from syncd.leaving.lateness import Late, late
from tests.integration.commands import Desk, Hands, here
from tests.integration.erasures import ask, carry_on, closed, erase
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.test_erasure import ANNA, MEMBERS

LONG = 100  # faults, more than a command has patience for


@pytest.fixture
def world() -> Iterator[MemoryWorlds]:
    with memory_world(later=True) as made:
        made.run(MEMBERS)
        made.process()
        made.run(MEMBERS)
        yield made


def tardy(here: MemoryWorlds) -> tuple[Late, ...]:
    return late(here.world.ledger, now=here.world.clock.now(), settle=SETTLE)


def told(here: MemoryWorlds) -> list[str]:
    return [event.detail for event in here.world.ledger.events(kind="erasure_late")]


def test_one_whose_removal_is_not_accepted_for_72_hours(world: MemoryWorlds) -> None:
    asked = ask(world.world, ANNA)
    for hours, events in ((71, 0), (2, 1), (24, 1)):
        world.world.clock.pass_by(hours=hours)
        world.remote.script([Fail(Unavailable("memory_later", "down"))] * LONG)
        assert carry_on(world.world) != ()
        world.remote._steps.clear()
        assert len(told(world)) == len(tardy(world)) == events
    (said,) = told(world)
    assert f"Erasure {asked.id} is late: 73 h after it was asked for" in said
    assert "audience Everyone" in said
    assert "memory_later answered down" in said
    assert carry_on(world.world) == ()
    assert tardy(world) == (), "its removal was accepted"


def test_one_that_nobody_carries_on(world: MemoryWorlds) -> None:
    """It is removed, and then nothing runs that would confirm it."""
    erase(world.world, ANNA)
    world.process()
    world.world.clock.pass_by(hours=2 * 48 + 71)
    assert tardy(world) == ()
    world.world.clock.pass_by(hours=2)
    (found,) = tardy(world)
    assert "its removal has to settle" in found.places[0]


def test_one_that_goes_as_it_should_is_never_late(world: MemoryWorlds) -> None:
    asked = erase(world.world, ANNA)
    for _ in range(4):
        world.process()
        world.world.clock.pass_by(hours=49)
        assert tardy(world) == ()
        world.run(MEMBERS)
        assert carry_on(world.world) == ()
    assert closed(world.world, asked)
    assert told(world) == []


def test_status_says_which_audience_is_the_trouble(desk: Desk) -> None:
    clock = Hands()
    desk.join(*range(3))
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    desk.fault(kind="reset", method="remove", times=LONG)
    given = b"member1@example.com\n"
    assert here("erase", config=desk.config, clock=clock, given=given).code == 1
    assert "LATE" not in desk.syncd("status", clock=clock).out
    clock.pass_by(hours=73)
    for words in (("status",), ("erase", "--status")):
        out = desk.syncd(*words, clock=clock).out
        assert "LATE: erasure" in out
        assert "asked for 73 h ago" in out
        assert "audience Everyone" in out
    (shown,) = desk.syncd("status", "--json", clock=clock).json["late erasures"]
    assert len(shown["places"]) == 1
    (facts,) = desk.syncd("erase", "--status", "--json", clock=clock).json
    assert facts["late"] == shown["places"]
