"""What Shopware stores of products, categories and lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from json import dumps
from typing import NamedTuple

from tests.integration.databases import Database
from tests.integration.shops.goods import (
    CANDLE,
    CATEGORIES,
    GIFT_CARD,
    LAMP,
    PRODUCTS,
    Line,
    Product,
)
from tests.integration.shops.shopware_keys import (
    DRAFT,
    LIVE,
    NO_TIME,
    SYSTEM_LANGUAGE,
    VERSIONS,
    channel,
    key,
    price,
)
from tests.integration.shops.shopware_orders import ALL_ORDERS, net, rate
from tests.integration.shops.world import Order

GOODS = """
CREATE TABLE product (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, product_number VARCHAR(64) NULL,
  parent_id BINARY(16) NULL, parent_version_id BINARY(16) NULL, release_date DATETIME(3) NULL,
  created_at DATETIME(3) NULL, PRIMARY KEY (id, version_id), UNIQUE (product_number, version_id));
CREATE TABLE category (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, parent_id BINARY(16) NULL,
  parent_version_id BINARY(16) NULL, path LONGTEXT, level INT(11) unsigned NOT NULL DEFAULT 1,
  active TINYINT(1) NOT NULL DEFAULT 1, type VARCHAR(32) NOT NULL, created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id, version_id), KEY (parent_id, parent_version_id));
CREATE TABLE category_translation (
  category_id BINARY(16) NOT NULL, category_version_id BINARY(16) NOT NULL,
  language_id BINARY(16) NOT NULL, name VARCHAR(255) NULL, created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (category_id, category_version_id, language_id));
CREATE TABLE product_category (
  product_id BINARY(16) NOT NULL, product_version_id BINARY(16) NOT NULL,
  category_id BINARY(16) NOT NULL, category_version_id BINARY(16) NOT NULL,
  PRIMARY KEY (product_id, product_version_id, category_id, category_version_id));
CREATE TABLE seo_url (
  id BINARY(16) NOT NULL PRIMARY KEY, language_id BINARY(16) NOT NULL,
  sales_channel_id BINARY(16) NULL, foreign_key BINARY(16) NOT NULL,
  route_name VARCHAR(50) NOT NULL,
  path_info VARCHAR(750) NOT NULL, seo_path_info VARCHAR(750) NOT NULL,
  is_canonical TINYINT(1) NULL, is_deleted TINYINT(1) NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL, UNIQUE (language_id, sales_channel_id, seo_path_info),
  UNIQUE (language_id, sales_channel_id, foreign_key, route_name, is_canonical));
CREATE TABLE order_line_item (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, order_id BINARY(16) NOT NULL,
  order_version_id BINARY(16) NOT NULL, parent_id BINARY(16) NULL,
  parent_version_id BINARY(16) NULL, identifier VARCHAR(255) NOT NULL,
  referenced_id VARCHAR(255) NULL, product_id BINARY(16) NULL, product_version_id BINARY(16) NULL,
  label VARCHAR(255) NOT NULL, quantity INT(11) NOT NULL,
  unit_price DOUBLE GENERATED ALWAYS AS
    (JSON_UNQUOTE(JSON_EXTRACT(price, "$.unitPrice"))) VIRTUAL,
  total_price DOUBLE GENERATED ALWAYS AS
    (JSON_UNQUOTE(JSON_EXTRACT(price, "$.totalPrice"))) VIRTUAL,
  type VARCHAR(255) NULL, payload JSON NULL, price JSON NOT NULL, created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id, version_id), KEY (order_id, order_version_id));
CREATE TABLE order_transaction_capture_refund_position (
  id BINARY(16) NOT NULL, version_id BINARY(16) NOT NULL, refund_id BINARY(16) NOT NULL,
  refund_version_id BINARY(16) NOT NULL, order_line_item_id BINARY(16) NOT NULL,
  order_line_item_version_id BINARY(16) NOT NULL, quantity INT(11) NOT NULL, amount JSON NOT NULL,
  created_at DATETIME(3) NOT NULL, PRIMARY KEY (id, version_id))
