"""The quick ways to read a shop give what the portable driver gives, to the byte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from string import ascii_letters, digits
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from syncd.errors import BadRows
from syncd.hashes import hashed, stirred
from syncd.model import SegmentQuery
from syncd.shop import open_shop
from syncd.shop.arrow import ArrowRows
from syncd.shop.packets import batches as packets
from syncd.shop.packets import known
from syncd.shop.rows import BATCH_ROWS, CursorRows, Rows, fetched
from syncd.shop.ways import opened
from tests.integration.databases import DIALECTS, Database, Dialect, MakeDatabase

SECRET = "s3cret-canary"
NOW = datetime(2026, 11, 28, 5, 30, tzinfo=UTC)
FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
TEXT = st.text(max_size=12)
STORED = TEXT.filter(lambda text: "\0" not in text)  # PostgreSQL stores no NUL
FLOATS = st.floats(allow_nan=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(datetime.fromisoformat("1000-01-01"))
LONG = ["é" * 130, "x" * 250, "y" * 251, "z" * 70_000]  # lengths of one to three bytes
DAYS = st.dates(date(1000, 1, 1))
MONEY = st.decimals(-99_999_999, 99_999_999, places=4, allow_nan=False)
BYTES = TEXT.map(str.encode)

# A column that a segment may return, its type, and what is stored in it.
Columns = dict[str, tuple[str, st.SearchStrategy[object]]]
COLUMNS: dict[Dialect, Columns] = {
    "sqlite": {
        "email": ("", st.one_of(TEXT, FLOATS, WHOLE, BYTES)),
        "phone": ("TEXT", st.one_of(TEXT, WHOLE)),
        "postcode": ("INTEGER", st.one_of(WHOLE, FLOATS)),
        "city": ("REAL", st.one_of(FLOATS, st.integers(-9, 9))),
        "region": ("NUMERIC", st.one_of(FLOATS, TEXT)),
        "value": ("", st.one_of(FLOATS, WHOLE, st.sampled_from(["12.50", " 7 ", "much", b"5"]))),
    },
    "postgresql": {
        "email": ("text", STORED),
        "phone": ("varchar(20)", STORED),
        "first_name": ("char(12)", STORED),
        "last_name": ("bytea", BYTES),
        "phone_2": ("smallint", st.integers(-(2**15), 2**15 - 1)),
        "phone_3": ("integer", st.integers(-(2**31), 2**31 - 1)),
        "postcode": ("bigint", WHOLE),
        "city": ("double precision", FLOATS),
        "region": ("real", st.floats(width=32, allow_nan=False)),
        "birth_date": ("date", DAYS),
        "consent_at": ("timestamptz", MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
        "gender": ("timestamp", MOMENTS),
        "country": ("boolean", st.booleans()),
        "external_id": ("uuid", st.uuids()),
        "value": ("numeric", st.one_of(MONEY, st.just(Decimal("NaN")))),
    },
    "mysql": {
        "email": ("TEXT", TEXT),
        "phone": ("VARCHAR(20) COLLATE utf8mb4_general_ci", TEXT),
        "first_name": ("VARBINARY(60)", BYTES),
        "last_name": (
            "MEDIUMTEXT",
            st.sampled_from(LONG),
        ),
        "postcode": ("BIGINT UNSIGNED", st.integers(0, 2**64 - 1)),
        "city": ("DOUBLE", st.floats(allow_nan=False, allow_infinity=False)),
        "region": ("FLOAT", st.floats(-(2.0**99), 2.0**99, width=32)),
        "birth_date": ("DATE", DAYS),
        "consent_at": ("DATETIME(6)", MOMENTS),
        "gender": ("DATETIME", MOMENTS.map(lambda moment: moment.replace(microsecond=0))),
        "country": ("BOOLEAN", st.booleans()),
        "external_id": ("INT(8) ZEROFILL", st.integers(0, 99_999)),
        "ad_consent": ("YEAR", st.sampled_from([0, 1999])),
        "currency": ("BIT(7)", st.integers(0, 127)),
        "value": ("DECIMAL(14, 4)", MONEY),
    },
}
_MADE: dict[str, Database] = {}


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    """A database with an empty table `cells` of many types, and `keys` to be filled."""
    if request.param not in _MADE:
        database = make_database(request.param)
        columns = COLUMNS[database.dialect].items()
        typed = ", ".join(f"{name} {kind}" for name, (kind, _) in columns)
        database.execute(f"CREATE TABLE cells (n INTEGER, {typed})")
        _MADE[request.param] = database
    return _MADE[request.param]


@contextmanager
def quick(
    database: Database, sql: str, *, batch_rows: int = BATCH_ROWS, **binds: object
) -> Iterator[tuple[Rows, Rows]]:
    """The same SQL twice: by the quick way, and as the portable driver reads it."""
    shop = open_shop(database.url, None, timezone="UTC")
    shop = replace(shop, large=0, batch_rows=batch_rows)
    with shop.read(SegmentQuery("mine", sql, binds, "mine.sql")) as reading:
        asked = reading._asked
        rows = opened(asked)
        if database.dialect == "mysql":
            assert isinstance(rows, CursorRows)
            assert rows._fetch is packets
        else:
            assert isinstance(rows, ArrowRows)
        with shop.read(SegmentQuery("mine", sql, binds, "mine.sql")) as other:
            portable = CursorRows(other._asked, fetched)
            portable.open()
            try:
                yield rows, portable
            finally:
                portable.close()
                rows.close()


def told(rows: Rows) -> list[tuple[list[str], list[dict[str, object]]]]:
    """Batches with the types of their columns."""
    return [(list(map(str, one.schema.types)), one.to_pylist()) for one in rows.batches()]


@given(data=st.data())
@FEW
def test_every_type_comes_as_the_portable_driver_has_it(
    database: Database, data: st.DataObject
) -> None:
    columns = COLUMNS[database.dialect]
    cells = [st.one_of(st.none(), values) for _, values in columns.values()]
    rows = data.draw(st.lists(st.tuples(*cells), max_size=25))
    database.execute("DELETE FROM cells")
    database.load("cells", ("n", *columns), [(n, *row) for n, row in enumerate(rows)])
    sql = f"SELECT n AS customer_key, {', '.join(columns)} FROM cells ORDER BY n"
    most = data.draw(st.integers(1, 4)) if database.dialect == "mysql" else BATCH_ROWS
    with quick(database, sql, batch_rows=most) as (rows_quick, rows_portable):
        assert told(rows_quick) == told(rows_portable)


@given(rows=st.lists(st.tuples(*(values for _, values in COLUMNS["sqlite"].values())), max_size=9))
@FEW
def test_sqlite_may_change_a_column_s_type_late(
    make_database: MakeDatabase, rows: list[tuple[object, ...]]
) -> None:
    """After 20,000 rows without a cell come texts, numbers and bytes."""
    names = [name for name in COLUMNS["sqlite"] if name != "value"]
    if "late" not in _MADE:
        _MADE["late"] = late = make_database("sqlite")
        late.execute(f"CREATE TABLE cells (n INTEGER PRIMARY KEY, {', '.join(names)})")
        late.load("cells", ("n",), [(n,) for n in range(BATCH_ROWS)])
    late = _MADE["late"]
    late.execute(f"DELETE FROM cells WHERE n >= {BATCH_ROWS}")
    late.load("cells", ("n", *names), [(BATCH_ROWS + n, *row[:-1]) for n, row in enumerate(rows)])
    sql = f"SELECT n AS customer_key, {', '.join(names)} FROM cells"
    with quick(late, sql) as (by_arrow, portable):
        found, known = (
            [row for _, batch in told(each) for row in batch] for each in (by_arrow, portable)
        )
        assert found == known
        assert len(found) == BATCH_ROWS + len(rows)


KEYS: dict[str, Callable[[int], object]] = {
    "mixed case": lambda n: f"{'ab'[n % 2]}{'Cc'[n // 2 % 2]}:{n // 4}",
    "integers": lambda n: n,
    "UUIDs": lambda n: UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128),
    "200 characters": lambda n: f"{'é' * 90}{n:0110}",
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_of_any_kind_are_all_different(database: Database, kind: str) -> None:
    """Of 30,000 none is taken for another by a collation; two that are the same are found."""
    made = {"integers": "BIGINT"}.get(kind, "VARCHAR(200)")
    if database.dialect == "postgresql" and kind == "UUIDs":
        made = "uuid"
    database.execute("DROP TABLE IF EXISTS keyed", f"CREATE TABLE keyed (k {made})")
    database.load("keyed", ("k",), [(_plain(KEYS[kind](n)),) for n in range(30_000)])
    shop = replace(open_shop(database.url, None, timezone="UTC"), large=0)
    query = SegmentQuery("mine", "SELECT k AS customer_key FROM keyed", {}, "mine.sql")
    with shop.read(query) as reading:
        keys = [key for batch in reading for key in batch.column("customer_key").to_pylist()]
        assert reading.seal() == len(set(keys)) == 30_000
        assert set(keys) == {str(KEYS[kind](n)) for n in range(30_000)}
    database.load("keyed", ("k",), [(_plain(KEYS[kind](n)),) for n in (7, 29_999, 7)])
    with shop.read(query) as reading, pytest.raises(BadRows, match=r"30003 rows 0 .* and 3 repeat"):
        list(reading)


def _plain(key: object) -> object:
    return str(key) if isinstance(key, UUID) else key


def test_keys_of_one_hash_are_no_repetition(database: Database) -> None:
    """The shop is asked, and counts them by their bytes."""
    one, other = colliding()
    assert one != other
    assert len(np.unique(hashed(pa.array([one, other])))) == 1
    union = f"SELECT '{one}' AS customer_key UNION ALL SELECT '{other}'"
    shop = replace(open_shop(database.url, None, timezone="UTC"), large=0)
    with shop.read(SegmentQuery("mine", union, {}, "mine.sql")) as reading:
        assert [batch.num_rows for batch in reading] == [2]
        assert reading.seal() == 2


def colliding() -> tuple[str, str]:
    """Two keys whose second word makes good what their first one did to the hash."""
    seed = (16 * 0x9E3779B97F4A7C15) % 2**64
    words = [f"c:{n:06}" for n in range(100_000)]
    begun = stirred(np.array([int.from_bytes(word.encode(), "little") ^ seed for word in words]))
    for word, apart in zip(words[1:], begun[1:] ^ begun[0], strict=True):
        pairs = [_PAIRS.get(byte) for byte in apart.tobytes()]
        if all(pairs):
            ends = ("".join(pair[end] for pair in pairs if pair) for end in (0, 1))
            one, other = (start + end for start, end in zip((words[0], word), ends, strict=True))
            return one, other
    raise AssertionError("none was found")


# Two letters or digits for each way in which two can differ.
_PAIRS = {
    ord(one) ^ ord(other): one + other
    for one in ascii_letters + digits
    for other in ascii_letters + digits
}


@pytest.mark.parametrize(
    "bound", ["it's 5 % :x", 7, -0.5, Decimal("2.50"), True, None, date(2001, 2, 3), NOW]
)
def test_a_bind_is_the_same_by_either_way(database: Database, bound: object) -> None:
    text = {"sqlite": "TEXT", "postgresql": "text", "mysql": "CHAR(40)"}[database.dialect]
    sql = (
        f"SELECT 'c:1' AS customer_key, CAST(:bound AS {text}) AS city, '100 %' AS region "
        f"UNION ALL SELECT 'c:2', CAST(:bound AS {text}), ':bound'"
    )
    with quick(database, sql, bound=bound) as (rows_quick, rows_portable):
        assert told(rows_quick) == told(rows_portable)


def test_nobody_in_this_process_overwrites_what_is_being_read(make_database: MakeDatabase) -> None:
    """Two SQLites in one process drop each other's locks; the portable connection keeps them."""
    database = make_database("sqlite")
    database.execute("PRAGMA journal_mode = WAL", "CREATE TABLE p (k INTEGER PRIMARY KEY, m TEXT)")
    database.load("p", ("k", "m"), [(n, "before" * 30) for n in range(3 * BATCH_ROWS)])
    shop = open_shop(database.url, None, timezone="UTC")
    query = SegmentQuery("mine", "SELECT k AS customer_key, m AS city FROM p", {}, "mine.sql")
    with shop.read(query) as reading:
        batches = iter(reading)
        cities = next(batches).column("city").to_pylist()
        assert isinstance(reading._rows, ArrowRows)
        database.execute("DELETE FROM p WHERE k > 30000", "UPDATE p SET m = 'after'")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for batch in batches:
            cities += batch.column("city").to_pylist()
        assert reading.seal() == len(cities) == 3 * BATCH_ROWS
    assert set(cities) == {"before" * 30}


