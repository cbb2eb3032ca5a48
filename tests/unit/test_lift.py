"""The arithmetic of a lift, against published figures and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.segments.lift import fieller, lift, newcombe, student, welch, wilson

stats = pytest.importorskip("scipy.stats", reason="scipy is of the extra `scored`")


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_a_share_has_the_published_score_interval(
    hits: int, of: int, low: float, high: float
) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I."""
    found = wilson(hits, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((5, 56, 0, 29), -0.0381, 0.1926),
    ],
)
def test_two_shares_differ_as_published(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe 1998, "Interval estimation for the difference", table II, method 10."""
    found = newcombe(*counts)
    assert (round(found.low, 4), round(min(found.high, 1.0), 4)) == (low, high)


@pytest.mark.parametrize("freedom", [5, 6, 8.5, 10, 15, 30, 57.3, 120, 10_000])
def test_students_point_is_the_tables(freedom: float) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-3)


@given(st.floats(1, 5))
def test_few_degrees_of_freedom_are_never_taken_for_more(freedom: float) -> None:
    assert student(freedom) >= stats.t.ppf(0.975, freedom) - 1e-3


@pytest.mark.filterwarnings("ignore:Precision loss")  # of theirs, where all are alike
@given(
    st.lists(st.floats(0, 1e4), min_size=2, max_size=60),
    st.lists(st.floats(0, 1e4), min_size=2, max_size=60),
)
def test_means_differ_as_another_library_says(one: list[float], other: list[float]) -> None:
    ours = welch(np.array(one), np.array(other))
    if ours.low == ours.high:
        return
    theirs = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    width = theirs.high - theirs.low
    # Below five degrees of freedom ours is wider, never narrower.
    assert ours.low <= theirs.low + 1e-3 * width
    assert ours.high >= theirs.high - 1e-3 * width
    assert ours.value == pytest.approx((theirs.low + theirs.high) / 2, abs=1e-6 * width + 1e-9)


def test_an_effect_of_nothing_is_found_as_often_as_the_level_says() -> None:
    """Two thousand tests without any effect: zero lies outside in about 5 % of them."""
    random = np.random.default_rng(20_261_128)
    wrong = {"revenue": 0, "conversion": 0}
    for _ in range(2_000):
        arms = []
        for members in (1_900, 100):
            orders = random.poisson(0.3, members).astype(np.float64)
            arms.append((orders, orders * random.gamma(2.0, 20.0, members)))
        found = lift(*arms)
        wrong["revenue"] += not found.revenue.by_chance
        wrong["conversion"] += not found.conversion.by_chance
    assert all(70 <= count <= 150 for count in wrong.values()), wrong


def test_what_the_arms_bought_is_added_up() -> None:
    exposed = (np.array([0.0, 1, 2, 1]), np.array([0.0, 10, 30, 20]))
    control = (np.array([0.0, 1, 0, 0]), np.array([0.0, 20, 0, 0]))
    found = lift(exposed, control)
    assert (found.exposed.members, found.exposed.buyers, found.exposed.orders) == (4, 3, 4)
    assert (found.exposed.revenue, found.control.revenue) == (60, 20)
    assert (found.revenue.value, found.more_revenue.value) == (10, 40)
    assert (found.orders.value, found.more_orders.value) == (0.75, 3)
    assert found.conversion.value == 0.5
    assert found.relative == 2
    assert found.revenue.by_chance
    assert lift(exposed, (np.zeros(3), np.zeros(3))).relative is None


@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=60),
    st.lists(st.integers(0, 50), min_size=2, max_size=60),
)
def test_a_share_and_a_difference_agree_on_chance(one: list[int], other: list[int]) -> None:
    """Fieller's interval holds no difference if and only if Welch's does."""
    arms = np.array(one, np.float64), np.array(other, np.float64)
    share, difference = fieller(*arms), welch(*arms)
    if share is None:
        return
    assert share.low <= share.value <= share.high
    # At the very edge the two are one equation, solved on two ways.
    near = min(abs(difference.low), abs(difference.high)) < 1e-9 * (1 + abs(difference.value))
    assert near or share.by_chance == difference.by_chance


def test_a_share_of_a_mean_has_fiellers_interval() -> None:
    """By hand: means 6 and 4, each with a variance of the mean of 0.25, and the point is t."""
    one = np.array([5.0, 6.0, 7.0, 5.5, 6.5, 6.0])
    other = one - 2
    found = fieller(one, other)
    assert found is not None
    variance = float(one.var(ddof=1)) / 6
    point = student(10)
    # The ends are where a share r makes (6 - 4 r)^2 = t^2 (v + r^2 v).
    for end in (found.low + 1, found.high + 1):
        assert (6 - 4 * end) ** 2 == pytest.approx(point**2 * variance * (1 + end**2))


def test_a_spread_of_hardly_anything_is_one() -> None:
    """Its square is nothing to a float."""
    one, other = np.array([0.0, 1e-100]), np.array([0.0, 0.0])
    found = welch(one, other)
    assert found.low < found.value < found.high


def test_where_the_control_may_have_bought_nothing_no_share_of_it_is_told() -> None:
    few = np.array([0.0] * 30 + [1.0])
    assert fieller(np.array([1.0, 2.0, 3.0]), few) is None
    assert fieller(np.array([1.0, 2.0]), np.zeros(5)) is None
    assert lift((few, few), (few, few)).times_orders is None


def test_a_share_lies_where_its_interval_says_as_often_as_the_level_says() -> None:
    """Of two thousand tests whose true share is a quarter more, about 95 % hold it."""
    random = np.random.default_rng(20_261_128)
    inside = 0
    for _ in range(2_000):
        one, other = random.poisson(0.5, 900), random.poisson(0.4, 300)
        found = fieller(one.astype(np.float64), other.astype(np.float64))
        assert found is not None
        inside += found.low <= 0.25 <= found.high
    assert 1_870 <= inside <= 1_930
