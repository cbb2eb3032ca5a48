"""A shop in the canonical shape that lacks a table or a column: unavailable, never empty."""

from __future__ import annotations

import pytest

from syncd.errors import ConfigError, ShopError
from syncd.model import SegmentQuery
from syncd.segments import catalogue, catalogue_query
from syncd.shop import open_shop
from tests.integration.commands import Desk, Hands
from tests.integration.databases import (
    DIALECTS,
    Database,
    Dialect,
    MakeDatabase,
    create_canonical,
)
from tests.integration.shops.canonical import load_canonical
from tests.integration.shops.world import AS_OF, EXPECTED, ZONE

_LEFT = {"use": "cart_abandoners"}
_CODES = {"use": "coupon_customers", "with": {"orders": 1, "share": 0.3}}


def configured(desk: Desk, database: Database) -> None:
    """A shop on that database, with a segment that it can serve and two that it may not."""
    desk.settings["shop"] = {"url": database.url, "default_country": "NL", "timezone": ZONE}
    desk.settings["segments"] = {
        "everyone": {"use": "all_customers"},
        "left": _LEFT,
        "codes": _CODES,
    }
    for name in ("left", "codes"):
        desk.settings["syncs"][name] = {
            **desk.settings["syncs"]["everyone"],
            "segment": name,
            "audience": name.title(),
        }
    desk.save()


def test_a_segment_without_its_table_is_unavailable_and_takes_nobody_out(
    desk: Desk, make_database: MakeDatabase
) -> None:
    database = make_database("sqlite")
    load_canonical(database)
    configured(desk, database)
    assert desk.syncd("sync", "left", clock=Hands(AS_OF)).code == 0
    assert desk.syncd("sync", "codes", clock=Hands(AS_OF)).code == 0
    assert desk.syncd("segments", "list", "--json").json["unavailable"] == {}
    held = desk.held("Left")
    assert len(held) == len(EXPECTED["cart_abandoners"])

    database.execute("DROP TABLE carts", "ALTER TABLE orders DROP COLUMN coupon_codes")

    listed = desk.syncd("segments", "list", "--json").json["unavailable"]
    assert listed["cart_abandoners"] == "the shop has no carts that this login may read"
    assert listed["full_price_buyers"].startswith("the shop has no orders.coupon_codes that")
    assert not {"all_customers", "whales", "category_buyers"} & listed.keys()
    assert "cart_abandoners" in desk.syncd("segments", "list").out
    for name, lacks in (("left", "carts"), ("codes", "orders.coupon_codes")):
        answer = desk.syncd("sync", name, clock=Hands(AS_OF))
        assert answer.code == 78
        assert f"{name} is unavailable: the shop has no {lacks} that this login" in answer.err
    assert desk.held("Left") == held
    assert desk.syncd("sync", "everyone", clock=Hands(AS_OF)).code == 0

    lines = desk.syncd("doctor", "--json").json["here"]["lines"]
    [line] = [each for each in lines if each["what"] == "shop tables"]
    assert line["verdict"] == "bad"
    assert "left: the shop has no carts" in line["said"]
    assert "codes: the shop has no orders.coupon_codes" in line["said"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_engine_says_what_is_not_there(dialect: Dialect, make_database: MakeDatabase) -> None:
    database = make_database(dialect)
    create_canonical(database)
    database.execute("DROP TABLE carts", "ALTER TABLE orders DROP COLUMN coupon_codes")
    shop = open_shop(database.url, None, timezone=ZONE)
    for name, lacks in (("cart_abandoners", "carts"), ("coupon_customers", "orders.coupon_codes")):
        query = catalogue_query(
            name, parameters={}, as_of=AS_OF, timezone=ZONE, dialect=shop.dialect
        )
        said = f"unavailable: the shop has no {lacks} "
        with pytest.raises(ConfigError, match=said), shop.read(query):
            pass
    own = SegmentQuery("mine", "SELECT cart_key AS customer_key FROM carts", {}, "mine.sql")
    with pytest.raises(ShopError, match="has no table of that name"), shop.read(own):
        pass


def test_doctor_says_what_the_canonical_tables_can_serve(
    desk: Desk, make_database: MakeDatabase
) -> None:
    database = make_database("sqlite")
    load_canonical(database)
    configured(desk, database)
    database.execute("DROP TABLE products")

    lines = desk.syncd("doctor", "--json").json["here"]["lines"]
    [line] = [each for each in lines if each["what"] == "shop tables"]
    assert line["verdict"] == "ok"
    every = len(catalogue())
    said = f"the canonical tables serve {every - 3} of {every} segments, not frugal_replenish"
    assert line["said"].startswith(said)


def test_a_shop_that_is_not_there_is_said_to_be_unasked(desk: Desk) -> None:
    """The catalogue is shown all the same."""
    desk.settings["shop"]["url"] = "sqlite:////nowhere/shop.db"
    desk.save()
    answer = desk.syncd("segments", "list")
    assert answer.code == 0
    assert "whales" in answer.out
    assert "which of them this shop can serve is not known: the shop's database" in answer.out
