"""A statement's rows on their way: the portable way, and what every way owes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from sqlalchemy import text

from syncd.shop.columns import record_batch
from syncd.shop.engines import Backend, Limits
from syncd.shop.statement import Statement

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

BATCH_ROWS = 20_000

Values = Mapping[str, object] | tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement, and the transaction in which its columns were looked up.

    Attributes:
        columns: What it returns, in its order.
        types: Of those columns, as the driver numbers them.
        batch_rows: The most that are read at once.
        large: Rows from which on a second connection is worth its while.
        joined: The cells of a row may come as one text (`syncd.cells`).
    """

    connection: Connection
    backend: Backend
    limits: Limits
    statement: Statement
    binds: Mapping[str, object] = field(repr=False)
    columns: tuple[str, ...]
    types: tuple[object, ...]
    batch_rows: int
    large: int
    joined: bool = False

    @property
    def driver(self) -> DBAPIConnection:
        """The driver's own connection."""
        return cast("DBAPIConnection", self.connection.connection.dbapi_connection)

    @property
    def constants(self) -> Mapping[str, str | None]:
        """Of its columns of text, those that need not be sent; one or more others stay."""
        found = self.statement.constants
        chosen = (name for name in self.columns if name not in {"customer_key", "value"})
        return {name: found[name] for name in chosen if name in found}

    @property
    def driver_errors(self) -> tuple[type[Exception], ...]:
        """What the driver raises."""
        return (cast("type[Exception]", self.connection.dialect.loaded_dbapi.Error),)

    def for_driver(self, sql: str) -> tuple[str, Values]:
        """SQL as the driver takes it, and the values for its binds."""
        compiled = text(sql).bindparams(**self.binds).compile(dialect=self.connection.dialect)
        named = compiled.construct_params()
        order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        return compiled.string, named if order is None else tuple(named[name] for name in order)


class Rows(Protocol):
    """The rows of one statement, and numbers of the same moment.

    Attributes:
        errors: What its methods raise when the shop fails, beside `UnicodeError`.
    """

    errors: tuple[type[Exception], ...]

    def open(self) -> None:
        """Have the shop run the statement."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """At most `Asked.batch_rows` each, as `syncd.ports.Reading` gives them."""
        ...

    def number(self, sql: str) -> int:
        """The one number that other SQL returns, of the same moment and with the same binds."""
        ...

    def close(self) -> None:
        """Let go of them, also in their middle; again does nothing."""
        ...


Fetch = Callable[["DBAPICursor", Asked], Iterator["pa.RecordBatch"]]


def fetched(cursor: DBAPICursor, asked: Asked) -> Iterator[pa.RecordBatch]:
    """Rows as the driver makes them, put into columns."""
    while rows := cursor.fetchmany(asked.batch_rows):
        yield record_batch(rows, asked.columns)


class CursorRows:
    """Rows by a cursor of the driver: they need none of what SQLAlchemy adds.

    Args:
        fetch: Takes the rows of a cursor that was executed.
    """

    def __init__(self, asked: Asked, fetch: Fetch) -> None:
        self._asked = asked
        self._fetch = fetch
        self._cursor: DBAPICursor | None = None
        self.errors = asked.driver_errors

    def open(self) -> None:
        """Have the shop run the statement."""
        self._cursor = self._asked.backend.cursor(self._asked.driver)
        self._cursor.execute(*self._asked.for_driver(self._asked.statement.sql))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, as they are fetched."""
        return iter(()) if self._cursor is None else self._fetch(self._cursor, self._asked)

    def number(self, sql: str) -> int:
        """The one number that other SQL returns."""
        found = self._asked.connection.execute(text(sql), self._asked.binds).scalar_one()
        return int(found)

    def close(self) -> None:
        """Let go of the cursor."""
        cursor, self._cursor = self._cursor, None
        if cursor is None:
            return
        # pymysql would first read the rows that nobody wants, or fail to on a dead
        # connection each time it is tried; it has no public way to leave a result.
        unread: object = getattr(cursor, "_result", None)
        if hasattr(unread, "unbuffered_active"):
            setattr(unread, "unbuffered_active", False)  # noqa: B010  (an object to mypy)
        with suppress(*self.errors):
            cursor.close()
