"""What members began with, on each engine, against a plain count of the same orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from syncd.model import SegmentQuery
from syncd.queries import counted
from syncd.segments import catalogue_query, reports
from syncd.segments.macros import Dialect
from syncd.segments.questions import question
from syncd.segments.reports import Told
from tests.integration import made_shop, village
from tests.integration.databases import MakeDatabase
from tests.integration.segment_engines import (
    ENGINES,
    Embedded,
    Engine,
    Served,
    asked_of_duckdb,
    open_engine,
)

GRAMMARS: dict[Dialect, str] = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "mysql": "mysql",
    "duckdb": "duckdb",
}
Open = Callable[[Dialect, str], Engine]
SCENES = {"village": village, "made_shop": made_shop}


@pytest.fixture(scope="module")
def opened(make_database: MakeDatabase) -> Open:
    """A scene on an engine, loaded once."""

    @cache
    def made(dialect: Dialect, scene: str) -> Engine:
        engine = open_engine(dialect, make_database)
        SCENES[scene].fill(engine)
        return engine

    return made


def asked(
    engine: Engine,
    scene: str,
    name: str,
    sql: str,
    needs: tuple[str, ...],
    *,
    least: int,
    **values: int,
) -> Iterator[tuple[object, ...]]:
    """The rows of a report on a segment of the catalogue."""
    dialect = engine.shop.dialect if isinstance(engine, Served) else "duckdb"
    as_of, zone = SCENES[scene].AS_OF, SCENES[scene].ZONE
    members = catalogue_query(name, parameters={}, as_of=as_of, timezone=zone, dialect=dialect)
    told = question(
        "told", sql, needs=needs, values=values, as_of=as_of, timezone=zone, dialect=dialect
    )
    query = counted(members, told, dialect, grammar=GRAMMARS[dialect], least=least)
    return rows(engine, query)


def rows(engine: Engine, query: SegmentQuery) -> Iterator[tuple[object, ...]]:
    if isinstance(engine, Served):
        return engine.shop.ask(query)
    assert isinstance(engine, Embedded)
    return iter(engine.connection.execute(*asked_of_duckdb(query)).fetchall())


def by_source(
    engine: Engine, scene: str, name: str, level: reports.Level = "source", least: int = 10
) -> Told:
    sql, needs = reports.sources_sql(level), reports.sources_needs(level)
    return reports.sources(level, asked(engine, scene, name, sql, needs, least=least), least=least)


def by_product(engine: Engine, scene: str, name: str, *, least: int, horizon: int) -> Told:
    sql, needs = reports.products_sql(), reports.PRODUCTS_NEEDS
    return reports.products(asked(engine, scene, name, sql, needs, least=least, horizon=horizon))


def plainly(told: Told, place: str = "first") -> dict[tuple[str, ...] | None, tuple[int, int]]:
    found = told.by_place[place]
    groups = (*found.groups, *([found.rest] if found.rest else []))
    return {group.names: (group.buyers, group.members) for group in groups}


@pytest.mark.parametrize("dialect", ENGINES)
def test_the_village_by_source(opened: Open, dialect: Dialect) -> None:
    """Ann came by Google though all her later orders came by Facebook; zed was erased."""
    engine = opened(dialect, "village")
    told = by_source(engine, "village", "returning_customers", least=1)
    assert plainly(told) == {("",): (5, 3), ("google",): (1, 1), ("facebook",): (1, 0)}
    assert (told.members, told.by_place["first"].members) == (4, 4)
    finer = by_source(engine, "village", "returning_customers", "campaign", least=1)
    assert plainly(finer)["google", "cpc", ""] == (1, 1)
    # Two of one each are too few, and what is left of the total would tell who they are.
    few = by_source(engine, "village", "returning_customers", least=2)
    assert plainly(few) == {("",): (5, 3), None: (2, 1)}
    assert few.by_place["first"].small == 2
    assert plainly(by_source(engine, "village", "returning_customers", least=3)) == {None: (7, 4)}
    # Who never bought is of no source, and a member all the same.
    letter = by_source(engine, "village", "newsletter_subscribers", least=1)
    assert (letter.members, letter.by_place["first"].members) == (2, 1)


@pytest.mark.parametrize("dialect", ENGINES)
def test_the_village_by_product(opened: Open, dialect: Dialect) -> None:
    """Cas sent the throw back. Bob first bought twelve days ago, and had no time to return."""
    engine = opened(dialect, "village")
    told = by_product(engine, "village", "returning_customers", least=1, horizon=0)
    assert plainly(told) == {
        ("s-candle",): (3, 2),
        ("s-throw",): (2, 1),
        ("s-coffee",): (2, 1),
        ("s-card",): (1, 0),
    }
    assert plainly(told, "second") == {
        ("s-candle",): (2, 2),
        ("s-throw",): (1, 1),
        ("s-coffee",): (1, 1),
    }
    assert (told.by_place["first"].buyers, told.by_place["second"].buyers) == (7, 4)
    assert told.by_place["first"].groups[0].names == ("s-candle",)
    grown = by_product(engine, "village", "returning_customers", least=2, horizon=13)
    assert plainly(grown) == {("s-candle",): (2, 2), ("s-coffee",): (2, 1)}
    assert grown.by_place["first"].small == 2
    assert grown.by_place["first"].buyers == 6


@pytest.mark.parametrize("dialect", ENGINES)
def test_no_group_of_few_leaves_the_shop(opened: Open, dialect: Dialect) -> None:
    """Not by name, nor its number: what is too small comes as one line."""
    engine = opened(dialect, "village")
    sources = reports.sources_sql("source"), reports.sources_needs("source")
    products = reports.products_sql(), reports.PRODUCTS_NEEDS
    by_source = list(asked(engine, "village", "whales", *sources, least=2))
    assert "google" not in str(by_source)
    assert "facebook" not in str(by_source)
    by_product = list(asked(engine, "village", "whales", *products, least=3, horizon=0))
    assert "s-candle" in str(by_product)
    assert not [name for name in ("throw", "coffee", "card") if name in str(by_product)]


def test_engines_agree_where_much_is_equal_missing_or_odd(
    opened: Open,
) -> None:
    """Every figure, to the last digit."""
    levels: tuple[reports.Level, ...] = ("source", "campaign")
    found = [
        (
            *(by_source(opened(dialect, "made_shop"), "made_shop", "whales", x) for x in levels),
            by_product(opened(dialect, "made_shop"), "made_shop", "whales", least=10, horizon=30),
        )
        for dialect in ENGINES
    ]
    first, *others = found
    assert others == [first] * 3
    source, _, product = first
    assert len(source.by_place["first"].groups) > 2
    assert all(len(each.groups) > 3 for each in product.by_place.values())
