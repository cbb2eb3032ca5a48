"""What Sylius 2 stores of products, taxons and lines, a row for each unit of a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS, Line, Product
from tests.integration.shops.world import CARTS, ORDERS, Order

GOODS = """
CREATE TABLE sylius_product (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, main_taxon_id INT DEFAULT NULL,
  code VARCHAR(255) NOT NULL, created_at DATETIME NOT NULL, enabled TINYINT(1) NOT NULL,
  variant_selection_method VARCHAR(255) NOT NULL,
  average_rating DOUBLE PRECISION DEFAULT '0' NOT NULL,
  UNIQUE INDEX UNIQ_677B9B7477153098 (code));
CREATE TABLE sylius_product_variant (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, product_id INT NOT NULL, code VARCHAR(255) NOT NULL,
  created_at DATETIME NOT NULL, position INT NOT NULL, enabled TINYINT(1) NOT NULL,
  on_hold INT NOT NULL, on_hand INT NOT NULL, tracked TINYINT(1) NOT NULL,
  shipping_required TINYINT(1) NOT NULL, UNIQUE INDEX UNIQ_A29B52377153098 (code),
  INDEX IDX_A29B5234584665A (product_id));
CREATE TABLE sylius_taxon (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, tree_root INT DEFAULT NULL,
  parent_id INT DEFAULT NULL, code VARCHAR(255) NOT NULL, tree_left INT NOT NULL,
  tree_right INT NOT NULL, tree_level INT NOT NULL, position INT NOT NULL,
  enabled TINYINT(1) NOT NULL, created_at DATETIME NOT NULL);
CREATE TABLE sylius_taxon_translation (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, translatable_id INT NOT NULL,
  name VARCHAR(255) NOT NULL, slug VARCHAR(255) NOT NULL, locale VARCHAR(255) NOT NULL,
  UNIQUE INDEX slug_uidx (locale, slug), INDEX IDX_1487DFCF2C2AC5D3 (translatable_id));
CREATE TABLE sylius_product_taxon (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, product_id INT NOT NULL, taxon_id INT NOT NULL,
  position INT NOT NULL, UNIQUE INDEX product_taxon_idx (product_id, taxon_id));
CREATE TABLE sylius_order_item (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, order_id INT NOT NULL, variant_id INT NOT NULL,
  quantity INT NOT NULL, unit_price INT NOT NULL, original_unit_price INT DEFAULT NULL,
  units_total INT NOT NULL, adjustments_total INT NOT NULL, total INT NOT NULL,
  is_immutable TINYINT(1) NOT NULL, version INT DEFAULT 1 NOT NULL,
  INDEX IDX_77B587ED8D9F6D38 (order_id), INDEX IDX_77B587ED3B69A9AF (variant_id));
CREATE TABLE sylius_order_item_unit (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, order_item_id INT NOT NULL,
  adjustments_total INT NOT NULL, created_at DATETIME NOT NULL,
  INDEX IDX_82BF226EE415FB15 (order_item_id))
"""
_REFUNDS = """
CREATE TABLE sylius_refund_refund (
  id INT AUTO_INCREMENT NOT NULL PRIMARY KEY, order_id INT DEFAULT NULL, amount INT NOT NULL,
  refunded_unit_id INT DEFAULT NULL, type VARCHAR(256) NOT NULL,
  INDEX IDX_DEF86A0E8D9F6D38 (order_id)) DEFAULT CHARACTER SET utf8 COLLATE utf8_unicode_ci
