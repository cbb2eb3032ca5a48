"""What a platform accepted and never works on keeps nothing waiting, and may land late.

On a platform that works later; a request that was given up takes effect after its opposite.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncd.model import BatchState, Phase, RunState
from syncd.sync import Result
from tests.integration.erasures import became, carry_on, closed, erase
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world

HOME = "020 624 1111"
ANNA = Person(("anna@example.com",), (HOME,))
BOB, ZOE = Person(("bob@example.com",), (HOME,)), Person(("zoe@example.com",))
ALL = {"a": ANNA, "b": BOB, "z": ZOE}
BOTH, REST = {"a": ANNA, "z": ZOE}, {"z": ZOE}


@pytest.fixture
def here() -> Iterator[MemoryWorlds]:
    with memory_world(later=True) as made:
        yield made


def finished(found: object) -> Result:
    assert isinstance(found, Result), found
    return found


def given_up(here: MemoryWorlds) -> list[dict[str, int]]:
    """The numbers of each time that requests were given up."""
    return [dict(e.counts) for e in here.world.ledger.events(kind="batch_given_up")]


def only_new(here: MemoryWorlds, *old: str) -> None:
    """All but these old requests take effect."""
    here.remote.process([one for one in here.remote.pending if one not in old])


def test_an_addition_under_way_for_ever_does_not_keep_a_removal_waiting(
    here: MemoryWorlds,
) -> None:
    finished(here.run(BOTH))
    here.world.clock.pass_by(hours=71)
    assert finished(here.run(REST)).plan.counts.waiting_removals == 2
    assert given_up(here) == []

    here.world.clock.pass_by(hours=2)
    found = finished(here.run(REST))
    assert (found.plan.counts.waiting_removals, found.pushed[Phase.REMOVE]) == (0, 1)
    assert given_up(here) == [{"batches": 1, "additions": 2, "removals": 0}]
    (event,) = here.world.ledger.events(kind="batch_given_up")
    assert "within 72 h" in event.detail
    assert "may still take effect" in event.detail
    here.process()
    here.settle_down(REST)


def test_an_addition_that_was_given_up_and_lands_after_the_removal_is_removed_again(
    here: MemoryWorlds,
) -> None:
    finished(here.run(BOTH))
    (old,) = here.remote.pending
    here.world.clock.pass_by(hours=73)
    finished(here.run(BOTH))
    only_new(here, old)
    finished(here.run(REST))
    only_new(here, old)
    here.world.check_equal()

    here.world.clock.pass_by(hours=47)
    here.remote.process([old])
    assert here.world.identifiers != here.world.expected(), "it landed late"
    here.world.check()
    here.world.clock.pass_by(hours=2)
    finished(here.run(REST))
    here.world.check()
    here.process()
    here.settle_down(REST)


def test_a_removal_that_was_given_up_is_planned_again(here: MemoryWorlds) -> None:
    finished(here.run(ALL))
    here.process()
    finished(here.run(REST))
    (old,) = here.remote.pending
    here.world.clock.pass_by(hours=73)
    found = finished(here.run(REST))
    assert found.pushed[Phase.REMOVE] == 2
    assert given_up(here) == [{"batches": 1, "additions": 0, "removals": 2}]
    only_new(here, old)
    here.world.check_equal()
    here.remote.process([old])
    here.settle_down(REST)


def test_a_removal_that_was_given_up_and_lands_after_the_return_is_made_good(
    here: MemoryWorlds,
) -> None:
    """To the platform Anna and Bob are one person: the late removal takes both out."""
    finished(here.run(ALL))
    here.process()
    finished(here.run({"b": BOB, **REST}))
    (old,) = here.remote.pending
    here.world.clock.pass_by(hours=73)
    finished(here.run(ALL))
    only_new(here, old)
    here.world.check_equal()

    here.remote.process([old])
    assert here.world.persons != here.world.expected(), "it landed late"
    here.world.clock.pass_by(hours=48)
    finished(here.run(ALL))
    here.process()
    here.settle_down(ALL)


def test_a_request_that_the_platform_does_not_know_is_given_up_at_once(
    here: MemoryWorlds,
) -> None:
    first = finished(here.run(BOTH))
    here.remote._work.clear()
    finished(here.run(BOTH))
    assert len(given_up(here)) == 1
    (batch, *_) = here.world.ledger.batches(first.plan.id)
    assert (batch.state, batch.doubtful) == (BatchState.FAILED, True)
    assert here.world.ledger.answers(first.plan.id)[batch.id].code == "FORGOTTEN"
    (run,) = (run for run in here.world.ledger.runs("all") if run.id == first.run.id)
    assert run.state is RunState.PARTIAL
    here.process()
    here.settle_down(BOTH)


def test_an_erasure_is_confirmed_after_an_addition_that_it_overtook_was_given_up(
    here: MemoryWorlds,
) -> None:
    """It does not wait for additions, so what was given up may land after both removals."""
    finished(here.run(BOTH))
    (old,) = here.remote.pending
    asked = erase(here.world, ANNA.emails[0])
    only_new(here, old)
    for _ in range(2):  # confirmed; then the addition is given up
        here.world.clock.pass_by(hours=49)
        finished(here.run(BOTH))
        assert carry_on(here.world) == ()
        only_new(here, old)
    assert len(given_up(here)) == 1
    here.remote.process([old])
    here.world.check()
    for _ in range(2):
        assert not closed(here.world, asked)
        here.world.clock.pass_by(hours=49)
        finished(here.run(BOTH))
        here.process()
        assert carry_on(here.world) == ()
        here.world.check()
    assert closed(here.world, asked)
    assert became(here.world, asked).confirmed_at is not None
    assert len(here.world.identifiers) == 1, "Zoe alone"