"""
_GERMAN = key("language", "de")
_ROOT = 1
_PAGE = "frontend.navigation.page"
# Deleted since they were sold: a product, and a variant of one that is still there.
_GONE = {GIFT_CARD.number, LAMP.variant[0] if LAMP.variant else 0}


def load_products(database: Database) -> None:
    """Candles were entered before they came out, lamps came out long before anywhere."""
    rows: list[tuple[int, str, int | None, datetime, datetime | None]] = []
    for each in PRODUCTS:
        entered: datetime
        released: datetime | None
        entered, released = each.launched_at, None
        if each is CANDLE:
            entered, released = each.launched_at - timedelta(days=90), each.launched_at
        elif each is LAMP:
            released = each.launched_at - timedelta(days=900)
        rows += [(each.number, each.sku, None, entered, released)]
        if each.variant:
            rows += [(*each.variant, each.number, entered, None)]
    database.load(
        "product",
        (
            *("id", "version_id", "product_number", "parent_id", "parent_version_id"),
            *("created_at", "release_date"),
        ),
        [
            (
                *(key("product", number), version, sku if version == LIVE else f"draft {sku}"),
                *(key("product", parent) if parent else None, version if parent else None),
                # A draft of a product is made after it.
                *(entered if version == LIVE else entered + timedelta(days=500), released),
            )
            for version in VERSIONS
            for number, sku, parent, entered, released in rows
            if number not in _GONE
        ],
    )


def load_categories(database: Database) -> None:
    """All lie under a root that no address names; coffee has no page in any storefront."""
    nodes: list[tuple[int, str, int | None]] = [(_ROOT, "Catalogue #1", None)]
    nodes += [(each.number, each.name, each.parent or _ROOT) for each in CATEGORIES]
    database.load(
        "category",
        ("id", "version_id", "parent_id", "parent_version_id", "type", "created_at"),
        [
            (
                *(key("category", number), version, key("category", parent) if parent else None),
                *(version if parent else None, "page", NO_TIME),
            )
            for version in VERSIONS
            for number, _, parent in nodes
        ],
    )
    database.load(
        "category_translation",
        ("category_id", "category_version_id", "language_id", "name", "created_at"),
        [
            (
                *(key("category", number), version, language),
                *(spelling if version == LIVE else f"new {spelling}", NO_TIME),
            )
            for version in VERSIONS
            for number, name, _ in nodes
            for language, spelling in ((SYSTEM_LANGUAGE, name), (_GERMAN, f"{name}-de"))
        ],
    )
    _load_addresses(database)
    database.load(
        "product_category",
        ("product_id", "product_version_id", "category_id", "category_version_id"),
        [
            *(
                (key("product", _kept_under(each)), version, key("category", shelf), version)
                for version in VERSIONS
                for each in PRODUCTS
                for shelf in [each.category]
                if shelf
            ),
            # Soap was about to lie among the candles.
            (key("product", 308), DRAFT, key("category", 42), DRAFT),
        ],
    )


def _kept_under(product: Product) -> int:
    """Of candles the one variant is in a category, and not the product itself."""
    return product.variant[0] if product is CANDLE and product.variant else product.number


def _load_addresses(database: Database) -> None:
    """With one that was before, one of the other channel, and one of a plug-in's own page.

    The German page of throws is switched off.
    """
    rows: list[tuple[int, bytes, int, str, str, int | None]] = [
        (41, SYSTEM_LANGUAGE, 1, "app.feed", "feed/home-garden", 1)
    ]
    for each in CATEGORIES:
        if each.slug != "coffee":
            way = f"{each.path.strip('/')}/"
            rows += [
                (each.number, SYSTEM_LANGUAGE, 1, _PAGE, way, 1),
                (each.number, _GERMAN, 1, _PAGE, f"de/{way}", 1),
                (each.number, SYSTEM_LANGUAGE, 1, _PAGE, f"old/{way}", None),
                (each.number, SYSTEM_LANGUAGE, 2, _PAGE, f"outlet/{way}", 1),
            ]
    database.load(
        "seo_url",
        (
            *("id", "foreign_key", "language_id", "sales_channel_id", "route_name", "path_info"),
            *("seo_path_info", "is_canonical", "is_deleted", "created_at"),
        ),
        [
            (
                *(key("address", (store, way)), key("category", number), language),
                *(bytes.fromhex(channel(store)), route, f"/navigation/{number}", way, first),
                *(way == "de/home-garden/throws/", NO_TIME),
            )
            for number, language, store, route, way, first in rows
        ],
    )


def load_lines(database: Database) -> None:
    """Each order's, and of its draft: twice as many, with a code that takes twice as much off."""
    database.load(
        "order_line_item",
        (
            *("id", "version_id", "order_id", "order_version_id", "parent_id"),
            *("parent_version_id", "identifier", "label", "referenced_id", "product_id"),
            *("product_version_id", "quantity", "type", "payload", "price", "created_at"),
        ),
        [
            (
                *(key("line", (order.number, place)), version, key("order", order.number), version),
                *(_bundle(order, kept), version if _bundle(order, kept) else None),
                *(f"{place}", kept.kind, kept.referenced, kept.product),
                *(version if kept.product else None, kept.quantity * (1 + (version == DRAFT))),
                *(kept.kind, kept.payload, kept.cost, NO_TIME),
            )
            for version in VERSIONS
            for order in ALL_ORDERS
            for place, kept in enumerate(
                _lines(order, Decimal(rate(order)) * (Decimal("0.8") if net(order) else 1), version)
            )
        ],
    )
    _load_returns(database)


