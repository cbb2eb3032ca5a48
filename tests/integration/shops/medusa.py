"""The world as Medusa 2 stores it: a customer for every guest's e-mail too, totals as JSON.

Store 2 is a second sales channel. Names and types of tables and columns are those of its
modules' migrations; columns that nothing here fills are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from json import dumps

from tests.integration.databases import Database
from tests.integration.shops.medusa_goods import GOODS, load_categories, load_lines, load_products
from tests.integration.shops.world import ACCOUNTS, CARTS, CONSENTS, ORDERS, Order

_TABLES = """
CREATE TABLE customer (
  id text PRIMARY KEY, email text, phone text, first_name text, last_name text,
  has_account boolean NOT NULL DEFAULT false, metadata jsonb, created_at timestamptz NOT NULL,
  deleted_at timestamptz);
CREATE UNIQUE INDEX ON customer (email, has_account) WHERE deleted_at IS NULL;
CREATE TABLE customer_address (
  id text PRIMARY KEY, customer_id text NOT NULL, is_default_billing boolean NOT NULL DEFAULT false,
  first_name text, last_name text, city text, country_code text, province text, postal_code text,
  phone text, deleted_at timestamptz);
CREATE TABLE "order" (
  id text PRIMARY KEY, display_id integer, version integer NOT NULL DEFAULT 1, customer_id text,
  sales_channel_id text, status text NOT NULL DEFAULT 'pending', email text,
  is_draft_order boolean NOT NULL DEFAULT false, currency_code text NOT NULL,
  shipping_address_id text, billing_address_id text, created_at timestamptz NOT NULL,
  canceled_at timestamptz, deleted_at timestamptz);
CREATE TABLE order_address (
  id text PRIMARY KEY, first_name text, last_name text, city text, country_code text,
  province text, postal_code text, phone text);
CREATE TABLE order_summary (
  id text PRIMARY KEY, order_id text NOT NULL, version integer NOT NULL DEFAULT 1, totals jsonb,
  deleted_at timestamptz);
CREATE TABLE cart (
  id text PRIMARY KEY, customer_id text, sales_channel_id text, email text,
  currency_code text NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  completed_at timestamptz, deleted_at timestamptz)
"""
_GUEST = 10_000  # numbers of customers without an account
_WORDS = {"granted": True, "denied": False, "pending": "pending"}


def load_medusa(database: Database) -> None:
    """Both sales channels."""
    database.execute(*_TABLES.split(";"), *GOODS.split(";"))
    _load_people(database)
    _load_orders(database)
    _load_carts(database)
    load_products(database)
    load_categories(database)
    load_lines(database)


def _load_people(database: Database) -> None:
    database.load(
        "customer",
        ("id", "email", "has_account", "created_at", "deleted_at", "metadata"),
        [
            *(
                (f"cus_{number}", mail, False, at, None, _words(mail))
                for mail, number, at in _guests()
            ),
            *(
                (
                    *(f"cus_{each.number}", each.email, True, each.registered_at),
                    *(each.registered_at if each.deleted else None, _words(each.email)),
                )
                for each in ACCOUNTS
            ),
        ],
    )
    database.load(
        "customer_address",
        ("id", "customer_id", "is_default_billing", "country_code"),
        [
            (f"addr_{each.number}", f"cus_{each.number}", True, each.country.lower())
            for each in ACCOUNTS
        ],
    )


_MO = ("cus_23", "sc_1", "mo@example.com")


def _load_orders(database: Database) -> None:
    """With a draft, and one that was deleted."""
    database.load(
        '"order"',
        (
            *("id", "customer_id", "sales_channel_id", "email", "status", "version"),
            *("currency_code", "created_at", "is_draft_order", "deleted_at"),
            *("billing_address_id", "shipping_address_id"),
        ),
        [
            *(
                (
                    *(f"order_{each.number}", _customer(each), f"sc_{each.store}", each.email),
                    *(
                        "canceled" if each.state == "cancelled" else "pending",
                        2,
                        "eur",
                        each.placed_at,
                        False,
                        None,
                        f"bill_{each.number}",
                    ),
                    f"ship_{each.number}",
                )
                for each in ORDERS
            ),
            ("order_1", *_MO, "draft", 1, "eur", _AT, True, None, None, None),
            ("order_2", *_MO, "pending", 1, "eur", _AT, False, _AT, "", ""),
        ],
    )
    _load_addresses(database)
    _load_totals(database)


def _load_addresses(database: Database) -> None:
    database.load(
        "order_address",
        ("id", "first_name", "last_name", "country_code"),
        [
            (f"{kind}_{each.number}", *name, "nl")
            for each in ORDERS
            for kind, name in (
                ("bill", ("A", "Jansen")),
                ("ship", ("Somebody", "Else") if each.to_other else ("A", "Jansen")),
            )
        ],
    )


def _load_totals(database: Database) -> None:
    database.load(
        "order_summary",
        ("id", "order_id", "version", "totals"),
        [
            *((f"s_{each.number}", f"order_{each.number}", 2, _totals(each)) for each in ORDERS),
            # The version before an order was changed.
            *(
                (f"old_{each.number}", f"order_{each.number}", 1, dumps({"paid_total": 9e6}))
                for each in ORDERS
            ),
            *((f"s_{n}", f"order_{n}", 1, dumps({"paid_total": 9e6})) for n in (1, 2)),
        ],
    )


def _load_carts(database: Database) -> None:
    names = ("id", "customer_id", "sales_channel_id", "email", "currency_code", "created_at")
    database.load(
        "cart",
        (*names, "updated_at"),
        [
            (
                *(f"cart_{each.number}", f"cus_{each.account}" if each.account else None),
                *(f"sc_{each.store}", each.email, "eur", each.created_at, each.updated_at),
            )
            for each in CARTS
        ],
    )


_AT = ORDERS[0].placed_at


def _guests() -> Iterator[tuple[str, int, datetime]]:
    """One an e-mail: of those who ordered as guests, and who only subscribed."""
    found: dict[str, tuple[int, datetime]] = {}
    for order in ORDERS:
        if order.account is None:
            found.setdefault(order.email.strip().lower(), (order.number, order.placed_at))
    for word in CONSENTS:
        if word.account is None:
            found.setdefault(word.email.lower(), (word.number, word.said_at))
    for mail, (number, at) in found.items():
        yield mail, _GUEST + number, at


def _words(email: str) -> str:
    said = {each.email.lower(): _WORDS[each.word] for each in CONSENTS}
    return dumps({"newsletter": said[email.lower()]} if email.lower() in said else {})


def _customer(order: Order) -> str:
    if order.account is not None:
        return f"cus_{order.account}"
    mail = order.email.strip().lower()
    return next(f"cus_{number}" for known, number, _ in _guests() if known == mail)


def _totals(order: Order) -> str:
    paid = order.total if order.state in ("paid", "refunded") else 0
    if order.state == "cancelled":
        paid = order.total  # captured before; the status is what makes it none
    totals = {
        "paid_total": float(paid),
        "refunded_total": float(order.refunded),
        "current_order_total": float(order.total),
    }
    return dumps(totals)
