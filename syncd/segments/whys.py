"""Why some members are in a shipped segment: the figures that it decides by, asked for a few keys.

A figure is a question to one of the base views that the segment's own SQL stands on, with the
segment's own parameters, for the same moment. Nothing here decides who is a member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.model import SegmentQuery
from syncd.segments.base import composed, with_views, zone_of
from syncd.segments.composed import key_of
from syncd.segments.macros import Dialect, Expansion
from syncd.segments.parameters import Value
from syncd.segments.shipped import definition, shipped, values_of, without_comments
from syncd.segments.systems import Source

_UNIT = 10_000  # amounts are in ten-thousandths

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a member.

    Attributes:
        views: The segment's SQL names one of these; of every segment where there is none.
        needs: What it reads of the canonical model, which the segment needs too.
        parameter: The segment has one of this name; "" where it needs none.
        sql: One SELECT of `customer_key` and what is told, a line or more a customer.
        tell: What a line says, without the key.
    """

    views: tuple[str, ...]
    needs: tuple[str, ...]
    parameter: str
    sql: str
    tell: Callable[[Row], str]


def _bought(row: Row) -> str:
    orders, revenue, ago, gaps, span = (int(str(cell)) for cell in row)
    said = f"{_many(orders, 'order')}, {_amount(revenue)} in all, the last {_ago(ago)}"
    return f"{said}, one every {span / gaps:,.0f} days" if gaps else said


def _lately(row: Row) -> str:
    orders, paid, window = (int(float(str(cell))) for cell in row)
    return f"{_many(orders, 'order')} for {_amount(paid)} in the last {window:,} days"


def _on_sale(row: Row) -> str:
    lines, spent, on_sale = (int(str(cell)) for cell in row)
    share = on_sale / spent if spent else 0
    return f"{share:.0%} of {_amount(spent)} on sale, in {_many(lines, 'line')}"


def _ranked(row: Row) -> str:
    return f"more revenue than {float(str(row[0])):.0%} of the buyers"


def _placed(row: Row) -> str:
    cell, recency, frequency, money = row
    return f"cell {cell} (recency {recency}, frequency {frequency}, money {money} of 5)"


def _left(row: Row) -> str:
    return f"left a cart {_ago(int(str(row[0])))}"


def _consented(row: Row) -> str:
    return f"{row[0]}: {row[1]}"


def _living(row: Row) -> str:
    return f"country {str(row[0] or '').strip() or 'not known'}"


_FIGURES = (
    Figure(
        *((), ("orders",), ""),
        """SELECT buyer.customer_key, buyer.n_orders, buyer.revenue,
       :today - rhythm.last_day AS ago, rhythm.gaps, rhythm.last_day - rhythm.first_day AS span
FROM buyer JOIN rhythm ON rhythm.customer_key = buyer.customer_key""",
        _bought,
    ),
    Figure(
        *(("paid_order", "paid_item", "sale_share"), ("orders",), "window"),
        """SELECT customer_key, COUNT(*) AS n_orders, SUM(paid) AS paid, :window AS days
FROM paid_order WHERE placed_at >= {{ago(window)}} GROUP BY customer_key""",
        _lately,
    ),
    Figure(
        *(("sale_share",), ("order_items.on_sale",), "window"),
        "SELECT customer_key, n_lines, spent, spent_on_sale FROM sale_share",
        _on_sale,
    ),
    Figure(
        *(("standing",), ("orders",), ""),
        "SELECT customer_key, revenue_rank FROM standing",
        _ranked,
    ),
    Figure(
        *(("rfm_placed",), ("orders",), ""),
        """SELECT rfm_placed.customer_key, rfm_placed.cell, rfm.r, rfm.f, rfm.m
FROM rfm_placed JOIN rfm ON rfm.customer_key = rfm_placed.customer_key""",
        _placed,
    ),
    Figure(
        *(("left_cart",), ("carts",), ""),
        """SELECT customer_key, :today - MAX({{day(updated_at)}}) AS ago
FROM left_cart GROUP BY customer_key""",
        _left,
    ),
    Figure(
        *(("consent",), ("consents",), ""),
        "SELECT customer_key, channel, state FROM consent",
        _consented,
    ),
    Figure(
        *(("person",), ("customers",), ""),
        "SELECT customer_key, country FROM person",
        _living,
    ),
)


def figures(
    name: str,
    keys: Sequence[str],
    *,
    parameters: Mapping[str, object],
    as_of: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
) -> Iterator[tuple[SegmentQuery, Callable[[Row], str]]]:
    """What to ask of a few customers: questions, and what a line of the answer says.

    Args:
        name: One of `catalogue()`.
        keys: Of the customers.
        parameters, as_of, timezone, dialect, source: As of `catalogue_query`.

    Returns:
        Each query has `customer_key` first, as text; the rest of a line is for the function.
    """
    segment = shipped(name)
    values = values_of(segment, parameters)
    units = {parameter.name: parameter.unit for parameter in segment.parameters}
    moment, zone = as_of.replace(microsecond=0), zone_of(timezone)
    given = {f"who_{number}": key for number, key in enumerate(keys, 1)}
    for figure in _FIGURES:
        if not _decides(figure, name, values):
            continue
        expansion = Expansion(dialect, moment, zone, values, units)
        sql = expansion.expand(with_views(_of(figure.sql, tuple(given), dialect), source, dialect))
        binds = {**values, **expansion.binds, **given}
        yield composed(name, sql, moment, zone, binds, source), figure.tell


def _decides(figure: Figure, name: str, values: Mapping[str, Value]) -> bool:
    """Whether a segment is decided by a figure, as far as its own SQL tells."""
    sql, needs = without_comments(definition(name)), shipped(name).needs
    named = not figure.views or re.search(rf"\b(?:{'|'.join(figure.views)})\b", sql)
    return (
        bool(named)
        and set(figure.needs) <= set(needs)
        and (not figure.parameter or values.get(figure.parameter) is not None)
    )


def _of(sql: str, binds: Sequence[str], dialect: Dialect) -> str:
    """A figure's SQL for some keys alone."""
    key, among = key_of(dialect), ", ".join(f":{bind}" for bind in binds)
    return f"SELECT {key} AS who, told.*\nFROM (\n{sql}\n) told\nWHERE {key} IN ({among})\n"


def parameters_of(name: str, given: Mapping[str, object]) -> str:
    """A shipped segment's parameters as they are, in words; "" where it has none."""
    segment = shipped(name)
    values = values_of(segment, given)
    said = (
        f"{parameter.name} {_word(values[parameter.name])} ({parameter.unit})"
        for parameter in segment.parameters
        if values[parameter.name] is not None
    )
    return ", ".join(said)


def _word(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _amount(ten_thousandths: int) -> str:
    return f"{ten_thousandths / _UNIT:,.2f}"


def _ago(days: int) -> str:
    return "today" if days == 0 else f"{_many(days, 'day')} ago"
