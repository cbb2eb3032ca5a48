"""A week in one file that can be sent around, and as text for a chat.

The file holds everything it shows: no script, no picture, and no style sheet but its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files

from markupsafe import Markup

from syncd.web import catalogue, views
from syncd.web.frame import Frame
from syncd.web.lifts import percent, said
from syncd.web.reading import Published, Totals
from syncd.web.rendering import counted, rate, render
from syncd.web.shapes import SegmentTold, SyncTold
from syncd.web.views import Context, Row

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """What a week did to one audience.

    Attributes:
        before: Members at its beginning; None if there were none then.
    """

    sync: SyncTold
    totals: Totals
    before: int | None


def frame(seen: Published, now: datetime) -> Frame:
    """The surroundings of a report: a file has no address, and times are the shop's."""
    at = max(now, seen.now.at)
    return Frame(at, seen.now.at, seen.now.zone, "", "/", {}, standalone=True)


def as_html(seen: Published, now: datetime) -> str:
    """One self-contained file."""
    around = frame(seen, now)
    style = (files("syncd.web") / "static" / "page.css").read_text("utf-8")
    # Our own file, and no text of anybody: what ends a style element does not stand in it.
    return render("report", around, {**_context(seen, around), "style": Markup(style)})  # noqa: S704


def as_text(seen: Published, now: datetime) -> str:
    """Lines for a chat."""
    around = frame(seen, now)
    return "\n".join(_lines(seen, around)) + "\n"


def _context(seen: Published, around: Frame) -> Context:
    return {
        **views.overview(seen, around),
        "weeks": _weeks(seen, around),
        "since": _since(around),
        "segment_rows": [catalogue.row(seen, around, each) for each in seen.now.segments],
        **catalogue.worth(seen),
        "version": seen.now.version,
    }


def _since(around: Frame) -> datetime:
    return around.now - WEEK


def _weeks(seen: Published, around: Frame) -> list[Week]:
    since = _since(around)
    return [
        Week(each, seen.totals(each.name, since), seen.members_at(each.pk, since))
        for each in seen.now.syncs
    ]


def _lines(seen: Published, around: Frame) -> Iterator[str]:
    rows, zone = [views.row(seen, around, each) for each in seen.now.syncs], around.zone
    until, since = around.now.astimezone(zone), _since(around).astimezone(zone)
    yield f"Audiences from {since:%d %b} to {until:%d %b %Y}, as of {until:%H:%M} ({zone.key})"
    for row, week in zip(rows, _weeks(seen, around), strict=True):
        yield f"- {_standing(row)}; {_totals(week)}"
    yield from _segments(seen, around)
    needs = [row.sync for row in rows if row.sync.needs]
    if needs:
        yield "Needs a person:"
    for sync in needs:
        yield f"- {sync.audience} on {sync.title}: {sync.why} Run: {sync.needs}"


def _segments(seen: Published, around: Frame) -> Iterator[str]:
    """What the shop said of the segments; nothing where it was not asked."""
    told = seen.now.survey
    if told.at is None:
        return
    at = told.at.astimezone(around.zone)
    yield f"Segments, as counted in the shop {at:%d %b, %H:%M}:"
    for each in seen.now.segments:
        yield f"- {each.name}: {_worth(each)}"
        if each.lift is not None:
            for side in each.lift.sides:
                share = f" ({each.holdout} held out)" if side.other == "control" else ""
                yield f"  {side.one} against {side.other}{share}: {said(side.lift).orders}"
    for pair in (pair for pair in told.pairs if pair.alike):
        yield (
            f"- {pair.one} and {pair.other} are hardly two segments: {pair.both:,} customers are "
            f"in both, {percent(pair.jaccard)} of those in either"
        )


def _worth(segment: SegmentTold) -> str:
    known = segment.counted
    if known is None:
        return f"not counted: {segment.trouble or 'it is new'}"
    parts = [f"{known.members:,} members"]
    if known.of_customers is not None:
        parts.append(f"{percent(known.of_customers)} of customers")
    if known.of_revenue is not None:
        parts.append(f"{percent(known.of_revenue)} of revenue")
    if segment.trouble:
        parts.append(f"as counted before; not counted anew: {segment.trouble}")
    return ", ".join(parts)


def _standing(row: Row) -> str:
    sync = row.sync
    said = f"{sync.audience} on {sync.title}: {row.standing.words.lower()}"
    if sync.members is not None:
        said += f", {sync.members:,} members"
    if row.size is not None and row.size.least is not None:
        said += f", {sync.title} counts {counted(row.size)}"
    if row.size is not None and row.size.rate_least is not None:
        said += f", match rate {rate(row.size)}"
    return said


def _totals(week: Week) -> str:
    told = week.totals
    if not told.runs:
        return "no run"
    runs = "1 run" if told.runs == 1 else f"{told.runs:,} runs"
    said = f"{runs}: +{told.added:,} -{told.removed:,} rows"
    if told.refused:
        said += f", {told.refused:,} refused"
    if told.failed:
        said += f", {told.failed:,} failed"
    return said
