"""The world as Magento stores it: in TIMESTAMPs, which it writes in UTC.

Store 2 is the store view of a second website, which has customers in common with the first.
Names and types of tables and columns are those of its `db_schema.xml` files; columns that
nothing here fills are left out.
"""

from __future__ import annotations

from tests.integration.databases import Database
from tests.integration.shops.magento_goods import GOODS, load_categories, load_lines, load_products
from tests.integration.shops.world import ACCOUNTS, CARTS, CONSENTS, ORDERS, Order, spelled

_TABLES = """
CREATE TABLE store (
  store_id smallint(5) unsigned NOT NULL PRIMARY KEY, code varchar(32),
  website_id smallint(5) unsigned NOT NULL);
CREATE TABLE customer_entity (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, website_id smallint(5) unsigned,
  email varchar(255), store_id smallint(5) unsigned, created_at timestamp NOT NULL,
  is_active smallint(5) unsigned NOT NULL DEFAULT 1, firstname varchar(255), lastname varchar(255),
  dob date, gender smallint(5) unsigned, default_billing int(10) unsigned,
  UNIQUE KEY (email, website_id)) CHARACTER SET utf8mb3;
CREATE TABLE customer_address_entity (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, parent_id int(10) unsigned,
  city varchar(255) NOT NULL, country_id varchar(255) NOT NULL, firstname varchar(255) NOT NULL,
  lastname varchar(255) NOT NULL, postcode varchar(255), region varchar(255),
  telephone varchar(255) NOT NULL) CHARACTER SET utf8mb3;
CREATE TABLE sales_order (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, state varchar(32), status varchar(32),
  coupon_code varchar(255), store_id smallint(5) unsigned, customer_id int(10) unsigned,
  base_grand_total decimal(20,4), base_to_global_rate decimal(20,4),
  base_total_paid decimal(20,4), base_total_refunded decimal(20,4), grand_total decimal(20,4),
  customer_is_guest smallint(5) unsigned, billing_address_id int(11), quote_id int(11),
  shipping_address_id int(11), customer_email varchar(128), order_currency_code varchar(3),
  created_at timestamp NOT NULL DEFAULT current_timestamp(), gift_message_id int(11),
  KEY (customer_id), KEY (quote_id)) CHARACTER SET utf8mb3;
CREATE TABLE sales_order_address (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, parent_id int(10) unsigned, region varchar(255),
  postcode varchar(255), lastname varchar(255), city varchar(255), telephone varchar(255),
  country_id varchar(2), firstname varchar(255), address_type varchar(255)) CHARACTER SET utf8mb3;
CREATE TABLE core_config_data (
  config_id int(10) unsigned AUTO_INCREMENT PRIMARY KEY, scope varchar(8) NOT NULL,
  scope_id int(11) NOT NULL, path varchar(255) NOT NULL, value text,
  UNIQUE KEY (scope, scope_id, path)) CHARACTER SET utf8mb3;
CREATE TABLE quote (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, store_id smallint(5) unsigned NOT NULL,
  created_at timestamp NOT NULL DEFAULT current_timestamp(),
  updated_at timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', is_active smallint(5) unsigned,
  items_count int(10) unsigned, base_currency_code varchar(255), base_grand_total decimal(20,4),
  customer_id int(10) unsigned, customer_email varchar(255), customer_is_guest smallint(5) unsigned
) CHARACTER SET utf8mb3;
CREATE TABLE newsletter_subscriber (
  subscriber_id int(10) unsigned NOT NULL PRIMARY KEY, store_id smallint(5) unsigned,
  change_status_at timestamp NULL, customer_id int(10) unsigned NOT NULL DEFAULT 0,
  subscriber_email varchar(150), subscriber_status int(11) NOT NULL DEFAULT 0
) CHARACTER SET utf8mb3
"""
_STATES = {
    "paid": "complete",
    "cancelled": "canceled",
    "pending": "new",
    "failed": "pending_payment",
    "refunded": "closed",
}
_WORDS = {"granted": 1, "denied": 3, "pending": 4}
_SHIPPING = 50_000  # delivery addresses are numbered from here
_GENDERS = {"m": 1, "f": 2, None: 3}
_GERMAN = 3  # a store view of the first website
# Prices have tax in them on the first website, and on no other.
_SETTINGS = (
    ("default", 0, "general/locale/code", "nl_NL"),
    ("websites", 2, "general/locale/code", "fr_FR"),
    ("stores", _GERMAN, "general/locale/code", "de_DE"),
    ("default", 0, "tax/calculation/price_includes_tax", "0"),
    ("websites", 1, "tax/calculation/price_includes_tax", "1"),
)


