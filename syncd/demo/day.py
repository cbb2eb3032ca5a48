"""One day in the demo's shop."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from syncd.demo.buying import CDNOW, Ints, order_values, seconds_of_day
from syncd.demo.carts import open_carts
from syncd.demo.consents import consent, consent_rows
from syncd.demo.draws import Draws
from syncd.demo.goods import Goods, goods
from syncd.demo.orders import OrderRows, Placed, make_orders
from syncd.demo.people import DOMAINS, Customer, clean_email, make_people
from syncd.demo.schema import count, in_utc, insert, stamp, stamps
from syncd.demo.shop import window_start
from syncd.errors import ShopError

DAY = timedelta(days=1)
CART_WINDOW = timedelta(days=14)  # after which a left cart counts as given up
LONG_AWAY = timedelta(days=365)

# Shares of the customers with an account to whom it happens in the day.
_NEW = 0.004
_DELETED = 0.002
_MOVED = 0.018
_WITHDRAWN = 0.005
_GRANTED = 0.002
_UNSUBSCRIBED = 0.003
_SHARED = 0.001
_ORDERED_AGAIN = 0.003
_RETURNED = 0.001
_CARTS_LEFT = 0.004
_COMPLETED = 0.2  # of the open carts of the last 14 days
_NEW_WITHOUT_ORDER = 0.15


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What happened in a day, as counts.

    Nobody is counted in two of the last six: who is deleted, for one, changes nothing else.

    Attributes:
        new_customers: Joined, guests included.
        orders: All orders of the day, every one paid.
        returned: Customers who ordered after more than a year away.
        carts_left: Carts begun and not completed.
        carts_completed: Left carts that became an order after all.
        carts_lapsed: Open carts that were last touched 14 days ago.
        deleted: Customers whose account was deleted.
        emails_changed: Customers with another e-mail address than the day before.
        consents_withdrawn: Customers who no longer grant consent to advertising.
        consents_granted: Customers who now grant it and did not.
        newsletters_left: Customers who no longer want e-mail.
        phones_shared: Customers who now give the phone number of another customer.
    """

    new_customers: int
    orders: int
    returned: int
    carts_left: int
    carts_completed: int
    carts_lapsed: int
    deleted: int
    emails_changed: int
    consents_withdrawn: int
    consents_granted: int
    newsletters_left: int
    phones_shared: int


@dataclass(frozen=True, slots=True)
class _Day:
    """What every part of the day works with."""

    shop: sqlite3.Connection
    random: np.random.Generator
    draws: Draws
    stock: Goods
    start: datetime
    end: datetime

    @property
    def begin(self) -> datetime:
        return self.end - DAY

    def moments(self, number: int) -> Ints:
        """Moments of the day, ascending, in seconds after `start`."""
        first = int((self.begin - self.start).total_seconds())
        begun = self.begin.hour * 3600 + self.begin.minute * 60 + self.begin.second
        hours = (seconds_of_day(self.random, number) - begun) % 86_400
        return np.sort(first + hours)

    def instant(self) -> datetime:
        """One moment of the day."""
        return self.begin + timedelta(seconds=self.draws.below(86_400))

    def some(self, people: Sequence[Customer], number: int) -> list[Customer]:
        """So many of them, nobody twice; all where there are fewer."""
        chosen = self.random.permutation(len(people))[:number]
        return [people[at] for at in chosen.tolist()]


def let_a_day_pass(path: Path, *, as_of: datetime, seed: int) -> DayFacts:
    """Let the day that ends at `as_of` happen in the shop, whole or not at all.

    Args:
        path: A shop that `make_shop` made.
        as_of: When the day is over: everything in it happens in the 24 hours before.
        seed: Equal shops, moments and seeds make equal days.

    Raises:
        ShopError: There is no shop at `path`.
        ValueError: `as_of` has no zone.
    """
    end = in_utc(as_of)
    if not path.is_file():
        raise ShopError(f"there is no shop at {path}: make one first")
    random = np.random.default_rng((seed, int(end.timestamp())))
    with closing(sqlite3.connect(path)) as shop, shop:
        return _pass(_Day(shop, random, Draws(random), goods(), window_start(end), end))


