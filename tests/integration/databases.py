"""Real databases for tests: SQLite always, PostgreSQL and MariaDB where they are.

Each database is new, and gone afterwards; so is its login, which may only SELECT. With
CI=true a server that is missing is a failure, otherwise its tests are skipped by name.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from syncd.segments.canonical import RELATIONS, Kind

Dialect = Literal["sqlite", "postgresql", "mysql"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql", "mysql")
POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/mysql"

_TYPES: dict[Dialect, dict[Kind, str]] = {
    "sqlite": {
        "key": "TEXT",
        "text": "TEXT",
        "flag": "BOOLEAN",
        "moment": "TEXT",
        "date": "TEXT",
        "money": "NUMERIC",
        "number": "NUMERIC",
    },
    "postgresql": {
        "key": "text",
        "text": "text",
        "flag": "boolean",
        "moment": "timestamptz",
        "date": "date",
        "money": "numeric(14, 4)",
        "number": "numeric(14, 6)",
    },
    "mysql": {
        "key": "VARCHAR(80) COLLATE utf8mb4_bin",
        "text": "VARCHAR(190)",
        "flag": "BOOLEAN",
        "moment": "DATETIME",
        "date": "DATE",
        "money": "DECIMAL(14, 4)",
        "number": "DECIMAL(14, 6)",
    },
}
# As every shop has them; without, MariaDB may compare each order with each line.
INDEXES = (
    "CREATE UNIQUE INDEX customers_key ON customers (customer_key)",
    "CREATE UNIQUE INDEX orders_key ON orders (order_key)",
    "CREATE UNIQUE INDEX carts_key ON carts (cart_key)",
    "CREATE INDEX order_items_order ON order_items (order_key)",
)


@dataclass(frozen=True, slots=True)
class Database:
    """A database that exists for one test session.

    Attributes:
        url: For a login that may only SELECT; on SQLite the file itself.
        owner: The same database for its owner.
    """

    dialect: Dialect
    url: str
    owner: str

    def execute(self, *statements: str) -> None:
        """Run statements as the owner, each in a transaction of its own."""
        engine = create_engine(self.owner, poolclass=NullPool)
        for statement in statements:
            with engine.begin() as connection:
                connection.exec_driver_sql(statement)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Put rows into a table as the owner, fast."""
        utc = {"options": "-c timezone=UTC"} if self.dialect == "postgresql" else {}
        engine = create_engine(self.owner, poolclass=NullPool, connect_args=utc)
        with closing(engine.raw_connection()) as connection:
            cursor = connection.cursor()
            names = ", ".join(columns)
            if self.dialect == "postgresql":
                # psycopg's COPY, which the DB-API does not know.
                copy = cursor.copy
                with copy(f"COPY {table} ({names}) FROM STDIN") as stream:
                    for row in rows:
                        stream.write_row(row)
            else:
                mark = "?" if self.dialect == "sqlite" else "%s"
                marks = ", ".join([mark] * len(columns))
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(rows))
            cursor.close()
            connection.commit()


def create_canonical(database: Database, *, indexes: bool = True) -> None:
    """Make the canonical tables, empty; `INDEXES` may wait until they are full."""
    types = _TYPES[database.dialect]
    database.execute(*canonical_tables(types), *(INDEXES if indexes else ()))


def canonical_tables(types: Mapping[Kind, str]) -> list[str]:
    """The statements that make the canonical tables with an engine's types."""
    return [
        f"CREATE TABLE {relation.name} ("
        + ", ".join(f"{column.name} {types[column.kind]}" for column in relation.columns)
        + ")"
        for relation in RELATIONS
    ]