def load_magento(database: Database) -> None:
    """Two websites of one store view each."""
    database.execute(*_TABLES.split(";"), *GOODS.split(";"))
    views = [(0, "admin", 0), (1, "default", 1), (2, "other", 2), (_GERMAN, "german", 1)]
    database.load("store", ("store_id", "code", "website_id"), views)
    database.load("core_config_data", ("scope", "scope_id", "path", "value"), _SETTINGS)
    _load_customers(database)
    _load_orders(database)
    load_products(database)
    load_categories(database)
    load_lines(database, _times)
    names = ("entity_id", "store_id", "created_at", "updated_at", "is_active", "items_count")
    database.load(
        "quote",
        (
            *(*names, "customer_id", "customer_email", "customer_is_guest", "base_grand_total"),
            "base_currency_code",
        ),
        [
            (
                *(each.number, each.store, spelled(each.created_at), spelled(each.updated_at)),
                *(1, 2, each.account, each.email, each.account is None, each.total, "EUR"),
            )
            for each in CARTS
        ],
    )
    database.load(
        "quote",
        (*names, "customer_id", "customer_email", "customer_is_guest"),
        [
            # Begun and never touched; nothing in it; merged into another.
            (900, 1, "2026-09-01 10:00:00", "0000-00-00 00:00:00", 1, 1, 23, None, 0),
            (901, 1, "2026-10-30 10:00:00", "2026-10-30 10:00:00", 1, 0, 23, None, 0),
            (902, 1, "2026-10-30 10:00:00", "2026-10-30 10:00:00", 0, 1, 23, None, 0),
        ],
    )
    database.load(
        "newsletter_subscriber",
        (
            *("subscriber_id", "store_id", "change_status_at", "customer_id"),
            *("subscriber_email", "subscriber_status"),
        ),
        [
            (
                *(each.number, each.store, spelled(each.said_at), each.account or 0),
                *(each.email, _WORDS[each.word]),
            )
            for each in CONSENTS
        ],
    )


def _load_customers(database: Database) -> None:
    left = [each for each in ACCOUNTS if not each.deleted]
    database.load(
        "customer_entity",
        (
            *("entity_id", "website_id", "store_id", "email", "created_at", "firstname"),
            *("lastname", "default_billing", "dob", "gender"),
        ),
        [
            (
                *(each.number, each.store, _GERMAN if each.locale == "de_DE" else each.store),
                *(each.email, spelled(each.registered_at), each.first_name, "Jansen"),
                *(each.number, each.birth_date, _GENDERS[each.gender]),
            )
            for each in left
        ],
    )
    database.load(
        "customer_address_entity",
        (
            *("entity_id", "parent_id", "firstname", "lastname", "city", "country_id"),
            *("postcode", "telephone"),
        ),
        [
            (
                *(each.number, each.number, each.first_name, "Jansen", "Utrecht", each.country),
                *("3511", "020"),
            )
            for each in left
        ],
    )


def _load_orders(database: Database) -> None:
    deleted = {each.number for each in ACCOUNTS if each.deleted}
    database.load(
        "sales_order",
        (
            *("entity_id", "state", "status", "store_id", "customer_id", "customer_is_guest"),
            *("customer_email", "base_grand_total", "grand_total", "base_to_global_rate"),
            *("base_total_paid", "base_total_refunded", "created_at", "billing_address_id"),
            *("order_currency_code", "quote_id", "coupon_code", "gift_message_id"),
            "shipping_address_id",
        ),
        [
            (
                *(each.number, _STATES[each.state], _STATES[each.state], each.store),
                # A deleted account leaves its orders behind, by ON DELETE SET NULL.
                None if each.account in deleted else each.account,
                *(each.account is None, each.email, total, total, rate),
                *(total if each.state == "paid" else 0, each.refunded or None),
                *(spelled(each.placed_at), each.number, "EUR", each.number, each.code),
                *(each.number if each.gift else None, each.number + _SHIPPING),
            )
            for each in ORDERS
            for rate in [_rate(each)]
            for total in [each.total * _times(each)]
        ],
    )
    database.load(
        "sales_order_address",
        ("entity_id", "parent_id", "firstname", "lastname", "city", "country_id", "address_type"),
        [
            (each.number + number, each.number, *name, "Utrecht", "NL", kind)
            for each in ORDERS
            for number, kind, name in (
                (0, "billing", ("A", "Jansen")),
                (_SHIPPING, "shipping", ("Somebody", "Else") if each.to_other else ("A", "Jansen")),
            )
        ],
    )


def _rate(order: Order) -> float | None:
    """Carla's website counts in a base currency worth half of the global one."""
    return 0.5 if order.account == 13 else None


def _times(order: Order) -> int:
    """How many of it an amount of the global currency is."""
    return 2 if _rate(order) else 1
