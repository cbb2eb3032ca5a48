"""Rows by Arrow's own drivers (ADBC): whole columns, and no Python object a cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil

import adbc_driver_manager
import pyarrow as pa

# Batches stream through pyarrow, which raises an OSError or an error of its own.
_ERRORS = (adbc_driver_manager.Error, pa.ArrowException, OSError)


Shape = Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Source:
    """What Arrow's drivers must be told, each in its own way.

    Attributes:
        connect: Opens the database; its URL may hold a password.
        begin: Statements that begin the read-only transaction.
        select: The statement, returning columns that `shape` knows.
        sql: Other SQL as the driver takes it.
        values: One row, a column for each bind; None where values stand in the SQL.
        shape: Makes of a driver's batch what `syncd.ports.Reading` gives.
        rest: Asked after the last batch: another statement for rows that `shape` left out, and
            how its batches are shaped; None if there are none.
        batch_rows: The most that a batch may have.
        options: Of the driver, for the size of its batches.
    """

    connect: Callable[[], adbc_driver_manager.AdbcDatabase] = field(repr=False)
    begin: Sequence[str]
    select: str = field(repr=False)
    sql: Callable[[str], str]
    values: pa.RecordBatch | None = field(repr=False)
    shape: Shape
    batch_rows: int
    options: Mapping[str, str]
    rest: Callable[[], tuple[str, Shape] | None] = lambda: None


def _parts(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """A few rows that are left would cost as much as many: each call does, whatever its rows."""
    if rows := batch.num_rows:
        each = ceil(rows / ceil(rows / most))
        yield from (batch.slice(start, each) for start in range(0, rows, each))


class ArrowRows:
    """A `syncd.shop.rows.Rows` on a connection of its own, in one transaction.

    Not by ADBC's DB-API, which takes Ctrl-C for itself while the shop answers.
    """

    errors: tuple[type[Exception], ...] = _ERRORS

    def __init__(self, source: Source) -> None:
        self._source = source
        self._held = ExitStack()
        self._connection: adbc_driver_manager.AdbcConnection | None = None
        self._rows: Iterator[pa.RecordBatch] = iter(())
        self._first: pa.RecordBatch | None = None

    def open(self) -> None:
        """Have the shop run the statement, up to its first batch."""
        database = self._held.enter_context(self._source.connect())
        self._connection = self._held.enter_context(adbc_driver_manager.AdbcConnection(database))
        for statement in self._source.begin:
            self._run(statement, None)
        self._rows = self._run(self._source.select, self._source.values)
        self._first = next(self._rows, None)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The driver's batches; where they are too large, cut into parts of one size."""
        batch, self._first = self._first, None
        while batch is not None:
            yield from _parts(self._source.shape(batch), self._source.batch_rows)
            batch = next(self._rows, None)
        rest = self._source.rest()
        if rest is not None:
            select, shape = rest
            for batch in self._run(select, self._source.values):
                yield from _parts(shape(batch), self._source.batch_rows)

    def number(self, sql: str) -> int:
        """The one number that other SQL returns."""
        (batch,) = self._run(self._source.sql(sql), self._source.values)
        return int(batch.column(0)[0].as_py())

    def close(self) -> None:
        """Close the connection, which ends the transaction."""
        self._held.close()

    def _run(self, sql: str, values: pa.RecordBatch | None) -> Iterator[pa.RecordBatch]:
        statement = self._held.enter_context(adbc_driver_manager.AdbcStatement(self._connection))
        statement.set_options(**self._source.options)
        statement.set_sql_query(sql)
        if values is not None:
            statement.bind(values)
        stream, _ = statement.execute_query()
        return iter(self._held.enter_context(pa.RecordBatchReader.from_stream(stream)))
