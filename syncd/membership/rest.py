"""Which rows of a generation are at rest: their member's last, and all they carry is certain.

A file says which rows are not, and of the identifiers of the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import (
    Positions,
    column,
    engine,
    feed,
    filled,
    links,
    positioned,
    stream,
)
from syncd.membership.names import SECTION as NAMES
from syncd.membership.names import Column
from syncd.membership.sieve import Side
from syncd.model import Refresh

MOVING = "moving"  # a section: positions of the rows that are not at rest
RESTS = "rests"  # in the header of a file that has it

# A 128-bit number in two halves: Arrow has no column for it.
LOW = "18446744073709551615::UHUGEINT"


def halves(number: str, high: str, low: str) -> str:
    """SQL for both halves of a 128-bit column."""
    return f"({number} >> 64)::UBIGINT AS {high}, ({number} & {LOW})::UBIGINT AS {low}"


def whole(high: str, low: str) -> str:
    """SQL for a 128-bit number from its halves."""
    return f"(({high}::UHUGEINT << 64) | {low}::UHUGEINT)"


def sectioned(
    database: duckdb.DuckDBPyConnection, queries: Mapping[str, str], schema: pa.Schema
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Sections of a file, in the order given, the rows of each ascending by `id`.

    One statement: most files have nothing in most sections, and to ask costs the same.

    Args:
        database: With the tables that the queries read.
        queries: By section, one that answers `id` and what `schema` has after its halves.
        schema: `high` and `low`, the halves of `id`, and more.
    """
    more = "".join(f", {name}" for name in schema.names[2:])
    every = " UNION ALL ".join(
        f"SELECT {place}::TINYINT AS place, id{more} FROM ({query})"
        for place, query in enumerate(queries.values())
    )
    rows = f"SELECT place, {halves('id', 'high', 'low')}{more} FROM ({every}) ORDER BY place, id"
    names = list(queries)
    for batch in stream(database, rows, pa.schema([pa.field("place", pa.int8()), *schema])):
        places = np.asarray(batch["place"], np.int8)
        for place in np.unique(places):
            first, end = np.searchsorted(places, [place, place + 1])
            yield names[place], batch.select(schema.names).slice(first, end - first)


_FOUND = "CREATE OR REPLACE TABLE found (n BIGINT)"
_NUMBERS = f"CREATE OR REPLACE TABLE numbers (id UHUGEINT); {_FOUND}"
_INTO = f"INSERT INTO numbers SELECT {whole('high', 'low')} FROM incoming"


def _holding(rows: pa.RecordBatch) -> str:
    return (
        f"INSERT INTO found SELECT n FROM ({links('incoming', 'n', filled(rows))}) "
        "WHERE id IN (SELECT id FROM numbers)"
    )


def as_sent(generation: BlockReader, more: Mapping[str, Column] | None = None) -> Side:
    """A generation's rows, looked over by their names where its file has them; none concerned."""
    rows = generation.rows("rows")
    has_names = generation.rows(NAMES) == rows
    names = partial(generation.batches, NAMES) if has_names else None
    side = Side.of(partial(generation.batches, "rows"), rows, more, names)
    side.linked = side.keyed  # all of them, and that takes no memory
    side.some = partial(generation.some, "rows")
    if has_names:
        side.some_names, side.looked = partial(generation.some, NAMES), generation.looked
    return side


def moving(generation: BlockReader) -> npt.NDArray[np.bool_] | None:
    """Flags of the rows that are not at rest; None: the file is of an earlier version.

    Such a one says of every identifier what it is.
    """
    if not generation.header.get(RESTS):
        return None
    at = [np.asarray(batch["n"], np.int64) for batch in generation.batches(MOVING)]
    return _flags(generation, np.concatenate([np.empty(0, np.int64), *at]))


def holding(
    generation: BlockReader,
    numbers: Iterable[pa.RecordBatch],
) -> npt.NDArray[np.bool_]:
    """Flags of a generation's rows: those with one of the identifiers, `high` and `low`."""
    given = list(numbers)
    if not given:
        return np.zeros(generation.rows("rows"), np.bool_)
    with engine() as database:
        database.execute(_NUMBERS)
        feed(database, positioned(given), _INTO)
        feed(database, positioned(generation.batches("rows")), _holding)
        return _flags(generation, column(database, "SELECT n FROM found"))


def due(sent: Side, refresh: Refresh) -> npt.NDArray[np.bool_]:
    """Flags of rows as sent: those whose turn to be sent again has come; see `compare.REFRESH`."""
    found = np.zeros_like(sent.concerned)
    for here, rows in sent.batches(ids=False):
        slots = (rows.keys % np.uint64(refresh.period)).astype(np.int64)
        turns = [(day - slots) // refresh.period for day in (refresh.after, refresh.until)]
        found[here] = turns[1] > turns[0]
    return found


def _flags(generation: BlockReader, at: Positions) -> npt.NDArray[np.bool_]:
    found = np.zeros(generation.rows("rows"), np.bool_)
    found[at] = True
    return found
