"""The columnar engine: DuckDB, in memory and nowhere else.

Cells stay in the files: tables hold keys, numbers and identifiers, and whoever writes a
file picks its rows from the files again. Nothing is spilled to disk, where it would lie
in clear: DuckDB encrypts a spill only with an extension that its wheel does not carry.

Identifiers are compared as 128-bit numbers, `md5_number(kind || cells)`: the input is
a SHA-256 digest already, so MD5 here is a short name, not a protection. Ids that travel
as they are become one first.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.errors import SyncdError
from syncd.model import (
    ADDRESS_CELLS,
    DETAIL_CELLS,
    EMAIL_CELLS,
    FACT_CELLS,
    ID_CELLS,
    PHONE_CELLS,
    ROW_COLUMNS,
)

MEMORY_LIMIT = "75%"  # of the machine's; `python -m tests.bench.membership` says how much it takes
CELLS = ", ".join(ROW_COLUMNS)
BATCH_ROWS = 20_000  # rows a batch where they come together

# Of rows in a section, from 0.
Positions = npt.NDArray[np.int64]

# Kept in files, as part of each identifier's number: never given another meaning.
KINDS = {"email": 1, "phone": 2, "address": 3, "device_id": 4, "external_id": 5}
KIND_NAMES = {number: name for name, number in KINDS.items()}

# A digest has 32 bytes, so two names in a row cannot run into each other; the bar parts
# postcode and country, which may be plain.
_ADDRESS = "given_name || family_name || postcode || '|'::BLOB || country"
# The identifiers of a row, each at its slot: kind, cells, and what its number is made of.
SLOTS = [
    *((1, (cell,), cell) for cell in EMAIL_CELLS),
    *((2, (cell,), cell) for cell in PHONE_CELLS),
    (3, ADDRESS_CELLS, _ADDRESS),
    *((KINDS[cell], (cell,), f"sha256({cell})::BLOB") for cell in ID_CELLS),
]

# Rows of the first version had none of these.
LATER_CELLS = (*ID_CELLS, *DETAIL_CELLS, *FACT_CELLS)

CELL_FIELDS = [pa.field(name, pa.binary()) for name in ROW_COLUMNS]
# Of the raw row that a row was digested from; zeros where there is none to know it by.
FINGERPRINT = pa.schema(
    [pa.field("fingerprint_high", pa.uint64()), pa.field("fingerprint_low", pa.uint64())]
)
ROW_SCHEMA = pa.schema([pa.field("key", pa.binary()), *CELL_FIELDS, pa.field("consent", pa.int8())])
CELLS_OF_ROWS = ROW_SCHEMA.names[1:]  # what a connector gets
# Whoever is sent, with what they are known again by; in files it lies in sections of its own.
SENT_SCHEMA = pa.schema([*ROW_SCHEMA, *FINGERPRINT])
# Of a snapshot's member: what may keep them out.
MARKS_SCHEMA = pa.schema(
    [
        ROW_SCHEMA.field("consent"),
        pa.field("region", pa.bool_()),
        pa.field("erased", pa.bool_()),
        pa.field("held_out", pa.bool_()),
        pa.field("elsewhere", pa.bool_()),
        pa.field("stays", pa.bool_()),
    ]
)
SNAPSHOT_SCHEMA = pa.schema([*ROW_SCHEMA, *list(MARKS_SCHEMA)[1:], *FINGERPRINT])


_names = itertools.count(1)


class Instance:
    """The process's one instance: to make one takes 25 ms, as much as comparing a few members.

    A comparison leaves about 30 kB in it that DROP and DETACH do not give back (measured with
    DuckDB 2.0: 480 comparisons of 20 members, 12 MB). That is nothing to a command and much to
    a process of months, so after so many it is made anew, as soon as nobody works with it:
    two at a time would have twice the limit on memory.
    """

    def __init__(self, lasts: int) -> None:
        """Make none yet.

        Args:
            lasts: Databases that it may have had before it is made anew.
        """
        self._lasts = lasts
        self._turn = threading.Lock()
        self._kept: duckdb.DuckDBPyConnection | None = None
        self._begun = self._users = 0
        self._limit = ""

    @contextmanager
    def used(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The instance, for as long as a database of it is."""
        with self._turn:
            if self._kept is not None and self._begun >= self._lasts and not self._users:
                self._kept.close()
                self._kept = None
            if self._kept is None:
                self._kept, self._begun = duckdb.connect(":memory:", config=dict(_CONFIG)), 0
                self._limit = ""
            if self._limit != MEMORY_LIMIT:  # to say it costs as much as a database
                self._kept.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
                self._limit = MEMORY_LIMIT
            self._begun += 1
            self._users += 1
            kept = self._kept
        try:
            yield kept
        finally:
            with self._turn:
                self._users -= 1


