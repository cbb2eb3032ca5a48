"""SQL of ours over the base views, as a shop is asked it: composed at run time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncd.errors import ConfigError
from syncd.model import STAYS, SegmentQuery
from syncd.segments.canonical import ORDERS
from syncd.segments.macros import Dialect, day_number
from syncd.segments.scored import UNTIL, family_of
from syncd.segments.shipped import Segment, directory, without_comments
from syncd.segments.systems import Source

# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = (
    *("person", "mail_owner", "paid_order", "buyer", "rhythm", "paid_item", "purchase"),
    *("sale_share", "history", "standing", "loyalty_score", "rfm", "rfm_placed", "left_cart"),
    *("consent", "early_order", "footing", "category_item", "affinity", "taste"),
)
# What is quicker read twice than kept: rows of it are many, and few columns of each asked for.
_INLINED: Mapping[Dialect, frozenset[str]] = {
    "postgresql": frozenset({"person", "paid_order", "paid_item"}),
}
_OPTIONAL = tuple(column.name for column in ORDERS.columns if column.optional)
BIND = re.compile(r"(?<![\w:]):([a-z]\w*)")


def composed(
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
    used = sorted({*BIND.findall(without_comments(sql))} - {UNTIL})
    return SegmentQuery(name, sql, {bind: binds[bind] for bind in used}, f"catalogue:{name}")


def zone_of(timezone: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        ConfigError: There is none.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"there is no time zone {timezone!r}") from None


def compose(
    segment: Segment, source: Source | None, dialect: Dialect, *, own: str, marked: bool
) -> str:
    """A segment's SQL, with the base views it uses before it and the output after it.

    Args:
        segment: One of the catalogue.
        source: The shop's system; None where it has the canonical relations itself.
        dialect: Of the shop.
        own: The segment's own SQL.
        marked: Whether that marks who would only stay, see `staying`.
    """
    output = (directory() / "base" / "output.sql").read_text("utf-8")
    figures = family_of(segment.name).figures
    carried = figures if segment.instead else ("value",) if segment.value else ()
    found = {name: f"MAX({name})" for name in carried} | (
        {STAYS: f"MIN({STAYS})"} if marked else {}
    )
    if found:
        chosen = "".join(f",\n       chosen.{name}" for name in found)
        output = output.replace("AS ad_consent\n", f"AS ad_consent{chosen}\n")
        said = ", ".join(f"{one} AS {name}" for name, one in found.items())
        output = output.replace("SELECT customer_key FROM", f"SELECT customer_key, {said} FROM")
    return with_views(output, source, dialect, own=own)


def with_views(output: str, source: Source | None, dialect: Dialect, *, own: str = "") -> str:
    """SQL with the base views before it that it uses, and a segment's own SQL as `member`."""
    base = {name: (directory() / "base" / f"{name}.sql").read_text("utf-8") for name in _BASE}
    wanted = without_comments(own + output)
    views: list[str] = []
    for name in reversed(_BASE):
        if re.search(rf"\b{name}\b", wanted):
            sql = _carrying(wanted, base[name]) if name == "paid_order" else base[name]
            wanted += without_comments(sql)
            inlined = " NOT MATERIALIZED" if name in _INLINED.get(dialect, ()) else ""
            views.insert(0, f"{name} AS{inlined} (\n{sql})")
    if own:
        views.append(f"member AS (\n{own})")
    if source:
        views[:0] = source.views(wanted)
    return f"WITH {', '.join(views)}\n{output}"


def _carrying(wanted: str, paid_order: str) -> str:
    """The view of orders that count with those optional columns that it is asked for."""
    asked = [name for name in _OPTIONAL if re.search(rf"\bpaid_order\.{name}\b", wanted)]
    also = "".join(f",\n       orders.{name}" for name in asked)
    return paid_order.replace(" AS paid\n", f" AS paid{also}\n")
