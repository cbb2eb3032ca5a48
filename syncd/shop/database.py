"""The shop as a database: one transaction a read, streamed, counted, sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from syncd.errors import ConfigError, ShopError
from syncd.model import lacking
from syncd.shop.columns import check_columns
from syncd.shop.engines import Backend, Dialect, Limits, engine_of
from syncd.shop.faults import absent, shop_error
from syncd.shop.reading import DatabaseReading
from syncd.shop.rows import BATCH_ROWS, Asked
from syncd.shop.statement import Statement, checked

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, TextClause

    from syncd.model import SegmentQuery

# MariaDB refuses a subquery in which a column stands twice.
_DUPLICATE_COLUMN = 1060


@dataclass(frozen=True, slots=True)
class DatabaseShop:
    """A `syncd.ports.Shop` over SQLAlchemy.

    Attributes:
        dialect: What the catalogue writes its SQL for.
        timezone: The zone in which the shop's days begin.
        batch_rows: The most that are read at once.
        large: Rows from which on a second connection is worth its while.
    """

    timezone: str
    backend: Backend = field(repr=False)
    engine: Engine = field(repr=False)
    limits: Limits = field(repr=False, default_factory=Limits)
    batch_rows: int = BATCH_ROWS
    large: int = BATCH_ROWS

    @property
    def dialect(self) -> Dialect:
        """Which kind of SQL it speaks."""
        return self.backend.dialect

    @contextmanager
    def read(self, query: SegmentQuery) -> Iterator[DatabaseReading]:
        """Open one consistent, read-only read of a segment.

        Raises:
            ShopError: Unreachable, a table is missing, access denied.
            ConfigError: The SQL is not one SELECT, or returns a column that syncd does
                not know; or the shop lacks what the segment needs. Nothing was read.
        """
        statement = checked(query, self.backend)
        binds = _bound(query.parameters, statement, self.dialect)
        with self._transaction() as connection:
            try:
                described = _columns(connection, statement, binds)
            except ShopError as error:
                raise self._unavailable(query) or error from None
            columns = tuple(name for name, _ in described)
            known = tuple(name for name in columns if name not in query.figures)
            check_columns(known, statement.source)
            reading = DatabaseReading(
                Asked(
                    connection=connection,
                    backend=self.backend,
                    limits=self.limits,
                    statement=statement,
                    binds=binds,
                    columns=columns,
                    types=tuple(kind for _, kind in described),
                    batch_rows=self.batch_rows,
                    large=self.large,
                )
            )
            try:
                yield reading
            finally:
                reading.close()

    def returned(self, query: SegmentQuery) -> tuple[str, ...]:
        """What a segment's SQL returns, in its order, without reading a row.

        Raises:
            ShopError: Unreachable, a table is missing, access denied.
            ConfigError: As `read`.
        """
        with self.read(query) as reading:
            return reading.columns

    def ask(self, query: SegmentQuery) -> Iterator[tuple[object, ...]]:
        """The rows of a question of our own, whose columns are no segment's.

        Args:
            query: One SELECT, checked as a segment's is.

        Raises:
            ShopError: Unreachable, a table is missing, access denied, or it broke off.
            ConfigError: The SQL is not one SELECT, or the shop lacks what it needs.
        """
        statement = checked(query, self.backend)
        binds = _bound(query.parameters, statement, self.dialect)
        with self._transaction() as connection:
            try:
                for part in connection.execute(text(statement.sql), binds).partitions(
                    self.batch_rows
                ):
                    yield from (tuple(row) for row in part)
            except (DBAPIError, UnicodeError) as error:
                raise self._unavailable(query) or shop_error(
                    error, otherwise="would not answer", tables=statement.tables
                ) from None

    def columns(self, tables: Iterable[str]) -> dict[str, frozenset[str]]:
        """The columns of tables and views, in lower case; those that are not there are left out.

        Raises:
            ShopError: It cannot be reached, or does not answer.
        """
        found = {}
        for table in tables:
            with self._transaction() as connection:
                try:
                    names = connection.exec_driver_sql(f"SELECT * FROM {table} LIMIT 0").keys()
                except DBAPIError as error:
                    if absent(error):
                        continue
                    raise shop_error(error, otherwise="would not say its columns") from None
            found[table] = frozenset(name.lower() for name in names)
        return found

    def _unavailable(self, query: SegmentQuery) -> ConfigError | None:
        """Why a segment's SQL was refused, where that is for something the shop lacks."""
        try:
            served = self.columns(query.needs)
        except ShopError:
            return None
        if reason := lacking(query.needs, served):
            return ConfigError(f"{query.name} is unavailable: {reason}", where=query.source)
        return None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
        except (DBAPIError, UnicodeError) as error:
            raise shop_error(error, otherwise="could not be reached") from None
        try:
            try:
                begun = self.backend.begin(connection, self.limits)
            except DBAPIError as error:
                raise shop_error(error, otherwise="would not begin a read") from None
            yield begun
        finally:
            # The end of the connection ends the transaction. A rollback would have to
            # wait for rows of a read that was left early.
            connection.invalidate()
            connection.close()


def open_shop(
    url: str, password: str | None, *, timezone: str, limits: Limits | None = None
) -> DatabaseShop:
    """The shop behind a database URL; connects when it is first read.

    Args:
        url: `sqlite:///shop.db`, `postgresql+psycopg://login@host/shop`,
            `mysql+pymysql://login@host/shop`.
        password: Takes the place of the URL's own, if given.
        timezone: Where the shop's days begin, as `Europe/Amsterdam`. Sessions are in
            UTC whatever it says.
        limits: How long it may take to connect and to answer.

    Raises:
        ConfigError: The URL or the zone cannot be used, or a driver is not installed.
    """
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"shop.timezone: there is no zone {timezone!r}; write one as Europe/Amsterdam"
        ) from None
    limits = limits or Limits()
    engine, backend = engine_of(url, password, limits)
    return DatabaseShop(timezone, backend, engine, limits)


def _columns(
    connection: Connection, statement: Statement, binds: Mapping[str, object]
) -> tuple[tuple[str, object], ...]:
    """The names of a query's columns, each with the driver's type, without reading a row."""
    head: TextClause = text(f"SELECT * FROM (\n{statement.sql}\n) AS syncd_columns LIMIT 0")
    try:
        cursor = connection.execute(head, binds).cursor
    except DBAPIError as error:
        arguments = getattr(error.orig, "args", ())
        if arguments and arguments[0] == _DUPLICATE_COLUMN:
            raise ConfigError(
                "the segment returns a column more than once", where=statement.source
            ) from None
        raise shop_error(
            error, otherwise="would not run the segment's SQL", tables=statement.tables
        ) from None
    return tuple((column[0], column[1]) for column in cursor.description)


def _bound(
    parameters: Mapping[str, object], statement: Statement, dialect: Dialect
) -> dict[str, object]:
    """Bind values as the engine compares them with its own columns."""
    return {name: _value(parameters[name], dialect) for name in statement.binds}


def _value(value: object, dialect: Dialect) -> object:
    """Moments in UTC; SQLite keeps them and days as text, `YYYY-MM-DD HH:MM:SS`."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        return moment.isoformat(sep=" ") if dialect == "sqlite" else moment
    if isinstance(value, date) and dialect == "sqlite":
        return value.isoformat()
    if isinstance(value, Decimal) and dialect == "sqlite":
        return float(value)
    return value
