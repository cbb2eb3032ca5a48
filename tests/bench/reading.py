"""What it costs to read a shop: `python -m tests.bench.reading [ROWS]`, a million by default.

For each engine a table of members is made, and read to its seal three times, each time by a
process of its own: as `syncd sync` reads it, and by a plain loop of `fetchmany` that makes
columns of the driver's rows and remembers their keys in a set. Printed are the medians:
rows a second, CPU of the reading process in microseconds a row, and how many MB it grew by.
Another line tells what it would cost to have the shop sort by the key's bytes.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import pyarrow as pa
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from syncd.model import SegmentQuery
from syncd.shop import open_shop
from tests.integration.databases import DIALECTS, Database, fresh_database

ROWS = 1_000_000
TIMES = 3
COLUMNS = ("customer_key", "email", "phone", "first_name", "last_name", "postcode", "country")
STATEMENT = f"SELECT {', '.join(COLUMNS)} FROM members"
# Digits first, so that keys do not lie in the order of their bytes.
_MEMBERS = """
INSERT INTO members SELECT {key}, {mail}, {phone}, {first}, {last}, {code}, 'NL' FROM {numbers}
"""
_JOINED = {
    "sqlite": {
        "key": "(n * 7919 % 1000003) || ':' || n",
        "mail": "'customer' || n || '@example.com'",
        "phone": "'+316' || (10000000 + n)",
        "first": "'First' || (n % 5000)",
        "last": "'Last' || (n % 70000)",
        "code": "(1000 + n % 9000) || ' AB'",
        "numbers": "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r "
        "WHERE n < {rows}) SELECT n FROM r)",
    },
    "mysql": {
        "key": "CONCAT(seq * 7919 % 1000003, ':', seq)",
        "mail": "CONCAT('customer', seq, '@example.com')",
        "phone": "CONCAT('+316', 10000000 + seq)",
        "first": "CONCAT('First', seq % 5000)",
        "last": "CONCAT('Last', seq % 70000)",
        "code": "CONCAT(1000 + seq % 9000, ' AB')",
        "numbers": "seq_1_to_{rows}",
    },
}
_JOINED["postgresql"] = {**_JOINED["sqlite"], "numbers": "generate_series(1::bigint, {rows}) AS n"}
_BYTES = {
    "sqlite": "customer_key COLLATE BINARY",
    "postgresql": 'customer_key COLLATE "C"',
    "mysql": "CAST(customer_key AS BINARY)",
}


def fill(database: Database, rows: int) -> None:
    """As many members, made by the database itself."""
    kinds = ", ".join(f"{name} VARCHAR(60)" for name in COLUMNS)
    parts = {name: sql.format(rows=rows) for name, sql in _JOINED[database.dialect].items()}
    made = _MEMBERS.format(**parts)
    if database.dialect != "sqlite":
        made = made.replace("%", "%%")  # those drivers have binds begin with it
    database.execute(f"CREATE TABLE members ({kinds})", made)
    if database.dialect == "postgresql":
        database.execute("ANALYZE members")


def as_syncd(url: str, sql: str) -> int:
    """The way of `syncd sync`."""
    shop = open_shop(url, None, timezone="UTC")
    with shop.read(SegmentQuery("members", sql, {}, "bench")) as reading:
        for _ in reading:
            pass
        return reading.seal()


def plainly(url: str, sql: str) -> int:
    """By fetchmany, into columns, with a set of keys."""
    engine = create_engine(url, poolclass=NullPool, execution_options={"stream_results": True})
    keys: set[str] = set()
    rows = 0
    with engine.connect() as connection, closing(connection.exec_driver_sql(sql)) as result:
        while many := result.fetchmany(20_000):
            batch = pa.RecordBatch.from_arrays(
                [pa.array(cells) for cells in zip(*many, strict=True)], names=list(COLUMNS)
            )
            keys.update(batch.column(0).to_pylist())
            rows += batch.num_rows
        assert rows == len(keys)
    return rows


WAYS: dict[str, Callable[[str, str], int]] = {"syncd": as_syncd, "fetchmany": plainly}


def measured(way: str, url: str, sql: str) -> dict[str, float]:
    """One read, by this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    rows = WAYS[way](url, sql)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rows a second": rows / seconds,
        "us a row": spent / rows * 1e6,
        "MB": (after.ru_maxrss - before.ru_maxrss) / 1024,
    }


def reads(database: Database, way: str, sql: str) -> dict[str, float]:
    """The medians of a few reads, each by a new process."""
    found = []
    for _ in range(TIMES):
        asked = [sys.executable, "-m", __spec__.name, way, database.url, sql]
        answer = subprocess.run(asked, capture_output=True, text=True, check=True)
        found.append(json.loads(answer.stdout))
    return {figure: median(one[figure] for one in found) for figure in found[0]}


def lines(database: Database) -> Iterator[str]:
    """A line of the table for each way."""
    sql = STATEMENT
    ordered = f"{sql} ORDER BY {_BYTES[database.dialect]}"
    for name, way, asked in (
        ("syncd", "syncd", sql),
        ("plain fetchmany", "fetchmany", sql),
        ("syncd, sorted by the shop", "syncd", ordered),
    ):
        found = reads(database, way, asked)
        yield (
            f"| {database.dialect} | {name} | {found['rows a second']:,.0f} | "
            f"{found['us a row']:.2f} | {found['MB']:.0f} |"
        )


def main(rows: int) -> None:
    """Print the table."""
    print(f"{rows:,} rows; load {os.getloadavg()[0]:.1f}")
    print("| engine | way | rows a second | CPU us a row | MB grown |\n|---|---|---:|---:|---:|")
    for dialect in DIALECTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                with fresh_database(dialect, Path(folder)) as database:
                    fill(database, rows)
                    for line in lines(database):
                        print(line, flush=True)
            except pytest.skip.Exception as skipped:
                print(f"| {dialect} | {skipped} | | | |")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WAYS:
        print(json.dumps(measured(*sys.argv[1:4])))
    else:
        main(int((sys.argv[1:] or [str(ROWS)])[0].replace("_", "").replace(",", "")))