# One thread: what is compared comes 20,000 rows at a time, which DuckDB does not divide, and to
# hand the least statement to a second thread and wait for it cost a small comparison a fifth of
# its CPU; on a machine with other work, half of its time. Accounts run side by side anyway.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "temp_directory": ""}
_instance = Instance(lasts=100)


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh in-memory database, dropped at the end; all share the limit on memory.

    Raises:
        syncd.errors.SyncdError: What is compared does not fit into memory.
    """
    name = f"comparison{next(_names)}"
    with _instance.used() as instance:
        database = instance.cursor()
        database.execute(f"ATTACH ':memory:' AS {name}; USE {name}")
        try:
            yield database
        except duckdb.OutOfMemoryException:
            raise SyncdError(
                f"comparing does not fit into {MEMORY_LIMIT} of this machine's memory; nothing "
                "was sent. Give it more memory, or cut the segment into smaller ones"
            ) from None
        finally:
            database.close()
            with instance.cursor() as last:
                last.execute(f"DETACH {name}")


# SQL that reads `incoming`, or what makes it of the batch; None asks nothing of that one.
Statement = str | Callable[[pa.RecordBatch], str | None]


def filled(batch: pa.RecordBatch) -> frozenset[str]:
    """The cells of `ROW_COLUMNS` that any row of a batch has.

    SQL that names no others answers the same and costs less: of few rows most of the time
    goes into reading the statement, of many into hashing what is blank.
    """
    rows = batch.num_rows
    return frozenset(cell for cell in ROW_COLUMNS if batch.column(cell).null_count < rows)


def links(table: str, row: str, cells: Collection[str] = ROW_COLUMNS) -> str:
    """SQL for one line an identifier of a row: (row, slot, kind, id).

    Args:
        table: Has the columns `ROW_COLUMNS` and `row`.
        row: The column that numbers its rows.
        cells: Those that any of its rows has.
    """
    # One pass over the table: a pass a slot costs twice as much where rows are few.
    asked = [n for n, (_, needed, _) in enumerate(SLOTS) if all(cell in cells for cell in needed)]
    slots = asked or [0]
    kinds = [SLOTS[slot][0] for slot in slots]
    ids = ", ".join(
        f"md5_number('\\x{SLOTS[slot][0]:02d}'::BLOB || {SLOTS[slot][2]})" for slot in slots
    )
    return (
        f"SELECT {row}, slot, kind, id FROM (SELECT {row}, unnest({slots}::TINYINT[]) AS slot, "
        f"unnest({kinds}::TINYINT[]) AS kind, unnest([{ids}]) AS id FROM {table}) "
        "WHERE id IS NOT NULL"
    )


def masked(mask: str) -> str:
    """SQL for a row's cells, identifiers whose slot is not in `mask` left blank.

    Args:
        mask: An alias with one boolean column `s0`, `s1`, ... a slot.
    """
    identifiers = [
        f"CASE WHEN {mask}.s{slot} THEN {cell} END AS {cell}"
        for slot, (_, cells, _) in enumerate(SLOTS)
        for cell in cells
    ]
    return ", ".join((*identifiers, *DETAIL_CELLS, *FACT_CELLS))


def mask_columns() -> str:
    """SQL aggregates that build such a mask from lines of `links`."""
    return ", ".join(f"bool_or(slot = {n}) AS s{n}" for n in range(len(SLOTS)))


def face(cells: Collection[str] = ROW_COLUMNS) -> str:
    """SQL for one number that tells a row's cells from any other's.

    Args:
        cells: Those that any row has, as for `details` and `facts`.
    """
    told = [
        f"coalesce(hex({cell}), '-')" if cell in cells else "'-'"
        for cell in ROW_COLUMNS
        if cell not in LATER_CELLS
    ]
    # Named, and left out where blank: rows of earlier versions keep the face they have.
    told += [f"'{cell} ' || sha256({cell})" for cell in LATER_CELLS if cell in cells]
    return f"md5_number(concat_ws('|', {', '.join(told)}))"


def details(cells: Collection[str] = ROW_COLUMNS) -> str:
    """SQL for one number that tells what travels with a row's identifiers; NULL for nothing."""
    told = [cell for cell in DETAIL_CELLS if cell in cells]
    if not told:
        return "NULL::UBIGINT"
    named = ", ".join(f"'{cell} ' || hex({cell})" for cell in told)
    return (
        f"CASE WHEN coalesce({', '.join(told)}) IS NOT NULL "
        f"THEN md5_number_lower(concat_ws('|', {named})) END"
    )


