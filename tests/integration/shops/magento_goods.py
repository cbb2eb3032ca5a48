"""What Magento stores of products, categories and lines.

Of a configurable product a line has two rows, the second for what was chosen, at no price.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS, Line
from tests.integration.shops.world import CARTS, ORDERS, Order, spelled

GOODS = """
CREATE TABLE sales_order_item (
  item_id int(10) unsigned NOT NULL PRIMARY KEY, order_id int(10) unsigned NOT NULL,
  parent_item_id int(10) unsigned, product_id int(10) unsigned, product_type varchar(255),
  sku varchar(255), qty_canceled decimal(12,4) DEFAULT 0, qty_ordered decimal(12,4) DEFAULT 0,
  qty_refunded decimal(12,4) DEFAULT 0, price decimal(12,4) NOT NULL DEFAULT 0,
  original_price decimal(12,4), tax_amount decimal(20,4) DEFAULT 0,
  discount_amount decimal(20,4) DEFAULT 0, row_total decimal(20,4) NOT NULL DEFAULT 0,
  price_incl_tax decimal(20,4), discount_tax_compensation_amount decimal(20,4),
  gift_message_id int(11), KEY (order_id)) CHARACTER SET utf8mb3;
CREATE TABLE quote_item (
  item_id int(10) unsigned NOT NULL PRIMARY KEY, quote_id int(10) unsigned NOT NULL,
  product_id int(10) unsigned, parent_item_id int(10) unsigned, sku varchar(255),
  qty decimal(12,4) NOT NULL DEFAULT 0, KEY (quote_id)) CHARACTER SET utf8mb3;
CREATE TABLE catalog_product_entity (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, type_id varchar(32) NOT NULL,
  sku varchar(64) NOT NULL, created_at timestamp NOT NULL) CHARACTER SET utf8mb3;
CREATE TABLE catalog_category_entity (
  entity_id int(10) unsigned NOT NULL PRIMARY KEY, parent_id int(10) unsigned NOT NULL,
  path varchar(255) NOT NULL, level int(11) NOT NULL) CHARACTER SET utf8mb3;
CREATE TABLE catalog_category_entity_varchar (
  value_id int(11) AUTO_INCREMENT PRIMARY KEY, attribute_id smallint(5) unsigned NOT NULL,
  store_id smallint(5) unsigned NOT NULL DEFAULT 0, entity_id int(10) unsigned NOT NULL,
  value varchar(255), UNIQUE KEY (entity_id, attribute_id, store_id)) CHARACTER SET utf8mb3;
CREATE TABLE catalog_category_product (
  entity_id int(11) AUTO_INCREMENT PRIMARY KEY, category_id int(10) unsigned NOT NULL,
  product_id int(10) unsigned NOT NULL, UNIQUE KEY (category_id, product_id)
) CHARACTER SET utf8mb3;
CREATE TABLE eav_entity_type (
  entity_type_id smallint(5) unsigned NOT NULL PRIMARY KEY, entity_type_code varchar(50) NOT NULL
) CHARACTER SET utf8mb3;
CREATE TABLE eav_attribute (
  attribute_id smallint(5) unsigned NOT NULL PRIMARY KEY,
  entity_type_id smallint(5) unsigned NOT NULL, attribute_code varchar(255) NOT NULL,
  UNIQUE KEY (entity_type_id, attribute_code)) CHARACTER SET utf8mb3
"""
_TYPES = ((3, "catalog_category"), (4, "catalog_product"))
_NAME, _URL_KEY = 45, 117
_ATTRIBUTES = ((_NAME, 3, "name"), (_URL_KEY, 3, "url_key"), (73, 4, "name"), (121, 4, "url_key"))
_PART = 5  # added to a line's number for what was chosen of it


def load_products(database: Database) -> None:
    """A configurable product, and its variant as a product of its own."""
    variants = [(*each.variant, each.launched_at) for each in PRODUCTS if each.variant]
    database.load(
        "catalog_product_entity",
        ("entity_id", "type_id", "sku", "created_at"),
        [
            *(
                (
                    *(each.number, "configurable" if each.variant else "simple", each.sku),
                    spelled(each.launched_at),
                )
                for each in PRODUCTS
            ),
            *((number, "simple", sku, spelled(at)) for number, sku, at in variants),
        ],
    )


def load_categories(database: Database) -> None:
    """Under the root of all trees and that of the store's; one has another name in German."""
    database.load("eav_entity_type", ("entity_type_id", "entity_type_code"), _TYPES)
    names = ("attribute_id", "entity_type_id", "attribute_code")
    database.load("eav_attribute", names, _ATTRIBUTES)
    database.load(
        "catalog_category_entity",
        ("entity_id", "parent_id", "path", "level"),
        [
            (1, 0, "1", 0),
            (2, 1, "1/2", 1),
            *(
                (
                    *(each.number, each.parent or 2),
                    "/".join(["1/2", *(str(above.number) for above in each.line)]),
                    1 + len(each.line),
                )
                for each in CATEGORIES
            ),
        ],
    )
    database.load(
        "catalog_category_entity_varchar",
        ("entity_id", "attribute_id", "store_id", "value"),
        [
            (1, _NAME, 0, "Root Catalog"),
            (2, _NAME, 0, "Default Category"),
            *((each.number, _NAME, 0, each.name) for each in CATEGORIES),
            *((each.number, _URL_KEY, 0, each.slug) for each in CATEGORIES),
            (42, _NAME, 3, "Kerzen"),
            (42, _URL_KEY, 3, "kerzen"),
        ],
    )
    database.load(
        "catalog_category_product",
        ("category_id", "product_id"),
        [
            *((each.category, each.number) for each in PRODUCTS if each.category),
            *((each.category, each.variant[0]) for each in PRODUCTS if each.variant),
        ],
    )


def load_lines(database: Database, times: Callable[[Order], int]) -> None:
    """A fifth of each price is tax, which stands apart.

    Args:
        times: How many of an order's currency one of the world's is.
    """
    database.load(
        "sales_order_item",
        (
            *("item_id", "order_id", "parent_item_id", "product_id", "product_type", "sku"),
            *("qty_ordered", "qty_refunded", "price", "original_price", "price_incl_tax"),
            *("row_total", "tax_amount", "discount_amount", "discount_tax_compensation_amount"),
        ),
        [row for order in ORDERS for row in _rows(order, times(order))],
    )
    database.load(
        "quote_item",
        ("item_id", "quote_id", "product_id", "sku", "qty"),
        [
            (cart.number * 10 + place, cart.number, line.product.number, line.product.sku, line.qty)
            for cart in CARTS
            for place, line in enumerate(cart.lines)
        ],
    )


def _rows(order: Order, times: int) -> Iterator[tuple[object, ...]]:
    for place, line in enumerate(order.lines):
        item, product = order.number * 10 + place, line.product
        kind = "giftcard" if product.gift_card else "simple"
        bought = (product.sold_as, line.qty, line.back)
        whole = "configurable" if product.variant else kind
        yield (item, order.number, None, product.number, whole, *bought, *_amounts(line, times))
        if product.variant:
            chosen = (item + _PART, order.number, item, product.variant[0], "simple", *bought)
            yield (*chosen, *(0,) * 7)


def _amounts(line: Line, times: int) -> tuple[Decimal, ...]:
    price, off, fifth = line.price * times, line.off * times, Decimal("0.2")
    net, tax = price * (1 - fifth), (price * line.qty - off) * fifth
    return (net, line.usual * times, price, net * line.qty, tax, off, off * fifth)
