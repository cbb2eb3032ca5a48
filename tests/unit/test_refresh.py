"""Members are sent again before the platform ends their membership, a slice a day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Phase, Refresh
from syncd.plan import ReferencePlan
from syncd.runs.refresh import refresh
from tests.unit.membership_oracle import opened as file_of
from tests.unit.membership_oracle import planned, section
from tests.unit.membership_world import MembershipWorld, Person

DAY = timedelta(days=1)
YEAR_AND_A_HALF = timedelta(days=540)
CLAIMED = datetime(2026, 1, 1, 15, tzinfo=UTC)


def due(
    day: float, *, last: float | None = None, lifespan: timedelta | None = YEAR_AND_A_HALF
) -> Refresh | None:
    """What is due so many days after the audience was claimed."""
    done = None if last is None else CLAIMED + last * DAY
    return refresh(lifespan, claimed_at=CLAIMED, refreshed_at=done, now=CLAIMED + day * DAY)


def days(found: Refresh | None) -> int:
    return 0 if found is None else found.until - found.after


def test_where_members_stay_for_ever_nobody_is_sent_again() -> None:
    assert due(10_000, lifespan=None) is None


def test_nobody_is_due_in_the_first_third_of_a_lifespan() -> None:
    assert due(180.3) is None
    assert days(due(181)) == 1
    assert days(due(200)) == 20


def test_what_was_done_today_is_not_due_again_before_midnight() -> None:
    assert due(200.3, last=200.1) is None
    assert days(due(201, last=200.1)) == 1


def test_a_clock_that_went_back_waits_and_loses_no_day() -> None:
    assert due(200, last=565) is None
    assert days(due(201, last=200)) == 1


def test_the_shortest_lifespan_has_everyone_sent_daily() -> None:
    found = due(5, last=4, lifespan=DAY)
    assert found is not None
    assert (found.period, days(found)) == (1, 1)


@given(gaps=st.lists(st.floats(0.01, 70), min_size=1, max_size=30), lifespan=st.integers(3, 600))
def test_every_day_has_its_turn_once(gaps: list[float], lifespan: int) -> None:
    """However irregular the runs are: no slot is passed over, none is sent twice for one turn."""
    now, last, turns = 0.0, None, Counter[int]()
    for gap in gaps:
        now += gap
        found = due(now, last=last, lifespan=lifespan * DAY)
        if found is not None:
            turns.update(range(found.after + 1, found.until + 1))
        last = now
    first = (CLAIMED + (lifespan // 3) * DAY).toordinal() + 1
    end = (CLAIMED + now * DAY).toordinal()
    epoch = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    assert turns == Counter(day - epoch for day in range(first, end + 1))


@pytest.fixture
def world(tmp_path: Path) -> MembershipWorld:
    return MembershipWorld(tmp_path, batch_rows=100)


PEOPLE = {f"k{n:02}": Person(emails=(n,), phones=(n // 2,)) for n in range(40)}


def sent_again(world: MembershipWorld, turn: Refresh | None) -> frozenset[str]:
    """Keys of the plan's additions."""
    plan, found = world.compare(PEOPLE, refresh=turn)
    with file_of(world, plan.path, plan.checksum) as reader:
        rows = section(reader, Phase.ADD.value)
    assert found.counts.refreshed == found.counts.additions == len(rows)
    assert (found.counts.removals, found.counts.again) == (0, 0)
    assert found.counts.unchanged == len(PEOPLE) - len(rows)
    return frozenset(str(row["key"]) for row in rows)


def test_in_one_period_everyone_is_sent_again_once(world: MembershipWorld) -> None:
    world.run(PEOPLE)
    slices = [sent_again(world, Refresh(7, day, day + 1)) for day in range(20_000, 20_007)]
    assert Counter(key for keys in slices for key in keys) == Counter(
        f"{k.encode()!r}" for k in PEOPLE
    )
    assert sum(map(bool, slices)) > 3, "one slot holds nearly all"
    assert sent_again(world, Refresh(7, 20_000, 20_003)) == slices[0] | slices[1] | slices[2]
    assert sent_again(world, Refresh(7, 20_000, 20_090)) == frozenset().union(*slices)
    assert sent_again(world, None) == frozenset()


def test_members_are_spread_over_all_slots(world: MembershipWorld) -> None:
    """Also where the period is a power of two: faces divide as whole numbers."""
    world.run(PEOPLE)
    for period in (4, 8):
        assert all(
            sent_again(world, Refresh(period, 20_000 + n, 20_001 + n)) for n in range(period)
        )


def test_one_who_was_refused_is_not_asked_for_again(world: MembershipWorld) -> None:
    world.batch_rows = 1
    world.run(PEOPLE, ["bad"])
    assert len(sent_again(world, Refresh(1, 20_000, 20_001))) == len(PEOPLE) - 1


def test_a_refresh_changes_nothing_else_in_a_plan(world: MembershipWorld) -> None:
    world.run(PEOPLE)
    changed = dict(list(PEOPLE.items())[5:]) | {"new": Person(emails=(99,))}
    plain, _ = world.compare(changed)
    turn, found = world.compare(changed, refresh=Refresh(1, 20_000, 20_001))
    nobody: frozenset[Any] = frozenset()
    empty = ReferencePlan(*[nobody] * 8)
    one, other = planned(world, plain, empty), planned(world, turn, empty)
    assert (one.remove, one.again) == (other.remove, other.again)
    assert one.add == {b"new"}
    assert other.add | other.again == {key.encode() for key in changed}
    assert found.counts.refreshed == len(other.add) - 1