WRITER = """
import sqlite3, sys
shop = sqlite3.connect(sys.argv[1], timeout=4)
shop.execute("DELETE FROM p")
print(flush=True)
shop.commit()
"""
# In a process of its own: in one that reads already another reader is let in.
READER = """
import sqlite3, sys
try:
    while True:
        sqlite3.connect(sys.argv[1], timeout=0).execute("SELECT count(*) FROM p")
except sqlite3.OperationalError:
    print(flush=True)
"""


def test_a_shop_that_waits_to_write_need_not_wait_for_ever(make_database: MakeDatabase) -> None:
    """Whoever waits for us lets nobody else begin, and so our second connection must not wait."""
    database = make_database("sqlite")
    database.execute("CREATE TABLE p (k INTEGER)", "INSERT INTO p VALUES (1), (2)")
    query = SegmentQuery("mine", "SELECT k AS customer_key FROM p", {}, "mine.sql")
    with ExitStack() as others:
        with open_shop(database.url, None, timezone="UTC").read(query) as reading:
            writer = others.enter_context(_begun(WRITER, database))
            others.enter_context(_begun(READER, database))
            assert sum(batch.num_rows for batch in reading) == 2
            assert reading.seal() == 2
            assert isinstance(reading._rows, CursorRows)
        assert writer.wait(timeout=60) == 0


