"""PostgreSQL by Arrow's driver, which takes rows by COPY in binary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, cast

import adbc_driver_postgresql
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import ClientCursor, Connection
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from syncd.shop.arrow import Source
from syncd.shop.columns import amounts, repeated, texts, utf8
from syncd.shop.engines import postgresql_settings

if TYPE_CHECKING:
    from syncd.shop.rows import Asked

_BATCH_BYTES = 1_800_000  # fewer than 20,000 members, as most segments have them


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a type of PostgreSQL comes out as the text that it is elsewhere.

    Attributes:
        sql: What to select in a column's place; bare text is sent as it lies.
        cell: That text as the portable driver has it in Python.
        same: Whether that is the text that is wanted, but for a moment's fraction.
    """

    sql: str = "CAST({} AS text)"
    cell: Callable[[str], object] = str
    same: bool = True


_MICROSECONDS = "2001-02-03 04:05:06.123456"
_MOMENT = "CAST(CAST({} AS timestamp) AS text)"  # the session's zone is UTC
# By the numbers in pg_type, which are the same in every database.
_KINDS: Mapping[object, _Kind] = {
    16: _Kind(cell="true".__eq__),  # bool
    17: _Kind("{}"),  # bytea
    **dict.fromkeys((20, 21, 23), _Kind(cell=int)),  # int8, int2, int4
    **dict.fromkeys((25, 1042, 1043), _Kind("{}")),  # text, char(n), varchar
    **dict.fromkeys((700, 701), _Kind(cell=float, same=False)),  # float4, float8
    1082: _Kind(),  # date
    **dict.fromkeys((1114, 1184), _Kind(_MOMENT)),  # timestamp, timestamptz
    1700: _Kind(cell=Decimal),  # numeric
    2950: _Kind(),  # uuid
}


def source(asked: Asked) -> Source | None:
    """How Arrow's driver reads a statement; None if it cannot, or should not.

    It looks up the database's types whenever it connects, some 0.1 s, so few rows are left
    to the portable driver. Its own binds would hold the whole answer in memory: values
    are written into the SQL instead, as psycopg quotes them.
    """
    if not all(kind in _KINDS for kind in asked.types) or _expected(asked) < asked.large:
        return None
    driver = cast("Connection", asked.driver)
    address = make_conninfo(**{**driver.info.get_parameters(), "password": driver.info.password})
    kinds = {
        name: _KINDS[kind]
        for name, kind in zip(asked.columns, asked.types, strict=True)
        if name not in asked.constants
    }
    selected = ", ".join(
        kind.sql.format(f'"{name}"') + f' AS "{name}"' for name, kind in kinds.items()
    )

    def written(sql: str) -> str:
        return ClientCursor(driver).mogrify(*asked.for_driver(sql))

    return Source(
        connect=partial(adbc_driver_postgresql.connect, address),
        begin=(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            *postgresql_settings(asked.limits),
        ),
        select=written(f"SELECT {selected} FROM (\n{asked.statement.sql}\n) AS syncd_rows"),
        sql=written,
        values=None,
        shape=partial(_shaped, asked, kinds),
        batch_rows=asked.batch_rows,
        options={
            adbc_driver_postgresql.StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)
        },
    )


def _expected(asked: Asked) -> int:
    """How many rows the planner expects; that it may be wrong costs nobody a row."""
    sql = text(f"EXPLAIN (FORMAT JSON) {asked.statement.sql}")
    (plan,) = asked.connection.execute(sql, asked.binds).scalar_one()
    return int(plan["Plan"]["Plan Rows"])


def _shaped(asked: Asked, kinds: Mapping[str, _Kind], batch: pa.RecordBatch) -> pa.RecordBatch:
    arrays = [
        _array(batch.column(name), name, kinds[name])
        if name in kinds
        else repeated(asked.constants[name], batch.num_rows)
        for name in asked.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(asked.columns))


def _array(column: pa.Array, name: str, kind: _Kind) -> pa.Array:
    written = utf8(column, name)

    def cells() -> list[object]:
        return [None if cell is None else kind.cell(cell) for cell in written.to_pylist()]

    if name == "value":
        return amounts(written, cells)
    if not kind.same:
        return texts(cells(), name)
    return _in_full(written) if kind.sql == _MOMENT else written


def _in_full(moments: pa.StringArray) -> pa.StringArray:
    """Fractions of a second by six digits, of which PostgreSQL leaves out zeros at the end."""
    broken = pc.equal(pc.utf8_slice_codeunits(moments, 19, 20), ".")
    return pc.if_else(broken, pc.utf8_rpad(moments, len(_MICROSECONDS), "0"), moments)
