"""The guard and the consent gate, as plain decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.memory import PLATFORM
from syncd.model import ConsentRule, Guard, Sizes
from syncd.plan import consent_rule, held_reasons, ranges, withdrawal_reasons

NOBODY = Sizes()
GUARD = Guard(max_removed=0.3, min_members=0)


def reasons(
    leaving: int = 0,
    target: int = 0,
    reference: int = 0,
    *,
    withdrawn: int = 0,
    guard: Guard = GUARD,
    changes: tuple[str, ...] = (),
) -> tuple[str, ...]:
    return held_reasons(
        leaving=Sizes(leaving),
        withdrawn=Sizes(withdrawn),
        target=Sizes(target),
        reference=Sizes(reference),
        guard=guard,
        changes=changes,
    )


def test_at_the_limit_removals_go_and_one_more_is_held() -> None:
    """`max_removed` is what one run may take, not what it may not."""
    assert reasons(30, 70, 100) == ()
    assert reasons(31, 69, 100) == ("31 of 100 members would leave (31%, max_removed is 30%)",)


def test_small_steps_add_up() -> None:
    """Ten percent a day is held once a third of the week's largest membership is gone."""
    assert reasons(10, 75, 100) == ()
    assert reasons(10, 65, 100) == ("35 of 100 members would leave (35%, max_removed is 30%)",)


def test_a_growing_audience_may_still_not_lose_more_at_once() -> None:
    """New members do not make up for those who leave."""
    assert reasons(40, 200, 100) != ()


def test_a_kind_of_identifier_is_counted_by_itself() -> None:
    """A phone column gone NULL takes no member along and must be held."""
    found = held_reasons(
        leaving=Sizes(0, {"phone": 90}),
        withdrawn=NOBODY,
        target=Sizes(100, {"email": 100, "phone": 0}),
        reference=Sizes(100, {"email": 100, "phone": 90}),
        guard=GUARD,
    )
    assert found == ("90 of 90 phone identifiers would leave (100%, max_removed is 30%)",)


def test_a_small_segment_removes_nobody_unasked() -> None:
    """Below `min_members` even one removal waits."""
    guard = Guard(max_removed=1.0, min_members=100)
    assert reasons(1, 99, 100, guard=guard) == (
        "the segment has 99 members, fewer than min_members 100",
    )
    assert reasons(1, 100, 101, guard=guard) == ()


def test_a_count_can_be_the_limit() -> None:
    """Whichever trips first."""
    guard = Guard(max_removed=1.0, max_removed_count=5, min_members=0)
    assert reasons(5, 95, 100, guard=guard) == ()
    assert reasons(6, 94, 100, guard=guard) == ("6 members would leave, more than 5",)


def test_what_changed_holds_removals_but_not_a_plan_without_any() -> None:
    """A vanished column is a reason only when somebody would go by it."""
    change = ("the segment's columns changed: -phone",)
    assert reasons(1, 99, 100, changes=change) == change
    assert reasons(0, 100, 100, changes=change) == ()


def test_identifiers_alone_are_enough_to_hold() -> None:
    """Nobody leaves, but their phones do; a kind of which none leaves is no loss."""
    change = ("the segment's columns changed: -phone",)

    def held(**leaving: int) -> tuple[str, ...]:
        return held_reasons(
            leaving=Sizes(0, leaving),
            withdrawn=NOBODY,
            target=Sizes(100, {"email": 100}),
            reference=Sizes(100, {"email": 100}),
            guard=GUARD,
            changes=change,
        )

    assert held(email=0, phone=1) == change
    assert held(email=0, phone=0) == ()


def test_a_loss_of_earlier_runs_is_told_only_where_more_of_it_would_go() -> None:
    """The phones left when a person approved it; today's e-mails are another matter."""

    def held(**leaving: int) -> tuple[str, ...]:
        return held_reasons(
            leaving=Sizes(1, leaving),
            withdrawn=NOBODY,
            target=Sizes(100, {"email": 100}),
            reference=Sizes(100, {"email": 100, "phone": 60}),
            guard=GUARD,
        )

    assert held(email=1) == ()
    assert held(email=1, phone=1) == (
        "60 of 60 phone identifiers would leave (100%, max_removed is 30%)",
    )


