"""`expires`: after its last day a segment has nobody, and its audiences lose all, guarded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.commands import Desk, Hands, approvable, digests

LAST_DAY = Hands(datetime(2026, 11, 30, 22, 59, 59, tzinfo=UTC))  # 23:59:59 at Amsterdam
AFTER = Hands(datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
ALL = range(20)


@pytest.fixture
def rented(desk: Desk) -> Desk:
    """Twenty members, to be used until the end of November at Amsterdam; synced on that day."""
    desk.join(*ALL)
    desk.settings["shop"]["timezone"] = "Europe/Amsterdam"
    desk.settings["segments"]["everyone"]["expires"] = "2026-11-30"
    desk.save()
    assert desk.syncd("sync", "everyone", clock=LAST_DAY).code == 0
    return desk


def test_after_its_last_day_all_leave_once_a_person_says_so(rented: Desk) -> None:
    """Whatever its table holds by then; nothing of it is asked."""
    assert rented.held() == digests(*ALL)
    rented.change("DROP TABLE customers")
    answer = rented.syncd("sync", "everyone", clock=AFTER)
    assert answer.code == 4, answer.said
    assert "20 of 20 members would leave (100%, max_removed is 30%)" in answer.out
    assert rented.held() == digests(*ALL)
    said = [line for line in rented.audit() if line.startswith("plan_held")]
    assert "The segment could be used until 2026-11-30, so it has no members now" in said[-1]
    assert "columns changed" not in said[-1]
    assert rented.syncd("approve", approvable(answer), clock=AFTER).code == 0
    assert rented.held() == frozenset()
    before = rented.changes()
    assert rented.syncd("sync", "everyone", clock=AFTER).code == 0
    assert rented.changes() == before


def test_a_plan_of_its_last_day_is_not_carried_out_afterwards(rented: Desk) -> None:
    rented.join(20)
    plan = rented.plan_of(rented.syncd("plan", "everyone", "--json", clock=LAST_DAY))
    answer = rented.syncd("sync", "everyone", "--plan", plan, clock=AFTER)
    assert answer.code == 1
    assert "the configuration changed since" in answer.err
    assert rented.held() == digests(*ALL)


def test_a_later_day_brings_it_back(rented: Desk) -> None:
    answer = rented.syncd("sync", "everyone", clock=AFTER)
    assert answer.code == 4
    rented.settings["segments"]["everyone"]["expires"] = "2026-12-01"
    rented.save()
    before = rented.changes()
    assert rented.syncd("sync", "everyone", clock=AFTER).code == 0
    assert (rented.held(), rented.changes()) == (digests(*ALL), before)


def test_otherwise_it_is_unavailable_and_so_is_what_is_made_of_it(rented: Desk) -> None:
    """Of whom nobody is removed: whether they are members, nobody can say."""
    rented.settings["segments"]["made"] = {"all": ["everyone"]}
    rented.also("made", segment="made", audience="Made")
    assert rented.syncd("sync", "made", clock=LAST_DAY).code == 0
    assert rented.held("Made") == digests(*ALL)
    for words in (("segments", "preview", "everyone"), ("sync", "made")):
        answer = rented.syncd(*words, clock=AFTER)
        assert answer.code == 78
        assert "segment everyone is unavailable: it could be used until 2026-11-30" in answer.err
    assert rented.held("Made") == digests(*ALL)
    counted = rented.syncd("segments", "overlap", "--json", clock=AFTER).json
    assert set(counted["unavailable"]) == {"everyone", "made"}


@pytest.mark.parametrize("day", ["30-11-2026", "2026-02-30", "soon", 2026])
def test_a_day_that_is_none_is_refused(desk: Desk, day: object) -> None:
    desk.settings["segments"]["everyone"]["expires"] = day
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert "segments.everyone.expires: must be a day such as 2027-01-31" in answer.err


@pytest.mark.parametrize(("days", "verdict"), [(6, ""), (8, "warn"), (32, "bad")])
def test_a_sync_that_nobody_runs_is_told_of_by_its_age(desk: Desk, days: int, verdict: str) -> None:
    """It has no schedule, so it is never late."""
    desk.join(*ALL)
    then = Hands(datetime.now(UTC) - timedelta(days=days))
    assert desk.syncd("sync", "everyone", clock=then).code == 0
    answer = desk.syncd("doctor", "--json")
    lines = [line for line in answer.json["here"]["lines"] if line["what"] == "age of everyone"]
    assert [line["verdict"] for line in lines] == ([verdict] if verdict else [])
    assert (answer.code == 1) is (verdict == "bad")
    assert all(f"no run has ended well for {days} days" in line["said"] for line in lines)
