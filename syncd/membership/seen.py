"""A snapshot's members, as tables.

seen(n, key, kept_out, ...)     members, and why they do not go out if they do not
want(n, key, ...)               those who do
want_link, denied_link(n, slot, kind, id)
what they are known by, and what those who were denied or
erased are known by
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership.engine import Positions, details, facts, feed, filled, links
from syncd.membership.keptout import REASONS, reasons
from syncd.model import Comparison

SEEN = """
CREATE TABLE seen (
    n BIGINT, key BLOB, kept_out VARCHAR, details UBIGINT, cents DOUBLE, limited BOOLEAN,
    stays BOOLEAN);
CREATE TABLE want_link (n BIGINT, slot TINYINT, kind TINYINT, id UHUGEINT);
CREATE TABLE denied_link (n BIGINT, slot TINYINT, kind TINYINT, id UHUGEINT);
"""
OUT = "('denied', 'erased')"
_OUT = [place for place, reason in enumerate(REASONS, 1) if reason in ("denied", "erased")]
WANT = """
CREATE VIEW want AS SELECT n, key, details, cents, limited FROM seen WHERE kept_out IS NULL
"""


def load_seen(
    database: duckdb.DuckDBPyConnection,
    members: Iterable[tuple[int | Positions, pa.RecordBatch]],
    comparison: Comparison,
) -> None:
    """Take in members of a snapshot, split by consent: who is wanted, and who was denied."""
    database.execute(SEEN)
    database.execute(WANT)
    wanted = "(SELECT * FROM incoming WHERE why = 0)"
    feed(
        database,
        ((at, _with_reasons(comparison, rows)) for at, rows in members),
        _into_seen,
        lambda rows: f"INSERT INTO want_link {links(wanted, 'n', filled(rows))}",
        _into_denied,
    )


def _with_reasons(comparison: Comparison, rows: pa.RecordBatch) -> pa.RecordBatch:
    return rows.append_column("why", pa.array(reasons(comparison.consent, rows)))


def _into_seen(rows: pa.RecordBatch) -> str:
    cells = filled(rows)
    return (
        f"INSERT INTO seen SELECT n, key, {list(REASONS)}[why], {details(cells)}, {facts(cells)}, "
        "stays FROM incoming"
    )


def _into_denied(rows: pa.RecordBatch) -> str | None:
    if not np.isin(rows["why"], _OUT).any():  # as of most batches
        return None
    places = ", ".join(map(str, _OUT))
    lines = links(f"(SELECT * FROM incoming WHERE why IN ({places}))", "n", filled(rows))
    return f"INSERT INTO denied_link {lines}"
