"""One read of a segment: rows once, then counted and sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from syncd.cells import keys
from syncd.errors import BadRows, TornSnapshot
from syncd.shop.faults import fault, shop_error
from syncd.shop.keys import Keys
from syncd.shop.rows import Asked, Rows
from syncd.shop.ways import opened

if TYPE_CHECKING:
    import pyarrow as pa


class DatabaseReading:
    """A `syncd.ports.Reading`: rows come once, in no order, then it can be sealed.

    From the first batch with a missing key on no batch is handed out: the rest is only
    counted, so that the error can say how many there are. Repeated keys are found after
    the last row; nothing of a read that was not sealed may be used.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._source = asked.statement.source
        self._rows: Rows | None = None
        self._keys = Keys()
        self._count = 0
        self._exhausted = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the query returned, in its order."""
        return self._asked.columns

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Batches of at most 20,000 rows.

        Raises:
            BadRows: A key is missing or stands twice; said after the last row, counted.
            TornSnapshot: The connection went away, or the rows were taken before.
            ShopError: A value cannot be read as text.
        """
        return self._seen(self._asked)

    def joined(self) -> Iterator[pa.RecordBatch]:
        """The same rows, their cells as one text where the shop can join them.

        Raises:
            BadRows: A key is missing or stands twice; said after the last row, counted.
            TornSnapshot: The connection went away, or the rows were taken before.
            ShopError: A value cannot be read as text.
        """
        return self._seen(replace(self._asked, joined=True))

    def _seen(self, asked: Asked) -> Iterator[pa.RecordBatch]:
        if self._rows is not None:
            raise TornSnapshot(f"{self._source}: a read's rows can be taken only once")
        rows = self._rows = self._opened(asked)
        for batch in self._batches(rows):
            self._count += batch.num_rows
            self._keys.add(keys(batch))
            if not self._keys.missing:
                yield batch
        self._exhausted = True
        repeated = self._repeated(rows) if self._keys.doubtful() else 0
        if self._keys.missing or repeated:
            raise BadRows(
                f"{self._source}: of {self._count} rows {self._keys.missing} have no "
                f"customer_key and {repeated} repeat one; a segment returns one row a customer"
            )

    def seal(self) -> int:
        """Say that the read is whole, and how many rows it had.

        Raises:
            TornSnapshot: It was not read to the end, or the shop counts otherwise.
        """
        if self._rows is None or not self._exhausted:
            raise TornSnapshot(
                f"{self._source}: the read was left after {self._count} rows, "
                "before its end; nothing was changed"
            )
        sql = f"SELECT count(*) FROM (\n{self._asked.statement.sql}\n) AS syncd_count"
        expected = self._number(self._rows, sql)
        if expected != self._count:
            raise TornSnapshot(
                f"{self._source}: {self._count} rows were read, but the shop counts "
                f"{expected} in the same transaction; nothing was changed. Does the SQL draw "
                "at random, or LIMIT without a full ORDER BY?"
            )
        return self._count

    def close(self) -> None:
        """Let go of the rows, also in their middle."""
        if self._rows is not None:
            self._rows.close()

    def _opened(self, asked: Asked) -> Rows:
        failed: tuple[type[Exception], ...] = (*self._asked.driver_errors, DBAPIError, UnicodeError)
        try:
            return opened(asked)
        except failed as error:
            raise shop_error(
                error,
                otherwise="would not run the segment's SQL",
                tables=self._asked.statement.tables,
            ) from None

    def _batches(self, rows: Rows) -> Iterator[pa.RecordBatch]:
        try:
            yield from rows.batches()
        except UnicodeError as error:
            raise shop_error(error, otherwise="could not be read") from None
        except rows.errors as error:
            raise self._torn(error) from None

    def _repeated(self, rows: Rows) -> int:
        """How many keys stand there again, as the shop counts them by their bytes."""
        key = self._asked.backend.key_bytes
        distinct = self._number(
            rows,
            f"SELECT count(DISTINCT {key}) FROM (\n{self._asked.statement.sql}\n) AS syncd_keys "
            f"WHERE length({key}) > 0",
        )
        return self._count - self._keys.missing - distinct

    def _number(self, rows: Rows, sql: str) -> int:
        failed: tuple[type[Exception], ...] = (*rows.errors, DBAPIError)
        try:
            return rows.number(sql)
        except failed as error:
            raise self._torn(error) from None

    def _torn(self, error: Exception) -> TornSnapshot:
        what = fault(error, otherwise="ended the read")
        return TornSnapshot(f"{self._source}: {what} after {self._count} rows; nothing was changed")
