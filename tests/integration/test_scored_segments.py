"""Segments that a model chooses: who is in, what is kept, and when nobody may be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from syncd.errors import ConfigError, TornSnapshot, Unfitted
from syncd.ledger.store import Ledger
from syncd.model import FittedModel, SegmentQuery
from syncd.scoring import ScoringShop
from syncd.segments import catalogue_query, check_parameters
from syncd.segments.scored.buying import fit_buying
from syncd.segments.scored.histories import Histories
from syncd.segments.scored.judging import judged
from syncd.segments.scored.spending import fit_spending
from syncd.shop import open_shop
from tests.integration.databases import DIALECTS, Database, Dialect, MakeDatabase
from tests.integration.drawn import AS_OF, TODAY, ZONE, Drawn, draw
from tests.integration.ledger_databases import Hands, new_database, new_ledger
from tests.purchases import Purchase, histories, known

Open = Callable[[Dialect], tuple[Database, Drawn]]
Members = dict[str, object]


@pytest.fixture(scope="module")
def opened(make_database: MakeDatabase) -> Open:
    """The drawn shop on an engine, loaded once."""

    @cache
    def made(dialect: Dialect) -> tuple[Database, Drawn]:
        database = make_database(dialect)
        return database, draw(database)

    return made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with new_database("sqlite", tmp_path) as url, new_ledger(url, Hands(AS_OF)) as made:
        yield made


def ask(name: str, shop: ScoringShop, *, days_on: int = 0, **given: object) -> SegmentQuery:
    return catalogue_query(
        name,
        parameters=given,
        as_of=AS_OF + timedelta(days=days_on),
        timezone=ZONE.key,
        dialect=shop.dialect,
    )


def scoring(database: Database, ledger: Ledger, *, keeps: bool = True) -> ScoringShop:
    shop = open_shop(database.url, None, timezone=ZONE.key)
    return ScoringShop(shop, ledger.fitted, Hands(AS_OF), keeps=keeps)


def members(shop: ScoringShop, query: SegmentQuery) -> Members:
    """A segment's members, each with what it is worth, if the segment says so."""
    with shop.read(query) as reading:
        found = {
            str(row["customer_key"]): row.get("value")
            for batch in reading
            for row in batch.to_pylist()
        }
        assert set(reading.columns) >= {"customer_key", "email", "ad_consent"}
        assert not set(reading.columns) & {"frequency", "recency", "age", "spent"}
        assert reading.seal() == len(found)
    return found


def now(purchases: list[Purchase]) -> tuple[list[str], Histories]:
    """Everyone as of today, with today as a day gone by."""
    found = known(purchases, until=TODAY + 1, end=TODAY)
    return [str(who) for who in found], Histories(*np.array(list(found.values())).T)


