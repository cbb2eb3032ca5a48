"""What a model of a category and one of groups read, on each engine and worked out plainly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import pytest

from syncd.model import SegmentQuery
from syncd.scoring import of_everyone
from syncd.segments import catalogue_query
from syncd.segments.macros import Dialect, day_number
from tests.integration import made_shop
from tests.integration.databases import MakeDatabase
from tests.integration.segment_engines import (
    ENGINES,
    Embedded,
    Engine,
    Served,
    asked_of_duckdb,
    open_engine,
)

ZONE = ZoneInfo(made_shop.ZONE)
TODAY = day_number(made_shop.AS_OF, ZONE)
DAYS, QUIET = 20, 15
# So many that some bought on the very days at which something begins or ends; at the first of
# them few people had bought anything.
MOMENTS = (TODAY - 850, *range(TODAY - 200, TODAY, 9))

Row = dict[str, object]


@dataclass
class Recorder:
    """What an engine would be loaded with."""

    tables: dict[str, list[Row]] = field(default_factory=dict)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        self.tables[table] = [dict(zip(columns, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Bought:
    """A line, or an order."""

    who: str
    day: int
    spent: int
    product: str = ""


def recorded() -> Recorder:
    found = Recorder()
    made_shop.fill(found)
    return found


def money(*factors: object) -> int:
    product = Decimal(10_000)
    for factor in factors:
        product *= Decimal(str(factor))
    return int(product.quantize(Decimal(1), ROUND_HALF_UP))


def orders(shop: Recorder) -> Iterator[tuple[Row, int]]:
    """Those that count, with their day in the shop's zone."""
    erased = {row["customer_key"] for row in shop.tables["customers"] if row["deleted"]}
    known = {row["customer_key"] for row in shop.tables["customers"]}
    for row in shop.tables["orders"]:
        at = datetime.fromisoformat(str(row["placed_at"])[:19]).replace(tzinfo=UTC)
        net = Decimal(str(row["total_base"])) - Decimal(str(row["refunded_base"] or 0))
        counts = row["is_paid"] and net > 0 and at < made_shop.AS_OF.replace(microsecond=0)
        if counts and row["customer_key"] in known - erased:
            yield row, day_number(at, ZONE)


def lines(shop: Recorder) -> list[Bought]:
    by_order = defaultdict(list)
    for line in shop.tables["order_items"]:
        by_order[line["order_key"]].append(line)
    found = []
    for order, day in orders(shop):
        for line in by_order[order["order_key"]]:
            left = Decimal(str(line["qty"])) - Decimal(str(line["qty_refunded"] or 0))
            if left > 0:
                rate = order["fx_to_base"]
                spent = money(line["unit_paid"], left, 1 if rate is None else rate)
                who, product = str(order["customer_key"]), str(line["product_key"])
                found.append(Bought(who, day, spent, product))
    return found


def plain_affinity(
    before: list[Bought], of_it: set[str], paths: dict[str, set[str]]
) -> dict[str, int]:
    """Of each person, the mean share of those who bought of it among buyers of the same."""
    takers = {line.who for line in before if line.product in of_it}
    had = {
        (line.who, path)
        for line in before
        if line.product not in of_it
        for path in paths[line.product]
    }
    buyers = defaultdict(set)
    for who, path in had:
        buyers[path].add(who)
    rates = {
        path: len(people & takers) * 1_000_000 // len(people)
        for path, people in buyers.items()
        if len(people) >= 10
    }
    mine = defaultdict(list)
    for who, path in had:
        if path in rates:
            mine[who].append(rates[path])
    return {who: sum(each) // len(each) for who, each in mine.items()}


def plain_tastes(shop: Recorder, category: str, until: int) -> dict[str, tuple[int, ...]]:
    paths, of_it = defaultdict(set), set()
    for row in shop.tables["product_categories"]:
        product, path = str(row["product_key"]), str(row["path"])
        paths[product].add(path.strip().lower())
        if str(row["category_name"]).strip().lower() == category or path.startswith(
            f"/{category}/"
        ):
            of_it.add(product)
    everything = lines(shop)
    before = [line for line in everything if line.day < until]
    affinity = plain_affinity(before, of_it, paths)
    found: dict[str, tuple[int, ...]] = {}
    for who in {line.who for line in before}:
        mine = [line for line in before if line.who == who]
        it = [line for line in mine if line.product in of_it]
        if any(line.day >= until - QUIET for line in it):
            continue
        later = any(
            line.who == who and line.product in of_it and until <= line.day < until + DAYS
            for line in everything
        )
        found[who] = (
            *(len({line.day for line in mine}), until - max(line.day for line in mine)),
            *(until - min(line.day for line in mine), sum(line.spent for line in mine)),
            *(len(mine), len({line.day for line in it}), sum(line.spent for line in it)),
            *(affinity.get(who, 0), int(later)),
        )
    return found


def plain_footings(shop: Recorder, until: int) -> dict[str, tuple[int, ...]]:
    paid = [
        Bought(
            str(order["customer_key"]),
            day,
            money(Decimal(str(order["total_base"])) - Decimal(str(order["refunded_base"] or 0))),
        )
        for order, day in orders(shop)
    ]
    found: dict[str, tuple[int, ...]] = {}
    for who in {one.who for one in paid if one.day < until}:
        mine = [one for one in paid if one.who == who]
        before = [one for one in mine if one.day < until]
        found[who] = (
            *(len({one.day for one in before}), until - max(one.day for one in before)),
            sum(one.spent for one in before),
            len({one.day for one in mine if until <= one.day < until + DAYS}),
        )
    return found


def read(engine: Engine, query: SegmentQuery) -> dict[str, tuple[int, ...]]:
    if isinstance(engine, Served):
        with engine.shop.read(query) as reading:
            rows = [tuple(row.values()) for batch in reading for row in batch.to_pylist()]
            reading.seal()
    else:
        assert isinstance(engine, Embedded)
        rows = engine.connection.execute(*asked_of_duckdb(query)).fetchall()
    return {key: tuple(int(cell) for cell in cells) for key, *cells in rows}


@pytest.mark.parametrize("dialect", ENGINES)
def test_figures_are_those_of_the_orders_before_the_day(
    make_database: MakeDatabase, dialect: Dialect
) -> None:
    engine, shop = open_engine(dialect, make_database), recorded()
    made_shop.fill(engine)

    def asked(name: str, until: int, **given: object) -> dict[str, tuple[int, ...]]:
        query = catalogue_query(
            name,
            parameters=given,
            as_of=made_shop.AS_OF,
            timezone=made_shop.ZONE,
            dialect=dialect,
        )
        assert query.scoring is not None
        return read(engine, of_everyone(query, query.scoring, until))

    seen: set[tuple[int, ...]] = set()
    for until in MOMENTS if dialect == "duckdb" else MOMENTS[:2]:
        expected = plain_tastes(shop, "coffee", until)
        seen |= set(expected.values())
        given = {"category": "Coffee", "days": DAYS, "quiet": QUIET}
        assert asked("propensity_category", until, **given) == expected
        assert asked("cluster", until, cluster=1, days=DAYS) == plain_footings(shop, until)
    assert len({affinity for *_, affinity, _ in seen}) > 5
    assert {later for *_, later in seen} == {0, 1}
