"""Reading a shop on real engines: what works, and each thing that can go wrong."""

from __future__ import annotations

import gc
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from syncd.errors import BadRows, ConfigError, ShopError, TornSnapshot
from syncd.model import SegmentQuery
from syncd.shop import DatabaseShop, open_shop
from tests.integration.databases import DIALECTS, Database, MakeDatabase

MANY = 50_000
SECRET = "s3cret-canary"
_MADE: dict[str, Database] = {}


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, make_database: MakeDatabase) -> Database:
    """A database with `people` (many), `bad` (keys NULL and twice) and `nobody` (empty)."""
    if request.param not in _MADE:
        database = make_database(request.param)
        _fill(database)
        _MADE[request.param] = database
    return _MADE[request.param]


@pytest.fixture
def shop(database: Database) -> DatabaseShop:
    return open_shop(database.url, None, timezone="Europe/Amsterdam")


def _fill(database: Database) -> None:
    key = "VARCHAR(40)"
    if database.dialect == "sqlite":
        database.execute("PRAGMA journal_mode = WAL")
    for table in ("people", "bad", "nobody"):
        database.execute(
            f"CREATE TABLE {table} (customer_key {key}, email {key}, visits INTEGER, "
            "spent DECIMAL(10, 2), born DATE, agreed BOOLEAN)"
        )
    names = ("customer_key", "email", "visits", "spent", "born", "agreed")
    database.load(
        "people",
        names,
        [
            (f"c:{n}", f"é{n}@example.com", n, "12.50", "2001-02-03", n % 2 == 0)
            for n in range(MANY)
        ],
    )
    bad = [None, "c:1", "c:2", "c:1", "", None, "c:1"]
    database.load("bad", names, [(key, "a@example.com", 1, "1", None, None) for key in bad])


def own(sql: str, **parameters: object) -> SegmentQuery:
    return SegmentQuery("mine", sql, parameters, "mine.sql")


def read(shop: DatabaseShop, sql: str, **parameters: object) -> pa.Table:
    with shop.read(own(sql, **parameters)) as reading:
        batches = list(reading)
        assert reading.seal() == sum(batch.num_rows for batch in batches)
    assert batches
    return pa.Table.from_batches(batches)


def test_rows_come_in_bounded_batches_of_text(shop: DatabaseShop) -> None:
    """All columns are text, but `value`."""
    with shop.read(own("SELECT customer_key, email, spent AS value FROM people")) as reading:
        assert reading.columns == ("customer_key", "email", "value")
        batches = list(reading)
        assert reading.seal() == MANY
    sizes = [batch.num_rows for batch in batches]
    assert sum(sizes) == MANY
    assert max(sizes) <= 20_000 < 2 * min(sizes[:-1])
    assert batches[0].schema.types == [pa.string(), pa.string(), pa.float64()]
    keys = {key for batch in batches for key in batch.column("customer_key").to_pylist()}
    assert keys == {f"c:{n}" for n in range(MANY)}


def test_numbers_dates_and_nulls_become_text(shop: DatabaseShop) -> None:
    sql = (
        "SELECT visits AS customer_key, born AS birth_date, spent AS postcode, NULL AS email, "
        "CAST(spent AS CHAR(10)) AS city FROM people WHERE customer_key = 'c:7'"
    )
    (row,) = read(shop, sql).to_pylist()
    assert row["customer_key"] == "7"
    assert row["birth_date"] == "2001-02-03"
    assert float(row["postcode"]) == 12.5
    assert row["email"] is None
    assert row["city"].strip() in {"12.50", "12.5"}


def test_only_real_binds_are_bound(shop: DatabaseShop) -> None:
    """A colon or a percent sign in a string or a comment is nothing to fill in."""
    sql = (
        "SELECT customer_key, 'a:visits 100% :x' AS city -- :nothing, 5 %s\n"
        "FROM people WHERE visits >= :least AND visits < :most; -- done"
    )
    rows = read(shop, sql, least=10, most=13, unused="x").to_pylist()
    assert [row["customer_key"] for row in rows] == ["c:10", "c:11", "c:12"]
    assert {row["city"] for row in rows} == {"a:visits 100% :x"}


def test_as_of_is_bound_in_utc(shop: DatabaseShop) -> None:
    sql = "SELECT customer_key FROM people WHERE visits < 3 AND born < :as_of"
    assert read(shop, sql, as_of=datetime(2002, 1, 1, tzinfo=UTC)).num_rows == 3
    with shop.read(own(sql, as_of=datetime(2000, 1, 1, tzinfo=UTC))) as reading:
        assert not list(reading)


