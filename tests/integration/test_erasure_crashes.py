"""A process that dies around any commit or push of an erasure loses nothing of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.integration.deaths import Death
from tests.integration.erasures import ask, carry_on
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.test_erasure import ANNA, ANNAS, MEMBERS


@dataclass
class Deaths:
    """Dies at every point that a world passes, and lives on each time."""

    here: MemoryWorlds
    points: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    kept: int = 0
    violations: list[str] = field(default_factory=list)

    def __call__(self, point: Death) -> None:
        self.points[point.what] += 1
        moment = self.here.fingerprint()
        if moment in self.seen:
            return
        self.seen.add(moment)
        with self.here.copied() as after:
            if not after.world.ledger.erasures.all():
                return  # it was never asked for: whoever asked was told so
            self.kept += 1
            try:
                lives_on(after)
            except AssertionError as error:
                self.violations.append(f"{point}: {error}")


def lives_on(after: MemoryWorlds) -> None:
    """Runs go on, the shop still has the person; then the erasure is over."""
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
def test_a_death_at_any_point_of_an_erasure_loses_nothing(*, later: bool) -> None:
    with memory_world(later=later) as here:
        for _ in range(2):
            here.run(MEMBERS)
            here.process()
        deaths = Deaths(here)
        here.world.wire.passing = deaths
        ask(here.world, ANNA)
        assert carry_on(here.world) == ()
        here.process()
        here.world.clock.pass_by(hours=49)
        assert carry_on(here.world) == ()
        print(f"points: {deaths.points}, {len(deaths.seen)} differ, {deaths.kept} lived on")
        assert deaths.kept > 10
        assert deaths.violations == []
