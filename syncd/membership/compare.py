"""Compare a snapshot with what its audience holds, identifier by identifier.

Each step is one statement over whole columns; `syncd.plan.reference_plan` says the
same in sets. The tables it leaves behind are what a plan's file is written from:

    take(id, kind, ...)           identifiers to take out now
    mask(r, s0, s1, ...)          which cells of a row as sent are taken out
    again(n), addition(n)         members to send whole once more, and to send
    updated(n), refresh(n)        of the latter, those of whom only details changed, or nothing
"""

from __future__ import annotations

from dataclasses import asdict

import duckdb

from syncd.membership import migration
from syncd.membership.engine import (
    by_kind,
    mask_columns,
    micros,
    scalar,
)
from syncd.membership.held import MEMBERS
from syncd.membership.seen import OUT
from syncd.model import Comparison, PlanCounts, Sizes

# An identifier leaves only when no member of the snapshot holds it any more (promise 3),
# and an accepted removal is repeated only as a due confirmation (promises 1 and 2), or by
# a full resync. What was refused, and never was there, is no loss of a member who now has
# another value.
GONE = """
CREATE TABLE gone AS
SELECT id, kind, removed_at IS NOT NULL AS confirmation,
       id IN (SELECT id FROM adding) AS waits
FROM held_id
WHERE (removed_at IS NULL OR (doubt AND removed_at <= $due) OR $full)
  AND id NOT IN (SELECT id FROM want_link)
  AND NOT (state = 3 AND id IN (
    SELECT id FROM held_link JOIN held_row USING (r)
    WHERE current AND key IN (SELECT key FROM want)))
"""

# Denied consent reaches every identifier of that member, in the snapshot and as sent; so
# does an erasure, which no guard ever holds.
WITHDRAWN = f"""
CREATE TABLE withdrawn AS
SELECT id, bool_or(kept_out = 'erased') AS erased FROM (
  SELECT id, kept_out FROM denied_link JOIN seen USING (n)
  UNION ALL
  SELECT id, kept_out FROM held_link JOIN held_row USING (r) JOIN seen USING (key)
  WHERE kept_out IN {OUT}
) GROUP BY id
"""

# What changed rules replaced goes by its own rule alone, whatever the guard says and
# whatever was approved: see `syncd.membership.migration`.
TAKE = """
CREATE TABLE take AS
SELECT id, kind, confirmation FROM gone
WHERE NOT waits AND CASE
  WHEN id IN (SELECT id FROM superseded)
  THEN $removes AND id IN (SELECT id FROM superseded WHERE ripe)
  ELSE confirmation OR id IN (SELECT id FROM withdrawn WHERE erased OR $withdrawals)
    OR ($free AND $removes AND id NOT IN (SELECT id FROM withdrawn))
    OR id IN (SELECT id FROM approved)
END
"""

# A removal row is the row as it was sent, with every identifier blank that stays: which
# cells to keep, by row.
MASK = f"""
CREATE TABLE mask AS
SELECT r, bool_and(confirmation) AS confirmation, {mask_columns()}
FROM held_link JOIN take USING (id) GROUP BY r
"""

# Platforms take out the person they matched. Whoever is joined to a removed row through
# rows as sent goes with it, and current members among them are sent again whole. So does
# whoever came back while an earlier request to remove them could still land, once it cannot.
TOUCHED = """
CREATE TABLE touched AS
SELECT id FROM held_link WHERE r IN (SELECT r FROM mask)
UNION
SELECT id FROM late WHERE until <= $now AND id IN (SELECT id FROM want_link)
"""
TOUCHED_FURTHER = """
INSERT INTO touched
SELECT DISTINCT other.id FROM held_link AS mine
JOIN touched ON touched.id = mine.id
JOIN held_link AS other ON other.r = mine.r
WHERE other.id NOT IN (SELECT id FROM touched)
"""

# So is a member whose own earlier row is taken out while a later one is there already,
# though the two may share nothing: the platform may know both as one person.
AGAIN = """
CREATE TABLE again AS
SELECT n FROM want_link
WHERE id IN (SELECT id FROM touched) OR id IN (SELECT id FROM removing)
UNION
SELECT n FROM want_link
WHERE id IN (SELECT id FROM held_id WHERE state < 2)
  AND n IN (SELECT n FROM want WHERE key IN (SELECT key FROM held_row SEMI JOIN mask USING (r)))
"""

# 1 is certain; 2 and 3 were refused by name, with a row: that row is not sent again, but
# another one that shares an identifier with it is; a full resync sends every row.
ANOTHER = """
INSERT INTO another
WITH bad AS (SELECT id FROM held_id WHERE state >= 2),
wanted AS (
  SELECT n, list_sort(list(DISTINCT id)) AS ids FROM want_link
  WHERE n IN (SELECT n FROM want_link WHERE id IN (FROM bad)) GROUP BY n),
sent AS (
  SELECT r, list_sort(list(DISTINCT id)) AS ids FROM held_link
  WHERE r IN (SELECT r FROM held_link WHERE id IN (FROM bad)) GROUP BY r)
SELECT n FROM wanted WHERE ids NOT IN (SELECT ids FROM sent)
"""
ADDITION = """
CREATE TABLE addition AS
SELECT DISTINCT n FROM want_link
WHERE ($full OR id NOT IN (SELECT id FROM held_id WHERE state <> 0)
    OR n IN (SELECT n FROM another))
  AND n NOT IN (SELECT n FROM again)
"""

