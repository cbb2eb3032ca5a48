"""Who takes up a category, and groups of customers, from the shop's orders to the members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from syncd.errors import Unfitted
from syncd.ledger.store import Ledger
from syncd.model import SegmentQuery
from syncd.scoring import ScoringShop
from syncd.segments import catalogue_query
from syncd.shop import open_shop
from tests.integration import commands
from tests.integration.commands import Desk
from tests.integration.databases import Database, Dialect, MakeDatabase
from tests.integration.drawn import AS_OF, ZONE, draw
from tests.integration.ledger_databases import Hands, new_database, new_ledger

Open = Callable[[Dialect], Database]
LINES = ("order_key", "product_key", "sku", "qty", "qty_refunded", "unit_paid")


def fond(who: str) -> bool:
    """Every third person likes tea, and buys a pot now and then."""
    return int(who[2:]) % 3 == 0


def stock(database: Database) -> None:
    """Two years of orders of mugs, tea and pots: pots go mostly to those who like tea."""
    random = np.random.default_rng(5)
    purchases = draw(database, customers=4_000).purchases
    lines = []
    for number, (who, *_) in enumerate(purchases):
        likes, lot = fond(str(who)), random.random(2)
        product = "tea" if likes and lot[0] < 0.7 else "mug"
        lines.append((f"o:{number}", product, product, 1, 0, "9.00"))
        if lot[1] < (0.6 if likes else 0.04):
            lines.append((f"o:{number}", "pot", "pot", 1, 0, "30.00"))
    database.load("order_items", LINES, lines)
    database.load(
        "product_categories",
        ("product_key", "category_name", "path"),
        [(name, name.title(), f"/{name}/") for name in ("tea", "mug", "pot")],
    )


@pytest.fixture(scope="module")
def opened(make_database: MakeDatabase) -> Open:
    """The stocked shop on an engine, loaded once."""

    @cache
    def made(dialect: Dialect) -> Database:
        database = make_database(dialect)
        stock(database)
        return database

    return made


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One for all tests: a model that another test needed is not fitted again."""
    folder = tmp_path_factory.mktemp("ledger")
    with new_database("sqlite", folder) as url, new_ledger(url, Hands(AS_OF)) as made:
        yield made


def scoring(database: Database, ledger: Ledger) -> ScoringShop:
    shop = open_shop(database.url, None, timezone=ZONE.key)
    return ScoringShop(shop, ledger.fitted, Hands(AS_OF), keeps=True)


def ask(name: str, shop: ScoringShop, *, days_on: int = 0, **given: object) -> SegmentQuery:
    return catalogue_query(
        name,
        parameters=given,
        as_of=AS_OF + timedelta(days=days_on),
        timezone=ZONE.key,
        dialect=shop.dialect,
    )


def members(shop: ScoringShop, query: SegmentQuery) -> set[str]:
    with shop.read(query) as reading:
        found = {key for batch in reading for key in batch["customer_key"].to_pylist()}
        assert set(reading.columns) >= {"customer_key", "email", "ad_consent"}
        assert not set(reading.columns) & set(query.figures)
        assert reading.seal() == len(found)
    return found


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_who_takes_up_a_category_is_who_likes_what_goes_with_it(
    opened: Open, ledger: Ledger, dialect: Dialect
) -> None:
    """By the one thing that tells them apart: what else they bought."""
    shop = scoring(opened(dialect), ledger)
    query = ask("propensity_category", shop, category="pot", days=120)
    model = shop.model(query)
    assert model is not None
    assert model.objection == ""
    assert model.figures["auc"] > 0.75
    assert model.parameters["affinity"] > 1
    found = members(shop, query)
    eligible = members(shop, ask("propensity_category", shop, category="pot", days=120, top=1))
    assert len(found) == pytest.approx(len(eligible) / 10, abs=2)
    assert np.mean([fond(who) for who in found]) > 0.65
    assert np.mean([fond(who) for who in eligible]) < 0.4


