"""What an audience holds, as tables: rows as sent, and the state of each identifier.

    held_row(r, key, face, details, cents, limited, current, file, n)
                                                  rows as sent; `current` is its key's last
    held_id(id, kind, state, doubt, removed_at)   every identifier ever sent, not settled out;
                                                  state 0 possible, 1 certain, 2 refused with
                                                  its row, 3 refused and never there
    held_link(r, slot, kind, id)                  which row carries which identifier
    outdated(id, since)                           see `syncd.membership.migration`
    late(id, until)                               a removal of it may still land until then

A row stays while it explains something: an identifier that only it can take out, or a
link between two identifiers that the platform may have joined into one person. Its cells
stay in the file that it came from, at position `n`; `face` tells them from any other's, and
`details`, `cents` and `limited` what beside its identifiers it carried, as far as a
comparison asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership import migration
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import (
    ROW_SCHEMA,
    by_kind,
    details,
    facts,
    feed,
    links,
    picked,
    positioned,
    scalar,
    stream,
)
from syncd.model import Sizes

HELD_ROW_SCHEMA = pa.schema(
    [
        *ROW_SCHEMA,
        pa.field("current", pa.bool_()),
        pa.field("face_high", pa.uint64()),
        pa.field("face_low", pa.uint64()),
    ]
)
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
OUTDATED_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("since", pa.int64()),
    ]
)

LATE_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("until", pa.int64()),
    ]
)

GENERATION = 0  # the file that held rows come from; those of plans follow

# Where rows of one file come from: their section, read anew each time.
Sources = Mapping[int, Callable[[], Iterator[pa.RecordBatch]]]

# A 128-bit number in two halves: Arrow has no column for it.
LOW = "18446744073709551615::UHUGEINT"


def halves(number: str, high: str, low: str) -> str:
    """SQL for both halves of a 128-bit column."""
    return f"({number} >> 64)::UBIGINT AS {high}, ({number} & {LOW})::UBIGINT AS {low}"


def whole(high: str, low: str) -> str:
    """SQL for a 128-bit number from its halves."""
    return f"(({high}::UHUGEINT << 64) | {low}::UHUGEINT)"


_TABLES = """
CREATE SEQUENCE held_number START 1;
CREATE TABLE held_row (
    r BIGINT DEFAULT nextval('held_number'), key BLOB, face UHUGEINT, details UBIGINT,
    cents DOUBLE, limited BOOLEAN, current BOOLEAN, file INTEGER, n BIGINT);
CREATE TABLE held_id (
    id UHUGEINT, kind TINYINT, state TINYINT, doubt BOOLEAN, removed_at BIGINT);
CREATE TABLE held_link (r BIGINT, slot TINYINT, kind TINYINT, id UHUGEINT);
CREATE TABLE late (id UHUGEINT, until BIGINT);
"""

# Whoever's last row has an identifier that may be there: was sent, and not removed. Where one
# of it was taken out, its member left, and what is still there is somebody else's too; where
# the member has another one instead, a newer row has it.
MEMBERS = """
SELECT DISTINCT key FROM held_row SEMI JOIN (
  SELECT r FROM held_link JOIN held_id USING (id) WHERE removed_at IS NULL AND state <> 3
) USING (r) ANTI JOIN (
  SELECT r FROM held_link LEFT JOIN held_id USING (id) WHERE state IS NULL OR removed_at IS NOT NULL
) USING (r) WHERE current
"""


def load_held(database: duckdb.DuckDBPyConnection, generation: BlockReader | None) -> None:
    """Make the tables and fill them from a generation's file, or leave them empty."""
    database.execute(_TABLES)
    database.execute(migration.TABLES)
    if generation is None:
        return
    feed(
        database,
        positioned(generation.batches("rows")),
        # Numbers of rows of the file are negative, so that new ones never meet them.
        f"INSERT INTO held_row SELECT -1 - n, key, {whole('face_high', 'face_low')}, {details()}, "
        f"{facts()}, current, {GENERATION}, n FROM incoming",
        f"INSERT INTO held_link SELECT -1 - n, slot, kind, id FROM ({links('incoming', 'n')})",
    )
    feed(
        database,
        positioned(generation.batches("identifiers")),
        f"INSERT INTO held_id SELECT {whole('high', 'low')}, kind, state, doubt, removed_at "
        "FROM incoming",
    )
    feed(
        database,
        positioned(generation.batches("outdated")),  # a section that most files do not have
        f"INSERT INTO outdated SELECT {whole('high', 'low')}, since FROM incoming",
    )
    feed(
        database,
        positioned(generation.batches("late")),  # likewise
        f"INSERT INTO late SELECT {whole('high', 'low')}, until FROM incoming",
    )


def write_held(database: duckdb.DuckDBPyConnection, writer: BlockWriter, sources: Sources) -> None:
    """Write the tables to a generation's file, the cells of rows taken from their files."""
    for file, batches in sources.items():
        kept = database.execute(
            f"SELECT n, current, {halves('face', 'high', 'low')} FROM held_row "
            f"WHERE file = {file} ORDER BY n"
        ).fetchnumpy()
        positions = np.asarray(kept["n"], dtype=np.int64)
        for at, rows in picked(positioned(batches()), positions):
            columns = [rows.column(name) for name in ROW_SCHEMA.names]
            columns += [pa.array(kept[name][at]) for name in ("current", "high", "low")]
            writer.write("rows", pa.RecordBatch.from_arrays(columns, schema=HELD_ROW_SCHEMA))
    states = (
        f"SELECT {halves('id', 'high', 'low')}, kind, state, doubt, removed_at FROM held_id "
        "ORDER BY id"
    )
    for batch in stream(database, states, HELD_ID_SCHEMA):
        writer.write("identifiers", batch)
    outdated = f"SELECT {halves('id', 'high', 'low')}, since FROM outdated ORDER BY id"
    for batch in stream(database, outdated, OUTDATED_SCHEMA):
        writer.write("outdated", batch)
    late = f"SELECT {halves('id', 'high', 'low')}, until FROM late ORDER BY id"
    for batch in stream(database, late, LATE_SCHEMA):
        writer.write("late", batch)


def sizes(database: duckdb.DuckDBPyConnection) -> Sizes:
    """Members and identifiers that the audience holds as far as we can know.

    An identifier that is there by a digest of earlier rules too counts once: else the
    guard would miss the half of them once the earlier ones have left.
    """
    migration.find_spare(database)
    members = scalar(database, f"SELECT count(*) FROM ({MEMBERS})")
    refused = scalar(
        database,
        """SELECT count(DISTINCT key) FROM held_row SEMI JOIN (
             SELECT r FROM held_link JOIN held_id USING (id) WHERE state >= 2
           ) USING (r) WHERE current""",
    )
    kinds = by_kind(
        database,
        "SELECT kind, count(*) FROM held_id WHERE removed_at IS NULL AND state <> 3 "
        "AND id NOT IN (SELECT id FROM spare) GROUP BY kind ORDER BY kind",
    )
    return Sizes(members, kinds, refused)