# What travels with a member's identifiers is not what their last row carried. They are sent
# once more, and nothing is taken out: they are on the platform by the same identifiers, and
# the row of then still says how to remove them. Not where it carries nothing now: to send
# that tells the platform nothing, unless it was refused for what it carried.
UPDATE = """
INSERT INTO updated
SELECT DISTINCT want.n FROM want JOIN held_row USING (key)
WHERE current AND (
    want.details IS DISTINCT FROM held_row.details
    AND want.n IN (
      SELECT n FROM want_link WHERE want.details IS NOT NULL
      OR id IN (SELECT id FROM held_id WHERE state >= 2))
    OR {moved} AND want.n IN (SELECT n FROM want_link))
  AND want.n NOT IN (SELECT n FROM again)
  AND want.n NOT IN (SELECT n FROM addition)
"""

# Most syncs send nothing beside identifiers, and never did.
_TELLING = """
SELECT (SELECT count(*) FROM want WHERE coalesce(details, cents, limited::TINYINT) IS NOT NULL)
  + (SELECT count(details) FROM held_row)
"""

# A value that moved by a tenth since it was last sent: smaller steps change no look-alike, and
# every order is one. Whose use is limited is told at once, either way; a row that never said so
# said no.
MOVED = """(
  want.cents <> held_row.cents AND 10 * abs(want.cents - held_row.cents) >= held_row.cents
  OR want.cents IS NOT NULL AND held_row.cents IS NULL
  OR want.limited <> coalesce(held_row.limited, FALSE))"""

# Whose turn it is; the slot is a number of the key, so that a member keeps it. Who was refused
# by name is not asked for again.
REFRESH = """
INSERT INTO refresh
SELECT n FROM (
  SELECT want.n, (turn % $period::UBIGINT)::BIGINT AS slot
  FROM want JOIN held_row USING (key) WHERE current
) WHERE ($until - slot) // $period > ($after - slot) // $period
  AND n NOT IN (SELECT n FROM want_link WHERE id IN (SELECT id FROM held_id WHERE state >= 2))
  AND n NOT IN (SELECT n FROM again)
  AND n NOT IN (SELECT n FROM addition)
"""


def find_gone(database: duckdb.DuckDBPyConnection, comparison: Comparison) -> None:
    """Find the identifiers that should leave, and why: left, denied, or replaced by rules."""
    due = micros(comparison.now - comparison.settle)
    database.execute(GONE, {"due": due, "full": comparison.full})
    database.execute(WITHDRAWN)
    before = comparison.generation
    moved = before is not None and before.rules != comparison.snapshot.rules
    migration.find_spare(database)
    migration.find_outdated(database, moved=moved)
    migration.find_superseded(database, due=due)


def choose(
    database: duckdb.DuckDBPyConnection, comparison: Comparison, *, free: bool, withdrawals: bool
) -> None:
    """Decide what goes now.

    Args:
        database: After `load_seen` and `find_gone`; tables `approved`, `adding` and
            `removing` exist.
        comparison: As before.
        free: The guard lets ordinary removals through.
        withdrawals: It lets removals for denied consent through.
    """
    bound = {"free": free, "removes": comparison.removes, "withdrawals": withdrawals}
    database.execute(TAKE, bound)
    database.execute(MASK)
    database.execute(TOUCHED, {"now": micros(comparison.now)})
    spread(database)
    database.execute(AGAIN)
    add(database, full=comparison.full)
    database.execute("CREATE TABLE updated (n BIGINT); CREATE TABLE refresh (n BIGINT)")
    if scalar(database, _TELLING):
        database.execute(UPDATE.format(moved=MOVED))
        database.execute("INSERT INTO addition FROM updated")
    if comparison.refresh is not None:
        database.execute(REFRESH, asdict(comparison.refresh))
        database.execute("INSERT INTO addition FROM refresh")


def add(database: duckdb.DuckDBPyConnection, *, full: bool) -> None:
    """Choose whom to send; after `again`."""
    database.execute("CREATE TABLE another (n BIGINT)")
    if scalar(database, "SELECT count(*) FROM held_id WHERE state >= 2"):  # refused: few ever are
        database.execute(ANOTHER)
    database.execute(ADDITION, {"full": full})


def spread(database: duckdb.DuckDBPyConnection) -> None:
    """Let `touched` grow to everyone whom the platform may have joined to it."""
    if not scalar(database, "SELECT count(*) FROM touched"):  # as in most runs
        return
    while scalar(database, TOUCHED_FURTHER):  # answers how many it put in
        pass


def target(database: duckdb.DuckDBPyConnection) -> Sizes:
    """What the audience will hold when it is equal to the snapshot."""
    kinds = "SELECT kind, count(DISTINCT id) FROM want_link GROUP BY kind ORDER BY kind"
    return Sizes(scalar(database, "SELECT count(*) FROM want"), by_kind(database, kinds))


