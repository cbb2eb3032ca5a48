"""SQLite by Arrow's driver, whose columns have one type each where SQLite's cells do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc

from syncd.cells import NOTHING, SEPARATOR, joined, separators
from syncd.errors import ShopError
from syncd.shop.affinity import spelled
from syncd.shop.arrow import Shape, Source
from syncd.shop.columns import amounts, not_utf8, numbers, repeated, texts, utf8
from syncd.shop.rows import Asked

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from syncd.shop.columns import Row

_NUMBER = "syncd_number"  # a column beside `value`: its numbers, whether whole or not


def source(asked: Asked) -> Source | None:
    """How Arrow's driver reads a statement; None if it cannot.

    The driver gives a column the type of its first row. So one of ours comes first, all
    text, and is left out again. Whole numbers and bytes come as the text that they are;
    of other numbers SQLite would write 15 digits, so 20 come behind a mark that nothing in
    the shop begins with, and Python shortens them as it does everywhere else.

    The driver has an SQLite of its own. Two in one process do not see each other's locks,
    and to close a file in one of them drops those of both
    (https://www.sqlite.org/howtocorrupt.html, 2.2.1). So the portable connection stays in a
    transaction of the same file: as long as it does, nobody in this process overwrites what
    is being read or closes it, and other processes see the driver's own locks.

    Where all columns are surely text, the cells of a row may come as one: see `_Joined`.

    The driver does not wait for its lock: a shop that is about to write lets no further
    reader in, and itself waits for the portable connection, which then reads the rows.
    """
    connection = asked.connection
    values = _values(asked)
    encoding = connection.exec_driver_sql("PRAGMA encoding").scalar_one()
    if values is None or encoding != "UTF-8":  # bytes would be taken for UTF-16 there
        return None
    # BEGIN alone locks nothing.
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    _, _, path = connection.exec_driver_sql("PRAGMA database_list").one()
    mark = f"{secrets.token_hex(16)}:"
    sure = _sure(asked)
    columns = _Columns(asked, mark, sure)
    shape = _Joined(asked, columns) if asked.joined and _joins(asked, sure) else columns
    return Source(
        connect=partial(adbc_driver_sqlite.connect, f"{Path(path).as_uri()}?mode=ro"),
        begin=("PRAGMA query_only = ON", "PRAGMA busy_timeout = 0", "BEGIN"),
        select=asked.for_driver(shape.select)[0],
        sql=lambda sql: asked.for_driver(sql)[0],
        values=values if values.num_columns else None,
        shape=shape,
        batch_rows=asked.batch_rows,
        options={adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value: str(asked.batch_rows)},
        rest=shape.rest,
    )


def _values(asked: Asked) -> pa.RecordBatch | None:
    """The values for binds; None if there is one that no SQLite could take."""
    values = tuple(asked.for_driver(asked.statement.sql)[1])
    if not all(value is None or isinstance(value, int | float | str | bytes) for value in values):
        return None
    try:
        arrays = [pa.array([value]) for value in values]
    except OverflowError:
        return None
    return pa.RecordBatch.from_arrays(arrays, names=[str(place) for place in range(len(arrays))])


@dataclass(frozen=True, slots=True)
class _Sure:
    """What a statement's tables say of it.

    Attributes:
        plain: Columns of a table in which no number has a fraction.
        once: Asked for a column several times, SQLite works none out but once.
    """

    plain: AbstractSet[str]
    once: bool


def _sure(asked: Asked) -> _Sure:
    statement = asked.statement
    stored = spelled(asked.connection, statement.tables) if statement.plain else None
    if stored is None:
        return _Sure(frozenset(), once=False)
    plain = {name for name, column in statement.plain.items() if stored.get(column.lower())}
    return _Sure(plain, once=statement.whole)


def _joins(asked: Asked, sure: _Sure) -> bool:
    """Whether all that a statement returns may come as one text a row."""
    told = set(asked.columns) - set(asked.constants)
    return "value" not in told and told <= sure.plain


def _select(asked: Asked, mark: str, sure: _Sure) -> str:
    first, columns = [], []
    for name in asked.columns:
        if name in asked.constants:
            continue
        if name == "value":
            first += ["'' AS value", f"0.5 AS {_NUMBER}"]
            columns += [
                "CASE WHEN typeof(value) <> 'real' THEN value END",
                "CASE WHEN typeof(value) IN ('integer', 'real') THEN CAST(value AS REAL) END",
            ]
        else:
            first.append(f"'' AS {name}")
            columns.append(name if name in sure.plain else _guarded(name, mark))
    rows = f"(\n{asked.statement.sql}\n)"
    if not sure.once:
        # The offset keeps SQLite from working out a column once for each time it stands there.
        rows = f"(SELECT * FROM {rows} LIMIT -1 OFFSET 0)"
    return f"SELECT {', '.join(first)} UNION ALL SELECT {', '.join(columns)} FROM {rows}"


def _guarded(name: str, mark: str) -> str:
    """A column, its numbers that are not whole behind the mark.

    Any number is less than any text. Whether one is costs less to ask than of which type a
    cell is; the plus takes away the column's own way to compare.
    """
    return (
        f"CASE WHEN +{name} < '' COLLATE BINARY THEN CASE typeof({name}) WHEN 'real' "
        f"THEN '{mark}' || printf('%!.20g', {name}) ELSE {name} END ELSE {name} END"
    )


class _Columns:
    """A column of the driver's for each of the statement's.

    Attributes:
        select: What returns them.
    """

    def __init__(self, asked: Asked, mark: str, sure: _Sure) -> None:
        self.select = _select(asked, mark, sure)
        self._columns = asked.columns
        self._constants = asked.constants
        self._mark = mark
        self._plain = sure.plain
        self._begun = False

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of text, without the row that was ours."""
        rows = batch if self._begun else batch.slice(1)
        self._begun = True
        arrays = [self._column(rows, name) for name in self._columns]
        return pa.RecordBatch.from_arrays(arrays, names=list(self._columns))

    def rest(self) -> None:
        """No row is left out."""

    def _column(self, rows: pa.RecordBatch, name: str) -> pa.Array:
        if name in self._constants:
            return repeated(self._constants[name], rows.num_rows)
        return _value(rows) if name == "value" else self._texts(rows.column(name), name)

    def _texts(self, column: pa.Array, name: str) -> pa.StringArray:
        cells = utf8(column, name)
        if name in self._plain or not pc.any(pc.starts_with(cells, self._mark)).as_py():
            return cells
        return texts([self._cell(cell) for cell in cells.to_pylist()], name)

    def _cell(self, cell: str | None) -> object:
        if cell is None or not cell.startswith(self._mark):
            return cell
        return float(cell.removeprefix(self._mark))


class _Joined:
    """A row's cells in one text, joined by SQLite: a cell takes the driver 0.1 microseconds.

    Rows with the separator in a cell are left out, and asked for once more as columns. A text
    that is nothing but a NUL is read as NULL.

    Attributes:
        select: What returns them.
    """

    def __init__(self, asked: Asked, columns: _Columns) -> None:
        cells = ", ".join(f"coalesce({name}, char({ord(NOTHING)}))" for name in asked.columns)
        self.select = (
            "SELECT '' AS cells UNION ALL "
            f"SELECT concat_ws(char({ord(SEPARATOR)}), {cells}) FROM (\n{asked.statement.sql}\n)"
        )
        self._asked = asked
        self._apart = columns
        self._begun = self._left = False

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A batch of joined rows, without the row that was ours."""
        rows = batch if self._begun else batch.slice(1)
        self._begun = True
        try:
            cells = utf8(rows.column(0), "cells")
        except ShopError:
            raise not_utf8(self._wrong(rows.column(0))) from None
        chosen = separators(cells, len(self._asked.columns) - 1)
        if chosen is not None:
            self._left = True
            cells = cells.filter(pa.array(chosen))
        return joined(cells, self._asked.columns)

    def rest(self) -> tuple[str, Shape] | None:
        """The rows that were left out, as columns."""
        if not self._left:
            return None
        return self._asked.for_driver(self._apart.select)[0], self._unjoined

    def _unjoined(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = self._apart(batch)
        held = [pc.fill_null(pc.match_substring(one, SEPARATOR), False) for one in rows.columns]
        return rows.filter(reduce(pc.or_, held))

    def _wrong(self, cells: pa.Array) -> str:
        """The first column that is not text in UTF-8."""
        rows = (row.split(SEPARATOR.encode()) for row in cells.cast(pa.binary()).to_pylist())
        return next(
            name
            for row in rows
            for name, cell in zip(self._asked.columns, row, strict=False)
            if not _is_utf8(cell)
        )


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeError:
        return False
    return True


def _value(rows: pa.RecordBatch) -> pa.Array:
    written, found = utf8(rows.column("value"), "value"), rows.column(_NUMBER)
    if pc.any(pc.and_(pc.is_valid(written), pc.is_null(found))).as_py():
        return numbers(_cells(written, found))
    return amounts(found, lambda: _cells(written, found))


def _cells(written: pa.StringArray, found: pa.DoubleArray) -> Row:
    """As the portable driver has them: a number that was written is a whole one."""
    return [
        number if text is None else text if number is None else int(text)
        for text, number in zip(written.to_pylist(), found.to_pylist(), strict=True)
    ]
