"""Segments made of others: who is in, on every database, and what cannot be made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.integration.canonical_desk import consents, key, orders, people
from tests.integration.commands import Desk, Hands, digests
from tests.integration.databases import DIALECTS, Database

NOW = Hands(datetime(2026, 10, 1, tzinfo=UTC))
RECENT, OLD = "2026-09-20 12:00:00", "2025-01-10 12:00:00"
# Bought lately: 0 to 9; spent 100 and more: 5 to 14; take the newsletter: 8 to 19.
BUYERS = [*((n, RECENT, "10.00") for n in range(10)), *((n, OLD, "100.00") for n in range(5, 15))]


@pytest.fixture
def shop(desk: Desk, canonical: Database) -> Database:
    people(canonical, range(20))
    orders(canonical, BUYERS)
    consents(canonical, [(n, "email", "granted") for n in range(8, 20)])
    desk.settings["segments"] |= {
        "recent": {"use": "new_customers", "with": {"days": 3650}},
        "spent": {"use": "spend_level", "with": {"min": 100, "max": 1000}},
        "lately": {"use": "reactivation_active30"},
        "letter": {"use": "newsletter_subscribers"},
    }
    desk.save()
    return canonical


def made(desk: Desk, segment: Mapping[str, object], name: str = "made") -> None:
    desk.settings["segments"][name] = dict(segment)
    desk.save()


def members(desk: Desk, name: str = "made") -> set[int]:
    """Who is sent, by what the platform then holds."""
    desk.settings["syncs"] = {
        "made": {**desk.sync, "segment": name, "audience": f"Made {name}"},
        "everyone": desk.sync,
    }
    desk.save()
    answer = desk.syncd("sync", "made", clock=NOW)
    assert answer.code == 0, answer.said
    held = desk.held(f"Made {name}")
    found = {n for n in range(30) if digests(n) <= held}
    assert held == digests(*found)
    return found


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.usefixtures("shop")
def test_any_all_and_none_are_what_they_say(desk: Desk) -> None:
    """With parameters of one name in two parts, and a part that is made itself."""
    made(desk, {"any": ["lately", "letter"]}, "either")
    made(desk, {"all": ["lately", "spent"]}, "both")
    made(desk, {"all": ["letter"], "none": ["lately", "spent"]}, "rest")
    made(desk, {"any": ["lately", "spent"], "all": ["letter"], "none": ["both"]}, "nested")
    assert members(desk, "either") == set(range(20))
    assert members(desk, "both") == set(range(5, 10))
    assert members(desk, "rest") == set(range(15, 20))
    assert members(desk, "nested") == set(range(10, 15))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_own_sql_takes_part_whatever_type_its_key_has(desk: Desk, shop: Database) -> None:
    """A number is the text that it is written as; its binds, comments and semicolon are its own."""
    placed = {"sqlite": "TEXT", "postgresql": "timestamptz", "mysql": "DATETIME"}[shop.dialect]
    shop.execute(f"CREATE TABLE numbers (customer_key INTEGER, email VARCHAR(80), at {placed})")
    shop.execute("CREATE TABLE texts (customer_key VARCHAR(80), email VARCHAR(80))")
    shop.load(
        "numbers",
        ("customer_key", "email", "at"),
        [(7, "a@b.example", RECENT), (8, "c@d.example", RECENT)],
    )
    shop.load("texts", ("customer_key", "email"), [("7", "a@b.example"), ("9", "e@f.example")])
    desk.sql(
        "numbers",
        "-- it's :not a bind\nSELECT customer_key, email FROM numbers WHERE at < :as_of;\n",
    )
    desk.sql("texts", "SELECT customer_key, email FROM texts -- the end")
    made(desk, {"sql": "segments/numbers.sql"}, "numbers")
    made(desk, {"sql": "segments/texts.sql"}, "texts")
    for how, count in (
        ({"all": ["numbers", "texts"]}, 1),
        ({"all": ["numbers"], "none": ["texts"]}, 1),
        ({"all": ["texts"], "none": ["numbers"]}, 1),
        ({"any": ["numbers", "texts"]}, 3),
    ):
        made(desk, how)
        answer = desk.syncd("segments", "preview", "made", "--json", clock=NOW)
        assert answer.code == 0, answer.said
        assert answer.json["rows"] == count


@pytest.mark.usefixtures("shop")
def test_whoever_denied_by_any_part_is_denied(desk: Desk) -> None:
    """The first part says who a member is, and may not know that they said no."""
    for name, column in (
        ("one", "NULL AS city"),
        ("two", "'Denied ' AS ad_consent"),
        ("three", "'granted' AS ad_consent"),
    ):
        desk.sql(
            name,
            f"SELECT customer_key, email, phone, {column} FROM customers "
            "WHERE customer_key < 'c:00004'",
        )
        made(desk, {"sql": f"segments/{name}.sql"}, name)
    for how in (
        {"all": ["one", "two"]},
        {"any": ["one", "two"]},
        {"any": ["three", "one"], "all": ["two"]},
        {"any": ["three", "two"]},
    ):
        made(desk, how)
        consent = desk.syncd("segments", "preview", "made", "--json", clock=NOW).json["consent"]
        assert consent == {"granted": 0, "denied": 4, "unknown": 0}, how
    made(desk, {"all": ["one", "three"]})
    consent = desk.syncd("segments", "preview", "made", "--json", clock=NOW).json["consent"]
    assert consent == {"granted": 0, "denied": 0, "unknown": 4}
    made(desk, {"all": ["three"], "none": ["two"]})
    assert desk.syncd("segments", "preview", "made", "--json", clock=NOW).json["rows"] == 0


@pytest.mark.usefixtures("shop")
def test_a_key_of_nothing_takes_nobody_out(desk: Desk) -> None:
    """NOT IN would, and everybody would leave."""
    desk.sql("odd", "SELECT NULL AS customer_key, email FROM customers")
    made(desk, {"sql": "segments/odd.sql"}, "odd")
    made(desk, {"all": ["lately"], "none": ["odd"]})
    assert members(desk) == set(range(10))


def test_show_prints_the_sql_that_runs(desk: Desk, shop: Database) -> None:
    """With the shop's own values, each under a name of its own where two parts differ."""
    made(desk, {"any": ["spent", "recent"], "none": ["lately"]})
    desk.settings["segments"]["dear"] = {"use": "spend_level", "with": {"min": 500, "max": 1000}}
    made(desk, {"all": ["spent"], "none": ["dear"]}, "two")
    answer = desk.syncd("segments", "show", "made", clock=NOW)
    assert answer.code == 0, answer.said
    assert "any of spent, recent; none of lately" in answer.out
    assert "-- spent" in answer.out
    shown = desk.syncd("segments", "show", "two", "--json", clock=NOW).json
    assert shown["binds"]["part_1_min"] == 100
    assert shown["binds"]["part_2_min"] == 500
    assert shown["binds"]["max"] == 1000
    engine = create_engine(shop.url, poolclass=NullPool)
    asked = {
        name: str(value)[:19].replace("T", " ") if "as_of" in name else value
        for name, value in shown["binds"].items()
    }
    with engine.connect() as connection:
        rows = connection.execute(text(shown["sql"]), asked).fetchall()
    assert {row[0] for row in rows} == {key(n) for n in range(5, 15)}
    listed = desk.syncd("segments", "list", "--json").json["configured"]
    assert listed["made"] == "any of spent, recent; none of lately"


