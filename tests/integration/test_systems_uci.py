"""A tenth of the UCI gift shop's customers, as WooCommerce would have stored them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from syncd.segments import catalogue_query
from syncd.segments.systems import Source
from syncd.shop import open_shop
from tests.integration.databases import Database, MakeDatabase, create_canonical
from tests.integration.shops.woocommerce import create_woocommerce
from tests.integration.uci import AS_OF, LINES, ZONE, load_uci

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not LINES.exists(), reason="../shared/data/uci_online_retail is not here"),
]

Row = tuple[object, ...]
CUSTOMERS = ("customer_key", "email", "phone", "first_name", "last_name", "country", "deleted")
ORDERS = ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base")


def rows(database: Database, table: str, columns: Sequence[str]) -> list[Row]:
    """What the shop has of every tenth customer."""
    wanted = "CAST(SUBSTR(customer_key, 3) AS INTEGER) % 10 = 0"
    with create_engine(database.owner).connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT {', '.join(columns)} FROM {table} WHERE {wanted}"
        )
        return [tuple(row) for row in found]


def members(database: Database, name: str, source: Source | None) -> dict[str, object]:
    """Keys of a segment's members, with what each is worth."""
    shop = open_shop(database.url, None, timezone=ZONE)
    query = catalogue_query(
        name, parameters={}, as_of=AS_OF, timezone=ZONE, dialect=shop.dialect, source=source
    )
    with shop.read(query) as reading:
        found = {row["customer_key"]: row.get("value") for b in reading for row in b.to_pylist()}
        reading.seal()
    return found


def test_woocommerce_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    whole, canonical, woocommerce = (make_database(each) for each in ("sqlite", "sqlite", "mysql"))
    load_uci(whole, goods=False)
    people, orders = rows(whole, "customers", CUSTOMERS), rows(whole, "orders", ORDERS)
    create_canonical(canonical)
    canonical.load("customers", CUSTOMERS, people)
    canonical.load("orders", ORDERS, orders)
    create_woocommerce(woocommerce)
    _load_users(woocommerce, people, orders)
    _load_orders(woocommerce, orders)
    source = Source("woocommerce", "00")
    for name in ("all_customers", "whales", "win_back", "q4_buyers"):
        expected = members(canonical, name, None)
        assert len(expected) > 50
        assert members(woocommerce, name, source) == expected


def _load_users(database: Database, people: list[Row], orders: list[Row]) -> None:
    """Everyone registered a day before the first order, so that the account's key is theirs."""
    first: dict[object, str] = {}
    for order in orders:
        first[order[1]] = min(first.get(order[1], "9999"), str(order[3]))
    database.load(
        "wp_users",
        ("ID", "user_email", "user_registered"),
        [
            (str(key)[2:], email, datetime.fromisoformat(first[key]) - timedelta(days=1))
            for key, email, *_ in people
            if key in first
        ],
    )
    role = 'a:1:{s:8:"customer";b:1;}'
    names = ("user_id", "meta_key", "meta_value")
    database.load(
        "wp_usermeta", names, [(str(row[0])[2:], "wp_capabilities", role) for row in people]
    )


def _load_orders(database: Database, orders: list[Row]) -> None:
    database.load(
        "wp_wc_orders",
        ("id", "type", "status", "customer_id", "date_created_gmt", "total_amount"),
        [
            (number, "shop_order", "wc-completed", str(key)[2:], at, total)
            for number, (_, key, _, at, total, _) in enumerate(orders, start=1)
        ],
    )