def _pass(day: _Day) -> DayFacts:
    with_account = _customers(day, "NOT deleted AND NOT is_guest")
    everybody = len(with_account)
    withdrawing = _answering(day, with_account, "ads", {"granted"}, _WITHDRAWN)
    granting = _answering(day, with_account, "ads", {None, "pending", "unknown"}, _GRANTED)
    leaving = _answering(day, with_account, "email", {"granted"}, _UNSUBSCRIBED)
    busy = {person.customer_key for person in (*withdrawing, *granting, *leaving)}
    others = [person for person in with_account if person.customer_key not in busy]
    others = day.some(others, len(others))
    gone, rest = _split(others, _DELETED * everybody)
    with_email = [person for person in rest if "@example" in (person.email or "")]
    moved, _ = _split(with_email, _MOVED * everybody)
    changed = {person.customer_key for person in moved}
    still = [person for person in rest if person.customer_key not in changed]
    lapsed = _lapsed(day)
    joined = _join(day, everybody)
    completed = _completions(day)
    returned = _silent(day)
    again = _active(day, everybody, {person.customer_key for person in returned})
    orders = _order(day, joined.buying, completed, returned, again)
    _answer(day, withdrawing, "ads", "denied")
    _answer(day, granting, "ads", "granted")
    _answer(day, leaving, "email", "denied")
    return DayFacts(
        new_customers=joined.people,
        orders=len(orders.orders),
        returned=len(returned),
        carts_left=_leave_carts(day, everybody),
        carts_completed=len(completed),
        carts_lapsed=lapsed,
        deleted=_delete(day, gone),
        emails_changed=_change_emails(day, moved),
        consents_withdrawn=len(withdrawing),
        consents_granted=len(granting),
        newsletters_left=len(leaving),
        phones_shared=_share_phones(day, still, max(1, round(_SHARED * everybody))),
    )


def _split(people: list[Customer], share: float) -> tuple[list[Customer], list[Customer]]:
    number = max(1, round(share))
    return people[:number], people[number:]


def _customers(day: _Day, where: str, *parameters: str) -> list[Customer]:
    columns = ", ".join(Customer._fields)
    sql = f"SELECT {columns} FROM customers WHERE {where} ORDER BY customer_key"
    return [Customer(*row) for row in day.shop.execute(sql, parameters)]


# --- who they are, and what they allow ------------------------------------------


def _answering(
    day: _Day, people: list[Customer], channel: str, states: set[str | None], share: float
) -> list[Customer]:
    """Some of the people whose latest answer is one of these."""
    sql = "SELECT customer_key, state FROM consents WHERE channel = ? ORDER BY changed_at"
    latest: dict[str, str] = dict(day.shop.execute(sql, (channel,)).fetchall())
    able = [person for person in people if latest.get(person.customer_key) in states]
    return day.some(able, max(1, round(share * len(people))))


def _answer(day: _Day, people: list[Customer], channel: str, state: str) -> None:
    rows = [consent(person, channel, state, day.instant(), "account") for person in people]
    insert(day.shop, "consents", rows)


def _delete(day: _Day, people: list[Customer]) -> int:
    keys = [(person.customer_key,) for person in people]
    sql = "UPDATE customers SET deleted = 1 WHERE customer_key = ?"
    return day.shop.executemany(sql, keys).rowcount


def _change_emails(day: _Day, people: list[Customer]) -> int:
    """A new address in the account; orders and answers keep the one they were given with."""
    rows = [
        (
            clean_email(
                (person.first_name or "", person.last_name or ""),
                day.draws.below(2**32),
                day.draws.pick(DOMAINS),
            ),
            person.customer_key,
        )
        for person in people
    ]
    return day.shop.executemany(
        "UPDATE customers SET email = ? WHERE customer_key = ?", rows
    ).rowcount


def _share_phones(day: _Day, people: list[Customer], number: int) -> int:
    """Customers take the number of another of their country, who keeps it."""
    by_country: dict[str, list[Customer]] = {}
    for person in people:
        if person.country is not None:
            by_country.setdefault(person.country, []).append(person)
    rows: list[tuple[str, str]] = []
    for _, neighbours in sorted(by_country.items()):
        with_phone = [
            person for person in neighbours if len(person.phone or "") > len("0000000000")
        ]
        givers, takers = with_phone[::2], with_phone[1::2]
        rows += [
            (str(giver.phone), taker.customer_key)
            for giver, taker in zip(givers, takers, strict=False)
            if giver.phone != taker.phone
        ]
    chosen = [rows[at] for at in day.random.permutation(len(rows))[:number].tolist()]
    return day.shop.executemany(
        "UPDATE customers SET phone = ? WHERE customer_key = ?", chosen
    ).rowcount


# --- who joins, and who buys -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Joined:
    people: int
    buying: list[Customer]


