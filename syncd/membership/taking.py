"""Take the members of a snapshot out of an audience that others fill.

The membership is then who was taken out: whoever of the snapshot is not in it is sent, as a
removal, and whoever left the snapshot is forgotten. What an erasure took out leaves it as it
leaves any membership. Follows `syncd.membership.compare`, whose tables it reads and makes:

    taken(n)            members of whom something is sent for the first time
    left_behind(id)     what is nobody's in the snapshot any more; forgotten, and nothing sent
    waiting(n)          of `taken`, those whom the guard holds
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from syncd.membership import compare
from syncd.membership.engine import scalar
from syncd.model import Comparison, PlanCounts, Sizes
from syncd.taking import taking_reasons

# What was taken out by an erasure is not forgotten before that has settled.
_LEFT_BEHIND = """
CREATE TABLE left_behind AS
SELECT id FROM gone
WHERE NOT confirmation AND id NOT IN (SELECT id FROM withdrawn WHERE erased);
DELETE FROM gone WHERE id IN (FROM left_behind)
"""
# Changed rules give everyone new digests, which is no broader query.
_TAKEN = """
CREATE TABLE taken AS
SELECT DISTINCT n FROM want_link
WHERE id NOT IN (SELECT id FROM held_id)
  AND NOT ($moved AND n IN (SELECT n FROM want SEMI JOIN held_row USING (key)))
"""
_WAITING = """
CREATE TABLE waiting AS
SELECT n FROM taken WHERE NOT $free AND n IN (
  SELECT n FROM want_link
  WHERE id NOT IN (SELECT id FROM held_id) AND id NOT IN (SELECT id FROM approved))
"""
# A removal takes nobody along who is to stay, and details need no second one.
_NOBODY = """
CREATE TABLE again (n BIGINT);
CREATE TABLE updated (n BIGINT);
CREATE TABLE refresh (n BIGINT)
"""

HELD = "SELECT DISTINCT id FROM want_link WHERE n IN (FROM waiting)"
LEFT = "SELECT id FROM left_behind"


def choose(
    database: duckdb.DuckDBPyConnection, comparison: Comparison
) -> tuple[PlanCounts, tuple[str, ...]]:
    """Ask the guard, and choose what goes now; the numbers, and why the rest does not.

    Args:
        database: After `compare.load_seen` and `compare.find_gone`; table `approved` exists.
        comparison: Of a sync that takes out.
    """
    withdrawn = compare.withdrawn(database)
    database.execute(_LEFT_BEHIND)
    before = comparison.generation
    moved = before is not None and before.rules != comparison.snapshot.rules
    database.execute(_TAKEN, {"moved": moved})
    taken = scalar(database, "SELECT count(*) FROM taken")
    held = taking_reasons(
        taken=taken,
        stated=comparison.stated,
        listed=before.sizes.members if before else 0,
        guard=comparison.guard,
        changes=comparison.changes,
    )
    database.execute(_WAITING, {"free": not held})
    waiting = scalar(database, "SELECT count(*) FROM waiting")
    if comparison.approved and held:
        more = f"{waiting:,} members would be taken out whom the approved plan does not name"
        held = (more,) if waiting else ()
    database.execute(compare.TAKE, {"free": False, "removes": False, "withdrawals": True})
    database.execute(compare.MASK)
    database.execute(_NOBODY)
    compare.add(database, full=comparison.full)
    database.execute("DELETE FROM addition WHERE n IN (FROM waiting)")
    numbers = compare.counts(database, removes=False, leaving=Sizes(taken), withdrawn=withdrawn)
    return replace(
        numbers,
        unchanged=numbers.unchanged - waiting,
        forgotten=scalar(database, "SELECT count(*) FROM left_behind"),
    ), held