def missing(reason: str) -> None:
    """Skip, or fail where a build server promised the service."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true", pytrace=False)
    pytest.skip(reason)


@contextmanager
def fresh_database(dialect: Dialect, directory: Path) -> Iterator[Database]:
    """A new, empty database of a kind; dropped at the end.

    Args:
        directory: For the file of SQLite, or of an embedded PostgreSQL.
    """
    name = f"syncd_test_{secrets.token_hex(4)}"
    if dialect == "sqlite":
        path = directory / f"{name}.db"
        sqlite3.connect(path).close()
        yield Database(dialect, f"sqlite:///{path}", f"sqlite:///{path}")
        return
    with ExitStack() as stack:
        if dialect == "postgresql":
            server = stack.enter_context(_postgresql(directory))
            yield stack.enter_context(_on_postgresql(server, name))
        else:
            yield stack.enter_context(_on_mariadb(name))


def lasting_database(name: str) -> tuple[Database, bool]:
    """A database of the PostgreSQL at the usual port that stays, and whether it is new."""
    server = make_url(POSTGRESQL)
    with create_engine(server, poolclass=NullPool).connect() as connection:
        asked = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"
        new = connection.exec_driver_sql(asked).scalar_one() == 0
    return (_created if new else _named)(server, name), new


def drop_lasting(name: str) -> None:
    """Drop such a database and its login, if they are there."""
    login = f"{name}_ro"
    _run(
        make_url(POSTGRESQL),
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"DROP ROLE IF EXISTS {login}",
    )


@contextmanager
def _postgresql(directory: Path) -> Iterator[URL]:
    """A server: the one at the usual port that trusts us, else one of our own."""
    local = make_url(POSTGRESQL)
    if _answers(local):
        yield local
        return
    try:
        # It warns where a login has no runtime directory, as in a container.
        with warnings.catch_warnings(action="ignore"):
            from pgserver.postgres_server import get_server  # noqa: PLC0415  (an extra)
    except ImportError:
        missing("PostgreSQL is not running, and pgserver is not installed")
        return
    server = get_server(directory / "postgresql", cleanup_mode="stop")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    finally:
        server.cleanup()


@contextmanager
def _on_postgresql(server: URL, name: str) -> Iterator[Database]:
    created = _created(server, name)
    try:
        yield created
    finally:
        _run(server, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}_ro")


def _created(server: URL, name: str) -> Database:
    login = f"{name}_ro"
    _run(server, f"CREATE DATABASE {name}{_dictionary_order(server)}", f"CREATE ROLE {login} LOGIN")
    _run(
        server.set(database=name),
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {login}",
    )
    return _named(server, name)


def _named(server: URL, name: str) -> Database:
    owner = server.set(database=name)
    reader = owner.set(username=f"{name}_ro", password=None)
    return Database("postgresql", _plain(reader), _plain(owner))


@cache
def _dictionary_order(server: URL) -> str:
    """Sort as most shops do, not by bytes, so that a segment that relies on it is found."""
    engine = create_engine(server, poolclass=NullPool)
    with engine.connect() as connection:
        known = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'"
        ).scalar_one()
    return " TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'" if known else ""


@contextmanager
def _on_mariadb(name: str) -> Iterator[Database]:
    server = make_url(MARIADB)
    if not _answers(server):
        missing("MariaDB is not running")
    login, password = f"{name}_ro", secrets.token_hex(8)
    owner = server.set(database=name)
    _run(
        server,
        f"CREATE DATABASE {name} CHARACTER SET utf8mb4",
        f"CREATE USER '{login}'@'%%' IDENTIFIED BY '{password}'",
        f"GRANT SELECT, EXECUTE ON {name}.* TO '{login}'@'%%'",
    )
    try:
        reader = owner.set(username=login, password=password)
        yield Database("mysql", _plain(reader), _plain(owner))
    finally:
        _run(server, f"DROP DATABASE {name}", f"DROP USER '{login}'@'%%'")


@cache
def _answers(server: URL) -> bool:
    engine = create_engine(server, poolclass=NullPool, connect_args={"connect_timeout": 3})
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True


def _run(server: URL, *statements: str) -> None:
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, ())


def _plain(url: URL) -> str:
    return url.render_as_string(hide_password=False)


MakeDatabase = Callable[[Dialect], Database]


@pytest.fixture(scope="session")
def make_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDatabase]:
    """Makes new databases, all dropped when the session ends."""
    with ExitStack() as stack:
        directory = tmp_path_factory.mktemp("databases")

        def make(dialect: Dialect) -> Database:
            return stack.enter_context(fresh_database(dialect, directory))

        yield make