def _join(day: _Day, everybody: int) -> _Joined:
    """New customers; most of them come with their first order."""
    number = max(2, round(_NEW * everybody))
    came = day.moments(number)
    buys = (day.random.random(number) >= _NEW_WITHOUT_ORDER).tolist()
    first = count(day.shop, "SELECT max(CAST(source_id AS INTEGER)) + 1 FROM customers")
    people = make_people(day.random, stamps(day.start, came), first_number=first, may_be_guest=buys)
    insert(day.shop, "customers", people)
    since = [day.start + timedelta(seconds=at) for at in came.tolist()]
    insert(day.shop, "consents", consent_rows(day.draws, people, since, day.end))
    return _Joined(number, [person for person, buying in zip(people, buys, strict=True) if buying])


def _silent(day: _Day) -> list[Customer]:
    """Customers who come back after more than a year."""
    where = (
        "NOT deleted AND customer_key IN (SELECT customer_key FROM orders WHERE is_paid"
        " GROUP BY customer_key HAVING max(placed_at) < ?)"
    )
    people = _customers(day, where, stamp(day.end - LONG_AWAY - DAY))
    return day.some(people, max(1, round(_RETURNED * len(people) * 2)))


def _active(day: _Day, everybody: int, not_these: set[str]) -> list[Customer]:
    where = "NOT deleted AND customer_key IN (SELECT customer_key FROM orders WHERE placed_at >= ?)"
    people = _customers(day, where, stamp(day.end - timedelta(days=180)))
    able = [person for person in people if person.customer_key not in not_these]
    return day.some(able, round(_ORDERED_AGAIN * everybody))


def _order(day: _Day, *groups: list[Customer]) -> OrderRows:
    buyers = [person for group in groups for person in group]
    buyers = day.some(buyers, len(buyers))
    at = day.moments(len(buyers))
    value = order_values(day.random, len(buyers), np.arange(len(buyers)), CDNOW)
    first = count(day.shop, "SELECT max(CAST(source_id AS INTEGER)) + 1 FROM orders")
    placed = Placed(buyers, day.start, at, value, np.ones(len(buyers), dtype=np.bool_))
    rows = make_orders(day.random, day.stock, placed, first_number=first)
    insert(day.shop, "orders", rows.orders)
    insert(day.shop, "order_items", rows.items)
    return rows


# --- carts -----------------------------------------------------------------------


def _completions(day: _Day) -> list[Customer]:
    """Complete some left carts; returns whose, each of whom orders today."""
    sql = (
        "SELECT min(cart_key), customer_key FROM carts JOIN customers USING (customer_key)"
        " WHERE completed_at IS NULL AND NOT deleted AND updated_at BETWEEN ? AND ?"
        " GROUP BY customer_key ORDER BY customer_key"
    )
    window = (stamp(day.end - CART_WINDOW), stamp(day.begin))
    carts = day.shop.execute(sql, window).fetchall()
    chosen = day.random.permutation(len(carts))[: max(1, round(_COMPLETED * len(carts)))]
    owners = [carts[at] for at in chosen.tolist()]
    moment = [stamp(day.instant()) for _ in owners]
    day.shop.executemany(
        "UPDATE carts SET completed_at = ?, updated_at = ? WHERE cart_key = ?",
        [(at, at, cart) for at, (cart, _) in zip(moment, owners, strict=True)],
    )
    keys = {key for _, key in owners}
    people = {p.customer_key: p for p in _customers(day, "NOT deleted") if p.customer_key in keys}
    return [people[key] for _, key in owners]


def _lapsed(day: _Day) -> int:
    """Open carts that leave the window by nothing but time."""
    end = day.end - CART_WINDOW
    sql = (
        "SELECT count(*) FROM carts"
        " WHERE completed_at IS NULL AND updated_at > ? AND updated_at <= ?"
    )
    return count(day.shop, sql, stamp(end - DAY), stamp(end))


def _leave_carts(day: _Day, everybody: int) -> int:
    people = _customers(day, "NOT deleted")
    owners = day.some(people, max(2, round(_CARTS_LEFT * everybody)))
    first = count(day.shop, "SELECT count(*) + 1 FROM carts WHERE cart_key LIKE 'k:open-%'")
    at = day.moments(len(owners))
    rows = open_carts(day.random, day.stock, owners, start=day.start, at=at, first_number=first)
    insert(day.shop, "carts", rows.carts)
    insert(day.shop, "cart_items", rows.items)
    return len(rows.carts)
