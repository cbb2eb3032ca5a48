"""Who was in an audience and is not any more: what `syncd lookup` tells of them.

    departed(id, kind, key, since, left_at)    identifiers that were taken out by this fold
    unkept(id)                                 of persons who are being erased: nothing is kept
    remembered(e, id, key)                     what is kept of erased persons, by `erasing`

A file keeps a line an identifier and member, of each only a name of 64 bits. It is no proof of
who it was, only a way to recognise whoever is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import feed, micros, positioned, stream
from syncd.membership.layers import PAST, UNPAST, above
from syncd.membership.sections import write_ids
from syncd.membership.together import PlanBatches

SCHEMA = pa.schema(
    [
        pa.field("id", pa.uint64()),
        pa.field("key", pa.uint64()),
        pa.field("kind", pa.int8()),
        pa.field("since", pa.int64()),
        pa.field("left_at", pa.int64()),
    ]
)
HISTORY = timedelta(days=90)
FROM = "remembers_from"  # in a file's header, in ISO 8601: who left before is not remembered
UNKEPT = "unkept"  # a section of a plan, of identifiers
_PAIRS = pa.schema([pa.field("id", pa.uint64()), pa.field("key", pa.uint64())])

_TABLES = """
CREATE TABLE departed (id UHUGEINT, kind TINYINT, key UBIGINT, since BIGINT, left_at BIGINT)
"""


def name_of_id(column: str) -> str:
    """SQL for an identifier's name: the first half of its number."""
    return f"({column} >> 64)::UBIGINT"


def name_of_key(column: str) -> str:
    """SQL for a key's name."""
    return f"(md5_number({column}) >> 64)::UBIGINT"


# Not who an audience ends with, deleted or retired: of them nothing is kept.
_REMOVED = f"""
INSERT INTO departed
SELECT DISTINCT id, held_id.kind, {name_of_key("key")}, coalesce(since, 0), $at
FROM held_id JOIN held_link USING (id) JOIN held_row USING (r) LEFT JOIN held_since USING (id)
WHERE removed_at IS NULL AND state <> 3
  AND id IN (SELECT id FROM out_link WHERE NOT list_contains($refused, n))
"""
_LINES = f"""
SELECT {name_of_id("id")} AS id, key, kind, since, left_at FROM departed
WHERE id NOT IN (SELECT id FROM unkept) ORDER BY id, key, left_at
"""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long who has left is remembered.

    Attributes:
        since: Nobody is who left before; None: nobody at all.
        oldest: When the first left of those who are, as far as it was written.
    """

    since: datetime | None
    oldest: datetime | None = None

    @classmethod
    def of(cls, history: timedelta, now: datetime) -> Keeping:
        """With a history of this length; none, if it is nothing."""
        return cls(now - history if history else None)

    def with_more(self, lines: pa.RecordBatch) -> Keeping:
        """After these were written."""
        if not lines.num_rows:
            return self
        first = moment(int(np.asarray(lines.column("left_at")).min()))
        return replace(self, oldest=first if self.oldest is None else min(first, self.oldest))


def moment(at: int) -> datetime:
    """A moment from microseconds since 1970."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at)


def make_departed(database: duckdb.DuckDBPyConnection) -> None:
    """Make the table; before a fold."""
    database.execute(_TABLES)


def departing(database: duckdb.DuckDBPyConnection, at: int, refused: Sequence[int]) -> None:
    """Note who is taken out by an accepted removal, before `held_id` knows of it.

    Args:
        database: With the tables of a fold.
        at: When it was accepted.
        refused: Rows of it that were not.
    """
    database.execute(_REMOVED, {"at": at, "refused": list(refused)})


def carry_over(
    writer: BlockWriter,
    before: BlockReader | None,
    plans: Sequence[PlanBatches],
    keeping: Keeping,
    *,
    over: bool,
) -> Keeping:
    """Write what the last generation remembers, less what a plan or time ends.

    Args:
        writer: Of the next one's file.
        before: The last one's file.
        plans: What is taken in.
        keeping: How long.
        over: It is written over the base that the last one has: what that says, it says.
    """
    if before is None or keeping.since is None:
        return keeping
    ended = [np.stack([np.asarray(c) for c in pairs.columns]) for pairs in _ended(plans)]
    ids, keys = np.concatenate([np.empty((2, 0), np.uint64), *ended], axis=1)
    first = micros(keeping.since)
    for batch in above(before, PAST) if over else before.batches(PAST):
        stays = np.asarray(batch.column("left_at")) >= first
        named = np.isin(np.asarray(batch.column("id")), ids)
        stays &= ~(named & np.isin(np.asarray(batch.column("key")), keys))
        kept = batch.filter(pa.array(stays))
        writer.write(PAST, kept)
        keeping = keeping.with_more(kept)
    return keeping


def _ended(plans: Sequence[PlanBatches]) -> Iterable[pa.RecordBatch]:
    for plan in plans:
        yield from plan.file.batches(UNPAST)


def write_departed(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, keeping: Keeping
) -> Keeping:
    """Write who was taken out by a fold; after it."""
    if keeping.since is None:
        return keeping
    for lines in stream(database, _LINES, SCHEMA):
        writer.write(PAST, lines)
        keeping = keeping.with_more(lines)
    return keeping


# --- erased persons -----------------------------------------------------------------

_REMEMBERED = "CREATE TABLE remembered (e INTEGER, id UBIGINT, key UBIGINT)"
_BY_WHAT_IS_GIVEN = f"""
INSERT INTO remembered
SELECT DISTINCT e, id, key FROM incoming JOIN (
  SELECT e, {name_of_id("id")} AS id FROM given) USING (id)
UNION
SELECT DISTINCT e, id, key FROM incoming JOIN (
  SELECT e, {name_of_key("key")} AS key FROM given_key) USING (key)
"""
# As in `erasing`: a phone says who it is only where nothing else was given.
_KEYS = f"""
CREATE TABLE remembered_key AS
SELECT e, {name_of_key("key")} AS key FROM erased_key
UNION
SELECT e, key FROM remembered JOIN (
  SELECT e, {name_of_id("id")} AS id FROM given WHERE kind = 1 OR e NOT IN (
    SELECT e FROM given WHERE kind = 1 UNION SELECT e FROM given_key)) USING (e, id)
"""
_BY_KEY = """
INSERT INTO remembered
SELECT DISTINCT e, id, key FROM incoming JOIN remembered_key USING (key)
"""
# Nor does what an erasure takes out come to be remembered.
_UNKEPT = "SELECT id FROM given UNION SELECT id FROM going"


def load_remembered(database: duckdb.DuckDBPyConnection, generation: BlockReader | None) -> None:
    """Find what is remembered of what was given; after the tables of `erasing.load_given`."""
    database.execute(_REMEMBERED)
    if generation is not None:
        feed(database, positioned(generation.batches(PAST)), _BY_WHAT_IS_GIVEN)


def find_remembered(database: duckdb.DuckDBPyConnection, generation: BlockReader | None) -> None:
    """Find what else is remembered of whose they were; once `erased_key` is known."""
    database.execute(_KEYS)
    if generation is not None:
        feed(database, positioned(generation.batches(PAST)), _BY_KEY)


def write_ends(database: duckdb.DuckDBPyConnection, writer: BlockWriter) -> None:
    """Write in a plan what is remembered no more, and what is not to be."""
    pairs = "SELECT DISTINCT id, key FROM remembered ORDER BY id, key"
    for lines in stream(database, pairs, _PAIRS):
        writer.write(UNPAST, lines)
    write_ids(database, writer, {UNKEPT: _UNKEPT})
