"""A row's cells as one text, where SQLite can join them: the rows that come as columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.cells import NOTHING, joins, parted
from syncd.errors import BadRows, ShopError
from syncd.model import SegmentQuery
from syncd.shop import DatabaseShop, open_shop
from tests.integration.databases import DIALECTS, Database, Dialect, MakeDatabase
from tests.integration.test_shop_ways import FEW

_MADE: dict[str, Database] = {}

TEXT = st.text(st.sampled_from("ab \x1f\x1e\x00\né\U0001f600"), max_size=4)
CELL = st.none() | st.integers(-9, 9) | TEXT.filter(lambda text: text != NOTHING)
SQL = "SELECT k AS customer_key, 'yes' AS ad_consent, email, phone FROM people"


@pytest.fixture
def people(make_database: MakeDatabase) -> Database:
    """SQLite with a table of text that is empty."""
    if "people" not in _MADE:
        _MADE["people"] = database = make_database("sqlite")
        database.execute(
            "CREATE TABLE people (k INTEGER PRIMARY KEY, email TEXT, phone TEXT, spent REAL)",
            "CREATE VIEW seen AS SELECT k, email, phone FROM people",
        )
    _MADE["people"].execute("DELETE FROM people")
    return _MADE["people"]


def shop_of(database: Database, batch_rows: int = 20_000) -> DatabaseShop:
    shop = open_shop(database.url, None, timezone="UTC")
    return replace(shop, large=0, batch_rows=batch_rows)


def both(shop: DatabaseShop, sql: str) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
    """A segment's batches joined, as far as they are, and as columns; both reads sealed."""
    query, found = SegmentQuery("mine", sql, {}, "mine.sql"), list[list[pa.RecordBatch]]()
    for joined in (True, False):
        with shop.read(query) as reading:
            found.append(list(reading.joined() if joined else reading))
            assert reading.seal() == sum(batch.num_rows for batch in found[-1])
    return found[0], found[1]


def told(batches: list[pa.RecordBatch]) -> Counter[tuple[object, ...]]:
    """Rows, in no order."""
    return Counter(tuple(row.items()) for batch in batches for row in parted(batch).to_pylist())


@given(rows=st.lists(st.tuples(CELL, CELL), max_size=12), batch_rows=st.integers(1, 5))
@FEW
def test_joined_rows_are_the_rows(
    people: Database, rows: list[tuple[object, ...]], batch_rows: int
) -> None:
    """Those with the separator in a cell come as columns; none is lost, none comes twice."""
    people.execute("DELETE FROM people")
    people.load("people", ("k", "email", "phone"), [(n, *row) for n, row in enumerate(rows)])
    joined, columns = both(shop_of(people, batch_rows), SQL)
    assert told(joined) == told(columns)
    assert max((batch.num_rows for batch in joined), default=0) <= batch_rows
    apart = [row for batch in joined if not joins(batch) for row in batch.to_pylist()]
    assert len(apart) == sum("\x1f" in f"{email}{phone}" for email, phone in rows)


@pytest.mark.parametrize(
    ("sql", "are"),
    [
        (SQL, True),
        ("SELECT p.k AS customer_key, p.phone FROM people p JOIN people q USING (k)", True),
        ("SELECT k AS customer_key, email, spent AS phone FROM people", False),
        ("SELECT k AS customer_key, email, 5 AS value FROM people", False),
        ("SELECT k AS customer_key, email, k AS value FROM people", False),
        ("SELECT k AS customer_key, email, 0.5 AS phone FROM people", False),
        ("SELECT k AS customer_key, lower(email) AS email FROM people", False),
        ("SELECT k AS customer_key, email FROM seen", False),
        ("WITH w AS (SELECT * FROM people) SELECT k AS customer_key, email FROM w", False),
    ],
)
def test_only_columns_that_are_surely_text_are_joined(
    people: Database, sql: str, *, are: bool
) -> None:
    """A number's text is not SQLite's to write, and `value` is none."""
    people.load("people", ("k", "email", "spent"), [(1, "a", 0.1), (2, None, 1e22)])
    joined, columns = both(shop_of(people), sql)
    assert told(joined) == told(columns)
    assert [joins(batch) is not None for batch in joined] == [are]


def test_the_second_look_has_the_binds_of_the_first(people: Database) -> None:
    people.load("people", ("k", "email"), [(1, "a\x1f"), (2, "b\x1f"), (3, "c")])
    sql = "SELECT k AS customer_key, email FROM people WHERE k > :least"
    query = SegmentQuery("mine", sql, {"least": 1}, "mine.sql")
    with shop_of(people).read(query) as reading:
        keys = [row["customer_key"] for one in reading.joined() for row in parted(one).to_pylist()]
        assert (sorted(keys), reading.seal()) == (["2", "3"], 2)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_shop_gives_its_rows_joined_or_as_columns(
    make_database: MakeDatabase, dialect: Dialect
) -> None:
    if dialect not in _MADE:
        _MADE[dialect] = made = make_database(dialect)
        made.execute("CREATE TABLE few (k VARCHAR(9), email VARCHAR(9))")
        made.load("few", ("k", "email"), [("a", "é"), ("b", None), ("c", "\x1f")])
    joined, columns = both(shop_of(_MADE[dialect]), "SELECT k AS customer_key, email FROM few")
    assert told(joined) == told(columns)


def test_a_key_that_is_missing_or_stands_twice_is_counted(make_database: MakeDatabase) -> None:
    """Also where one of them is among the rows that come as columns."""
    database = make_database("sqlite")
    database.execute("CREATE TABLE people (k TEXT, email TEXT)")
    rows = [("a", "x"), ("a", "x\x1f"), (None, "y"), ("", None), ("b", "z")]
    database.load("people", ("k", "email"), rows)
    query = SegmentQuery("mine", "SELECT k AS customer_key, email FROM people", {}, "mine.sql")
    said = "of 5 rows 2 have no customer_key and 1 repeat one"
    with shop_of(database).read(query) as reading, pytest.raises(BadRows, match=said):
        list(reading.joined())


@pytest.mark.parametrize(
    ("cells", "column"), [("x'ff', 'a'", "email"), ("'a', CAST(x'61c3' AS TEXT)", "phone")]
)
def test_what_is_no_text_is_said_of_its_column(people: Database, cells: str, column: str) -> None:
    """Though all of a row's cells are looked at together; what it holds is not repeated."""
    people.execute(f"INSERT INTO people (k, email, phone) VALUES (1, 'b', 'c'), (2, {cells})")
    query, said = (
        SegmentQuery("mine", SQL, {}, "mine.sql"),
        f"column {column} holds a value that is",
    )
    with shop_of(people).read(query) as reading, pytest.raises(ShopError, match=said):
        list(reading.joined())
