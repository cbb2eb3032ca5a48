"""What became of requests at Google, told later and only as counts: asked, kept, acted on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from connectors.sandbox import start
from tests.integration.commands import Desk, Hands, digests

# 90,000 of them, as of the first.
MANY_ATTEMPTS = """
WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 90000)
INSERT INTO attempt SELECT batch, i, label, deadline, started_at, ended_at, state, code
FROM attempt, n WHERE number = 1
"""


@pytest.fixture
def google(desk: Desk) -> Desk:
    """A desk whose sync goes to Google."""
    desk.sync.update(account="google", audience="G")
    desk.save()
    return desk


def synced(desk: Desk, code: int = 0, clock: Hands | None = None) -> dict[str, Any]:
    """A run that waits for Google; what `runs show` says of it."""
    clock = clock or Hands()
    answer = desk.syncd("sync", "everyone", "--wait", "--json", clock=clock)
    assert answer.code == code, answer.said
    shown: dict[str, Any] = desk.syncd(
        "runs", "show", answer.json[0]["run"]["id"], "--json", clock=clock
    ).json
    return shown


def test_rows_that_google_drops_later_are_counted_on_the_receipt(google: Desk) -> None:
    """PARTIAL_SUCCESS says how many and why, never which; the others are in."""
    google.join(*range(10), consent="granted")
    google.fault(platform="google.process", kind="refuse_rows", method="add", rows=(0, 2))
    shown = synced(google, code=3)
    (batch,) = shown["batches"]
    assert (batch["state"], batch["rows"]) == ("processed", 10)
    told = [(each["row"], each["reason"], each["count"]) for each in batch["refused"]]
    assert told == [(None, "INTERNAL_ERROR", 2)]
    assert len(google.held("G", google=True)) == 16

    said = google.syncd("runs", "show", shown["run"]["id"]).out
    assert "2 x INTERNAL_ERROR" in said
    assert batch["reference"].startswith("request-")
    assert batch["reference"] in said, "for Google's support"


def test_a_request_that_failed_is_planned_again(google: Desk) -> None:
    """Nothing of it is there, whatever Google took first."""
    google.join(*range(10), consent="granted")
    google.fault(platform="google.process", method="add", subcode="INTERNAL_ERROR")
    shown = synced(google, code=3)
    (batch,) = shown["batches"]
    assert batch["state"] == "failed"
    assert not google.held("G", google=True)
    again = synced(google)
    assert [each["rows"] for each in again["batches"]] == [10]
    assert google.held("G", google=True) == digests(*range(10), google=True)
    assert synced(google)["batches"] == []


def test_a_removal_that_failed_is_planned_again(google: Desk) -> None:
    google.join(*range(10), consent="granted")
    synced(google)
    google.leave(1, 2)
    google.fault(platform="google.process", method="remove", subcode="INTERNAL_ERROR")
    synced(google, code=3)
    assert len(google.held("G", google=True)) == 20
    synced(google)
    left = digests(*(n for n in range(10) if n not in (1, 2)), google=True)
    assert google.held("G", google=True) == left


def test_the_match_rate_of_an_upload_is_told_beside_it(google: Desk) -> None:
    """Google states one of a hundred rows or more."""
    google.join(*range(120), consent="granted")
    shown = synced(google)
    assert "81 to 90 %" in google.syncd("runs", "show", shown["run"]["id"]).out
    (answer,) = shown["answers"].values()
    assert answer["match_rate"] == "81 to 90 %"


@pytest.fixture
def slow(google: Desk) -> Iterator[Desk]:
    """A desk whose Google works only when told to."""
    with start(google_delay=None) as local:
        google.local = local
        google.settings["accounts"]["google"]["endpoint"] = local.google_endpoint
        google.sync["poll"] = "30m"
        google.save()
        yield google


def test_requests_are_asked_for_ever_less_often(slow: Desk) -> None:
    """After 30 minutes and then with exponential backoff, as Google's "Diagnostics" asks."""
    slow.join(1, consent="granted")
    looks: list[timedelta] = []
    clock = Hands()
    began, world = clock.now(), slow.local.google_world

    def sleep(seconds: float) -> None:
        clock.pass_by(seconds=seconds)
        looks.append(clock.now() - began)
        if len(looks) == 6:
            slow.local.process()

    clock.sleep = sleep  # type: ignore[method-assign]  # the hands of this test
    synced(slow, clock=clock)
    assert [look.total_seconds() / 60 for look in looks] == [30, 90, 210, 450, 690, 930]
    assert world.requests["status"] == len(looks), "and not before"


def test_a_days_quota_counts_what_earlier_processes_sent(google: Desk) -> None:
    """100,000 uploads a day are a project's, whoever makes them: a restart begins no new day."""
    key = google.folder / "config" / "key.json"
    key.write_text(json.dumps({"type": "service_account", "project_id": google.google_account}))
    google.settings["accounts"]["google"]["credentials"] = {"file": "key.json"}
    google.save()
    google.join(1, consent="granted")
    assert google.process("sync", "everyone").code == 0
    with closing(sqlite3.connect(google.var / "ledger.db")) as ledger, ledger:
        ledger.execute(MANY_ATTEMPTS)
    google.join(2, consent="granted")
    before = google.held("G", google=True)
    waits = google.syncd("sync", "everyone", clock=Hands())
    assert waits.code == 75, waits.said
    assert "90% of the project's quota of 100,000 uploads a day is used" in waits.said
    assert google.held("G", google=True) == before
