"""The shipped segments as a shop is asked for them: one SELECT each, composed at run time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.errors import ConfigError
from syncd.model import Scoring, SegmentQuery
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
from syncd.segments.systems import GUEST_KEY, Source

# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = (
    *("person", "mail_owner", "paid_order", "buyer", "rhythm", "paid_item", "sale_share"),
    *("history", "standing", "loyalty_score", "rfm", "left_cart", "consent"),
)
_BOUGHT = """SELECT customer_key, COUNT(*) AS orders, SUM(paid) AS paid
FROM paid_order
WHERE placed_at >= :since
GROUP BY customer_key
"""
_CUSTOMERS = "SELECT COUNT(*) AS customers FROM person\n"
_BIND = re.compile(r"(?<![\w:]):([a-z]\w*)")


def catalogue_query(
    name: str,
    *,
    parameters: Mapping[str, object],
    as_of: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
) -> SegmentQuery:
    """A shipped segment as it will be asked of a shop.

    Args:
        name: One of `catalogue()`.
        parameters: Values that differ from the defaults.
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
    sql = expansion.expand(_compose(segment, source))
    histories = expansion.expand(_with_views(HISTORIES, source)) if segment.instead else ""
    query = _query(name, sql, moment, zone, {**values, **expansion.binds}, source)
    query = replace(query, needs={} if source else segment.columns)
    if not segment.instead:
        return query
    scoring = _scoring(segment, query, values, histories=histories, today=day_number(moment, zone))
    return replace(query, figures=FIGURES, scoring=scoring)


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
    moment, zone = as_of.replace(microsecond=0), _zone(timezone)
    sql = Expansion(dialect, moment, zone, {}, {}).expand(_with_views(_CUSTOMERS, source))
    return _query("customers", sql, moment, zone, {}, source)


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


def _compose(segment: Segment, source: Source | None) -> str:
    """A segment's SQL, with the base views it uses before it and the output after it."""
    output = (directory() / "base" / "output.sql").read_text("utf-8")
    carried = FIGURES if segment.instead else ("value",) if segment.value else ()
    if carried:
        chosen = "".join(f",\n       chosen.{name}" for name in carried)
        output = output.replace("AS ad_consent\n", f"AS ad_consent{chosen}\n")
        found = ", ".join(f"MAX({name}) AS {name}" for name in carried)
        output = output.replace("SELECT customer_key FROM", f"SELECT customer_key, {found} FROM")
    return _with_views(output, source, own=definition(segment.name))


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
