"""The catalogue as such: what it offers, what it refuses, and the moments it computes."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from syncd.demo.schema import create_tables
from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.segments import (
    Number,
    Segment,
    Words,
    catalogue,
    catalogue_query,
    check_parameters,
    definition,
    not_offered,
    shipped,
)
from syncd.segments.canonical import RELATIONS
from syncd.segments.macros import Dialect, day_number, midnight, offsets
from syncd.segments.seasons import HOLIDAYS, last_black_fridays, last_runs_up, last_windows
from tests.segment_samples import ended, required

AS_OF = datetime(2026, 11, 1, 12, 30, 15, 999, tzinfo=UTC)
NAMES = tuple(segment.name for segment in catalogue())
GRAMMARS: dict[Dialect, str] = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "mysql": "mysql",
    "duckdb": "duckdb",
}
BASIC = {"customers", "orders", "consents"}
OPTIONAL = {
    f"{relation.name}.{column.name}"
    for relation in RELATIONS
    for column in relation.columns
    if column.optional
}


def ask(name: str, dialect: Dialect = "sqlite", **parameters: object) -> SegmentQuery:
    return catalogue_query(
        name, parameters=parameters, as_of=AS_OF, timezone="Europe/Amsterdam", dialect=dialect
    )


def test_every_segment_is_offered_with_words_for_people() -> None:
    for segment in catalogue():
        assert segment.wording
        assert segment.advice
        assert segment.purpose in {"target", "exclude", "seed"}
        for parameter in segment.parameters:
            assert parameter.help
            assert parameter.unit
            if parameter.default is not None:
                assert parameter.accept(segment.name, parameter.default) == parameter.default
    assert len(NAMES) > 50


def test_every_definition_begins_with_what_it_means() -> None:
    folder = files("syncd.segments") / "catalogue"
    there = {each.name for each in folder.iterdir() if each.name.endswith(".sql")}
    assert there == {f"{name}.sql" for name in NAMES}
    assert all(definition(name).startswith("-- ") for name in NAMES)


@pytest.mark.parametrize("segment", catalogue(), ids=NAMES)
def test_what_a_segment_says_it_needs_is_what_it_reads(segment: Segment) -> None:
    """Tables, and of the columns those that a shop may lack."""
    tables: dict[str, object] = {
        relation.name: {column.name: "text" for column in relation.columns}
        for relation in RELATIONS
    }
    limits: dict[str, object] = {
        each.name: "x"
        for each in segment.parameters
        if isinstance(each, Words) and each.default is None
    }
    query = ask(segment.name, "sqlite", **{**limits, **required(segment)})
    tree = qualify(sqlglot.parse_one(query.sql, read="sqlite"), schema=tables, dialect="sqlite")
    read: set[str] = set()
    for scope in traverse_scope(tree):
        sources = {
            name: source.name
            for name, source in scope.sources.items()
            if isinstance(source, exp.Table)
        }
        read |= set(sources.values())
        read |= {
            f"{sources[column.table]}.{column.name}"
            for column in scope.columns
            if column.table in sources
        }
    assert set(segment.needs) == {name for name in read if "." not in name or name in OPTIONAL}


def test_a_segment_is_unavailable_where_an_input_is_missing() -> None:
    """Never empty: an empty one would take everybody out of its audience."""
    whole = {each.name: {column.name for column in each.columns} for each in RELATIONS}
    bare = {
        each.name: {column.name for column in each.columns if not column.optional}
        for each in RELATIONS
        if each.name != "carts"
    }
    assert all(not segment.missing(whole) for segment in catalogue())
    assert shipped("whales").missing(bare) == ()
    assert shipped("coupon_customers").missing(bare) == ("orders.coupon_codes",)
    assert shipped("cart_value_band").missing(bare) == ("carts",)
    assert shipped("whales").missing({**bare, "orders": {"order_key"}}) == (
        *("orders.customer_key", "orders.placed_at", "orders.is_paid"),
        *("orders.total_base", "orders.refunded_base"),
    )


def test_the_demos_shop_can_serve_every_segment() -> None:
    with closing(sqlite3.connect(":memory:")) as shop:
        create_tables(shop)
        served = {
            relation.name: {
                name for _, name, *_ in shop.execute(f"PRAGMA table_xinfo({relation.name})")
            }
            for relation in RELATIONS
        }
    assert [segment.name for segment in catalogue() if segment.missing(served)] == []


@pytest.mark.parametrize("segment", catalogue(), ids=NAMES)
@pytest.mark.parametrize("dialect", GRAMMARS)
def test_a_query_is_one_select_with_exactly_its_binds(dialect: Dialect, segment: Segment) -> None:
    query = ask(segment.name, dialect, **required(segment))
    (tree,) = sqlglot.parse(query.sql, read=GRAMMARS[dialect])
    assert isinstance(tree, exp.Select)
    binds = {bind.name for bind in tree.find_all(exp.Placeholder)}
    assert binds == set(ended(query).parameters)
    assert "{{" not in query.sql
    assert query.source == f"catalogue:{segment.name}"


def test_a_definition_is_shown_as_it_was_written() -> None:
    assert "ahead < :share * total" in definition("whales")


def test_an_unknown_segment_is_met_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"no shipped segment 'whale' \(did you mean 'whales'\?\)"
    ):
        ask("whale")


def test_what_is_not_offered_says_why() -> None:
    assert not set(not_offered()) & set(NAMES)
    with pytest.raises(ConfigError, match=r"no shipped segment 'income': needs what people said"):
        ask("income")


# What five articles on advertising to shops' customers name, by the names that syncd gives it.
NAMED = (
    *("all_customers", "new_customers", "returning_customers", "top_customers", "biggest_spenders"),
    *("loyal", "least_loyal", "whales", "minnows", "rfm_cell", "spend_level", "one_time"),
    *("inactive", "reactivation_active30", "reactivation_30_60", "reactivation_60_180"),
    *("reactivation_180_plus", "win_back", "peak_season", "q4_buyers", "holiday_buyers"),
    *("category_buyers", "product_buyers", "bridge_product", "whale_products", "sale_buyers"),
    *("full_price_buyers", "coupon_customers", "price_sensitive_suppress", "budget_friendly"),
    *("frugal_replenish", "bulk_vs_single", "gift_buyers", "trend_followers", "location"),
    *("climate_season", "currency_market", "language", "acquisition_source"),
    *("newsletter_subscribers", "prospects_all", "preferred_channel", "advocates"),
    *("subscribers_plan", "interest", "cart_abandoners", "cart_abandoners_category"),
    *("cart_abandoners_product", "cart_value_band", "checkout_payment_failed"),
    *("undecided_prospects", "curious_prospects", "journey_stage", "support_no_reply"),
    *("visit_frequency", "age_group", "gender", "income", "education", "occupation"),
    *("marital_status", "life_stage", "psychographic", "needs_problems", "social_cultural"),
    *("third_party_profile", "likely_to_buy", "predicted_clv_top", "likely_high_aov"),
    *("churn_risk", "propensity_category", "next_best_interest", "cluster"),
)


def test_whatever_people_read_of_is_offered_or_said_why_not() -> None:
    said = {*NAMES, *not_offered()}
    assert [name for name in NAMED if name not in said] == []
    assert all("\n" not in why and len(why) > 20 for why in not_offered().values())


def test_what_a_refusal_points_to_is_there() -> None:
    """Names in it are of the catalogue, and commands are commands."""
    for name, why in not_offered().items():
        pointed = set(re.findall(r"[a-z]+(?:_[a-z]+)+", why))
        assert pointed <= set(NAMES), name
    assert all(shipped(name).instead in {"", *NAMES} for name in NAMES)


def test_an_unknown_parameter_is_met_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match=r"whales has no parameter 'shares' .*'share'.*has: share"
    ):
        ask("whales", shares=0.5)


@pytest.mark.parametrize(
    ("name", "parameter", "value", "said"),
    [
        ("whales", "share", 1.5, "is 1.5; it must lie from 0.01 to 1"),
        ("whales", "share", 0, "is 0; it must lie"),
        ("whales", "share", "80%", "must be a number"),
        ("whales", "share", None, "must be a number"),
        ("whales", "share", float("nan"), "must be a number"),
        ("whales", "share", True, "must be a number"),
        ("win_back", "cap", 29, "from 30 to 3650"),
        ("win_back", "cap", 100.5, "must be a whole number"),
        ("q4_buyers", "years", 0, "from 1 to 10"),
        ("cart_abandoners", "max", 91, "from 1 to 90"),
        ("age_group", "min", 17, "is 17; it must lie from 18 to 120"),
        ("gender", "gender", "x", "is 'x'; it must be one of: f, m"),
        ("rfm_cell", "cells", ["new", "old"], "is 'old'; it must be any of: champions, loyal"),
        ("rfm_cell", "cells", [], "has 0 words; it must have 1 to 100"),
        ("location", "countries", ["NL", False], "must be text, in quotes: a list of countries"),
        ("location", "countries", ["Norway"], "is 'Norway'; it must be a list of countries as two"),
        ("product_buyers", "products", 42, "must be text, in quotes"),
        ("category_buyers", "category", " / ", "is '/'; it must be a category's name or path"),
        ("peak_season", "windows", "02-30/03-01", "must be a list of windows as MM-DD/MM-DD"),
        ("peak_season", "windows", "11-01", "must be a list of windows"),
        ("peak_season", "windows", ["11-01/12-31/01-01"], "must be a list of windows"),
    ],
)
def test_a_value_out_of_bounds_is_told_the_bounds(
    name: str, parameter: str, value: object, said: str
) -> None:
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        ask(name, "sqlite", **{parameter: value})


@given(value=st.floats(allow_nan=False), low=st.integers(-9, 9), span=st.integers(0, 9))
def test_a_number_is_taken_within_its_bounds_and_nowhere_else(
    value: float, low: int, span: int
) -> None:
    high = low + span + 0.5
    number = Number("n", None, low, high, "things", "how many")
    if low <= value <= high:
        assert number.accept("segment", value) == value
    else:
        with pytest.raises(ConfigError, match=rf"must lie from {low} to {high}"):
            number.accept("segment", value)


def test_what_has_no_default_must_be_given() -> None:
    with pytest.raises(ConfigError, match=r"interest needs category: what lies under it .*; a cat"):
        ask("interest")
    check_parameters("interest", {"category": "candles"})
    with pytest.raises(ConfigError, match="interest has no parameter 'categry'"):
        check_parameters("interest", {"categry": "candles"})


def test_cart_bounds_must_leave_a_window() -> None:
    """72 hours of quiet at least, and one day at most: nobody could ever be a member."""
    with pytest.raises(ConfigError, match=r"min \(72 hours\) leaves nothing of max \(1 days\)"):
        ask("cart_abandoners", min=72, max=1)


def test_bounds_of_one_unit_must_leave_a_window_too() -> None:
    with pytest.raises(ConfigError, match=r"min \(90 calendar days\) leaves nothing of max"):
        ask("one_time", min=90, max=90)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no time zone 'Mars/Olympus'"):
        catalogue_query(
            "whales", parameters={}, as_of=AS_OF, timezone="Mars/Olympus", dialect="sqlite"
        )


def test_moments_are_whole_seconds_before_as_of() -> None:
    query = ask("cart_abandoners", min=2, max=3)
    moment = AS_OF.replace(microsecond=0)
    assert query.parameters == {
        "as_of": moment,
        "min_ago": moment - timedelta(hours=2),
        "max_ago": moment - timedelta(days=3),
    }


def test_calendar_days_begin_at_midnight_of_the_shop() -> None:
    """Amsterdam is at +02:00 ten days before, and at +01:00 on the day itself."""
    since = ask("all_customers", since=10).parameters["since_ago"]
    assert since == datetime(2026, 10, 21, 22, tzinfo=UTC)


def test_fourth_quarters_count_back_from_the_running_one() -> None:
    query = ask("q4_buyers", years=2)
    assert query.parameters["window_1_from"] == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert query.parameters["window_1_to"] == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert query.parameters["window_2_from"] == datetime(2025, 9, 30, 22, tzinfo=UTC)
    assert "window_3_from" not in query.parameters


def test_before_october_the_last_quarter_is_of_the_year_before() -> None:
    query = catalogue_query(
        "q4_buyers",
        parameters={"years": 1},
        as_of=datetime(2026, 9, 30, 21, 59, 59, tzinfo=UTC),
        timezone="Europe/Amsterdam",
        dialect="sqlite",
    )
    assert query.parameters["window_1_from"] == datetime(2025, 9, 30, 22, tzinfo=UTC)


def test_windows_may_run_into_january_and_count_once_begun() -> None:
    windows = ("12-20/01-05", "11-01/11-01")
    assert last_windows(windows, 2, date(2026, 12, 19)) == (
        (date(2025, 12, 20), date(2026, 1, 6)),
        (date(2024, 12, 20), date(2025, 1, 6)),
        (date(2026, 11, 1), date(2026, 11, 2)),
        (date(2025, 11, 1), date(2025, 11, 2)),
    )
    assert last_windows(windows, 1, date(2026, 12, 20))[0][0] == date(2026, 12, 20)


def test_black_friday_runs_from_thanksgiving_to_cyber_monday() -> None:
    """The fourth Thursday: 28 November 2024 and 27 November 2025."""
    assert last_black_fridays(2, date(2026, 11, 25)) == (
        (date(2025, 11, 27), date(2025, 12, 2)),
        (date(2024, 11, 28), date(2024, 12, 3)),
    )
    assert last_black_fridays(1, date(2026, 11, 26))[0][0] == date(2026, 11, 26)


def test_a_run_up_counts_once_its_holiday_is_over() -> None:
    assert last_runs_up("christmas", 35, 1, date(2026, 12, 25)) == (
        (date(2025, 11, 20), date(2025, 12, 25)),
    )
    assert last_runs_up("christmas", 35, 1, date(2026, 12, 26))[0][1] == date(2026, 12, 25)
    assert HOLIDAYS["mothers_day"](2026) == date(2026, 5, 10)
    assert HOLIDAYS["fathers_day"](2026) == date(2026, 6, 21)


@pytest.mark.parametrize(
    "name", ["Europe/Amsterdam", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
)
def test_offsets_agree_with_the_zone_at_every_hour(name: str) -> None:
    zone = ZoneInfo(name)
    known = offsets(zone, 2027)
    moment, place = datetime(2014, 1, 1, tzinfo=UTC), 0
    while moment.year < 2021:
        while place + 1 < len(known) and known[place + 1][0] <= moment:
            place += 1
        actual = moment.astimezone(zone).utcoffset()
        assert actual is not None
        assert known[place][1] == actual.total_seconds(), moment
        moment += timedelta(minutes=30)


def test_a_day_is_numbered_where_the_shop_is() -> None:
    moment = datetime(1970, 1, 2, 23, 30, tzinfo=UTC)
    assert day_number(moment, ZoneInfo("UTC")) == 1
    assert day_number(moment, ZoneInfo("Europe/Amsterdam")) == 2
    assert midnight(date(2026, 7, 1), ZoneInfo("Europe/Amsterdam")).hour == 22


def test_the_readme_lists_every_segment_as_it_is() -> None:
    """What the line of a segment must say stands in the failure."""
    text = (files("syncd.segments") / "README.md").read_text("utf-8")
    for segment in catalogue():
        names = ", ".join(
            f"**{each.name}**" if each.required else each.name for each in segment.parameters
        )
        beyond = [name for name in segment.needs if name not in BASIC]
        line = f"| `{segment.name}` | {segment.wording} | {segment.purpose} | {names} |"
        assert f"{line} {', '.join(beyond)} |\n" in text, line
    for name, why in not_offered().items():
        assert f"| `{name}` | {why} |\n" in text
