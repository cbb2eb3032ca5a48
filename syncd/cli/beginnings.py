"""segments sources and segments products."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from syncd.app import open_app
from syncd.cli.output import print_json, say, table
from syncd.cli.past import moment_of, timeless
from syncd.errors import UsageError
from syncd.segments.lift import Interval
from syncd.segments.reports import LEAST, LEVELS, Beginnings, Group, Level, Told

_LINES = 20  # of a table of products
_BY_CHANCE = 0.025  # of groups like all others, so many stand out


def sources(
    name: str, config: Path | None, *, by: str, as_of: str, least: int, as_json: bool
) -> None:
    """Print by which sources members first came, against all buyers."""
    level = _level(by)
    with open_app(config) as app:
        then = moment_of(app, as_of)
        told = app.queries.sources(name, then, level=level, least=least)
        notes = list(timeless(app, name, as_of))
    found = told.by_place["first"]
    notes += _of_sources(found)
    if as_json:
        print_json(
            {
                "segment": name,
                "as_of": then,
                "least": least,
                "members": told.members,
                "by": level,
                "sources": found,
                "notes": notes,
            }
        )
        return
    _heading(name, then, told)
    rest = [found.rest] if found.rest else []
    rows = [(*_names(group, found), *_figures(group)) for group in (*found.groups, *rest)]
    columns = LEVELS[: LEVELS.index(level) + 1]
    table((*columns, "buyers", "share", "members", "share", *_COMPARED), rows)
    _say_small(found, least, "sources")
    for note in notes:
        say(f"beware: {note}")


def products(
    name: str, config: Path | None, *, horizon: int, as_of: str, least: int, as_json: bool
) -> None:
    """Print which products in first and second orders go with becoming a member."""
    with open_app(config) as app:
        then = moment_of(app, as_of)
        told = app.queries.products(name, then, horizon=horizon, least=least)
        notes = list(timeless(app, name, as_of))
    notes += _of_products(told)
    if as_json:
        print_json(
            {
                "segment": name,
                "as_of": then,
                "least": least,
                "horizon": horizon,
                "members": told.members,
                "products": told.by_place,
                "notes": notes,
            }
        )
        return
    _heading(name, then, told)
    for place, found in told.by_place.items():
        say()
        say(
            f"in the {place} order: {found.buyers:,} people made one at least {horizon} days "
            f"before, {_share(found.members, found.buyers)} of them members"
        )
        rows = [(*(group.names or ()), *_figures(group)) for group in found.groups[:_LINES]]
        if rows:
            table(("product", "buyers", "share", "members", "share", *_COMPARED), rows)
        if len(found.groups) > _LINES:
            say(f"and {len(found.groups) - _LINES:,} more, which --json has")
        _say_small(found, least, "products")
    for note in notes:
        say(f"beware: {note}")


_COMPARED = ("members among them", "times all", "over the others", "")


def _level(by: str) -> Level:
    for level in LEVELS:
        if level == by:
            return level
    raise UsageError(f"--by is {by!r}; it must be one of: {', '.join(LEVELS)}")


def _heading(name: str, then: datetime, told: Told) -> None:
    first = told.by_place["first"]
    say(
        f"{name} as of {then:%Y-%m-%d %H:%M %Z}: {told.members:,} members, of whom "
        f"{first.members:,} are among the {first.buyers:,} buyers that are compared "
        f"({_share(first.members, first.buyers)})"
    )


def _names(group: Group, found: Beginnings) -> tuple[str, ...]:
    if group.names is not None:
        return tuple(name or "(not recorded)" for name in group.names)
    return (f"({found.small:,} others)",) + ("",) * (len(found.groups[0].names or ()) - 1
                                                     if found.groups else 0)  # fmt: skip


def _figures(group: Group) -> tuple[object, ...]:
    more = group.more.times(100) if group.more else None
    return (
        group.buyers,
        f"{group.of_buyers:.1%}",
        group.members,
        f"{group.of_members:.1%}",
        f"{group.rate.value:.1%} ({group.rate.low:.1%} to {group.rate.high:.1%})",
        _range(group.lift, "{:.2f}"),
        _range(more, "{:+.1f}") + (" points" if more else ""),
        "" if more is None else "may be chance" if more.by_chance else "hardly chance",
    )


def _range(one: Interval | None, form: str) -> str:
    if one is None:
        return ""
    value, low, high = (form.format(figure) for figure in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


def _say_small(found: Beginnings, least: int, what: str) -> None:
    if found.small:
        say(
            f"{found.small:,} {what} are not shown alone: a line stands for {least:,} buyers at "
            "least, and fewer may not be told by subtraction either"
        )


def _of_sources(found: Beginnings) -> Iterator[str]:
    blank = next((x for x in found.groups if x.names is not None and not any(x.names)), None)
    if blank:
        yield (
            f"of {blank.of_buyers:.0%} of the first orders the shop recorded no source: who they "
            "are may be no accident"
        )


def _of_products(told: Told) -> Iterator[str]:
    shown = sum(len(found.groups) for found in told.by_place.values())
    out = sum(each.stands_out for found in told.by_place.values() for each in found.groups)
    if shown:
        yield (
            f"{out:,} of {shown:,} products stand out; of so many about {shown * _BY_CHANCE:.0f} "
            "would if none differed"
        )
    yield (
        "what a product brought counts towards being a member where members are chosen by what "
        "they spent: a dear product leads to a valuable customer in one step"
    )


__all__ = ["LEAST", "products", "sources"]
