"""The world as Sylius 2 stores it: amounts in cents, carts and orders in one table, local times.

Store 2 is a second channel. Everyone who left an e-mail is a customer, one by its lower-cased
spelling; an account is a user beside it. Names and types of tables and columns are those of its
migrations for MySQL; columns that nothing here fills are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.integration.databases import Database
from tests.integration.shops.sylius_goods import GOODS, LEFT, PLACED, cents, load_goods, load_lines
from tests.integration.shops.world import (
    ACCOUNTS,
    CONSENTS,
    ZONE,
    Cart,
    Order,
    spelled,
)

_TABLES = """
CREATE TABLE sylius_channel (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, code VARCHAR(255) NOT NULL,
  name VARCHAR(255) NOT NULL, enabled TINYINT(1) NOT NULL);
CREATE TABLE sylius_province (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, country_id INT NOT NULL, code VARCHAR(255) NOT NULL,
  name VARCHAR(255) NOT NULL, UNIQUE INDEX UNIQ_B5618FE477153098 (code));
CREATE TABLE sylius_address (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, customer_id INT DEFAULT NULL,
  first_name VARCHAR(255) NOT NULL, last_name VARCHAR(255) NOT NULL,
  phone_number VARCHAR(255) DEFAULT NULL, street VARCHAR(255) NOT NULL,
  city VARCHAR(255) NOT NULL, postcode VARCHAR(255) NOT NULL, created_at DATETIME NOT NULL,
  country_code VARCHAR(255) NOT NULL, province_code VARCHAR(255) DEFAULT NULL,
  province_name VARCHAR(255) DEFAULT NULL);
CREATE TABLE sylius_customer (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, default_address_id INT DEFAULT NULL,
  email VARCHAR(255) NOT NULL, email_canonical VARCHAR(255) NOT NULL,
  first_name VARCHAR(255) DEFAULT NULL, last_name VARCHAR(255) DEFAULT NULL,
  birthday DATETIME DEFAULT NULL, gender VARCHAR(1) DEFAULT 'u' NOT NULL,
  created_at DATETIME NOT NULL, phone_number VARCHAR(255) DEFAULT NULL,
  subscribed_to_newsletter TINYINT(1) NOT NULL, UNIQUE INDEX UNIQ_7E82D5E6E7927C74 (email),
  UNIQUE INDEX UNIQ_7E82D5E6A0D96FBF (email_canonical));
CREATE TABLE sylius_shop_user (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, customer_id INT NOT NULL,
  enabled TINYINT(1) NOT NULL, verified_at DATETIME DEFAULT NULL, roles JSON NOT NULL,
  created_at DATETIME NOT NULL, UNIQUE INDEX UNIQ_7C2B74809395C3F3 (customer_id));
CREATE TABLE sylius_promotion_coupon (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, code VARCHAR(255) NOT NULL, used INT NOT NULL,
  created_at DATETIME NOT NULL, UNIQUE INDEX UNIQ_B04EBA8577153098 (code));
CREATE TABLE sylius_order (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, shipping_address_id INT DEFAULT NULL,
  billing_address_id INT DEFAULT NULL, channel_id INT DEFAULT NULL,
  promotion_coupon_id INT DEFAULT NULL, customer_id INT DEFAULT NULL,
  number VARCHAR(255) DEFAULT NULL, state VARCHAR(255) NOT NULL,
  checkout_completed_at DATETIME DEFAULT NULL, items_total INT NOT NULL,
  adjustments_total INT NOT NULL, total INT NOT NULL, created_at DATETIME NOT NULL,
  updated_at DATETIME DEFAULT NULL, currency_code VARCHAR(3) NOT NULL,
  locale_code VARCHAR(255) NOT NULL, checkout_state VARCHAR(255) NOT NULL,
  payment_state VARCHAR(255) NOT NULL, shipping_state VARCHAR(255) NOT NULL,
  created_by_guest TINYINT(1) DEFAULT 1 NOT NULL, UNIQUE INDEX UNIQ_6196A1F996901F54 (number),
  UNIQUE INDEX UNIQ_6196A1F94D4CFF2B (shipping_address_id),
  UNIQUE INDEX UNIQ_6196A1F979D0C0E4 (billing_address_id),
  INDEX IDX_6196A1F99395C3F3 (customer_id));
