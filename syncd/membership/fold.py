"""Take into a membership what became of batches.

A pure function of a generation, the plan files and the batches' states: redone after a
crash it gives the same. Batches are taken plan by plan, removals first, as they were sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from syncd.membership import migration, past, since
from syncd.membership.blocks import BlockReader
from syncd.membership.carrying import Source, of_phase
from syncd.membership.compare import spread
from syncd.membership.engine import (
    Positions,
    chosen,
    face,
    feed,
    filled,
    links,
    micros,
    positioned,
    scalar,
)
from syncd.membership.held import Sources
from syncd.membership.rest import whole
from syncd.membership.sieve import Flags
from syncd.membership.together import (
    ACCEPTED,
    PlanBatches,
    Times,
    doubtful,
    groups,
    refused_in,
    short,
)
from syncd.model import BatchRecord, BatchState, Operation, Phase

_OUT = """
CREATE OR REPLACE TABLE out_row (n BIGINT, key BLOB, face UHUGEINT);
CREATE OR REPLACE TABLE out_link (n BIGINT, slot TINYINT, kind TINYINT, id UHUGEINT);
"""

# Before a removal's answer is known its rows, and everyone it may have taken along, are
# not certain any more: whom the plan sends again, and also who was to leave by a later
# request, or is held. Those may stay after all, and must then be added.
_TAKEN_ALONG = "CREATE OR REPLACE TABLE touched AS SELECT DISTINCT id FROM out_link"
_NOT_CERTAIN = "UPDATE held_id SET state = 0 WHERE state = 1 AND id IN (SELECT id FROM touched)"
_UNSURE = "UPDATE held_id SET state = 0 WHERE state = 1 AND id IN (SELECT id FROM out_link)"

# An accepted removal of what was removed a settle window before is its confirmation: the
# doubt is over. A full resync may repeat one sooner, which confirms nothing.
# A row that the platform refused took out nobody: it stays as it was, to be planned again.
_REMOVED = """
UPDATE held_id SET doubt = doubt AND (removed_at IS NULL OR removed_at > $due),
  removed_at = $at, state = 0
WHERE id IN (SELECT id FROM out_link WHERE NOT list_contains($refused, n))
"""
_NOT_REMOVED = "UPDATE held_id SET removed_at = NULL WHERE id IN (SELECT id FROM out_link)"
_NOT_REMOVED_ROWS = f"{_NOT_REMOVED[:-1]} WHERE list_contains($refused, n))"
# Every erasure and withdrawal is confirmed once more after it has settled (promise 2).
_TWICE = """
UPDATE held_id SET doubt = TRUE
WHERE id IN (SELECT id FROM twice)
  AND id IN (SELECT id FROM out_link WHERE NOT list_contains($refused, n))
"""
# An attempt of it was never answered, or given up, and may land after a member's return. An
# addition that was accepted after that moment has outlived it.
_LATE = """
DELETE FROM late WHERE id IN (SELECT id FROM out_link);
INSERT INTO late SELECT DISTINCT id, {until} FROM out_link
"""
_NOT_LATE = """
DELETE FROM late WHERE until <= $at
  AND id IN (SELECT id FROM out_link WHERE NOT list_contains($refused, n))
"""
# The platform says how many rows it would not take, not which: all are confirmed once more.
_DOUBT = "UPDATE held_id SET doubt = TRUE WHERE id IN (SELECT id FROM out_link)"
# An addition that was accepted and then given up may land at any time: whoever was removed
# meanwhile is removed once more, a settle window from now.
_MAY_LAND = """
UPDATE held_id SET doubt = TRUE,
  removed_at = CASE WHEN removed_at < $at THEN $at ELSE removed_at END
WHERE id IN (SELECT id FROM out_link)
"""

# Nothing of these rows was sent, or their request was refused whole: who is unknown so far
# is not on the platform. Any other addition takes that back.
_NEVER = """
INSERT INTO held_id
SELECT DISTINCT id, kind, 3, FALSE, NULL::BIGINT FROM out_link
WHERE list_contains($never, n) AND id NOT IN (SELECT id FROM held_id)
  AND id NOT IN (SELECT id FROM out_link WHERE NOT list_contains($never, n))
