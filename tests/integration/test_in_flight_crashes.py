"""A process that dies while several requests are under way loses nothing.

Around every commit and every request of two runs, while another request is under way, the world
is copied as it lies there: of those under way some took effect and were not heard of, and the
others never arrive. A new process carries on.
"""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

from syncd.runs import outbox
from tests.integration.deaths import Death
from tests.integration.flights import IN_FLIGHT, Course, chosen, flying, plainly
from tests.integration.memory_worlds import MemoryWorlds, Person
from tests.integration.test_crash_points import Deaths

FIRST = {f"{n:02}": Person((f"m{n}@example.com",), (f"020 624{n // 4:04}",)) for n in range(12)}
# A third leave, and their families' phones stay; a third have moved; some are new.
SECOND = {
    f"{n:02}": Person((f"m{n}@example.{'org' if n % 3 else 'com'}",), (f"020 624{n // 4:04}",))
    for n in range(15)
    if n % 3 != 1
}


def lives_on(after: MemoryWorlds) -> None:
    after.world.check()
    after.settle_down(SECOND)


def test_a_death_with_several_requests_under_way_loses_nothing(told: Callable[[str], None]) -> None:
    course = Course([2, 1, 0] * 20, [True, False] * 30)
    uncertain: list[int] = []
    with flying(plainly) as here, patch.object(outbox, "Flight", chosen(course)):
        deaths = Deaths(here, lives_on)

        def passing(point: Death) -> None:
            if course.now > 1:
                uncertain.append(len(here.world.ledger.unfinished(*here.world.at)))
                held = course.now, list(course.picks), list(course.early)
                deaths(point)
                course.now, course.picks, course.early = held

        here.world.wire.passing = passing
        for members in (FIRST, SECOND):
            here.run(members)
        here.world.check_equal()
    tried = sum(deaths.points.values())
    told(f"points tried: {tried}, {len(deaths.seen)} differ; violations: {len(deaths.violations)}")
    assert max(uncertain) == IN_FLIGHT
    assert tried >= 20
    assert deaths.violations == []
