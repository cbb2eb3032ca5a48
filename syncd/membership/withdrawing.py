"""What a membership that nobody fills any more holds of members who deny consent now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import MEMBERS
from syncd.membership.compare import MASK
from syncd.membership.engine import (
    feed,
    filled,
    links,
    micros,
    positioned,
    scalar,
)
from syncd.membership.held import MEMBERS as HELD_MEMBERS
from syncd.membership.members import MARKS
from syncd.membership.sections import write_ids, write_removals
from syncd.model import Sizes, Withdrawal, Withdrawn
from syncd.plan import withdrawal_reasons

_DENIES = 2  # and who was erased goes by the erasure
# Nobody still holds anything here: a family's phone goes with the one who denies. What was
# removed is removed once more when it is due, whoever is in the snapshot by then.
_DUE = """
state <> 3 AND CASE WHEN removed_at IS NULL THEN id IN (SELECT id FROM denied)
  ELSE doubt AND removed_at <= {due} END
"""
_TAKE = """
CREATE TABLE take AS
SELECT id, kind, removed_at IS NOT NULL AS confirmation FROM held_id WHERE {which}
"""
_GOING = f"""
SELECT count(*) FROM ({HELD_MEMBERS}) WHERE key IN (
  SELECT key FROM held_row JOIN held_link USING (r) JOIN take USING (id)
  WHERE current AND NOT confirmation)
"""


def _due(question: Withdrawal) -> str:
    return _DUE.format(due=micros(question.now - question.settle))


def denied(members: BlockReader) -> Iterator[pa.RecordBatch]:
    """The rows of a snapshot's members who deny consent."""
    for batch, marks in zip(members.batches(MEMBERS.rows), members.batches(MARKS), strict=True):
        yield batch.filter(pc.and_(pc.equal(marks["consent"], _DENIES), pc.invert(marks["erased"])))


def load_denied(database: duckdb.DuckDBPyConnection, members: BlockReader) -> None:
    """Take in who of a snapshot denies consent."""
    database.execute("CREATE TABLE denied (id UHUGEINT)")
    feed(
        database,
        positioned(denied(members)),
        lambda rows: f"INSERT INTO denied SELECT id FROM ({links('incoming', 'n', filled(rows))})",
    )


def look(database: duckdb.DuckDBPyConnection, question: Withdrawal) -> Withdrawn:
    """Find what is due; the answer names no file yet.

    Args:
        database: After `load_denied`, with the tables of `syncd.membership.held`, filled.
        question: As asked.
    """
    database.execute(_TAKE.format(which=_due(question)))
    members = scalar(database, _GOING)
    held = withdrawal_reasons(
        withdrawn=Sizes(members), reference=question.generation.sizes, guard=question.guard
    )
    if held:
        database.execute("DELETE FROM take WHERE NOT confirmation")
    database.execute(MASK)
    found = Withdrawn(
        plan=question.plan,
        members=0 if held else members,
        identifiers=scalar(database, "SELECT count(*) FROM take WHERE NOT confirmation"),
        confirmations=scalar(database, "SELECT count(*) FROM take WHERE confirmation"),
        held=held,
    )
    return replace(found, removals=scalar(database, "SELECT count(*) FROM mask"))


def write(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, generation: BlockReader
) -> None:
    """Write the plan's file: removals, and whom to remove twice."""
    write_removals(database, writer, generation)
    write_ids(database, writer, {"twice": "SELECT id FROM take WHERE NOT confirmation"})
