"""A whole shop in one SQLite file: two years of customers who buy as real ones do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from syncd.demo.buying import CDNOW, Ints, Purchases, order_values, season_clock, simulate
from syncd.demo.carts import completed_carts, open_carts
from syncd.demo.consents import consent_rows
from syncd.demo.draws import Draws
from syncd.demo.goods import CATEGORIES, EACH, Goods, goods, launch_days, product_key, product_name
from syncd.demo.orders import OrderRows, Placed, make_orders
from syncd.demo.people import STORE, Customer, make_people
from syncd.demo.schema import (
    Row,
    count,
    create_indexes,
    create_tables,
    in_utc,
    insert,
    stamp,
    stamps,
)
from syncd.errors import UsageError

DAYS = 730
FIRST_ORDER = 100_001
_BUYERS = 0.92  # the others opened an account and never ordered
_UNPAID = 0.025  # orders that came to nothing, beside those of the model
_OPEN_CARTS = 0.06
_CARTS_KEPT = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class ShopFacts:
    """What is in a shop, as counts.

    Attributes:
        buyers: Customers with a paid order.
        guests: Customers without an account.
        emails, phones: Customers with anything in that column.
        open_carts: Carts that did not become an order.
        anonymous_carts: Open carts that name no customer, with an address or without.
    """

    customers: int
    buyers: int
    guests: int
    deleted: int
    emails: int
    phones: int
    orders: int
    paid_orders: int
    refunded_orders: int
    coupon_orders: int
    gift_orders: int
    order_items: int
    products: int
    categories: int
    carts: int
    open_carts: int
    anonymous_carts: int
    consents: int


_FACTS = {
    "customers": "SELECT count(*) FROM customers",
    "buyers": "SELECT count(DISTINCT customer_key) FROM orders WHERE is_paid",
    "guests": "SELECT count(*) FROM customers WHERE is_guest",
    "deleted": "SELECT count(*) FROM customers WHERE deleted",
    "emails": "SELECT count(email) FROM customers",
    "phones": "SELECT count(phone) FROM customers",
    "orders": "SELECT count(*) FROM orders",
    "paid_orders": "SELECT count(*) FROM orders WHERE is_paid",
    "refunded_orders": "SELECT count(*) FROM orders WHERE refunded_base > 0",
    "coupon_orders": "SELECT count(coupon_codes) FROM orders",
    "gift_orders": "SELECT count(*) FROM orders WHERE gift_flag",
    "order_items": "SELECT count(*) FROM order_items",
    "products": "SELECT count(*) FROM products",
    "categories": "SELECT count(DISTINCT category_key) FROM product_categories",
    "carts": "SELECT count(*) FROM carts",
    "open_carts": "SELECT count(*) FROM carts WHERE completed_at IS NULL",
    "anonymous_carts": "SELECT count(*) FROM carts WHERE completed_at IS NULL"
    " AND customer_key IS NULL",
    "consents": "SELECT count(*) FROM consents",
}


def make_shop(path: Path, *, customers: int = 20_000, as_of: datetime, seed: int = 7) -> ShopFacts:
    """Make the shop as it stands at `as_of`; equal arguments make equal shops.

    Orders lie in the two years before the midnight (UTC) before `as_of`; open carts and
    answers on consent come up to `as_of` itself.

    Args:
        path: The SQLite file to make.
        customers: How many people the table `customers` holds, guests included.
        as_of: Now, in the shop.
        seed: Another one makes another shop.

    Raises:
        UsageError: There is a file at `path` already.
        ValueError: `as_of` has no zone.
    """
    now = in_utc(as_of)
    if path.exists():
        raise UsageError(f"{path} exists; the demo overwrites no file: name another, or delete it")
    with closing(sqlite3.connect(path)) as shop:
        # A demo that is cut off starts anew; it need not survive a power cut.
        shop.execute("PRAGMA journal_mode = OFF")
        shop.execute("PRAGMA synchronous = OFF")
        create_tables(shop)
        _fill(shop, np.random.default_rng(seed), customers, now)
        create_indexes(shop)
        shop.commit()
        return shop_facts(shop)


def shop_facts(shop: sqlite3.Connection) -> ShopFacts:
    """Count what is in a shop."""
    return ShopFacts(**{name: count(shop, sql) for name, sql in _FACTS.items()})


def window_start(now: datetime) -> datetime:
    """Where two years of orders begin that end at the last midnight."""
    return now.replace(hour=0, minute=0, second=0) - timedelta(days=DAYS)


def _fill(
    shop: sqlite3.Connection, random: np.random.Generator, customers: int, now: datetime
) -> None:
    start, stock = window_start(now), goods()
    buyers = round(customers * _BUYERS)
    _, purchases = simulate(random, buyers, season_clock(start.date(), DAYS))
    came = _arrivals(random, purchases, customers, buyers)
    people = _people(random, start, came, buyers)
    insert(shop, "customers", people)
    insert(shop, "products", _product_rows(stock, start))
    insert(shop, "product_categories", _category_rows())
    rows = _orders(random, stock, people, start, purchases)
    insert(shop, "orders", rows.orders)
    insert(shop, "order_items", rows.items)
    _fill_carts(shop, random, stock, people, rows, start=start, now=now)
    since = [start + timedelta(seconds=at) for at in came.tolist()]
    insert(shop, "consents", consent_rows(Draws(random), people, since, now))


def _arrivals(
    random: np.random.Generator, purchases: Purchases, customers: int, buyers: int
) -> Ints:
    """When each customer came: just before the first order, or at any time."""
    came: Ints = random.integers(0, DAYS * 86_400, customers)
    first = np.full(buyers, DAYS * 86_400)
    np.minimum.at(first, purchases.customer, purchases.at)
    came[:buyers] = np.maximum(0, first - random.integers(60, 3600, buyers))
    return came


def _people(
    random: np.random.Generator, start: datetime, came: Ints, buyers: int
) -> list[Customer]:
    ordered = [at < buyers for at in range(len(came))]
    return make_people(random, stamps(start, came), may_be_guest=ordered)


def _orders(
    random: np.random.Generator,
    stock: Goods,
    people: Sequence[Customer],
    start: datetime,
    purchases: Purchases,
) -> OrderRows:
    """The model's purchases, and among them some orders that were never paid."""
    extra = round(len(purchases.at) * _UNPAID)
    who = random.integers(0, len(people), extra)
    customer = np.concatenate((purchases.customer, who))
    at = np.concatenate((purchases.at, random.integers(0, DAYS * 86_400, extra)))
    lost = order_values(random, len(people), who, CDNOW)
    value = np.concatenate((purchases.value, lost))
    paid = np.arange(len(at)) < len(purchases.at)
    order = np.argsort(at, kind="stable")
    owners = [people[who] for who in customer[order].tolist()]
    placed = Placed(owners, start, at[order], value[order], paid[order])
    return make_orders(random, stock, placed, first_number=FIRST_ORDER)


