"""What Spree stores of products, taxons, lines, promotions and goods that came back."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS, Line, Product
from tests.integration.shops.spree_money import EVA, SOLD, asked, taken_off
from tests.integration.shops.world import CARTS, spelled

PRODUCTS_AND_LINES = """
CREATE TABLE spree_products (
  id bigint PRIMARY KEY, name varchar NOT NULL DEFAULT '', available_on timestamp,
  deleted_at timestamp, created_at timestamp(6) NOT NULL);
CREATE TABLE spree_variants (
  id bigint PRIMARY KEY, sku varchar NOT NULL DEFAULT '', is_master boolean DEFAULT false,
  product_id bigint, position integer, deleted_at timestamp);
CREATE TABLE spree_products_taxons (product_id bigint, taxon_id bigint, position integer);
CREATE TABLE spree_line_items (
  id bigint PRIMARY KEY, variant_id bigint, order_id bigint, quantity integer NOT NULL,
  price numeric(10,2) NOT NULL, adjustment_total numeric(10,2) DEFAULT 0,
  additional_tax_total numeric(10,2) DEFAULT 0, promo_total numeric(10,2) DEFAULT 0)
"""
GOODS = f"""{PRODUCTS_AND_LINES};
CREATE TABLE spree_taxonomies (id bigint PRIMARY KEY, name varchar NOT NULL, store_id bigint);
CREATE TABLE spree_taxons (
  id bigint PRIMARY KEY, parent_id bigint, name varchar NOT NULL, permalink varchar,
  taxonomy_id bigint, store_id bigint);
CREATE TABLE spree_inventory_units (
  id bigint PRIMARY KEY, state varchar, variant_id bigint, order_id bigint, line_item_id bigint,
  quantity integer DEFAULT 1);
CREATE TABLE spree_return_items (
  id bigserial PRIMARY KEY, inventory_unit_id bigint, exchange_variant_id bigint,
  reception_status varchar, acceptance_status varchar, reimbursement_id bigint);
CREATE TABLE spree_promotions (
  id bigint PRIMARY KEY, name varchar, code varchar, kind integer DEFAULT 0,
  multi_codes boolean DEFAULT false);
CREATE TABLE spree_promotion_actions (id bigint PRIMARY KEY, promotion_id bigint, type varchar);
CREATE TABLE spree_adjustments (
  id bigserial PRIMARY KEY, source_type varchar, source_id bigint, adjustable_type varchar,
  adjustable_id bigint, amount numeric(10,2), eligible boolean DEFAULT true,
  order_id bigint NOT NULL)
