"""What differs between SQLite, PostgreSQL and MariaDB/MySQL when one reads from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from syncd.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

Dialect = Literal["sqlite", "postgresql", "mysql"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that the shop is given.

    Attributes:
        connect: To accept a connection, or for SQLite to give up a lock.
        statement: For one statement, until its last row was taken; on PostgreSQL, where
            the portable driver reads, for one FETCH. SQLite has no such limit.
    """

    connect: int = 10
    statement: int = 3600


@dataclass(frozen=True, slots=True)
class Backend:
    """One kind of database.

    Attributes:
        title: As people call it.
        grammar: Its name in sqlglot.
        driver: The SQLAlchemy driver we test with.
        extra: What to install for it, or empty.
        begin: Opens the read-only transaction that sees one moment.
        cursor: A cursor of the driver's connection whose rows stay on the server.
        key_bytes: `customer_key` such that two are equal only if their bytes are.
    """

    dialect: Dialect
    title: str
    grammar: str
    driver: str
    extra: str
    begin: Callable[[Connection, Limits], Connection]
    cursor: Callable[[DBAPIConnection], DBAPICursor]
    key_bytes: str


def _begin_sqlite(connection: Connection, limits: Limits) -> Connection:
    """A deferred transaction reads from one moment: that of its first SELECT."""
    del limits
    connection.exec_driver_sql("PRAGMA query_only = ON")
    connection.exec_driver_sql("BEGIN")
    return connection


def _begin_postgresql(connection: Connection, limits: Limits) -> Connection:
    """BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY, which psycopg sends itself."""
    reading = connection.execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )
    for setting in postgresql_settings(limits):
        reading.exec_driver_sql(setting)
    return reading


def postgresql_settings(limits: Limits) -> tuple[str, ...]:
    """What holds within a reading transaction of PostgreSQL, by whichever driver."""
    return (
        "SET LOCAL TIME ZONE 'UTC'",
        "SET LOCAL DateStyle = 'ISO'",
        # Segments read whole tables; where the planner takes many rows for few, a nested loop
        # turned 0.3 s into 7 s on 6,000 customers. It stays possible where nothing else is.
        "SET LOCAL enable_nestloop = off",
        # Where one cannot be avoided the plan now looks so dear that every expression of it
        # would be compiled: 17 s for an answer of 0.05 s, of Shopify's lines in JSON.
        "SET LOCAL jit = off",
        # In the usual 4 MB a million customers are sorted on disk where they could be hashed. One
        # read at a time takes some hundred MB so, of which a shop's server has gigabytes.
        "SET LOCAL work_mem = '64MB'",
        # One core of the shop's server. Of a million customers two workers each built the hash of
        # all buyers anew: 12 s of CPU in place of 6, for an answer that came no sooner.
        "SET LOCAL max_parallel_workers_per_gather = 0",
        # Every row is taken. For a cursor the planner else looks for the first tenth of them, and
        # goes through a million customers by their index to have these soon.
        "SET LOCAL cursor_tuple_fraction = 1",
        f"SET LOCAL statement_timeout = {limits.statement * 1000}",
    )


def _begin_mysql(connection: Connection, limits: Limits) -> Connection:
    """The consistent snapshot exists only under REPEATABLE READ, so that is set first."""
    connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
    connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    # The server drops a client that takes no rows for 60 s; ours may be digesting.
    connection.exec_driver_sql("SET SESSION net_write_timeout = 3600")
    if getattr(connection.dialect, "is_mariadb", False):
        # Without hash joins it compares every pair where a table has no index.
        connection.exec_driver_sql("SET SESSION join_cache_level = 4")
        # In its usual 256 kB of them it read 800,000 order lines a hundred times over.
        connection.exec_driver_sql("SET SESSION join_buffer_size = 67108864")
        connection.exec_driver_sql("SET SESSION join_buffer_space_limit = 268435456")
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {limits.statement}")
    else:
        connection.exec_driver_sql(
            f"SET SESSION max_execution_time = {limits.statement * 1000}",
        )
    connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return connection


