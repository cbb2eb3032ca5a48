"""When people buy and for how much, drawn from a published model of real buying.

BG/NBD (Fader, Hardie, Lee 2005) for the times: after the first purchase each customer
buys at a rate of their own and may stop for good after any further one. Gamma-Gamma for
the values. Both with the parameters fitted to the CDNOW customers, a week as unit.

Seasons bend the clock instead of thinning the purchases: the model runs in weeks that
are short when people buy much. That is the same process, and throws nothing away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# January to December: gifts in the last quarter. Monday to Sunday: from the sofa.
_MONTHS = (0.85, 0.85, 0.9, 0.95, 0.95, 0.9, 0.85, 0.85, 0.95, 1.1, 1.45, 1.6)
_WEEKDAYS = (1.1, 1.0, 1.0, 1.0, 0.95, 0.8, 1.15)
# Midnight to midnight, in the shop's hours.
_HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 14, 13, 12, 12, 12, 12, 13, 17, 20, 19, 13, 7)


@dataclass(frozen=True, slots=True)
class Model:
    """Parameters of BG/NBD (r, alpha, a, b) and Gamma-Gamma (p, q, v), weeks as unit."""

    r: float
    alpha: float
    a: float
    b: float
    p: float
    q: float
    v: float

    @property
    def mean_value(self) -> float:
        """What an order is worth on average, in the currency of `v`."""
        return self.p * self.v / (self.q - 1)


CDNOW = Model(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258, p=6.249, q=3.745, v=15.448)


@dataclass(frozen=True, slots=True)
class Purchases:
    """Purchases in order of time.

    Attributes:
        customer: Whose, counted from 0.
        at: Seconds since the start of the window.
        value: In euros.
    """

    customer: Ints
    at: Ints
    value: Floats


def season_clock(start: date, days: int) -> Floats:
    """How many of the model's weeks have gone by at each midnight, `days + 1` of them.

    Over the whole window the model's weeks are as many as the calendar's.
    """
    every = [start + timedelta(days=at) for at in range(days)]
    busy = np.array([_MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()] for day in every])
    clock = np.concatenate(([0.0], np.cumsum(busy)))
    return np.asarray(clock * (days / 7) / clock[-1], dtype=np.float64)


def simulate(
    random: np.random.Generator, customers: int, clock: Floats, model: Model = CDNOW
) -> tuple[Floats, Purchases]:
    """All purchases of `customers` who each buy first at some moment of the window.

    Returns:
        When each bought first, in the model's weeks, and every purchase.
    """
    first = random.random(customers) * clock[-1]
    customer, weeks = _purchase_times(random, first, float(clock[-1]), model)
    day = np.minimum(np.searchsorted(clock, weeks, side="right") - 1, len(clock) - 2)
    seconds = day * 86_400 + seconds_of_day(random, len(day))
    order = np.lexsort((customer, seconds))
    value = order_values(random, customers, customer, model)
    return first, Purchases(customer[order], seconds[order], value[order])


def _purchase_times(
    random: np.random.Generator, first: Floats, end: float, model: Model
) -> tuple[Ints, Floats]:
    rate = random.gamma(model.r, 1 / model.alpha, len(first))
    stops = random.beta(model.a, model.b, len(first))
    active: Ints = np.arange(len(first))
    now = first.copy()
    who, when = [active], [now]
    while len(active):
        # A rate may come out as 0: such a one never buys again.
        with np.errstate(divide="ignore"):
            now = now + random.standard_exponential(len(active)) / rate[active]
        bought = now < end
        active, now = active[bought], now[bought]
        who.append(active)
        when.append(now)
        stays = random.random(len(active)) >= stops[active]
        active, now = active[stays], now[stays]
    return np.concatenate(who), np.concatenate(when)


def order_values(
    random: np.random.Generator, customers: int, customer: Ints, model: Model = CDNOW
) -> Floats:
    """The value of each order, in euros; one customer's orders resemble each other."""
    scale = random.gamma(model.q, 1 / model.v, customers)
    return random.gamma(model.p, 1.0, len(customer)) / scale[customer]


def seconds_of_day(random: np.random.Generator, count: int) -> Ints:
    """Moments of a day, most of them in the evening."""
    share = np.array(_HOURS) / sum(_HOURS)
    return random.choice(24, count, p=share) * 3600 + random.integers(0, 3600, count)
