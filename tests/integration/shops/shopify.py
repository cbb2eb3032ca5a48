"""The world as Shopify has it, in a warehouse that Fivetran (REST) or Airbyte fills.

A shop is a schema of its own, so that other stores are not in it. Names and types of tables
and columns are those of the two connectors; columns that nothing here fills are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from json import dumps

from sqlalchemy import make_url

from tests.integration.databases import Database
from tests.integration.shops.shopify_goods import (
    AIRBYTE_GOODS,
    FIVETRAN_GOODS,
    items,
    load_airbyte_goods,
    load_fivetran_goods,
)
from tests.integration.shops.world import ACCOUNTS, CARTS, CONSENTS, ORDERS, STORE, Cart, Order

_FIVETRAN = """
CREATE TABLE shopify.customer (
  id bigint PRIMARY KEY, email text, first_name text, last_name text, phone text, state text,
  created_at timestamptz, email_marketing_consent_state text,
  email_marketing_consent_opt_in_level text,
  email_marketing_consent_consent_updated_at timestamptz);
CREATE TABLE shopify.customer_address (
  id bigint PRIMARY KEY, customer_id bigint, is_default boolean, city text, country_code text,
  province_code text, zip text, phone text, first_name text, last_name text);
CREATE TABLE shopify.customer_tag (index bigint, customer_id bigint, value text);
CREATE TABLE shopify."order" (
  id bigint PRIMARY KEY, customer_id bigint, email text, created_at timestamptz,
  processed_at timestamptz, cancelled_at timestamptz, financial_status text, currency text,
  total_price double precision, subtotal_price double precision,
  total_line_items_price double precision, customer_locale text, test boolean,
  billing_address_first_name text, billing_address_last_name text, billing_address_zip text,
  billing_address_city text, billing_address_country_code text,
  billing_address_province_code text, billing_address_phone text,
  shipping_address_last_name text, shipping_address_zip text, shipping_address_phone text,
  _fivetran_deleted boolean);
CREATE TABLE shopify.transaction (
  id bigint PRIMARY KEY, order_id bigint, refund_id bigint, amount double precision, kind text,
  status text, currency text, created_at timestamptz);
CREATE TABLE shopify.order_discount_code (
  index bigint, order_id bigint, code text, amount double precision, type text);
CREATE TABLE shopify.order_url_tag (order_id bigint, key text, value text);
CREATE TABLE shopify.abandoned_checkout (
  id bigint PRIMARY KEY, email text, phone text, customer_id bigint, created_at timestamptz,
  updated_at timestamptz, closed_at timestamptz, currency text, total_price double precision,
  _fivetran_deleted boolean)
"""
_AIRBYTE = """
CREATE TABLE shopify.customers (
  id bigint, email varchar, first_name varchar, last_name varchar, phone varchar, state varchar,
  created_at timestamptz, default_address jsonb, email_marketing_consent jsonb, tags varchar,
  shop_url varchar);
CREATE TABLE shopify.orders (
  id bigint, customer jsonb, email varchar, created_at timestamptz, processed_at timestamptz,
  cancelled_at timestamptz, financial_status varchar, currency varchar, total_price numeric,
  customer_locale varchar, test boolean, billing_address jsonb, shipping_address jsonb,
  discount_codes jsonb, line_items jsonb, landing_site varchar, deleted_at timestamptz,
  shop_url varchar);
CREATE TABLE shopify.order_refunds (
  id bigint, order_id bigint, transactions jsonb, refund_line_items jsonb,
  created_at timestamptz, shop_url varchar);
CREATE TABLE shopify.abandoned_checkouts (
  id bigint, email varchar, phone varchar, customer jsonb, created_at timestamptz,
  updated_at timestamptz, completed_at timestamptz, currency varchar, total_price numeric,
  line_items jsonb, shop_url varchar)
"""
_GUEST = 10_000  # numbers of customers without an account
_WORDS = {"granted": "subscribed", "denied": "unsubscribed", "pending": "pending"}
_NOTHING = ("[]", "[]", None, None, None, None)
_REFUNDED = {True: "refunded", False: "partially_refunded"}


@dataclass(frozen=True, slots=True)
class Customer:
    """What Shopify makes of everyone who has an account, orders or subscribes."""

    number: int
    email: str
    created_at: datetime
    state: str
    country: str = "NL"

    @property
    def consent(self) -> tuple[str, datetime | None]:
        said = {each.email.lower(): each for each in CONSENTS if each.store == STORE}
        word = said.get(self.email.lower())
        return (_WORDS[word.word], word.said_at) if word else ("not_subscribed", None)


def _customers() -> Iterator[Customer]:
    """Carla's was made by her first order, and got an account later."""
    guests = _guests()
    for each in ACCOUNTS:
        if each.store == STORE and not each.deleted:
            number, since = guests.pop(each.email, (each.number, each.registered_at))
            yield Customer(number, each.email, since, "enabled", each.country)
    for email, (number, since) in guests.items():
        yield Customer(number, email, since, "disabled")


