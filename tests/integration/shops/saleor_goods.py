"""What Saleor stores of products, categories and lines; each order has a present among them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid5

from tests.integration.databases import Database
from tests.integration.shops.goods import BEANS, BOWL, CATEGORIES, LAMP, PRODUCTS, SOAP, Line
from tests.integration.shops.world import CARTS, ORDERS, Order

GOODS = """
CREATE TABLE product_category (
  id serial PRIMARY KEY, name varchar(250) NOT NULL, slug varchar(255) NOT NULL UNIQUE,
  parent_id integer);
CREATE TABLE product_product (
  id serial PRIMARY KEY, name varchar(250) NOT NULL, category_id integer,
  default_variant_id integer UNIQUE, created_at timestamptz NOT NULL);
CREATE TABLE product_productvariant (
  id serial PRIMARY KEY, product_id integer NOT NULL, sku varchar(255) UNIQUE);
CREATE TABLE product_productchannellisting (
  id serial PRIMARY KEY, product_id integer NOT NULL, channel_id integer NOT NULL,
  published_at timestamptz, is_published boolean NOT NULL, UNIQUE (product_id, channel_id));
CREATE TABLE order_orderline (
  id uuid PRIMARY KEY, order_id uuid NOT NULL, variant_id integer, product_sku varchar(255),
  quantity integer NOT NULL, is_gift_card boolean NOT NULL, is_gift boolean NOT NULL,
  total_price_gross_amount numeric(20, 3) NOT NULL,
  base_unit_price_amount numeric(20, 3) NOT NULL,
  undiscounted_base_unit_price_amount numeric(20, 3) NOT NULL,
  voucher_code varchar(255), sale_id varchar(255));
CREATE TABLE order_fulfillment (
  id serial PRIMARY KEY, order_id uuid NOT NULL, status varchar(32) NOT NULL);
CREATE TABLE order_fulfillmentline (
  id serial PRIMARY KEY, fulfillment_id integer NOT NULL, order_line_id uuid NOT NULL,
  quantity integer NOT NULL);
CREATE TABLE order_ordergrantedrefundline (
  id serial PRIMARY KEY, granted_refund_id integer NOT NULL, order_line_id uuid NOT NULL,
  quantity integer NOT NULL);
CREATE TABLE checkout_checkoutline (
  id uuid PRIMARY KEY, checkout_id uuid NOT NULL, variant_id integer NOT NULL,
  quantity integer NOT NULL, is_gift boolean NOT NULL)
