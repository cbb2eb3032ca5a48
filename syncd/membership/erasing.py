"""What a membership holds of erased persons, and the plan that takes it out.

No shop is asked: whoever else the membership says is there keeps what they share.

    given(e, id, kind)       what was given to recognise erasure `e` by
    given_key(e, key)        likewise, keys of members
    hit(e, r)                rows as sent that are the person's
    buried(e, id)            likewise, of which the membership says nothing any more, and that
                             still lie in a file that it is written over
    going(e, id, kind, ...)  identifiers that leave, or have left and are not purged yet
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import duckdb
import pyarrow as pa

from syncd.hashes import hashed
from syncd.membership import past
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.compare import MASK
from syncd.membership.engine import (
    KIND_NAMES,
    face,
    feed,
    filled,
    links,
    micros,
    positioned,
    scalar,
    stream,
)
from syncd.membership.folding import PURGED
from syncd.membership.held import MEMBERS
from syncd.membership.layers import BURIED, Layers
from syncd.membership.sections import write_ids, write_removals
from syncd.model import Found, Search, Sizes

_TABLES = """
CREATE TABLE given (e INTEGER, id UHUGEINT, kind TINYINT);
CREATE TABLE given_key (e INTEGER, key BLOB);
CREATE TABLE asked (e INTEGER, asked_at BIGINT, begun BOOLEAN);
CREATE TABLE buried (e INTEGER, id UHUGEINT);
"""
# Any row that names anything of theirs: to write the file anew is all that comes of it.
_BURIED = """
INSERT INTO buried
SELECT e, face FROM (SELECT n, {face} AS face FROM incoming) JOIN (
  SELECT e, n FROM ({links}) JOIN given USING (id)
  UNION
  SELECT e, n FROM incoming JOIN given_key USING (key)
) USING (n)
"""

# A phone decides only where nothing else was given: families share phones. But a row all
# of whose e-mails and phones were given is the person's. As in `identity.erased.Watch`.
_HIT = """
CREATE TABLE hit AS
WITH deciding AS (
  SELECT * FROM given WHERE kind = 1 OR e NOT IN (
    SELECT e FROM given WHERE kind = 1 UNION SELECT e FROM given_key)),
touched AS (SELECT e, r, count(DISTINCT id) AS n FROM held_link JOIN given USING (id) GROUP BY e, r)
SELECT e, r FROM held_link JOIN deciding USING (id)
UNION
SELECT e, r FROM held_row JOIN given_key USING (key)
UNION
SELECT e, r FROM touched WHERE n = (
  SELECT count(DISTINCT id) FROM held_link WHERE held_link.r = touched.r AND kind IN (1, 2));

CREATE TABLE erased_key AS
SELECT DISTINCT e, key FROM hit JOIN held_row USING (r) WHERE current
UNION
SELECT e, key FROM given_key;
"""

# Another member keeps what they share. One whose last row has an identifier that was
# removed is a member no more.
_KEPT = """
CREATE TABLE kept AS
SELECT DISTINCT id FROM held_link JOIN held_row USING (r)
WHERE current AND key NOT IN (SELECT key FROM erased_key)
  AND r NOT IN (SELECT r FROM held_link JOIN held_id USING (id) WHERE removed_at IS NOT NULL)
"""

# The last row of a member says who they are; of an earlier one only what was given goes.
# What was removed before the erasure was asked for is removed anew, and confirmed like it; so is
# what a run of a sync took out since, as long as no removal of the erasure was accepted. One of
# its own is in doubt until it is confirmed.
_GOING = """
CREATE TABLE going AS
WITH named AS (
  SELECT e, id FROM held_link JOIN held_row USING (r) JOIN erased_key USING (key)
  UNION
  SELECT e, id FROM given)
SELECT e, id, kind, removed_at,
  CASE WHEN id IN (SELECT id FROM kept) THEN 'shared'
    WHEN removed_at IS NULL OR removed_at < asked_at THEN 'leaving'
    WHEN NOT (begun OR (doubt AND removed_at > asked_at)) THEN 'leaving'
    WHEN doubt AND removed_at <= $due THEN 'due'
    WHEN doubt THEN 'waiting'
    WHEN removed_at > $settled THEN 'settling'
    ELSE 'settled' END AS state
