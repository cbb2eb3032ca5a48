"""Every shipped segment on SQLite, PostgreSQL, MariaDB and DuckDB: who is in, and who is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from syncd.segments import Segment, Words, catalogue, shipped
from syncd.segments.macros import Dialect
from syncd.segments.scored import BUYING, CLUSTERS, TASTE
from tests.integration import made_shop, village
from tests.integration.databases import MakeDatabase
from tests.integration.segment_engines import ENGINES, Engine, Rows, open_engine
from tests.segment_samples import required

Open = Callable[[Dialect], Engine]

# Who of the village is a member: the segment, what it is given, and who.
CASES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("all_customers", {}, "ann bob cas dee eve fay ivy"),
    ("newsletter_subscribers", {}, "ann hal"),
    ("whales", {"share": 0.5}, "dee"),  # 1000 of 1805
    ("q4_buyers", {}, "ann bob dee fay"),
    ("new_customers", {}, "bob"),
    ("returning_customers", {}, "ann dee eve fay"),
    ("returning_customers", {"orders": 3, "days": 60}, "ann"),
    # Sums of ranks: ann 17, dee 17, eve 16, fay 14, ivy 6, bob 4, cas 3.
    ("top_customers", {"top": 0.1}, "ann dee"),
    ("top_customers", {"top": 0.35}, "ann dee eve"),
    ("least_loyal", {"bottom": 0.3}, "bob cas"),
    ("biggest_spenders", {"top": 0.3}, "ann dee"),  # of six, as eve bought long ago
    ("high_order_value", {"top": 0.5}, "ann dee"),
    ("loyal", {}, "ann"),
    ("loyal", {"times": 1.3, "days": 3650}, "ann"),  # eve has three orders, but too little
    ("loyal", {"days": 20}, ""),
    ("minnows", {}, "bob cas"),
    ("minnows", {"orders": 3}, "bob cas eve"),
    ("rfm_cell", {"cells": ["loyal", "new"]}, "ann bob"),
    ("rfm_cell", {"cells": "about_to_sleep"}, "cas ivy"),
    ("rfm_cell", {"cells": "potential_loyalists"}, "fay"),
    ("rfm_cell", {"cells": "hibernating"}, "dee eve"),
    ("spend_level", {"min": 60, "max": 80}, "ivy"),
    ("spend_level", {"of": "order_value", "min": 50, "max": 100.01}, "ann ivy"),
    ("one_time", {}, "cas ivy"),
    ("one_time", {"min": 0, "max": 42}, "bob cas"),
    ("one_time", {"min": 42}, "ivy"),
    ("inactive", {}, "dee eve"),
    ("reactivation_active30", {}, "ann bob fay"),
    ("reactivation_30_60", {}, "cas"),
    ("reactivation_60_180", {}, "ivy"),
    ("reactivation_180_plus", {}, "dee eve"),
    ("reactivation_180_plus", {"cap": 365}, "dee"),
    ("peak_season", {"windows": "08-01/09-01", "years": 3}, "ann eve"),
    ("peak_season", {"windows": "08-01/09-01", "years": 3, "share": 0.8}, "eve"),
    ("peak_season", {"windows": ["12-20/01-05"]}, "dee"),
    ("black_friday_buyers", {}, "dee"),
    ("holiday_buyers", {"holiday": "christmas"}, "dee"),
    ("holiday_buyers", {"holiday": "halloween"}, "ann bob fay"),
    ("holiday_buyers", {"holiday": "halloween", "lead": 11}, "bob"),
    ("category_buyers", {"category": "candles "}, "ann bob dee fay"),
    ("category_buyers", {"category": "Home", "orders": 2}, "ann dee fay"),
    ("category_buyers", {"category": "home"}, "ann bob dee fay"),  # and not /homework/
    ("category_buyers", {"category": "/home/throws/"}, "bob dee fay"),
    ("interest", {"category": "coffee"}, "cas"),
    ("interest", {"category": "coffee", "share": 0.03}, "ann cas"),
    ("cross_sell", {"bought": "candles", "not_bought": "coffee"}, "bob dee fay"),
    ("product_buyers", {"products": ["S-Candle", "s-throw"]}, "ann bob dee fay"),
    ("product_buyers", {"products": ["S-Candle", "s-throw"], "match": "all"}, "bob dee fay"),
    ("product_buyers", {"products": ["S-Candle", "s-throw"], "match": "none"}, "cas eve ivy"),
    ("sale_buyers", {}, "bob"),
    ("sale_buyers", {"lines": 3}, ""),
    ("full_price_buyers", {}, "ann dee ivy"),
    ("coupon_customers", {}, "fay"),
    ("coupon_customers", {"orders": 1}, "bob cas fay"),
    ("budget_friendly", {}, "bob cas"),
    ("budget_friendly", {"price": 40}, "bob cas fay"),
    ("frugal_replenish", {}, "ann cas"),
    ("frugal_replenish", {"repeats": 5}, "ann cas fay"),  # a candle lasts 31 days, fay's 47
    ("frugal_replenish", {"repeats": 5, "grace": 15}, "ann cas"),
    ("bulk_vs_single", {"habit": "bulk"}, "dee"),
    ("bulk_vs_single", {"habit": "single"}, "cas fay ivy"),
    ("gift_buyers", {}, "dee fay ivy"),
    ("trend_followers", {"products": 1}, "dee"),
    ("trend_followers", {"products": 1, "days": 365}, "bob dee fay"),
    ("trend_followers", {"products": 1, "days": 365, "share": 0.6}, ""),
    ("location", {"countries": ["NL"]}, "ann dee"),
    ("location", {"countries": ["de", "be"]}, "bob cas"),
    ("location", {"countries": ["NL"], "cities": "utrecht"}, "dee"),
    ("location", {"countries": ["NL"], "postcodes": ["351", "99"]}, "dee"),
    ("international", {"home": "NL"}, "bob cas eve fay ivy"),
    ("climate_season", {"season": "autumn"}, "ann bob cas dee eve fay"),
    ("climate_season", {"season": "spring"}, "ivy"),
    ("currency_market", {"currencies": "sek"}, "fay"),
    ("language", {"languages": "nl"}, "ann cas dee"),
    ("language", {"languages": ["fi", "de"]}, "bob"),
    ("acquisition_source", {"sources": "google"}, "ann"),
    ("acquisition_source", {"sources": "facebook"}, "bob"),
    ("acquisition_source", {"sources": "google", "mediums": "email"}, ""),
    ("preferred_channel", {"channel": "sms"}, "ann"),
    ("prospects_all", {}, "gus hal jan"),
    ("cart_abandoners", {}, "ann gus"),
    ("cart_abandoners", {"min": 30}, "ann"),
    ("cart_abandoners_category", {"category": "coffee"}, "ann"),
    ("cart_abandoners_product", {"products": "S-CANDLE"}, "gus"),
    ("cart_value_band", {"threshold": 50, "currency": "EUR"}, "gus"),
    ("cart_value_band", {"threshold": 50, "currency": "EUR", "below": 0.3}, "ann gus"),
    ("cart_value_band", {"threshold": 45, "currency": "EUR"}, "ann"),
    ("checkout_payment_failed", {}, "gus"),
    ("undecided_prospects", {}, "gus"),
    ("undecided_prospects", {"window": 20}, ""),
    ("curious_prospects", {}, "gus hal"),
    ("curious_prospects", {"days": 5}, "gus"),
    ("journey_stage", {"stages": "prospect"}, "hal jan"),
    ("journey_stage", {"stages": "cart"}, "gus"),
    ("journey_stage", {"stages": "first"}, "bob"),
    ("journey_stage", {"stages": "repeat"}, "dee fay"),
    ("journey_stage", {"stages": "loyal"}, "ann"),
    ("journey_stage", {"stages": "lapsing"}, "cas ivy"),
    ("journey_stage", {"stages": "lost"}, "eve"),
    ("age_group", {}, "ann bob dee fay ivy"),
    ("age_group", {"below": 36}, "bob fay"),
    ("age_group", {"min": 36, "below": 37}, "ann"),
    ("gender", {"gender": "f"}, "ann dee ivy"),
)


@pytest.fixture(scope="module")
def open_village(make_database: MakeDatabase) -> Open:
    """The village on an engine, loaded once."""

    @cache
    def opened(dialect: Dialect) -> Engine:
        engine = open_engine(dialect, make_database)
        village.fill(engine)
        return engine

    return opened


@pytest.fixture(scope="module")
def open_shop(make_database: MakeDatabase) -> Open:
    """The made-up shop on an engine, loaded once."""

    @cache
    def opened(dialect: Dialect) -> Engine:
        engine = open_engine(dialect, make_database)
        made_shop.fill(engine)
        return engine

    return opened


@pytest.mark.parametrize("dialect", ENGINES)
def test_the_village_is_sorted_by_each_definition(open_village: Open, dialect: Dialect) -> None:
    engine = open_village(dialect)
    wrong = {}
    for name, given, expected in CASES:
        found = engine.rows(name, as_of=village.AS_OF, zone=village.ZONE, **given)
        if set(found) != set(expected.split()):
            wrong[f"{name} {given}"] = f"{' '.join(sorted(found))}, not {expected}"
    assert wrong == {}


def test_every_segment_has_a_case() -> None:
    """But win_back and those that a model chooses: their tests have more people than live here."""
    others = {"win_back"} | {each.name for each in catalogue() if each.instead}
    assert {name for name, *_ in CASES} | others == {each.name for each in catalogue()}


def test_fifths_are_drawn_through_equals_at_the_same_place(open_shop: Open) -> None:
    """Each cell alone: together they hide who changed from one to another."""
    (cells,) = (each for each in shipped("rfm_cell").parameters if isinstance(each, Words))
    sizes = []
    for cell in cells.choices:
        first, *others = (
            open_shop(dialect)
            .rows("rfm_cell", as_of=made_shop.AS_OF, zone=made_shop.ZONE, cells=cell)
            .keys()
            for dialect in ENGINES
        )
        assert [other ^ first for other in others] == [set()] * 3
        sizes.append(len(first))
    everyone = open_shop("sqlite").rows("all_customers", as_of=made_shop.AS_OF, zone=made_shop.ZONE)
    assert sum(sizes) == len(everyone)


def test_bands_and_stages_are_exclusive_and_leave_nobody_out(open_shop: Open) -> None:
    engine = open_shop("sqlite")

    def members(name: str, **given: object) -> list[str]:
        return list(engine.rows(name, as_of=made_shop.AS_OF, zone=made_shop.ZONE, **given))

    bands = ("active30", "30_60", "60_180", "180_plus")
    banded = [key for band in bands for key in members(f"reactivation_{band}")]
    assert sorted(banded) == sorted(members("all_customers"))
    (stages,) = (
        each.choices for each in shipped("journey_stage").parameters if isinstance(each, Words)
    )
    staged = [key for stage in stages for key in members("journey_stage", stages=stage)]
    everyone = members("all_customers") + members("prospects_all")
    assert sorted(staged) == sorted(everyone)
    assert sorted(everyone) == sorted(set(everyone))


@pytest.mark.parametrize("segment", catalogue(), ids=[each.name for each in catalogue()])
def test_engines_agree_where_much_is_equal_missing_or_odd(
    open_shop: Open, segment: Segment
) -> None:
    first, *others = (
        open_shop(dialect).rows(
            segment.name, as_of=made_shop.AS_OF, zone=made_shop.ZONE, **required(segment)
        )
        for dialect in ENGINES
    )
    assert first
    for other in others:
        assert other.keys() == first.keys()
        assert _figures(other) == _figures(first)
        assert {key: row["ad_consent"] for key, row in other.items()} == {
            key: row["ad_consent"] for key, row in first.items()
        }


@pytest.mark.parametrize("dialect", ENGINES)
def test_means_without_a_fraction_are_equal_on_every_engine(
    make_database: MakeDatabase, dialect: Dialect
) -> None:
    """Of 100,001 and 100,000 ten-thousandths a third is 33,333: both are first, or neither."""
    engine = open_engine(dialect, make_database)
    spent = {"one": ["3.3333", "3.3333", "3.3335"], "two": ["3.3334", "3.3333", "3.3333"]}
    spent["few"] = ["1.0000"] * 3
    engine.load(
        "customers", ("customer_key", "email"), [(who, f"{who}@x.example") for who in spent]
    )
    orders = [
        (f"{who} {place}", who, "2026-05-05 10:00:00", True, amount)
        for who, amounts in spent.items()
        for place, amount in enumerate(amounts)
    ]
    columns = ("order_key", "customer_key", "placed_at", "is_paid", "total_base")
    engine.load("orders", columns, orders)
    found = engine.rows("high_order_value", as_of=village.AS_OF, zone=village.ZONE, top=0.3)
    assert set(found) == {"one", "two"}


def _figures(rows: Rows) -> dict[str, list[float]]:
    """What a model would read; nothing of other segments."""
    figures = (*BUYING.figures, *TASTE.figures, *CLUSTERS.figures)
    return {
        key: [float(str(row[name])) for name in figures if name in row] for key, row in rows.items()
    }
