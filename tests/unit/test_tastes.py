"""Models of a category and groups of alike customers: what they find, and what they refuse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import Unfitted
from syncd.segments.scored import CLUSTERS, TASTE
from syncd.segments.scored.clusters import (
    Clusters,
    fit_clusters,
    in_cluster,
    silhouette,
    train_clusters,
)
from syncd.segments.scored.columns import Columns, columns
from syncd.segments.scored.tastes import Taste, fit_taste, likeliest_takers, train_taste

TRUE = Taste(-4.0, (0.8, -0.4, 0.0, 0.1, 0.0, 1.2, 2.0, 3.0))


def buyers(seed: int, number: int) -> dict[str, np.ndarray]:
    """Drawn at random; nobody knows yet what they buy later."""
    random = np.random.default_rng(seed)
    days = random.geometric(0.4, number).astype(float)
    articles = days * random.integers(1, 6, number)
    return {
        "buying_days": days,
        "since": random.integers(0, 400, number).astype(float),
        "age": random.integers(400, 900, number).astype(float),
        "spent": articles * random.integers(20_000, 400_000, number),
        "articles": articles,
        "days_of_it": random.binomial(days.astype(int), 0.2).astype(float),
        "spent_of_it": np.zeros(number),
        "affinity": random.integers(0, 500_000, number).astype(float),
        "later": np.zeros(number),
    }


def drawn(seed: int, number: int, taste: Taste = TRUE) -> Columns:
    """The same, who then buy as a model says."""
    who = buyers(seed, number)
    chance = taste.chance(who)
    who["later"] = (np.random.default_rng(seed + 1).random(number) < chance).astype(float)
    return who


def test_buyers_drawn_from_a_model_give_back_its_weights() -> None:
    found = fit_taste(drawn(1, 30_000))
    often, since, age, _, price, of_it, _, affinity = found.weights
    assert [often, since, of_it, affinity] == pytest.approx([0.8, -0.4, 1.2, 3.0], abs=0.3)
    assert [age, price] == pytest.approx([0, 0], abs=0.2)


def test_a_fit_foretells_as_many_buyers_as_there_were() -> None:
    """Of whom it was fitted to: so it needs no calibration of its own."""
    who = drawn(2, 4_000)
    assert np.sum(fit_taste(who).chance(who)) == pytest.approx(np.sum(who["later"]), rel=1e-4)


def test_a_model_of_a_category_is_judged_by_days_that_it_did_not_see() -> None:
    trained = train_taste(drawn(3, 6_000), drawn(5, 6_000))
    assert trained.objection == ""
    assert 0.7 < trained.figures["auc"] < 0.9
    assert Taste.of(trained.parameters) == fit_taste(drawn(3, 6_000))
    assert trained.figures["events"] == np.sum(drawn(3, 6_000)["later"])
    assert trained.figures["made"] == np.sum(drawn(5, 6_000)["later"])


def test_what_does_not_hold_in_those_days_is_refused_with_the_figures() -> None:
    past, kept = drawn(3, 6_000), drawn(5, 6_000)
    turned = Taste(-1.0, tuple(-weight for weight in TRUE.weights))
    assert "its AUC is 0." in train_taste(past, drawn(5, 6_000, turned)).objection
    some = kept["later"] * (np.arange(6_000) % 2)
    said = train_taste(past, {**kept, "later": some}).objection
    assert f"buyers of the category and {np.sum(some):,.0f} came, more than 25% off" in said
    few = {**kept, "later": kept["later"] * (np.cumsum(kept["later"]) <= 49)}
    assert "and 49 in those it would be judged by; it takes 80 and 50" in (
        train_taste(past, few).objection
    )
    assert train_taste(past, few).parameters == {}
    assert "499 buyers" in train_taste(drawn(7, 499), drawn(7, 499)).objection


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 80), st.integers(1, 79))
def test_who_is_taken_does_not_hang_on_how_rows_come(seed: int, number: int, cut: int) -> None:
    who = buyers(seed, number)
    batch = pa.RecordBatch.from_pydict(
        {"customer_key": np.arange(number), **{name: who[name] for name in TASTE.figures}}
    )
    pick = likeliest_takers(TRUE.parameters, who, 0.3)
    whole = pick(batch)
    parts = [pick(batch.slice(0, cut)), pick(batch.slice(cut))]
    apart = [key for part in parts for key in part["customer_key"].to_pylist()]
    assert apart == whole["customer_key"].to_pylist()
    assert whole.schema.names == ["customer_key"]
    chance = dict(enumerate(TRUE.chance(who).tolist()))
    ahead = [sum(other > chance[key] for other in chance.values()) for key in chance]
    expected = [key for key, better in enumerate(ahead) if better < 0.3 * (number - 1)]
    assert apart == expected


def blobs(seed: int, number: int = 900) -> Columns:
    """Three sorts of customers: often and lately and much, once and long ago, and between."""
    random = np.random.default_rng(seed)
    sort = random.integers(0, 3, number)
    days, since, each = np.array([20.0, 4, 1])[sort], np.array([5.0, 60, 500])[sort], 30.0
    days = np.maximum(np.round(days * random.uniform(0.8, 1.2, number)), 1)
    return {
        "buying_days": days,
        "since": np.round(since * random.uniform(0.8, 1.2, number)),
        "money": np.round(days * each * random.uniform(0.9, 1.1, number)) * 10_000,
        "later": (random.random(number) < np.array([0.8, 0.3, 0.05])[sort]).astype(float),
        "sort": sort.astype(float),
    }


def test_groups_that_are_there_are_found_with_the_dearest_first() -> None:
    who = blobs(1)
    found, fit = fit_clusters(who)
    assert len(found.centres) == 3
    assert fit > 0.7
    assert np.array_equal(found.nearest(who), who["sort"])
    assert [round(float(np.exp(centre[0]))) for centre in found.centres] == [20, 4, 1]
    assert Clusters.of(found.parameters) == found


def test_groups_do_not_hang_on_the_order_of_rows() -> None:
    """Engines return rows in any order."""
    who = blobs(2)
    order = np.random.default_rng(0).permutation(len(who["since"]))
    turned = {name: cells[order] for name, cells in who.items()}
    assert fit_clusters(who) == fit_clusters(turned)


def test_groups_are_judged_by_who_buys_in_days_that_they_did_not_see() -> None:
    trained = train_clusters(blobs(3), blobs(4))
    assert trained.objection == ""
    assert trained.figures["auc"] > 0.75
    assert trained.figures["rate_1"] == pytest.approx(0.8, abs=0.06)
    assert sum(trained.figures[f"size_{n}"] for n in (1, 2, 3)) == 900
    alike = {**blobs(4), "later": (np.arange(900) % 2).astype(float)}
    assert "who buys next hardly differs among them: an AUC of 0." in (
        train_clusters(blobs(3), alike).objection
    )
    assert "it takes 500 and 150" in train_clusters(blobs(3, 400), blobs(4, 400)).objection


def test_customers_who_are_all_alike_fall_into_no_groups() -> None:
    same = {name: np.full(900, 5.0) for name in CLUSTERS.figures}
    past = {**same, "later": np.arange(900) % 2.0}
    trained = train_clusters(past, past)
    assert "they run together" in trained.objection


def test_members_are_those_of_one_group_and_there_must_be_one() -> None:
    who = blobs(1)
    found, _ = fit_clusters(who)
    batch = pa.RecordBatch.from_pydict(
        {"customer_key": np.arange(900), **{name: who[name] for name in CLUSTERS.figures}}
    )
    taken = [in_cluster(found.parameters, n)(batch)["customer_key"].to_pylist() for n in (1, 2, 3)]
    assert sorted(key for each in taken for key in each) == list(range(900))
    assert taken[2] == np.flatnonzero(who["sort"] == 2).tolist()
    with pytest.raises(Unfitted, match="no group 4: the shop's customers fall into 3"):
        in_cluster(found.parameters, 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=2, max_size=25))
def test_a_silhouette_is_what_its_author_says(places: list[tuple[int, int]]) -> None:
    rows = np.array([[float(at), 0.0] for at, _ in places])
    group = np.array([float(number) for _, number in places])
    plainly = []
    for me, (at, mine) in enumerate(places):
        means = {
            number: [abs(at - there) for you, (there, n) in enumerate(places) if n == number != -1
                     and you != me]
            for number in {n for _, n in places}
        }  # fmt: skip
        if not means[mine] or len(means) < 2:
            plainly.append(0.0)
            continue
        own = sum(means[mine]) / len(means[mine])
        other = min(sum(x) / len(x) for number, x in means.items() if number != mine)
        plainly.append((other - own) / max(own, other) if max(own, other) else 0.0)
    expected = sum(plainly) / len(plainly) if len(set(group.tolist())) > 1 else -1.0
    assert silhouette(rows, group) == pytest.approx(expected)


def test_columns_of_batches_are_put_together() -> None:
    batches = [
        pa.RecordBatch.from_pydict({"since": [1, 2]}),
        pa.RecordBatch.from_pydict({"since": [3]}),
    ]
    assert columns(batches, ("since",))["since"].tolist() == [1, 2, 3]
    assert columns([], ("since",))["since"].tolist() == []
    assert all(one < other for one, other in pairwise(columns(batches, ("since",))["since"]))