"""
_DEFAULT, _OTHER = 1000, 2000  # numbers of variants, beyond those of products
_LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)
_OLD = ORDERS[0].number  # of before lines kept what they cost without codes
_LINES = UUID(int=1)  # ids of lines are made under it
# Checkouts that are no carts: ordered, in the other channel, with a present alone, and empty.
KEPT, ELSEWHERE, PRESENT, EMPTY = (UUID(int=number) for number in range(900, 904))


def load_products(database: Database) -> None:
    """Entered long before they were published; the other channel had them from the start.

    But for the bowl: it is no longer published, and was entered when it was launched.
    """
    database.load(
        "product_product",
        ("id", "name", "category_id", "default_variant_id", "created_at"),
        [
            (
                *(each.number, each.sku, each.category, _DEFAULT + each.number),
                each.launched_at if each is BOWL else _LONG_AGO,
            )
            for each in PRODUCTS
        ],
    )
    database.load(
        "product_productvariant",
        ("id", "product_id", "sku"),
        [
            row
            for each in PRODUCTS
            for row in (
                (_OTHER + each.number, each.number, None if each is LAMP else f"X-{each.sku}"),
                (_DEFAULT + each.number, each.number, each.sold_as),
            )
        ],
    )
    listed = [each for each in PRODUCTS if each is not BOWL]
    database.load(
        "product_productchannellisting",
        ("product_id", "channel_id", "published_at", "is_published"),
        [
            *((each.number, 1, each.launched_at, True) for each in listed),
            *((each.number, 2, _LONG_AGO, True) for each in listed),
            (BOWL.number, 1, _LONG_AGO, False),
        ],
    )


def load_categories(database: Database) -> None:
    database.load(
        "product_category",
        ("id", "name", "slug", "parent_id"),
        [(each.number, each.name, each.slug, each.parent) for each in CATEGORIES],
    )


def load_lines(database: Database) -> None:
    """The present is a dear soap, of which a promotion takes off everything."""
    columns = ("id", "order_id", "variant_id", "product_sku", "quantity", "is_gift_card", "is_gift")
    prices = ("total_price_gross_amount", "base_unit_price_amount")
    names = ("undiscounted_base_unit_price_amount", "voucher_code", "sale_id")
    soap = (_DEFAULT + SOAP.number, SOAP.sku, 1, False, True, 0, 0, 90, None, "sale")
    database.load(
        "order_orderline",
        (*columns, *prices, *names),
        [
            row
            for order in ORDERS
            for row in (
                *(
                    (
                        *(_id(order, n), UUID(int=order.number), _DEFAULT + line.product.number),
                        *(line.product.sold_as, line.qty, line.product.gift_card, False),
                        *_prices(order, line),
                    )
                    for n, line in enumerate(order.lines)
                ),
                (_id(order, 99), UUID(int=order.number), *soap),
            )
        ],
    )
    _load_returns(database)
    _load_checkout_lines(database)


def _id(order: Order, place: int) -> UUID:
    return uuid5(_LINES, f"{order.number} {place}")


def _prices(order: Order, line: Line) -> tuple[object, ...]:
    """TEN is a code for goods, whose prices it lowers; WINTER one for the order.

    What is on sale had a code too, and it stays on sale. Of an old order neither price is known.
    """
    if order.number == _OLD:
        return line.total, 0, 0, None, None
    of_goods = order.code == "TEN"
    base = line.unit_paid if of_goods else line.price
    sale = "UHJvbW90aW9uOjE=" if line.price < line.usual else None
    code = order.code if of_goods else sale and "MORE"
    return line.total, base, line.usual, code, sale


def _load_returns(database: Database) -> None:
    """All that came back was granted a refund as well; all that was sent stands there, too."""
    kinds = {"fulfilled": Decimal(1), "refunded_and_returned": Decimal(0), "canceled": Decimal(1)}
    lines = [(order, _id(order, n), line) for order in ORDERS for n, line in enumerate(order.lines)]
    sent = [
        (order.number * 10 + place, order.number, kind, each, line.qty if whole else line.back)
        for place, (kind, whole) in enumerate(kinds.items())
        for order, each, line in lines
    ]
    database.load(
        "order_fulfillment",
        ("id", "order_id", "status"),
        sorted({(key, UUID(int=number), kind) for key, number, kind, _, _ in sent}),
    )
    database.load(
        "order_fulfillmentline",
        ("fulfillment_id", "order_line_id", "quantity"),
        [(key, each, quantity) for key, _, _, each, quantity in sent if quantity],
    )
    database.load(
        "order_ordergrantedrefundline",
        ("granted_refund_id", "order_line_id", "quantity"),
        [(order.number, each, line.back) for order, each, line in lines if line.back],
    )


def _load_checkout_lines(database: Database) -> None:
    """Each cart has a present as well; of those that are none, one has nothing else."""
    lamp, beans = _DEFAULT + LAMP.number, _DEFAULT + BEANS.number
    lines = [
        *(
            (UUID(int=cart.number), _DEFAULT + line.product.number, line.qty, False)
            for cart in CARTS
            for line in cart.lines
        ),
        *((UUID(int=cart.number), beans, 1, True) for cart in CARTS),
        (KEPT, lamp, 1, False),
        (ELSEWHERE, lamp, 1, False),
        (PRESENT, lamp, 1, True),
    ]
    database.load(
        "checkout_checkoutline",
        ("id", "checkout_id", "variant_id", "quantity", "is_gift"),
        [(uuid5(_LINES, str(place)), *line) for place, line in enumerate(lines)],
    )