def _fill_carts(
    shop: sqlite3.Connection,
    random: np.random.Generator,
    stock: Goods,
    people: Sequence[Customer],
    rows: OrderRows,
    *,
    start: datetime,
    now: datetime,
) -> None:
    wanted = round(len(people) * _OPEN_CARTS)
    end = int((now - start).total_seconds())
    kept = int(_CARTS_KEPT.total_seconds())
    # More recent ones stand there more often: shops clear old carts away.
    at = np.sort(end - 1 - (random.random(wanted) ** 1.5 * kept).astype(np.int64))
    owners = [people[who] for who in random.integers(0, len(people), wanted).tolist()]
    left = open_carts(random, stock, owners, start=start, at=at, first_number=1)
    done = completed_carts(Draws(random), rows, since=now - _CARTS_KEPT)
    insert(shop, "carts", [*done.carts, *left.carts])
    insert(shop, "cart_items", [*done.items, *left.items])


def _product_rows(stock: Goods, start: datetime) -> Iterator[Row]:
    for product, after in enumerate(launch_days(stock)):
        price = float(stock.price.ravel()[product])
        sale = round(price * 0.8, 2) if product % 11 == 0 else None
        launched, category = stamp(start + after), CATEGORIES[product // EACH]
        key, name, lasts = product_key(product), product_name(product), category.replenish_days
        yield key, STORE, f"SKU{key[2:]}", name, price, sale, 1, launched, lasts


def _category_rows() -> Iterator[Row]:
    for product in range(len(CATEGORIES) * EACH):
        category = CATEGORIES[product // EACH]
        yield product_key(product), category.key, category.name, category.path
