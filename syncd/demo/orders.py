"""Orders and their lines as rows of the canonical tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from syncd.demo.buying import Floats, Ints
from syncd.demo.goods import (
    CATEGORIES,
    EACH,
    Baskets,
    Goods,
    coupon_code,
    fill_baskets,
    product_key,
    product_name,
)
from syncd.demo.people import STORE, Customer
from syncd.demo.places import BY_CODE, Place
from syncd.demo.schema import Row, stamps

_REFUNDED = 0.03
_FULLY = 0.3
_GIFT_CARDS = next(at for at, category in enumerate(CATEGORIES) if category.key == "gift-cards")
_UNPAID = ("cancelled", "failed", "pending")
_SOURCES = (
    ("google", "cpc", "brand"),
    ("google", "cpc", "shopping"),
    ("facebook", "paid_social", "prospecting"),
    ("instagram", "paid_social", "retargeting"),
    ("newsletter", "email", "weekly"),
    ("google", "organic", None),
    (None, None, None),
    (None, None, None),
    (None, None, None),
)
_MESSAGES = ("Happy birthday!", "Gefeliciteerd!", "Alles Gute!", "Joyeux Noël !", None, None)
_PRODUCTS = len(CATEGORIES) * EACH
_KEYS = tuple(product_key(product) for product in range(_PRODUCTS))
_NAMES = tuple(product_name(product) for product in range(_PRODUCTS))


@dataclass(frozen=True, slots=True)
class Placed:
    """Orders to be written.

    Attributes:
        buyers: Who placed each.
        at: Seconds after `start`, ascending.
        value: What each should come to in euros.
        paid: Whether money came in; all others were cancelled, failed or wait.
    """

    buyers: Sequence[Customer]
    start: datetime
    at: Ints
    value: Floats
    paid: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OrderRows:
    """Rows for `orders` and `order_items`, and when each order was placed."""

    orders: list[Row]
    items: list[Row]
    placed_at: list[str]


def home(customer: Customer) -> Place:
    """The country a customer pays in; the shop's own where none is known."""
    code = (customer.country or "NL").upper()
    return BY_CODE["GB" if code == "UK" else code]


def make_orders(
    random: np.random.Generator, stock: Goods, placed: Placed, *, first_number: int
) -> OrderRows:
    """Rows of orders numbered from `first_number`, in order of time."""
    placed_at = stamps(placed.start, placed.at)
    months = np.array([int(text[5:7]) for text in placed_at], dtype=np.int64)
    rate = np.array([home(buyer).rate for buyer in placed.buyers])
    baskets = fill_baskets(
        random, stock, at=placed.at, months=months, value=placed.value, rate=rate
    )
    share = _refunds(random, placed.paid)
    keys = [f"o:{first_number + at}" for at in range(len(placed_at))]
    orders = _order_rows(
        random, placed, baskets, keys, placed_at, rate=rate, refunded=share, months=months
    )
    return OrderRows(orders, _item_rows(baskets, keys, share), placed_at)


def _refunds(random: np.random.Generator, paid: npt.NDArray[np.bool_]) -> Floats:
    """Which share of each order went back: none, all, or a part."""
    draws = random.random(len(paid))
    part = np.round(random.uniform(0.1, 0.6, len(paid)), 2)
    back = np.where(draws < _REFUNDED * _FULLY, 1.0, np.where(draws < _REFUNDED, part, 0.0))
    return np.where(paid, back, 0.0)


def _order_rows(
    random: np.random.Generator,
    placed: Placed,
    baskets: Baskets,
    keys: Sequence[str],
    placed_at: Sequence[str],
    *,
    rate: Floats,
    refunded: Floats,
    months: Ints,
) -> list[Row]:
    count = len(keys)
    total = np.round(baskets.goods - baskets.discount + baskets.shipping, 2)
    base = np.round(total * rate, 2)
    gift = random.random(count) < np.where(months >= 11, 0.2, 0.07)  # noqa: PLR2004 - November
    other = random.random(count) < np.where(gift, 0.6, 0.02)
    source = random.integers(0, len(_SOURCES), count).tolist()
    message = random.integers(0, len(_MESSAGES), count).tolist()
    status = random.integers(0, len(_UNPAID), count).tolist()
    columns = (
        keys, placed.buyers, placed_at, placed.paid.tolist(), refunded.tolist(), status,
        rate.tolist(), total.tolist(), base.tolist(), baskets.discount.tolist(),
        baskets.shipping.tolist(), baskets.coupon.tolist(), gift.tolist(), message,
        other.tolist(), source,
    )  # fmt: skip
    return [_order_row(*cells) for cells in zip(*columns, strict=True)]


def _order_row(
    key: str, buyer: Customer, at: str, is_paid: bool, back: float, state: int, fx: float,  # noqa: FBT001 - columns
    amount: float, in_base: float, less: float, shipping: float, coupon: int, is_gift: bool,  # noqa: FBT001
    words: int, elsewhere: bool, came_by: int,  # noqa: FBT001
) -> Row:  # fmt: skip
    return (
        key,
        STORE,
        key[2:],
        buyer.customer_key,
        buyer.email,
        buyer.phone,
        _status(paid=is_paid, refunded=back, unpaid=_UNPAID[state]),
        int(is_paid),
        at,
        at if is_paid else None,
        home(buyer).currency,
        fx,
        amount,
        in_base,
        round(in_base * back, 2),
        less,
        shipping,
        coupon_code(coupon),
        int(is_gift),
        _MESSAGES[words] if is_gift else None,
        int(elsewhere),
        home(buyer).code,
        *_SOURCES[came_by],
    )


def _status(*, paid: bool, refunded: float, unpaid: str) -> str:
    if not paid:
        return unpaid
    return "refunded" if refunded == 1 else "completed"


def _item_rows(baskets: Baskets, keys: Sequence[str], refunded: Floats) -> list[Row]:
    fully = (refunded == 1)[baskets.order]
    off = np.divide(
        baskets.discount, baskets.goods, out=np.zeros(len(keys)), where=baskets.goods > 0
    )
    less = np.round(baskets.unit_paid * baskets.quantity * off[baskets.order], 2)
    first = np.searchsorted(baskets.order, np.arange(len(keys)))
    line = np.arange(len(baskets.order)) - first[baskets.order] + 1
    return [
        (
            f"i:{keys[order][2:]}-{number}",
            keys[order],
            _KEYS[product],
            None,
            f"SKU{_KEYS[product][2:]}",
            _NAMES[product],
            quantity,
            quantity if back else 0,
            paid,
            regular,
            cut,
            int(sale),
            int(product // EACH == _GIFT_CARDS),
        )
        for order, number, product, quantity, back, paid, regular, cut, sale in zip(
            baskets.order.tolist(), line.tolist(), baskets.product.tolist(),
            baskets.quantity.tolist(), fully.tolist(), baskets.unit_paid.tolist(),
            baskets.unit_regular.tolist(), less.tolist(), baskets.on_sale.tolist(), strict=True,
        )
    ]  # fmt: skip
