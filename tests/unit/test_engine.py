"""Each comparison has a database of its own, in an instance that the process keeps."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest

from syncd.membership.engine import _instance, engine, scalar, stream


def databases() -> set[str]:
    listed = _instance(os.getpid()).cursor().execute("SELECT database_name FROM duckdb_databases()")
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


def test_a_fork_has_an_instance_of_its_own() -> None:
    """The threads of the first one are not there any more."""
    script = """
import os
from syncd.membership.engine import engine
with engine() as first:
    first.execute("CREATE TABLE take AS SELECT range AS id FROM range(1_000_000)")
    child = os.fork()
    if not child:
        with engine() as second:
            second.execute("CREATE TABLE take AS SELECT range AS id FROM range(1_000_000)")
        os._exit(0)
    print(os.waitpid(child, 0)[1])
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ended.stdout == "0\n", ended.stderr
