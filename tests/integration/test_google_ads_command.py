"""The command line with an account of the Google Ads API."""

from __future__ import annotations

import pytest

from tests.integration.commands import Desk, Hands, digests

NOT_ALLOWED = "not_allowlisted_error.CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"


@pytest.fixture
def ads(desk: Desk) -> Desk:
    """Ten customers, synced to list Everyone."""
    google = desk.settings["accounts"].pop("google")
    desk.settings["accounts"] = {"google-old": {**google, "connector": "google_ads"}}
    desk.sync["account"] = "google-old"
    desk.save()
    desk.join(*range(10), consent="granted")
    assert desk.syncd("sync", "everyone", "--wait", clock=Hands()).code == 0
    return desk


@pytest.mark.parametrize("method", ["create_job", "add"])
def test_an_account_that_may_not_use_this_api_is_one_line_that_names_the_other(
    ads: Desk, method: str
) -> None:
    """Since 2026-04-01 that is every new one; whatever request first meets it."""
    ads.join(10, consent="granted")
    refused = {"code": "PERMISSION_DENIED", "subcode": NOT_ALLOWED}
    ads.fault(platform="google_ads", method=method, **refused)
    answer = ads.syncd("sync", "everyone", clock=Hands())
    assert answer.code == 77
    told = [line for line in answer.err.splitlines() if not line.startswith("{")]
    assert len(told) == 1
    assert "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE" in told[0]
    assert "`connector: google`" in told[0]


def test_doctor_finds_out_whether_the_account_may_use_this_api(ads: Desk) -> None:
    """By a job that Google checks and does not make: nothing else tells before an upload."""
    jobs = len(ads.local.google_jobs)
    assert ads.syncd("doctor", "accounts").code == 0
    assert len(ads.local.google_jobs) == jobs
    refused = {"code": "PERMISSION_DENIED", "subcode": NOT_ALLOWED}
    ads.fault(platform="google_ads", method="create_job", **refused)
    looked = ads.syncd("doctor", "accounts")
    assert looked.code == 1
    (line,) = [line for line in looked.out.splitlines() if "DENIED" in line]
    assert line.startswith("google-old: DENIED (NotAllowlistedError.CUSTOMER_NOT_ALLOWLISTED")
    assert "`connector: google`" in line


def test_a_version_that_google_retires_next_is_warned_of(ads: Desk) -> None:
    """In `doctor` before a run needs it, and in `status` after one."""
    said = "Google Ads API v23 is the oldest version"
    assert said not in ads.syncd("status").out + ads.syncd("doctor", "accounts").out
    ads.settings["accounts"]["google-old"]["api_version"] = "v23"
    ads.save()
    looked = ads.syncd("doctor", "accounts")
    assert looked.code == 1
    assert f"google-old: WARNING (API_VERSION): {said}" in looked.out
    ads.join(10, consent="granted")
    assert ads.syncd("sync", "everyone", clock=Hands()).code == 0
    assert ads.held(google=True) == digests(*range(11), google=True)
    status = ads.syncd("status").out
    assert f": {said}" in status
    assert "warning: sync everyone" in status


def test_a_sync_its_status_and_its_account(desk: Desk) -> None:
    google = desk.settings["accounts"].pop("google")
    desk.settings["accounts"] = {"google-old": {**google, "connector": "google_ads"}}
    desk.sync["account"] = "google-old"
    desk.save()
    desk.change(
        "INSERT INTO customers (customer_key, email, ad_consent) VALUES (?, ?, 'granted')",
        ((f"c:{n}", f"m{n}@example.com") for n in range(120)),
    )
    done = desk.syncd("sync", "everyone", "--wait", clock=Hands())
    assert (done.code, done.err) == (0, ""), done.said
    assert "added 120" in done.out

    (row,) = desk.syncd("status", "--json").json["syncs"]
    assert (row["audience"], row["members"]) == ("Everyone", 120)
    (found,) = desk.local.google_world.named(desk.google_account, "Everyone")
    assert len(found.identifiers) == 120
    looked = desk.syncd("doctor", "accounts")
    assert (looked.code, looked.err) == (0, ""), looked.said
    assert "google-old, audience Everyone: good" in looked.out