"""
_NOT_NEVER = """
UPDATE held_id SET state = 0
WHERE state IN (2, 3) AND id IN (SELECT id FROM out_link WHERE NOT list_contains($never, n))
"""
_POSSIBLE = """
INSERT INTO held_id
SELECT DISTINCT id, kind, 0, FALSE, NULL::BIGINT FROM out_link
WHERE id NOT IN (SELECT id FROM held_id)
"""
# A new addition cancels a settling removal and its confirmation (promise 2).
_NOT_REMOVED_ANY_MORE = """
UPDATE held_id SET removed_at = NULL, doubt = doubt OR $doubt
WHERE id IN (SELECT id FROM out_link)
"""
_LAST = """
UPDATE held_row SET current = FALSE WHERE key IN (SELECT key FROM out_row);
UPDATE held_row SET current = TRUE FROM out_row
WHERE held_row.key = out_row.key AND held_row.face = out_row.face
"""
_NEW = """
INSERT INTO held_row (key, face, current, file, n)
SELECT DISTINCT ON (key) key, face, TRUE, $file, n FROM out_row
WHERE key NOT IN (SELECT key FROM held_row WHERE current)
"""
_NEW_LINKS = """
INSERT INTO held_link
SELECT held_row.r, slot, kind, id FROM out_link JOIN held_row USING (n)
WHERE held_row.file = $file AND held_row.r NOT IN (SELECT r FROM held_link)
"""
_CERTAIN = """
UPDATE held_id SET state = 1
WHERE id IN (SELECT id FROM out_link WHERE NOT list_contains($refused, n))
"""
_REFUSED = """
UPDATE held_id SET state = 2
WHERE state = 0 AND id IN (SELECT id FROM out_link WHERE list_contains($refused, n))
"""

# Of a batch that was refused whole only the rows that it names concern us.
_ONLY_ROWS = "DELETE FROM out_row WHERE NOT list_contains($never, n)"
_ONLY_LINKS = "DELETE FROM out_link WHERE NOT list_contains($never, n)"
# Refused when added and refused when removed: it never was there, and is forgotten.
_NEVER_WAS = """
DELETE FROM held_id
WHERE state = 3 AND id IN (SELECT id FROM out_link WHERE list_contains($never, n))
"""

# A refused value that its member no longer has.
_OUTLIVED = """
DELETE FROM held_id WHERE state = 3 AND id NOT IN (
  SELECT id FROM held_link JOIN held_row USING (r) WHERE current)
"""
# Of an audience that the platform deleted: nobody is there any more.
_FORGOTTEN = "DELETE FROM held_id WHERE id IN (SELECT id FROM forgotten)"
_SETTLED = "DELETE FROM held_id WHERE removed_at <= $due AND NOT doubt"

# Rows of who was erased, unless they alone can take out what is still there.
_PURGE = """
DELETE FROM held_row WHERE face IN (SELECT id FROM purge) AND r NOT IN (
  SELECT r FROM held_link JOIN held_id USING (id) WHERE id NOT IN (
    SELECT id FROM held_link JOIN held_row USING (r)
    WHERE face NOT IN (SELECT id FROM purge)))
