"""What the demo's shop sells, and baskets that come to a wanted amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from syncd.demo.buying import Floats, Ints

EACH = 30  # products of a category
_LATE = 5  # every fifth product came to the shop within the window
_KINDS = ("Small", "Classic", "Large", "Blue", "Oak", "Linen", "Silver", "Duo", "Mini", "Grand")
_MAKES = ("Nora", "Vesta", "Halm")
_SEED = 20_050_101


@dataclass(frozen=True, slots=True)
class Category:
    """A category, its share of sales from January to December and how long things last."""

    key: str
    name: str
    path: str
    weight: float
    in_season: tuple[int, ...] = ()
    replenish_days: int | None = None


CATEGORIES = (
    Category("candles", "Candle", "/home/candles/", 1.2, (10, 11, 12)),
    Category("kitchen", "Kitchen set", "/home/kitchen/", 1.1),
    Category("textiles", "Throw", "/home/textiles/", 0.9, (10, 11)),
    Category("garden", "Planter", "/home/garden/", 0.7, (3, 4, 5, 6)),
    Category("coffee", "Coffee", "/pantry/coffee/", 1.3, (), 30),
    Category("chocolate", "Chocolate box", "/pantry/chocolate/", 0.8, (2, 11, 12)),
    Category("skincare", "Skin cream", "/care/skincare/", 1.0, (), 60),
    Category("bath", "Bath oil", "/care/bath/", 0.8, (12,), 45),
    Category("toys", "Wooden toy", "/play/toys/", 0.7, (11, 12)),
    Category("games", "Board game", "/play/games/", 0.6, (11, 12)),
    Category("gift-wrap", "Gift wrap", "/gifts/wrap/", 0.4, (11, 12)),
    Category("gift-cards", "Gift card", "/gifts/cards/", 0.3, (12,)),
)
_COUPONS = (("WELCOME10", 0.10), ("SPRING15", 0.15), ("FRIENDS20", 0.20))
_COUPON_SHARE = 0.12
_SEVERAL = 0.15  # lines with two or three of a thing
_SALE_MONTHS = (1, 7)
_FREE_SHIPPING, _SHIPPING = 50.0, 4.95


@dataclass(frozen=True, slots=True)
class Goods:
    """The products, category by category, cheapest first.

    Attributes:
        price: Regular prices in euros, shape (categories, `EACH`).
        launched: Seconds from the start of the window, often before it; same shape.
    """

    price: Floats
    launched: Ints


@dataclass(frozen=True, slots=True)
class Baskets:
    """Orders and their lines, prices in each order's own currency.

    Attributes:
        order: Which order a line belongs to, from 0.
        product: Its product: category times `EACH` plus place.
        coupon: Per order, the code's number from 1, or 0.
        goods: Per order, the sum of its lines.
    """

    order: Ints
    product: Ints
    quantity: Ints
    unit_paid: Floats
    unit_regular: Floats
    on_sale: npt.NDArray[np.bool_]
    coupon: Ints
    goods: Floats
    discount: Floats
    shipping: Floats


def goods() -> Goods:
    """The same goods in every demo."""
    random = np.random.default_rng(_SEED)
    spread = np.exp(np.linspace(np.log(1.5), np.log(240), EACH))
    price = np.ceil(spread * random.uniform(0.94, 1.06, (len(CATEGORIES), EACH)) * 2) / 2 - 0.05
    launched = -random.integers(30, 1500, price.shape) * 86_400
    late = np.arange(EACH) % _LATE == _LATE - 1
    launched[:, late] = random.integers(0, 600, (len(CATEGORIES), int(late.sum()))) * 86_400
    return Goods(np.round(price, 2), launched)


def product_key(product: int) -> str:
    """The key of a product by its number."""
    return f"p:{1001 + product}"


def product_name(product: int) -> str:
    """What the shop calls it."""
    category, place = divmod(product, EACH)
    return f"{_MAKES[place % 3]} {_KINDS[place // 3]} {CATEGORIES[category].name}"


def coupon_code(coupon: int) -> str | None:
    """The code a customer typed in, or None for 0."""
    return _COUPONS[coupon - 1][0] if coupon else None


def fill_baskets(
    random: np.random.Generator,
    stock: Goods,
    *,
    at: Ints,
    months: Ints,
    value: Floats,
    rate: Floats,
) -> Baskets:
    """Baskets whose totals come to about `value` each.

    Args:
        random: Decides what is in them.
        stock: What there is.
        at: When each order is placed, in seconds from the start of the window.
        months: The month of that, 1 to 12.
        value: What each order should cost in euros, shipping and discounts included.
        rate: Euros for one unit of the order's currency.
    """
    count = len(value)
    coupon = np.where(random.random(count) < _COUPON_SHARE, random.integers(1, 4, count), 0)
    off = np.array([0.0, *(share for _, share in _COUPONS)])[coupon]
    shipping = np.where(value < _FREE_SHIPPING, _SHIPPING, 0.0)
    wanted = np.maximum(value - shipping, 1.5) / (1 - off)
    order, share = _lines(random, value)
    sale = random.random(len(order)) < np.where(np.isin(months, _SALE_MONTHS), 0.45, 0.08)[order]
    cut = np.where(sale, random.choice((0.1, 0.2, 0.3), len(order)), 0.0)
    each = wanted[order] * share / (1 - cut)
    product = _products(random, stock, at[order], months[order], each)
    regular = stock.price.ravel()[product]
    quantity = np.maximum(1, np.rint(each / regular)).astype(np.int64)
    unit_regular = np.round(regular / rate[order], 2)
    unit_paid = np.round(unit_regular * (1 - cut), 2)
    total: Floats = np.round(np.bincount(order, unit_paid * quantity, count), 2)
    return Baskets(
        order=order,
        product=product,
        quantity=quantity,
        unit_paid=unit_paid,
        unit_regular=unit_regular,
        on_sale=sale,
        coupon=coupon,
        goods=total,
        discount=np.round(total * off, 2),
        shipping=np.round(shipping / rate, 2),
    )


def _lines(random: np.random.Generator, value: Floats) -> tuple[Ints, Floats]:
    """One to four lines an order, and each line's share of it."""
    most = np.where(value < 12, 1, np.where(value < 30, 2, 4))  # noqa: PLR2004 - euros a line
    lines = random.integers(1, most + 1)
    order: Ints = np.repeat(np.arange(len(value)), lines)
    weight = random.uniform(0.5, 1.5, len(order))
    return order, weight / np.bincount(order, weight, len(value))[order]


def _products(
    random: np.random.Generator, stock: Goods, at: Ints, months: Ints, each: Floats
) -> Ints:
    """A product for each line, of a category in season and nearest in price."""
    category = np.empty(len(each), dtype=np.int64)
    for month in range(1, 13):
        here = months == month
        weight = np.array([c.weight * (2.2 if month in c.in_season else 1.0) for c in CATEGORIES])
        category[here] = random.choice(len(CATEGORIES), int(here.sum()), p=weight / weight.sum())
    pieces = np.where(random.random(len(each)) < _SEVERAL, random.integers(2, 4, len(each)), 1)
    distance = np.abs(np.log(stock.price)[category] - np.log(each / pieces)[:, None])
    place = np.argmin(distance, axis=1)
    # Not on the shelf yet: its older neighbour, a little cheaper.
    place = place - (stock.launched[category, place] > at)
    return np.asarray(category * EACH + place, dtype=np.int64)


def launch_days(stock: Goods) -> list[timedelta]:
    """When each product came to the shop, from the start of the window."""
    return [timedelta(seconds=int(seconds)) for seconds in stock.launched.ravel()]
