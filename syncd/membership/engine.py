"""The columnar engine: DuckDB in memory, bounded, its spill encrypted.

Identifiers are compared as 128-bit numbers, `md5_number(kind || cells)`: the input is
a SHA-256 digest already, so MD5 here is a short name, not a protection.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS, ROW_COLUMNS

MEMORY_LIMIT = "2GB"  # DuckDB oversteps by about 90 MB; facts/performance.md 3
CELLS = ", ".join(ROW_COLUMNS)

KINDS = {"email": 1, "phone": 2, "address": 3}
KIND_NAMES = {number: name for name, number in KINDS.items()}

# Slot of an identifier within a row: the cell's position; the address as a whole is one.
ADDRESS_SLOT = len(EMAIL_CELLS) + len(PHONE_CELLS)
_SINGLE = [(1, cell) for cell in EMAIL_CELLS] + [(2, cell) for cell in PHONE_CELLS]
# A digest has 32 bytes, so two names in a row cannot run into each other; the bar parts
# postcode and country, which may be plain.
_ADDRESS = "given_name || family_name || postcode || '|'::BLOB || country"

CELL_FIELDS = [pa.field(name, pa.binary()) for name in ROW_COLUMNS]
SNAPSHOT_SCHEMA = pa.schema(
    [
        pa.field("key", pa.binary()),
        *CELL_FIELDS,
        pa.field("consent", pa.int8()),
        pa.field("region", pa.bool_()),
    ]
)
ROW_SCHEMA = pa.schema([pa.field("key", pa.binary()), *CELL_FIELDS, pa.field("consent", pa.int8())])


@contextmanager
def engine(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh in-memory database that spills, encrypted, below `spill`."""
    spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=spill, prefix="spill-") as directory:
        database = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": 2,
                "temp_directory": directory,
                "temp_file_encryption": True,
                "preserve_insertion_order": False,
            },
        )
        try:
            yield database
        finally:
            database.close()


def links(table: str, row: str) -> str:
    """SQL for one line an identifier of a row: (row, slot, kind, id).

    Args:
        table: Has the columns `ROW_COLUMNS` and `row`.
        row: The column that numbers its rows.
    """
    parts = [
        f"SELECT {row}, {slot}::TINYINT AS slot, {kind}::TINYINT AS kind, "
        f"md5_number('\\x{kind:02d}'::BLOB || {cell}) AS id FROM {table} WHERE {cell} IS NOT NULL"
        for slot, (kind, cell) in enumerate(_SINGLE)
    ]
    whole = " AND ".join(f"{cell} IS NOT NULL" for cell in ADDRESS_CELLS)
    parts.append(
        f"SELECT {row}, {ADDRESS_SLOT}::TINYINT, 3::TINYINT, "
        f"md5_number('\\x03'::BLOB || {_ADDRESS}) FROM {table} WHERE {whole}"
    )
    return " UNION ALL ".join(parts)


def masked(mask: str) -> str:
    """SQL for a row's cells, those whose slot is not in `mask` left blank.

    Args:
        mask: An alias with one boolean column `s0`, `s1`, ... a slot.
    """
    single = [
        f"CASE WHEN {mask}.s{n} THEN {cell} END AS {cell}" for n, (_, cell) in enumerate(_SINGLE)
    ]
    address = [
        f"CASE WHEN {mask}.s{ADDRESS_SLOT} THEN {cell} END AS {cell}" for cell in ADDRESS_CELLS
    ]
    return ", ".join(single + address)


def mask_columns() -> str:
    """SQL aggregates that build such a mask from lines of `links`."""
    return ", ".join(f"bool_or(slot = {n}) AS s{n}" for n in range(ADDRESS_SLOT + 1))


def load(
    database: duckdb.DuckDBPyConnection,
    statement: str,
    rows: Iterator[pa.RecordBatch],
    schema: pa.Schema,
) -> None:
    """Run an `INSERT ... SELECT ... FROM incoming` over streamed record batches."""
    database.register("incoming", pa.RecordBatchReader.from_batches(schema, rows))
    try:
        database.execute(statement)
    finally:
        database.unregister("incoming")


def scalar(database: duckdb.DuckDBPyConnection, query: str) -> int:
    """The single number that a query answers."""
    found = database.execute(query).fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def by_kind(database: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    """Counts by kind of identifier, from a query that answers (kind, count)."""
    return {KIND_NAMES[kind]: int(count) for kind, count in database.execute(query).fetchall()}


def stream(
    database: duckdb.DuckDBPyConnection, query: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """A query's rows as record batches of the given schema."""
    reader = database.sql(query).to_arrow_reader(20_000)
    for batch in reader:
        if batch.num_rows:
            yield batch.cast(schema)