CREATE TABLE sylius_payment (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, order_id INT NOT NULL,
  currency_code VARCHAR(3) NOT NULL, amount INT NOT NULL, state VARCHAR(255) NOT NULL,
  details JSON NOT NULL, created_at DATETIME NOT NULL, INDEX IDX_D9191BD48D9F6D38 (order_id))
"""
_OPTIONS = " DEFAULT CHARACTER SET utf8mb4 COLLATE `utf8mb4_unicode_ci` ENGINE = InnoDB"
CHANNELS = {1: "WEB", 2: "OUTLET"}
_GUEST = 10_000  # guests' customers are numbered from here
_EMPTY = 20_000  # carts with nothing in them are numbered from here
# Of an order, its payment and what becomes of it; a paid order can be cancelled, and stays paid.
_STATES = {
    "paid": ("fulfilled", "paid"),
    "refunded": ("fulfilled", "refunded"),
    "cancelled": ("cancelled", "paid"),
    "pending": ("new", "awaiting_payment"),
    "failed": ("new", "awaiting_payment"),
}


def create_sylius(database: Database) -> None:
    """Its tables, empty."""
    statements = f"{_TABLES};{GOODS}".split(";")
    database.execute(*(f"{each.strip()}{_OPTIONS}" for each in statements))


def load_sylius(database: Database, *, refund_plugin: bool = False) -> None:
    """Both channels.

    Args:
        refund_plugin: Units were paid back by the official plug-in, not whole payments by hand.
    """
    create_sylius(database)
    database.load(
        "sylius_channel",
        ("id", "code", "name", "enabled"),
        [(number, code, code.title(), True) for number, code in CHANNELS.items()],
    )
    _load_customers(database)
    _load_orders(database)
    _load_carts(database)
    _load_payments(database, by_hand=not refund_plugin)
    load_goods(database, _local)
    load_lines(database, _local, refund_plugin=refund_plugin)


def _local(moment: datetime) -> str:
    """As PHP writes it."""
    return spelled(moment.astimezone(ZoneInfo(ZONE)))


def _mail(email: str) -> str:
    return email.strip().lower()


def _customers() -> dict[str, tuple[int, str, datetime]]:
    """By canonical e-mail: number, e-mail as first typed, and since when."""
    found: dict[str, tuple[int, str, datetime]] = {}
    for each in ACCOUNTS:
        orders = [one.placed_at for one in PLACED if _mail(one.email) == _mail(each.email)]
        since = min([each.registered_at, *orders])
        found[_mail(each.email)] = (each.number, each.email, since)
    seen = [(each.number, each.email, each.placed_at) for each in PLACED]
    seen += [(each.number, each.email, each.created_at) for each in LEFT if each.email]
    seen += [(each.number, each.email, each.said_at) for each in CONSENTS]
    for number, email, at in seen:
        found.setdefault(_mail(email), (_GUEST + number, email, at))
    return found


def _load_customers(database: Database) -> None:
    accounts = {_mail(each.email): each for each in ACCOUNTS}
    # Whoever was never asked, or left, has the flag down. Jan's outlived his account; Kees put
    # his up in the other channel.
    words = {_mail(each.email) for each in CONSENTS if each.word in ("granted", "pending")}
    words |= {"jan@example.com", "kees@example.com"}
    database.load(
        "sylius_customer",
        (
            *("id", "email", "email_canonical", "first_name", "created_at", "birthday", "gender"),
            *("subscribed_to_newsletter", "default_address_id"),
        ),
        [
            (
                *(number, email.strip(), mail, known and known.first_name, _local(since)),
                *(known and known.birth_date, (known and known.gender) or "u"),
                *(mail in words, known and known.number),
            )
            for mail, (number, email, since) in _customers().items()
            for known in [accounts.get(mail)]
        ],
    )
    _load_users(database)
    database.load(
        "sylius_address",
        _ADDRESS,
        [_address(each.number, each.number, "A", each.country) for each in ACCOUNTS],
    )


_ADDRESS = (
    *("id", "customer_id", "first_name", "last_name", "street", "city", "postcode", "created_at"),
    "country_code",
)


def _address(number: int, owner: int | None, name: str, country: str) -> tuple[object, ...]:
    return (number, owner, name, "Jansen", "Dam 1", "Utrecht", "1012AB", "2025-01-01", country)


def _load_users(database: Database) -> None:
    """Of accounts that were not deleted; whoever is to confirm their e-mail is not enabled."""
    awaited = {each.account for each in CONSENTS if each.word == "pending"}
    database.load(
        "sylius_shop_user",
        ("id", "customer_id", "enabled", "roles", "created_at"),
        [
            (each.number + 500, each.number, each.number not in awaited, "[]", since)
            for each in ACCOUNTS
            if not each.deleted
            for since in [_local(each.registered_at)]
        ],
    )


_ORDER = (
    *("id", "customer_id", "channel_id", "number", "state", "payment_state", "checkout_state"),
    *("shipping_state", "created_by_guest", "currency_code", "locale_code", "items_total"),
    *("adjustments_total", "total", "created_at", "updated_at", "checkout_completed_at"),
    *("billing_address_id", "shipping_address_id", "promotion_coupon_id"),
)


def _load_orders(database: Database) -> None:
    """Each was a cart for three days, and has addresses of its own."""
    database.load(
        "sylius_address",
        _ADDRESS,
        [
            row
            for each in PLACED
            for name in ["Somebody" if each.to_other else "A"]
            for row in (
                _address(_billed(each), None, "A", "NL"),
                _address(_billed(each) + 1, None, name, "NL"),
            )
        ],
    )
    database.load(
        "sylius_promotion_coupon",
        ("id", "code", "used", "created_at"),
        [(each.number, each.code, 1, "2025-01-01") for each in PLACED if each.code],
    )
    database.load("sylius_order", _ORDER, [_order(each) for each in PLACED])


def _billed(order: Order) -> int:
    return order.number * 10


def _order(order: Order) -> tuple[object, ...]:
    number, *_ = _customers()[_mail(order.email)]
    state, payment = _STATES[order.state]
    if order.state == "paid" and order.refunded:
        payment = "partially_refunded"
    total, begun = cents(order.total), order.placed_at - timedelta(days=3)
    return (
        *(order.number, number, order.store, f"0{order.number}", state, payment, "completed"),
        *("shipped", order.account is None, "EUR", _locale(order), total, 0, total),
        *(_local(begun), _local(order.placed_at), _local(order.placed_at)),
        *(_billed(order), _billed(order) + 1, order.number if order.code else None),
    )


def _locale(order: Order) -> str:
    """As it is now at the latest; Nina's and Mo's first orders were in another language."""
    known = next((each for each in ACCOUNTS if each.number == order.account), None)
    now = known.locale if known else "nl_NL"
    first = min(each.placed_at for each in PLACED if each.account == order.account)
    if order.account not in (23, 24) or order.placed_at > first:
        return now
    return {"nl_NL": "de_DE", "de_DE": "nl_NL"}[now]


def _load_carts(database: Database) -> None:
    """In the other language. Ida's and Quinn's are empty; Ida ordered in the other channel."""
    empty = [(_EMPTY + who, who, *_cart(LEFT[0])[2:]) for who in (19, 27)]
    database.load("sylius_order", _ORDER, [*map(_cart, LEFT), *empty])


def _cart(cart: Cart) -> tuple[object, ...]:
    number = _customers()[_mail(cart.email)][0] if cart.email else None
    total = cents(cart.total)
    return (
        *(cart.number, number, cart.store, None, "cart", "cart", "cart", "cart"),
        *(cart.account is None, "EUR", "de_DE", total, 0, total, _local(cart.created_at)),
        *(_local(cart.updated_at), None, None, None, None),
    )


def _load_payments(database: Database, *, by_hand: bool) -> None:
    database.load(
        "sylius_payment",
        ("id", "order_id", "currency_code", "amount", "state", "details", "created_at"),
        [
            (each.number * 10 + n, each.number, "EUR", amount, state, "{}", _local(each.placed_at))
            for each in PLACED
            for n, (amount, state) in enumerate(_payments(each, by_hand=by_hand))
        ],
    )


def _payments(order: Order, *, by_hand: bool) -> Iterator[tuple[int, str]]:
    """A payment that failed is followed by a new one; only whole ones are paid back by hand."""
    total, back = cents(order.total), cents(order.refunded if by_hand else Decimal(0))
    if order.state in ("pending", "failed"):
        if order.state == "failed":
            yield total, "failed"
        yield total, "new"
        return
    if back:
        yield back, "refunded"
    if total > back:
        yield total - back, "completed"
