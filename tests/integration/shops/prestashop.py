"""The world as PrestaShop stores it: in the local time of Amsterdam, a row a guest's checkout.

Store 2 is the second shop of a multistore. Names and types of tables and columns are those of
its installer and of ps_emailsubscription; columns that nothing here fills are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.integration.databases import Database
from tests.integration.shops.prestashop_goods import GOODS, Part, load_goods, load_lines
from tests.integration.shops.world import ACCOUNTS, CARTS, CONSENTS, ORDERS, ZONE, Order, spelled

_TABLES = """
CREATE TABLE ps_customer (
  id_customer int(10) unsigned NOT NULL PRIMARY KEY, id_shop int(11) unsigned NOT NULL DEFAULT 1,
  id_gender int(10) unsigned NOT NULL DEFAULT 1, id_lang int(10) unsigned DEFAULT 1,
  firstname varchar(255) NOT NULL, lastname varchar(255) NOT NULL, email varchar(255) NOT NULL,
  birthday date DEFAULT NULL, newsletter tinyint(1) unsigned NOT NULL DEFAULT 0,
  newsletter_date_add datetime DEFAULT NULL, optin tinyint(1) unsigned NOT NULL DEFAULT 0,
  active tinyint(1) unsigned NOT NULL DEFAULT 1, is_guest tinyint(1) NOT NULL DEFAULT 0,
  deleted tinyint(1) NOT NULL DEFAULT 0, date_add datetime NOT NULL, KEY customer_email (email));
CREATE TABLE ps_address (
  id_address int(10) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id_country int(10) unsigned NOT NULL, id_state int(10) unsigned DEFAULT NULL,
  id_customer int(10) unsigned NOT NULL DEFAULT 0, lastname varchar(255) NOT NULL,
  firstname varchar(255) NOT NULL, postcode varchar(12), city varchar(64) NOT NULL,
  phone varchar(32), phone_mobile varchar(32), deleted tinyint(1) unsigned NOT NULL DEFAULT 0,
  KEY address_customer (id_customer));
CREATE TABLE ps_country (
  id_country int(10) unsigned NOT NULL PRIMARY KEY, iso_code varchar(3) NOT NULL);
CREATE TABLE ps_state (
  id_state int(10) unsigned NOT NULL PRIMARY KEY, name varchar(80) NOT NULL);
CREATE TABLE ps_gender (id_gender int(11) NOT NULL PRIMARY KEY, type tinyint(1) NOT NULL);
CREATE TABLE ps_lang (id_lang int(10) NOT NULL PRIMARY KEY, iso_code varchar(2) NOT NULL);
CREATE TABLE ps_currency (
  id_currency int(10) unsigned NOT NULL PRIMARY KEY, iso_code varchar(3) NOT NULL);
CREATE TABLE ps_orders (
  id_order int(10) unsigned NOT NULL PRIMARY KEY, reference varchar(9),
  id_shop int(11) unsigned NOT NULL DEFAULT 1, id_customer int(10) unsigned NOT NULL,
  id_cart int(10) unsigned NOT NULL, id_currency int(10) unsigned NOT NULL,
  id_address_delivery int(10) unsigned NOT NULL, id_address_invoice int(10) unsigned NOT NULL,
  current_state int(10) unsigned NOT NULL, conversion_rate decimal(13,6) NOT NULL DEFAULT 1,
  gift tinyint(1) unsigned NOT NULL DEFAULT 0, gift_message text,
  total_paid_tax_incl decimal(20,6) NOT NULL DEFAULT 0,
  total_products_wt decimal(20,6) NOT NULL DEFAULT 0,
  total_discounts_tax_incl decimal(20,6) NOT NULL DEFAULT 0,
  total_shipping_tax_incl decimal(20,6) NOT NULL DEFAULT 0,
  total_wrapping_tax_incl decimal(20,6) NOT NULL DEFAULT 0, date_add datetime NOT NULL,
  KEY id_customer (id_customer), KEY id_cart (id_cart));
CREATE TABLE ps_configuration (
  id_configuration int(10) unsigned AUTO_INCREMENT PRIMARY KEY, id_shop int(11) unsigned,
  name varchar(254) NOT NULL, value text);
CREATE TABLE ps_order_state (
  id_order_state int(10) unsigned NOT NULL PRIMARY KEY, paid tinyint(1) unsigned NOT NULL);
CREATE TABLE ps_order_slip (
  id_order_slip int(10) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  id_order int(10) unsigned NOT NULL, total_products_tax_incl decimal(20,6),
  total_shipping_tax_incl decimal(20,6), date_add datetime NOT NULL, KEY id_order (id_order));
