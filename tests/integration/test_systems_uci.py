"""A tenth of the UCI gift shop's customers, as WooCommerce and Spree would have stored them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from syncd.segments import catalogue_query
from syncd.segments.systems import Source
from syncd.shop import open_shop
from tests.integration.databases import Database, MakeDatabase, create_canonical
from tests.integration.shops.spree import create_spree
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


@cache
def tenth(make: MakeDatabase) -> tuple[Database, list[Row], list[Row]]:
    """A canonical shop of every tenth customer, and its customers and orders."""
    whole, canonical = make("sqlite"), make("sqlite")
    load_uci(whole, goods=False)
    people, orders = rows(whole, "customers", CUSTOMERS), rows(whole, "orders", ORDERS)
    create_canonical(canonical)
    canonical.load("customers", CUSTOMERS, people)
    canonical.load("orders", ORDERS, orders)
    return canonical, people, orders


def test_woocommerce_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    (canonical, people, orders), woocommerce = tenth(make_database), make_database("mysql")
    create_woocommerce(woocommerce)
    _load_users(woocommerce, people, orders)
    _load_orders(woocommerce, orders)
    source = Source("woocommerce", "00")
    for name in ("all_customers", "whales", "win_back", "q4_buyers"):
        expected = members(canonical, name, None)
        assert len(expected) > 50
        assert members(woocommerce, name, source) == expected


def test_spree_has_the_members_of_the_same_orders(make_database: MakeDatabase) -> None:
    """Every order is paid twice, and what was too much was paid back."""
    (canonical, people, orders), spree = tenth(make_database), make_database("postgresql")
    create_spree(spree, "spree_users")
    _load_accounts(spree, people, orders)
    _load_paid(spree, orders)
    source = Source("spree", "00")
    for name in ("all_customers", "whales", "win_back", "q4_buyers"):
        expected = members(canonical, name, None)
        assert len(expected) > 50
        assert members(spree, name, source) == expected


def _first(orders: list[Row]) -> dict[object, str]:
    """By customer, a day before the first order: then the account's key is theirs."""
    first: dict[object, str] = {}
    for order in orders:
        first[order[1]] = min(first.get(order[1], "9999"), str(order[3]))
    return {key: str(datetime.fromisoformat(at) - timedelta(days=1)) for key, at in first.items()}


def _load_accounts(database: Database, people: list[Row], orders: list[Row]) -> None:
    since = _first(orders)
    database.load(
        "spree_users",
        ("id", "email", "created_at"),
        [(str(key)[2:], email, since[key]) for key, email, *_ in people if key in since],
    )


def _load_paid(database: Database, orders: list[Row]) -> None:
    """Numbered as they come, each with its two payments."""
    numbered = list(enumerate(orders, start=1))
    names = ("id", "user_id", "state", "payment_state", "total", "completed_at", "created_at")
    database.load(
        "spree_orders",
        (*names, "updated_at"),
        [
            (number, str(key)[2:], "complete", "paid", total, at, at, at)
            for number, (_, key, _, at, total, _) in numbered
        ],
    )
    database.load(
        "spree_payments",
        ("id", "order_id", "amount", "state", "updated_at"),
        [
            (2 * number + again, number, total, "completed", at)
            for number, (_, _, _, at, total, _) in numbered
            for again in (0, 1)
        ],
    )
    refunds = [(2 * number, total) for number, (*_, total, _) in numbered]
    database.load("spree_refunds", ("payment_id", "amount"), refunds)


def _load_users(database: Database, people: list[Row], orders: list[Row]) -> None:
    since = _first(orders)
    database.load(
        "wp_users",
        ("ID", "user_email", "user_registered"),
        [(str(key)[2:], email, since[key]) for key, email, *_ in people if key in since],
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