"""

# Keep a row while it alone can take out an identifier, while it ties two together, or
# while it says who was sent an outdated one.
_DROP = """
CREATE OR REPLACE TABLE live AS
SELECT r, id, current FROM held_link JOIN held_row USING (r)
WHERE id IN (SELECT id FROM held_id);
DELETE FROM held_row WHERE r NOT IN (SELECT r FROM live);
DELETE FROM held_row WHERE NOT current AND r NOT IN (
  SELECT r FROM live GROUP BY r HAVING count(DISTINCT id) > 1
  UNION
  SELECT r FROM live WHERE id NOT IN (SELECT id FROM live WHERE current)
  UNION
  SELECT r FROM live WHERE id IN (SELECT id FROM outdated)
);
DELETE FROM held_link WHERE r NOT IN (SELECT r FROM held_row);
DELETE FROM outdated WHERE id NOT IN (SELECT id FROM held_id);
DELETE FROM late WHERE id NOT IN (SELECT id FROM held_id)
"""

# Sections of identifiers that most plans have none of: of erasures, and of audiences that
# are emptied.
_MARKED = ("twice", "purge", "forgotten", past.UNKEPT)
_ID = whole("high", "low")
_IDS = f"INSERT INTO {{table}} SELECT {_ID} FROM incoming"
_RENEWED = f"DELETE FROM outdated WHERE id IN (SELECT {_ID} FROM incoming)"
# Taken out before, and nobody's in the segment any more; see `syncd.membership.taking`.
_LEFT = f"DELETE FROM held_id WHERE id IN (SELECT {_ID} FROM incoming)"
_FRESH = f"INSERT INTO outdated SELECT {_ID}, {{since}} FROM incoming"


def fold(
    database: duckdb.DuckDBPyConnection,
    plans: Sequence[PlanBatches],
    taken: Mapping[int, Flags],
    *,
    settled: datetime,
    window: timedelta,
) -> None:
    """Bring `held_row`, `held_id` and `outdated` up to date; `held_link` follows.

    Args:
        database: With the tables of `syncd.membership.held`.
        plans: In the order in which they were made.
        taken: By source, flags of a phase's rows that are to be taken in; without any, all.
        settled: An undoubted removal that was accepted by then is forgotten.
        window: How long an accepted removal is given before a second one confirms it.
    """
    past.make_departed(database)
    for section in _MARKED:
        database.execute(f"CREATE TABLE {section} (id UHUGEINT)")
    times = Times(settled + window, window)
    for plan in plans:
        for section in _MARKED:
            feed(database, positioned(plan.file.batches(section)), _IDS.format(table=section))
        if plan.marks is not None:
            _mark(database, plan.file, since=plan.marks)
        for group in groups(plan.batches):
            _take_in(database, plan, group, times, taken.get(plan.source(group[0].phase)))
    database.execute(_OUTLIVED)
    database.execute(_SETTLED, {"due": micros(settled)})
    database.execute(_FORGOTTEN)
    if scalar(database, "SELECT count(*) FROM purge"):
        database.execute(_PURGE)
    database.execute(_DROP)


def sources(plans: Sequence[PlanBatches]) -> Sources:
    """Where the rows of plans come from, for `held.write_held`."""
    return {
        plan.source(phase): Source(plan.file, of_phase(phase))
        for plan in plans
        for phase in (Phase.ADD, Phase.AGAIN)
    }


def _mark(database: duckdb.DuckDBPyConnection, file: BlockReader, *, since: datetime) -> None:
    """Take in what a plan found outdated under changed rules, wanted again, or left behind."""
    feed(database, positioned(file.batches("left")), _LEFT)
    feed(database, positioned(file.batches("renewed")), _RENEWED)
    fresh = _FRESH.format(since=micros(since))
    feed(database, positioned(file.batches("outdated")), fresh)


def _take_in(
    database: duckdb.DuckDBPyConnection,
    plan: PlanBatches,
    group: Sequence[BatchRecord],
    times: Times,
    taken: Flags | None,
) -> None:
    if taken is not None and not any(
        taken[b.first_row : b.first_row + b.rows].any() for b in group
    ):
        return
    first, removal = group[0], group[0].phase.operation is Operation.REMOVE
    gone = removal and first.folded is None and first.state is not BatchState.REFUSED
    if gone:
        _load(database, positioned(plan.file.batches(Phase.AGAIN.value)))
        database.execute(_UNSURE)
    _load(database, _rows(plan.file, first.phase, group, taken))
    if first.state is BatchState.REFUSED:
        named = {"never": refused_in(group, whole=True)}
        database.execute(_ONLY_ROWS, named)
        database.execute(_ONLY_LINKS, named)
    elif gone:
        database.execute(_TAKEN_ALONG)
        spread(database)
        database.execute(_NOT_CERTAIN)
    if removal:
        _removed(database, group, times)
    else:
        _added(database, group, times, plan)


def _removed(
    database: duckdb.DuckDBPyConnection, group: Sequence[BatchRecord], times: Times
) -> None:
    never = refused_in(group, whole=True)
    if never:
        database.execute(_NEVER_WAS, {"never": never})
    if group[0].state is BatchState.REFUSED:
        return  # nobody was taken out: planned again by the next run
    database.execute(_UNSURE)
    if group[0].state is BatchState.FAILED:
        database.execute(_NOT_REMOVED)
        if doubtful(group[0]):
            database.execute(_LATE.format(until=micros(times.told(group) + times.window)))
    elif group[0].state in ACCEPTED:
        refused = refused_in(group)
        if group[0].folded not in ACCEPTED:
            moments = [batch.accepted_at for batch in group if batch.accepted_at is not None]
            at, due = micros(max(moments)), micros(min(moments) - times.window)
            if doubtful(group[0]):
                database.execute(_LATE.format(until=micros(max(moments) + times.window)))
            past.departing(database, at, refused)
            database.execute(_REMOVED, {"at": at, "due": due, "refused": refused})
            database.execute(_TWICE, {"refused": refused})
        elif refused:
            database.execute(_NOT_REMOVED_ROWS, {"refused": refused})
        if short(group[0]):
            database.execute(_DOUBT)


def _added(
    database: duckdb.DuckDBPyConnection,
    group: Sequence[BatchRecord],
    times: Times,
    plan: PlanBatches,
) -> None:
    failed, doubt = group[0].state is BatchState.FAILED, doubtful(group[0])
    source = plan.source(group[0].phase)
    if failed and group[0].folded is not None:
        database.execute(_UNSURE)  # its rows were taken in when it was accepted
        if doubt:
            database.execute(_MAY_LAND, {"at": micros(times.told(group))})
        return
    since.began(database, plan.made)
    never = {"never": refused_in(group, whole=True)}
    if never["never"]:
        database.execute(_NEVER, never)
    if scalar(database, "SELECT count(*) FROM held_id WHERE state >= 2"):
        database.execute(_NOT_NEVER, never)
    database.execute(_POSSIBLE)  # ever sent, though it failed: promise 1
    database.execute(_NOT_REMOVED_ANY_MORE, {"doubt": doubt})
    database.execute(_LAST)
    database.execute(_NEW, {"file": source})
    database.execute(_NEW_LINKS, {"file": source})
    if failed:
        database.execute(_UNSURE)
    elif group[0].state in ACCEPTED | {BatchState.REFUSED}:
        refused = refused_in(group)
        database.execute(_CERTAIN, {"refused": refused})
        database.execute(_REFUSED, {"refused": refused})
        accepted = [batch.accepted_at for batch in group if batch.accepted_at is not None]
        if accepted:  # none of a request that was refused whole
            migration.sent(database, micros(max(accepted)))
            database.execute(_NOT_LATE, {"at": micros(min(accepted)), "refused": refused})


def _rows(
    file: BlockReader, phase: Phase, group: Sequence[BatchRecord], taken: Flags | None
) -> Iterator[tuple[int | Positions, pa.RecordBatch]]:
    for first, count in _stretches(group):
        rows = positioned(file.part(phase.value, first, count), first)
        yield from rows if taken is None else chosen(rows, taken)


def _stretches(group: Sequence[BatchRecord]) -> Iterator[tuple[int, int]]:
    """First row and number of rows of batches that follow one another in the file."""
    first = end = group[0].first_row
    for batch in group:
        if batch.first_row != end:
            yield first, end - first
            first = batch.first_row
        end = batch.first_row + batch.rows
    yield first, end - first


def _load(
    database: duckdb.DuckDBPyConnection, rows: Iterator[tuple[int | Positions, pa.RecordBatch]]
) -> None:
    """Put rows of a plan, with their position, into `out_row` and `out_link`."""
    database.execute(_OUT)
    feed(
        database,
        rows,
        lambda batch: f"INSERT INTO out_row SELECT n, key, {face(filled(batch))} FROM incoming",
        lambda batch: f"INSERT INTO out_link {links('incoming', 'n', filled(batch))}",
    )
