"""What Solidus stores of taxons, promotions, and goods that came back; each thing is a unit."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS
from tests.integration.shops.spree_goods import (
    PRODUCTS_AND_LINES,
    lines,
    load_lines,
    load_products,
)
from tests.integration.shops.spree_money import EVA, SOLD, taken_off

GOODS = f"""{PRODUCTS_AND_LINES.replace("bigint", "integer")};
CREATE TABLE spree_taxonomies (id serial PRIMARY KEY, name varchar NOT NULL);
CREATE TABLE spree_taxons (
  id serial PRIMARY KEY, parent_id integer, name varchar NOT NULL, permalink varchar,
  taxonomy_id integer);
CREATE TABLE spree_inventory_units (
  id serial PRIMARY KEY, state varchar, variant_id integer, line_item_id integer);
CREATE TABLE spree_return_items (
  id serial PRIMARY KEY, inventory_unit_id integer, exchange_variant_id integer,
  reception_status varchar, acceptance_status varchar, reimbursement_id integer);
CREATE TABLE spree_adjustments (
  id serial PRIMARY KEY, source_type varchar, source_id integer, adjustable_type varchar,
  adjustable_id integer NOT NULL, amount numeric(10,2), order_id integer NOT NULL)
"""
_ELIGIBLE = "ALTER TABLE spree_adjustments ADD COLUMN eligible boolean DEFAULT true"
_ACTION, _BENEFIT = "Spree::PromotionAction", "SolidusPromotions::Benefit"


def load_goods(database: Database, *, of_old: bool) -> None:
    """Promotions of old take something off a line or an order, those of now off lines."""
    load_products(database)
    _load_taxons(database)
    load_lines(database, {"TEN"} if of_old else ())
    names = ("source_type", "source_id", "adjustable_type", "adjustable_id", "amount", "order_id")
    if of_old:
        database.execute(_ELIGIBLE)
        database.load("spree_adjustments", (*names, "eligible"), list(_of_old()))
    else:
        rows = [
            (_BENEFIT, 1, "Spree::LineItem", number, -taken_off(line), order)
            for number, order, code, line in lines()
            if code and line.off
        ]
        database.load("spree_adjustments", names, rows)
    _load_returns(database)


def _load_taxons(database: Database) -> None:
    """A tree a shelf at the top."""
    roots = [(each.number, each.name) for each in CATEGORIES if each.parent is None]
    database.load("spree_taxonomies", ("id", "name"), roots)
    database.load(
        "spree_taxons",
        ("id", "parent_id", "name", "permalink", "taxonomy_id"),
        [
            (each.number, each.parent, each.name, each.path.strip("/"), each.line[0].number)
            for each in CATEGORIES
        ],
    )
    shelves = [(each.number, each.category) for each in PRODUCTS if each.category]
    database.load("spree_products_taxons", ("product_id", "taxon_id"), shelves)


def _of_old() -> Iterator[tuple[object, ...]]:
    """And what did not count, on each line and order, and taxes that an order bears."""
    for number, order, code, line in lines():
        yield _ACTION, 3, "Spree::LineItem", number, -line.price, order, False
        if code and line.off:
            on = ("Spree::Order", order) if code == "TEN" else ("Spree::LineItem", number)
            yield _ACTION, 1, *on, -taken_off(line), order, True
    for sold in SOLD:
        yield _ACTION, 3, "Spree::Order", sold.number, -sold.total, sold.number, False
        yield "Spree::TaxRate", 1, "Spree::Order", sold.number, sold.total, sold.number, True


def _load_returns(database: Database) -> None:
    """Eva sent nine back, and had the tenth exchanged; what Anna sent is not settled."""
    kept = [(number, order) for number, order, _, line in lines() if line.qty > line.back]
    back = [
        (10**6 + 100 * number + n, number, order)
        for number, order, _, line in lines()
        for n in range(line.back)
    ]
    database.load(
        "spree_inventory_units",
        ("id", "line_item_id", "state"),
        [
            *((number, number, "shipped") for number, _ in kept),
            *((unit, number, "returned") for unit, number, _ in back),
        ],
    )
    mine = next(each.number for each in SOLD if each.account == EVA)
    database.load(
        "spree_return_items",
        ("inventory_unit_id", "exchange_variant_id", "reimbursement_id"),
        [
            *((unit, None, 1) for unit, _, order in back if order == mine),
            (100 * mine, 3020, 1),
            *((100 * each.number, None, 2) for each in SOLD if each.account == 11),
        ],
    )
