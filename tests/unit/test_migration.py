"""What a membership remembers of changed rules."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from syncd.model import BatchState, Sizes
from tests.unit.membership_oracle import held
from tests.unit.membership_world import MembershipWorld, Person, cell

ANNA = {"a": Person((1,))}
OLD = ("email", cell("email", 1))


def window_begins_with_acceptance(directory: Path) -> None:
    world = MembershipWorld(directory)
    world.run(ANNA)
    world.rules = "salted"
    world.run(ANNA, ["lost"])
    world.now += timedelta(hours=49)
    world.run(ANNA)  # sent again, and accepted now
    world.now += timedelta(hours=47)
    early = world.run(ANNA).counts
    world.now += timedelta(hours=1)
    late = world.run(ANNA).counts

    assert (early.superseded, early.migrating) == (0, 1)
    assert (late.superseded, late.migrating) == (1, 0)


def wanted_again_is_forgotten(directory: Path) -> None:
    world = MembershipWorld(directory)
    world.run(ANNA)
    for rules in ("salted", "plain"):
        world.rules = rules
        world.run(ANNA)
        assert (OLD in held(world).outdated) == (rules == "salted")
    counts = world.run({"a": Person((2,))}).counts

    assert dict(counts.leaving.identifiers) == {"email": 1}
    assert counts.migrating == 1  # what the rules in between made


def test_the_window_begins_when_the_last_addition_was_accepted(tmp_path: Path) -> None:
    """Not when the rules changed: a lost request is sent again two days later."""
    window_begins_with_acceptance(tmp_path)


def test_what_is_wanted_again_is_not_outdated_any_more(tmp_path: Path) -> None:
    """When its member changes it later, that is no migration."""
    wanted_again_is_forgotten(tmp_path)


def test_a_late_outcome_does_not_bring_the_earlier_rules_back(tmp_path: Path) -> None:
    """A membership is of the rules of the last plan, whatever is taken in afterwards."""
    world = MembershipWorld(tmp_path)
    world.run(ANNA)
    (first,) = world.batches.values()
    world.rules = "salted"
    world.run(ANNA)
    world.batches[first.id] = replace(first, state=BatchState.FAILED, folded=BatchState.ACCEPTED)
    world.fold()

    assert world.generation is not None
    assert world.generation.rules == "salted"
    assert list(held(world).outdated) == [OLD]


def test_a_membership_that_was_never_migrated_has_nothing_outdated(tmp_path: Path) -> None:
    """Nor has a file that was written before there were migrations: the section is empty."""
    world = MembershipWorld(tmp_path)
    world.run(ANNA)
    assert held(world).outdated == {}


def test_the_guard_counts_one_identifier_by_two_digests_once(tmp_path: Path) -> None:
    """Also when the rules change again: two of one would leave, and no share allowed it."""
    world = MembershipWorld(tmp_path)
    for rules in ("plain", "salted"):
        world.rules = rules
        world.run(ANNA)
    world.rules = "few"
    _, found = world.compare({})

    assert (found.held, found.counts.removals) == ((), 2)
    assert found.counts.leaving == Sizes(1, {"email": 1})


def test_the_guard_counts_nobody_who_left_before(tmp_path: Path) -> None:
    """Bea is gone, but a row of hers under earlier rules has an address that is Anna's now."""
    world = MembershipWorld(tmp_path)
    world.run({"b": Person((1, 2))})
    world.rules = "few"
    world.run({"b": Person((), (2,))})
    world.rules = "plain"
    world.run(ANNA)
    world.now += timedelta(hours=1)
    _, found = world.compare({})

    assert (found.held, found.counts.leaving) == ((), Sizes(1, {"email": 1}))


def scenarios() -> None:
    """For `test_planted`: each on a membership of its own."""
    for scenario in (window_begins_with_acceptance, wanted_again_is_forgotten):
        with tempfile.TemporaryDirectory() as directory:
            scenario(Path(directory))
