"""What platforms say of audiences' sizes after a run: kept, told, and never in a run's way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.commands import Desk, Hands, digests

IN_MAY = int(datetime(2030, 5, 17, tzinfo=UTC).timestamp())


def row(desk: Desk, clock: Hands | None = None) -> dict[str, Any]:
    (found,) = desk.syncd("status", "--json", clock=clock).json["syncs"]
    assert isinstance(found, dict)
    return found


def synced(desk: Desk, **about: object) -> str:
    """A run, while the platform states this of the audience; its id."""
    desk.audience().about.update(about)
    answer = desk.syncd("sync", "everyone", "--json")
    assert answer.code == 0, answer.said
    return str(answer.json[0]["run"]["id"])


def test_bounds_and_a_match_rate_are_told_with_what_they_mean(filled: Desk) -> None:
    filled.join(*range(10, 2_000))
    run = synced(filled, matched=1_234)
    told = row(filled)
    assert (told["counted"], told["match rate"]) == ("1,200 to 1,400", "60 to 70 %")
    size = told["size"]
    assert (size["least"], size["most"], size["members"], size["run"]) == (1200, 1400, 2000, run)
    assert size["status"] == "operation_status 200, delivery_status 200"

    status = filled.syncd("status").out
    assert "1,200 to 1,400  60 to 70 %" in status
    assert "counted by Meta: it counts people it could match, rounded, up to 24 h late" in status

    shown = filled.syncd("runs", "show", run)
    assert "Meta counts 1,200 to 1,400 people in it" in shown.out
    assert "a match rate of about 60 to 70 % of 2,000 members" in shown.out
    assert filled.syncd("runs", "show", run, "--json").json["size"] == size


def test_small_audiences_have_no_stated_size(filled: Desk) -> None:
    """Meta states nothing below some 1,000, and no rate is made up."""
    run = synced(filled)
    told = row(filled)
    assert (told["counted"], told["match rate"], told["size"]["least"]) == ("", "", None)
    assert told["size"]["status"] == "operation_status 200, delivery_status 300"
    assert "counted by" not in filled.syncd("status").out
    assert "Meta states no size of it" in filled.syncd("runs", "show", run).out


def test_sizes_are_a_history(filled: Desk) -> None:
    """Each run keeps its own; nothing is written over."""
    runs = [synced(filled, matched=people) for people in (5_000, 7_000, 6_000)]
    sizes = [filled.syncd("runs", "show", run, "--json").json["size"]["least"] for run in runs]
    assert sizes == [5_000, 7_000, 6_000]
    assert row(filled)["size"]["least"] == 6_000


def test_google_states_one_number(desk: Desk) -> None:
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*range(4), consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    told = row(desk)
    assert (told["counted"], told["match rate"]) == ("4", "100 %")
    assert "counted by Google customer match: the largest count" in desk.syncd("status").out


@pytest.mark.parametrize("connector", ["google", "google_ads"])
def test_googles_own_match_rate_is_a_history_too(desk: Desk, connector: str) -> None:
    """Of the list as Google computes it, in place of the estimate that is ours."""
    desk.settings["accounts"] = {
        "google": {**desk.settings["accounts"]["google"], "connector": connector}
    }
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*range(4), consent="granted")
    runs = []
    for rate in (None, 63, 71):
        if rate:
            desk.audience("G", google=True).about["match_rate_percentage"] = rate
        answer = desk.syncd("sync", "everyone", "--wait", "--json", clock=Hands())
        assert answer.code == 0, answer.said
        runs.append(str(answer.json[0]["run"]["id"]))
    shown = [desk.syncd("runs", "show", run, "--json").json["size"] for run in runs]
    told = [None, *({"least": rate, "most": rate} for rate in (63, 71))]
    assert [size["matched"] for size in shown] == told
    assert shown[1]["at"] < shown[2]["at"]
    said = desk.syncd("runs", "show", runs[1]).out
    assert "it matched 63 % of what it was sent, as it states" in said
    assert "matched by Google customer match" in said
    assert "the share of all members ever sent to the list" in said
    now = row(desk)
    assert (now["match rate"], now["size"]["matched"]) == ("71 %", told[2])
    assert "matched by Google customer match" in desk.syncd("status").out


def test_a_platform_that_states_no_match_rate_has_none_but_the_estimate(filled: Desk) -> None:
    filled.join(*range(10, 2_000))
    synced(filled, matched=1_234)
    assert row(filled)["size"]["matched"] is None
    assert "matched by" not in filled.syncd("status").out


def test_a_google_list_that_was_closed_after_the_rows_went_out_is_told(desk: Desk) -> None:
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*range(4), consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    closing = {"membership_status": "CLOSED", "closing_reason": "UNUSED"}
    desk.audience("G", google=True).about.update(closing)
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    status = desk.syncd("status").out
    assert "look at: sync everyone: Google closed it" in status
    assert "(CLOSED/UNUSED)" in status


def test_a_small_google_list_states_no_size_and_says_why(desk: Desk) -> None:
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(1, consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    desk.audience("G", google=True).about["matched"] = 0
    answer = desk.syncd("sync", "everyone", "--wait", "--json", clock=Hands())
    shown = desk.syncd("runs", "show", answer.json[0]["run"]["id"]).out
    assert "Google customer match states no size of it" in shown
    assert "nothing of small lists" in shown


def test_where_others_may_be_counted_there_is_no_rate(desk: Desk) -> None:
    theirs = desk.local.meta_world.create(desk.meta_account, "Everyone")
    theirs.add([frozenset({("email", "ab" * 32)})])
    desk.join(1)
    assert desk.syncd("sync", "everyone", "--adopt").code == 0
    run = synced(desk, matched=9_000)
    assert (row(desk)["counted"], row(desk)["match rate"]) == ("9,000 to 9,200", "")
    assert "no match rate, for others may be in it" in desk.syncd("runs", "show", run).out


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"operation_status": 411}, "Meta matches few of its members"),
        ({"delete_time": IN_MAY}, "Meta deletes it on 2030-05-17"),
    ],
)
def test_what_a_person_should_look_at_is_told(
    filled: Desk, about: dict[str, object], said: str
) -> None:
    run = synced(filled, **about)
    assert f"look at: sync everyone: {said}" in filled.syncd("status").out
    assert f"look at: {said}" in filled.syncd("runs", "show", run).out
    (alert,) = filled.syncd("alerts", "--json").json["open"]
    assert alert["condition"] == "flagged"
    assert said in alert["said"]
    filled.audience().about.clear()
    synced(filled)
    assert "look at:" not in filled.syncd("status").out


def test_an_audience_that_was_flagged_after_the_rows_went_out_is_told(filled: Desk) -> None:
    run = synced(filled, operation_status=471)
    assert "look at: sync everyone: Meta flagged this audience" in filled.syncd("status").out
    assert "(operation_status 471)" in filled.syncd("status").out
    assert "Meta states no size of it" in filled.syncd("runs", "show", run).out


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "html", "status": 502},
        {"kind": "malformed", "status": 200, "body": "[]"},
        {"status": 401, "code": 190, "subcode": 463},
        {"status": 400, "code": 80003, "retry_after": 600.0},
    ],
)
def test_a_size_that_is_not_told_is_in_nobodys_way(filled: Desk, fault: dict[str, Any]) -> None:
    """One question, no wait, and the run ended as it ended."""
    synced(filled, matched=5_000)
    filled.join(11)
    filled.fault(method="read", **fault)
    clock = Hands()
    before = clock.now()
    answer = filled.syncd("sync", "everyone", clock=clock)
    assert answer.code == 0, answer.said
    assert clock.now() == before, "it waited for nothing"
    assert not filled.local.faults.waiting
    assert filled.held() == digests(*range(10), 11)
    assert row(filled)["state"] == "done"
    assert row(filled)["size"]["least"] == 5_000, "the last that was told"


def test_a_size_is_asked_for_once_a_run(filled: Desk) -> None:
    before = filled.local.meta_world.requests["read"]
    synced(filled)
    assert filled.local.meta_world.requests["read"] == before + 1
