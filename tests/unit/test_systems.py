"""What is said of each shop system, against what its SQL selects."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
import sqlglot
from sqlglot import exp

from syncd.errors import ConfigError
from syncd.segments import catalogue, catalogue_query, unavailable
from syncd.segments.canonical import RELATIONS
from syncd.segments.macros import Expansion
from syncd.segments.systems import Source, system
from syncd.settings.forms import SCHEMAS, SERVED
from tests.segment_samples import ended, required

SYSTEMS = tuple(name for name in SERVED if name != "canonical")
GRAMMARS = {"mysql": "mysql", "postgresql": "postgres"}
AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
MAGENTO, MEDUSA, PRESTASHOP, SHOPIFY, SYLIUS, WOOCOMMERCE = (
    partial(Source, name, "")
    for name in ("magento", "medusa", "prestashop", "shopify", "sylius", "woocommerce")
)


def sources() -> Iterator[Source]:
    """Every system in every layout."""
    for name in SYSTEMS:
        for layout in system(name).layouts or (None,):
            yield Source(name, "", layout)


def columns(source: Source, relation: str) -> set[str]:
    """What a relation of a shop can be asked for."""
    views = source.views(f" {relation} ")
    dialect = source.system.dialect
    expansion = Expansion(dialect, AS_OF, ZoneInfo("Europe/Amsterdam"), {}, {})
    sql = expansion.expand(f"WITH {', '.join(views)} SELECT * FROM {relation}")
    tree = sqlglot.parse_one(sql, read=GRAMMARS[dialect])
    parts = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}
    return _given(parts[relation], parts)


def _given(select: exp.Expr, parts: dict[str, exp.Expr]) -> set[str]:
    """The names that a SELECT gives, those of a star included."""
    first = next(select.find_all(exp.Select))
    names: set[str] = set()
    for each in first.expressions:
        if each.is_star:
            start = first.args["from_"].this
            inner = parts.get(start.name) if isinstance(start, exp.Table) else start.this
            assert inner is not None
            names |= _given(inner, parts)
        else:
            names.add(each.alias_or_name)
    return names


@pytest.mark.parametrize("source", tuple(sources()), ids=lambda each: f"{each.name} {each.layout}")
def test_a_system_lacks_what_its_sql_does_not_give(source: Source) -> None:
    """And nothing else: a column that stands there as NULL would make a segment empty."""
    missing = set()
    for relation in RELATIONS:
        if relation.name in source.system.lacks:
            missing.add(relation.name)
            continue
        wanted = {each.name for each in relation.columns}
        missing |= {f"{relation.name}.{name}" for name in wanted - columns(source, relation.name)}
    assert missing == set(source.system.lacks)


def test_what_is_served_has_its_directory() -> None:
    there = {
        each.name
        for each in files("syncd.segments.systems").iterdir()
        if (each / "system.yaml").is_file()
    }
    assert there == set(SYSTEMS)
    assert set(SERVED) <= set(SCHEMAS)


def test_a_segment_is_unavailable_with_the_reason() -> None:
    said = unavailable("newsletter_subscribers", Source("woocommerce", ""), "mysql")
    assert said.startswith("WooCommerce has no consents: it keeps none itself; say under shop.")
    mapped = Source("woocommerce", "", consents={"email": "mailpoet"})
    assert not unavailable("newsletter_subscribers", mapped, "mysql")
    assert not unavailable("whales", Source("woocommerce", ""), "mysql")
    assert unavailable("whales", mapped, "sqlite") == (
        "WooCommerce runs on mysql, the shop on sqlite"
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (partial(WOOCOMMERCE, layout="cpt"), "shop.layout: WooCommerce has hpos or posts"),
        (partial(MAGENTO, layout="hpos"), "shop.layout: Magento has none"),
        (partial(SHOPIFY, stores=("1",)), "shop.stores: Shopify has none to choose from"),
        (partial(WOOCOMMERCE, stores=("2", "3`")), "WooCommerce has numbers of stores, as 1"),
        (
            partial(MEDUSA, paid=("paid",)),
            "shop.paid: Medusa has no statuses that say what is paid",
        ),
        (
            partial(PRESTASHOP, consents={"ads": "opt_in"}),
            "shop.consent.ads: PrestaShop has optin",
        ),
        (
            partial(SYLIUS, consents={"email": "newsletter"}),
            "shop.consent.email: Sylius has none beside its own",
        ),
        (
            partial(MAGENTO, consents={"ads": "x"}),
            "shop.consent.ads: Magento has none beside its own",
        ),
    ],
)
def test_what_a_system_does_not_have_is_refused(make: Callable[[], Source], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make()


@pytest.mark.parametrize("name", ["Europe/Amsterdam", "America/Sao_Paulo", "Australia/Lord_Howe"])
def test_local_times_are_taken_as_the_zone_has_them(name: str) -> None:
    """Every half hour of years in which clocks changed, doubled and skipped hours too."""
    zone = ZoneInfo(name)
    sql = Expansion("sqlite", AS_OF, zone, {}, {}).expand("SELECT {{utc(:local)}}")
    with closing(sqlite3.connect(":memory:")) as engine:
        local = datetime(2016, 1, 1)  # noqa: DTZ001  (local is the point)
        while local.year < 2018:
            expected = local.replace(tzinfo=zone).astimezone(UTC)
            (found,) = engine.execute(sql, {"local": str(local)}).fetchone()
            assert found == f"{expected:%Y-%m-%d %H:%M:%S}", local
            local += timedelta(minutes=30)


@pytest.mark.parametrize("source", tuple(sources()), ids=lambda each: f"{each.name} {each.layout}")
def test_a_query_has_exactly_its_binds(source: Source) -> None:
    """One segment for each set of relations that some need: these make the difference."""
    dialect = source.system.dialect
    for segment in {each.needs: each for each in catalogue()}.values():
        if unavailable(segment.name, source, dialect):
            continue
        query = catalogue_query(
            segment.name,
            parameters=required(segment),
            as_of=AS_OF,
            timezone="Europe/Amsterdam",
            dialect=dialect,
            source=source,
        )
        (tree,) = sqlglot.parse(query.sql, read=GRAMMARS[dialect])
        assert isinstance(tree, exp.Select)
        binds = {bind.name for bind in tree.find_all(exp.Placeholder)}
        assert binds == set(ended(query).parameters)
        assert "{{" not in query.sql


def test_the_readme_says_what_each_system_lacks_for_each_segment() -> None:
    """A row a segment that some system cannot serve; in its cells what is missing."""
    names = tuple(name for name in SERVED if name != "canonical")
    rows = [f"| segment | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for segment in catalogue():
        reasons = [
            unavailable(segment.name, Source(name, ""), system(name).dialect) for name in names
        ]
        cells = [", ".join(re.findall(r"no ([a-z_.]+): ", each)) for each in reasons]
        if any(cells):
            rows.append(f"| `{segment.name}` | {' | '.join(cells)} |")
    text = (files("syncd.segments.systems") / "README.md").read_text("utf-8")
    assert "\n".join(rows) in text