def first(share: float, keys: list[str], scores: np.ndarray) -> set[str]:
    """The first so many, equals all in or all out."""
    ranked = sorted(scores.tolist(), reverse=True)
    ahead = {score: ranked.index(score) for score in set(ranked)}
    most = share * (len(keys) - 1)
    return {key for key, score in zip(keys, scores.tolist(), strict=True) if ahead[score] < most}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_is_likely_to_buy_is_who_the_model_says(
    opened: Open, ledger: Ledger, dialect: Dialect
) -> None:
    database, drawn = opened(dialect)
    shop = scoring(database, ledger)
    found = members(shop, ask("likely_to_buy", shop, top=0.1, days=45))
    model = fit_buying(histories(drawn.purchases, until=TODAY - 45, end=TODAY))
    keys, everyone = now(drawn.purchases)
    alive = {key for key, chance in zip(keys, model.alive(everyone), strict=True) if chance >= 0.5}
    assert found.keys() == first(0.1, keys, model.chance(everyone, 45)) & alive
    assert 200 < len(found) < 300
    assert set(found.values()) == {None}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_will_be_worth_most_goes_with_what_they_will_be_worth(
    opened: Open, ledger: Ledger, dialect: Dialect
) -> None:
    database, drawn = opened(dialect)
    shop = scoring(database, ledger)
    found = members(shop, ask("predicted_clv_top", shop, months=2, discount=0.1))
    past = histories(drawn.purchases, until=TODAY - 90, end=TODAY)
    model, money = fit_buying(past), fit_spending(past)
    keys, everyone = now(drawn.purchases)
    one, two = (model.expected(everyone, months * 365 / 12) for months in (1, 2))
    worth = (one / 1.1 + (two - one) / 1.1**2) * money.expected(everyone)
    values = dict(zip(keys, worth.tolist(), strict=True))
    assert found.keys() == first(0.1, keys, worth)
    assert found == pytest.approx({key: values[key] for key in found}, abs=0.011)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_may_be_lost_are_good_customers_who_may_have_stopped(
    opened: Open, ledger: Ledger, dialect: Dialect
) -> None:
    database, drawn = opened(dialect)
    shop = scoring(database, ledger)
    found = members(shop, ask("churn_risk", shop, share=0.25))
    model = fit_buying(histories(drawn.purchases, until=TODAY - 90, end=TODAY))
    keys, everyone = now(drawn.purchases)
    revenue = dict.fromkeys(keys, 0)
    for who, _, paid in drawn.purchases:
        revenue[str(who)] += round(paid * 100)
    best = first(0.25, keys, np.array([revenue[key] for key in keys]))
    doubtful = {
        key for key, c in zip(keys, model.alive(everyone), strict=True) if 0.2 <= c < 0.5
    } & best
    assert found.keys() == doubtful
    assert len(found) > 20


@pytest.mark.parametrize("dialect", DIALECTS[:2])
def test_who_will_spend_most_at_a_time_came_back_and_spent_much(
    opened: Open, ledger: Ledger, dialect: Dialect
) -> None:
    database, drawn = opened(dialect)
    shop = scoring(database, ledger)
    found = members(shop, ask("likely_high_aov", shop))
    money = fit_spending(histories(drawn.purchases, until=TODAY - 90, end=TODAY))
    keys, everyone = now(drawn.purchases)
    baskets = dict(zip(keys, money.expected(everyone).tolist(), strict=True))
    again = [key for key, often in zip(keys, everyone.frequency, strict=True) if often > 0]
    assert found.keys() == first(0.1, again, np.array([baskets[key] for key in again]))
    assert len(found) > 100


def test_a_model_that_cannot_tell_large_baskets_chooses_none(
    make_database: MakeDatabase, ledger: Ledger
) -> None:
    """What an order brings has lately nothing to do with who makes it, though as much comes in."""
    database = make_database("sqlite")
    draw(database)
    database.execute(
        "UPDATE orders SET total_base = 10 + (CAST(SUBSTR(order_key, 3) AS INTEGER) * 7919) % 47 "
        "WHERE placed_at > '2026-08-03'"
    )
    shop = scoring(database, ledger)
    with pytest.raises(Unfitted, match="the fifth that spent most at a time"):
        members(shop, ask("likely_high_aov", shop))
    assert members(shop, ask("predicted_clv_top", shop))


