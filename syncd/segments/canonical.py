"""The canonical model: the tables of a shop as the shipped segments read them.

A shop is in this shape where its database has these tables, or views of these names; a
view may have more columns. Kinds:

    key      text, compared byte by byte; one spelling for one thing
    text     NULL or empty where nothing is known
    flag     true and false, or 1 and 0
    moment   in UTC; SQLite keeps it as text, `YYYY-MM-DD HH:MM:SS`
    date     a day without a time, or text that begins `YYYY-MM-DD`
    money    a decimal with at most four places
    number   whole or decimal

An optional column may be missing; the segments that read it are then unavailable. A
column that is there and NULL throughout says that nobody has the thing, so what a shop
does not record is left out, not filled with NULL. Amounts called `base` are in the one
currency that all amounts of a shop are compared in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["key", "text", "flag", "moment", "date", "money", "number"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a relation."""

    name: str
    kind: Kind
    meaning: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """One table of the canonical model."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


def _maybe(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name, kind, meaning, optional=True)


CUSTOMERS = Relation(
    "customers",
    "one row a person, guests included; those of one e-mail are one person",
    (
        Column("customer_key", "key", "c: and the shop's id, or g: and a keyed hash for a guest"),
        Column("email", "text", "as it was typed"),
        Column("phone", "text", "as it was typed"),
        Column("first_name", "text", "as it was typed"),
        Column("last_name", "text", "as it was typed"),
        Column("country", "text", "ISO 3166's two letters, of the latest delivery address"),
        Column("postcode", "text", "of the same address"),
        Column("city", "text", "of the same address"),
        Column("region", "text", "of the same address"),
        Column("deleted", "flag", "erased, or made anonymous: never a member"),
        _maybe("birth_date", "date", "as the person gave it"),
        _maybe("gender", "text", "as the person gave it: f, m, or another word of theirs"),
        _maybe("locale", "text", "language of the account or latest order, as nl or nl_NL"),
        _maybe("registered_at", "moment", "when the account was made; NULL for a guest"),
    ),
)
ORDERS = Relation(
    "orders",
    "one row a checkout, paid or not",
    (
        Column("order_key", "key", "the order"),
        Column("customer_key", "key", "who ordered, guests included; NULL where nobody is known"),
        Column("placed_at", "moment", "when it was placed"),
        Column("is_paid", "flag", "by the shop's list of paid states; refunds change nothing"),
        Column("total_base", "money", "what the customer was to pay, taxes and delivery included"),
        Column("refunded_base", "money", "what came back of it; 0 or NULL where nothing"),
        _maybe("currency", "text", "ISO 4217's three letters"),
        _maybe("fx_to_base", "number", "base amount of one unit of `currency`; NULL is 1"),
        _maybe("coupon_codes", "text", "codes the customer entered; NULL or empty where none"),
        _maybe("gift_flag", "flag", "marked as a gift, or with a gift message or wrapping"),
        _maybe("ship_to_other", "flag", "goes to another name or address than the bill"),
        _maybe("utm_source", "text", "where the visit came from that led to the order"),
        _maybe("utm_medium", "text", "likewise, the kind of traffic"),
        _maybe("utm_campaign", "text", "likewise, the campaign"),
        _maybe("payment_failed", "flag", "unpaid since its payment failed or is still awaited"),
    ),
)
ORDER_ITEMS = Relation(
    "order_items",
    "one row a line of an order; no delivery or payment fees",
    (
        Column("order_key", "key", "its order"),
        Column("product_key", "key", "its product; of a variant the product it is one of"),
        Column("sku", "text", "the number that staff know; product_key where there is none"),
        Column("qty", "number", "how many"),
        Column("qty_refunded", "number", "how many of them came back; 0 or NULL where none"),
        Column("unit_paid", "money", "price of one after discounts, in the order's currency"),
        _maybe("on_sale", "flag", "sold at least 5 % below its regular price, codes aside"),
        _maybe("is_gift_card", "flag", "a voucher or gift card"),
    ),
)
PRODUCTS = Relation(
    "products",
    "one row a product",
    (
        Column("product_key", "key", "as order_items has it"),
        Column("sku", "text", "as order_items has it, of the product or its main variant"),
        Column("replenish_days", "number", "how long one lasts; NULL where nobody said"),
        _maybe("launched_at", "moment", "when it could first be bought"),
    ),
)
PRODUCT_CATEGORIES = Relation(
    "product_categories",
    "one row for each category that a product is in itself",
    (
        Column("product_key", "key", "as order_items has it"),
        Column("category_name", "text", "the category's own name"),
        Column("path", "text", "names or slugs from the root, as /home/candles/"),
    ),
)
CARTS = Relation(
    "carts",
    "one row a cart, bought or left",
    (
        Column("cart_key", "key", "the cart"),
        Column("customer_key", "key", "whose, where known"),
        Column("email", "text", "typed into it; counts where no customer is known"),
        Column("created_at", "moment", "when it was begun"),
        Column("updated_at", "moment", "when it was last touched"),
        Column("completed_at", "moment", "when it became an order; NULL until then"),
        _maybe("currency", "text", "ISO 4217's three letters"),
        _maybe("total", "money", "what is in it, in its currency"),
    ),
)
CART_ITEMS = Relation(
    "cart_items",
    "one row a line of a cart",
    (
        Column("cart_key", "key", "its cart"),
        Column("product_key", "key", "as order_items has it"),
    ),
)
CONSENTS = Relation(
    "consents",
    "one row for each time somebody said something; the latest word on a channel counts",
    (
        Column("customer_key", "key", "who, where known"),
        Column("email", "text", "of whom; counts where no customer is known"),
        Column("channel", "text", "email, sms, whatsapp, post, ads"),
        Column("state", "text", "granted, denied, pending, unknown"),
        Column("changed_at", "moment", "when it was said; NULL is before all else"),
    ),
)

RELATIONS = (
    *(CUSTOMERS, ORDERS, ORDER_ITEMS, PRODUCTS, PRODUCT_CATEGORIES),
    *(CARTS, CART_ITEMS, CONSENTS),
)