def leaving(database: duckdb.DuckDBPyConnection) -> Sizes:
    """Who would go though nobody withdrew consent and no rule changed; no confirmations."""
    ordinary = "id NOT IN (SELECT id FROM withdrawn) AND id NOT IN (SELECT id FROM superseded)"
    return _going(database, ordinary, f"kept_out IN {OUT}")


def unapproved(database: duckdb.DuckDBPyConnection, *, ordinary: bool, denied: bool) -> int:
    """How many identifiers the guard holds that no approval names.

    Args:
        database: After `find_gone`.
        ordinary: It holds ordinary removals.
        denied: It holds removals for denied consent.
    """
    return scalar(
        database,
        f"""SELECT count(*) FROM gone WHERE NOT confirmation
            AND id NOT IN (SELECT id FROM approved) AND id NOT IN (SELECT id FROM superseded)
            AND id NOT IN (SELECT id FROM withdrawn WHERE erased)
            AND CASE WHEN id IN (SELECT id FROM withdrawn) THEN {denied} ELSE {ordinary} END""",
    )


def withdrawn(database: duckdb.DuckDBPyConnection, *, denied: bool = False) -> Sizes:
    """Who goes because consent was denied, or who was erased; or the former alone."""
    which = "WHERE NOT erased" if denied else ""
    return _going(database, f"id IN (SELECT id FROM withdrawn {which})", "FALSE")


def joining(database: duckdb.DuckDBPyConnection, reason: str) -> int:
    """How many members of the snapshot leave only because something keeps them out now.

    Args:
        database: After `find_gone`.
        reason: `HELD_OUT` or `OTHER_ARM`. The hash of a key never changes, so they were sent
            before a share or a seed did.
    """
    kept = f"SELECT key FROM seen WHERE kept_out = '{reason}'"
    if not scalar(database, f"SELECT count(*) FROM ({kept})"):  # as where none are
        return 0
    return scalar(
        database,
        f"""SELECT count(DISTINCT key) FROM held_row
            WHERE current AND key IN ({kept})
              AND r IN (SELECT r FROM held_link WHERE id IN (
                SELECT id FROM gone WHERE NOT confirmation))""",
    )


def _going(database: duckdb.DuckDBPyConnection, which: str, but: str) -> Sizes:
    # What was refused, and never was there, is neither held nor lost.
    ids = f"""SELECT id, kind FROM gone WHERE NOT confirmation AND {which}
              AND id NOT IN (SELECT id FROM held_id WHERE state = 3)"""
    if not scalar(database, f"SELECT count(*) FROM ({ids})"):  # as in most runs
        return Sizes()
    # Of the members that `held.sizes` counts: one who left before is in rows of earlier
    # rules for long, and may share with one who leaves now.
    members = scalar(
        database,
        f"""SELECT count(DISTINCT key) FROM held_row
            WHERE (current OR r IN (SELECT r FROM held_link SEMI JOIN outdated USING (id)))
              AND r IN (SELECT r FROM held_link WHERE id IN (SELECT id FROM ({ids})))
              AND key IN ({MEMBERS})
              AND key NOT IN (SELECT key FROM want)
              AND key NOT IN (SELECT key FROM seen WHERE {but})""",
    )
    # As the membership is counted that they are measured against.
    once = f"SELECT kind FROM ({ids}) WHERE id NOT IN (SELECT id FROM spare)"
    kinds = f"SELECT kind, count(*) FROM ({once}) GROUP BY kind ORDER BY kind"
    return Sizes(members, by_kind(database, kinds))


def counts(
    database: duckdb.DuckDBPyConnection, *, removes: bool, leaving: Sizes, withdrawn: Sizes
) -> PlanCounts:
    """The plan in numbers; a sync that only adds migrates nobody away.

    Args:
        database: After `choose`.
        removes: The sync does not only add.
        leaving, withdrawn: As the functions of these names found.
    """
    counted = {
        "snapshot": "seen",
        "wanted": "want",
        "additions": "addition",
        "again": "again",
        "refreshed": "refresh",
        "updated": "updated",
        "removals": "mask",
        "confirmations": "mask WHERE confirmation",
        "waiting_removals": "gone WHERE waits AND id NOT IN (SELECT id FROM superseded)",
        "superseded": "superseded SEMI JOIN take USING (id)",
        "migrating": f"superseded ANTI JOIN take USING (id) WHERE {removes}",
    }
    each = [f"SELECT '{name}', count(*) FROM {rows}" for name, rows in counted.items()]
    number = {
        str(name): int(count)
        for name, count in database.execute(" UNION ALL ".join(each)).fetchall()
    }
    lost = database.execute(
        "SELECT kept_out, count(*) FROM seen WHERE kept_out IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return PlanCounts(
        **number,
        unchanged=number["wanted"] - number["additions"] - number["again"],
        leaving=leaving,
        withdrawn=withdrawn,
        lost={str(reason): int(count) for reason, count in lost},
        # Which the shop's rows do not say.
        expired="",
        arm="",
        arm_before=None,
        definition="",
        definition_before="",
    )
