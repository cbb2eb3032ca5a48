"""The world as Saleor 3.20 to 3.23 stores it: a guest is an e-mail, a refund lowers the charge.

Store 2 is a second channel. Names and types of tables and columns are those of its models and
migrations; columns that nothing here fills are left out. A deleted account is one that staff
switched off: of one whose row is gone Saleor keeps nothing but orders like a guest's.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from json import dumps
from uuid import UUID

from tests.integration.databases import Database
from tests.integration.shops.saleor_goods import (
    ELSEWHERE,
    EMPTY,
    GOODS,
    KEPT,
    PRESENT,
    load_categories,
    load_lines,
    load_products,
)
from tests.integration.shops.saleor_money import (
    CHARGED_BACK,
    COMING,
    HALF,
    HALF_OF,
    MONEY,
    PARTLY,
    RESERVED,
    WAIVED,
    charged,
    load_money,
)
from tests.integration.shops.world import ACCOUNTS, CARTS, CONSENTS, ORDERS, Order, at

_TABLES = """
CREATE TABLE channel_channel (
  id serial PRIMARY KEY, name varchar(250) NOT NULL, slug varchar(255) NOT NULL UNIQUE,
  currency_code varchar(3) NOT NULL);
CREATE TABLE account_address (
  id serial PRIMARY KEY, first_name varchar(256) NOT NULL, last_name varchar(256) NOT NULL,
  city varchar(256) NOT NULL, postal_code varchar(20) NOT NULL, country varchar(2) NOT NULL,
  country_area varchar(128) NOT NULL, phone varchar(128) NOT NULL);
CREATE TABLE account_user (
  id serial PRIMARY KEY, email varchar(254) NOT NULL UNIQUE, first_name varchar(256) NOT NULL,
  last_name varchar(256) NOT NULL, is_staff boolean NOT NULL, is_active boolean NOT NULL,
  is_confirmed boolean NOT NULL, date_joined timestamptz NOT NULL,
  default_billing_address_id integer, default_shipping_address_id integer,
  language_code varchar(35) NOT NULL, metadata jsonb NOT NULL DEFAULT '{}');
CREATE TABLE order_order (
  id uuid PRIMARY KEY, number integer NOT NULL UNIQUE, created_at timestamptz NOT NULL,
  status varchar(32) NOT NULL, authorize_status varchar(32) NOT NULL,
  charge_status varchar(32) NOT NULL, origin varchar(32) NOT NULL, user_id integer,
  user_email varchar(254) NOT NULL, billing_address_id integer, shipping_address_id integer,
  channel_id integer NOT NULL, checkout_token varchar(36) NOT NULL, currency varchar(3) NOT NULL,
  total_gross_amount numeric(20, 3) NOT NULL, total_charged_amount numeric(20, 3) NOT NULL,
  voucher_code varchar(255), metadata jsonb NOT NULL DEFAULT '{}');
CREATE TABLE checkout_checkout (
  token uuid PRIMARY KEY, created_at timestamptz NOT NULL, last_change timestamptz NOT NULL,
  user_id integer, email varchar(254), channel_id integer NOT NULL, currency varchar(3) NOT NULL,
  subtotal_gross_amount numeric(20, 3) NOT NULL, total_gross_amount numeric(20, 3) NOT NULL)
