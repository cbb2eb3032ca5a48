"""A process that dies around any commit or push of a retirement loses nothing of it."""

from __future__ import annotations

from functools import partial

import pytest

from connectors.memory import LoseAnswer
from syncd.leaving.retiring import Retired
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.retirements import known, orphan, visit
from tests.integration.test_crash_points import Deaths
from tests.integration.test_erasure import stored
from tests.integration.test_retiring import GROWN, MEMBERS, At, held


def lives_on(after: MemoryWorlds, at: At) -> None:
    """Whoever calls again carries on, until nothing is left there and nothing is kept."""
    found = None
    for _ in range(4):
        if known(after.world, at).state == "retired":
            break
        found = visit(after.world, at)
        assert isinstance(found, Retired)
        assert found.exit_code in {0, 75}
        after.process()
        after.world.clock.pass_by(hours=49)
    assert known(after.world, at).state == "retired", f"it never ends: {found}"
    assert held(after, at) == frozenset(), "somebody is left there"
    assert not stored(after), "digests are left in our files"
    ended = [run.ended_at for run in after.world.ledger.runs("(retirement)")]
    assert ended.count(None) <= 1, "a run never ended"
    assert after.world.ledger.verify().ok


@pytest.mark.slow
@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_a_death_at_any_point_of_a_retirement_loses_nothing(*, later: bool) -> None:
    """Two additions of it were never answered."""
    with memory_world(later=later) as here:
        for _ in range(2):
            here.run(MEMBERS)
            here.process()
        here.run(GROWN, [LoseAnswer()] * 100)
        at = orphan(here)
        deaths = Deaths(here, partial(lives_on, at=at))
        here.world.wire.passing = deaths
        for _ in range(3):
            visit(here.world, at)
            here.process()
            here.world.clock.pass_by(hours=49)
        assert known(here.world, at).state == "retired"
        print(f"points: {deaths.points}, {len(deaths.seen)} differ")
        assert len(deaths.seen) > 20
        assert deaths.violations == []
