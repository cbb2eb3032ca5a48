"""Carts: those that became orders, and those left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from syncd.demo.buying import CDNOW, Ints, order_values
from syncd.demo.draws import Draws
from syncd.demo.goods import Goods, fill_baskets, product_key
from syncd.demo.orders import OrderRows, home
from syncd.demo.people import DOMAINS, STORE, Customer, clean_email
from syncd.demo.schema import Row, stamp, stamps

PROSPECTS = 900_000_000  # numbers of people who are not customers begin here
_COMPLETED_CARTS = 0.6  # the rest ordered without leaving a cart


@dataclass(frozen=True, slots=True)
class CartRows:
    """Rows for `carts` and `cart_items`."""

    carts: list[Row]
    items: list[Row]


def completed_carts(draws: Draws, rows: OrderRows, *, since: datetime) -> CartRows:
    """Carts of the paid orders placed since then, completed as the order was placed."""
    earliest = stamp(since)
    carts: list[Row] = []
    kept: dict[str, str] = {}
    for order, at in zip(rows.orders, rows.placed_at, strict=True):
        order_key, customer, email, paid = str(order[0]), order[3], order[4], order[7]
        if at < earliest or not paid or not draws.chance(_COMPLETED_CARTS):
            continue
        kept[order_key] = cart_key = f"k:{order_key[2:]}"
        begun = datetime.fromisoformat(at) - timedelta(minutes=3 + draws.below(120))
        began = begun.strftime("%Y-%m-%d %H:%M:%S")
        carts.append((cart_key, STORE, customer, email, began, at, at, order[10], order[12]))
    items: list[Row] = [
        (kept[str(item[1])], item[2], item[3], item[6], item[8])
        for item in rows.items
        if item[1] in kept
    ]
    return CartRows(carts, items)


def open_carts(
    random: np.random.Generator,
    stock: Goods,
    owners: Sequence[Customer],
    *,
    start: datetime,
    at: Ints,
    first_number: int,
) -> CartRows:
    """Carts left behind: by customers, by guests who typed an address, by nobody known.

    Args:
        random: Decides what is in them.
        stock: What there is.
        owners: One for each cart; some of them come without logging in.
        start: The start of the shop's window.
        at: When each was last touched, in seconds after `start`.
        first_number: Kept apart from the numbers of all other open carts.
    """
    draws = Draws(random)
    updated = stamps(start, at)
    begun = stamps(start, at - random.integers(60, 7200, len(at)))
    months = np.array([int(text[5:7]) for text in updated], dtype=np.int64)
    who = np.arange(len(owners))
    value = order_values(random, len(owners), who, CDNOW)
    rate = np.array([home(owner).rate for owner in owners])
    baskets = fill_baskets(random, stock, at=at, months=months, value=value, rate=rate)
    keys = [f"k:open-{first_number + place}" for place in range(len(owners))]
    carts: list[Row] = []
    for place, owner in enumerate(owners):
        customer, email = _identity(draws, owner, first_number + place)
        moments = (begun[place], updated[place], None)
        total = float(baskets.goods[place])
        carts.append((keys[place], STORE, customer, email, *moments, home(owner).currency, total))
    items: list[Row] = [
        (keys[order], product_key(product), None, quantity, paid)
        for order, product, quantity, paid in zip(
            baskets.order.tolist(),
            baskets.product.tolist(),
            baskets.quantity.tolist(),
            baskets.unit_paid.tolist(),
            strict=True,
        )
    ]
    return CartRows(carts, items)


def _identity(draws: Draws, owner: Customer, number: int) -> tuple[str | None, str | None]:
    """Whose cart it says it is: a customer's key and e-mail address, or less."""
    how = draws.number()
    if how < 0.70:  # noqa: PLR2004 - logged in
        return owner.customer_key, owner.email
    if how < 0.78:  # noqa: PLR2004 - a customer who did not log in
        return None, owner.email
    if how < 0.94:  # noqa: PLR2004 - not a customer yet
        name = (owner.first_name or "", owner.last_name or "")
        return None, clean_email(name, PROSPECTS + number, draws.pick(DOMAINS))
    return None, None
