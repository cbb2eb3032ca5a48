"""Planning and folding: whole histories against a platform in two views."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership import folding, sifting
from syncd.membership.layers import Layering
from syncd.model import BatchState, Guard, Phase, Refusal
from tests.layerings import IN_TURN, LAYERED, WHOLE
from tests.unit.membership_oracle import expected, expected_members, expected_sizes, planned
from tests.unit.membership_world import RULES, Ending, MembershipWorld, Person, cell

# Few values, so that members share phones, and keys come back.
people = st.builds(
    Person,
    emails=st.lists(st.integers(1, 6), max_size=2, unique=True).map(tuple),
    phones=st.lists(st.integers(1, 4), max_size=2, unique=True).map(tuple),
    consent=st.sampled_from([1, 1, 1, 0, 2, 3]),
    device=st.sampled_from([0, 0, 1, 2, 3]),
    external=st.sampled_from([0, 0, 1, 2, 3]),
    city=st.sampled_from([0, 0, 1, 2]),
)
segments = st.dictionaries(st.sampled_from("abcdef"), people, max_size=6)
endings = st.lists(st.sampled_from(["ok", "ok", "ok", "lost", "applied"]), max_size=6)
# A row that is held makes no audience equal: for plans alone.
refusing = st.lists(
    st.sampled_from(["ok", "ok", "bad", "bad", "no", "lost", "applied"]), max_size=6
)
hours = st.sampled_from([1, 1, 24, 50])
versions = st.sampled_from(list(RULES))

History = list[tuple[dict[str, Person], list[Ending], int]]
Moves = list[tuple[dict[str, Person], list[Ending], int, str]]
HISTORY = {
    "history": st.lists(st.tuples(segments, endings, hours), max_size=6),
    "segment": segments,
}
MOVES = {
    "history": st.lists(st.tuples(segments, endings, hours, versions), max_size=6),
    "segment": segments,
    "rules": versions,
}
PLANS = MOVES | {
    "history": st.lists(st.tuples(segments, refusing, hours, versions), max_size=6),
}
# Whom a change reaches is compared in parts, all at once or each component alone; and what it
# leaves is written over what was there, or anew.
PARTS, LAYERINGS = st.sampled_from([1, 100_000]), st.sampled_from([WHOLE, LAYERED, IN_TURN])
WAYS = {"way": st.tuples(PARTS, LAYERINGS)}
Way = tuple[int, Layering]


@contextmanager
def cut(most: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for where in (sifting, folding):
            patch.setattr(where, "MOST", most)
        yield


def converges(history: History, segment: dict[str, Person], layering: Layering = LAYERED) -> None:
    """Live through a history, then two good runs: the audience equals the segment."""
    with tempfile.TemporaryDirectory() as directory:
        world = MembershipWorld(Path(directory), respells=3, layering=layering)
        for members, ends, passed in [*history, (segment, [], 1), (segment, [], 1)]:
            world.run(members, ends)
            world.now += timedelta(hours=passed)
        wanted = world.wanted(segment)
        assert world.platform.identifiers == wanted
        assert frozenset().union(*world.platform.persons) == wanted

        before = len(world.sent)
        world.run(segment)
        assert world.sent[before:] == []


def moves(history: Moves, segment: dict[str, Person], rules: str, layering: Layering) -> None:
    """The same under rules that change: with a good run two days later, it is as equal."""
    with tempfile.TemporaryDirectory() as directory:
        world = MembershipWorld(Path(directory), respells=3, layering=layering)
        for members, ends, passed, version in [
            *history, (segment, [], 49, rules), (segment, [], 1, rules)
        ]:  # fmt: skip
            world.rules = version
            world.run(members, ends)
            world.now += timedelta(hours=passed)
            if passed == 49:  # on the way nobody is missed, whoever stays too long
                assert world.wanted(segment) <= frozenset().union(*world.platform.persons)
        wanted = world.wanted(segment)
        assert world.platform.identifiers == wanted
        assert frozenset().union(*world.platform.persons) == wanted

        before = len(world.sent)
        world.run(segment)
        assert world.sent[before:] == []


def agrees(
    history: Moves,
    segment: dict[str, Person],
    rules: str,
    layering: Layering = LAYERED,
    *,
    full: bool = False,
) -> None:
    """Live through a history; then the next plan is the oracle's, and so are the sizes."""
    with tempfile.TemporaryDirectory() as directory:
        world = MembershipWorld(Path(directory), respells=3, layering=layering)
        for members, ends, passed, version in history:
            world.rules = version
            world.run(members, ends)
            world.now += timedelta(hours=passed)
        world.rules = rules
        plan, _ = world.compare(segment, full=full)
        like = expected(world, segment, full=full)

        assert planned(world, plan, like) == like
        if world.generation is not None:
            assert dict(world.generation.sizes.identifiers) == expected_sizes(world)
            assert world.generation.sizes.members == expected_members(world)


