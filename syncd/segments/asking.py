"""The shipped segments as a shop is asked for them: one SELECT each, composed at run time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.errors import ConfigError
from syncd.model import STAYS, Scoring, SegmentQuery
from syncd.segments.macros import Dialect, Expansion, day_number
from syncd.segments.parameters import Value
from syncd.segments.scored import FIGURES, HISTORIES, UNTIL
from syncd.segments.shipped import (
    Segment,
    definition,
    directory,
    shipped,
    unavailable,
    values_of,
    without_comments,
)
from syncd.segments.staying import BIND as _BIND
from syncd.segments.staying import staying
from syncd.segments.systems import GUEST_KEY, Source

# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = (
    *("person", "mail_owner", "paid_order", "buyer", "rhythm", "paid_item", "sale_share"),
    *("history", "standing", "loyalty_score", "rfm", "rfm_placed", "left_cart", "consent"),
)
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


def catalogue_query(
    name: str,
    *,
    parameters: Mapping[str, object],
    as_of: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
    stay: Mapping[str, object] | None = None,
) -> SegmentQuery:
    """A shipped segment as it will be asked of a shop.

    Args:
        name: One of `catalogue()`.
        parameters: Values that differ from the defaults.
        stay: Those by which a member stays one, where they differ from `parameters`: whoever
            would only stay comes along, marked by `model.STAYS`.
        as_of: The moment the answer is for, with its zone; whole seconds count.
        timezone: Where the shop's days begin.
        dialect: Of the shop.
        source: The shop's system; None where it has the canonical relations itself.

    Raises:
        ConfigError: The segment or a parameter is unknown, a value out of bounds, or the
            shop cannot serve the segment.
    """
    segment = shipped(name)
    values = values_of(segment, parameters)
    if reason := unavailable(name, source, dialect):
        raise ConfigError(f"{name} is unavailable: {reason}", where=f"catalogue:{name}")
    moment = as_of.replace(microsecond=0)
    zone = _zone(timezone)
    units = {parameter.name: parameter.unit for parameter in segment.parameters}
    expansion = Expansion(dialect, moment, zone, values, units)
    own, binds = definition(name), dict[str, object]()
    if stay:
        views = _with_views(own, None).removesuffix(own)
        own, binds = staying(segment, expansion, {**parameters, **stay}, views)
    sql = expansion.expand(_compose(segment, source, own=own, marked=bool(stay)))
    histories = expansion.expand(_with_views(HISTORIES, source)) if segment.instead else ""
    query = _query(name, sql, moment, zone, {**values, **expansion.binds, **binds}, source)
    query = replace(query, needs={} if source else segment.columns)
    if not segment.instead:
        return replace(query, figures=(STAYS,)) if stay else query
    scoring = _scoring(segment, query, values, histories=histories, today=day_number(moment, zone))
    return replace(query, figures=FIGURES, scoring=scoring)


def check_staying(name: str, parameters: Mapping[str, object], stay: Mapping[str, object]) -> None:
    """See whether members of a shipped segment can stay by these values; see `staying`.

    Raises:
        ConfigError: As `catalogue_query`.
    """
    if stay:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        catalogue_query(
            name, parameters=parameters, as_of=now, timezone="UTC", dialect="sqlite", stay=stay
        )


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
    moment, zone = until.replace(microsecond=0), _zone(timezone)
    expansion = Expansion(dialect, moment, zone, {}, {})
    sql = expansion.expand(_with_views(_BOUGHT, source))
    begun = {**expansion.binds, "since": since.replace(microsecond=0)}
    return _query("bought", sql, moment, zone, begun, source)


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
    moment, zone = as_of.replace(microsecond=0), _zone(timezone)
    expansion = Expansion(dialect, moment, zone, {}, {})
    sql = expansion.expand(_with_views(_CELLS, source))
    return _query("cells", sql, moment, zone, expansion.binds, source)


def _query(
    name: str,
    sql: str,
    moment: datetime,
    zone: ZoneInfo,
    values: Mapping[str, object],
    source: Source | None,
) -> SegmentQuery:
    """SQL with those of all binds that it asks for, but for the day that a model says."""
    local = moment.astimezone(zone)
    clock = {"as_of": moment, "today": day_number(moment, zone), "month": local.month}
    binds = {**clock, **values, **(source.binds if source else {})}
    used = sorted({*_BIND.findall(without_comments(sql))} - {UNTIL})
    return SegmentQuery(name, sql, {bind: binds[bind] for bind in used}, f"catalogue:{name}")


def _scoring(
    segment: Segment,
    query: SegmentQuery,
    values: Mapping[str, Value],
    *,
    histories: str,
    today: int,
) -> Scoring:
    """How a model will choose among a segment's rows."""
    moving = {"as_of", "today", "month", GUEST_KEY}
    settings = {bind: value for bind, value in query.parameters.items() if bind not in moving}
    own = {parameter.name for parameter in segment.parameters}
    asked = [histories, *(f"{k}={v}" for k, v in sorted(settings.items()) if k not in own)]
    numbers = {name: float(v) for name, v in values.items() if isinstance(v, int | float)}
    return Scoring(
        segment=segment.name,
        histories=histories,
        parameters=numbers,
        holdout=int(numbers["days"]),
        as_of=cast("datetime", query.parameters["as_of"]),
        today=today,
        instead=segment.instead,
        basis=hashlib.sha256("\n".join(asked).encode()).hexdigest(),
    )


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"there is no time zone {timezone!r}") from None


def _compose(segment: Segment, source: Source | None, *, own: str, marked: bool) -> str:
    """A segment's SQL, with the base views it uses before it and the output after it."""
    output = (directory() / "base" / "output.sql").read_text("utf-8")
    carried = FIGURES if segment.instead else ("value",) if segment.value else ()
    found = {name: f"MAX({name})" for name in carried} | (
        {STAYS: f"MIN({STAYS})"} if marked else {}
    )
    if found:
        chosen = "".join(f",\n       chosen.{name}" for name in found)
        output = output.replace("AS ad_consent\n", f"AS ad_consent{chosen}\n")
        said = ", ".join(f"{one} AS {name}" for name, one in found.items())
        output = output.replace("SELECT customer_key FROM", f"SELECT customer_key, {said} FROM")
    return _with_views(output, source, own=own)


def _with_views(output: str, source: Source | None, *, own: str = "") -> str:
    """SQL with the base views before it that it uses, and a segment's own SQL as `member`."""
    base = {name: (directory() / "base" / f"{name}.sql").read_text("utf-8") for name in _BASE}
    wanted = without_comments(own + output)
    views: list[str] = []
    for name in reversed(_BASE):
        if re.search(rf"\b{name}\b", wanted):
            wanted += without_comments(base[name])
            views.insert(0, f"{name} AS (\n{base[name]})")
    if own:
        views.append(f"member AS (\n{own})")
    if source:
        views[:0] = source.views(wanted)
    return f"WITH {', '.join(views)}\n{output}"
