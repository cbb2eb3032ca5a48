"""Which members of a snapshot do not go out, and why."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.membership.engine import scalar
from syncd.membership.held import MEMBERS
from syncd.model import HELD_OUT, OTHER_ARM, WOULD_STAY, Consent, ConsentRule

Flags = npt.NDArray[np.bool_]

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


def reasons(rule: ConsentRule, rows: pa.RecordBatch) -> npt.NDArray[np.uint8]:
    """Why members are kept out, each as its place in `REASONS` from 1; 0 for whoever is not.

    Args:
        rule: What consent is asked for.
        rows: Of a snapshot: `consent`, `erased`, `region`, `held_out` and `elsewhere`.
    """
    said = (
        _true(rows, "erased"),
        *by_consent(rule, rows),
        _true(rows, "held_out"),
        _true(rows, "elsewhere"),
    )
    return np.select(said, [np.uint8(place) for place in range(1, len(said) + 1)], np.uint8(0))


def by_consent(rule: ConsentRule, rows: pa.RecordBatch) -> tuple[Flags, Flags, Flags]:
    """Whom consent keeps out: who denied it, and who did not grant it, here or where they live.

    Args:
        rule: What consent is asked for.
        rows: With `consent` and `region`.
    """
    granted = _given(rows, Consent.GRANTED)
    return (
        rule.asked & _given(rows, Consent.DENIED),
        (rule.asked and rule.granted_only) & ~granted,
        (rule.asked and rule.granted_in_region) & ~granted & _true(rows, "region"),
    )


def _given(rows: pa.RecordBatch, consent: Consent) -> Flags:
    said = pc.equal(rows["consent"], consent.value)
    return np.asarray(pc.fill_null(said, fill_value=False), np.bool_)


def _true(rows: pa.RecordBatch, column: str) -> Flags:
    return np.asarray(pc.fill_null(rows[column], fill_value=False), np.bool_)


def leave_out_strangers(database: duckdb.DuckDBPyConnection) -> None:
    """Want nobody who would stay a member and is none; after `load_seen` and `held.load_held`.

    The hold-out and arms are of those who become members.
    """
    if scalar(database, "SELECT count(*) FROM seen WHERE stays"):  # of most segments nobody
        database.execute(_STRANGERS)