def test_a_bind_that_nobody_gives_is_named(shop: DatabaseShop) -> None:
    query = own("SELECT customer_key FROM people WHERE visits = :soon", as_of=1)
    with pytest.raises(ConfigError, match=r"mine\.sql: .* asks for :soon; given: :as_of"):
        shop.read(query).__enter__()


def test_a_segment_of_nobody_is_read_and_sealed_as_none(shop: DatabaseShop) -> None:
    with shop.read(own("SELECT customer_key, email FROM nobody")) as reading:
        assert reading.columns == ("customer_key", "email")
        assert list(reading) == []
        assert reading.seal() == 0


def test_keys_that_are_missing_or_stand_twice_are_counted(shop: DatabaseShop) -> None:
    """Of 7 rows 3 have no key and 2 repeat one; no batch of them is handed out."""
    seen: list[pa.RecordBatch] = []
    with shop.read(own("SELECT customer_key, email FROM bad")) as reading:
        with pytest.raises(BadRows, match=r"of 7 rows 3 have no customer_key and 2 repeat one"):
            seen.extend(reading)
        assert seen == []


def test_a_repeated_key_is_found_across_batches(shop: DatabaseShop) -> None:
    sql = "SELECT customer_key FROM people UNION ALL SELECT customer_key FROM people"
    seen: list[pa.RecordBatch] = []
    with shop.read(own(sql)) as reading, pytest.raises(BadRows, match=r"100000 rows 0 .* 50000"):
        seen.extend(reading)
    assert sum(batch.num_rows for batch in seen) == 2 * MANY, "known only after the last row"


def test_a_read_that_was_left_early_cannot_be_sealed(shop: DatabaseShop) -> None:
    with shop.read(own("SELECT customer_key FROM people")) as reading:
        next(iter(reading))
        with pytest.raises(TornSnapshot, match=r"left after (20000|19999) rows"):
            reading.seal()
    gc.collect()  # a driver that complains of unread rows does so here


def test_rows_can_be_taken_only_once(shop: DatabaseShop) -> None:
    with shop.read(own("SELECT customer_key FROM people")) as reading:
        assert len(list(reading)) == 3
        with pytest.raises(TornSnapshot, match="only once"):
            list(reading)


def test_a_count_that_differs_is_torn(shop: DatabaseShop) -> None:
    """As many people as are drawn by lot: of two looks at them one pair in 50,000 agrees."""
    lots = {"sqlite": f"abs(random() % {MANY})", "postgresql": f"random() * {MANY}"}
    drawn = f"(SELECT {lots.get(shop.dialect, f'rand() * {MANY}')} AS lot LIMIT 1) AS drawn"
    sql = f"SELECT customer_key FROM people CROSS JOIN {drawn} WHERE visits <= lot"
    with shop.read(own(sql)) as reading:
        assert list(reading)
        with pytest.raises(TornSnapshot, match=r"\d+ rows were read, but the shop counts \d+"):
            reading.seal()


def test_a_read_sees_one_moment(shop: DatabaseShop, database: Database) -> None:
    """What the shop writes while we read is not seen, in the rows or in the count."""
    with shop.read(own("SELECT customer_key FROM people")) as reading:
        batches = iter(reading)
        rows = next(batches).num_rows
        database.load("people", ("customer_key",), [("late",)])
        try:
            rows += sum(batch.num_rows for batch in batches)
            assert reading.seal() == rows == MANY
        finally:
            database.execute("DELETE FROM people WHERE customer_key = 'late'")


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM people", "writes"),
        ("UPDATE people SET visits = 0", "writes"),
        ("INSERT INTO people (customer_key) VALUES ('x')", "writes"),
        ("DROP TABLE people", "writes"),
        ("CREATE TABLE mine AS SELECT customer_key FROM people", "writes"),
        ("SELECT customer_key FROM people; DROP TABLE people", "holds 2 statements"),
        ("SELECT customer_key FROM people; SELECT customer_key FROM people", "2 statements"),
        ("SELECT customer_key INTO mine FROM people", "INTO|one SELECT"),
        ("SELECT customer_key FROM people FOR UPDATE", "locks rows|cannot be read"),
        ("WITH x AS (DELETE FROM people RETURNING customer_key) SELECT * FROM x", "writes"),
        ("VALUES ('c:1')", "not a SELECT"),
        ("SELECT load_extension('x') AS customer_key", "calls load_extension"),
        ("SELECT pg_sleep(9) AS customer_key", "calls pg_sleep"),
        ("SELECT customer_key FROM", "cannot be read|one SELECT"),
        ("SELECT customer_key FROM people WHERE email = 'torn", "cannot be read"),
        ("-- nothing", "0 statements"),
    ],
)
def test_sql_that_is_not_one_select_is_never_sent(
    shop: DatabaseShop, sql: str, reason: str
) -> None:
    """The message has the file and the reason, not the SQL."""
    with pytest.raises(ConfigError, match=rf"^mine\.sql: .*({reason})") as refused:
        shop.read(own(sql)).__enter__()
    assert "'torn" not in str(refused.value)
    assert read(shop, "SELECT customer_key FROM people").num_rows == MANY