CREATE TABLE ps_order_cart_rule (
  id_order_cart_rule int(10) unsigned NOT NULL PRIMARY KEY, id_order int(10) unsigned NOT NULL,
  id_cart_rule int(10) unsigned NOT NULL, value decimal(20,6) NOT NULL DEFAULT 0,
  free_shipping tinyint(1) NOT NULL DEFAULT 0, KEY id_order (id_order));
CREATE TABLE ps_cart_rule (
  id_cart_rule int(10) unsigned NOT NULL PRIMARY KEY, code varchar(254) NOT NULL);
CREATE TABLE ps_cart (
  id_cart int(10) unsigned NOT NULL PRIMARY KEY, id_shop int(11) unsigned NOT NULL DEFAULT 1,
  id_currency int(10) unsigned NOT NULL, id_customer int(10) unsigned NOT NULL,
  id_guest int(10) unsigned NOT NULL, date_add datetime NOT NULL, date_upd datetime NOT NULL);
CREATE TABLE ps_emailsubscription (
  id int(6) NOT NULL AUTO_INCREMENT PRIMARY KEY, id_shop int(10) unsigned NOT NULL DEFAULT 1,
  email varchar(255) NOT NULL, newsletter_date_add datetime, active tinyint(1) NOT NULL DEFAULT 0)
