"""The shop as a database: one transaction a read, streamed, counted, sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from syncd.errors import BadRows, ConfigError, TornSnapshot
from syncd.shop.columns import check_columns, record_batch
from syncd.shop.engines import Backend, Dialect, Limits, engine_of
from syncd.shop.faults import fault, shop_error
from syncd.shop.statement import Statement, checked

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Engine, TextClause
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

    from syncd.model import SegmentQuery

BATCH_ROWS = 20_000
# MariaDB refuses a subquery in which a column stands twice.
_DUPLICATE_COLUMN = 1060


@dataclass(frozen=True, slots=True)
class DatabaseShop:
    """A `syncd.ports.Shop` over SQLAlchemy.

    Attributes:
        dialect: What the catalogue writes its SQL for.
        timezone: The zone in which the shop's days begin.
    """

    timezone: str
    backend: Backend = field(repr=False)
    engine: Engine = field(repr=False)
    limits: Limits = field(repr=False, default_factory=Limits)

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
                not know; nothing was read.
        """
        statement = checked(query, self.backend)
        binds = _bound(query.parameters, statement, self.dialect)
        with self._transaction() as connection:
            columns = _columns(connection, statement, binds)
            check_columns(columns, statement.source)
            reading = DatabaseReading(connection, self.backend, statement, binds, columns)
            try:
                yield reading
            finally:
                reading.close()

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


class DatabaseReading:
    """A `syncd.ports.Reading`: rows come once, then it can be sealed.

    From the first batch with a missing or repeated key on no batch is handed out: the
    rest is only counted, so that the error can say how many there are. Keys are
    remembered as 16-byte hashes, about 110 bytes each in all: 1.1 GB for ten million.
    """

    def __init__(
        self,
        connection: Connection,
        backend: Backend,
        statement: Statement,
        binds: Mapping[str, object],
        columns: tuple[str, ...],
    ) -> None:
        self._connection = connection
        self._backend = backend
        self._statement = statement
        self._binds = binds
        self._columns = columns
        self._cursor: DBAPICursor | None = None
        self._seen: set[bytes] = set()
        self._rows = 0
        self._missing = 0
        self._exhausted = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the query returned, in its order."""
        return self._columns

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of at most 20,000 rows.

        Raises:
            BadRows: A key is missing or stands twice; said after the last row, counted.
            TornSnapshot: The connection went away, or the rows were taken before.
            ShopError: A value cannot be read as text.
        """
        cursor = self._open()
        repeated = 0
        while rows := self._fetch(cursor):
            batch = record_batch(rows, self._columns)
            self._rows += batch.num_rows
            self._count_keys(batch)
            repeated = self._rows - self._missing - len(self._seen)
            if not (self._missing or repeated):
                yield batch
        self._exhausted = True
        if self._missing or repeated:
            raise BadRows(
                f"{self._statement.source}: of {self._rows} rows {self._missing} have no "
                f"customer_key and {repeated} repeat one; a segment returns one row a customer"
            )

    def seal(self) -> int:
        """Say that the read is whole, and how many rows it had.

        Raises:
            TornSnapshot: It was not read to the end, or the shop counts otherwise.
        """
        if not self._exhausted:
            raise TornSnapshot(
                f"{self._statement.source}: the read was left after {self._rows} rows, "
                "before its end; nothing was changed"
            )
        count = text(f"SELECT count(*) FROM (\n{self._statement.sql}\n) AS syncd_count")
        try:
            expected = self._connection.execute(count, self._binds).scalar_one()
        except DBAPIError as error:
            raise self._torn(error) from None
        if expected != self._rows:
            raise TornSnapshot(
                f"{self._statement.source}: {self._rows} rows were read, but the shop counts "
                f"{expected} in the same transaction; nothing was changed. Does the SQL draw "
                "at random, or LIMIT without a full ORDER BY?"
            )
        return self._rows

    def close(self) -> None:
        """Let go of the cursor, also in the middle of its rows."""
        cursor, self._cursor = self._cursor, None
        if cursor is None:
            return
        # pymysql would first read the rows that nobody wants, or fail to on a dead
        # connection each time it is tried; it has no public way to leave a result.
        unread: object = getattr(cursor, "_result", None)
        if hasattr(unread, "unbuffered_active"):
            setattr(unread, "unbuffered_active", False)  # noqa: B010  (an object to mypy)
        with suppress(self._driver_error()):
            cursor.close()

    def _open(self) -> DBAPICursor:
        """Run the SQL on a cursor of the driver: rows need none of what SQLAlchemy adds."""
        if self._cursor is not None or self._exhausted:
            raise TornSnapshot(f"{self._statement.source}: a read's rows can be taken only once")
        compiled = (
            text(self._statement.sql)
            .bindparams(**self._binds)
            .compile(dialect=self._connection.dialect)
        )
        named = compiled.construct_params()
        order = getattr(compiled, "positiontup", None)
        values = named if order is None else tuple(named[name] for name in order)
        try:
            driver = cast("DBAPIConnection", self._connection.connection.dbapi_connection)
            self._cursor = self._backend.cursor(driver)
            self._cursor.execute(compiled.string, values)
        except (self._driver_error(), UnicodeError) as error:
            raise shop_error(
                error, otherwise="would not run the segment's SQL", tables=self._statement.tables
            ) from None
        return self._cursor

    def _fetch(self, cursor: DBAPICursor) -> Sequence[Sequence[object]]:
        try:
            return cursor.fetchmany(BATCH_ROWS)
        except UnicodeError as error:
            raise shop_error(error, otherwise="could not be read") from None
        except self._driver_error() as error:
            raise self._torn(error) from None

    def _torn(self, error: Exception) -> TornSnapshot:
        what = fault(error, otherwise="ended the read")
        return TornSnapshot(
            f"{self._statement.source}: {what} after {self._rows} rows; nothing was changed"
        )

    def _driver_error(self) -> type[Exception]:
        return cast("type[Exception]", self._connection.dialect.loaded_dbapi.Error)

    def _count_keys(self, batch: pa.RecordBatch) -> None:
        for key in batch.column("customer_key").to_pylist():
            if key:
                self._seen.add(blake2b(key.encode(), digest_size=16).digest())
            else:
                self._missing += 1


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
) -> tuple[str, ...]:
    """The names of a query's columns, without reading a row."""
    head: TextClause = text(f"SELECT * FROM (\n{statement.sql}\n) AS syncd_columns LIMIT 0")
    try:
        return tuple(connection.execute(head, binds).keys())
    except DBAPIError as error:
        arguments = getattr(error.orig, "args", ())
        if arguments and arguments[0] == _DUPLICATE_COLUMN:
            raise ConfigError(
                "the segment returns a column more than once", where=statement.source
            ) from None
        raise shop_error(
            error, otherwise="would not run the segment's SQL", tables=statement.tables
        ) from None


def _bound(
    parameters: Mapping[str, object], statement: Statement, dialect: Dialect
) -> dict[str, object]:
    """Bind values as the engine compares them with its own columns."""
    return {name: _value(parameters[name], dialect) for name in statement.binds}


def _value(value: object, dialect: Dialect) -> object:
    """Moments in UTC; SQLite keeps them as text, `YYYY-MM-DD HH:MM:SS`."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        return moment.isoformat(sep=" ") if dialect == "sqlite" else moment
    if isinstance(value, Decimal) and dialect == "sqlite":
        return float(value)
    return value