def test_a_comment_that_mariadb_would_run_is_refused(shop: DatabaseShop) -> None:
    sql = "SELECT customer_key FROM people /*! INTO OUTFILE '/tmp/x' */"
    if shop.dialect == "mysql":
        with pytest.raises(ConfigError, match="comment that the server would run"):
            shop.read(own(sql)).__enter__()
    else:
        assert read(shop, sql).num_rows == MANY


def test_the_transaction_refuses_writes_even_of_the_owner(database: Database) -> None:
    """Past the check of the SQL, with a login that may do anything."""
    shop = open_shop(database.owner, None, timezone="UTC")
    with shop._transaction() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql("INSERT INTO nobody (customer_key) VALUES ('x')")
    assert not list(_rows(database, "SELECT * FROM nobody"))


def test_a_function_that_writes_fails(database: Database) -> None:
    """SQLite has no functions of its own that write."""
    if database.dialect == "sqlite":
        return
    body = {
        "postgresql": (
            "CREATE OR REPLACE FUNCTION sneak() RETURNS text LANGUAGE sql SECURITY DEFINER "
            "AS $$ INSERT INTO nobody (customer_key) VALUES ('x') RETURNING customer_key $$"
        ),
        "mysql": (
            "CREATE OR REPLACE FUNCTION sneak() RETURNS TEXT MODIFIES SQL DATA "
            "BEGIN INSERT INTO nobody (customer_key) VALUES ('x'); RETURN 'x'; END"
        ),
    }[database.dialect]
    database.execute(body)
    shop = open_shop(database.url, None, timezone="UTC")
    with pytest.raises(ShopError, match="refused a write"):
        read(shop, "SELECT sneak() AS customer_key")
    assert not list(_rows(database, "SELECT * FROM nobody"))


def test_an_unknown_column_is_named_with_the_nearest(shop: DatabaseShop) -> None:
    sql = "SELECT customer_key, email AS e_mail, spent FROM people"
    with pytest.raises(ConfigError) as refused:
        shop.read(own(sql)).__enter__()
    assert "mine.sql: unknown column 'e_mail' (did you mean 'email'?)" in str(refused.value)
    assert "unknown column 'spent'" in str(refused.value)


def test_a_segment_without_a_key_is_refused(shop: DatabaseShop) -> None:
    with pytest.raises(ConfigError, match="does not return customer_key"):
        shop.read(own("SELECT email FROM people")).__enter__()


def test_a_column_that_stands_twice_is_refused(shop: DatabaseShop) -> None:
    with pytest.raises(ConfigError, match="more than once"):
        shop.read(own("SELECT customer_key, email, email FROM people")).__enter__()


def test_a_missing_table_is_named(shop: DatabaseShop) -> None:
    with pytest.raises(ShopError, match=r"no table of that name \(it reads peeple\)"):
        shop.read(own("SELECT customer_key FROM peeple")).__enter__()


def test_a_missing_column_is_said(shop: DatabaseShop) -> None:
    with pytest.raises(ShopError, match=r"no column of a name .*\(it reads people\)"):
        shop.read(own("SELECT key_of AS customer_key FROM people")).__enter__()


def test_a_table_that_the_login_may_not_read_is_said(shop: DatabaseShop) -> None:
    table = {"postgresql": "pg_authid", "mysql": "mysql.user"}.get(shop.dialect)
    if table is None:
        return  # SQLite has no grants
    with pytest.raises(ShopError, match="does not let this login read"):
        shop.read(own(f"SELECT 1 AS customer_key FROM {table}")).__enter__()