"""
# As the installer numbers them: waits for a cheque, paid, cancelled, refunded, error.
_STATES = {"pending": 1, "paid": 2, "cancelled": 6, "refunded": 7, "failed": 8}
_GUEST = 10_000  # guests' rows are numbered from here
_ANONYMOUS = 9_999
_ELSEWHERE = 9_998  # an address
_GENDERS = {"m": 1, "f": 2, None: 0}
_NOTHING = (None, None, 0, 1)


def load_prestashop(database: Database) -> None:
    """Both shops of the multistore."""
    database.execute(*_TABLES.split(";"), *GOODS.split(";"))
    database.load("ps_country", ("id_country", "iso_code"), [(13, "NL"), (3, "BE")])
    database.load("ps_gender", ("id_gender", "type"), [(1, 0), (2, 1)])
    database.load("ps_lang", ("id_lang", "iso_code"), [(1, "nl"), (2, "de")])
    database.load("ps_currency", ("id_currency", "iso_code"), [(1, "EUR"), (2, "USD")])
    states = [(number, name == "paid") for name, number in _STATES.items()]
    database.load("ps_order_state", ("id_order_state", "paid"), states)
    configuration = [("PS_OS_CHEQUE", "1"), ("PS_OS_ERROR", "8"), ("PS_OS_CANCELED", "6")]
    database.load("ps_configuration", ("name", "value"), configuration)
    _load_customers(database)
    _load_orders(database)
    load_goods(database, _local)
    load_lines(database, [part for order in ORDERS for part in _split(order)])
    _load_carts(database)
    database.load(
        "ps_emailsubscription",
        ("id", "id_shop", "email", "newsletter_date_add", "active"),
        [
            (each.number, each.store, each.email, _local(each.said_at), each.word == "granted")
            for each in CONSENTS
            if each.account is None or each.word == "pending"
        ],
    )


def _local(moment: datetime) -> str:
    """As PHP writes it."""
    return spelled(moment.astimezone(ZoneInfo(ZONE)))


def _load_customers(database: Database) -> None:
    words = {each.account: each for each in CONSENTS if each.word != "pending"}
    database.load(
        "ps_customer",
        (
            *("id_customer", "id_shop", "email", "firstname", "lastname", "date_add"),
            *("deleted", "is_guest", "newsletter", "newsletter_date_add"),
            *("birthday", "id_gender", "id_lang"),
        ),
        [
            *(
                (
                    *(a.number, a.store, a.email, a.first_name, "Jansen", _local(a.registered_at)),
                    *(a.deleted, False, a.number in words and words[a.number].word == "granted"),
                    _local(words[a.number].said_at) if a.number in words else None,
                    *(a.birth_date, _GENDERS[a.gender], 2 if a.locale == "de_DE" else 1),
                )
                for a in ACCOUNTS
            ),
            *(
                (number, store, mail, "G", "Ast", at, False, True, False, None, None, 0, 1)
                for number, store, mail, at in _guests()
            ),
            (
                _ANONYMOUS,
                1,
                "anonymous@psgdpr.com",
                "A",
                "A",
                "2024-01-01",
                *(False,) * 3,
                *_NOTHING,
            ),
        ],
    )
    address = ("id_address", "id_country", "id_customer", "firstname", "lastname", "city")
    owners = [(each.number, each.country) for each in ACCOUNTS]
    owners += [(number, "NL") for number, *_ in _guests()]
    database.load(
        "ps_address",
        address,
        [
            *(
                (owner, 3 if country == "BE" else 13, owner, "A", "Jansen", "Utrecht")
                for owner, country in owners
            ),
            (_ELSEWHERE, 13, 0, "Somebody", "Else", "Utrecht"),
        ],
    )


def _guests() -> Iterator[tuple[int, int, str, str]]:
    """Each checkout of a guest makes its own."""
    for order in ORDERS:
        if order.account is None:
            yield _GUEST + order.number, order.store, order.email, _local(order.placed_at)
    for cart in CARTS:
        if cart.account is None and cart.email:
            yield _GUEST + cart.number, cart.store, cart.email, _local(cart.created_at)


def _load_orders(database: Database) -> None:
    parts = [part for order in ORDERS for part in _split(order)]
    database.load(
        "ps_orders",
        (
            *("id_order", "reference", "id_shop", "id_customer", "id_cart", "id_currency"),
            *("id_address_delivery", "id_address_invoice", "current_state", "conversion_rate"),
            *("total_paid_tax_incl", "date_add", "gift", "total_products_wt"),
            *("total_discounts_tax_incl", "total_shipping_tax_incl"),
        ),
        [
            (
                *(number, f"R{order.number}", order.store, customer, order.number, 1 + (rate > 1)),
                *(_ELSEWHERE if order.to_other else customer, customer, _STATES[order.state]),
                # Delivery is 4, and free: a rule takes it off again.
                *(rate, order.total * share * rate, _local(order.placed_at), order.gift),
                *(_asked(order) * share * rate, (_off(order) * share + 4) * rate, 4 * rate),
            )
            for number, order, share, rate in parts
            for customer in [order.account or _GUEST + order.number]
        ],
    )
    database.load(
        "ps_orders",
        (
            *("id_order", "reference", "id_customer", "id_cart", "id_currency", "current_state"),
            *("id_address_delivery", "id_address_invoice", "total_paid_tax_incl", "date_add"),
        ),
        [(9_001, "ERASED", _ANONYMOUS, 0, 1, 2, 0, 0, 5_000, "2026-01-01")],
    )
    rules = [(1, ""), *((number, order.code) for number, order, *_ in parts if order.code)]
    database.load("ps_cart_rule", ("id_cart_rule", "code"), rules)
    names = ("id_order_cart_rule", "id_order", "id_cart_rule", "free_shipping")
    database.load(
        "ps_order_cart_rule",
        names,
        [
            *((number * 2, number, 1, 1) for number, *_ in parts),
            *((number * 2 + 1, number, number, 0) for number, order, *_ in parts if order.code),
        ],
    )
    database.load(
        "ps_order_slip",
        ("id_order", "total_products_tax_incl", "total_shipping_tax_incl", "date_add"),
        [
            (order.number, order.refunded - 5, 5, _local(order.placed_at))
            for order in ORDERS
            if order.refunded
        ],
    )


def _asked(order: Order) -> Decimal:
    return order.total + _off(order)


def _off(order: Order) -> Decimal:
    return sum((line.off for line in order.lines), Decimal(0))


def _split(order: Order) -> Iterator[Part]:
    """Lena's checkout became two orders of one reference; Carla paid in dollars, at 2 a euro."""
    rate = 2 if order.account == 13 else 1
    if order.account == 22:
        yield order.number + 5_000, order, Decimal("0.25"), rate
        yield order.number, order, Decimal("0.75"), rate
    else:
        yield order.number, order, Decimal(1), rate


def _load_carts(database: Database) -> None:
    names = ("id_cart", "id_shop", "id_currency", "id_customer", "id_guest", "date_add", "date_upd")
    left = [
        (
            *(cart.number, cart.store, 1),
            cart.account or (_GUEST + cart.number if cart.email else 0),
            *(cart.number, _local(cart.created_at), _local(cart.updated_at)),
        )
        for cart in CARTS
    ]
    bought = [
        (order.number, order.store, 1, order.account or _GUEST + order.number, 0, at, at)
        for order in ORDERS
        for at in [_local(order.placed_at)]
    ]
    database.load("ps_cart", names, left + bought)
    filled = [(cart.number, cart.lines, _local(cart.updated_at)) for cart in CARTS]
    filled += [(order.number, order.lines, _local(order.placed_at)) for order in ORDERS]
    inside = {
        (number, line.product.number): (number, line.product.number, line.qty, at)
        for number, lines, at in filled
        for line in lines
    }
    database.load(
        "ps_cart_product", ("id_cart", "id_product", "quantity", "date_add"), inside.values()
    )
