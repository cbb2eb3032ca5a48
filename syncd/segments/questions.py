"""What a shop is asked beside its segments: sums and counts over the same base views."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.segments.base import composed, with_views, zone_of
from syncd.segments.macros import Dialect, Expansion
from syncd.segments.shipped import columns_of
from syncd.segments.systems import Source

CELLS = "rfm_cell"  # whose parameter of that name says which
_CELLS = """SELECT rfm_placed.cell, COUNT(*) AS customers, SUM(buyer.revenue) AS revenue
FROM rfm_placed
JOIN buyer ON buyer.customer_key = rfm_placed.customer_key
GROUP BY rfm_placed.cell
"""
_BOUGHT = """SELECT customer_key, COUNT(*) AS orders, SUM(paid) AS paid
FROM paid_order
WHERE placed_at >= :since
GROUP BY customer_key
"""
_CUSTOMERS = "SELECT COUNT(*) AS customers FROM person\n"


def bought_query(
    *,
    since: datetime,
    until: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
) -> SegmentQuery:
    """What each person bought from one moment until another, as a shop is asked it.

    Args:
        since: The first moment; whole seconds count.
        until: The moment after the last.
        timezone: Where the shop's days begin.
        dialect: Of the shop.
        source: The shop's system; None where it has the canonical relations itself.

    Returns:
        A query for `customer_key`, the number of orders, and what they came to net of refunds,
        in ten-thousandths. Orders count as they do for segments.
    """
    moment, zone = until.replace(microsecond=0), zone_of(timezone)
    expansion = Expansion(dialect, moment, zone, {}, {})
    sql = expansion.expand(with_views(_BOUGHT, source, dialect))
    begun = {**expansion.binds, "since": since.replace(microsecond=0)}
    return composed("bought", sql, moment, zone, begun, source)


def customers_query(
    *, as_of: datetime, timezone: str, dialect: Dialect, source: Source | None = None
) -> SegmentQuery:
    """How many customers the shop has who were not erased, as a shop is asked it.

    Args:
        as_of: Now: who has joined since then counts too.
        timezone: Where the shop's days begin.
        dialect: Of the shop.
        source: The shop's system; None where it has the canonical relations itself.
    """
    moment, zone = as_of.replace(microsecond=0), zone_of(timezone)
    sql = Expansion(dialect, moment, zone, {}, {}).expand(with_views(_CUSTOMERS, source, dialect))
    return composed("customers", sql, moment, zone, {}, source)


def cells_query(
    *, as_of: datetime, timezone: str, dialect: Dialect, source: Source | None = None
) -> SegmentQuery:
    """How many buyers each cell of `rfm_cell` has, as a shop is asked it.

    Args:
        as_of, timezone, dialect, source: As of `catalogue_query`.

    Returns:
        A query for `cell`, `customers`, and their `revenue` in ten-thousandths; cells with nobody
        do not come.
    """
    moment, zone = as_of.replace(microsecond=0), zone_of(timezone)
    expansion = Expansion(dialect, moment, zone, {}, {})
    sql = expansion.expand(with_views(_CELLS, source, dialect))
    return composed("cells", sql, moment, zone, expansion.binds, source)


def question(
    name: str,
    sql: str,
    *,
    needs: Collection[str],
    values: Mapping[str, int],
    as_of: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
) -> SegmentQuery:
    """A question of ours about buyers, of the base views, as a shop is asked it.

    Args:
        name: What it is about, for messages.
        sql: One SELECT from the views, with macros and binds.
        needs: What it reads, as `Segment.needs`.
        values: What it is given; calendar days.
        as_of: The moment the answer is for, with its zone; whole seconds count.
        timezone: Where the shop's days begin.
        dialect: Of the shop.
        source: The shop's system; None where it has the canonical relations itself.

    Raises:
        ConfigError: The shop's system lacks something that is needed; says what and why.
    """
    if source and (reason := source.why_not(needs, by_consent=False)):
        raise ConfigError(f"{name} cannot be told: {reason}", where=name)
    moment, zone = as_of.replace(microsecond=0), zone_of(timezone)
    expansion = Expansion(dialect, moment, zone, values, dict.fromkeys(values, "calendar days"))
    told = expansion.expand(with_views(sql, source, dialect))
    query = composed(name, told, moment, zone, {**values, **expansion.binds}, source)
    return replace(query, source=name, needs={} if source else columns_of(needs))
