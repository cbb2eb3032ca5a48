"""A segment that asks less of who stays than of who enters, on each kind of database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.canonical_desk import on, orders, people
from tests.integration.commands import Desk, Hands, digests
from tests.integration.databases import DIALECTS, Database, Dialect, MakeDatabase

NOW = datetime(2026, 9, 1, tzinfo=UTC)
BEST = {"use": "biggest_spenders", "with": {"top": 0.3}, "stay": {"top": 0.5}}


@pytest.fixture(params=DIALECTS)
def shop(
    request: pytest.FixtureRequest,
    desk: Desk,
    make_database: MakeDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Database:
    """Ten who spent ten times their number; the best three enter, and stay among the best five."""
    dialect: Dialect = request.param
    database = on(desk, dialect, make_database, monkeypatch)
    people(database, range(1, 11))
    orders(database, [(n, "2026-08-01 12:00:00", f"{n}0.00") for n in range(1, 11)])
    desk.settings["segments"]["everyone"] = {**BEST}
    desk.save()
    return database


def test_who_comes_near_the_line_stays_and_does_not_enter(desk: Desk, shop: Database) -> None:
    clock = Hands(NOW)

    def bought(who: int, paid: str) -> None:
        clock.pass_by(hours=1)
        orders(shop, [(who, f"{clock.at:%Y-%m-%d %H:%M:%S}", paid)])
        clock.pass_by(hours=1)

    def sync(*members: int) -> dict[str, int]:
        assert desk.syncd("sync", "everyone", clock=clock).code == 0
        assert desk.held() == digests(*members)
        counts = desk.syncd("plan", "everyone", "--json", clock=clock).json[0]["counts"]
        assert (counts["additions"], counts["removals"]) == (0, 0)
        lost: dict[str, int] = counts["lost"]
        return lost

    assert sync(8, 9, 10) == {"would stay, and does not enter": 2}
    bought(7, "15.00")  # before 8, who is fourth now
    sync(7, 8, 9, 10)
    bought(5, "100.00")  # so that 8 is fifth
    assert sync(5, 7, 8, 9, 10) == {}
    bought(4, "200.00")
    sync(4, 5, 7, 9, 10)
    bought(8, "6.00")  # fifth again, before 7: too late
    assert sync(4, 5, 9, 10) == {"would stay, and does not enter": 1}


@pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
def test_without_a_memory_they_are_those_who_enter(desk: Desk, shop: Database) -> None:
    """Whoever asks a segment, as of whatever moment, gets the same."""
    del shop
    desk.settings["segments"]["made"] = {"any": ["everyone"]}
    desk.save()
    clock = Hands(NOW)
    found = desk.syncd("segments", "preview", "everyone", "--json", clock=clock).json
    assert (found["rows"], found["stay"], found["with_email"]) == (3, 2, 3)
    said = desk.syncd("segments", "preview", "everyone", clock=clock).out
    assert "everyone: 3 members, and 2 who would stay if they were" in said
    assert desk.syncd("segments", "preview", "made", "--json", clock=clock).json["rows"] == 3
    sizes = desk.syncd("segments", "overlap", "--json", clock=clock).json["overlap"]["sizes"]
    assert sizes == {"everyone": 3, "made": 3}
    shown = desk.syncd("segments", "show", "everyone", clock=clock).out
    assert "to stay a member: top 0.5" in shown
    assert ":stay_top" in shown
    planned = desk.syncd("plan", "everyone", clock=clock).out
    assert "Of 5 members read, 3 may be sent" in planned
    assert "Not there, and near enough only to stay if they were: 2." in planned


@pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
def test_a_line_that_is_taken_away_lets_go_whom_it_kept(desk: Desk, shop: Database) -> None:
    """Of members of whom nothing else changed, so that their rows need no digesting."""
    clock = Hands(NOW)
    desk.syncd("sync", "everyone", clock=clock)
    clock.pass_by(hours=2)
    orders(shop, [(7, "2026-09-01 01:00:00", "15.00")])
    desk.syncd("sync", "everyone", clock=clock)
    assert desk.held() == digests(7, 8, 9, 10)
    plan = desk.plan_of(desk.syncd("plan", "everyone", "--json", clock=clock))
    desk.settings["segments"]["everyone"].pop("stay")
    desk.save()
    refused = desk.syncd("sync", "everyone", "--plan", plan, clock=clock)
    assert "the configuration changed since" in refused.err
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.held() == digests(7, 9, 10)


@pytest.mark.parametrize(
    ("segment", "why"),
    [
        ({**BEST, "stay": {"top": 0.3}}, "`stay` says what `with` and the defaults say already"),
        ({"sql": "segments/everyone.sql", "stay": {"top": 0.3}}, "`stay` goes with `use`"),
        ({"use": "sale_buyers", "stay": {"window": 900}}, "`stay` cannot have a window of its own"),
    ],
)
def test_a_stay_that_cannot_be_meant_is_refused(
    desk: Desk, segment: dict[str, object], why: str
) -> None:
    desk.settings["segments"]["everyone"] = segment
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert why in answer.err
