"""Find one person in a membership: what of them is there, and what is remembered of them.

asked(id, kind)                     what the person is known by
known(id, kind, since, left_at)     of those, what is remembered
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import (
    KIND_NAMES,
    feed,
    filled,
    links,
    positioned,
)
from syncd.membership.held import load_held
from syncd.membership.layers import PAST
from syncd.membership.past import FROM as PAST_FROM
from syncd.membership.past import moment, name_of_id
from syncd.membership.sifting import around
from syncd.membership.since import FROM, load_since
from syncd.model.lookups import Looked, Standing, Trace

_TABLES = """
CREATE TABLE asked (id UHUGEINT, kind TINYINT);
CREATE TABLE known (id UHUGEINT, kind TINYINT, since BIGINT, left_at BIGINT)
"""
_KNOWN = f"""
INSERT INTO known
SELECT a.id, a.kind, p.since, p.left_at FROM incoming AS p JOIN asked AS a
  ON p.id = {name_of_id("a.id")} AND p.kind = a.kind
"""

# Of one time there the last removal counts: one before it has failed.
_LAST = """
CREATE TABLE last AS
SELECT id, kind, since, max(left_at) AS left_at FROM known GROUP BY id, kind, since
"""
# What has settled stays in a membership until something else changes: it is there no more.
_THERE = """
CREATE TABLE there AS
SELECT id, held_id.kind, state, coalesce(s.since, 0) AS since,
  removed_at IS NOT NULL AS leaves, coalesce(last.left_at, removed_at) AS left_at,
  id IN (SELECT id FROM outdated) AS outdated
FROM held_id JOIN asked USING (id) LEFT JOIN held_since AS s USING (id)
LEFT JOIN last ON last.id = held_id.id AND last.since = coalesce(s.since, 0)
WHERE state <> 3 AND (doubt OR removed_at IS NULL OR removed_at > $due)
"""
_TOLD = """
SELECT kind, state, leaves, since, left_at, outdated FROM there ORDER BY kind, since, left_at
"""
# Not the time that goes on: a removal that failed ended nothing.
_GONE = """
SELECT kind, since, left_at FROM last
WHERE (id, since) NOT IN (SELECT id, since FROM there) AND left_at >= $oldest
ORDER BY kind, left_at
"""


def look(
    database: duckdb.DuckDBPyConnection,
    generation: BlockReader,
    given: pa.RecordBatch,
    *,
    at: datetime,
    due: int,
    oldest: int,
) -> Looked:
    """What an audience holds of a person, and what is remembered.

    Args:
        database: Any.
        generation: The membership's last.
        given: What the person is known by, digested: `ROW_SCHEMA`.
        at: The generation's moment.
        due: A removal that was accepted by then has settled, microseconds since 1970.
        oldest: Who left before is not told of, likewise.
    """
    only = around(generation, [given])
    load_held(database, generation, only)
    load_since(database, generation, only)
    database.execute(_TABLES)
    feed(
        database,
        [(0, given)],
        "INSERT INTO asked SELECT DISTINCT id, kind "
        f"FROM ({links('incoming', 'n', filled(given))})",
    )
    feed(database, positioned(generation.batches(PAST)), _KNOWN)
    database.execute(_LAST)
    database.execute(_THERE, {"due": due})
    known_from = _named(generation, FROM)
    return Looked(tuple(_traces(database, oldest)), known_from or at, _named(generation, PAST_FROM))


def _named(generation: BlockReader, name: str) -> datetime | None:
    found = generation.header.get(name)
    return datetime.fromisoformat(found) if isinstance(found, str) else None


def _traces(database: duckdb.DuckDBPyConnection, oldest: int) -> Iterator[Trace]:
    for kind, state, leaves, since, left, outdated in database.execute(_TOLD).fetchall():
        standing: Standing = "leaving" if leaves else _STANDINGS[state]
        left_at = moment(left) if leaves else None
        yield Trace(KIND_NAMES[kind], standing, _moment(since), left_at, outdated)
    for kind, since, left in database.execute(_GONE, {"oldest": oldest}).fetchall():
        yield Trace(KIND_NAMES[kind], "gone", _moment(since), moment(left))


_STANDINGS: dict[int, Standing] = {0: "possible", 1: "certain", 2: "refused"}


def _moment(at: int) -> datetime | None:
    return moment(at) if at else None
