"""What a control group says: how much more the exposed bought, and how sure that is.

Figures a head are compared by Welch's interval for means of unequal variances (Welch 1947), shares
of buyers by Newcombe's hybrid score interval, method 10 (Newcombe 1998, Statistics in Medicine 17,
873-890), which is made of Wilson's intervals of the two shares (Wilson 1927). What a mean is of
another has Fieller's interval (Fieller 1954, J. R. Stat. Soc. B 16, 175-185), with the degrees of
freedom of Welch's, so that the two never disagree on whether chance may be all. All are two-sided,
95 %. They are exact for nobody: an interval that holds zero says that chance may be all there is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

_LEVEL = 0.95
_Z = NormalDist().inv_cdf(0.5 + _LEVEL / 2)
Amounts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it may truly lie, at 95 %."""

    value: float
    low: float
    high: float

    @property
    def by_chance(self) -> bool:
        """Whether nothing at all lies inside, so that chance may be all there is."""
        return self.low <= 0 <= self.high

    def times(self, factor: float) -> Interval:
        """The same, of so many."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of the comparison.

    Attributes:
        members: Who is in it.
        buyers: Those of them with an order.
        orders: Of all of them.
        revenue: Net of refunds, in the currency that the shop compares amounts in.
        conversion: Share of buyers, with Wilson's interval.
    """

    members: int
    buyers: int
    orders: int
    revenue: float
    conversion: Interval


@dataclass(frozen=True, slots=True)
class Lift:
    """The exposed against the control.

    Attributes:
        exposed, control: The two arms.
        conversion: What the exposed have more in the share of buyers, in points of 1.
        orders, revenue: Likewise in orders and revenue a head.
        more_orders, more_revenue: What that comes to for all of the exposed.
        relative: The exposed's revenue a head as a multiple of the control's, less 1; None where
            the control bought nothing.
        times_orders, times_revenue: What the exposed have more a head, as a share of what the
            control has; None where the control's own figure may be nothing, so that no share of
            it is certain.
    """

    exposed: Arm
    control: Arm
    conversion: Interval
    orders: Interval
    revenue: Interval
    more_orders: Interval
    more_revenue: Interval
    relative: float | None
    times_orders: Interval | None = None
    times_revenue: Interval | None = None


def lift(exposed: tuple[Amounts, Amounts], control: tuple[Amounts, Amounts]) -> Lift:
    """Compare two arms.

    Args:
        exposed: Orders and revenue of each member, a number each.
        control: Likewise; both arms have two members at least.

    Raises:
        ValueError: An arm has fewer; our bug.
    """
    if min(len(exposed[0]), len(control[0])) < 2:  # noqa: PLR2004 - of one nothing varies
        raise ValueError("an arm needs two members at least")
    ours, theirs = _arm(*exposed), _arm(*control)
    orders, revenue = welch(exposed[0], control[0]), welch(exposed[1], control[1])
    base = theirs.revenue / theirs.members
    return Lift(
        exposed=ours,
        control=theirs,
        conversion=newcombe(ours.buyers, ours.members, theirs.buyers, theirs.members),
        orders=orders,
        revenue=revenue,
        more_orders=orders.times(ours.members),
        more_revenue=revenue.times(ours.members),
        relative=revenue.value / base if base > 0 else None,
        times_orders=fieller(exposed[0], control[0]),
        times_revenue=fieller(exposed[1], control[1]),
    )


def _arm(orders: Amounts, revenue: Amounts) -> Arm:
    members, buyers = len(orders), int(np.count_nonzero(orders))
    return Arm(
        members=members,
        buyers=buyers,
        orders=int(orders.sum()),
        revenue=float(revenue.sum()),
        conversion=wilson(buyers, members),
    )


def wilson(hits: int, of: int) -> Interval:
    """A share, with its score interval."""
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0))


def newcombe(hits: int, of: int, other_hits: int, of_other: int) -> Interval:
    """What a share is more than another of independent people."""
    one, other = wilson(hits, of), wilson(other_hits, of_other)
    difference = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return Interval(difference, difference - below, difference + above)


def welch(one: Amounts, other: Amounts) -> Interval:
    """What a mean is more than another of independent people, whose spread may differ."""
    difference = float(one.mean() - other.mean())
    parts = _spreads(one, other)
    error = math.sqrt(sum(parts))
    if not error:
        return Interval(difference, difference, difference)
    half = _point(parts, (len(one), len(other))) * error
    return Interval(difference, difference - half, difference + half)


def fieller(one: Amounts, other: Amounts) -> Interval | None:
    """What a mean is more than another of independent people, as a share of the other.

    Returns:
        None where the other may be nothing, or less: then no share has an end.
    """
    above, below = float(one.mean()), float(other.mean())
    parts = _spreads(one, other)
    if below <= 0:
        return None
    share = above / below
    if not sum(parts):
        return Interval(share - 1, share - 1, share - 1)
    point = _point(parts, (len(one), len(other)))
    doubt = point * point * parts[1] / (below * below)
    if doubt >= 1:
        return None
    half = point / below * math.sqrt(parts[0] * (1 - doubt) + share * share * parts[1])
    least, most = ((share - half) / (1 - doubt), (share + half) / (1 - doubt))
    return Interval(share - 1, least - 1, most - 1)


def _spreads(one: Amounts, other: Amounts) -> list[float]:
    """The variance of either mean."""
    return [float(each.var(ddof=1)) / len(each) for each in (one, other)]


def _point(parts: Sequence[float], lengths: tuple[int, int]) -> float:
    """Student's point by Welch and Satterthwaite's degrees of freedom; not both parts are 0."""
    # By the larger one: the square of a very small one is nothing.
    scaled = [part / max(parts) for part in parts]
    freedom = sum(scaled) ** 2 / sum(
        part * part / (length - 1) for part, length in zip(scaled, lengths, strict=True)
    )
    return student(freedom)


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t for real degrees of freedom, at least 1.

    Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5): right to three digits from 5
    degrees on, which arms of any use have; below that the points themselves, and between them
    the larger one.
    """
    few = (12.7062, 4.3027, 3.1824, 2.7764)
    if freedom < len(few) + 1:
        return few[max(int(freedom), 1) - 1]
    terms: Sequence[tuple[float, Sequence[int]]] = (
        (4, (1, 1)),
        (96, (5, 16, 3)),
        (384, (3, 19, 17, -15)),
        (92_160, (79, 776, 1_482, -1_920, -945)),
    )
    found = _Z
    for number, (divisor, factors) in enumerate(terms, 1):
        highest = 2 * number + 1
        powers = (highest - 2 * place for place in range(len(factors)))
        top = sum(factor * _Z**power for factor, power in zip(factors, powers, strict=True))
        found += top / (divisor * freedom**number)
    return found
