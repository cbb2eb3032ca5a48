"""What rows say of a member: when it is said again, and that it never decides who is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.model import Guard, Phase
from tests.unit.membership_oracle import opened, section
from tests.unit.membership_world import MembershipWorld, Person

STRICT = Guard(max_removed=0.0, max_removed_count=0, min_members=0)
BEN = Person((2,), value="7", limited="0")


def said(world: MembershipWorld, phase: Phase, name: str = "value") -> list[object]:
    """Of the rows that the world's last plan sends."""
    plan = list(world.plans.values())[-1]
    with opened(world, plan.path, plan.checksum) as reader:
        return [row[name] for row in section(reader, phase.value)]


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("100", "110", True),
        ("100", "90", True),
        ("100", "109.99", False),
        ("100", "90.01", False),
        ("0.3", "0.33", True),
        ("0.7", "0.77", True),
        ("0", "0.01", True),
        ("0", "0", False),
        ("0.01", "0", True),
        ("", "5", True),
        ("5", "", False),
        ("", "", False),
        (None, "5", True),
        ("5", None, False),
    ],
)
def test_promise_10_a_value_is_sent_again_once_it_moved_by_a_tenth(
    tmp_path: Path, before: str | None, after: str | None, *, sent: bool
) -> None:
    """As an addition, which no guard counts; a value that is gone is nothing to tell."""
    world = MembershipWorld(tmp_path, guard=STRICT)
    world.run({"a": Person((1,), value=before), "b": BEN})
    moved = {"a": Person((1,), value=after), "b": BEN}

    counts = world.run(moved).counts

    assert (counts.additions, counts.updated, counts.removals, counts.again) == (sent, sent, 0, 0)
    if sent:
        assert said(world, Phase.ADD) == [str(after).encode()]
    assert world.run(moved).counts.additions == 0


def test_small_steps_add_up_since_what_was_last_sent(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    sent = [
        world.run({"a": Person((1,), value=value)}).counts.additions
        for value in ("100", "104", "108", "112", "116", "120", "124")
    ]
    assert sent == [1, 0, 0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        ("0", "1", True),
        ("1", "0", True),
        ("1", "1", False),
        (None, "1", True),
        (None, "0", False),
        ("1", None, False),
        ("0", None, False),
    ],
)
def test_whose_use_is_limited_is_told_at_once_either_way(
    tmp_path: Path, before: str | None, after: str | None, *, sent: bool
) -> None:
    """A segment that begins to say so sends whom it limits; one that stops, nobody."""
    world = MembershipWorld(tmp_path, guard=STRICT)
    world.run({"a": Person((1,), limited=before), "b": BEN})

    counts = world.run({"a": Person((1,), limited=after), "b": BEN}).counts

    assert (counts.updated, counts.removals) == (sent, 0)


def test_who_leaves_is_taken_out_by_the_row_that_came_last(tmp_path: Path) -> None:
    """Also where the value moved since, too little to be sent."""
    world = MembershipWorld(tmp_path)
    for value in ("100", "200", "205"):
        world.run({"a": Person((1,), value=value, limited="1")})
    world.run({})
    assert said(world, Phase.REMOVE) == [b"200"]
    assert said(world, Phase.REMOVE, "limited_data_use") == [b"1"]
    assert world.platform.identifiers == frozenset()


def test_facts_alone_are_nobody(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    world.run({"a": BEN, "b": Person(value="9", limited="1")})
    assert [len(rows) for _, rows in world.sent] == [1]


AMOUNTS = st.none() | st.just("") | st.integers(0, 10_000).map(lambda n: f"{n / 100:g}")
CROWDS = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        Person,
        st.tuples(st.integers(1, 3)),
        value=AMOUNTS,
        limited=st.sampled_from([None, "0", "1"]),
    ),
    min_size=1,
)


@given(crowds=st.lists(CROWDS, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_facts_never_decide_who_is_there(
    tmp_path_factory: pytest.TempPathFactory, crowds: list[dict[str, Person]]
) -> None:
    """The same members without them leave the same identifiers, and a second run is quiet."""
    told = MembershipWorld(tmp_path_factory.mktemp("told"))
    plain = MembershipWorld(tmp_path_factory.mktemp("plain"))
    for crowd in crowds:
        told.run(crowd)
        plain.run({key: replace(one, value=None, limited=None) for key, one in crowd.items()})
        assert told.platform.identifiers == plain.platform.identifiers
    counts = told.run(crowds[-1]).counts
    assert (counts.additions, counts.removals, counts.again) == (0, 0, 0)
