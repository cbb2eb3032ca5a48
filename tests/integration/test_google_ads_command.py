"""The command line with an account of the Google Ads API."""

from __future__ import annotations

from tests.integration.commands import Desk, Hands


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