@given(**HISTORY, **WAYS)
@settings(max_examples=15, deadline=None)  # the next one draws such histories too
def test_after_any_history_a_good_run_makes_the_audience_equal(
    history: History, segment: dict[str, Person], way: Way
) -> None:
    """Joins, leaves, changed e-mails, shared phones, returns and lost answers, in both views."""
    with cut(way[0]):
        converges(history, segment, way[1])


@given(**MOVES, **WAYS)
@settings(max_examples=25, deadline=None)
def test_after_any_history_of_changed_rules_too(
    history: Moves, segment: dict[str, Person], rules: str, way: Way
) -> None:
    """Rules that go on, back and on again, between and in the middle of everything else."""
    with cut(way[0]):
        moves(history, segment, rules, way[1])


@given(**PLANS, full=st.booleans(), **WAYS)
@settings(max_examples=45, deadline=None)
def test_every_plan_is_the_oracles(
    history: Moves, segment: dict[str, Person], rules: str, way: Way, *, full: bool
) -> None:
    """Columns and plain sets plan and count alike, from whatever a history has left."""
    with cut(way[0]):
        agrees(history, segment, rules, way[1], full=full)


def test_an_identifier_stays_while_someone_holds_it(tmp_path: Path) -> None:
    """Families share phones: the one who leaves does not take it along."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,), (1,)), "b": Person((2,), (1,))})
    world.run({"b": Person((2,), (1,))})

    phase, rows = world.sent[1]
    assert phase is Phase.REMOVE
    assert rows == [frozenset({("email", cell("email", 1).hex())})]
    assert world.sent[2][0] is Phase.AGAIN
    assert frozenset().union(*world.platform.persons) == world.platform.identifiers


def test_a_changed_email_sends_the_new_and_removes_the_old(tmp_path: Path) -> None:
    """What every peer forgets."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,))})
    found = world.run({"a": Person((2,))})

    assert found.counts.removals == 1
    assert found.counts.additions + found.counts.again == 1
    assert found.counts.leaving.members == 0
    assert dict(found.counts.leaving.identifiers) == {"email": 1}


def test_a_removal_is_not_repeated_while_it_settles(tmp_path: Path) -> None:
    """A second run with nothing changed sends nothing."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))})
    world.run({"b": Person((2,))})
    found = world.run({"b": Person((2,))})

    assert (found.counts.removals, found.counts.additions, found.counts.again) == (0, 0, 0)


def test_a_doubtful_addition_is_removed_twice_and_then_forgotten(tmp_path: Path) -> None:
    """Its first request may land after the removal, so one confirmation follows."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))}, ["applied"])
    world.run({"b": Person((2,))})
    world.run({"b": Person((2,))})
    removals = [phase for phase, _ in world.sent if phase is Phase.REMOVE]
    world.now += timedelta(hours=49)
    found = world.run({"b": Person((2,))})
    world.now += timedelta(hours=49)
    last = world.run({"b": Person((2,))})

    assert removals == [Phase.REMOVE]
    assert found.counts.confirmations == 1
    assert last.counts.removals == 0


