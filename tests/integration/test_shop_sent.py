"""What Arrow's drivers are not asked for, and in which parts what they send goes on."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.shop.arrow import ArrowRows
from tests.integration.databases import DIALECTS, Database, MakeDatabase
from tests.integration.test_shop_ways import FEW, quick, told

_MADE: dict[str, Database] = {}


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    """A database with a table of three rows."""
    if request.param not in _MADE:
        _MADE[request.param] = database = make_database(request.param)
        database.execute("CREATE TABLE few (n INTEGER)")
        database.load("few", ("n",), [(1,), (2,), (3,)])
    return _MADE[request.param]


# Columns beside the key, and those of them that are not sent.
SAME = {
    "'granted' AS ad_consent": {"ad_consent"},
    "NULL AS phone, '' AS email, 'a:b, c' AS city": {"phone", "email", "city"},
    "'x' AS email, n AS phone, 'y' AS city": {"email", "city"},
    "'it''s' AS email": set[str](),
    "'a\\n' AS email": set[str](),
    "'é' AS email": set[str](),
    "7 AS email": set[str](),
    "'5' AS value": set[str](),
    "n + 0.5 AS value, 'x' AS email": {"email"},
    "n AS value": set[str](),
}


@pytest.mark.parametrize(
    "rows", ["FROM few", "FROM few WHERE n < 0", "FROM few ORDER BY n LIMIT 2"]
)
@pytest.mark.parametrize("columns", SAME)
def test_a_column_that_is_the_same_in_all_rows_is_not_sent(
    database: Database, columns: str, rows: str
) -> None:
    """MariaDB's rows come by no driver of Arrow's, and are sent whole."""
    for sql in (
        f"SELECT n AS customer_key, {columns} {rows}",
        f"WITH w AS (SELECT 1) SELECT DISTINCT n AS customer_key, {columns} {rows}",
    ):
        with quick(database, sql) as (rows_quick, rows_portable):
            if isinstance(rows_quick, ArrowRows):
                sent, _, _ = rows_quick._source.select.partition("(\n")
                assert {name for name in SAME[columns] if name in sent} == set()
            assert told(rows_quick) == told(rows_portable)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a' AS customer_key, 'x' AS email",
        "SELECT 'a' AS customer_key, 'x' AS email UNION ALL SELECT 'b', 'y'",
        "SELECT customer_key, email FROM (SELECT 'a' AS customer_key, 'x' AS email) AS s",
        "SELECT customer_key, 'x' AS email FROM (SELECT 'a' AS customer_key, 'y' AS email) AS s",
    ],
)
def test_a_literal_stands_for_the_rows_in_which_it_is(database: Database, sql: str) -> None:
    with quick(database, sql) as (rows_quick, rows_portable):
        assert told(rows_quick) == told(rows_portable)


def test_a_row_of_subtotals_has_no_literal(make_database: MakeDatabase) -> None:
    """PostgreSQL has NULL there."""
    database = make_database("postgresql")
    database.execute("CREATE TABLE few (n INTEGER)")
    database.load("few", ("n",), [(1,), (2,)])
    sql = "SELECT count(*) || ':' AS customer_key, 'x' AS email FROM few GROUP BY ROLLUP (email)"
    with quick(database, sql) as (rows_quick, rows_portable):
        assert told(rows_quick) == (known := told(rows_portable))
    assert [[row["email"] for row in batch] for _, batch in known] == [["x", None]]


@given(rows=st.integers(0, 40), most=st.integers(1, 12))
@FEW
def test_a_batch_that_is_too_large_is_cut_into_parts_of_one_size(
    make_database: MakeDatabase, rows: int, most: int
) -> None:
    """PostgreSQL's come by their bytes; none is lost, and their order is kept."""
    if "any" not in _MADE:
        _MADE["any"] = make_database("postgresql")
    sql = f"SELECT n AS customer_key FROM generate_series(1, {rows}) AS n"
    with quick(_MADE["any"], sql, batch_rows=most) as (by_arrow, _):
        parts = [batch["customer_key"].to_pylist() for batch in by_arrow.batches()]
    assert [int(key) for part in parts for key in part] == list(range(1, rows + 1))
    sizes = [len(part) for part in parts]
    assert len(sizes) == ceil(rows / most)
    assert set(sizes[:-1]) <= {ceil(rows / len(sizes))} if sizes else rows == 0
    assert max(sizes, default=0) <= most
