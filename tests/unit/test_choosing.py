"""What the guard is asked about is the whole audience, however a comparison is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syncd.membership import folding, sifting
from syncd.model import Guard, Phase, Sizes
from tests.unit.membership_world import MembershipWorld, Person

CAREFUL = Guard(max_removed=0.3, min_members=10)


@pytest.fixture(params=[1, 100_000])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MembershipWorld:
    """Fifty members, each alone; whom a change reaches is compared one by one, or all at once."""
    for where in (sifting, folding):
        monkeypatch.setattr(where, "MOST", request.param)
    made = MembershipWorld(tmp_path, guard=CAREFUL)
    made.run(crowd(1, 51))
    return made


def crowd(first: int, last: int) -> dict[str, Person]:
    return {f"m{n:03}": Person((n,), (n,)) for n in range(first, last)}


def test_a_few_who_leave_are_few_of_all(world: MembershipWorld) -> None:
    """Who stays as they are is in no table, and counts as staying."""
    plan, _ = world.compare(crowd(6, 51))
    assert plan.held == ()
    assert (plan.counts.leaving.members, plan.counts.removals) == (5, 5)


def test_who_joins_makes_up_for_nobody_and_is_counted(world: MembershipWorld) -> None:
    """Sixteen of fifty leave, more than 30 %, though a hundred come."""
    plan, _ = world.compare(crowd(17, 151))
    assert plan.held == (
        "16 of 50 members would leave (32%, max_removed is 30%)",
        "16 of 50 email identifiers would leave (32%, max_removed is 30%)",
        "16 of 50 phone identifiers would leave (32%, max_removed is 30%)",
    )
    assert plan.counts.additions == 100
    assert plan.counts.removals == 0


def test_who_joins_makes_up_for_a_loss_of_earlier_days(world: MembershipWorld) -> None:
    """Of 120 in the last seven days 50 were left; with a hundred new ones nothing is lost."""
    earlier = Sizes(120, {"email": 120, "phone": 120})
    joined = replace(world.comparison(crowd(2, 151)), reference=earlier)
    assert world.membership.plan(joined).held == ()
    alone = replace(world.comparison(crowd(2, 51)), reference=earlier)
    assert "71 of 120 email identifiers would leave" in " ".join(world.membership.plan(alone).held)


def test_an_approval_lets_exactly_those_go(world: MembershipWorld) -> None:
    """Whom it does not name, in whichever part, is a new hold, and counted."""
    held, _ = world.compare(crowd(17, 51))
    same, _ = world.compare(crowd(17, 51), approved=[held])
    more, _ = world.compare(crowd(19, 51), approved=[held])
    assert (same.held, same.counts.removals) == ((), 16)
    assert more.held == ("4 identifiers would leave that the approved plan does not name",)
    assert more.counts.removals == 16


def test_what_was_chosen_is_written_once(world: MembershipWorld) -> None:
    """Out and in, part after part: the audience is as the segment says, and then rests."""
    world.run(crowd(6, 61))
    assert world.platform.identifiers == world.wanted(crowd(6, 61))
    before = len(world.sent)
    world.run(crowd(6, 61))
    assert world.sent[before:] == []
    assert [phase for phase, _ in world.sent].count(Phase.AGAIN) == 0
