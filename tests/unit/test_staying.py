"""Whoever is near a line keeps the state that they are in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import ConfigError
from syncd.model import WOULD_STAY
from syncd.segments import Number, catalogue, catalogue_query, check_staying
from syncd.segments.base import BIND
from syncd.segments.macros import Dialect
from syncd.segments.shipped import without_comments
from tests.segment_samples import required
from tests.unit.membership_world import (
    SETTLE,
    Identifier,
    MembershipWorld,
    Person,
    cells,
    identifiers,
)

ENTER, STAY = 4, 6  # a member's place among ten: below the one one enters, below the other stays
PEOPLE = {f"m{n}": Person((n,), (n,)) for n in range(1, 9)}
MOMENTS = st.lists(
    st.fixed_dictionaries({key: st.integers(0, 9) for key in PEOPLE}), min_size=3, max_size=4
)


def snapshot(places: dict[str, int]) -> dict[str, Person]:
    """What a query says of both lines."""
    return {
        key: replace(PEOPLE[key], stays=place >= ENTER)
        for key, place in places.items()
        if place < STAY
    }


def held(world: MembershipWorld) -> frozenset[Identifier]:
    return frozenset(one for one in world.platform.identifiers)


def theirs(keys: set[str]) -> frozenset[Identifier]:
    return frozenset().union(*(identifiers(cells(PEOPLE[key])) for key in keys))


@settings(max_examples=12, deadline=None)
@given(moments=MOMENTS, hours=st.sampled_from([1, 60]))
def test_between_the_lines_each_keeps_the_state_they_are_in(
    tmp_path_factory: pytest.TempPathFactory, moments: list[dict[str, int]], hours: int
) -> None:
    """In whichever order, whether what was removed has settled or not."""
    world = MembershipWorld(tmp_path_factory.mktemp("w"))
    members: set[str] = set()
    for places in moments:
        members = {k for k, p in places.items() if p < ENTER or (p < STAY and k in members)}
        found = world.run(snapshot(places))
        assert held(world) == theirs(members)
        assert found.counts.wanted == len(members)
        near = {k for k, p in places.items() if ENTER <= p < STAY} - members
        assert found.counts.lost == ({WOULD_STAY: len(near)} if near else {})
        world.now += timedelta(hours=hours)


@settings(max_examples=4, deadline=None)
@given(places=st.lists(st.integers(0, STAY - 1), min_size=2, max_size=3))
def test_nothing_at_all_is_sent_for_who_moves_within_the_margin(
    tmp_path_factory: pytest.TempPathFactory, places: list[int]
) -> None:
    """Once they have entered: no removal, no addition, and no second sending."""
    world = MembershipWorld(tmp_path_factory.mktemp("w"))
    world.run(snapshot(dict.fromkeys(PEOPLE, 0)))
    sent = len(world.sent)
    for place in places:
        world.run(snapshot(dict.fromkeys(PEOPLE, place)))
    assert len(world.sent) == sent


def test_who_left_does_not_come_back_by_the_wider_line_before_it_has_settled(
    tmp_path: Path,
) -> None:
    world = MembershipWorld(tmp_path)
    world.run(snapshot(dict.fromkeys(PEOPLE, 0)))
    world.run(snapshot({**dict.fromkeys(PEOPLE, 0), "m3": 8}))
    for _ in range(3):
        counts = world.run(snapshot({**dict.fromkeys(PEOPLE, 0), "m3": 5})).counts
        assert (counts.additions, counts.again) == (0, 0)
        assert held(world) == theirs(set(PEOPLE) - {"m3"})
        world.now += SETTLE / 2


def test_a_phone_that_only_somebody_near_has_too_leaves(tmp_path: Path) -> None:
    """They hold nothing there, for they are no member."""
    world = MembershipWorld(tmp_path)
    family = {"m1": Person((1,), (1,)), "m2": Person((2,), (1,), stays=True), "m3": Person((3,))}
    world.run(family)
    world.run({key: family[key] for key in ("m2", "m3")})
    assert held(world) == identifiers(cells(family["m3"]))


@pytest.mark.parametrize("full", [False, True])
def test_who_stays_is_looked_after_like_any_member(tmp_path: Path, full: bool) -> None:  # noqa: FBT001
    """Another e-mail, a relative who left, a full resync: none of it is a reason to leave."""
    world = MembershipWorld(tmp_path)
    world.run({"m1": Person((1,), (1,)), "m2": Person((2,), (1,)), "m3": Person((3,))})
    now = {"m1": Person((9,), (1,), stays=True), "m3": Person((3,), stays=True)}
    counts = world.run(now, full=full).counts
    assert (counts.wanted, counts.lost) == (2, {})
    assert held(world) == frozenset().union(*(identifiers(cells(one)) for one in now.values()))


def test_the_control_and_other_arms_are_of_those_who_become_members(tmp_path: Path) -> None:
    world = MembershipWorld(tmp_path)
    counts = world.run(
        {
            "a": Person((1,), held_out=True, stays=True),
            "b": Person((2,), held_out=True),
            "c": Person((3,), elsewhere=True, stays=True),
            "d": Person((4,), consent=2, stays=True),
            "e": Person((5,)),
        }
    ).counts
    assert counts.lost == {"held out": 1, WOULD_STAY: 2, "denied": 1}
    assert counts.additions == 1


@pytest.mark.parametrize(
    ("name", "given", "stay", "why"),
    [
        ("whales", {}, {"share": 0.8}, "`stay` says what `with` and the defaults say already"),
        ("whales", {}, {"share": 1.5}, "it must lie from 0.01 to 1"),
        ("whales", {}, {"shar": 0.9}, "has no parameter 'shar'"),
        ("likely_to_buy", {}, {"top": 0.3}, "a model chooses its members"),
        ("sale_buyers", {}, {"window": 900}, "`stay` cannot have a window of its own"),
        ("one_time", {}, {"min": 400}, "leaves nothing of max"),
    ],
)
def test_a_stay_that_cannot_be_meant_is_refused(
    name: str, given: dict[str, object], stay: dict[str, object], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        check_staying(name, given, stay)


def test_values_for_staying_have_binds_of_their_own() -> None:
    query = catalogue_query(
        "biggest_spenders",
        parameters={"top": 0.2},
        as_of=datetime(2026, 5, 1, tzinfo=UTC),
        timezone="UTC",
        dialect="sqlite",
        stay={"top": 0.25, "window": 400},
    )
    assert {name: query.parameters[name] for name in ("top", "stay_top")} == {
        "top": 0.2,
        "stay_top": 0.25,
    }
    enters, stays = (query.parameters[name] for name in ("window_ago", "stay_window_ago"))
    assert isinstance(enters, datetime)
    assert isinstance(stays, datetime)
    assert enters > stays
    assert query.figures == ("stays",)


def other(parameter: Number) -> float | None:
    """Another value than the sample's that a parameter may have."""
    usual = parameter.low if parameter.default is None else parameter.default
    found = min(usual * 1.05, parameter.high)
    found = round(found + 0.5) if parameter.whole and found != usual else found
    return found if found != usual and found <= parameter.high else None


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "duckdb"])
def test_every_segment_of_the_catalogue_takes_other_values_or_says_why_not(
    dialect: Dialect,
) -> None:
    """What is asked is given, apart for both lines."""
    taken, refused = 0, list[str]()
    for segment in catalogue():
        for parameter in segment.parameters:
            if not isinstance(parameter, Number) or segment.instead:
                continue
            given, value = required(segment), other(parameter)
            if value is None or parameter.name in given:
                continue
            try:
                query = catalogue_query(
                    segment.name,
                    parameters=given,
                    as_of=datetime(2026, 5, 1, tzinfo=UTC),
                    timezone="UTC",
                    dialect=dialect,
                    stay={parameter.name: value},
                )
            except ConfigError as error:
                refused.append(f"{segment.name}.{parameter.name}: {error}")
                continue
            asked = set(BIND.findall(without_comments(query.sql)))
            assert asked == set(query.parameters), segment.name
            assert "AS stays" in query.sql
            taken += 1
    assert taken > 40
    assert {one.split(":")[0] for one in refused} <= {
        "sale_buyers.window",
        "full_price_buyers.window",
    }
