"""What the guard holds, what it lets through, and how a person lets go of the rest."""

from __future__ import annotations

import pytest

from tests.integration.commands import Desk, Hands, approvable, digests

ALL = range(100)


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def filled(desk: Desk, clock: Hands) -> Desk:
    """A hundred customers, synced, under the guard's own share of 30 %."""
    desk.join(*ALL)
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    return desk


def halved(desk: Desk, clock: Hands) -> str:
    """Half of them are gone, and three new ones came: the plan that is held."""
    desk.leave(*range(50))
    desk.join(100, 101, 102)
    answer = desk.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "50 of 100 members would leave (50%, max_removed is 30%)" in answer.out
    return approvable(answer)


# --- nothing, and half -------------------------------------------------------


def test_a_segment_that_suddenly_returns_nothing_removes_nobody(filled: Desk, clock: Hands) -> None:
    """It exits 4, says why in the audit, and there is no plan to approve."""
    filled.change("ALTER TABLE customers RENAME TO kept")
    filled.change("CREATE TABLE customers AS SELECT * FROM kept WHERE 1 = 0")
    before = filled.changes()
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "returned 0 rows and no usable member: nobody is removed" in answer.err
    assert (filled.held(), filled.changes()) == (digests(*ALL), before)
    last = filled.audit()[-1]
    assert last.startswith("run_held: segment everyone returned 0 rows")
    filled.change("DROP TABLE customers")
    filled.change("ALTER TABLE kept RENAME TO customers")
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.changes() == before, "nothing was forgotten meanwhile"


def test_a_segment_that_halves_is_held_and_its_additions_go_out(filled: Desk, clock: Hands) -> None:
    plan = halved(filled, clock)
    assert filled.held() == digests(*ALL, 100, 101, 102)
    status = filled.syncd("status", "--json", clock=clock).json["syncs"][0]
    assert (status["state"], status["needs"]) == ("held", f"syncd approve {plan}")
    assert any(
        line.startswith("plan_held") and "50 of 100 members would leave" in line
        for line in filled.audit()
    )


def test_approve_releases_what_was_held(filled: Desk, clock: Hands) -> None:
    plan = halved(filled, clock)
    answer = filled.syncd("approve", plan, clock=clock)
    assert answer.code == 0, answer.said
    assert filled.held() == digests(*range(50, 103))
    assert any(
        line.startswith("removals_approved") and "50 members" in line for line in filled.audit()
    )
    before = filled.changes()
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.changes() == before


def test_a_plan_that_was_only_shown_can_be_approved_too(filled: Desk, clock: Hands) -> None:
    filled.leave(*range(50))
    shown = filled.syncd("plan", "everyone", "--json", clock=clock)
    assert shown.code == 4
    assert filled.syncd("approve", filled.plan_of(shown), clock=clock).code == 0
    assert filled.held() == digests(*range(50, 100))


def test_approve_releases_only_what_still_applies(filled: Desk, clock: Hands) -> None:
    """Ten of those who were held came back before the approval: they stay."""
    plan = halved(filled, clock)
    filled.join(*range(10))
    answer = filled.syncd("approve", plan, clock=clock)
    assert answer.code == 0, answer.said
    assert filled.held() == digests(*range(10), *range(50, 103))


def test_approve_releases_nobody_who_is_newly_missing(filled: Desk, clock: Hands) -> None:
    """Who left after the plan was drawn is a new hold, with a plan of its own."""
    plan = halved(filled, clock)
    filled.leave(*range(50, 60))
    answer = filled.syncd("approve", plan, clock=clock)
    assert answer.code == 4
    assert "20 identifiers would leave that the approved plan does not name" in answer.out
    assert filled.held() == digests(*range(50, 103)), "the approved went, the new ones stayed"
    again = approvable(answer)
    assert again != plan
    assert filled.syncd("approve", again, clock=clock).code == 0
    assert filled.held() == digests(*range(60, 103))


def test_without_an_approval_the_hold_stays_and_is_not_worn_down(
    filled: Desk, clock: Hands
) -> None:
    """Running again does not let go of anybody, tomorrow or after the seven days."""
    halved(filled, clock)
    for _ in range(3):
        clock.pass_by(days=3)
        assert filled.syncd("sync", "everyone", clock=clock).code == 4
    assert filled.held() == digests(*range(103))