def test_a_guests_key_is_never_shown_under_any_name(desk: Desk) -> None:
    desk.settings["shop"] = {"url": "mysql+pymysql://x@127.0.0.1:1/x", "schema": "woocommerce"}
    made(desk, {"use": "all_customers"}, "a")
    answer = desk.syncd("segments", "show", "a", "--json")
    assert answer.json["binds"]["guest_key"] == "***"
    assert not re.search(r"[0-9a-f]{64}", answer.said)


def test_a_part_that_a_shop_cannot_serve_makes_the_whole_unavailable(
    desk: Desk, shop: Database
) -> None:
    """Never empty: an empty one would take everybody out."""
    made(desk, {"all": ["lately"], "none": ["letter"]})
    before = members(desk)
    shop.execute("DROP TABLE consents")
    answer = desk.syncd("sync", "made", clock=NOW)
    assert answer.code == 78
    assert "lately is unavailable: the shop has no consents" in answer.err
    assert desk.held("Made made") == digests(*before)


@pytest.mark.usefixtures("shop")
def test_whom_a_model_chooses_is_no_part(desk: Desk) -> None:
    """Its SQL has a row of everyone: the model chooses among them once the shop has answered."""
    desk.settings["segments"]["likely"] = {"use": "likely_to_buy"}
    made(desk, {"all": ["lately", "likely"]})
    answer = desk.syncd("segments", "show", "made", clock=NOW)
    assert answer.code == 78
    assert "likely cannot be put together with others: a model chooses its members" in answer.err


