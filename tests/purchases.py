"""Purchases as scored segments see them, worked out plainly, one customer after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from syncd.segments.scored.histories import Histories

DATA = Path(__file__).resolve().parents[1].parent / "shared/data"

# Whose, the day as a number, and what it brought.
Purchase = tuple[object, int, float]


def histories(
    purchases: Iterable[Purchase], *, until: int, end: int, unit: float = 1.0
) -> Histories:
    """What is known at the beginning of day `until`, and who bought from then to before `end`.

    Args:
        purchases: In any order; several of one day are one.
        until: What is later is kept from the model.
        end: What is later still is not seen at all.
        unit: Days in the model's unit of time.
    """
    found = known(purchases, until=until, end=end, unit=unit)
    return Histories(*np.array(list(found.values()), dtype=np.float64).T)


def known(
    purchases: Iterable[Purchase], *, until: int, end: int, unit: float = 1.0
) -> dict[object, tuple[float, ...]]:
    """The same, a row by whose it is."""
    days: dict[object, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for who, day, paid in purchases:
        days[who][day] += paid
    rows: dict[object, tuple[float, ...]] = {}
    for who, mine in days.items():
        before = sorted(day for day in mine if day < until)
        if before:
            first, *again = before
            later = sum(until <= day < end for day in mine)
            spent = sum(mine[day] for day in again)
            recency = (before[-1] - first) / unit
            brought = sum(paid for day, paid in mine.items() if until <= day < end)
            rows[who] = (len(again), recency, (until - first) / unit, spent, later, brought)
    return rows