def _cursor_sqlite(connection: DBAPIConnection) -> DBAPICursor:
    """SQLite makes a row only when it is fetched."""
    return connection.cursor()


def _cursor_postgresql(connection: DBAPIConnection) -> DBAPICursor:
    """A cursor with a name is one on the server."""
    return connection.cursor(name="syncd")


def _cursor_mysql(connection: DBAPIConnection) -> DBAPICursor:
    """Rows come as they are fetched, from SSCursor; its package is an extra without types."""
    return connection.cursor(import_module("pymysql.cursors").SSCursor)


_SQLITE = Backend(
    "sqlite",
    "SQLite",
    "sqlite",
    "sqlite+pysqlite",
    "",
    _begin_sqlite,
    _cursor_sqlite,
    "CAST(customer_key AS BLOB)",
)
_POSTGRESQL = Backend(
    "postgresql",
    "PostgreSQL",
    "postgres",
    "postgresql+psycopg",
    "syncd[postgres]",
    _begin_postgresql,
    _cursor_postgresql,
    'CAST(customer_key AS text) COLLATE "C"',
)
_MYSQL = Backend(
    "mysql",
    "MariaDB",
    "mysql",
    "mysql+pymysql",
    "syncd[mysql]",
    _begin_mysql,
    _cursor_mysql,
    "CAST(customer_key AS BINARY)",
)

BACKENDS: Mapping[str, Backend] = {
    "sqlite": _SQLITE,
    "postgresql": _POSTGRESQL,
    "postgres": _POSTGRESQL,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}


def engine_of(url: str, password: str | None, limits: Limits) -> tuple[Engine, Backend]:
    """The engine behind a URL, which has not connected yet.

    Args:
        url: Any SQLAlchemy URL of a known kind; its driver may be left out.
        password: Takes the place of the URL's own, if given.
        limits: How long it may take to connect and to answer.

    Raises:
        ConfigError: The URL cannot be read, or its driver is not installed. The URL is
            not repeated: it may hold a password.
    """
    parsed = _parsed(url)
    kind, _, driver = parsed.drivername.partition("+")
    backend = BACKENDS.get(kind)
    if backend is None:
        known = "sqlite, postgresql, mysql, mariadb"
        raise ConfigError(f"shop.url: {kind!r} is not a database that syncd reads; use {known}")
    if password is not None:
        parsed = parsed.set(password=password)
    if backend.dialect == "sqlite":
        return _sqlite_engine(parsed, limits), backend
    # A named driver stays; `mariadb` and bare names become one that is tested.
    if not driver or driver == backend.driver.partition("+")[2]:
        parsed = parsed.set(drivername=backend.driver)
    try:
        engine = create_engine(
            parsed,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=_connect_arguments(backend, limits),
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ConfigError(
            f"shop.url: the driver for {backend.title} is not installed; "
            f"run `pip install '{backend.extra}'` and use {backend.driver}://"
        ) from None
    return engine, backend


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "shop.url is not a database URL; it looks like postgresql+psycopg://login@host/shop"
        ) from None


def _connect_arguments(backend: Backend, limits: Limits) -> dict[str, object]:
    if backend.dialect == "postgresql":
        return {
            "connect_timeout": limits.connect,
            "client_encoding": "utf8",
            "application_name": "syncd",
        }
    return {"connect_timeout": limits.connect, "read_timeout": limits.statement + 60}


def _sqlite_engine(url: URL, limits: Limits) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigError("shop.url: SQLite needs a file, as in sqlite:///shop.db")
    address = f"{Path(url.database).absolute().as_uri()}?mode=ro"
    return create_engine(
        "sqlite+pysqlite://",
        poolclass=NullPool,
        hide_parameters=True,
        # isolation_level None: the module then begins no transaction of its own. Rows are taken
        # in another thread than asked for them, but never in two at a time.
        creator=partial(
            sqlite3.connect,
            address,
            uri=True,
            timeout=limits.connect,
            isolation_level=None,
            check_same_thread=False,
        ),
    )
