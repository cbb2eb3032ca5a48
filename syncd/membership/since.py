"""Since when each identifier has been in an audience: when the plan was made that added it.

    held_since(id, since)   of identifiers that were sent, microseconds since 1970; one that is
                            not named has been there since before this was kept
    renewed_since(id)       those that were there already, had left, and came again

In a file it is a line a row and a number a slot, which says nothing where the row has no such
identifier. Most lines are their neighbours', so they take next to nothing.

Of rows with one identifier the latest line counts: it only ever grows, and then not every row
that has the identifier is written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import SLOTS, Positions, feed, micros, stream
from syncd.membership.held import GENERATION
from syncd.membership.sieve import Flags

SECTION = "since"
FROM = "since_from"  # in a file's header, in ISO 8601: what nobody says of was there before
_NAMES = [f"s{slot}" for slot in range(len(SLOTS))]
SCHEMA = pa.schema([pa.field(name, pa.int64()) for name in _NAMES])

_TABLES = """
CREATE TABLE held_since (id UHUGEINT, since BIGINT);
CREATE TABLE renewed_since (id UHUGEINT);
"""
_LINES = f"CREATE TABLE line (r BIGINT, {', '.join(f'{name} BIGINT' for name in _NAMES)})"
_OF_SLOT = " ".join(f"WHEN {slot} THEN {name}" for slot, name in enumerate(_NAMES))
_LOADED = f"""
INSERT INTO held_since
SELECT id, max(CASE slot {_OF_SLOT} END) FROM held_link JOIN line USING (r) GROUP BY id;
DROP TABLE line
"""

# Whatever is not there when it is added: never sent, refused, or taken out.
_COMING = """
CREATE OR REPLACE TABLE coming AS
SELECT DISTINCT id FROM out_link
WHERE id NOT IN (SELECT id FROM held_id WHERE removed_at IS NULL AND state <> 3)
"""
_BEGAN = """
INSERT INTO renewed_since SELECT id FROM coming WHERE id IN (SELECT id FROM held_link);
DELETE FROM held_since WHERE id IN (SELECT id FROM coming);
INSERT INTO held_since SELECT id, $at FROM coming
"""
# Rows of a base that say it no more.
CHANGED = "SELECT r FROM held_link WHERE id IN (SELECT id FROM renewed_since)"

_LINE = ", ".join(
    f"coalesce(max(CASE WHEN slot = {slot} THEN since END), 0) AS {name}"
    for slot, name in enumerate(_NAMES)
)


def load_since(
    database: duckdb.DuckDBPyConnection, generation: BlockReader | None, only: Flags | None
) -> None:
    """Make the tables and fill them; after `held.load_held`.

    Args:
        database: With the tables of `syncd.membership.held`, filled.
        generation: The file that they were filled from; of an earlier version it says nothing.
        only: As `load_held` had it.
    """
    database.execute(_TABLES)
    if generation is None or not generation.rows(SECTION):
        return
    database.execute(_LINES)
    every = generation.rows(SECTION)
    lines = generation.some(SECTION, np.arange(every) if only is None else np.flatnonzero(only))
    feed(database, lines, f"INSERT INTO line SELECT -1 - n, {', '.join(_NAMES)} FROM incoming")
    database.execute(_LOADED)


def began(database: duckdb.DuckDBPyConnection, made: datetime) -> None:
    """Take in an addition of `out_link`, before `held_id` knows of it.

    Args:
        database: With the tables of a fold.
        made: When its plan was made.
    """
    database.execute(_COMING)
    database.execute(_BEGAN, {"at": micros(made)})


def write_since(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, sources: Mapping[int, object]
) -> None:
    """Write the lines of what `held.write_held` has just written, in its order."""
    files = list(sources)
    query = (
        f"SELECT {_LINE} FROM held_row LEFT JOIN held_link USING (r) "
        f"LEFT JOIN held_since USING (id) WHERE file IN ({', '.join(map(str, files))}) "
        f"GROUP BY file, n ORDER BY list_position({files}, file), n"
    )
    for lines in stream(database, query, SCHEMA) if files else ():
        writer.write(SECTION, lines)


def write_resting_since(
    writer: BlockWriter,
    before: BlockReader | None,
    resting: Mapping[int, Flags],
    made: Mapping[int, datetime],
) -> None:
    """Likewise of what `held.write_resting` has just written.

    Args:
        writer: Of the file.
        before: The last generation's.
        resting: By source, flags of rows.
        made: By source, when the plan was made.
    """
    for file, flags in resting.items():
        if file != GENERATION:
            _repeat(writer, micros(made[file]), int(flags.sum()))
        elif before is not None and before.rows(SECTION):
            for _, lines in before.some(SECTION, np.flatnonzero(flags)):
                writer.write(SECTION, lines)
        else:
            _repeat(writer, 0, int(flags.sum()))


def _repeat(writer: BlockWriter, since: int, rows: int) -> None:
    for first in range(0, rows, _AT_A_TIME):
        line: Positions = np.full(min(_AT_A_TIME, rows - first), since, np.int64)
        writer.write(SECTION, pa.RecordBatch.from_arrays([pa.array(line)] * len(_NAMES), _NAMES))


_AT_A_TIME = 100_000
