"""Which rows of a generation are at rest: their member's last, and all they carry is certain.

A file says which rows are not, and of the identifiers of the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import Positions, column, feed, links, positioned
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


_FOUND = "CREATE OR REPLACE TABLE found (n BIGINT)"
_NUMBERS = f"CREATE OR REPLACE TABLE numbers (id UHUGEINT); {_FOUND}"
_INTO = f"INSERT INTO numbers SELECT {whole('high', 'low')} FROM incoming"
_HOLDING = f"""
INSERT INTO found
SELECT n FROM ({links("incoming", "n")}) WHERE id IN (SELECT id FROM numbers)
"""
_OF_FACES = f"""
INSERT INTO found
SELECT n FROM incoming WHERE {whole("face_high", "face_low")} IN (SELECT id FROM numbers)
"""
# As `compare.REFRESH` has it.
_SLOT = f"({whole('face_high', 'face_low')} % $period::UHUGEINT)::BIGINT"
_DUE = f"""
SELECT n FROM incoming
WHERE current AND ($until - {_SLOT}) // $period > ($after - {_SLOT}) // $period
"""


def moving(generation: BlockReader) -> npt.NDArray[np.bool_] | None:
    """Flags of the rows that are not at rest; None: the file is of an earlier version.

    Such a one says of every identifier what it is.
    """
    if not generation.header.get(RESTS):
        return None
    at = [np.asarray(batch["n"], np.int64) for batch in generation.batches(MOVING)]
    return _flags(generation, np.concatenate([np.empty(0, np.int64), *at]))


def holding(
    database: duckdb.DuckDBPyConnection,
    generation: BlockReader,
    numbers: Iterable[pa.RecordBatch],
) -> npt.NDArray[np.bool_]:
    """Flags of a generation's rows: those with one of the identifiers, `high` and `low`."""
    given = list(numbers)
    if not given:
        return np.zeros(generation.rows("rows"), np.bool_)
    database.execute(_NUMBERS)
    feed(database, positioned(given), _INTO)
    feed(database, positioned(generation.batches("rows")), _HOLDING)
    return _flags(generation, column(database, "SELECT n FROM found"))


def due(
    database: duckdb.DuckDBPyConnection, generation: BlockReader, refresh: Refresh
) -> npt.NDArray[np.bool_]:
    """Flags of a generation's rows: those of members whose turn to be sent again has come."""
    query = _DUE
    for name, value in asdict(refresh).items():
        query = query.replace(f"${name}", str(value))
    database.execute(_FOUND)
    feed(database, positioned(generation.batches("rows")), f"INSERT INTO found {query}")
    return _flags(generation, column(database, "SELECT n FROM found"))


def of_faces(
    database: duckdb.DuckDBPyConnection, generation: BlockReader, faces: pa.RecordBatch
) -> npt.NDArray[np.bool_]:
    """Flags of a generation's rows: those with one of the given faces, `high` and `low`."""
    database.execute(_NUMBERS)
    feed(database, [(0, faces)], _INTO)
    feed(database, positioned(generation.batches("rows")), _OF_FACES)
    return _flags(generation, column(database, "SELECT n FROM found"))


def _flags(generation: BlockReader, at: Positions) -> npt.NDArray[np.bool_]:
    found = np.zeros(generation.rows("rows"), np.bool_)
    found[at] = True
    return found