@pytest.mark.usefixtures("shop")
def test_another_definition_of_a_part_is_another_configuration(desk: Desk) -> None:
    """A plan that was shown says nothing any more; a new name of a part changes nothing."""
    made(desk, {"all": ["spent"], "none": ["lately"]})
    assert members(desk) == set(range(10, 15))
    plan = desk.plan_of(desk.syncd("plan", "made", "--json", clock=NOW))
    desk.settings["segments"]["fresh"] = desk.settings["segments"].pop("lately")
    made(desk, {"all": ["spent"], "none": ["fresh"]})
    assert desk.syncd("sync", "made", "--plan", plan, clock=NOW).code == 0
    plan = desk.plan_of(desk.syncd("plan", "made", "--json", clock=NOW))
    desk.settings["segments"]["spent"]["with"]["min"] = 50
    desk.save()
    refused = desk.syncd("sync", "made", "--plan", plan, clock=NOW)
    assert refused.code == 1
    assert "the configuration changed since" in refused.err


@pytest.mark.parametrize(
    ("segments", "why"),
    [
        ({"a": {"all": ["wales"]}}, "segments.a.all: no segment wales; did you mean whales?"),
        ({"a": {"all": ["a"]}}, "segments.a.all: a segment cannot be made of itself: a of a"),
        (
            {"a": {"any": ["b"]}, "b": {"all": ["everyone"], "none": ["a"]}},
            "segments.a.any: a segment cannot be made of itself: a of b of a",
        ),
        ({"a": {"none": ["everyone"]}}, "must have one of `use`"),
        ({"a": {"use": "whales", "none": ["everyone"]}}, "`none` goes with `any` or `all`"),
        ({"a": {"all": ["everyone"], "sql": "segments/everyone.sql"}}, "must have one of `use`"),
        ({"a": {"all": ["everyone"], "with": {"x": 1}}}, "`with` goes with `use`"),
        ({"a": {"all": ["everyone", "everyone"]}}, "segments.a.all: names one twice"),
        ({"a": {"all": []}}, "segments.a.all: has 0 segments; it must have 1 to 20"),
        ({"a": {"all": "everyone"}}, "segments.a.all: must be a list of segments"),
        (
            {"a": {"all": ["everyone"], "none": ["everyone"]}},
            "segments.a.none: everyone stands under any or all too",
        ),
        (
            {"a": {"all": ["h"]}, "h": {"sql": "segments/everyone.sql", "prehashed": True}},
            "segments.a.all: h is prehashed",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_line(
    desk: Desk, segments: dict[str, object], why: str
) -> None:
    desk.settings["segments"] |= {"whales": {"use": "whales"}, **segments}
    desk.save()
    answer = desk.syncd("config", "check")
    assert answer.code == 78
    assert why in answer.err
    assert re.search(r"syncd\.yaml:\d+: ", answer.err)
