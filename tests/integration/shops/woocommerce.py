"""The world as WooCommerce stores it: in tables of its own, or among the posts.

Store 2 is the second site of a network. Names and types of tables and columns are those
that WordPress, WooCommerce and MailPoet make; columns that nothing here fills are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tests.integration.databases import Database
from tests.integration.shops.woocommerce_goods import load_items, load_products
from tests.integration.shops.world import (
    ACCOUNTS,
    CARTS,
    CONSENTS,
    ORDERS,
    Order,
    spelled,
)

_NETWORK = """
CREATE TABLE {p}users (
  ID bigint(20) unsigned NOT NULL PRIMARY KEY, user_login varchar(60), user_email varchar(100),
  user_registered datetime) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}usermeta (
  umeta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id bigint(20) unsigned,
  meta_key varchar(255), meta_value longtext, KEY user_id (user_id), KEY meta_key (meta_key(191))
) COLLATE utf8mb4_unicode_520_ci
"""
_SITE = """
CREATE TABLE {p}options (
  option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  option_name varchar(191) UNIQUE, option_value longtext) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}posts (
  ID bigint(20) unsigned NOT NULL PRIMARY KEY, post_date_gmt datetime, post_modified_gmt datetime,
  post_status varchar(20), post_parent bigint(20) unsigned, post_type varchar(20),
  KEY type_status_date (post_type, post_status, post_date_gmt, ID)
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}postmeta (
  meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, post_id bigint(20) unsigned,
  meta_key varchar(255), meta_value longtext, KEY post_id (post_id), KEY meta_key (meta_key(191))
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}wc_orders (
  id bigint(20) unsigned NOT NULL PRIMARY KEY, status varchar(20), currency varchar(10),
  type varchar(20), tax_amount decimal(26,8), total_amount decimal(26,8),
  customer_id bigint(20) unsigned, billing_email varchar(320), date_created_gmt datetime,
  date_updated_gmt datetime, parent_order_id bigint(20) unsigned,
  KEY parent_order_id (parent_order_id)) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}wc_order_addresses (
  id bigint(20) unsigned AUTO_INCREMENT PRIMARY KEY, order_id bigint(20) unsigned NOT NULL,
  address_type varchar(20), first_name text, last_name text, city text, state text,
  postcode text, country text, email varchar(320), phone varchar(100),
  UNIQUE KEY address_type_order_id (address_type, order_id)) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}wc_order_operational_data (
  id bigint(20) unsigned AUTO_INCREMENT PRIMARY KEY, order_id bigint(20) unsigned UNIQUE,
  date_paid_gmt datetime, shipping_total_amount decimal(26,8),
  discount_total_amount decimal(26,8)) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}wc_orders_meta (
  id bigint(20) unsigned AUTO_INCREMENT PRIMARY KEY, order_id bigint(20) unsigned,
  meta_key varchar(255), meta_value text, KEY order_id_meta_key (order_id, meta_key(182))
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}woocommerce_order_items (
  order_item_id bigint(20) unsigned AUTO_INCREMENT PRIMARY KEY, order_item_name text,
  order_item_type varchar(200), order_id bigint(20) unsigned, KEY order_id (order_id)
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}woocommerce_order_itemmeta (
  meta_id bigint(20) unsigned AUTO_INCREMENT PRIMARY KEY,
  order_item_id bigint(20) unsigned NOT NULL, meta_key varchar(255), meta_value longtext,
  KEY order_item_id (order_item_id), KEY meta_key (meta_key(32))
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}terms (
  term_id bigint(20) unsigned NOT NULL PRIMARY KEY, name varchar(200), slug varchar(200)
) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}term_taxonomy (
  term_taxonomy_id bigint(20) unsigned NOT NULL PRIMARY KEY, term_id bigint(20) unsigned,
  taxonomy varchar(32), parent bigint(20) unsigned NOT NULL DEFAULT 0,
  UNIQUE KEY term_id_taxonomy (term_id, taxonomy)) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}term_relationships (
  object_id bigint(20) unsigned NOT NULL, term_taxonomy_id bigint(20) unsigned NOT NULL,
  PRIMARY KEY (object_id, term_taxonomy_id)) COLLATE utf8mb4_unicode_520_ci;
