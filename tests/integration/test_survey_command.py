"""What the shop is asked of its segments for the page: the same figures as the commands give."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from syncd.app import open_app
from syncd.worth.surveying import AGAIN, Surveyor, due
from tests.integration.canonical_desk import orders, people
from tests.integration.commands import Desk, Hands
from tests.integration.databases import DIALECTS, Database
from tests.integration.known_key import know

SYNCED = datetime(2026, 8, 1, tzinfo=UTC)
NOW = datetime(2026, 10, 1, tzinfo=UTC)
ALL = range(400)


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    """Four hundred who bought in July, half of them again in September; a quarter held out."""
    know(desk)
    desk.sql("odd", "SELECT customer_key, email FROM customers WHERE customer_key LIKE '%1'")
    desk.settings["page"] = {"directory": str(desk.folder / "page")}
    desk.settings["segments"] = {
        "everyone": {"use": "all_customers", "holdout": "25%"},
        "dear": {"use": "spend_level", "with": {"min": 100, "max": 1000}},
        "twice": {"use": "returning_customers", "holdout": "10%"},
        "odd": {"sql": "segments/odd.sql"},
    }
    desk.save()
    people(canonical, ALL)
    orders(canonical, [(n, "2026-07-01 12:00:00", "10.00") for n in ALL])
    assert desk.syncd("sync", "everyone", clock=Hands(SYNCED)).code == 0
    orders(canonical, [(n, "2026-09-15 12:00:00", "90.50") for n in ALL[:200]])
    orders(canonical, [(399, "2024-01-15 12:00:00", "5000.00")])  # too long ago for a share
    return canonical


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_a_survey_says_what_the_commands_say(desk: Desk) -> None:
    """Members as `preview`, pairs as `overlap`, lifts as `lift`, and nobody by name."""
    answer = desk.syncd("segments", "survey", "--json", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    found = answer.json["survey"]
    assert (found["customers"], found["trouble"]) == (400, "")
    assert (found["buyers"], found["revenue"]) == (400, (400 * 1000 + 200 * 9050) * 100)
    counted = {each["segment"]: each for each in found["segments"]}
    for name, each in counted.items():
        preview = desk.syncd("segments", "preview", name, "--json", clock=Hands(NOW))
        assert each["members"] == preview.json["rows"]
    assert counted["dear"]["revenue"] == 200 * 10050 * 100
    assert counted["odd"] | {"trouble": ""} == {
        "segment": "odd",
        "members": 40,
        "buyers": 40,
        "revenue": (40 * 1000 + 20 * 9050) * 100,
        "trouble": "",
    }
    overlap = desk.syncd("segments", "overlap", "--json", clock=Hands(NOW)).json["overlap"]
    assert {(each["one"], each["other"], each["both"]) for each in found["pairs"]} == {
        (each["one"], each["other"], each["both"]) for each in overlap["pairs"]
    }
    assert overlap["sizes"] == {name: each["members"] for name, each in counted.items()}
    with open_app(desk.config) as app:
        kept = app.ledger.surveys.latest()
        (event,) = app.ledger.events(kind="segments_surveyed")
    assert kept is not None
    lift = {each.segment: each for each in kept.lifts}
    since = (SYNCED + timedelta(seconds=1)).isoformat()
    told = desk.syncd(
        "segments", "lift", "everyone", "--since", since, "--json", clock=Hands(NOW)
    ).json
    assert lift["everyone"].figures
    assert _same(lift["everyone"].figures, told["lift"])
    assert lift["twice"].trouble.startswith("no run has sent it yet")
    assert "asked about 4 segments: 4 were counted" in event.detail
    assert event.counts["members of odd"] == 40
    assert "c:0" not in answer.said + event.detail


def _same(figures: str, told: dict[str, object]) -> bool:
    """Whether what is kept is what the command says, to the last figure."""
    kept = json.loads(figures)
    for key in ("since", "until"):
        assert datetime.fromisoformat(kept.pop(key)) == datetime.fromisoformat(str(told.pop(key)))
    return bool(kept == told)


def test_a_segment_that_cannot_be_asked_says_why_and_takes_nothing_from_the_rest(
    desk: Desk, shop: Database
) -> None:
    desk.settings["segments"]["lost"] = {"sql": "segments/lost.sql"}
    desk.sql("torn", "SELECT customer_key, email, nothing FROM customers")
    desk.settings["segments"]["torn"] = {"sql": "segments/torn.sql"}
    desk.save()
    answer = desk.syncd("segments", "survey", clock=Hands(NOW))
    assert answer.code == 0, answer.said
    assert "not counted: lost: " in answer.out
    assert "not counted: torn: " in answer.out
    lines = {line.split()[0]: line.split()[1:] for line in answer.out.splitlines() if line}
    assert lines["dear"] == ["200", "50.0%", "91.0%"]
    shop.execute("DROP TABLE orders")
    again = desk.syncd("segments", "survey", clock=Hands(NOW + timedelta(days=1)))
    assert again.code == 0, again.said
    assert "share of revenue is not known: " in again.out
    assert "not counted: dear: " in again.out
    assert "odd" in again.out
    with open_app(desk.config) as app:
        kept = app.ledger.surveys.latest()
    assert kept is not None
    assert (kept.customers, kept.revenue) == (400, None)
    assert [each.segment for each in kept.counted] == ["odd"]


def test_pairs_stay_until_there_are_newer_ones_and_what_was_kept_is_a_history(
    desk: Desk, shop: Database
) -> None:
    assert desk.syncd("segments", "survey", clock=Hands(NOW)).code == 0
    shop.execute("DROP TABLE customers")
    broken = desk.syncd("segments", "survey", clock=Hands(NOW + timedelta(hours=2)))
    assert broken.code == 1
    assert "no segment could be counted" in broken.err
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger:
        assert ledger.execute("SELECT DISTINCT survey FROM surveyed_pair").fetchall() == [(1,)]
        assert ledger.execute("SELECT count(*) FROM surveyed").fetchone() == (8,)


@pytest.mark.usefixtures("shop")
def test_the_daemon_asks_once_a_day_and_sooner_where_nothing_came(desk: Desk) -> None:
    def asked(at: datetime) -> bool:
        with open_app(desk.config, clock=Hands(at)) as app:
            return due(app)

    assert asked(NOW)
    assert desk.syncd("segments", "survey", clock=Hands(NOW)).code == 0
    assert not asked(NOW + timedelta(hours=23, minutes=59))
    assert asked(NOW + timedelta(days=1))
    assert asked(NOW - timedelta(days=30))  # the clock was wrong when it asked
    desk.settings["page"]["survey"] = {"cron": "30 4 * * *"}
    desk.save()
    assert not asked(NOW + timedelta(hours=2, minutes=29))  # 04:29 in Amsterdam
    assert asked(NOW + timedelta(hours=2, minutes=30))
    desk.settings["page"]["survey"] = "manual"
    desk.save()
    assert not asked(NOW + timedelta(days=300))
    desk.settings["page"] = {}
    desk.save()
    assert not asked(NOW + timedelta(days=300))
    assert timedelta(hours=1) == AGAIN


def test_a_shop_that_said_nothing_is_asked_again_within_the_hour(
    desk: Desk, shop: Database
) -> None:
    shop.execute("DROP TABLE customers")
    assert desk.syncd("segments", "survey", clock=Hands(NOW)).code == 1
    for later, wanted in ((AGAIN - timedelta(seconds=1), False), (AGAIN, True)):
        with open_app(desk.config, clock=Hands(NOW + later)) as app:
            assert due(app) == wanted
            assert Surveyor(lambda: None).wanted(app) == wanted
    told: list[str] = []
    with open_app(desk.config, clock=Hands(NOW + AGAIN)) as app:
        one = Surveyor(lambda: told.append("told"))
        assert one.wanted(app)
        assert not one.wanted(app)  # one look is under way, or has just failed
        one.go(app)
    assert told == ["told"]