def test_a_removal_refused_in_part_is_confirmed_until_it_is_whole(tmp_path: Path) -> None:
    """The platform counts what it would not take and names no row: nobody is forgotten."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,)), "c": Person((3,))})
    world.run({"c": Person((3,))})
    (removal,) = [b for b in world.batches.values() if b.phase is Phase.REMOVE]
    # The refusals come with the outcome, after the acceptance was taken in.
    late = replace(removal, state=BatchState.PROCESSED, refused=(Refusal(None, "NO", 1),))
    world.batches[removal.id] = late
    world.fold()
    world.now += timedelta(hours=49)
    again = world.run({"c": Person((3,))})
    world.now += timedelta(hours=49)
    last = world.run({"c": Person((3,))})

    assert again.counts.confirmations == 2
    assert last.counts.removals == 0


def test_a_removal_refused_by_name_is_planned_again(tmp_path: Path) -> None:
    """Also when the refusal comes with the outcome."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,)), "c": Person((3,))})
    world.run({"c": Person((3,))})
    (removal,) = [b for b in world.batches.values() if b.phase is Phase.REMOVE]
    late = replace(removal, state=BatchState.PROCESSED, refused=(Refusal(0, "NO"),))
    world.batches[removal.id] = late
    world.fold()
    again = world.run({"c": Person((3,))})

    assert (again.counts.removals, again.counts.confirmations) == (1, 0)


def test_who_returns_before_a_lost_removal_can_have_landed_is_sent_again(tmp_path: Path) -> None:
    """The attempt that was never answered may land after the return, and take them out."""
    both, one = {"a": Person((1,)), "b": Person((2,), (1,))}, {"a": Person((1,))}
    world = MembershipWorld(tmp_path)
    world.run(both)
    world.run(one, ["applied"])
    world.now += timedelta(hours=1)
    world.run(one)  # resolved
    world.now += timedelta(hours=1)
    back = world.run(both)
    world.now += timedelta(hours=46)
    early = world.run(both)
    world.now += timedelta(hours=1)
    due = world.run(both)
    last = world.run(both)

    assert back.counts.additions == 1
    assert (early.counts.additions, early.counts.again) == (0, 0)
    assert (due.counts.additions, due.counts.again) == (0, 1)
    assert (last.counts.additions, last.counts.again) == (0, 0)


def test_a_full_resync_sends_everyone_and_every_removal_that_has_not_settled(
    tmp_path: Path,
) -> None:
    """What is remembered as done is done once more; nothing is emptied first."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))})
    world.run({"a": Person((1,))})
    world.now += timedelta(hours=1)
    full = world.run({"a": Person((1,))}, full=True)
    again = world.run({"a": Person((1,))})

    assert (full.counts.additions, full.counts.removals, full.counts.confirmations) == (1, 1, 1)
    assert (again.counts.additions, again.counts.removals) == (0, 0)
    world.now += timedelta(hours=50)
    world.run({"a": Person((1,)), "c": Person((3,))})
    assert world.run({"a": Person((1,)), "c": Person((3,))}, full=True).counts.removals == 0


def test_a_full_resync_is_no_confirmation_before_its_time(tmp_path: Path) -> None:
    """The addition whose answer was lost may land after both: the due one is still made."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))}, ["lost"])
    world.run({"b": Person((2,))})
    world.now += timedelta(hours=1)
    early = world.run({"b": Person((2,))}, full=True)
    world.now += timedelta(hours=48)
    due = world.run({"b": Person((2,))})
    world.now += timedelta(hours=48)

    assert (early.counts.confirmations, due.counts.confirmations) == (1, 1)
    assert world.run({"b": Person((2,))}).counts.removals == 0


def test_a_return_cancels_the_confirmation(tmp_path: Path) -> None:
    """Who came back is not taken out again."""
    world = MembershipWorld(tmp_path)
    both = {"a": Person((1,)), "b": Person((2,))}
    world.run(both, ["applied"])
    world.run({"b": Person((2,))})
    world.run(both)
    world.now += timedelta(hours=49)
    found = world.run(both)

    assert found.counts.removals == 0
    assert world.platform.identifiers == world.wanted(both)