def test_who_bought_of_it_lately_is_not_asked_again(opened: Open, ledger: Ledger) -> None:
    shop = scoring(opened("sqlite"), ledger)
    lately = catalogue_query(
        "category_buyers",
        parameters={"category": "pot", "window": 89},  # and today
        as_of=AS_OF,
        timezone=ZONE.key,
        dialect=shop.dialect,
    )
    bought = members(shop, lately)
    everyone = members(shop, ask("propensity_category", shop, category="pot", days=120, top=1))
    assert len(bought) > 50
    assert not bought & everyone


def test_each_category_has_a_model_of_its_own_for_a_week(opened: Open, ledger: Ledger) -> None:
    shop = scoring(opened("sqlite"), ledger)
    model = shop.model(ask("propensity_category", shop, category="pot", days=120))
    assert model is not None
    later = ask("propensity_category", shop, category="pot", days=120, top=0.2, days_on=6)
    assert shop.model(later) == model
    other = shop.model(ask("propensity_category", shop, category="tea", days=120))
    assert other is not None
    assert (other.basis, other.parameters) != (model.basis, model.parameters)
    assert shop.model(ask("propensity_category", shop, category="pot", days=120, quiet=10)) != model
    buying = shop.model(ask("likely_to_buy", shop, days=120))
    assert buying is not None
    assert buying.basis not in {model.basis, other.basis}


def test_a_category_that_few_take_up_is_refused_with_the_figures(
    opened: Open, ledger: Ledger
) -> None:
    shop = scoring(opened("sqlite"), ledger)
    said = r"0 bought of the category .* and 0 in those .*; it takes 80 and 50.*cross_sell comes"
    with pytest.raises(Unfitted, match=said):
        members(shop, ask("propensity_category", shop, category="kettle"))


def test_groups_part_all_buyers_and_stay_for_a_quarter(opened: Open, ledger: Ledger) -> None:
    shop = scoring(opened("sqlite"), ledger)
    query = ask("cluster", shop, cluster=1)
    model = shop.model(query)
    assert model is not None
    assert model.objection == ""
    number = int(model.parameters["clusters"])
    parts = [members(shop, ask("cluster", shop, cluster=n)) for n in range(1, number + 1)]
    everyone = catalogue_query(
        "all_customers", parameters={}, as_of=AS_OF, timezone=ZONE.key, dialect="sqlite"
    )
    assert set.union(*parts) == members(shop, everyone)
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert all(parts)
    money = [model.parameters[f"money_{n}"] for n in range(1, number + 1)]
    assert money == sorted(money, reverse=True)
    assert shop.model(ask("cluster", shop, cluster=2, days_on=89)) == model
    assert shop.model(ask("cluster", shop, cluster=2, days_on=90)) != model
    with pytest.raises(Unfitted, match=f"no group 8: the shop's customers fall into {number}"):
        members(shop, ask("cluster", shop, cluster=8))


def test_people_see_how_good_a_model_is_and_what_the_groups_are(opened: Open, desk: Desk) -> None:
    desk.settings["shop"].update(url=opened("sqlite").url, timezone=ZONE.key)
    given = {"category": "pot", "days": 120}
    desk.settings["segments"] |= {
        "pots": {"use": "propensity_category", "with": given},
        "best": {"use": "cluster", "with": {"cluster": 1}},
    }
    desk.save()
    clock = commands.Hands(AS_OF)
    pots = desk.syncd("segments", "preview", "pots", clock=clock)
    assert pots.code == 0, pots.said
    assert "buyers of the category where there were " in pots.out
    best = desk.syncd("segments", "preview", "best", clock=clock)
    assert best.code == 0, best.said
    assert "of who buys, by group; silhouette 0." in best.out
    assert "    1: " in best.out
    assert "people in the middle of whom somebody bought on" in best.out
