"""Each comparison has a database of its own, in an instance that the process keeps."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from syncd.membership.engine import Instance, _instance, engine, scalar, stream


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