CREATE TABLE {p}mailpoet_subscribers (
  id int(11) unsigned AUTO_INCREMENT PRIMARY KEY, wp_user_id bigint(20), email varchar(150),
  status varchar(12), confirmed_at timestamp NULL, last_subscribed_at timestamp NULL,
  created_at timestamp NULL, deleted_at timestamp NULL) COLLATE utf8mb4_unicode_520_ci
"""
_STATUSES = {
    "paid": "wc-completed",
    "cancelled": "wc-cancelled",
    "pending": "wc-pending",
    "failed": "wc-failed",
    "refunded": "wc-refunded",
}
_WORDS = {"granted": "subscribed", "denied": "unsubscribed", "pending": "unconfirmed"}


@dataclass(frozen=True, slots=True)
class Post:
    """An order, a draft of one, or a refund: what both storages hold."""

    number: int
    status: str
    kind: str
    total: Decimal
    account: int
    email: str | None
    created_at: datetime
    updated_at: datetime
    parent: int = 0
    order: Order | None = None

    @property
    def source(self) -> list[tuple[str, str]]:
        """What WooCommerce noted of the visit."""
        names = [f"_wc_order_attribution_utm_{each}" for each in ("source", "medium", "campaign")]
        found = self.order.source if self.order else None
        return list(zip(names, found, strict=True)) if found else []

    @property
    def receiver(self) -> tuple[str, str]:
        """First and last name of the delivery address."""
        other = self.order is not None and self.order.to_other
        return ("Somebody", "Else") if other else (_first_name(self.email), "Jansen")

    @property
    def paid(self) -> bool:
        return self.status in ("wc-completed", "wc-refunded")


def _posts(site: int) -> Iterator[Post]:
    for order in (each for each in ORDERS if each.store == site):
        who = (order.account or 0, order.email, order.placed_at, order.placed_at)
        status = _STATUSES[order.state]
        yield Post(order.number, status, "shop_order", order.total, *who, order=order)
        if order.refunded:
            # An order of its own, completed, without an e-mail.
            when = (order.placed_at, order.placed_at)
            refund = (order.number + 5_000, "wc-completed", "shop_order_refund", -order.refunded)
            yield Post(*refund, 0, None, *when, order.number)
    for cart in (each for each in CARTS if each.store == site):
        when = (cart.created_at, cart.updated_at)
        draft = (cart.number, "wc-checkout-draft", "shop_order", cart.total)
        yield Post(*draft, cart.account or 0, cart.email, *when)


def create_woocommerce(
    database: Database, layout: Literal["hpos", "posts"] = "hpos", prefix: str = "wp_"
) -> None:
    """A network of two sites, with users in common; all tables empty."""
    database.execute(*_NETWORK.format(p=prefix).split(";"))
    for tables in (prefix, f"{prefix}2_"):
        database.execute(*_SITE.format(p=tables).split(";"))
        enabled = "yes" if layout == "hpos" else "no"
        switch = ("woocommerce_custom_orders_table_enabled", enabled)
        database.load(f"{tables}options", ("option_name", "option_value"), [switch])


def load_woocommerce(
    database: Database, layout: Literal["hpos", "posts"], *, prefix: str = "wp_"
) -> None:
    """Each site with its own orders."""
    create_woocommerce(database, layout, prefix)
    _load_users(database, prefix)
    for site in (1, 2):
        tables = prefix if site == 1 else f"{prefix}{site}_"
        load = _load_tables if layout == "hpos" else _load_posts
        load(database, tables, list(_posts(site)))
        load_items(database, tables, site)
        load_products(database, tables, site)
        _load_subscribers(database, tables, site)


def _load_users(database: Database, prefix: str) -> None:
    left = [each for each in ACCOUNTS if not each.deleted]
    database.load(
        f"{prefix}users",
        ("ID", "user_login", "user_email", "user_registered"),
        [
            *((a.number, a.email, a.email, spelled(a.registered_at)) for a in left),
            (1, "admin", "admin@example.com", "2024-01-01 00:00:00"),
        ],
    )
    role = 'a:1:{{s:{}:"{}";b:1;}}'
    metas = [
        (1, f"{prefix}capabilities", role.format(13, "administrator")),
        *(
            (
                each.number,
                f"{prefix}capabilities" if each.store == 1 else f"{prefix}2_capabilities",
                role.format(8, "customer"),
            )
            for each in left
        ),
        *((each.number, "billing_first_name", each.first_name) for each in left),
        *((each.number, "billing_country", each.country) for each in left),
        *((each.number, "locale", each.locale) for each in left),
    ]
    database.load(f"{prefix}usermeta", ("user_id", "meta_key", "meta_value"), metas)


def _load_tables(database: Database, tables: str, posts: list[Post]) -> None:
    names = ("id", "status", "type", "total_amount", "customer_id", "billing_email")
    database.load(
        f"{tables}wc_orders",
        (*names, "date_created_gmt", "date_updated_gmt", "parent_order_id", "currency"),
        [
            (
                *(each.number, each.status, each.kind, each.total, each.account, each.email),
                *(spelled(each.created_at), spelled(each.updated_at), each.parent, "EUR"),
            )
            for each in posts
        ],
    )
    database.load(
        f"{tables}wc_order_operational_data",
        ("order_id", "date_paid_gmt"),
        [(each.number, spelled(each.created_at)) for each in posts if each.paid],
    )
    database.load(
        f"{tables}wc_order_addresses",
        ("order_id", "address_type", "first_name", "last_name", "country", "phone"),
        [
            (each.number, kind, *name, "NL", "0201234567")
            for each in posts
            if each.email
            for kind, name in (
                ("billing", (_first_name(each.email), "Jansen")),
                ("shipping", each.receiver),
            )
        ],
    )
    database.load(
        f"{tables}wc_orders_meta",
        ("order_id", "meta_key", "meta_value"),
        [(each.number, *meta) for each in posts for meta in each.source],
    )


def _load_posts(database: Database, tables: str, posts: list[Post]) -> None:
    database.load(
        f"{tables}posts",
        ("ID", "post_status", "post_type", "post_date_gmt", "post_modified_gmt", "post_parent"),
        [
            (
                *(each.number, each.status, each.kind),
                *(spelled(each.created_at), spelled(each.updated_at), each.parent),
            )
            for each in posts
        ],
    )
    database.load(
        f"{tables}postmeta",
        ("post_id", "meta_key", "meta_value"),
        [(each.number, key, value) for each in posts for key, value in _metas(each)],
    )


def _metas(post: Post) -> Iterator[tuple[str, str]]:
    yield "_order_total", str(post.total)
    yield "_order_currency", "EUR"
    if post.paid:
        yield "_date_paid", str(int(post.created_at.timestamp()))
    if post.kind == "shop_order":
        yield "_customer_user", str(post.account)
        yield "_billing_email", post.email or ""
        yield "_billing_first_name", _first_name(post.email)
        yield "_billing_last_name", "Jansen"
        yield "_billing_country", "NL"
        yield "_shipping_first_name", post.receiver[0]
        yield "_shipping_last_name", post.receiver[1]
        yield from post.source


def _first_name(email: str | None) -> str:
    return (email or "").split("@")[0].strip().title()


def _load_subscribers(database: Database, tables: str, site: int) -> None:
    database.load(
        f"{tables}mailpoet_subscribers",
        ("id", "wp_user_id", "email", "status", "confirmed_at", "created_at"),
        [
            (
                *(each.number, each.account, each.email, _WORDS[each.word]),
                spelled(each.said_at) if each.word == "granted" else None,
                "2025-06-01 00:00:00",
            )
            for each in CONSENTS
            if each.store == site
        ],
    )