"""
# The root of the menu, and the world's categories in it, nested: two numbers each, those of what
# is in one between its own.
_ROOT = 40
_NESTED = {_ROOT: (1, 10), 41: (2, 7), 42: (3, 4), 43: (5, 6), 44: (8, 9)}
_VARIANT = 5_000
# Carts with something in them; Otto is a guest who was in the other channel alone, Jan's account
# was deleted since.
LEFT = (
    *CARTS,
    replace(CARTS[2], number=509, email="otto@example.com", store=2),
    replace(CARTS[2], number=510, email="jan@example.com", account=20),
)
# Orders; a cancelled one is no cart that was left.
_CANCELLED = Order("quinn@example.com", 27, CARTS[0].updated_at, state="cancelled", number=199)
PLACED = (*ORDERS, _CANCELLED)


def cents(amount: Decimal) -> int:
    """As Sylius keeps it: whole hundredths."""
    return round(amount * 100)


def load_goods(database: Database, local: Callable[[datetime], str]) -> None:
    """Candles lie in their main taxon alone, all else in another way too.

    Args:
        local: How PHP writes a moment.
    """
    database.load(
        "sylius_product",
        ("id", "main_taxon_id", "code", "created_at", "enabled", "variant_selection_method"),
        [
            (each.number, main, each.sku, local(each.launched_at), True, "choice")
            for each in PRODUCTS
            for main in [each.category if each.category != 43 else _ROOT]
        ],
    )
    database.load(
        "sylius_product_variant",
        (
            *("id", "product_id", "code", "created_at", "position", "enabled", "on_hold"),
            *("on_hand", "tracked", "shipping_required"),
        ),
        [
            (_variant(each), each.number, each.sold_as, local(each.launched_at), 0, 1, 0, 9, 0, 1)
            for each in PRODUCTS
        ],
    )
    _load_taxons(database)
    database.load(
        "sylius_product_taxon",
        ("id", "product_id", "taxon_id", "position"),
        [
            (each.number, each.number, each.category, 0)
            for each in PRODUCTS
            if each.category not in (None, 42)
        ],
    )


def _variant(product: Product) -> int:
    return _VARIANT - product.number


def _load_taxons(database: Database) -> None:
    """In two languages, with whole ways for slugs."""
    database.load(
        "sylius_taxon",
        (
            *("id", "tree_root", "parent_id", "code", "tree_left", "tree_right", "tree_level"),
            *("position", "enabled", "created_at"),
        ),
        [
            (_ROOT, _ROOT, None, "MENU", *_NESTED[_ROOT], 0, 0, True, "2024-01-01"),
            *(
                (
                    *(each.number, _ROOT, each.parent or _ROOT, each.slug),
                    *(*_NESTED[each.number], len(each.line), 0, True, "2024-01-01"),
                )
                for each in CATEGORIES
            ),
        ],
    )
    named = [(each.number, each.name, each.path.strip("/")) for each in CATEGORIES]
    database.load(
        "sylius_taxon_translation",
        ("translatable_id", "locale", "name", "slug"),
        [
            (number, locale, f"{name}{mark}", f"{slug.replace('/', f'{mark}/')}{mark}")
            for number, name, slug in ((_ROOT, "Category", "category"), *named)
            for locale, mark in (("nl_NL", ""), ("de_DE", "-de"))
        ],
    )


def load_lines(
    database: Database, local: Callable[[datetime], str], *, refund_plugin: bool
) -> None:
    """Of orders and of carts; the plug-in's table is there only with the plug-in."""
    sold = [(each.number, each.lines, each.placed_at) for each in PLACED]
    sold += [(each.number, each.lines, each.created_at) for each in LEFT]
    lines = [
        (number * 10 + place, number, line, at)
        for number, inside, at in sold
        for place, line in enumerate(inside)
    ]
    database.load(
        "sylius_order_item",
        (
            *("id", "order_id", "variant_id", "quantity", "unit_price", "original_unit_price"),
            *("units_total", "adjustments_total", "total", "is_immutable"),
        ),
        [
            (
                *(item, number, _variant(line.product), line.qty, cents(line.price)),
                # What has no other price has none beside it.
                cents(line.usual) if line.regular else None,
                *(cents(line.total), 0, cents(line.total), False),
            )
            for item, number, line, _ in lines
        ],
    )
    database.load(
        "sylius_order_item_unit",
        ("id", "order_item_id", "adjustments_total", "created_at"),
        [
            (unit, item, 0, local(at))
            for item, _, line, at in lines
            for unit in range(item * 1_000, item * 1_000 + line.qty)
        ],
    )
    if refund_plugin:
        database.execute(_REFUNDS)
        database.load(
            "sylius_refund_refund",
            ("order_id", "amount", "refunded_unit_id", "type"),
            [
                *(row for item, number, line, _ in lines for row in _refunds(item, number, line)),
                _delivery(),
            ],
        )


def _refunds(item: int, number: int, line: Line) -> Iterator[tuple[object, ...]]:
    """The first unit in two parts."""
    amount = cents(line.unit_paid)
    for unit in range(line.back):
        parts = (amount - 300, 300) if unit == 0 else (amount,)
        for part in parts:
            yield number, part, item * 1_000 + unit, "order_item_unit"


def _delivery() -> tuple[object, ...]:
    """Kees got his paid back; it has the number that a unit of Xena's has."""
    kees, xena = (
        next(each.number for each in ORDERS if each.email == f"{who}@example.com")
        for who in ("kees", "xena")
    )
    return kees, 2_000, xena * 10 * 1_000, "shipment"