"""
_ACTION = "Spree::PromotionAction"
_CODES = {"WINTER": 1, "TEN": 2}
_GONE, _FREE = 3, 4
_TAX = 10  # what is added to each line for taxes, and no part of its price


def load_goods(database: Database) -> None:
    load_products(database)
    _load_taxons(database)
    load_lines(database, {"TEN"})
    _load_promotions(database)
    _load_returns(database)


def _variant(product: Product) -> int:
    """The number of what is sold: a variant, or the master."""
    return product.variant[0] if product.variant else 10 * product.number


def load_products(database: Database) -> None:
    """Each has a master, and a variant that was deleted; some became available later."""
    database.load(
        "spree_products",
        ("id", "available_on", "created_at"),
        [
            (each.number, launched, "2020-01-01")
            if each.number % 2
            else (each.number, None, launched)
            for each in PRODUCTS
            for launched in [spelled(each.launched_at)]
        ],
    )
    variants = [(*each.variant, False, each.number, 1, None) for each in PRODUCTS if each.variant]
    database.load(
        "spree_variants",
        ("id", "sku", "is_master", "product_id", "position", "deleted_at"),
        [
            *((10 * each.number, each.sku, True, each.number, 1, None) for each in PRODUCTS),
            *variants,
            *(
                (10 * each.number + 1, "S-OTHER", True, each.number, 0, "2025-01-01")
                for each in PRODUCTS
            ),
        ],
    )


def _load_taxons(database: Database) -> None:
    """A tree a shelf at the top; the other store has all products on a shelf of candles."""
    roots = [each for each in CATEGORIES if each.parent is None]
    database.load(
        "spree_taxonomies",
        ("id", "name", "store_id"),
        [*((each.number, each.name, 1) for each in roots), (49, "Candles", 2)],
    )
    database.load(
        "spree_taxons",
        ("id", "parent_id", "name", "permalink", "taxonomy_id", "store_id"),
        [
            *(
                (
                    *(each.number, each.parent, each.name, each.path.strip("/")),
                    *(each.line[0].number, 1 if each.parent else None),
                )
                for each in CATEGORIES
            ),
            (49, None, "Candles", "candles", 49, None),
        ],
    )
    database.load(
        "spree_products_taxons",
        ("product_id", "taxon_id"),
        [
            *((each.number, each.category) for each in PRODUCTS if each.category),
            *((each.number, 49) for each in PRODUCTS),
        ],
    )


def lines() -> Iterator[tuple[int, int, str | None, Line]]:
    """Number, order, code and what was sold."""
    for order in SOLD:
        for n, line in enumerate(order.lines):
            yield 100 * order.number + n, order.number, order.code, line


def load_lines(database: Database, whole: Collection[str]) -> None:
    """Of orders and carts; `whole` are codes that take something off an order, not its lines."""
    names = ("id", "order_id", "variant_id", "quantity", "price")
    database.load(
        "spree_line_items",
        (*names, "promo_total", "additional_tax_total", "adjustment_total"),
        [
            *(
                (
                    *(number, order, _variant(line.product), line.qty, asked(line)),
                    *(-off, _TAX, _TAX - off),
                )
                for number, order, code, line in lines()
                for off in [taken_off(line) if code and code not in whole else 0]
            ),
            *(
                (
                    *(100 * cart.number + n, cart.number, _variant(line.product), line.qty),
                    *(line.price, 0, 0, 0),
                )
                for cart in CARTS
                for n, line in enumerate(cart.lines)
            ),
        ],
    )


def _load_promotions(database: Database) -> None:
    """One code of many, one of its own, one that was not good enough, and none at all."""
    database.load(
        "spree_promotions",
        ("id", "name", "code", "kind", "multi_codes"),
        [
            (1, "Winter", None, 0, True),
            (2, "Ten", "ten", 0, False),
            (_GONE, "Gone", "gone", 0, False),
            (_FREE, "Free delivery", None, 1, False),
        ],
    )
    actions = [(10 * number, number, "a class") for number in (1, 2, _GONE, _FREE)]
    database.load("spree_promotion_actions", ("id", "promotion_id", "type"), actions)
    names = ("source_type", "source_id", "adjustable_type", "adjustable_id", "amount", "eligible")
    database.load("spree_adjustments", (*names, "order_id"), list(_adjustments()))


def _adjustments() -> Iterator[tuple[object, ...]]:
    """Taxes of a rate with the number of an action too, which is no promotion."""
    for number, order, code, line in lines():
        yield "Spree::TaxRate", 20, "Spree::LineItem", number, _TAX, True, order
        yield _ACTION, 10 * _GONE, "Spree::LineItem", number, -line.price, False, order
        if code and line.off:
            on = ("Spree::Order", order) if code == "TEN" else ("Spree::LineItem", number)
            yield _ACTION, 10 * _CODES[code], *on, -taken_off(line), True, order
    for sold in SOLD:
        yield _ACTION, 10 * _GONE, "Spree::Order", sold.number, -sold.total, False, sold.number
        if sold.account == 13:
            yield _ACTION, 10 * _FREE, "Spree::Shipment", sold.number, -5, True, sold.number


def _load_returns(database: Database) -> None:
    """Eva sent nine back, and had the tenth exchanged; what Anna sent is not settled."""
    units = [
        (number, order, line.qty - line.back if line.back else line.qty)
        for number, order, _, line in lines()
    ]
    back = [
        (10**6 + number, number, order, line) for number, order, _, line in lines() if line.back
    ]
    database.load(
        "spree_inventory_units",
        ("id", "line_item_id", "order_id", "state", "quantity"),
        [
            *((number, number, order, "shipped", qty) for number, order, qty in units if qty),
            *((unit, number, order, "returned", line.back) for unit, number, order, line in back),
        ],
    )
    mine = next(each.number for each in SOLD if each.account == EVA)
    database.load(
        "spree_return_items",
        ("inventory_unit_id", "exchange_variant_id", "reimbursement_id"),
        [
            *((unit, None, 1) for unit, _, order, _ in back if order == mine),
            (100 * mine, 3020, 1),
            *((100 * each.number, None, 2) for each in SOLD if each.account == 11),
        ],
    )
