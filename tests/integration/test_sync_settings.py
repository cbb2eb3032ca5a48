"""What a sync may say of its rows and of its rhythm, as commands are typed."""

from __future__ import annotations

from tests.integration.commands import Desk, Hands


def test_a_scheduled_run_leaves_an_audience_alone_for_its_interval(desk: Desk) -> None:
    """It says so and is well; who asks in person is served at once."""
    desk.sync["min_interval"] = "6h"
    desk.save()
    clock = Hands()
    desk.join(1, 2)
    assert desk.syncd("sync", "everyone", "--scheduled", clock=clock).code == 0
    before = len(desk.held())

    desk.join(3)
    clock.pass_by(hours=5)
    rests = desk.syncd("sync", "everyone", "--scheduled", clock=clock)
    assert rests.code == 0
    assert "left alone until" in rests.out
    assert "syncd sync everyone" in rests.out
    assert len(desk.held()) == before

    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert len(desk.held()) > before

    clock.pass_by(hours=6)
    desk.join(4)
    assert "added 1" in desk.syncd("sync", "everyone", "--scheduled", clock=clock).out


def test_a_scheduled_run_takes_no_wish_of_a_persons(desk: Desk) -> None:
    found = desk.syncd("sync", "everyone", "--scheduled", "--full")
    assert found.code == 2
    assert "--scheduled is for a timer" in found.err


def test_identifiers_of_which_a_platform_matches_none_are_refused(desk: Desk) -> None:
    desk.also("ids", account="google", audience="Ids", identifiers=["device_id", "external_id"])
    desk.join(1)
    found = desk.syncd("sync", "ids")
    assert found.code == 78
    assert "syncs.ids.identifiers" in found.err
    assert "it takes email, phone, address" in found.err


LIVING = """SELECT customer_key, email, ad_consent, 'm' AS gender,
                   CASE customer_key WHEN 'c:00001' THEN '{}' ELSE 'Paris' END AS city
            FROM customers"""


def test_who_moves_is_sent_once_more_to_a_platform_that_takes_a_city(desk: Desk) -> None:
    """Whatever the guard says of removals: there are none."""
    desk.sync["details"] = ["city", "gender"]
    desk.also("google", account="google")
    desk.join(1, 2, consent="granted")
    desk.sql("everyone", LIVING.format("Paris"))
    for name in ("everyone", "google"):
        assert "added 2" in desk.syncd("sync", name).out

    desk.sql("everyone", LIVING.format("Lyon"))
    assert "1 of those to add are there; only details" in desk.syncd("plan", "everyone").out
    moved, same = desk.syncd("sync", "everyone").out, desk.syncd("sync", "google").out
    assert "removed 0, added 1, sent again 0, unchanged 1" in moved
    assert "removed 0, added 0, sent again 0, unchanged 2" in same