def load_fivetran(database: Database) -> None:
    """A column a fact."""
    tables = (*_FIVETRAN.split(";"), *FIVETRAN_GOODS.split(";"))
    database.execute("CREATE SCHEMA shopify", *tables, *_grants(database))
    load_fivetran_goods(database, _orders(), _carts())
    _load_fivetran_people(database)
    _load_fivetran_orders(database)
    database.load(
        "shopify.abandoned_checkout",
        ("id", "email", "customer_id", "created_at", "updated_at", "total_price", "currency"),
        [
            (
                *(cart.number, cart.email, cart.account, cart.created_at, cart.updated_at),
                *(float(cart.total), "EUR"),
            )
            for cart in _carts()
        ],
    )


def _load_fivetran_people(database: Database) -> None:
    database.load(
        "shopify.customer",
        (
            *("id", "email", "first_name", "created_at", "state"),
            *("email_marketing_consent_state", "email_marketing_consent_consent_updated_at"),
        ),
        [
            (each.number, each.email, "A", each.created_at, each.state, *each.consent)
            for each in _customers()
        ],
    )
    database.load(
        "shopify.customer_address",
        ("id", "customer_id", "is_default", "country_code"),
        [(each.number, each.number, True, each.country) for each in _customers()],
    )


def _load_fivetran_orders(database: Database) -> None:
    names = ("id", "email", "created_at", "processed_at", "cancelled_at", "financial_status")
    facts = ("total_line_items_price", "customer_locale", "billing_address_last_name")
    database.load(
        'shopify."order"',
        (
            *(*names, "total_price", "customer_id", "currency", "test", "_fivetran_deleted"),
            *("subtotal_price", *facts, "shipping_address_last_name"),
        ),
        [
            *(
                (
                    *(*_order(each), _customer(each), "EUR", False, False, float(each.total)),
                    *(float(_asked(each)), _locale(each), "Jansen"),
                    "Else" if each.to_other else "Jansen",
                )
                for each in _orders()
            ),
            # Somebody tried the shop; another order was taken out of it.
            *(
                (*_stray(9_001 + test), 23, "EUR", test, not test, 9e6, 9e6, None, "A", "A")
                for test in (False, True)
            ),
        ],
    )
    codes = [(each.number, each.code) for each in _orders() if each.code]
    database.load("shopify.order_discount_code", ("order_id", "code"), codes)
    tags = [(each.number, f"utm_{key}", value) for each in _orders() for key, value in _utm(each)]
    database.load("shopify.order_url_tag", ("order_id", "key", "value"), tags)
    database.load(
        "shopify.transaction",
        ("id", "order_id", "amount", "kind", "status"),
        [
            (number, each.number, float(amount), kind, status)
            for each in _orders()
            for number, amount, kind, status in [
                (each.number * 10, each.total, "sale", "success"),
                (each.number * 10 + 1, each.refunded, "refund", "success"),
                (each.number * 10 + 2, each.total, "refund", "failure"),
            ]
        ],
    )


def load_airbyte(database: Database) -> None:
    """Nested objects as JSON."""
    tables = (*_AIRBYTE.split(";"), *AIRBYTE_GOODS.split(";"))
    database.execute("CREATE SCHEMA shopify", *tables, *_grants(database))
    load_airbyte_goods(database)
    _load_airbyte_people(database)
    _load_airbyte_orders(database)
    _load_airbyte_refunds(database)
    database.load(
        "shopify.abandoned_checkouts",
        (
            *("id", "email", "customer", "created_at", "updated_at", "total_price", "currency"),
            "line_items",
        ),
        [
            (
                *(each.number, each.email, _nested(each.account), each.created_at),
                *(each.updated_at, float(each.total), "EUR", items(each)),
            )
            for each in _carts()
        ],
    )