def test_a_model_is_kept_with_what_it_was_judged_by_and_used_for_a_week(
    opened: Open, ledger: Ledger
) -> None:
    """Scores are of each read all the same: who has bought since is scored anew."""
    database, drawn = opened("sqlite")
    shop = scoring(database, ledger)
    query = ask("likely_to_buy", shop)
    model = shop.model(query)
    assert model is not None
    assert query.scoring is not None
    basis = query.scoring.basis
    past = histories(drawn.purchases, until=TODAY - 30, end=TODAY)
    expected = fit_buying(past).expected(past, 30)
    plainly = asdict(judged(expected, expected, past.frequency, past.later))
    assert {name: model.figures[name] for name in plainly} == pytest.approx(plainly, rel=1e-6)
    foretold = float(np.dot(expected, fit_spending(past).expected(past)))
    assert model.figures["revenue_foretold"] == pytest.approx(foretold, rel=1e-6)
    assert model.figures["revenue_made"] == pytest.approx(np.sum(past.brought), rel=1e-9)
    assert ledger.fitted.latest(basis, 30, AS_OF) == model
    assert model.figures["auc"] > 0.65
    assert model.parameters.keys() == {"r", "alpha", "a", "b", "p", "q", "v"}
    assert scoring(database, ledger).model(ask("likely_to_buy", shop, days_on=6)) == model
    later = shop.model(ask("likely_to_buy", shop, days_on=7))
    assert later is not None
    assert later.as_of == AS_OF + timedelta(days=7)
    # Others that are kept as many days from the model are chosen by the same.
    assert shop.model(ask("churn_risk", shop, days=30)) == model
    assert shop.model(ask("churn_risk", shop, days=31)) != model


def test_no_model_chooses_for_a_moment_before_the_one_it_knows(
    opened: Open, ledger: Ledger
) -> None:
    """`--as-of` asks who would have been a member, by what was known then."""
    shop = scoring(opened("sqlite")[0], ledger)
    model = shop.model(ask("likely_to_buy", shop))
    before = shop.model(ask("likely_to_buy", shop, days_on=-3))
    assert before is not None
    assert before.as_of == AS_OF - timedelta(days=3)
    assert shop.model(ask("likely_to_buy", shop)) == model


def test_only_who_holds_the_lock_writes_a_model(opened: Open, ledger: Ledger) -> None:
    shop = scoring(opened("sqlite")[0], ledger, keeps=False)
    query = ask("likely_to_buy", shop)
    model = shop.model(query)
    assert query.scoring is not None
    assert ledger.fitted.latest(query.scoring.basis, 30, AS_OF) is None
    assert shop.model(query) is model  # fitted once all the same


def test_too_few_buyers_are_refused_with_the_figures_and_a_way_on(
    make_database: MakeDatabase, ledger: Ledger
) -> None:
    database = make_database("sqlite")
    draw(database, customers=300)
    shop = scoring(database, ledger)
    said = r"likely_to_buy: .* 2\d\d buyers, .* it takes 500 and 150.*; loyal comes near by a rule"
    with pytest.raises(Unfitted, match=said), shop.read(ask("likely_to_buy", shop)):
        pass
    with pytest.raises(Unfitted, match="whales comes near"):
        members(shop, ask("predicted_clv_top", shop))


def test_a_model_that_foretold_too_badly_chooses_nobody(
    make_database: MakeDatabase, ledger: Ledger
) -> None:
    """Here everyone stopped buying 30 days ago, which no past could tell."""
    database = make_database("sqlite")
    draw(database)
    database.execute("DELETE FROM orders WHERE placed_at >= '2026-10-01 22:00:00'")
    shop = scoring(database, ledger)
    query = ask("likely_to_buy", shop)
    with pytest.raises(Unfitted, match=r"and 0 were made, more than 25% off.* the 30 days before"):
        members(shop, query)
    assert query.scoring is not None
    kept = ledger.fitted.latest(query.scoring.basis, 30, AS_OF)
    assert kept is not None
    assert "0 were made" in kept.objection
    # It is not fitted anew in each run of a day, and is the next day.
    assert shop.model(query) == kept
    assert shop.model(ask("likely_to_buy", shop, days_on=1)) != kept


def test_amounts_that_no_model_fits_refuse_only_what_stands_on_amounts(
    make_database: MakeDatabase, ledger: Ledger
) -> None:
    """Who buys more often also spends more at a time here."""
    database = make_database("sqlite")
    draw(database)
    database.execute(
        """UPDATE orders SET total_base = 10.0 + 10 * (
             SELECT count(*) FROM orders o WHERE o.customer_key = orders.customer_key)"""
    )
    shop = scoring(database, ledger)
    with pytest.raises(Unfitted, match=r"also spends more at a time \(correlation 0\.\d\d"):
        members(shop, ask("predicted_clv_top", shop))
    assert members(shop, ask("churn_risk", shop))