def test_a_database_that_cannot_be_reached_keeps_its_password(database: Database) -> None:
    if database.dialect == "sqlite":
        url = "sqlite:////nowhere/at/all.db"
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        moved = make_url(database.url).set(host="127.0.0.1", port=port, password=SECRET)
        url = moved.render_as_string(hide_password=False)
    shop = open_shop(url, SECRET, timezone="UTC")
    with pytest.raises(ShopError, match=r"could not be reached|cannot be opened") as failed:
        shop.read(own("SELECT customer_key FROM people")).__enter__()
    assert SECRET not in f"{failed.value}{shop!r}"
    assert failed.value.__suppress_context__


def test_a_wrong_password_is_said(database: Database) -> None:
    if database.dialect != "mysql":
        return  # the PostgreSQL of the tests trusts everybody
    shop = open_shop(database.url, SECRET, timezone="UTC")
    with pytest.raises(ShopError, match="refused the login") as failed:
        shop.read(own("SELECT customer_key FROM people")).__enter__()
    assert SECRET not in str(failed.value)


def test_a_connection_that_is_killed_in_the_middle_tears_the_read(database: Database) -> None:
    if database.dialect == "sqlite":
        return  # there is no server to end it
    wide = "REPEAT('x', 200) AS city, REPEAT('y', 200) AS region"
    shop = open_shop(database.url, None, timezone="UTC")
    with shop.read(own(f"SELECT customer_key, {wide} FROM people")) as reading:
        batches = iter(reading)
        assert next(batches).num_rows <= 20_000
        _kill_readers(database)
        with pytest.raises(TornSnapshot, match=r"after \d+ rows; nothing was changed"):
            list(batches)
        with pytest.raises(TornSnapshot, match="left after"):
            reading.seal()
    gc.collect()  # a driver that complains of unread rows does so here


def test_a_value_that_is_not_utf8_is_an_error_without_the_value(
    make_database: MakeDatabase,
) -> None:
    """PostgreSQL and MariaDB check when it is stored; SQLite stores what it is given."""
    database = make_database("sqlite")
    database.execute("CREATE TABLE p (k TEXT, m TEXT)", "INSERT INTO p VALUES ('c:1', NULL)")
    database.execute("INSERT INTO p VALUES ('c:2', CAST(x'736563726574ff' AS TEXT))")
    shop = open_shop(database.url, None, timezone="UTC")
    for column in ("m", "CAST(m AS BLOB)"):
        with (
            shop.read(own(f"SELECT k AS customer_key, {column} AS email FROM p")) as reading,
            pytest.raises(ShopError, match="not text in UTF-8") as failed,
        ):
            list(reading)
        assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("worth", "came"), [("'much'", "much"), ("9e999", "inf"), ("-1", -1.0), ("NULL", None)]
)
def test_a_value_that_is_no_number_comes_as_it_is(
    make_database: MakeDatabase, worth: str, came: object
) -> None:
    """As text, so that it is refused by its name; one bad cell ends no read."""
    shop = open_shop(make_database("sqlite").url, None, timezone="UTC")
    (row,) = read(shop, f"SELECT 'c:1' AS customer_key, {worth} AS value").to_pylist()
    assert row["value"] == came


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a database URL"),
        ("oracle://u@h/shop", "'oracle' is not a database that syncd reads"),
        ("sqlite://", "SQLite needs a file"),
        ("postgresql+nosuch://u@h/shop", r"pip install 'syncd\[postgres\]'"),
        ("mysql+nosuch://u@h/shop", r"pip install 'syncd\[mysql\]'"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        open_shop(url, SECRET, timezone="UTC")


def test_a_zone_that_does_not_exist_is_explained(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="no zone 'Europe/Amsterdm'"):
        open_shop(f"sqlite:///{tmp_path}/x.db", None, timezone="Europe/Amsterdm")


def _rows(database: Database, sql: str) -> Iterator[tuple[object, ...]]:
    with create_engine(database.owner, poolclass=NullPool).connect() as connection:
        yield from (tuple(row) for row in connection.exec_driver_sql(sql))


def _kill_readers(database: Database) -> None:
    """End our own reader's session, found by the login that only this database has."""
    login = make_url(database.url).username or ""
    assert re.fullmatch(r"syncd_test_\w+_ro", login)
    if database.dialect == "postgresql":
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
        list(_rows(database, f"{ended}'{login}'"))
        return
    sessions = f"SELECT id FROM information_schema.processlist WHERE user = '{login}'"
    for (number,) in list(_rows(database, sessions)):
        database.execute(f"KILL {number}")
