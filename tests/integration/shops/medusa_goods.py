"""What Medusa 2 stores of products, categories and lines; an order has one for each version."""

from __future__ import annotations

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS
from tests.integration.shops.world import CARTS, ORDERS

GOODS = """
CREATE TABLE order_line_item (
  id text PRIMARY KEY, product_id text, variant_id text, variant_sku text,
  unit_price numeric NOT NULL, compare_at_unit_price numeric, deleted_at timestamptz);
CREATE TABLE order_item (
  id text PRIMARY KEY, order_id text NOT NULL, version integer NOT NULL, item_id text NOT NULL,
  quantity numeric NOT NULL, unit_price numeric, compare_at_unit_price numeric,
  return_received_quantity numeric NOT NULL DEFAULT 0, deleted_at timestamptz);
CREATE TABLE order_line_item_adjustment (
  id text PRIMARY KEY, item_id text NOT NULL, code text, amount numeric NOT NULL,
  deleted_at timestamptz);
CREATE TABLE cart_line_item (
  id text PRIMARY KEY, cart_id text NOT NULL, product_id text, quantity integer NOT NULL,
  unit_price numeric NOT NULL, deleted_at timestamptz);
CREATE TABLE product (
  id text PRIMARY KEY, title text, handle text, status text NOT NULL DEFAULT 'draft',
  is_giftcard boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL,
  deleted_at timestamptz);
CREATE TABLE product_variant (
  id text PRIMARY KEY, product_id text, sku text, variant_rank integer DEFAULT 0,
  deleted_at timestamptz);
CREATE TABLE product_category (
  id text PRIMARY KEY, name text NOT NULL, handle text NOT NULL, parent_category_id text,
  deleted_at timestamptz);
CREATE TABLE product_category_product (
  product_id text NOT NULL, product_category_id text NOT NULL)
"""


def load_products(database: Database) -> None:
    """A variant of each, and one that came later."""
    database.load(
        "product",
        ("id", "is_giftcard", "created_at"),
        [(f"prod_{each.number}", each.gift_card, each.launched_at) for each in PRODUCTS],
    )
    database.load(
        "product_variant",
        ("id", "product_id", "sku", "variant_rank"),
        [
            (f"variant_{each.number}_{rank}", f"prod_{each.number}", sku, rank)
            for each in PRODUCTS
            for rank, sku in ((1, "S-OTHER"), (0, each.sold_as))
        ],
    )


def load_categories(database: Database) -> None:
    """The tree, and a category that was deleted with all products in it."""
    deleted = ("pcat_49", "Candles", "candles", None, PRODUCTS[0].launched_at)
    database.load(
        "product_category",
        ("id", "name", "handle", "parent_category_id", "deleted_at"),
        [
            *(
                (
                    *(f"pcat_{each.number}", each.name, each.slug),
                    *(f"pcat_{each.parent}" if each.parent else None, None),
                )
                for each in CATEGORIES
            ),
            deleted,
        ],
    )
    database.load(
        "product_category_product",
        ("product_id", "product_category_id"),
        [
            *((f"prod_{p.number}", f"pcat_{p.category}") for p in PRODUCTS if p.category),
            *((f"prod_{p.number}", "pcat_49") for p in PRODUCTS),
        ],
    )


def load_lines(database: Database) -> None:
    """Orders are in version 2; in the first there was ten times as much, for nothing."""
    sold = [
        (each, f"{each.number}_{n}", line) for each in ORDERS for n, line in enumerate(each.lines)
    ]
    database.load(
        "order_line_item",
        ("id", "product_id", "variant_sku", "unit_price", "compare_at_unit_price"),
        [
            (
                *(f"ordli_{name}", f"prod_{line.product.number}", line.product.sold_as),
                *(line.price, None if line.usual == line.price else line.usual),
            )
            for _, name, line in sold
        ],
    )
    database.load(
        "order_item",
        (
            *("id", "order_id", "version", "item_id", "quantity", "unit_price"),
            "return_received_quantity",
        ),
        [
            row
            for order, name, line in sold
            for row in (
                (
                    f"i2_{name}",
                    f"order_{order.number}",
                    2,
                    f"ordli_{name}",
                    line.qty,
                    None,
                    line.back,
                ),
                (f"i1_{name}", f"order_{order.number}", 1, f"ordli_{name}", line.qty * 10, 0, 0),
            )
        ],
    )
    _load_codes(database)
    _load_cart_lines(database)


def _load_codes(database: Database) -> None:
    """Another was taken back."""
    database.load(
        "order_line_item_adjustment",
        ("id", "item_id", "code", "amount", "deleted_at"),
        [
            row
            for order in ORDERS
            if order.code
            for n, line in enumerate(order.lines)
            for name in [f"{order.number}_{n}"]
            for row in (
                (f"adj_{name}", f"ordli_{name}", order.code, line.off, None),
                (f"gone_{name}", f"ordli_{name}", "GONE", -line.off, order.placed_at),
            )
        ],
    )


def _load_cart_lines(database: Database) -> None:
    database.load(
        "cart_line_item",
        ("id", "cart_id", "product_id", "quantity", "unit_price"),
        [
            (
                *(f"cali_{cart.number}_{n}", f"cart_{cart.number}"),
                *(f"prod_{line.product.number}", line.qty, line.price),
            )
            for cart in CARTS
            for n, line in enumerate(cart.lines)
        ],
    )