def test_who_withdrew_consent_is_no_loss() -> None:
    """Neither as a member nor by kind: withdrawals have a limit of their own."""
    assert reasons(20, 60, 100, withdrawn=10) == ()
    assert reasons(20, 59, 100, withdrawn=10) != ()
    found = held_reasons(
        leaving=Sizes(1, {"email": 20, "phone": 20}),
        withdrawn=Sizes(10, {"email": 10, "phone": 9}),
        target=Sizes(99, {"email": 60, "phone": 60}),
        reference=Sizes(100, {"email": 100, "phone": 100}),
        guard=GUARD,
    )
    assert found == ("31 of 100 phone identifiers would leave (31%, max_removed is 30%)",)


def test_a_person_is_told_everything_at_once() -> None:
    """Changes first, then the segment, members and each kind; numbers as people read them."""
    found = held_reasons(
        leaving=Sizes(4_000, {"phone": 3_500, "email": 4_000, "mobile_id": 1}),
        withdrawn=NOBODY,
        target=Sizes(2_000, {"email": 2_000, "phone": 1_500, "mobile_id": 9}),
        reference=Sizes(6_000, {"phone": 5_000, "email": 6_000, "mobile_id": 10}),
        guard=Guard(max_removed=0.3, max_removed_count=1_000, min_members=2_500),
        changes=("the default country changed",),
    )
    assert found == (
        "the default country changed",
        "the segment has 2,000 members, fewer than min_members 2,500",
        "4,000 members would leave, more than 1,000",
        "4,000 of 6,000 members would leave (67%, max_removed is 30%)",
        "4,000 of 6,000 email identifiers would leave (67%, max_removed is 30%)",
        "3,500 of 5,000 phone identifiers would leave (70%, max_removed is 30%)",
    )


def test_withdrawals_pass_unless_they_alone_exceed_the_limit() -> None:
    """A consent column gone wrong looks like everybody's withdrawal."""
    guard = Guard(max_removed=0.3, min_members=10)
    few = withdrawal_reasons(withdrawn=Sizes(300), reference=Sizes(1000), guard=guard)
    many = withdrawal_reasons(withdrawn=Sizes(301), reference=Sizes(1000), guard=guard)
    assert few == ()
    assert many == ("301 of 1,000 members have consent denied at once (30%, max_removed is 30%)",)


def test_few_withdrawals_pass_whatever_their_share() -> None:
    """`min_members` of them are many; against an empty audience there is no share."""
    guard = Guard(max_removed=0.3, min_members=10)

    def held(withdrawn: int, reference: int) -> tuple[str, ...]:
        return withdrawal_reasons(
            withdrawn=Sizes(withdrawn), reference=Sizes(reference), guard=guard
        )

    assert held(9, 20) == ()
    assert held(10, 20) == (
        "10 of 20 members have consent denied at once (50%, max_removed is 30%)",
    )
    assert held(1_500, 2_000) == (
        "1,500 of 2,000 members have consent denied at once (75%, max_removed is 30%)",
    )
    assert held(10, 1) != ()
    assert held(10, 0) == ()


@pytest.mark.parametrize("setting", ["granted", "not_denied"])
def test_the_sync_and_the_platform_each_may_demand_consent(setting: str) -> None:
    """The sync of everyone, the platform of those whose region asks for it."""
    demands = replace(PLATFORM.capabilities, consent="member")
    granted_only = setting == "granted"
    assert consent_rule(demands, setting) == ConsentRule(granted_only, True)
    demands_not = replace(PLATFORM.capabilities, consent="none")
    assert consent_rule(demands_not, setting) == ConsentRule(granted_only, False)


def test_batches_are_full_but_for_the_last_one() -> None:
    assert list(ranges(7, 3)) == [(0, 3), (3, 3), (6, 1)]
    assert list(ranges(0, 3)) == []


@given(rows=st.integers(0, 500), size=st.integers(1, 40))
def test_ranges_cover_every_row_once(rows: int, size: int) -> None:
    """No batch is larger than a request, and none is empty."""
    found = list(ranges(rows, size))
    assert [n for first, count in found for n in range(first, first + count)] == list(range(rows))
    assert all(0 < count <= size for _, count in found)


@pytest.mark.parametrize(("leaving", "reference"), [(0, 0), (5, 0)])
def test_a_first_run_has_nothing_to_measure_against(leaving: int, reference: int) -> None:
    """And nothing to remove."""
    assert reasons(leaving, 10, reference) == ()