def _load_returns(database: Database) -> None:
    database.load(
        "order_transaction_capture_refund_position",
        (
            *("id", "version_id", "refund_id", "refund_version_id", "order_line_item_id"),
            *("order_line_item_version_id", "quantity", "amount", "created_at"),
        ),
        [
            (
                *(key("position", (order.number, place, state)), version),
                *(key("refund", (order.number, state)), version),
                *(key("line", (order.number, place)), version, line.back),
                *(price(line.price, line.price * line.back), NO_TIME),
            )
            for version in VERSIONS
            for order in ALL_ORDERS
            if order.state == "paid"
            for place, line in enumerate(order.lines)
            if line.back
            for state in ("completed", "failed")
        ],
    )


class _Kept(NamedTuple):
    """A line as it is stored."""

    kind: str
    referenced: str
    product: bytes | None
    quantity: int
    payload: str
    cost: str


def _bundle(order: Order, kept: _Kept) -> bytes | None:
    """The line that a product's is part of."""
    inside = _is_bundle(order) and kept.kind == "product"
    return key("line", (order.number, len(order.lines))) if inside else None


def _is_bundle(order: Order) -> bool:
    """What Mo bought with a code was put together."""
    return order.code == "TEN"


def _lines(order: Order, unit: Decimal, version: bytes) -> Iterator[_Kept]:
    """Products, then the code, and a promotion of free delivery that nobody entered."""
    code, times = (order.code, 1) if version == LIVE else ("DRAFT", 2)
    for line in order.lines:
        yield _product_line(line, unit)
    off = sum((line.off for line in order.lines), Decimal(0)) * unit
    if _is_bundle(order):
        whole = order.total * unit + off  # what its parts cost is in it
        yield _Kept("container", "bundle", None, 1, "{}", price(whole, whole))
    if code:
        entered = dumps({"code": code, "discountScope": "cart"})
        yield _Kept("promotion", code, None, 1, entered, price(-off * times, -off * times))
    free = dumps({"code": "", "discountScope": "delivery"})
    yield _Kept("promotion", "free", None, 1, free, price(0, 0))


def _product_line(line: Line, unit: Decimal) -> _Kept:
    product = line.product
    number = product.variant[0] if product.variant else product.number
    payload = {
        "productNumber": product.sold_as,
        "parentId": key("product", product.number).hex() if product.variant else None,
    }
    # Shopware has a list price only where one was entered.
    usual = None if line.regular is None else {"price": float(line.regular * unit)}
    cost = price(line.price * unit, line.price * unit * line.qty, line.qty, listPrice=usual)
    identity = key("product", number)
    kept = None if number in _GONE else identity
    return _Kept("product", identity.hex(), kept, line.qty, dumps(payload), cost)
