"""Which members of a snapshot do not go out, and why."""

from __future__ import annotations

import duckdb

from syncd.membership.engine import scalar
from syncd.membership.held import MEMBERS
from syncd.model import HELD_OUT, OTHER_ARM, WOULD_STAY, Comparison

# Members that erasure, consent, the hold-out or another arm keeps out, by reason; NULL goes out. 1
# granted, 2 denied. The hold-out comes after consent, so that who is held out could otherwise have
# been sent: that is whom an exposed member can be compared with. It is one for all arms.
REASONS = (
    *("erased", "denied", "not granted", "not granted where that is required"),
    *(HELD_OUT, OTHER_ARM, WOULD_STAY),
)
KEPT_OUT_BY = ("consent", "erased", "region", "held_out", "elsewhere")
_KEPT_OUT = f"""CASE
  WHEN erased THEN 'erased'
  WHEN {{asked}} AND consent = 2 THEN 'denied'
  WHEN {{asked}} AND {{granted_only}} AND consent IS DISTINCT FROM 1 THEN 'not granted'
  WHEN {{asked}} AND {{granted_in_region}} AND region AND consent IS DISTINCT FROM 1
  THEN 'not granted where that is required'
  WHEN held_out THEN '{HELD_OUT}'
  WHEN elsewhere THEN '{OTHER_ARM}'
END"""

_STRANGERS = f"""
UPDATE seen SET kept_out = '{WOULD_STAY}'
WHERE stays AND (kept_out IS NULL OR kept_out IN ('{HELD_OUT}', '{OTHER_ARM}'))
  AND key NOT IN ({MEMBERS});
DELETE FROM want_link WHERE n IN (SELECT n FROM seen WHERE kept_out = '{WOULD_STAY}')
"""


def kept_out(comparison: Comparison) -> str:
    """SQL for why a member is kept out, one of `REASONS`; NULL for whoever is not."""
    return _KEPT_OUT.format(
        granted_only=comparison.consent.granted_only,
        granted_in_region=comparison.consent.granted_in_region,
        asked=comparison.consent.asked,
    )


def leave_out_strangers(database: duckdb.DuckDBPyConnection) -> None:
    """Want nobody who would stay a member and is none; after `load_seen` and `held.load_held`.

    The hold-out and arms are of those who become members.
    """
    if scalar(database, "SELECT count(*) FROM seen WHERE stays"):  # of most segments nobody
        database.execute(_STRANGERS)
