"""A process that dies around any commit or push of `mode: remove` takes out all the same.

As `test_crash_points`: the world is copied at every point, and new processes carry on. Any
request to add would raise in the double of the connector.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.deaths import Death
from tests.integration.memory_worlds import MemoryWorlds, Person
from tests.integration.takings import EVERYBODY, OPEN, check_out, rest, taking_world
from tests.integration.test_crash_points import Deaths

FIRST = {key: EVERYBODY[key] for key in "abc"}
# Anna leaves, Bob's e-mail changes, Dee and Eve come.
SECOND = {
    "b": Person(("bob@example.ORG",), ("020 624 1111",)),
    **{key: EVERYBODY[key] for key in "cde"},
}


def lives_on(after: MemoryWorlds) -> None:
    """The next process dies soon too; the one after it takes everyone out and rests."""
    after.world.guard = OPEN
    after.run(SECOND, death=Death("commit", 2, "after"))
    rest(after, SECOND)
    check_out(after, SECOND)


@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_a_death_at_any_point_leaves_nobody_in(told: Callable[[str], None], *, later: bool) -> None:
    with taking_world(later=later) as here:
        deaths = Deaths(here, lives_on)
        here.world.wire.passing = deaths
        for members in (FIRST, SECOND):
            here.run(members)
            here.process()
    tried = sum(deaths.points.values())
    told(f"points tried: {tried}, {len(deaths.seen)} differ, violations: {len(deaths.violations)}")

    assert deaths.points["commit"] > 30
    assert deaths.points["push"] >= 8
    assert deaths.violations == []
