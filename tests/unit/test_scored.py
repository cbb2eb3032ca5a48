"""Models of buying: the published fits, the days kept from them, and what they may never say."""

from __future__ import annotations

from datetime import date

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.demo.buying import CDNOW, simulate
from syncd.errors import Unfitted
from syncd.segments.scored.buying import Buying, fit_buying
from syncd.segments.scored.histories import Histories
from syncd.segments.scored.judging import (
    Judgement,
    auc,
    basket_objection,
    judged,
    ranks_baskets,
    too_few,
)
from syncd.segments.scored.spending import Spending, fit_spending, tie
from syncd.segments.scored.training import train
from tests.purchases import DATA, histories

PUBLISHED = Buying(0.2426, 4.4135, 0.7929, 2.4258)
CDNOW_FILE = DATA / "cdnow/transactions.parquet"
UCI_FILE = DATA / "uci_online_retail/lines.parquet"

counts = st.integers(0, 1000)
times = st.floats(0.0, 1000.0)


def one(frequency: float, recency: float, age: float) -> Histories:
    return Histories(*(np.array([cell]) for cell in (frequency, recency, age, 0.0, 0.0)))


def test_the_papers_forecast_of_one_customer() -> None:
    """Who bought twice again, last in week 30.43 of 38.86, in the next 39 weeks."""
    found = PUBLISHED.expected(one(2, 30.43, 38.86), 39)
    assert found[0] == pytest.approx(1.226, abs=5e-4)


@pytest.mark.shared_data
@pytest.mark.skipif(not CDNOW_FILE.exists(), reason="needs ../shared/data/cdnow")
def test_all_of_cdnow_gives_what_lifetimes_finds_in_it() -> None:
    """The whole cohort, of which the papers used a tenth, with 39 weeks to learn from."""
    rows = duckdb.execute(
        "SELECT customer_id, CAST(date AS DATE) - DATE '1997-01-01', usd FROM read_parquet(?)",
        [str(CDNOW_FILE)],
    ).fetchall()
    until, end = (date(1997, 10, 1) - date(1997, 1, 1)).days, 546
    cohort = histories(rows, until=until, end=end, unit=7)
    assert len(cohort) == 23_570
    found, money = fit_buying(cohort), fit_spending(cohort)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx(
        [0.25066, 4.7650, 0.74602, 2.2160], rel=1e-4
    )
    assert [money.p, money.q, money.v] == pytest.approx([6.2753, 3.6245, 14.984], rel=1e-4)
    assert tie(cohort) < 0.3
    verdict = judged(
        found.chance(cohort, 39),
        found.expected(cohort, (end - until) / 7),
        cohort.frequency,
        cohort.later,
    )
    assert verdict.auc == pytest.approx(0.746, abs=5e-4)
    assert not verdict.objection


@pytest.mark.shared_data
@pytest.mark.skipif(not UCI_FILE.exists(), reason="needs ../shared/data/uci_online_retail")
def test_the_gift_shops_next_half_year_is_foretold() -> None:
    """What `segments.md` measured of it, with weeks as unit."""
    rows = duckdb.execute(
        """
        SELECT customer_id, CAST(invoice_ts AS DATE) - DATE '2009-12-01',
               CAST(quantity * unit_price AS DOUBLE)
        FROM read_parquet(?)
        WHERE customer_id IS NOT NULL AND NOT is_cancellation AND quantity > 0
          AND unit_price > 0 AND regexp_matches(stock_code, '^[0-9]{5}')
        """,
        [str(UCI_FILE)],
    ).fetchall()
    until = (date(2011, 6, 10) - date(2009, 12, 1)).days
    shop = histories(rows, until=until, end=until + 183, unit=7)
    found = fit_buying(shop)
    expected = found.expected(shop, 183 / 7)
    verdict = judged(expected, expected, shop.frequency, shop.later)
    assert (verdict.buyers, verdict.made) == (4_944, 7_753)
    assert verdict.base_rate == pytest.approx(0.520, abs=5e-4)
    assert verdict.auc == pytest.approx(0.806, abs=5e-4)
    assert verdict.top_rate == pytest.approx(0.953, abs=1e-3)
    assert verdict.foretold == pytest.approx(7_632, rel=0.01)  # it counts a history's last day
    assert not verdict.objection
    whole = train(shop, holdout=183 / 7)
    assert whole.figures["tie"] == pytest.approx(0.081, abs=5e-4)
    assert whole.figures["revenue_made"] == pytest.approx(4_534_820, abs=1)
    assert whole.figures["revenue_foretold"] == pytest.approx(3_683_483, rel=1e-3)
    assert whole.figures["basket_auc"] > 0.65
    assert (whole.objection, whole.money) == ("", "")
    # The last month's season is more than any model without seasons can tell: it is refused.
    november = histories(rows, until=until + 153, end=until + 183)
    refused = train(november, holdout=30)
    assert "it foretold 1,424 days with a purchase and 2,229 were made" in refused.objection


