"""`sync --plan ID` does exactly what `plan` showed, or refuses."""

from __future__ import annotations

from tests.integration.commands import Desk, Hands, digests


def planned(desk: Desk, clock: Hands | None = None) -> str:
    """Five synced, then two come and one goes: the plan that was shown of it."""
    desk.join(*range(5))
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    desk.join(5, 6)
    desk.leave(0)
    shown = desk.syncd("plan", "everyone", "--json", clock=clock)
    counts = shown.json[0]["counts"]
    assert (shown.code, counts["additions"], counts["removals"]) == (0, 2, 1)
    return desk.plan_of(shown)


def test_sync_plan_does_exactly_what_was_shown(desk: Desk) -> None:
    """What happens in the shop afterwards is for the next plan."""
    plan = planned(desk)
    desk.join(7)
    desk.leave(1)
    answer = desk.syncd("sync", "everyone", "--plan", plan, "--json")
    assert (answer.code, answer.json[0]["pushed"]) == (0, {"remove": 1, "add": 2, "again": 0})
    assert desk.held() == digests(1, 2, 3, 4, 5, 6)
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(2, 3, 4, 5, 6, 7)


def refused(desk: Desk, plan: str, why: str, clock: Hands | None = None) -> None:
    held, before = desk.held(), desk.changes()
    answer = desk.syncd("sync", "everyone", "--plan", plan, clock=clock)
    assert answer.code == 1
    assert why in answer.err
    assert "`syncd plan everyone` draws a new one" in answer.err
    assert (desk.held(), desk.changes()) == (held, before)
    assert any(line.startswith("run_failed") and why in line for line in desk.audit())


def test_a_full_resync_sends_everyone_and_empties_nothing(desk: Desk) -> None:
    desk.join(*range(5))
    assert desk.syncd("sync", "everyone").code == 0
    desk.leave(0)
    assert desk.syncd("sync", "everyone").code == 0
    full = desk.syncd("sync", "everyone", "--full", "--json")

    assert (full.code, full.json[0]["pushed"]) == (0, {"remove": 1, "add": 4, "again": 0})
    assert desk.held() == digests(1, 2, 3, 4)
    assert any("a full resync." in line for line in desk.audit())
    quiet = desk.syncd("sync", "everyone", "--json")
    assert quiet.json[0]["pushed"] == {"remove": 0, "add": 0, "again": 0}


def test_a_full_resync_is_no_plan_that_was_shown(desk: Desk) -> None:
    plan = planned(desk)
    answer = desk.syncd("sync", "everyone", "--full", "--plan", plan)
    assert answer.code == 2
    assert "choose" in answer.err


def test_a_plan_is_refused_once_the_audience_changed(desk: Desk) -> None:
    plan = planned(desk)
    assert desk.syncd("sync", "everyone").code == 0
    refused(desk, plan, "the audience changed since")


def test_a_plan_is_refused_the_second_time(desk: Desk) -> None:
    plan = planned(desk)
    assert desk.syncd("sync", "everyone", "--plan", plan).code == 0
    refused(desk, plan, "it was carried out")


def test_a_plan_is_refused_once_the_configuration_changed(desk: Desk) -> None:
    plan = planned(desk)
    desk.sync["identifiers"] = ["email"]
    desk.save()
    refused(desk, plan, "the configuration changed since")


def test_a_plan_is_refused_once_the_segment_changed(desk: Desk) -> None:
    plan = planned(desk)
    desk.sql("everyone", "SELECT customer_key, email, phone, country, ad_consent FROM customers c")
    refused(desk, plan, "the configuration changed since")


def test_a_plan_is_refused_after_a_day(desk: Desk) -> None:
    clock = Hands()
    plan = planned(desk, clock)
    clock.pass_by(hours=24, seconds=1)
    refused(desk, plan, "older than 24 h", clock)


def test_a_plan_of_another_sync_is_refused(desk: Desk) -> None:
    plan = planned(desk)
    desk.also("others", audience="Others")
    answer = desk.syncd("sync", "others", "--plan", plan)
    assert answer.code == 1
    assert "it is a plan of sync everyone" in answer.err


def test_a_plan_that_there_is_not_is_refused(desk: Desk) -> None:
    answer = desk.syncd("sync", "everyone", "--plan", "p0")
    assert answer.code == 1
    assert "there is no plan p0" in answer.err


def test_a_plan_that_ended_badly_is_recovered_by_the_next_run(desk: Desk) -> None:
    """A refusal of the plan changes nothing for the run that comes after."""
    plan = planned(desk)
    clock = Hands()
    desk.fault(status=500, code=2, times=6, method="add")
    failed = desk.syncd("sync", "everyone", "--plan", plan, clock=clock)
    assert failed.code == 1
    assert desk.syncd("sync", "everyone").code == 0
    assert desk.held() == digests(1, 2, 3, 4, 5, 6)
