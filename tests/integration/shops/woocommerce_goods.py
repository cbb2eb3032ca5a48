"""What WooCommerce stores of products and of lines; both are the same however it keeps orders."""

from __future__ import annotations

from collections.abc import Iterator

from tests.integration.databases import Database
from tests.integration.shops.goods import CATEGORIES, PRODUCTS, Line
from tests.integration.shops.world import CARTS, ORDERS, spelled

_META = ("order_item_id", "meta_key", "meta_value")


def load_items(database: Database, tables: str, site: int) -> None:
    """Lines of orders, of drafts of orders, and of refunds; and coupons."""
    orders = [each for each in ORDERS if each.store == site]
    filled = [(each.number, each.lines) for each in orders]
    filled += [(each.number, each.lines) for each in CARTS if each.store == site]
    sold = [(number, place, line) for number, lines in filled for place, line in enumerate(lines)]
    back = [
        (order.number, place, line)
        for order in orders
        for place, line in enumerate(order.lines)
        if line.back
    ]
    names = ("order_item_id", "order_item_name", "order_item_type", "order_id")
    database.load(
        f"{tables}woocommerce_order_items",
        names,
        [
            *((_item(n, place), "Thing", "line_item", n) for n, place, _ in sold),
            *((_refund(n, place), "Thing", "line_item", n + 5_000) for n, place, _ in back),
            *((o.number * 10 + 8, "Post", "shipping", o.number) for o in orders),
            *((o.number * 10 + 9, o.code, "coupon", o.number) for o in orders if o.code),
        ],
    )
    metas = [(_item(n, place), *meta) for n, place, line in sold for meta in _metas(line)]
    metas += [
        (_refund(n, place), *meta) for n, place, line in back for meta in _metas(line, -line.back)
    ]
    metas += [
        (_refund(n, place), "_refunded_item_id", str(_item(n, place))) for n, place, _ in back
    ]
    database.load(f"{tables}woocommerce_order_itemmeta", _META, metas)


def _item(order: int, place: int) -> int:
    return order * 10 + place


def _refund(order: int, place: int) -> int:
    return (order + 5_000) * 10 + place


def _metas(line: Line, qty: int | None = None) -> Iterator[tuple[str, str]]:
    """A fifth of the price is tax, which is in a row of its own."""
    many = line.qty if qty is None else qty
    total = line.unit_paid * many
    yield "_product_id", str(line.product.number)
    yield "_variation_id", str(line.product.variant[0] if line.product.variant else 0)
    yield "_qty", str(many)
    yield "_line_subtotal", f"{line.price * many * 4 / 5:.2f}"
    yield "_line_total", f"{total * 4 / 5:.3f}"
    yield "_line_tax", f"{total / 5:.3f}"


def load_products(database: Database, tables: str, site: int) -> None:
    """The second site has other products under the same numbers, and other categories."""
    database.load(
        f"{tables}posts",
        ("ID", "post_type", "post_status", "post_date_gmt", "post_parent"),
        [
            *(
                (each.number, "product", "publish", spelled(each.launched_at), 0)
                for each in PRODUCTS
            ),
            *(
                (each.variant[0], "product_variation", "publish", "2020-01-01", each.number)
                for each in PRODUCTS
                if each.variant
            ),
            (390, "product", "draft", "0000-00-00 00:00:00", 0),
        ],
    )
    mark = "" if site == 1 else "X"
    numbers = [(each.number, f"{mark}{each.sku}") for each in PRODUCTS]
    numbers += [(each.variant[0], f"{mark}{each.sold_as}") for each in PRODUCTS if each.variant]
    database.load(
        f"{tables}postmeta",
        ("post_id", "meta_key", "meta_value"),
        [(number, "_sku", sku) for number, sku in numbers],
    )
    database.load(
        f"{tables}terms",
        ("term_id", "name", "slug"),
        [(each.number, f"{mark}{each.name}", f"{mark}{each.slug}") for each in CATEGORIES],
    )
    taxonomies = [(each.number + 1_000, each, "product_cat") for each in CATEGORIES]
    taxonomies += [(each.number + 2_000, each, "product_tag") for each in CATEGORIES]
    database.load(
        f"{tables}term_taxonomy",
        ("term_taxonomy_id", "term_id", "taxonomy", "parent"),
        [
            # Tags lie in no tree.
            (number, each.number, kind, (each.parent or 0) if kind == "product_cat" else 0)
            for number, each, kind in taxonomies
        ],
    )
    database.load(
        f"{tables}term_relationships",
        ("object_id", "term_taxonomy_id"),
        [
            *((each.number, each.category + 1_000) for each in PRODUCTS if each.category),
            *((each.number, 2_042) for each in PRODUCTS),  # all are tagged as candles
        ],
    )
