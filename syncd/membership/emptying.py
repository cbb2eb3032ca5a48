"""What a membership holds, all of it to be taken out, and the plan that does so."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.compare import MASK
from syncd.membership.engine import micros, scalar
from syncd.membership.held import sizes
from syncd.membership.sections import write_ids, write_removals
from syncd.model import Emptied, Emptying

# An accepted removal is repeated only as a due confirmation, as in `compare.GONE`.
_TAKE = """
CREATE TABLE take AS
SELECT id, kind, removed_at IS NOT NULL AS confirmation FROM held_id
WHERE NOT $gone AND (removed_at IS NULL OR (doubt AND removed_at <= $due))
"""


def look(database: duckdb.DuckDBPyConnection, question: Emptying) -> Emptied:
    """Find what is due; the answer names no file yet.

    Args:
        database: With the tables of `syncd.membership.held`, filled.
        question: As asked.
    """
    due = micros(question.now - question.settle)
    database.execute(_TAKE, {"due": due, "gone": question.gone})
    database.execute(MASK)
    last = scalar(database, "SELECT max(removed_at) FROM held_id")
    return Emptied(
        plan=question.plan,
        leaving=sizes(database),
        leaving_ids=scalar(database, "SELECT count(*) FROM take WHERE NOT confirmation"),
        confirmations=scalar(database, "SELECT count(*) FROM take WHERE confirmation"),
        left=scalar(database, "SELECT count(*) FROM held_id"),
        last_removed_at=datetime.fromtimestamp(last / 1_000_000, UTC) if last else None,
        removals=scalar(database, "SELECT count(*) FROM mask"),
    )


def write(
    database: duckdb.DuckDBPyConnection,
    writer: BlockWriter,
    generation: BlockReader,
    question: Emptying,
) -> None:
    """Write the plan's file: removals; or, of an audience that is gone, what to forget."""
    write_removals(database, writer, generation)
    if question.gone:
        write_ids(database, writer, {"forgotten": "SELECT id FROM held_id"})
