"""What Shopify has of products, collections and lines, as Fivetran (REST) or Airbyte brings it.

Its collections lie in no tree: what is in one is put into those around it too.
"""

from __future__ import annotations

from json import dumps

from tests.integration.databases import Database
from tests.integration.shops.goods import BEANS, CATEGORIES, PRODUCTS
from tests.integration.shops.world import Cart, Order

FIVETRAN_GOODS = """
CREATE TABLE shopify.order_line (
  id bigint PRIMARY KEY, order_id bigint, product_id bigint, variant_id bigint, sku text,
  quantity bigint, price double precision, total_discount double precision, gift_card boolean);
CREATE TABLE shopify.order_line_refund (
  id bigint PRIMARY KEY, refund_id bigint, order_line_id bigint, quantity bigint,
  subtotal double precision);
CREATE TABLE shopify.abandoned_checkout_line (
  index bigint, checkout_id bigint, product_id bigint, variant_id bigint, quantity bigint);
CREATE TABLE shopify.product (
  id bigint PRIMARY KEY, title text, handle text, product_type text, status text,
  published_at timestamptz, created_at timestamptz, _fivetran_deleted boolean);
CREATE TABLE shopify.product_variant (
  id bigint PRIMARY KEY, product_id bigint, sku text, position bigint, price double precision);
CREATE TABLE shopify.collection (
  id bigint PRIMARY KEY, title text, handle text, _fivetran_deleted boolean);
CREATE TABLE shopify.collection_product (collection_id bigint, product_id bigint)
"""
AIRBYTE_GOODS = """
CREATE TABLE shopify.products (
  id bigint, title varchar, handle varchar, product_type varchar, published_at timestamptz,
  created_at timestamptz, deleted_at timestamptz, shop_url varchar);
CREATE TABLE shopify.product_variants (
  id bigint, product_id bigint, sku varchar, position bigint, shop_url varchar);
CREATE TABLE shopify.custom_collections (
  id bigint, title varchar, handle varchar, deleted_at timestamptz, shop_url varchar);
CREATE TABLE shopify.collects (
  id bigint, collection_id bigint, product_id bigint, shop_url varchar)
"""
_SECOND = 90_000  # added to a variant's number for one that is not sold


def items(bought: Order | Cart) -> str:
    """The lines of an order or a checkout, as Airbyte brings them."""
    return dumps(
        [
            {
                "id": bought.number * 10 + place,
                "product_id": line.product.number,
                "variant_id": _variant(line.product.number),
                "sku": line.product.sold_as,
                "quantity": line.qty,
                "price": str(line.price),
                "gift_card": line.product.gift_card,
                "discount_allocations": [{"amount": str(line.off / 2)}] * 2 if line.off else [],
            }
            for place, line in enumerate(bought.lines)
        ]
    )


def _variant(product: int) -> int:
    return product * 100


def load_fivetran_goods(database: Database, orders: list[Order], carts: list[Cart]) -> None:
    """Lines in tables of their own; a deleted collection with everything in it."""
    sold = [(each, place, line) for each in orders for place, line in enumerate(each.lines)]
    database.load(
        "shopify.order_line",
        ("id", "order_id", "product_id", "variant_id", "sku", "quantity", "price", "gift_card"),
        [
            (
                *(order.number * 10 + place, order.number, line.product.number),
                *(_variant(line.product.number), line.product.sold_as, line.qty),
                *(float(line.price), line.product.gift_card),
            )
            for order, place, line in sold
        ],
    )
    database.load(
        "shopify.order_line_refund",
        ("id", "refund_id", "order_line_id", "quantity"),
        [
            (order.number * 10 + number, order.number, order.number * 10 + place, back)
            for order, place, line in sold
            if line.back
            for number, back in ((1, 1), (2, line.back - 1))
        ],
    )
    database.load(
        "shopify.abandoned_checkout_line",
        ("checkout_id", "product_id", "quantity"),
        [(cart.number, line.product.number, line.qty) for cart in carts for line in cart.lines],
    )
    names = ("id", "product_type", "published_at")
    database.load("shopify.product", names, _products())
    database.load("shopify.product_variant", ("id", "product_id", "sku", "position"), _variants())
    database.load(
        "shopify.collection",
        ("id", "title", "handle", "_fivetran_deleted"),
        [*((*each, False) for each in _collections()), (49, "Candles", "candles", True)],
    )
    database.load(
        "shopify.collection_product",
        ("collection_id", "product_id"),
        [*_collected(), *((49, each.number) for each in PRODUCTS)],
    )


def load_airbyte_goods(database: Database) -> None:
    """The same, but for lines."""
    names = ("id", "product_type", "published_at")
    database.load("shopify.products", names, _products())
    database.load("shopify.product_variants", ("id", "product_id", "sku", "position"), _variants())
    database.load("shopify.custom_collections", ("id", "title", "handle"), _collections())
    database.load("shopify.collects", ("collection_id", "product_id"), _collected())


def _products() -> list[tuple[object, ...]]:
    """Beans are what they are by their type."""
    return [
        (each.number, "Coffee & Tea" if each is BEANS else "", each.launched_at)
        for each in PRODUCTS
    ]


def _variants() -> list[tuple[object, ...]]:
    sold = [(_variant(each.number), each.number, each.sold_as, 1) for each in PRODUCTS]
    return [*((n + _SECOND, product, "S-OTHER", 2) for n, product, *_ in sold), *sold]


def _collections() -> list[tuple[object, ...]]:
    return [(each.number, each.name, each.slug) for each in CATEGORIES]


def _collected() -> list[tuple[object, ...]]:
    return [
        (each.number, product.number)
        for product in PRODUCTS
        if product is not BEANS and product.shelf
        for each in product.shelf.line
    ]