def _load_airbyte_people(database: Database) -> None:
    database.load(
        "shopify.customers",
        (
            *("id", "email", "first_name", "created_at", "state", "email_marketing_consent"),
            *("tags", "default_address"),
        ),
        [
            (
                *(each.number, each.email, "A", each.created_at, each.state),
                dumps({"state": state, "consent_updated_at": at.isoformat() if at else None}),
                *("", dumps({"country_code": each.country})),
            )
            for each in _customers()
            for state, at in [each.consent]
        ],
    )


def _load_airbyte_orders(database: Database) -> None:
    names = ("id", "email", "created_at", "processed_at", "cancelled_at", "financial_status")
    database.load(
        "shopify.orders",
        (
            *(*names, "total_price", "customer", "currency", "test", "deleted_at"),
            *("discount_codes", "line_items", "customer_locale", "landing_site"),
            *("billing_address", "shipping_address"),
        ),
        [
            *(
                (
                    *(*_order(each), _nested(_customer(each)), "EUR", False, None),
                    dumps([{"code": each.code}] if each.code else []),
                    *(items(each), _locale(each), _landing(each), dumps({"last_name": "Jansen"})),
                    dumps({"last_name": "Else" if each.to_other else "Jansen"}),
                )
                for each in _orders()
            ),
            (*_stray(9_001), _nested(23), "EUR", False, ORDERS[0].placed_at, *_NOTHING),
            (*_stray(9_002), _nested(23), "EUR", True, None, *_NOTHING),
        ],
    )


def _load_airbyte_refunds(database: Database) -> None:
    database.load(
        "shopify.order_refunds",
        ("id", "order_id", "transactions", "refund_line_items"),
        [
            (
                *(each.number, each.number),
                dumps(
                    [
                        {"kind": "refund", "status": "success", "amount": str(each.refunded)},
                        {"kind": "refund", "status": "failure", "amount": str(each.total)},
                    ]
                ),
                dumps(
                    [
                        {"line_item_id": each.number * 10 + place, "quantity": line.back}
                        for place, line in enumerate(each.lines)
                        if line.back
                    ]
                ),
            )
            for each in _orders()
            if each.refunded
        ],
    )


def _nested(customer: int | None) -> str | None:
    return dumps({"id": customer}) if customer else None


def _orders() -> list[Order]:
    return [each for each in ORDERS if each.store == STORE]


def _order(order: Order) -> tuple[object, ...]:
    cancelled_at = order.placed_at if order.state == "cancelled" else None
    at = (order.placed_at, order.placed_at, cancelled_at)
    return (order.number, order.email, *at, _status(order), float(order.total))


def _stray(number: int) -> tuple[object, ...]:
    """An order that must not count, though it is paid and large."""
    at = ORDERS[0].placed_at
    return (number, "mo@example.com", at, at, None, "paid", 9e6)


def _asked(order: Order) -> Decimal:
    return order.total + sum((line.off for line in order.lines), Decimal(0))


def _locale(order: Order) -> str | None:
    """Of the browser; that of guests is left out, as other systems do not keep it."""
    found = (each.locale for each in ACCOUNTS if each.number == order.account)
    return next((each.replace("_", "-") for each in found), None)


def _utm(order: Order) -> list[tuple[str, str]]:
    return list(zip(("source", "medium", "campaign"), order.source or (), strict=False))


def _landing(order: Order) -> str:
    return f"/?{'&'.join(f'utm_{key}={value}' for key, value in _utm(order))}"


def _carts() -> list[Cart]:
    return [each for each in CARTS if each.store == STORE]


def _grants(database: Database) -> tuple[str, str]:
    login = make_url(database.url).username
    return (
        f"GRANT USAGE ON SCHEMA shopify TO {login}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA shopify TO {login}",
    )


def _guests() -> dict[str, tuple[int, datetime]]:
    """Numbers of customers whom checkouts and subscriptions made, by e-mail.

    Xena's order was brought in from elsewhere, without a customer.
    """
    found: dict[str, tuple[int, datetime]] = {}
    for order in ORDERS:
        mail = order.email.strip().lower()
        if order.account is None and order.store == STORE and mail != "xena@example.com":
            found.setdefault(mail, (_GUEST + order.number, order.placed_at))
    for word in CONSENTS:
        if word.account is None and word.store == STORE:
            found.setdefault(word.email.lower(), (_GUEST + word.number, word.said_at))
    return found


def _customer(order: Order) -> int | None:
    guest = _guests().get(order.email.strip().lower())
    return guest[0] if guest else order.account


def _status(order: Order) -> str:
    if order.refunded:
        return _REFUNDED[order.refunded == order.total]
    return {"cancelled": "voided", "failed": "pending"}.get(order.state, order.state)
