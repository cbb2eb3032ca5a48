"""What an audience holds, as tables: rows as sent, and the state of each identifier.

    held_row(r, key, <cells>, consent, current)   rows as sent; `current` is its key's last
    held_id(id, kind, state, doubt, removed_at)   every identifier ever sent, not settled out
    held_link(r, slot, kind, id)                  which row carries which identifier

A row stays while it explains something: an identifier that only it can take out, or a
link between two identifiers that the platform may have joined into one person.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import CELLS, ROW_SCHEMA, by_kind, links, load, scalar, stream
from syncd.model import Sizes

HELD_ROW_SCHEMA = ROW_SCHEMA.append(pa.field("current", pa.bool_()))
HELD_ID_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("kind", pa.int8()),
        pa.field("state", pa.int8()),
        pa.field("doubt", pa.bool_()),
        pa.field("removed_at", pa.int64()),
    ]
)
# A 128-bit number in two halves: Arrow has no column for it.
SPLIT = "(id >> 64)::UBIGINT AS high, (id & 18446744073709551615::UHUGEINT)::UBIGINT AS low"
JOINED = "(high::UHUGEINT << 64) | low::UHUGEINT"

_TABLES = f"""
CREATE SEQUENCE held_number;
CREATE TABLE held_row (
    r BIGINT DEFAULT nextval('held_number'), key BLOB,
    {", ".join(f"{name} BLOB" for name in CELLS.split(", "))}, consent TINYINT, current BOOLEAN);
CREATE TABLE held_id (
    id UHUGEINT, kind TINYINT, state TINYINT, doubt BOOLEAN, removed_at BIGINT);
"""


def load_held(database: duckdb.DuckDBPyConnection, generation: BlockReader | None) -> None:
    """Make the tables and fill them from a generation's file, or leave them empty."""
    database.execute(_TABLES)
    if generation is not None:
        load(
            database,
            f"INSERT INTO held_row (key, {CELLS}, consent, current) "
            f"SELECT key, {CELLS}, consent, current FROM incoming",
            generation.batches("rows"),
            HELD_ROW_SCHEMA,
        )
        load(
            database,
            f"INSERT INTO held_id SELECT {JOINED}, kind, state, doubt, removed_at FROM incoming",
            generation.batches("identifiers"),
            HELD_ID_SCHEMA,
        )
    link_held(database)


def link_held(database: duckdb.DuckDBPyConnection) -> None:
    """Derive `held_link` from `held_row`."""
    database.execute(f"CREATE OR REPLACE TABLE held_link AS {links('held_row', 'r')}")


def write_held(database: duckdb.DuckDBPyConnection, writer: BlockWriter) -> None:
    """Write both tables to a generation's file."""
    rows = f"SELECT key, {CELLS}, consent, current FROM held_row ORDER BY key, r"
    for batch in stream(database, rows, HELD_ROW_SCHEMA):
        writer.write("rows", batch)
    states = f"SELECT {SPLIT}, kind, state, doubt, removed_at FROM held_id ORDER BY id"
    for batch in stream(database, states, HELD_ID_SCHEMA):
        writer.write("identifiers", batch)


def sizes(database: duckdb.DuckDBPyConnection) -> Sizes:
    """Members and identifiers that the audience holds as far as we can know."""
    members = scalar(
        database,
        """SELECT count(DISTINCT key) FROM held_row SEMI JOIN (
             SELECT r FROM held_link JOIN held_id USING (id) WHERE removed_at IS NULL
           ) USING (r) WHERE current""",
    )
    kinds = by_kind(
        database,
        "SELECT kind, count(*) FROM held_id WHERE removed_at IS NULL GROUP BY kind ORDER BY kind",
    )
    return Sizes(members, kinds)