FROM named JOIN held_id USING (id) JOIN asked USING (e)
"""

# Nobody is in an audience that the platform deleted: what would leave has left.
_GONE = "UPDATE going SET state = 'settled' WHERE state <> 'shared'"
_FORGOTTEN = """
CREATE TABLE forgotten AS SELECT DISTINCT id FROM going WHERE $gone AND state = 'settled'
"""

_TAKE = """
CREATE TABLE take AS
SELECT id, any_value(kind) AS kind, bool_and(state = 'due') AS confirmation FROM going
WHERE state IN ('leaving', 'due') GROUP BY id
"""

# Rows are dropped once nothing of the person is to be waited for; not one that alone can
# take out what somebody else still has there: `fold` keeps to the same.
_PURGE = """
CREATE TABLE purge AS
WITH done AS (
  SELECT r, face FROM held_row WHERE r IN (
    SELECT r FROM hit UNION SELECT r FROM held_row JOIN erased_key USING (key))
  AND r NOT IN (
    SELECT r FROM held_link JOIN going USING (id) WHERE state NOT IN ('shared', 'settled'))),
live AS (
  SELECT r, id FROM held_link JOIN done USING (r)
  WHERE id IN (SELECT id FROM held_id) AND id NOT IN (SELECT id FROM going WHERE state = 'settled'))
SELECT DISTINCT face AS id FROM done WHERE r NOT IN (
  SELECT r FROM live WHERE id NOT IN (
    SELECT id FROM held_link JOIN held_row USING (r)
    WHERE face NOT IN (SELECT face FROM done)))
