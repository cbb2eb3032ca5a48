"""A process that dies around any commit or push of an erasure loses nothing of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.erasures import ask, carry_on
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.test_crash_points import Deaths
from tests.integration.test_erasure import ANNA, ANNAS, MEMBERS


def lives_on(after: MemoryWorlds) -> None:
    """Runs go on, the shop still has the person; then the erasure is over."""
    if not after.world.ledger.erasures.all():
        return  # it was never asked for: whoever asked was told so
    (asked,) = after.world.ledger.erasures.all()
    for hours in (0, 49, 49):
        after.world.clock.pass_by(hours=hours)
        after.run(MEMBERS)  # the run removes, whatever `syncd erase` did not come to
        after.process()
        if hours:
            assert carry_on(after.world) == ()
        held = after.world.identifiers | after.world.persons
        assert not ANNAS & held, "the person is there"
        after.world.check()
    (told,) = (t for t in after.world.ledger.erasures.told(asked.id) if t.audience)
    assert told.confirmed_at is not None, "it was never confirmed"
    assert told.purged_at is not None, "it was never purged"


@pytest.mark.slow
@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_a_death_at_any_point_of_an_erasure_loses_nothing(
    told: Callable[[str], None], *, later: bool
) -> None:
    with memory_world(later=later) as here:
        for _ in range(2):
            here.run(MEMBERS)
            here.process()
        deaths = Deaths(here, lives_on)
        here.world.wire.passing = deaths
        ask(here.world, ANNA)
        assert carry_on(here.world) == ()
        here.process()
        here.world.clock.pass_by(hours=49)
        assert carry_on(here.world) == ()
        told(f"points tried: {sum(deaths.points.values())}, violations: {len(deaths.violations)}")
        assert len(deaths.seen) > 10
        assert deaths.violations == []
