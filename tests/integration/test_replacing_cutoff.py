"""An audience is replaced by a cut-off: everyone who is wanted is sent, then others are out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors.memory import GoThrough, LoseAnswer, Step
from syncd.errors import Unreplaced
from syncd.sync import Result
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.replacements import FOREIGN, MEMBERS, filled, reconcile, works


@pytest.fixture
def cutoff() -> Iterator[MemoryWorlds]:
    """Our members are in, and so are another tool's."""
    with memory_world(later=True) as made:
        yield filled(made)


@pytest.mark.parametrize("seed", range(6))
def test_nobody_who_is_wanted_is_ever_missing(seed: int) -> None:
    """Looked at whenever the platform did something, in both views, whatever its order."""
    with memory_world(later=True) as here:
        filled(here)
        works(here, seed=seed)
        clock = vars(here.world.clock)
        work, moments = clock["work"], []

        def watched() -> None:
            work()
            moments.append(here.world.identifiers)
            here.world.check_nobody_missed()

        clock["work"] = watched
        assert isinstance(reconcile(here, MEMBERS), Result)
        assert len(moments) > 1
        assert moments[0] >= FOREIGN
        here.world.check_equal()


def test_a_cut_that_lands_much_later_takes_out_nobody_who_is_wanted(cutoff: MemoryWorlds) -> None:
    """Its answer was lost, and it was asked again; the first one comes days later."""
    kept: list[str] = []

    def work() -> None:
        pending = cutoff.remote.pending
        cuts = [one for one in pending if cutoff.remote._work[one].operation is None]
        kept.extend(cuts[:1] if not kept else ())
        cutoff.remote.process([one for one in pending if one not in kept])

    vars(cutoff.world.clock)["work"] = work
    everyone = -(-len(MEMBERS) // 2)
    script: list[Step] = [*[GoThrough()] * everyone, LoseAnswer()]
    assert isinstance(reconcile(cutoff, MEMBERS, script), Result)
    assert kept
    cutoff.world.check_equal()
    after = MEMBERS | {"g": Person(("gus@example.com",))}
    cutoff.world.clock.pass_by(hours=72)
    cutoff.run(after)
    cutoff.process()
    cutoff.settle_down(after)


def test_nobody_is_taken_out_where_an_addition_failed(cutoff: MemoryWorlds) -> None:
    def work() -> None:
        cutoff.process(fail={0})

    vars(cutoff.world.clock)["work"] = work
    found = reconcile(cutoff, MEMBERS)
    assert isinstance(found, Unreplaced), found
    assert "nobody was taken out" in str(found)
    assert cutoff.world.identifiers >= FOREIGN
    assert not [w for w in cutoff.remote._work.values() if w.operation is None], "no cut"


def test_nobody_is_taken_out_while_an_addition_is_under_way(cutoff: MemoryWorlds) -> None:
    """For longer than the run stays."""
    vars(cutoff.world.clock)["work"] = lambda: cutoff.process(left=1)
    begun = cutoff.world.clock.now()
    found = reconcile(cutoff, MEMBERS)
    assert isinstance(found, Unreplaced), found
    assert cutoff.world.clock.now() - begun > timedelta(hours=24)
    assert cutoff.world.identifiers >= FOREIGN
    assert not [w for w in cutoff.remote._work.values() if w.operation is None], "no cut"


def test_a_cut_that_fails_is_told(cutoff: MemoryWorlds) -> None:
    def work() -> None:
        pending = cutoff.remote.pending
        cuts = {one for one in pending if cutoff.remote._work[one].operation is None}
        cutoff.remote.process(pending, fail=cuts)

    vars(cutoff.world.clock)["work"] = work
    found = reconcile(cutoff, MEMBERS)
    assert isinstance(found, Unreplaced), found
    assert "may hold others" in str(found)
    cutoff.world.check_nobody_missed()
    works(cutoff)
    assert isinstance(reconcile(cutoff, MEMBERS), Result)
    cutoff.world.check_equal()
