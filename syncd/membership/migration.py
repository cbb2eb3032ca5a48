"""Moving an audience to a changed rule set: which identifiers are replaced, and when they leave.

    outdated(id, since)      made by earlier rules, and not wanted since; `since` their
                             replacements have been on the platform
    fresh(id), renewed(id)   how a plan changes that: newly outdated, and wanted again
    need(id, key, kind, n)   who was sent an outdated identifier, in a row with n of its kind
    spare(id)                outdated, and what replaces it is there: one identifier, two digests
    superseded(id, ripe)     outdated and replaced: leaves outside the guard, once it is ripe

An identifier is marked, not a row: a member whose digests stay the same under the new
rules is not sent again, and whose e-mail changes months later must not pass for a
migration then.
"""

from __future__ import annotations

import duckdb

from syncd.membership.engine import scalar

TABLES = """
CREATE TABLE outdated (id UHUGEINT, since BIGINT);
CREATE TABLE fresh (id UHUGEINT);
CREATE TABLE need (id UHUGEINT, key BLOB, kind TINYINT, n BIGINT);
CREATE TABLE spare (id UHUGEINT);
CREATE TABLE superseded (id UHUGEINT, ripe BOOLEAN);
"""

# What the first snapshot under changed rules does not want was made by earlier ones; but
# not what was gone before, which a guard may hold and goes on holding: its member's last
# row has it no more, and something else of its kind that is not itself outdated.
FRESH = """
INSERT INTO fresh
WITH sent AS (SELECT r, id, kind, key, current FROM held_link JOIN held_row USING (r)),
     replaced AS (
       SELECT DISTINCT key, kind FROM sent
       WHERE current AND id NOT IN (SELECT id FROM outdated))
SELECT DISTINCT id FROM sent ANTI JOIN replaced
  ON NOT sent.current AND sent.key = replaced.key AND sent.kind = replaced.kind
WHERE id IN (SELECT id FROM held_id)
  AND id NOT IN (SELECT id FROM outdated) AND id NOT IN (SELECT id FROM want_link)
"""

# Rules went back, or another member has it now: it is simply wanted.
RENEWED = """
CREATE TABLE renewed AS SELECT id FROM outdated WHERE id IN (SELECT id FROM want_link);
DELETE FROM outdated WHERE id IN (SELECT id FROM renewed);
INSERT INTO outdated SELECT id, NULL FROM fresh;
"""

NEED = """
DELETE FROM need;
INSERT INTO need
WITH live AS (
  SELECT r, key, held_link.kind, id
  FROM held_link JOIN held_row USING (r) JOIN held_id USING (id)
  WHERE removed_at IS NULL
    AND r IN (SELECT r FROM held_link WHERE id IN (SELECT id FROM outdated)))
SELECT DISTINCT id, key, kind, n
FROM live JOIN (
  SELECT r, kind, count(DISTINCT id) AS n FROM live GROUP BY r, kind
) USING (r, kind)
WHERE id IN (SELECT id FROM outdated)
"""

# Replaced for every member who was sent it, by as many of its kind as that row had: a
# second e-mail column gone NULL must not pass for a migration either.
_REPLACED = """
SELECT id FROM need
EXCEPT
SELECT need.id FROM need LEFT JOIN ({has}) AS has USING (key, kind)
WHERE coalesce(has.n, 0) < need.n
"""
# Any row of the member's: after rules went back its last one is of the rules in between.
# What the platform refused by name is not there.
_SENT = """
SELECT key, kind, max(n) AS n FROM (
  SELECT key, held_link.kind, count(DISTINCT id) AS n
  FROM held_link JOIN held_row USING (r) JOIN held_id USING (id)
  WHERE removed_at IS NULL AND state < 2 AND id NOT IN (SELECT id FROM outdated)
    AND key IN (SELECT key FROM need)
  GROUP BY r, key, held_link.kind
) GROUP BY key, kind
"""
_WANTED = """
SELECT key, kind, count(DISTINCT id) AS n
FROM want_link JOIN want USING (n)
WHERE key IN (SELECT key FROM need)
GROUP BY key, kind
"""
SPARE = f"INSERT INTO spare {_REPLACED.format(has=_SENT)}"

# Denied consent goes its own way at once. What replaces an identifier must be accepted,
# processed where that comes later, and have settled. So a member whose new row is refused
# keeps the old digests until a row of theirs is taken: the value is the same as ever, and
# rules that a platform does not take must not empty its audience.
SUPERSEDED = f"""
INSERT INTO superseded
WITH unsure AS (
  SELECT DISTINCT key FROM want JOIN want_link USING (n)
  WHERE key IN (SELECT key FROM need) AND (
    id NOT IN (SELECT id FROM held_id WHERE state = 1) OR id IN (SELECT id FROM adding)))
SELECT id, coalesce(since <= $due, FALSE) AND NOT waits AND id NOT IN (
    SELECT id FROM need WHERE key IN (SELECT key FROM unsure)) AS ripe
FROM gone JOIN outdated USING (id)
WHERE NOT confirmation AND id NOT IN (SELECT id FROM withdrawn)
  AND id IN ({_REPLACED.format(has=_WANTED)})
"""

# The window begins anew with every sending of the member: what came last must settle.
_SINCE = """
UPDATE outdated SET since = greatest(since, $at) WHERE id IN (
  SELECT id FROM held_link JOIN held_row USING (r) WHERE key IN (SELECT key FROM out_row))
"""


def find_outdated(database: duckdb.DuckDBPyConnection, *, moved: bool) -> None:
    """Bring `outdated` up to date with the snapshot.

    Args:
        database: With a membership and a snapshot loaded.
        moved: The snapshot was made by other rules than the membership.
    """
    if moved:
        database.execute(FRESH)
    database.execute(RENEWED)


def find_spare(database: duckdb.DuckDBPyConnection) -> None:
    """Find which identifiers are there twice, by a digest of earlier rules too.

    In a membership as it is: before `find_outdated` takes in a snapshot of other rules yet,
    under which neither of two may be what is wanted.
    """
    database.execute("DELETE FROM spare")
    if _any(database):
        database.execute(NEED)
        database.execute(SPARE)


def find_superseded(database: duckdb.DuckDBPyConnection, *, due: int) -> None:
    """Find what leaves because of changed rules alone.

    Args:
        database: After `find_outdated`, with `gone`, `withdrawn` and `adding`.
        due: Replacements that were on the platform by then have settled, in microseconds.
    """
    if _any(database):
        database.execute(NEED)
        database.execute(SUPERSEDED, {"due": due})


def sent(database: duckdb.DuckDBPyConnection, at: int) -> None:
    """Members of `out_row` were accepted at that moment, in microseconds."""
    if _any(database):
        database.execute(_SINCE, {"at": at})


def _any(database: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is a migration at all: most runs are none, and pay for none."""
    return scalar(database, "SELECT count(*) FROM outdated") > 0
