"""A process that dies around any commit or push of a replacement loses nobody.

At every such point the world is copied as a killed process would leave it, and lives on.
"""

from __future__ import annotations

import pytest

from syncd.sync import Result
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.replacements import MEMBERS, let_others_in, reconcile, told, works
from tests.integration.test_crash_points import Deaths


def is_over(after: MemoryWorlds) -> None:
    """Nothing is left of it, and one that is begun anew ends well."""
    found = after.world.ledger.audience_of("all")
    assert found is not None
    assert (found.replace_begun_at, found.replace_sent_at) == (None, None), "it is not over"
    after.world.check_nobody_missed()
    assert after.world.ledger.verify().ok


def lives_on_by_session(after: MemoryWorlds) -> None:
    """The next run waits for the platform; the one after it makes everything good."""
    after.world.check()
    after.run(MEMBERS)
    after.world.check()
    after.world.clock.pass_by(hours=2)
    found = after.run(MEMBERS)
    assert isinstance(found, Result), found
    after.world.check()
    is_over(after)
    after.world.check_quiet()


def lives_on_by_cutoff(after: MemoryWorlds) -> None:
    """Nobody is missing at any time; whoever replaces again gets the others out."""
    expected = after.world.expected()
    assert expected <= after.world.identifiers & after.world.persons, "somebody is missing"
    after.world.check()
    after.process()
    found = after.run(MEMBERS)
    assert isinstance(found, Result), found
    after.process()
    after.world.check()
    is_over(after)
    if "audience_replaced" not in told(after):
        works(after)
        found = reconcile(after, MEMBERS)
        assert isinstance(found, Result), found
        after.world.check_equal()


@pytest.mark.slow
@pytest.mark.parametrize("lingers", [False, True], ids=["at once", "lingering"])
def test_a_death_at_any_point_of_a_session_loses_nobody(*, lingers: bool) -> None:
    with memory_world(later=False, batch_rows=3) as here:
        here.run(MEMBERS)
        let_others_in(here)
        here.remote.lingers = lingers
        deaths = Deaths(here, lives_on_by_session)
        found = reconcile(here, MEMBERS, passing=deaths)
        print(f"points: {deaths.points}, {len(deaths.seen)} differ; {found}")
        assert deaths.points["push"] == 4
        assert deaths.points["commit"] > 20
        assert deaths.violations == []


@pytest.mark.slow
def test_a_death_at_any_point_of_a_cut_off_loses_nobody() -> None:
    with memory_world(later=True, batch_rows=3) as here:
        works(here)
        here.run(MEMBERS)
        here.process()
        here.run(MEMBERS)
        let_others_in(here)
        deaths = Deaths(here, lives_on_by_cutoff)
        found = reconcile(here, MEMBERS, passing=deaths)
        assert isinstance(found, Result), found
        print(f"points: {deaths.points}, {len(deaths.seen)} differ")
        assert deaths.points["push"] == 6
        assert deaths.points["commit"] > 20
        assert deaths.violations == []
