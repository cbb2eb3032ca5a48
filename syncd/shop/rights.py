"""What the shop's login may do: tried on the database, and nothing of it is left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from syncd.shop.engines import Limits, engine_of
from syncd.shop.faults import shop_error

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LIMITS = Limits(connect=10, statement=30)
_TABLE = "syncd_doctor_tries_to_write"
_CREATE = f"CREATE TABLE {_TABLE} (n INTEGER)"
_TABLES_TRIED = 20  # of MariaDB's; a login that may write seldom may write to few
# The server's own word for each table; asking it fires no trigger and locks nothing.
_POSTGRESQL_GRANTS = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
ORDER BY 1 LIMIT 1
"""
_MYSQL_GRANTS = """
SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = {me}
  AND privilege_type IN {writing}
UNION SELECT privilege_type FROM information_schema.schema_privileges WHERE grantee = {me}
  AND DATABASE() LIKE table_schema AND privilege_type IN {writing}
UNION SELECT CONCAT(privilege_type, ' on ', table_name) FROM information_schema.table_privileges
  WHERE grantee = {me} AND table_schema = DATABASE() AND privilege_type IN {writing}
""".format(
    me="""CONCAT("'", REPLACE(CURRENT_USER(), '@', "'@'"), "'")""",
    writing="('INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER')",
)
_MYSQL_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
    f"AND table_type = 'BASE TABLE' ORDER BY 1 LIMIT {_TABLES_TRIED}"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A database as a login finds it.

    Attributes:
        title: Kind and version, as people write it.
        now: Its clock, UTC; None for SQLite, which has none of its own.
        writes: What this login may write, in the server's words; empty if nothing.
        file: Whether this user may write the file of a SQLite database, by other means
            than syncd, which opens it to read.
    """

    title: str
    now: datetime | None
    writes: tuple[str, ...]
    file: bool = False


def standing(url: str, password: str | None) -> Standing:
    """Reach the shop's database, and try to write to it.

    Each try is rolled back. On MariaDB nothing is created, for that would stay: its grants
    are read, and deletions tried that find no row.

    Args:
        url: As of `open_shop`.
        password: Takes the place of the URL's own, if given.

    Raises:
        syncd.errors.ShopError: It cannot be reached.
        syncd.errors.ConfigError: The URL cannot be used, or a driver is missing.
    """
    engine, backend = engine_of(url, password, _LIMITS)
    try:
        with engine.connect() as connection:
            version, now = _asked(connection, backend.dialect)
            writes = tuple(_WRITES[backend.dialect](connection))
    except (DBAPIError, UnicodeError) as error:
        raise shop_error(error, otherwise="could not be reached") from None
    finally:
        engine.dispose()
    file = backend.dialect == "sqlite" and os.access(str(make_url(url).database), os.W_OK)
    return Standing(f"{backend.title} {version}", now, writes, file)


def _asked(connection: Connection, dialect: str) -> tuple[str, datetime | None]:
    """Version and clock."""
    asked = {
        "sqlite": "SELECT sqlite_version(), NULL",
        "postgresql": "SELECT current_setting('server_version'), "
        "extract(epoch FROM clock_timestamp())",
        "mysql": "SELECT VERSION(), UNIX_TIMESTAMP(SYSDATE(6))",
    }[dialect]
    version, seconds = connection.exec_driver_sql(asked).one()
    connection.rollback()
    return str(version), None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def _sqlite(connection: Connection) -> Iterator[str]:
    connection.exec_driver_sql("BEGIN")
    if _works(connection, _CREATE):
        yield "CREATE TABLE"


def _postgresql(connection: Connection) -> Iterator[str]:
    connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    if _works(connection, _CREATE):
        yield "CREATE TABLE"
    table = connection.exec_driver_sql(_POSTGRESQL_GRANTS).scalar()
    if table is not None:
        yield f"write to {table}"


def _mysql(connection: Connection) -> Iterator[str]:
    connection.exec_driver_sql("SET SESSION lock_wait_timeout = 2")
    found = [str(name) for name in connection.exec_driver_sql(_MYSQL_GRANTS).scalars()]
    yield from sorted(found)
    for name in [] if found else connection.exec_driver_sql(_MYSQL_TABLES).scalars().all():
        quoted = connection.dialect.identifier_preparer.quote_identifier(str(name))
        # A statement that finds no row fires no trigger there.
        if _works(connection, f"DELETE FROM {quoted} WHERE FALSE"):
            yield f"DELETE from {name}"
            return


def _works(connection: Connection, statement: str) -> bool:
    """Whether a statement is carried out; taken back at once, whatever came of it."""
    try:
        connection.exec_driver_sql(statement, ())
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    finally:
        with suppress(DBAPIError):
            connection.rollback()
    return True


_WRITES = {"sqlite": _sqlite, "postgresql": _postgresql, "mysql": _mysql}
