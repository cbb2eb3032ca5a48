"""What travels beside identifiers: sent again when it changes, and never a loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncd.model import Guard, Phase
from tests.unit.membership_oracle import opened, section
from tests.unit.membership_world import MembershipWorld, Person, cell

STRICT = Guard(max_removed=0.0, max_removed_count=0, min_members=0)
ANNA = Person((1,), (1,), city=1)


def cities(world: MembershipWorld, phase: Phase) -> list[object]:
    """Of the rows that the world's last plan sends."""
    plan = list(world.plans.values())[-1]
    with opened(world, plan.path, plan.checksum) as reader:
        return [row["city"] for row in section(reader, phase.value)]


def test_a_member_who_moves_is_sent_once_more_and_nobody_leaves(tmp_path: Path) -> None:
    """As an addition: no guard counts it, however strict."""
    world = MembershipWorld(tmp_path, guard=STRICT)
    world.run({"a": ANNA, "b": Person((2,), city=1)})
    moved = {"a": replace(ANNA, city=2), "b": Person((2,), city=1)}

    counts = world.run(moved).counts

    assert (counts.additions, counts.updated, counts.removals, counts.again) == (1, 1, 0, 0)
    assert cities(world, Phase.ADD) == [cell("city", 2)]
    assert world.run(moved).counts.additions == 0


def test_a_city_that_is_gone_tells_the_platform_nothing(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    world.run({"a": ANNA})
    assert world.run({"a": replace(ANNA, city=0)}).counts.additions == 0


def test_who_leaves_is_taken_out_by_the_row_that_came_last(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,), city=1)})
    world.run({"a": Person((1,), city=2)})
    world.run({})
    assert cities(world, Phase.REMOVE) == [cell("city", 2)]
    assert world.platform.identifiers == frozenset()


@pytest.mark.parametrize("city", [0, 2])
def test_a_refused_row_is_tried_anew_once_its_details_are_others(tmp_path: Path, city: int) -> None:
    """It may have been refused for them."""
    world = MembershipWorld(tmp_path)
    members = {"a": ANNA, "b": Person((2,), city=1)}
    world.run(members, ["bad"])
    assert world.run(members).counts.additions == 0
    assert world.run(members | {"a": replace(ANNA, city=city)}).counts.additions == 1


def test_details_alone_are_nobody(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    world.run({"a": ANNA, "b": Person(city=1)})
    assert [len(rows) for _, rows in world.sent] == [1]
