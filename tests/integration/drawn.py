"""A shop whose orders are drawn from a published model of buying, in the canonical tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from syncd.demo.buying import simulate
from syncd.segments.macros import day_number
from tests.integration.commands import email
from tests.integration.databases import Database, create_canonical
from tests.purchases import Purchase

ZONE = ZoneInfo("Europe/Amsterdam")
AS_OF = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
TODAY = day_number(AS_OF, ZONE)
DAYS = 730


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, as a plain list: whose, the day in the shop's zone, what it brought."""

    purchases: list[Purchase]

    def before(self, day: int) -> Drawn:
        """Without what was bought from that day on."""
        return Drawn([each for each in self.purchases if each[1] < day])


def draw(database: Database, customers: int = 3_000) -> Drawn:
    """Make the tables, and fill them with two years of orders that end with this moment."""
    create_canonical(database)
    _, drawn = simulate(np.random.default_rng(11), customers, np.arange(DAYS + 1) / 7)
    begin = AS_OF - timedelta(days=DAYS)
    orders: list[tuple[object, ...]] = []
    purchases: list[Purchase] = []
    for number, (who, at, value) in enumerate(
        zip(drawn.customer.tolist(), drawn.at.tolist(), drawn.value.tolist(), strict=True)
    ):
        moment, paid = begin + timedelta(seconds=at), max(round(value, 2), 0.01)
        text = f"{moment:%Y-%m-%d %H:%M:%S}"
        orders.append((f"o:{number}", f"c:{who:05}", True, text, f"{paid:.2f}", "0"))
        purchases.append((f"c:{who:05}", day_number(moment, ZONE), paid))
    names = ("order_key", "customer_key", "is_paid", "placed_at", "total_base", "refunded_base")
    database.load("orders", names, orders)
    database.load(
        "customers",
        ("customer_key", "email", "country", "deleted"),
        [(f"c:{who:05}", email(who), "NL", False) for who in range(customers)],
    )
    return Drawn(purchases)