@contextmanager
def _begun(script: str, database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A process, once it has written a line."""
    path = str(make_url(database.url).database)
    started = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
    with started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"\n"
        yield started


def test_arrow_s_own_connection_cannot_write(database: Database) -> None:
    """Nor does it show where it is connected to."""
    if database.dialect == "mysql":
        return  # its rows come by the portable connection
    shop = replace(open_shop(database.owner, SECRET, timezone="UTC"), large=0)
    with shop.read(SegmentQuery("mine", "SELECT 'c:1' AS customer_key", {}, "x")) as reading:
        assert len(list(reading)) == 1
        rows = reading._rows
        assert isinstance(rows, ArrowRows)
        with pytest.raises(rows.errors, match=r"read.?only"):
            rows.number("DELETE FROM cells")
        assert SECRET not in f"{vars(rows)}{reading._asked}"


def test_who_leaves_early_leaves_nothing_open(database: Database) -> None:
    """The connections end, and the shop can be changed at once."""
    shop = replace(open_shop(database.url, None, timezone="UTC"), large=0, batch_rows=2)
    numbers = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 900) "
    query = SegmentQuery("mine", f"{numbers}SELECT k AS customer_key FROM n", {}, "mine.sql")
    for _ in range(3):
        with shop.read(query) as reading:
            assert next(iter(reading)).num_rows in {1, 2}
    database.execute("DROP TABLE IF EXISTS keyed", "CREATE TABLE keyed (k INTEGER)")


def test_a_pymysql_that_is_made_otherwise_reads_by_itself() -> None:
    """What is taken of it is no part of what it promises."""
    assert not known(object())


def test_a_read_takes_one_core_and_little_memory_of_postgresql(make_database: MakeDatabase) -> None:
    """Whatever its own settings are; by either way."""
    database = make_database("postgresql")
    database.execute(
        f"ALTER DATABASE {make_url(database.url).database} SET work_mem = '1MB'",
        f"ALTER DATABASE {make_url(database.url).database} SET max_parallel_workers_per_gather = 4",
    )
    sql = (
        "SELECT current_setting('work_mem') || ' by ' || "
        "current_setting('max_parallel_workers_per_gather') || ' for ' || "
        "current_setting('cursor_tuple_fraction') AS customer_key"
    )
    with quick(database, sql) as ways:
        for rows in ways:
            said = [key for batch in rows.batches() for key in batch.column(0).to_pylist()]
            assert said == ["64MB by 0 for 1"]