"""
_KEYS = pa.schema([pa.field("key", pa.binary())])
_PURGED = "SELECT DISTINCT key FROM held_row WHERE face IN (SELECT id FROM purge)"

NOTHING = Found(
    leaving=Sizes(), leaving_ids=0, confirmations=0, waiting=0, settling=0, shared=0, rows=0
)


def load_given(
    database: duckdb.DuckDBPyConnection,
    question: Search,
    files: Sequence[BlockReader],
    generation: BlockReader | None = None,
) -> None:
    """Make the tables of who was erased.

    Args:
        database: Any.
        question: As asked.
        files: The erasures' files of digests, in the question's order.
        generation: The membership's.
    """
    database.execute(_TABLES)
    for e, (erasure, file) in enumerate(zip(question.erasures, files, strict=True)):
        begun = erasure.id in question.begun
        database.execute(f"INSERT INTO asked VALUES ({e}, {micros(erasure.asked_at)}, {begun})")
        feed(
            database,
            positioned(file.batches(question.platform)),
            partial(_given, e),
            f"INSERT INTO given_key SELECT {e}, key FROM incoming WHERE octet_length(key) > 0",
        )
    past.load_remembered(database, generation)
    if isinstance(generation, Layers):
        feed(database, positioned(generation.buried()), _buried)


def _given(e: int, rows: pa.RecordBatch) -> str:
    lines = links("incoming", "n", filled(rows))
    return f"INSERT INTO given SELECT {e}, id, kind FROM ({lines})"


def _buried(rows: pa.RecordBatch) -> str:
    cells = filled(rows)
    return _BURIED.format(face=face(cells), links=links("incoming", "n", cells))


def concerns(database: duckdb.DuckDBPyConnection) -> bool:
    """Whether the membership has anything that was given at all: most have nothing.

    Args:
        database: After `load_given`, with the tables of `syncd.membership.held`, filled.
    """
    ids = "SELECT id FROM held_id UNION ALL SELECT id FROM held_link"
    return (
        scalar(
            database,
            f"""SELECT (SELECT count(*) FROM ({ids}) SEMI JOIN given USING (id)) + count(*)
                + (SELECT count(*) FROM buried) + (SELECT count(*) FROM remembered)
                FROM held_row SEMI JOIN given_key USING (key)""",
        )
        > 0
    )


def search(
    database: duckdb.DuckDBPyConnection, question: Search, generation: BlockReader
) -> list[Found]:
    """Find erased persons in a membership; one answer for each erasure, in their order.

    Args:
        database: As for `concerns`.
        question: As asked.
        generation: The membership's.
    """
    bound = {
        "due": micros(question.now - question.settle),
        "settled": micros(question.settled),
    }
    database.execute(_HIT)
    past.find_remembered(database, generation)
    database.execute(_KEPT)
    database.execute(_GOING, bound)
    if question.gone:
        database.execute(_GONE)
    database.execute(_FORGOTTEN, {"gone": question.gone})
    database.execute(_TAKE)
    database.execute(MASK)
    database.execute(_PURGE)
    return [_found(database, e) for e in range(len(question.erasures))]


def named(database: duckdb.DuckDBPyConnection) -> bool:
    """Whether the rows of `sent` name anything that was given; after `load_given`."""
    ids = f"SELECT id FROM ({links('sent', 'key')}) JOIN given USING (id)"
    keys = "SELECT key FROM sent JOIN given_key USING (key)"
    return scalar(database, f"SELECT (SELECT count(*) FROM ({ids})) + count(*) FROM ({keys})") > 0


_DROPS = (
    "FROM purge UNION ALL FROM forgotten UNION ALL SELECT id FROM buried "
    "UNION ALL SELECT id FROM remembered"
)


def removals(database: duckdb.DuckDBPyConnection) -> int:
    """Rows to remove now; after `search`."""
    return scalar(database, "SELECT count(*) FROM mask")


def purges(database: duckdb.DuckDBPyConnection) -> bool:
    """Whether rows or identifiers are to be dropped from the membership; after `search`."""
    return scalar(database, f"SELECT count(*) FROM ({_DROPS})") > 0


def write(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, generation: BlockReader
) -> None:
    """Write the plan's file: removals, whom to remove twice, and what to drop."""
    write_removals(database, writer, generation)
    write_ids(
        database,
        writer,
        {
            "twice": "SELECT id FROM take WHERE NOT confirmation",
            "purge": "SELECT id FROM purge",
            "forgotten": "SELECT id FROM forgotten",
            BURIED: "SELECT DISTINCT id FROM buried",
        },
    )
    for keys in stream(database, _PURGED, _KEYS):
        names = pa.array(hashed(keys.column("key")))
        writer.write(PURGED, pa.RecordBatch.from_arrays([names], names=[PURGED]))
    past.write_ends(database, writer)


def _found(database: duckdb.DuckDBPyConnection, e: int) -> Found:
    states = dict(
        database.execute(
            f"SELECT state, count(*) FROM going WHERE e = {e} GROUP BY state"
        ).fetchall()
    )
    # As the membership counts them, for the guard: who was there, and what.
    kinds = database.execute(
        f"SELECT kind, count(*) FROM going WHERE e = {e} AND state = 'leaving' "
        "AND removed_at IS NULL GROUP BY kind ORDER BY kind"
    ).fetchall()
    members = scalar(
        database,
        f"SELECT count(DISTINCT key) FROM ({MEMBERS}) JOIN erased_key USING (key) WHERE e = {e}",
    )
    leaving = Sizes(members, {KIND_NAMES[kind]: int(count) for kind, count in kinds})
    return Found(
        leaving=leaving,
        leaving_ids=int(states.get("leaving", 0)),
        confirmations=int(states.get("due", 0)),
        waiting=int(states.get("waiting", 0)),
        settling=int(states.get("settling", 0)),
        shared=int(states.get("shared", 0)),
        rows=scalar(
            database,
            f"""SELECT count(*) FROM (SELECT r FROM hit WHERE e = {e} UNION
                SELECT r FROM held_row JOIN erased_key USING (key) WHERE e = {e}
                UNION ALL SELECT 0 FROM buried WHERE e = {e}
                UNION ALL SELECT 0 FROM remembered WHERE e = {e})""",
        ),
    )