"""
CHANNELS = {1: "webshop", 2: "outlet"}
_BOSS = 1  # on the staff
_WORDS = {"granted": "true", "denied": "false", "pending": "pending"}
_BILLED, _SHIPPED = 10_000, 20_000  # numbers of orders' addresses
_OF_KEPT = 7  # the order of a checkout that was kept
_DELIVERY = Decimal(15)


def create_saleor(database: Database) -> None:
    """Its tables, empty."""
    database.execute(*f"{_TABLES};{MONEY};{GOODS}".split(";"))


def load_saleor(database: Database) -> None:
    """Both channels."""
    create_saleor(database)
    channels = [(number, slug.title(), slug, "EUR") for number, slug in CHANNELS.items()]
    database.load("channel_channel", ("id", "name", "slug", "currency_code"), channels)
    _load_people(database)
    _load_addresses(database)
    _load_orders(database)
    load_money(database)
    _load_checkouts(database)
    load_products(database)
    load_categories(database)
    load_lines(database)


def _load_people(database: Database) -> None:
    """E-mails of accounts are lowered; what was said at the checkout stands with the order."""
    said = {each.account: _WORDS[each.word] for each in CONSENTS if each.account != _AT_CHECKOUT}
    database.load(
        "account_user",
        (
            *("id", "email", "first_name", "last_name", "is_staff", "is_active", "is_confirmed"),
            *("date_joined", "default_billing_address_id", "language_code", "metadata"),
        ),
        [
            *(
                (
                    *(each.number, each.email.lower(), each.first_name, "", False),
                    *(not each.deleted, each.number % 2 == 0, each.registered_at, each.number),
                    *(each.locale[:2], _metadata(said.get(each.number))),
                )
                for each in ACCOUNTS
            ),
            (
                *(_BOSS, "boss@example.com", "Boss", "", True),
                *(True, True, ACCOUNTS[0].registered_at, None, "en", _metadata("true")),
            ),
        ],
    )


def _load_addresses(database: Database) -> None:
    ours, other = ("A", "Jansen"), ("Somebody", "Else")
    database.load(
        "account_address",
        (
            *("id", "first_name", "last_name", "country"),
            *("city", "postal_code", "country_area", "phone"),
        ),
        [
            *((each.number, *ours, each.country, "", "", "", "") for each in ACCOUNTS),
            *((_BILLED + each.number, *ours, "NL", "", "", "", "") for each in ORDERS),
            *(
                (_SHIPPED + each.number, *(other if each.to_other else ours), "NL", "", "", "", "")
                for each in ORDERS
            ),
        ],
    )


def _load_orders(database: Database) -> None:
    database.load(
        "order_order",
        (
            *("id", "number", "user_id", "user_email", "channel_id", "created_at"),
            *("billing_address_id", "shipping_address_id", "voucher_code", "metadata"),
            *("total_gross_amount", "status", "origin", "checkout_token"),
            *("charge_status", "authorize_status", "total_charged_amount", "currency"),
        ),
        [
            *(
                (
                    *(UUID(int=each.number), each.number, each.account, each.email, each.store),
                    *(each.placed_at, _BILLED + each.number, _SHIPPED + each.number, each.code),
                    *(_metadata(_ticked(each)), each.total, _status(each), "checkout", ""),
                    *(*charged(each), "EUR"),
                )
                for each in ORDERS
            ),
            *_none_that_count(),
        ],
    )


def _none_that_count() -> Iterator[tuple[object, ...]]:
    """Dear ones: a draft, what staff bought, and so on; with words that do not count either."""
    mo, nina = (23, "mo@example.com"), (24, "nina@example.com")
    rosa, boss = (28, "rosa@example.com"), (_BOSS, "boss@example.com")
    whole, none = ("full", "full", 9_000_000), ("none", "none", 0)
    for number, who, store, status, origin, money in (
        (1, mo, 1, "draft", "draft", whole),
        (2, mo, 1, "unfulfilled", "reissue", whole),
        (3, mo, 1, "unconfirmed", "checkout", whole),
        (4, boss, 1, "fulfilled", "checkout", whole),
        (WAIVED, mo, 1, "unfulfilled", "checkout", ("full", "full", 0)),
        (CHARGED_BACK, mo, 1, "fulfilled", "checkout", none),
        (_OF_KEPT, nina, 1, "canceled", "checkout", none),
        (8, nina, 2, "fulfilled", "checkout", whole),
        (COMING, nina, 1, "unfulfilled", "checkout", none),
        (RESERVED, nina, 1, "unfulfilled", "checkout", ("none", "full", 0)),
        (PARTLY, nina, 1, "unfulfilled", "checkout", none),
        (HALF, nina, 1, "unfulfilled", "checkout", ("partial", "partial", HALF_OF)),
        (12, rosa, 2, "draft", "draft", whole),
    ):
        yield (
            *(UUID(int=number), number, *who, store, at("2026-10-29 09:00:00"), None, None, None),
            *(_metadata("true" if status == "draft" or store > 1 else None), 9_000_000, status),
            *(origin, str(KEPT) if number == _OF_KEPT else "", *money, "EUR"),
        )


def _load_checkouts(database: Database) -> None:
    """With those that are no carts."""
    begun = at("2026-10-30 09:00:00")
    nina = (24, "nina@example.com")
    database.load(
        "checkout_checkout",
        (
            *("token", "user_id", "email", "channel_id", "created_at", "last_change"),
            *("subtotal_gross_amount", "total_gross_amount", "currency"),
        ),
        [
            *(
                (
                    *(UUID(int=each.number), each.account, each.email, each.store),
                    *(each.created_at, each.updated_at, each.total, each.total + _DELIVERY, "EUR"),
                )
                for each in CARTS
            ),
            *(
                (token, *nina, 2 if token == ELSEWHERE else 1, begun, begun, 40, 55, "EUR")
                for token in (KEPT, ELSEWHERE, PRESENT, EMPTY)
            ),
        ],
    )


def _status(order: Order) -> str:
    if order.state in ("cancelled", "pending", "failed", "refunded"):
        states = {"cancelled": "canceled", "failed": "expired", "refunded": "returned"}
        return states.get(order.state, "unfulfilled")
    if order.refunded:
        return "partially_returned"
    return ("unfulfilled", "partially fulfilled", "fulfilled")[order.number % 3]


_AT_CHECKOUT = 26  # who said it there alone, and never in the account


def _ticked(order: Order) -> str | None:
    """At the checkout: the latest counts of guests, and of accounts that are silent."""
    said = {each.email.lower(): each for each in CONSENTS}.get(order.email.strip().lower())
    if said is None:
        return None
    others = (each.placed_at for each in ORDERS if each.email.strip().lower() == said.email.lower())
    newest = order.placed_at == max(others)
    if said.account in (None, _AT_CHECKOUT) and newest:
        return _WORDS[said.word]
    return "false"


def _metadata(word: str | None) -> str:
    return dumps({} if word is None else {"newsletter": word})
