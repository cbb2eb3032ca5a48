"""Connections to the ledger's database, SQLite or PostgreSQL, set up to keep promises."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    NullPool,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.pool import ConnectionPoolEntry

from syncd.errors import Busy, ConfigError, SyncdError
from syncd.files import make_directory, refuse_network

# FULL: in WAL mode anything less may lose the last commits with the power, and with
# them what was about to be sent (https://www.sqlite.org/pragma.html#pragma_synchronous).
_SQLITE = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
# A role or a database may have synchronous_commit off; lock_timeout is busy_timeout's twin.
_POSTGRES = ("SET synchronous_commit = on", "SET lock_timeout = '5s'")

_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "55P03"})
_BUGS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)


def ledger_url(url: str, password: str | None) -> URL:
    """The URL with its driver and password.

    Raises:
        syncd.errors.ConfigError: Another database, or a SQLite URL without a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("ledger.url is not a database URL") from None
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigError("ledger.url names no file: the ledger must outlive the process")
        return parsed.set(drivername="sqlite+pysqlite")
    if kind != "postgresql":
        raise ConfigError(f"ledger.url is {kind}: the ledger is kept in sqlite or postgresql")
    parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed if password is None else parsed.set(password=password)


def open_engine(url: URL, *, make: bool = False, pooled: bool = True) -> Engine:
    """An engine whose connections are durable and check foreign keys.

    Args:
        make: Make a SQLite file that is not there yet.
        pooled: False for a connection that is held for the process's life.

    Raises:
        syncd.errors.ConfigError: The SQLite file is missing, readable by others, or on a
            network file system.
    """
    if url.get_backend_name() == "sqlite":
        _sqlite_file(Path(str(url.database)), make=make)
        engine = create_engine(url, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    connect_args = {"connect_timeout": 10, "application_name": "syncd ledger"}
    if pooled:
        engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args=connect_args
        )
    else:
        engine = create_engine(
            url, hide_parameters=True, poolclass=NullPool, connect_args=connect_args
        )
    event.listen(engine, "connect", _set_up_postgres)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One read-only transaction that sees one moment."""
    options: dict[str, object] = {}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with told(), engine.connect().execution_options(**options) as tx, tx.begin():
        yield tx


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that may write; committed if the block ends well."""
    with told(), engine.connect().execution_options(writing=True) as tx, tx.begin():
        yield tx


@contextmanager
def told() -> Iterator[None]:
    """Turn what the database says into what a person can act on; bugs pass unchanged."""
    try:
        yield
    except DatabaseError as error:
        if isinstance(error, _BUGS):
            raise
        raise _told(error) from None


def _told(error: DatabaseError) -> SyncdError:
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    if code in _BUSY:
        return Busy("the ledger is locked by another process for more than 5 s: try again later")
    # SQLite's own words are fixed and safe; a server's may name hosts and logins.
    words = str(error.orig) if hasattr(error.orig, "sqlite_errorname") else "PostgreSQL"
    return SyncdError(
        f"the ledger could not be read or written: {words} ({code or 'no connection'}). "
        "This step was not committed; put the database right, then run it again"
    )


def _sqlite_file(path: Path, *, make: bool) -> None:
    refuse_network(path)
    if make:
        make_directory(path.parent)
        try:
            path.touch(mode=0o600)
        except OSError as error:
            raise ConfigError(f"the ledger {path} cannot be made: {error.strerror}") from None
    if not path.is_file():
        raise ConfigError(f"there is no ledger at {path} yet: run `syncd migrate`")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"the ledger {path} has mode {mode:04o}, others may read it: `chmod 600 {path}`"
        )


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # We say BEGIN ourselves: the driver would not, before a read or a CREATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for statement in _SQLITE:
        cursor.execute(statement)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writing", False)
    # IMMEDIATE: a reader that turns writer half-way would fail at once, not wait.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for statement in _POSTGRES:
        cursor.execute(statement)
    cursor.close()
    connection.commit()