def facts(cells: Collection[str] = ROW_COLUMNS) -> str:
    """SQL for what a row says of its member: `cents`, a whole number, and `limited`.

    NULL where it does not say: a member without a value, or a sync that does not send it.
    """
    cents = "round(try_cast(decode(value) AS DOUBLE) * 100)" if "value" in cells else "NULL::DOUBLE"
    limited = "limited_data_use = '1'::BLOB" if "limited_data_use" in cells else "NULL::BOOLEAN"
    return f"{cents} AS cents, {limited} AS limited"


def feed(
    database: duckdb.DuckDBPyConnection,
    rows: Iterable[tuple[int | Positions, pa.RecordBatch]],
    *statements: Statement,
) -> None:
    """Run statements over record batches, one batch at a time.

    Args:
        database: Whose tables they fill.
        rows: Batches, each with the position of its first row, or of every row.
        statements: They read `incoming`: the batch's columns and `n`, the position. Made
            of a batch, they may leave out what none of its rows has.
    """
    for at, batch in rows:
        numbers = np.arange(at, at + batch.num_rows) if isinstance(at, int) else at
        # DuckDB finds it by this name: to register a view and drop it costs twice as much as to
        # run a statement over a few rows.
        incoming = batch.append_column("n", pa.array(numbers, pa.int64()))
        for statement in statements:
            query = statement if isinstance(statement, str) else statement(batch)
            if query is not None:
                database.execute(query)
        del incoming


def positioned(
    batches: Iterable[pa.RecordBatch], first: int = 0
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Each batch with the position of its first row; that of the first one is given."""
    for batch in batches:
        yield first, batch
        first += batch.num_rows


def chosen(
    rows: Iterable[tuple[int, pa.RecordBatch]], flags: npt.NDArray[np.bool_]
) -> Iterator[tuple[Positions, pa.RecordBatch]]:
    """The rows with a flag and their positions, as many together as a block may have.

    Args:
        rows: As `positioned` gives them.
        flags: One a row of the section.
    """
    return gathered(_chosen(rows, flags))


def _chosen(
    rows: Iterable[tuple[int, pa.RecordBatch]], flags: npt.NDArray[np.bool_]
) -> Iterator[tuple[Positions, pa.RecordBatch]]:
    for first, batch in rows:
        at = np.flatnonzero(flags[first : first + batch.num_rows])
        if len(at):
            whole = len(at) == batch.num_rows
            yield at + first, batch if whole else batch.take(pa.array(at))


def gathered(
    pieces: Iterable[tuple[Positions, pa.RecordBatch]],
) -> Iterator[tuple[Positions, pa.RecordBatch]]:
    """Rows and their positions, small pieces together, in which a statement costs the same."""
    held: list[tuple[Positions, pa.RecordBatch]] = []
    count = 0
    for at, batch in pieces:
        held.append((at, batch))
        count += len(at)
        if count >= BATCH_ROWS:
            yield _together(held)
            held, count = [], 0
    if held:
        yield _together(held)


def _together(held: list[tuple[Positions, pa.RecordBatch]]) -> tuple[Positions, pa.RecordBatch]:
    if len(held) == 1:
        return held[0]
    return np.concatenate([at for at, _ in held]), pa.concat_batches([rows for _, rows in held])


def column(database: duckdb.DuckDBPyConnection, query: str) -> Positions:
    """A query's single column of whole numbers."""
    (found,) = database.execute(query).fetchnumpy().values()
    return np.asarray(found, dtype=np.int64)


def scalar(database: duckdb.DuckDBPyConnection, query: str) -> int:
    """The single number that a query answers."""
    # All of it: a result that is not read to its end keeps the connection from the next one.
    ((found,),) = database.execute(query).fetchall()
    return int(found) if found is not None else 0


def by_kind(database: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    """Counts by kind of identifier, from a query that answers (kind, count)."""
    return {KIND_NAMES[kind]: int(count) for kind, count in database.execute(query).fetchall()}


def micros(moment: datetime) -> int:
    """A moment as whole microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def stream(
    database: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """A query's rows as record batches of the given schema."""
    reader = database.sql(query).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        if batch.num_rows:
            yield batch.cast(schema)
