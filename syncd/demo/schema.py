"""The canonical tables of a shop, as the demo lays them out in SQLite.

Times are UTC text, `YYYY-MM-DD HH:MM:SS`. Money is NUMERIC with at most two decimals.
Yes and no are 1 and 0. They have every column of the canonical model
(`syncd/segments/canonical.py`), and some more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syncd.demo.buying import Ints

_TABLES = """
CREATE TABLE customers (
  customer_key TEXT PRIMARY KEY, store_key TEXT NOT NULL, source_id TEXT NOT NULL, email TEXT,
  phone TEXT, first_name TEXT, last_name TEXT, country TEXT, postcode TEXT, city TEXT,
  region TEXT, birth_date TEXT, gender TEXT, is_guest INTEGER NOT NULL, registered_at TEXT,
  deleted INTEGER NOT NULL,
  locale TEXT AS (CASE WHEN UPPER(country) IN ('NL', 'BE') THEN 'nl_' || UPPER(country)
    WHEN UPPER(country) IN ('DE', 'AT', 'CH') THEN 'de_' || UPPER(country) ELSE 'en' END));
CREATE TABLE orders (
  order_key TEXT PRIMARY KEY, store_key TEXT NOT NULL, source_id TEXT NOT NULL,
  customer_key TEXT, email TEXT, phone TEXT, status_raw TEXT NOT NULL, is_paid INTEGER NOT NULL,
  placed_at TEXT NOT NULL, paid_at TEXT, currency TEXT NOT NULL, fx_to_base NUMERIC NOT NULL,
  total NUMERIC NOT NULL, total_base NUMERIC NOT NULL, refunded_base NUMERIC NOT NULL,
  discount NUMERIC NOT NULL, shipping NUMERIC NOT NULL, coupon_codes TEXT,
  gift_flag INTEGER NOT NULL, gift_message TEXT, ship_to_other INTEGER NOT NULL,
  ship_country TEXT, utm_source TEXT, utm_medium TEXT, utm_campaign TEXT,
  payment_failed INTEGER AS (status_raw IN ('failed', 'pending')));
CREATE TABLE order_items (
  item_key TEXT PRIMARY KEY, order_key TEXT NOT NULL, product_key TEXT NOT NULL,
  variant_key TEXT, sku TEXT NOT NULL, name TEXT NOT NULL, qty INTEGER NOT NULL,
  qty_refunded INTEGER NOT NULL, unit_paid NUMERIC NOT NULL, unit_regular NUMERIC NOT NULL,
  line_discount NUMERIC NOT NULL, on_sale INTEGER NOT NULL, is_gift_card INTEGER NOT NULL);
CREATE TABLE products (
  product_key TEXT PRIMARY KEY, store_key TEXT NOT NULL, sku TEXT NOT NULL, name TEXT NOT NULL,
  regular_price NUMERIC NOT NULL, sale_price NUMERIC, active INTEGER NOT NULL,
  launched_at TEXT NOT NULL, replenish_days INTEGER);
CREATE TABLE product_categories (
  product_key TEXT NOT NULL, category_key TEXT NOT NULL, category_name TEXT NOT NULL,
  path TEXT NOT NULL, PRIMARY KEY (product_key, category_key));
CREATE TABLE carts (
  cart_key TEXT PRIMARY KEY, store_key TEXT NOT NULL, customer_key TEXT, email TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, completed_at TEXT,
  currency TEXT NOT NULL, total NUMERIC NOT NULL);
CREATE TABLE cart_items (
  cart_key TEXT NOT NULL, product_key TEXT NOT NULL, variant_key TEXT, qty INTEGER NOT NULL,
  unit_price NUMERIC NOT NULL);
CREATE TABLE consents (
  email TEXT, customer_key TEXT, channel TEXT NOT NULL, state TEXT NOT NULL,
  changed_at TEXT NOT NULL, proof TEXT);
"""

_INDEXES = """
CREATE INDEX customers_email ON customers (email);
CREATE INDEX orders_customer ON orders (customer_key, placed_at);
CREATE INDEX orders_placed ON orders (placed_at);
CREATE INDEX order_items_order ON order_items (order_key);
CREATE INDEX order_items_product ON order_items (product_key);
CREATE INDEX product_categories_path ON product_categories (path);
CREATE INDEX carts_customer ON carts (customer_key);
CREATE INDEX carts_updated ON carts (updated_at);
CREATE INDEX cart_items_cart ON cart_items (cart_key);
CREATE INDEX consents_customer ON consents (customer_key, channel, changed_at);
CREATE INDEX consents_email ON consents (email, channel, changed_at);
"""

Cell = str | int | float | None
Row = tuple[Cell, ...]


def create_tables(shop: sqlite3.Connection) -> None:
    """The eight tables, empty."""
    shop.executescript(_TABLES)


def create_indexes(shop: sqlite3.Connection) -> None:
    """The indexes; made last, as filling indexed tables takes twice the time."""
    shop.executescript(_INDEXES)


def insert(shop: sqlite3.Connection, table: str, rows: Iterable[Row]) -> int:
    """Put rows into a table, cells in the table's order; returns how many."""
    columns = len(shop.execute(f"PRAGMA table_info({table})").fetchall())
    marks = ", ".join("?" * columns)
    return shop.executemany(f"INSERT INTO {table} VALUES ({marks})", rows).rowcount


def count(shop: sqlite3.Connection, sql: str, *parameters: Cell) -> int:
    """The single number that a query answers."""
    (number,) = shop.execute(sql, parameters).fetchone()
    return int(number)


def stamps(start: datetime, seconds: Ints) -> list[str]:
    """Moments as text, given in seconds after `start`."""
    moments = np.datetime64(start.replace(tzinfo=None), "s") + seconds.astype("timedelta64[s]")
    return [text.replace("T", " ") for text in np.datetime_as_string(moments).tolist()]


def stamp(moment: datetime) -> str:
    """One moment as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC, to the second.

    Raises:
        ValueError: It has no zone; a caller's bug.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is no moment")
    return moment.astimezone(UTC).replace(microsecond=0)