def test_a_member_under_a_new_key_sends_and_counts_nothing(tmp_path: Path) -> None:
    """A guest who registers keeps the same identifiers."""
    world = MembershipWorld(tmp_path)
    world.run({"g:1": Person((1,), (1,))})
    found = world.run({"c:1": Person((1,), (1,))})

    assert (found.counts.removals, found.counts.additions) == (0, 0)
    assert found.counts.leaving.members == 0


def test_held_removals_wait_and_exactly_those_are_approved(tmp_path: Path) -> None:
    """Additions go out; an approval lets through its own removals and no others."""
    world = MembershipWorld(tmp_path, guard=Guard(max_removed=0.3, min_members=0))
    everyone = {str(n): Person((n,)) for n in range(10)}
    half = {str(n): Person((n,)) for n in range(5)}
    world.run(everyone)
    world.run(half | {"new": Person((20,))})
    held = world.plans[max(world.plans, key=lambda p: int(p[1:]))]
    assert "5 of 10 members would leave (50%, max_removed is 30%)" in held.held
    assert ("email", cell("email", 20).hex()) in world.platform.identifiers
    assert ("email", cell("email", 9).hex()) in world.platform.identifiers

    fewer = {str(n): Person((n,)) for n in range(4)} | {"new": Person((20,))}
    found = world.run(fewer, approved=[held])

    assert found.counts.removals == 5
    assert found.held == ("1 identifiers would leave that the approved plan does not name",)
    assert ("email", cell("email", 4).hex()) in world.platform.identifiers
    assert ("email", cell("email", 9).hex()) not in world.platform.identifiers


def test_denied_consent_passes_the_guard(tmp_path: Path) -> None:
    """A withdrawal does not wait for a person."""
    world = MembershipWorld(tmp_path, guard=Guard(max_removed=0.0, min_members=0))
    world.run({"a": Person((1,)), "b": Person((2,))})
    world.guard = Guard(max_removed=0.0, min_members=100)
    found = world.run({"a": Person((1,), consent=2), "b": Person((2,))})

    assert found.held == ()
    assert found.counts.withdrawn.members == 1
    assert world.platform.identifiers == world.wanted({"b": Person((2,))})


def test_a_withdrawal_is_confirmed_once_more_as_an_erasure_is(tmp_path: Path) -> None:
    """After the settle window, though no addition was ever in doubt."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))})
    after = {"a": Person((1,), consent=2), "b": Person((2,))}
    world.run(after)
    before = len(world.sent)
    for _ in range(4):
        world.now += timedelta(hours=49)
        world.run(after)
    assert world.sent[before:] == [(Phase.REMOVE, [frozenset({("email", cell("email", 1).hex())})])]


def test_who_was_erased_leaves_though_denials_are_held(tmp_path: Path) -> None:
    """Whatever the guard says of others, or the sync's mode; and is removed twice."""
    world = MembershipWorld(tmp_path, removes=False)
    world.run({"a": Person((1,)), "b": Person((2,)), "c": Person((3,))})
    world.guard = Guard(max_removed=0.0, min_members=0)
    after = {"a": Person((1,), consent=3), "b": Person((2,), consent=2), "c": Person((3,))}
    found = world.run(after)

    assert found.held == ("1 of 3 members have consent denied at once (33%, max_removed is 0%)",)
    assert found.counts.lost == {"denied": 1, "erased": 1}
    assert world.platform.identifiers == world.wanted({"b": Person((2,)), "c": Person((3,))})
    before = len(world.sent)
    world.now += timedelta(hours=49)
    world.run(after)
    world.run(after)
    assert world.sent[before:] == [(Phase.REMOVE, [frozenset({("email", cell("email", 1).hex())})])]


def test_a_sync_that_only_adds_still_removes_whose_consent_is_denied(tmp_path: Path) -> None:
    """Absence removes nobody; a withdrawal does."""
    world = MembershipWorld(tmp_path, removes=False, guard=Guard(max_removed=0.0, min_members=9))
    world.run({"a": Person((1,)), "b": Person((2,)), "c": Person((3,))})
    found = world.run({"b": Person((2,), consent=2), "c": Person((3,))})

    assert found.held == ()
    assert world.platform.identifiers == world.wanted({"a": Person((1,)), "c": Person((3,))})
