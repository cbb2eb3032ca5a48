"""Every segment that a shop system can serve, against the canonical shop's members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import pytest
from sqlalchemy import Connection, text

from syncd.segments import Segment, catalogue, catalogue_query, unavailable
from syncd.segments.whys import figures
from syncd.shop import open_shop
from syncd.shop.engines import Limits, engine_of
from tests.integration.databases import Database, MakeDatabase
from tests.integration.shops.every import SHOPS, SYSTEMS, loaded, named, people
from tests.integration.shops.world import AS_OF, EXPECTED, ZONE, spelled
from tests.segment_samples import ended, required

# Whom a segment that reads more than people, orders, carts and consents must give, worked
# out by hand; of these, what it is given, too.
CASES: dict[str, tuple[dict[str, object], str]] = {
    "category_buyers": ({"category": "/Home-Garden"}, "anna ben eva lena"),
    "interest": ({"category": "coffee & tea"}, "anna carla mo nina umar"),
    "cross_sell": ({"bought": "throws", "not_bought": "candles"}, "eva lena"),
    "product_buyers": ({"products": ["s-lamp-red", "S-SOAP"]}, "anna mo"),
    "sale_buyers": ({}, "ben"),
    "full_price_buyers": ({}, "anna carla eva nina umar xena"),
    "coupon_customers": ({"orders": 1, "share": 0.3}, "lena mo"),
    "budget_friendly": ({"price": 15}, "anna carla lena mo nina umar"),
    # Gaps of 0, 1, 3, 3, 30 and 31 days: beans last for 3.
    "frugal_replenish": ({"repeats": 6, "grace": 100}, "anna umar"),
    "bulk_vs_single": ({"habit": "bulk"}, "anna carla lena"),
    "gift_buyers": ({}, "mo umar xena"),
    "trend_followers": ({"products": 2}, "mo"),
    "location": ({"countries": ["BE"]}, "lena"),
    "currency_market": ({"currencies": "EUR"}, "anna ben carla eva lena mo nina umar xena"),
    "language": ({"languages": "de"}, "mo"),
    "acquisition_source": ({"sources": "google", "mediums": "cpc"}, "carla"),
    "cart_abandoners_category": ({"category": "/home-garden"}, "rosa"),
    "cart_abandoners_product": ({"products": "S-BEANS"}, "tess"),
    "cart_value_band": ({"threshold": 50, "currency": "EUR"}, "rosa"),
    "checkout_payment_failed": ({"max": 90}, "gina piet"),
    "undecided_prospects": ({}, "tess"),
    "age_group": ({}, "anna lena"),
    "gender": ({"gender": "f"}, "anna lena"),
}


def given(segment: Segment) -> dict[str, object]:
    return CASES[segment.name][0] if segment.name in CASES else required(segment)


@cache
def expected(make: MakeDatabase) -> Mapping[str, set[str]]:
    """The members that the canonical shop gives of every segment."""
    asked = {each.name: given(each) for each in catalogue()}
    return _members("canonical", loaded("canonical", make), asked)


def test_the_canonical_shop_gives_what_was_worked_out(make_database: MakeDatabase) -> None:
    found = expected(make_database)
    assert {name: found[name] for name in CASES} == {
        name: set(members.split()) for name, (_, members) in CASES.items()
    }
    assert {name: found[name] for name in EXPECTED} == EXPECTED


@pytest.mark.parametrize("shop", SYSTEMS)
def test_a_system_gives_the_members_of_every_segment_that_it_serves(
    shop: str, make_database: MakeDatabase
) -> None:
    """Where an answer takes long, of those whose members were worked out alone."""
    chosen, database = SHOPS[shop], loaded(shop, make_database)
    served = {
        each.name: given(each)
        for each in catalogue()
        if not unavailable(each.name, chosen.source, database.dialect)
        if each.name in {*CASES, *EXPECTED}
        or shop not in ("prestashop", "woocommerce, posts", "sylius, refund plugin")
    }
    wanted = {
        name: expected(make_database)[name] - chosen.without.get(name, frozenset())
        for name in served
    }
    assert _members(shop, database, served) == wanted


@pytest.mark.parametrize("shop", SYSTEMS)
def test_a_system_says_why_members_are_in_as_the_canonical_shop_does(
    shop: str, make_database: MakeDatabase
) -> None:
    """By orders and consents; guests too, whose keys are made as the shop is asked."""
    name = "newsletter_subscribers"
    said, wanted = (_whys(each, make_database, name) for each in (shop, "canonical"))
    both = said.keys() & wanted.keys()
    assert {who: said[who] for who in both} == {who: wanted[who] for who in both}
    assert len(both) > 1
    assert any(" in all, the last " in line for who in both for line in said[who])


def _whys(shop: str, make: MakeDatabase, name: str) -> dict[str, list[str]]:
    """By name, what is said of each member."""
    database, source = loaded(shop, make), SHOPS[shop].source
    members = {str(row["customer_key"]): who for who, row in people(database, name, source).items()}
    said: dict[str, list[str]] = {who: [] for who in members.values()}
    opened = open_shop(database.url, None, timezone=ZONE)
    asked = figures(
        *(name, list(members)),
        parameters={},
        as_of=AS_OF,
        timezone=ZONE,
        dialect=opened.dialect,
        source=source,
    )
    for query, tell in asked:
        for who, _, *row in opened.ask(query):
            said[members[str(who)]].append(tell(row))
    return {who: sorted(lines) for who, lines in said.items()}


def test_numbers_of_one_site_are_not_those_of_another(make_database: MakeDatabase) -> None:
    """Both sites of a network have a product 302; that of the second is another."""
    source = SHOPS["woocommerce"].both_stores
    network = loaded("woocommerce", make_database)
    for products, members in (
        ("S-THROW", "anna ben carla eva lena"),
        ("XS-THROW", "hugo ida kees"),
    ):
        found = people(network, "product_buyers", source, products=products)
        assert set(found) == set(members.split())
    found = people(network, "category_buyers", source, category="xthrows")
    assert set(found) == {"hugo", "ida", "kees"}
    found = people(network, "bulk_vs_single", source, habit="bulk")
    assert set(found) == {"anna", "carla", "lena", "hugo", "ida", "kees"}


def _members(
    shop: str, database: Database, asked: Mapping[str, Mapping[str, object]]
) -> dict[str, set[str]]:
    """In one transaction, and without the checks that each real read begins with."""
    engine, backend = engine_of(database.url, None, Limits())
    with engine.connect() as connection:
        begun = backend.begin(connection, Limits())
        found = {name: _segment(begun, shop, name, values) for name, values in asked.items()}
    engine.dispose()
    return found


def _segment(
    connection: Connection, shop: str, name: str, values: Mapping[str, object]
) -> set[str]:
    chosen = SHOPS[shop]
    query = ended(
        catalogue_query(
            name,
            parameters=values,
            as_of=AS_OF,
            timezone=ZONE,
            dialect=chosen.dialect,
            source=chosen.source,
        )
    )
    binds = {bind: _bound(value, shop) for bind, value in query.parameters.items()}
    # Without comments, as a shop is asked: one may name a bind.
    sql = re.sub(r"--[^\n]*", "", query.sql)
    rows = connection.execute(text(sql), binds).mappings().all()
    found = {named(row["email"]) for row in rows}
    assert len(found) == len(rows), name
    return found


def _bound(value: object, shop: str) -> object:
    """Sessions are in UTC; SQLite keeps moments as text."""
    if not isinstance(value, datetime):
        return value
    moment = value.astimezone(UTC).replace(tzinfo=None)
    return spelled(moment) if SHOPS[shop].dialect == "sqlite" else moment