def test_a_shop_drawn_from_the_model_gives_back_what_it_was_drawn_with() -> None:
    """The demo's orders are drawn so; here without seasons, for two years."""
    days = 730
    _, drawn = simulate(np.random.default_rng(7), 40_000, np.arange(days + 1) / 7)
    when = (drawn.at // 86_400).tolist()
    rows = zip(drawn.customer.tolist(), when, drawn.value.tolist(), strict=True)
    shop = histories(rows, until=days, end=days, unit=7)
    found, money = fit_buying(shop), fit_spending(shop)
    assert [found.r, found.alpha, found.a, found.b] == pytest.approx(
        [CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b], rel=0.1
    )
    assert [money.p, money.q, money.v] == pytest.approx([CDNOW.p, CDNOW.q, CDNOW.v], rel=0.1)
    whole = money.p * money.v / (money.q - 1)
    assert whole == pytest.approx(CDNOW.mean_value, rel=0.02)


@given(x=counts, recency=times, since=times, time=st.floats(0.1, 500.0))
def test_a_forecast_is_a_number_that_can_be(
    x: int, recency: float, since: float, time: float
) -> None:
    """Also of who bought a thousand times, where the paper's own form has no digits left."""
    who = one(x, recency if x else 0.0, recency + since)
    for model in (PUBLISHED, Buying(0.7, 60.0, 1.0, 3.0), Buying(2.0, 9.0, 2.5, 40.0)):
        (alive,), (chance,) = model.alive(who), model.chance(who, time)
        (expected,), (longer,) = model.expected(who, time), model.expected(who, 2 * time)
        assert 0 <= chance <= alive <= 1
        assert chance <= expected * (1 + 1e-6) + 1e-9
        assert expected <= longer * (1 + 1e-6) + 1e-9
        assert expected <= alive * (model.r + x) * time / model.alpha * (1 + 1e-6) + 1e-9


@pytest.mark.parametrize("b", [0.5, 3.0, 1000.0])
@pytest.mark.parametrize("a", [0.1, 0.5, 3.0, 200.0, 999.0, 1e5])
def test_a_forecast_has_digits_also_where_its_series_has_none(a: float, b: float) -> None:
    """Held against the mean over drawn chances to stop: where all stop alike, or a + b is 1."""
    x = np.array([0.0, 1, 5, 50])
    who, model = Histories(x, 2 * x, 2 * x + 30, x, x), Buying(0.3, 30.0, a, b)
    drawn = np.random.default_rng(3).beta(a, (b + x)[:, None], (4, 200_000))
    drawn = np.maximum(drawn, 1e-12)
    ahead = (90 / (30 + who.age))[:, None]
    stopped = (1 - (1 + drawn * ahead) ** -(0.3 + x)[:, None]) / drawn
    plainly = np.mean(stopped, axis=1) * model.alive(who)
    assert model.expected(who, 90) == pytest.approx(plainly, rel=0.02)


def test_who_bought_lately_is_likelier_alive_and_who_bought_once_surely_is() -> None:
    x = np.array([0.0, 5, 5, 5])
    recency, age = np.array([0.0, 30, 10, 2]), np.array([30.0, 30, 30, 30])
    once, lately, before, long_ago = PUBLISHED.alive(Histories(x, recency, age, x, x))
    assert once == 1
    assert lately > before > long_ago


def test_one_repeat_purchase_says_little_of_what_the_next_brings_and_fifty_say_much() -> None:
    money = Spending(6.25, 3.74, 15.44)
    x = np.array([0.0, 1, 50])
    none, little, much = money.expected(Histories(x, x, x, 100 * x, x))
    assert none == pytest.approx(6.25 * 15.44 / 2.74)
    assert none < little < much < 100


def test_what_cannot_be_fitted_is_said_and_not_guessed() -> None:
    nobody = np.zeros(10)
    never_again = Histories(nobody, nobody, nobody + 9, nobody, nobody)
    with pytest.raises(Unfitted, match="more than one day"):
        fit_buying(never_again)
    with pytest.raises(Unfitted, match="second day"):
        fit_spending(never_again)
    alike = np.full(1000, 3.0)
    with pytest.raises(Unfitted, match="hardly differ"):
        fit_spending(Histories(alike, alike, alike, alike * 20, alike))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_auc_counts_the_pairs_that_stand_in_order(buyers: list[tuple[int, bool]]) -> None:
    ones = [score for score, bought in buyers if bought]
    others = [score for score, bought in buyers if not bought]
    pairs = [(a > b) + (a == b) / 2 for a in ones for b in others]
    plainly = sum(pairs) / len(pairs) if pairs else 0.5
    scores, bought = zip(*buyers, strict=True)
    assert auc(np.array(scores, dtype=float), np.array(bought)) == pytest.approx(plainly)


def test_baskets_are_ranked_among_those_who_came_back_and_bought_again() -> None:
    x, later = np.array([0.0, 1, 2, 3, 1, 1, 1]), np.array([1.0, 0, 2, 1, 1, 1, 1])
    brought = np.array([900.0, 0, 10, 6, 7, 8, 40])
    who = Histories(x, x, x, x, later, brought)
    assert ranks_baskets(np.array([0, 99, 1, 2, 3, 4, 5.0]), who) == 1
    assert ranks_baskets(np.array([0, 99, 5, 4, 3, 2, 1.0]), who) == 0
    nobody = Histories(x, x, x, x, x * 0, x * 0)
    assert ranks_baskets(x, nobody) == 0.5
    assert basket_objection(0.65) == ""
    assert "0.649, less than 0.65" in basket_objection(0.649)


def test_a_model_below_the_bars_may_choose_nobody() -> None:
    good = Judgement(1000, 300, 0.3, auc=0.65, top_rate=0.8, foretold=125, made=100)
    assert good.objection == ""
    blind = Judgement(1000, 300, 0.3, auc=0.649, top_rate=0.8, foretold=126, made=100)
    assert "0.649, less than 0.65" in blind.objection
    assert "126 days with a purchase and 100 were made" in blind.objection
    assert "more than 25% off" in Judgement(1000, 300, 0, 0.5, 0, foretold=9, made=0).objection
    assert "499 buyers" in too_few(499, 400)
    assert "149 bought" in too_few(500, 149)
    assert too_few(500, 150) == ""
