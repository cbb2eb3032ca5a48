"""What PrestaShop stores of products, categories and lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS
from tests.integration.shops.world import Order

# Number of a row of ps_orders, the checkout, its share of that, and what a euro is there.
Part = tuple[int, Order, Decimal, int]

GOODS = """
CREATE TABLE ps_cart_product (
  id_cart int(10) unsigned NOT NULL, id_product int(10) unsigned NOT NULL,
  id_product_attribute int(10) unsigned NOT NULL DEFAULT 0,
  quantity int(10) unsigned NOT NULL DEFAULT 0, date_add datetime NOT NULL,
  PRIMARY KEY (id_cart, id_product, id_product_attribute));
CREATE TABLE ps_order_detail (
  id_order_detail int(10) unsigned NOT NULL PRIMARY KEY, id_order int(10) unsigned NOT NULL,
  product_id int(10) unsigned NOT NULL, product_attribute_id int(10) unsigned,
  product_reference varchar(64), product_quantity int(10) unsigned NOT NULL DEFAULT 0,
  product_quantity_return int(10) unsigned NOT NULL DEFAULT 0,
  product_quantity_refunded int(10) unsigned NOT NULL DEFAULT 0,
  unit_price_tax_incl decimal(20,6) NOT NULL, unit_price_tax_excl decimal(20,6) NOT NULL,
  original_product_price decimal(20,6) NOT NULL, KEY order_detail_order (id_order));
CREATE TABLE ps_product (
  id_product int(10) unsigned NOT NULL PRIMARY KEY, reference varchar(64),
  date_add datetime NOT NULL);
CREATE TABLE ps_category (
  id_category int(10) unsigned NOT NULL PRIMARY KEY, id_parent int(10) unsigned NOT NULL,
  level_depth tinyint(3) unsigned NOT NULL, nleft int(10) unsigned NOT NULL,
  nright int(10) unsigned NOT NULL, is_root_category tinyint(1) NOT NULL DEFAULT 0);
CREATE TABLE ps_category_lang (
  id_category int(10) unsigned NOT NULL, id_shop int(11) unsigned NOT NULL DEFAULT 1,
  id_lang int(10) unsigned NOT NULL, name varchar(128) NOT NULL,
  link_rewrite varchar(128) NOT NULL, PRIMARY KEY (id_category, id_shop, id_lang));
CREATE TABLE ps_category_product (
  id_category int(10) unsigned NOT NULL, id_product int(10) unsigned NOT NULL,
  PRIMARY KEY (id_category, id_product))
"""
# Root, home and the world's categories, by their numbers: two numbers each, those of what is
# in one between its own.
_NESTED = {1: (1, 12), 2: (2, 11), 41: (3, 8), 42: (4, 5), 43: (6, 7), 44: (9, 10)}
_HOME = 2


def load_goods(database: Database, local: Callable[[datetime], str]) -> None:
    """All lie in the home category too, which the front page shows.

    Args:
        local: How PHP writes a moment.
    """
    database.load(
        "ps_product",
        ("id_product", "reference", "date_add"),
        [(each.number, each.sku, local(each.launched_at)) for each in PRODUCTS],
    )
    database.load(
        "ps_category",
        ("id_category", "id_parent", "level_depth", "nleft", "nright", "is_root_category"),
        [
            (1, 0, 0, *_NESTED[1], 0),
            (_HOME, 1, 1, *_NESTED[_HOME], 1),
            *(
                (each.number, each.parent or _HOME, 1 + len(each.line), *_NESTED[each.number], 0)
                for each in CATEGORIES
            ),
        ],
    )
    named = [(each.number, each.name, each.slug) for each in CATEGORIES]
    database.load(
        "ps_category_lang",
        ("id_category", "id_shop", "id_lang", "name", "link_rewrite"),
        [
            (number, shop, language, f"{name}{mark}", f"{slug}{mark}")
            for number, name, slug in ((1, "Root", "root"), (_HOME, "Home", "home"), *named)
            for shop in (1, 2)
            for language, mark in ((1, ""), (2, "-de"))
        ],
    )
    database.load(
        "ps_category_product",
        ("id_category", "id_product"),
        [
            *((each.category, each.number) for each in PRODUCTS if each.category),
            *((_HOME, each.number) for each in PRODUCTS),
        ],
    )


def load_lines(database: Database, parts: list[Part]) -> None:
    """A fifth of each price is tax."""
    fifth = Decimal("0.2")
    database.load(
        "ps_order_detail",
        (
            *("id_order_detail", "id_order", "product_id", "product_attribute_id"),
            *("product_reference", "product_quantity", "product_quantity_return"),
            *("product_quantity_refunded", "unit_price_tax_incl", "unit_price_tax_excl"),
            "original_product_price",
        ),
        [
            (
                *(number * 10 + place, number, line.product.number),
                line.product.variant[0] if line.product.variant else 0,
                # Some were sent back, the others only paid back.
                *(line.product.sold_as, line.qty * share, line.back, line.back // 2),
                *(line.price * rate, line.price * rate * (1 - fifth)),
                line.usual * rate * (1 - fifth),
            )
            for number, order, share, rate in parts
            for place, line in enumerate(order.lines)
        ],
    )
