"""Pictures of figures over time, drawn by pygal and themed by the page's own style sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

if TYPE_CHECKING:
    from pygal.graph.base import BaseGraph

    from syncd.web.reading import Day

_SVG = "{http://www.w3.org/2000/svg}"
# What a reader of the page needs a script for, or the page's policy would not let in.
_LEFT_OUT = {"defs", "style", "script", "desc", "title"}
_KEPT = {
    *("class", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry"),
    *("width", "height", "transform", "viewBox", "preserveAspectRatio"),
}
Series = tuple[str, "tuple[Day, ...]"]
KEPT = 512  # pictures in memory; the same figures make the same one


@lru_cache(maxsize=KEPT)
def lines(what: str, series: tuple[Series, ...], *, unit: str = "") -> Markup:
    """Figures over time, a line each; "" where there is nothing to draw a line between.

    Args:
        what: Said to whoever does not see it; the figures stand in a table beside it.
        series: Names and values; a name stands in the legend if there are several.
        unit: Written after each value.
    """
    import pygal  # noqa: PLC0415 - the page alone draws

    known = [(name, days) for name, days in series if len(days) > 1]
    if not known:
        return Markup()
    everything = [day.value for _, days in known for day in days]
    chart = pygal.DateTimeLine(
        **_plain(860, 240),
        show_dots=False,
        show_legend=False,
        x_value_formatter=_date,
        value_formatter=lambda value: f"{value:,.0f}{unit}",
        range=_range(min(everything), max(everything)),
        truncate_label=-1,
    )
    chart.x_labels = _dates([day.date for _, days in known for day in days])
    chart.show_minor_y_labels = False
    chart.y_labels_major_count = 4
    for name, days in known:
        chart.add(name, [(_noon(day.date), day.value) for day in days])
    return _safe(chart, what, "chart")


@lru_cache(maxsize=KEPT)
def bars(
    what: str, labels: tuple[str, ...], series: tuple[tuple[str, tuple[int, ...]], ...]
) -> Markup:
    """Counts side by side, one group a label; "" where all are nothing."""
    import pygal  # noqa: PLC0415

    if not any(value for _, values in series for value in values):
        return Markup()
    chart = pygal.StackedBar(
        **_plain(860, 200),
        show_legend=False,
        value_formatter=lambda value: f"{value:,.0f}",
        truncate_label=-1,
    )
    every = max(len(labels) // 6, 1)
    chart.x_labels = labels
    chart.x_labels_major = labels[::every]
    chart.show_minor_x_labels = False
    chart.show_minor_y_labels = False
    chart.y_labels_major_count = 4
    for name, values in series:
        chart.add(name, [value or None for value in values])
    return _safe(chart, what, "chart bars")


@lru_cache(maxsize=KEPT)
def spark(what: str, days: tuple[Day, ...]) -> Markup:
    """A small line without axes; "" where there is nothing to draw a line between."""
    import pygal  # noqa: PLC0415

    if len(days) < 2:  # noqa: PLR2004 - the ends of a line
        return Markup()
    values = [day.value for day in days]
    chart = pygal.Line(
        **{**_plain(140, 36), "margin": 3, "spacing": 0},
        show_dots=False,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        show_y_guides=False,
        show_x_guides=False,
        range=_range(min(values), max(values)),
    )
    chart.add("", values)
    return _safe(chart, what, "spark")


def _plain(width: int, height: int) -> dict[str, object]:
    """What all charts share: nothing of pygal's own looks, scripts or fonts."""
    return {
        "width": width,
        "height": height,
        "css": [],
        "js": [],
        "no_prefix": True,
        "disable_xml_declaration": True,
        "margin": 8,
        "explicit_size": False,
    }


def _range(least: float, most: float) -> tuple[float, float]:
    """Some room above and below: a level line must not lie on the edge."""
    room = (most - least) * 0.08 or max(most * 0.05, 1)
    return max(least - room, 0), most + room


def _dates(days: Sequence[str]) -> list[datetime]:
    """At most five of them, far enough from each other to be read."""
    known = sorted(set(days))
    step = max((len(known) - 1) // 4, 1)
    return [_noon(day) for day in known[::step]]


def _noon(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=12)


def _date(at: datetime) -> str:
    return f"{at.day} {at:%b}"


def _safe(chart: BaseGraph, what: str, kind: str) -> Markup:
    """The picture as elements with shape and class alone, and words for whoever does not see it."""
    root: Element = chart.render_tree()
    _strip(root)
    svg = Element(
        "svg",
        {
            "xmlns": _SVG[1:-1],
            "class": kind,
            "role": "img",
            "aria-label": what,
            "viewBox": root.get("viewBox", ""),
        },
    )
    svg.extend(root)
    _unqualified(svg)
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - escaped by ElementTree


def _strip(element: Element) -> None:
    for child in list(element):
        name = _name(child)
        if name is None or name in _LEFT_OUT:
            element.remove(child)
            continue
        for attribute in list(child.attrib):
            if attribute not in _KEPT:
                del child.attrib[attribute]
        _strip(child)


def _unqualified(element: Element) -> None:
    element.tag = _name(element) or ""
    for child in element:
        _unqualified(child)


def _name(element: Element) -> str | None:
    """An element's name; None of a comment."""
    tag: str | Callable[..., Element] = element.tag
    return tag.removeprefix(_SVG) if isinstance(tag, str) else None
