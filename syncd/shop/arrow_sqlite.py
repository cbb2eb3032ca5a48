"""SQLite by Arrow's driver, whose columns have one type each where SQLite's cells do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import adbc_driver_sqlite
import pyarrow as pa
import pyarrow.compute as pc

from syncd.shop.affinity import spelled
from syncd.shop.arrow import Source
from syncd.shop.columns import amounts, numbers, repeated, texts, utf8
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
    return Source(
        connect=partial(adbc_driver_sqlite.connect, f"{Path(path).as_uri()}?mode=ro"),
        begin=("PRAGMA query_only = ON", "PRAGMA busy_timeout = 0", "BEGIN"),
        select=asked.for_driver(_select(asked, mark, sure))[0],
        sql=lambda sql: asked.for_driver(sql)[0],
        values=values if values.num_columns else None,
        shape=_Shape(asked, mark, sure),
        batch_rows=asked.batch_rows,
        options={adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value: str(asked.batch_rows)},
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


class _Shape:
    """Makes of the driver's batches what a reading gives."""

    def __init__(self, asked: Asked, mark: str, sure: _Sure) -> None:
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