def test_revenue_that_did_not_come_refuses_only_what_stands_on_amounts(
    make_database: MakeDatabase, ledger: Ledger
) -> None:
    """As many orders as ever, but everything costs half of what it did."""
    database = make_database("sqlite")
    draw(database)
    database.execute("UPDATE orders SET total_base = total_base / 2 WHERE placed_at > '2026-08-03'")
    shop = scoring(database, ledger)
    said = r"foretold [\d,]+ of revenue .* and [\d,]+ came, more than 25% off.* whales comes near"
    with pytest.raises(Unfitted, match=said):
        members(shop, ask("predicted_clv_top", shop))
    assert members(shop, ask("churn_risk", shop))


def test_a_read_that_was_left_early_is_not_sealed(opened: Open, ledger: Ledger) -> None:
    shop = scoring(opened("sqlite")[0], ledger)
    with shop.read(ask("likely_to_buy", shop)) as reading:
        assert next(iter(reading)).num_rows
        with pytest.raises(TornSnapshot):
            reading.seal()


def test_small_batches_give_the_same_members_and_none_is_empty(
    opened: Open, ledger: Ledger
) -> None:
    """What comes after counts on rows."""
    whole = scoring(opened("sqlite")[0], ledger)
    found = members(whole, ask("churn_risk", whole))
    shop = open_shop(opened("sqlite")[0].url, None, timezone=ZONE.key)
    small = ScoringShop(replace(shop, batch_rows=20), ledger.fitted, Hands(AS_OF), keeps=True)
    with small.read(ask("churn_risk", small)) as reading:
        batches = list(reading)
        assert reading.seal() == len(found)
    assert {key for batch in batches for key in batch["customer_key"].to_pylist()} == found.keys()
    assert all(batch.num_rows for batch in batches)
    assert len(batches) > 2


def test_nobody_takes_a_scored_segments_rows_for_its_members(opened: Open) -> None:
    """Its SQL returns every buyer: without the model it cannot be asked at all."""
    shop = open_shop(opened("sqlite")[0].url, None, timezone=ZONE.key)
    query = catalogue_query(
        "likely_to_buy", parameters={}, as_of=AS_OF, timezone=ZONE.key, dialect="sqlite"
    )
    with pytest.raises(ConfigError, match="asks for :until"), shop.read(query):
        pass
    with (
        pytest.raises(ConfigError, match="asks for :until"),
        shop.read(replace(query, scoring=None)),
    ):
        pass


def test_without_the_extra_it_says_what_to_install(
    opened: Open, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.segments.scored.find_spec", lambda _: None)
    shop = scoring(opened("sqlite")[0], ledger)
    with pytest.raises(ConfigError, match=r"pip install 'syncd\[scored\]'"):
        members(shop, ask("churn_risk", shop))
    with pytest.raises(ConfigError, match=r"pip install 'syncd\[scored\]'"):
        check_parameters("churn_risk", {})
    check_parameters("whales", {})


def test_a_ledger_gives_back_a_model_as_it_was(tmp_path: Path) -> None:
    for dialect in ("sqlite", "postgresql"):
        with new_database(dialect, tmp_path) as url, new_ledger(url, Hands(AS_OF)) as made:
            model = FittedModel(
                "b", AS_OF, 30, AS_OF, {"r": 0.1 + 0.2}, {"auc": 1 / 3}, "no", "nor"
            )
            later = replace(model, as_of=AS_OF + timedelta(days=1), parameters={})
            for each in (later, model, replace(model, holdout=31), replace(model, basis="c")):
                made.fitted.add(each)
            assert made.fitted.latest("b", 30, AS_OF + timedelta(hours=23)) == model
            assert made.fitted.latest("b", 30, AS_OF + timedelta(days=9)) == later
            assert made.fitted.latest("b", 30, AS_OF - timedelta(seconds=1)) is None
