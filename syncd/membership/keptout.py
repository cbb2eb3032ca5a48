"""Which members of a snapshot do not go out, and why."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.membership.engine import scalar
from syncd.membership.held import MEMBERS
from syncd.model import HELD_OUT, OTHER_ARM, WOULD_STAY, Comparison, Consent

# Members that erasure, consent, the hold-out or another arm keeps out, by reason. The hold-out
# comes after consent, so that who is held out could otherwise have been sent: that is whom an
# exposed member can be compared with. It is one for all arms.
REASONS = (
    *("erased", "denied", "not granted", "not granted where that is required"),
    *(HELD_OUT, OTHER_ARM, WOULD_STAY),
)
_STRANGERS = f"""
UPDATE seen SET kept_out = '{WOULD_STAY}'
WHERE stays AND (kept_out IS NULL OR kept_out IN ('{HELD_OUT}', '{OTHER_ARM}'))
  AND key NOT IN ({MEMBERS});
DELETE FROM want_link WHERE n IN (SELECT n FROM seen WHERE kept_out = '{WOULD_STAY}')
"""


def reasons(comparison: Comparison, rows: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Why members are kept out, each as its place in `REASONS` from 1; 0 for whoever is not.

    Args:
        comparison: What consent it asks for.
        rows: Of its snapshot: `consent`, `erased`, `region`, `held_out` and `elsewhere`.
    """
    granted = _given(rows, Consent.GRANTED)
    asked, rule = np.full(rows.num_rows, comparison.consent.asked), comparison.consent
    said = (
        _true(rows, "erased"),
        asked & _given(rows, Consent.DENIED),
        asked & ~granted & rule.granted_only,
        asked & ~granted & rule.granted_in_region & _true(rows, "region"),
        _true(rows, "held_out"),
        _true(rows, "elsewhere"),
    )
    return np.select(said, [np.uint8(place) for place in range(1, len(said) + 1)], np.uint8(0))


def _given(rows: pa.RecordBatch, consent: Consent) -> npt.NDArray[np.bool_]:
    said = pc.equal(rows["consent"], consent.value)
    return np.asarray(pc.fill_null(said, fill_value=False), np.bool_)


def _true(rows: pa.RecordBatch, column: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.fill_null(rows[column], fill_value=False), np.bool_)


def leave_out_strangers(database: duckdb.DuckDBPyConnection) -> None:
    """Want nobody who would stay a member and is none; after `load_seen` and `held.load_held`.

    The hold-out and arms are of those who become members.
    """
    if scalar(database, "SELECT count(*) FROM seen WHERE stays"):  # of most segments nobody
        database.execute(_STRANGERS)