def test_a_plan_that_was_carried_out_is_not_approved_again(filled: Desk, clock: Hands) -> None:
    """Whoever of it came back and leaves once more is asked for anew."""
    plan = halved(filled, clock)
    assert filled.syncd("approve", plan, clock=clock).code == 0
    clock.pass_by(minutes=1)
    filled.join(*range(50))
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    filled.leave(*range(50))
    before = filled.changes()

    answer = filled.syncd("approve", plan, clock=clock)

    assert answer.code == 1
    assert "was approved by" in answer.err
    assert "`syncd plan everyone` shows what would be removed now" in answer.err
    assert filled.changes() == before


def test_a_hold_stays_in_sight_after_a_plan_was_shown(filled: Desk, clock: Hands) -> None:
    """A look at what would be done is no run, and lets nothing be forgotten."""
    halved(filled, clock)
    shown = approvable(filled.syncd("plan", "everyone", clock=clock))
    status = filled.syncd("status", "--json", clock=clock).json["syncs"][0]
    assert (status["state"], status["needs"]) == ("held", f"syncd approve {shown}")

    assert filled.syncd("approve", shown, clock=clock).code == 0
    clock.pass_by(minutes=1)
    status = filled.syncd("status", "--json", clock=clock).json["syncs"][0]
    assert (status["state"], status["needs"]) == ("done", "")


def test_an_approval_is_refused_after_72_hours(filled: Desk, clock: Hands) -> None:
    plan = halved(filled, clock)
    clock.pass_by(hours=72, seconds=1)
    answer = filled.syncd("approve", plan, clock=clock)
    assert answer.code == 1
    assert f"plan {plan} is older than 72 h" in answer.err
    assert "syncd plan everyone" in answer.err
    assert filled.held() == digests(*range(103))


def test_an_approval_just_before_72_hours_still_counts(filled: Desk, clock: Hands) -> None:
    plan = halved(filled, clock)
    clock.pass_by(hours=71, minutes=59)
    assert filled.syncd("approve", plan, clock=clock).code == 0
    assert filled.held() == digests(*range(50, 103))


def test_a_plan_that_holds_nothing_needs_no_approval(filled: Desk, clock: Hands) -> None:
    filled.leave(0)
    shown = filled.syncd("plan", "everyone", "--json", clock=clock)
    answer = filled.syncd("approve", filled.plan_of(shown), clock=clock)
    assert answer.code == 1
    assert "holds nothing back" in answer.err
    assert filled.held() == digests(*ALL)


def test_sync_plan_of_a_held_plan_sends_its_additions_only(filled: Desk, clock: Hands) -> None:
    """`sync --plan` is no approval."""
    filled.leave(*range(50))
    filled.join(100)
    shown = filled.syncd("plan", "everyone", "--json", clock=clock)
    plan = filled.plan_of(shown)
    assert filled.syncd("sync", "everyone", "--plan", plan, clock=clock).code == 4
    assert filled.held() == digests(*ALL, 100)
    assert filled.syncd("approve", plan, clock=clock).code == 0
    assert filled.held() == digests(*range(50, 101))


# --- how it counts -----------------------------------------------------------


def test_small_steps_add_up_over_seven_days(filled: Desk, clock: Hands) -> None:
    """Ten a day: the first thirty go, the fortieth would be 40 % of the week's largest."""
    for day in range(3):
        clock.pass_by(days=1)
        filled.leave(*range(day * 10, day * 10 + 10))
        assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.held() == digests(*range(30, 100))
    clock.pass_by(days=1)
    filled.leave(*range(30, 40))
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "40 of 100 members would leave (40%, max_removed is 30%)" in answer.out
    assert filled.held() == digests(*range(30, 100))
    clock.pass_by(days=6)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0, "the week's largest is 80 now"
    assert filled.held() == digests(*range(40, 100))


def test_who_left_is_no_member_any_more_though_others_have_their_phone(
    desk: Desk, clock: Hands
) -> None:
    """A company's staff has one phone; a fifth of them changes each week, for ten weeks."""
    for week in range(11):
        first = week * 20
        desk.leave(*range(first))
        desk.join(*range(first + 80 if week else 0, first + 100))
        desk.change("UPDATE customers SET phone = '020 123 4567'")
        answer = desk.syncd("sync", "everyone", clock=clock)
        assert answer.code == 0, (week, answer.said)
        clock.pass_by(days=8)
    desk.leave(*range(231))
    answer = desk.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "31 of 100 members would leave (31%, max_removed is 30%)" in answer.out


def test_one_kind_of_identifier_gone_is_held_though_nobody_left(filled: Desk, clock: Hands) -> None:
    """The phone column went NULL: every member is still there."""
    filled.change("UPDATE customers SET phone = NULL")
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "100 of 100 phone identifiers would leave (100%" in answer.out
    assert filled.held() == digests(*ALL)


