"""Each comparison has a database of its own, in an instance that the process keeps."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.membership.engine import (
    ROW_SCHEMA,
    SLOTS,
    Instance,
    _instance,
    details,
    engine,
    face,
    facts,
    feed,
    filled,
    links,
    scalar,
    stream,
)
from syncd.membership.rest import sectioned
from syncd.model import ADDRESS_CELLS, ROW_COLUMNS

CELLS = st.sampled_from([b"", None, b"1", b"12.50", b"x" * 32])
ROWS = st.sets(st.sampled_from(ROW_COLUMNS)).flatmap(
    lambda cells: st.lists(
        st.fixed_dictionaries(dict.fromkeys(sorted(cells), CELLS)), min_size=1, max_size=4
    )
)


@given(ROWS)
@example([dict.fromkeys(ADDRESS_CELLS, b"1"), {"email": b"x"}])
@settings(max_examples=40, deadline=None)
def test_sql_of_the_filled_cells_says_what_sql_of_all_says(rows: list[dict[str, bytes]]) -> None:
    """Faces and numbers lie in files: they must not depend on who else is in a batch."""
    whole = [{"key": b"k", "consent": 1, **dict.fromkeys(ROW_COLUMNS), **row} for row in rows]
    batch = pa.RecordBatch.from_pylist(whole, schema=ROW_SCHEMA)

    def said(cells: Collection[str]) -> list[object]:
        with engine() as database:
            columns = f"{face(cells)} AS face, {details(cells)} AS details, {facts(cells)}"
            feed(
                database,
                [(0, batch)],
                f"CREATE TABLE told AS SELECT n, {columns} FROM incoming",
                f"CREATE TABLE link AS {links('incoming', 'n', cells)}",
            )
            told = database.execute("FROM told ORDER BY n").fetchall()
            kinds = "SELECT name, type FROM pragma_table_info('told')"
            told += database.execute(kinds).fetchall()
            told += database.execute("FROM link ORDER BY n, slot").fetchall()
            return [*told]

    assert said(filled(batch)) == said(ROW_COLUMNS)
    lines = [all(row[cell] is not None for cell in cells) for row in whole for _, cells, _ in SLOTS]
    with engine() as database:
        feed(database, [(0, batch)], f"CREATE TABLE link AS {links('incoming', 'n')}")
        assert scalar(database, "SELECT count(*) FROM link") == sum(lines)


def databases() -> set[str]:
    with _instance.used() as instance, instance.cursor() as asked:
        listed = asked.execute("SELECT database_name FROM duckdb_databases()")
        return {str(name) for (name,) in listed.fetchall()}


def test_two_at_once_do_not_meet() -> None:
    with engine() as one, engine() as other:
        one.execute("CREATE TABLE take AS SELECT 1 AS id")
        other.execute("CREATE TABLE take AS SELECT 2 AS id")
        assert (scalar(one, "SELECT id FROM take"), scalar(other, "SELECT id FROM take")) == (1, 2)


def test_nothing_stays_whatever_ends_it() -> None:
    with engine():
        pass
    before = databases()
    with engine() as ended:
        ended.execute("CREATE TABLE take AS SELECT range AS id FROM range(100_000)")
        left = stream(ended, "SELECT id FROM take", pa.schema([("id", pa.int64())]))
        assert next(left).num_rows > 0  # and no further
    with pytest.raises(duckdb.Error), engine() as failed:
        failed.execute("BEGIN; CREATE TABLE take (id BIGINT); SELECT nothing FROM nowhere")
    assert databases() == before


def test_an_instance_is_made_anew_after_so_many_and_from_under_nobody() -> None:
    kept = Instance(lasts=3)

    def used() -> duckdb.DuckDBPyConnection:
        with kept.used() as found:
            return found

    with kept.used() as first:
        assert all(used() is first for _ in range(5)), "somebody works with it"
        first.execute("SELECT 1")
    second = used()
    assert second is not first
    with pytest.raises(duckdb.Error):
        first.execute("SELECT 1")
    assert [used() is second for _ in range(3)] == [True, True, False]


def test_each_section_gets_its_own_ascending() -> None:
    schema = pa.schema([("high", pa.uint64()), ("low", pa.uint64()), ("moment", pa.int64())])
    numbers = (
        "SELECT ((range % 3)::UHUGEINT << 64) | (90_000 - range)::UHUGEINT AS id, {} AS moment"
    )
    queries = {
        "second": numbers.format(2) + " FROM range(30_000)",
        "none": numbers.format(0) + " FROM range(0)",
        "first": numbers.format(1) + " FROM range(25_000)",
    }
    found: dict[str, list[tuple[int, int]]] = {}
    with engine() as database:
        for section, batch in sectioned(database, queries, schema):
            rows = batch.to_pylist()
            assert {row["moment"] for row in rows} == {{"first": 1, "second": 2}[section]}
            found.setdefault(section, []).extend((row["high"], row["low"]) for row in rows)

    assert list(found) == ["second", "first"]
    assert found["second"] == sorted((n % 3, 90_000 - n) for n in range(30_000))
    assert found["first"] == sorted((n % 3, 90_000 - n) for n in range(25_000))
