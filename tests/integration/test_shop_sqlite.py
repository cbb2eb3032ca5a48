"""What SQLite stores without saying of which type it is comes as the portable driver has it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from syncd.model import SegmentQuery
from syncd.shop import open_shop
from syncd.shop.arrow import ArrowRows
from syncd.shop.rows import CursorRows
from syncd.shop.ways import opened
from tests.integration.databases import Database, MakeDatabase
from tests.integration.test_shop_ways import quick, told

_MADE: dict[str, Database] = {}


@pytest.mark.parametrize("where", ["statement", "CTE", "view"])
def test_sqlite_works_out_a_column_once(make_database: MakeDatabase, where: str) -> None:
    """What differs each time it is asked for is not taken for another type than it has."""
    drawn = "CASE WHEN random() % 2 = 0 THEN 'text' ELSE 1.5 END"
    numbers = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 200)"
    database = make_database("sqlite")
    database.execute(f"CREATE VIEW v AS {numbers} SELECT k, {drawn} AS city FROM n")
    sql = {
        "statement": f"{numbers} SELECT k AS customer_key, {drawn} AS city FROM n",
        "CTE": f"{numbers}, d AS (SELECT k, {drawn} AS city FROM n) "
        "SELECT k AS customer_key, city FROM d",
        "view": "SELECT k AS customer_key, city FROM v",
    }
    with quick(database, sql[where]) as (rows, _):
        cities = {row["city"] for _, batch in told(rows) for row in batch}
    assert cities == {"text", "1.5"}


# A column of text may be called `word` in one place, and in another not be one of text.
NUMBERS = {
    "of another table": "SELECT n.k AS customer_key, n.word AS city FROM numbers n",
    "of either": "SELECT n.k AS customer_key, n.word AS city FROM words w JOIN numbers n USING (k)",
    "by another name": "SELECT k AS customer_key, bare AS city FROM words AS word",
    "of a view": "SELECT k AS customer_key, word AS city FROM seen",
    "worked out": "SELECT k AS customer_key, word + 0.5 AS city FROM words",
    "of a view beside": "SELECT k AS customer_key, s.word AS city FROM words JOIN seen s USING (k)",
    "of a subquery": "SELECT k AS customer_key, w AS city FROM (SELECT k, bare AS w FROM words)",
    "of two": "SELECT k AS customer_key, word AS city FROM words UNION ALL SELECT 9, 1e22",
    "of a CTE": "WITH words(c, word) AS (SELECT 1, .5) "
    "SELECT c AS customer_key, word AS city FROM words",
    "collated": "SELECT k AS customer_key, loose AS city FROM words",
    # All of them an INTEGER PRIMARY KEY, but none of them the row's id.
    "a key without rows' ids": "SELECT k AS customer_key, 'x' AS city FROM without",
    "a key that descends": "SELECT k AS customer_key, 'x' AS city FROM down",
    "a part of a key": "SELECT k AS customer_key, 'x' AS city FROM parts",
    "an id beside one that is none": "SELECT d.k AS customer_key, 'x' AS city FROM id, down d",
    "an id": "SELECT k AS customer_key, 'x' AS city FROM id",
    "an id that is missing": "SELECT word AS customer_key, id.k AS city FROM words "
    "LEFT JOIN id ON id.k = words.k",
}


@pytest.mark.parametrize("where", NUMBERS)
def test_a_number_is_one_wherever_sqlite_has_it_from(
    make_database: MakeDatabase, where: str
) -> None:
    """It comes as the portable driver has it; what a table has as text is not asked."""
    if "numbers" not in _MADE:
        _MADE["numbers"] = made = make_database("sqlite")
        made.execute(
            "CREATE TABLE words (k INTEGER, word VARCHAR(9), bare, loose COLLATE NOCASE)",
            "CREATE TABLE numbers (k INTEGER, word REAL)",
            "CREATE VIEW seen AS SELECT k, bare AS word FROM words",
            "INSERT INTO words VALUES (1, 0.1, 0.1, 0.1), (2, '0.1', '0.1', 'A')",
            "INSERT INTO words VALUES (3, x'31', 3, -1e300)",
            "INSERT INTO numbers VALUES (1, 0.1), (2, 1e22), (3, NULL)",
            "CREATE TABLE without (k INTEGER PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE down (k INTEGER PRIMARY KEY DESC)",
            "CREATE TABLE parts (k INTEGER, word TEXT, PRIMARY KEY (k, word))",
            "CREATE TABLE id (k INTEGER PRIMARY KEY)",
            "INSERT INTO without VALUES (1), (0.1), ('a'), (1e22)",
            "INSERT INTO down VALUES (1), (0.1), ('a'), (1e22)",
            "INSERT INTO parts VALUES (1, 'a'), (0.1, 'a'), (1e22, 'a')",
            "INSERT INTO id VALUES (1)",
        )
    with quick(_MADE["numbers"], NUMBERS[where]) as (rows_quick, rows_portable):
        assert told(rows_quick) == told(rows_portable)


def test_a_column_of_text_is_read_as_it_lies(make_database: MakeDatabase) -> None:
    """So is a row's id; of other columns, and of a view's, each cell is asked for its type."""
    database = make_database("sqlite")
    database.execute(
        "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, b Varchar(9), c, d CHARINT, e REAL)",
        "CREATE VIEW v AS SELECT a AS f FROM t",
    )
    sql = "SELECT k AS customer_key, a AS email, B AS city, c AS region, d AS phone, e AS value "
    for after, expected in (
        ("FROM t", {"customer_key", "email", "city"}),
        ("FROM t, v", set[str]()),
    ):
        with quick(database, sql + after) as (rows, _):
            assert isinstance(rows, ArrowRows)
            as_it_lies = {
                name
                for name in ("email", "city", "region", "phone", "customer_key")
                if f"typeof({name})" not in rows._source.select
            }
            assert as_it_lies == expected


def test_a_shop_in_utf_16_is_read_as_it_is_written(make_database: MakeDatabase) -> None:
    """Arrow's driver takes bytes for text, and SQLite gives such a shop's in another encoding."""
    database = make_database("sqlite")
    with closing(sqlite3.connect(str(make_url(database.owner).database))) as connection, connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")  # of a file that is empty yet
        connection.execute("CREATE TABLE people (customer_key TEXT, email TEXT)")
        connection.execute("INSERT INTO people VALUES ('c:1', 'zoë@example.com')")
    shop = replace(open_shop(database.url, None, timezone="UTC"), large=0)
    sql = "SELECT customer_key, email FROM people"
    with shop.read(SegmentQuery("mine", sql, {}, "mine.sql")) as reading:
        assert [batch.to_pylist() for batch in reading] == [
            [{"customer_key": "c:1", "email": "zoë@example.com"}]
        ]
        assert isinstance(opened(reading._asked), CursorRows)