def test_a_count_holds_what_a_share_lets_through(filled: Desk, clock: Hands) -> None:
    filled.sync["guard"] = {"min_members": 0, "max_removed_count": 5}
    filled.save()
    filled.leave(*range(5))
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    filled.leave(*range(5, 11))
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "6 members would leave, more than 5" in answer.out


def test_a_segment_below_min_members_holds_even_one_removal(filled: Desk, clock: Hands) -> None:
    filled.sync["guard"] = {"min_members": 100}
    filled.save()
    filled.leave(0)
    filled.join(100)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0, "100 are enough"
    filled.leave(1)
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "the segment has 99 members, fewer than min_members 100" in answer.out
    assert filled.held() == digests(*range(1, 101))


def test_a_sync_that_only_adds_removes_nobody_and_is_not_held(filled: Desk, clock: Hands) -> None:
    filled.sync["mode"] = "add"
    filled.save()
    filled.leave(*range(50))
    filled.join(100)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.held() == digests(*range(101))


# --- consent -----------------------------------------------------------------


def deny(desk: Desk, *people: int) -> None:
    desk.change(
        "UPDATE customers SET ad_consent = 'denied' WHERE customer_key = ?",
        [(f"c:{n:05}",) for n in people],
    )


def test_denied_consent_passes_a_guard_that_holds_the_rest(filled: Desk, clock: Hands) -> None:
    filled.leave(*range(50))
    deny(filled, 60, 61)
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert filled.held() == digests(*ALL) - digests(60, 61)
    (run,) = filled.syncd("runs", "--limit", "1", "--json").json
    counts = filled.syncd("runs", "show", run["id"], "--json").json["plan"]["counts"]
    assert (counts["withdrawn"]["members"], counts["leaving"]["members"]) == (2, 50)
    assert counts["lost"] == {"denied": 2}


def test_denied_consent_is_removed_even_where_a_sync_only_adds(filled: Desk, clock: Hands) -> None:
    filled.sync["mode"] = "add"
    filled.save()
    deny(filled, 60)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.held() == digests(*ALL) - digests(60)


def test_more_withdrawals_at_once_than_the_guard_allows_are_held(
    filled: Desk, clock: Hands
) -> None:
    """A consent column gone wrong looks just like that."""
    deny(filled, *range(40))
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "40 of 100 members have consent denied at once (40%" in answer.out
    assert filled.held() == digests(*ALL)
    assert filled.syncd("approve", approvable(answer), clock=clock).code == 0
    assert filled.held() == digests(*range(40, 100))


def test_unknown_consent_in_the_eea_goes_to_meta_and_not_to_google(
    desk: Desk, clock: Hands
) -> None:
    """Nor where the country is missing; elsewhere, and with consent, it goes to both."""
    desk.settings["shop"].pop("default_country")
    desk.join(*range(5), country="NL")
    desk.join(*range(5, 10), country="US")
    desk.join(*range(10, 15), country="DE", consent="granted")
    desk.join(*range(15, 20), country="")
    desk.join(20, 21, country="US", consent="denied")
    desk.also("to-google", account="google")
    assert desk.syncd("sync", "everyone", "to-google", clock=clock).code == 0
    assert desk.held() == digests(*range(20))
    assert desk.held(google=True) == digests(*range(5, 15), google=True)
    lost = {
        run["sync"]: desk.syncd("runs", "show", run["id"], "--json").json["plan"]["counts"]["lost"]
        for run in desk.syncd("runs", "--json").json
    }
    assert lost["everyone"] == {"denied": 2}
    assert lost["to-google"] == {"denied": 2, "not granted where that is required": 10}


def test_consent_granted_turned_unknown_is_an_ordinary_removal(desk: Desk, clock: Hands) -> None:
    """It counts for the guard, unlike a denial."""
    desk.sync["account"] = "google"
    desk.save()
    desk.join(*range(10), consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=clock).code == 0
    desk.change("UPDATE customers SET ad_consent = 'unknown' WHERE customer_key < 'c:00005'")
    answer = desk.syncd("sync", "everyone", "--wait", clock=clock)
    assert answer.code == 4
    assert desk.held(google=True) == digests(*range(10), google=True)


def test_a_sync_that_asks_for_granted_sends_nobody_else(desk: Desk, clock: Hands) -> None:
    desk.sync["consent"] = "granted"
    desk.save()
    desk.join(*range(5), consent="granted")
    desk.join(*range(5, 10))
    desk.join(10, consent="denied")
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.held() == digests(*range(5))
