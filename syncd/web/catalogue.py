"""The segments in use as the page shows them: how large, worth what, alike, and good for what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from syncd.web import charts
from syncd.web.frame import Frame
from syncd.web.lifts import Said, said
from syncd.web.reading import Day, Published, RunLine
from syncd.web.shapes import SegmentTold
from syncd.web.worth import PairTold, SurveyTold, TrialTold

DAYS = 90  # that charts show
STEPS = 10  # shades of the heat map
Context = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment in use, with its size over time.

    Attributes:
        run: The newest run that read it.
        said: Its lift in words, of each two sides that were compared.
    """

    segment: SegmentTold
    run: RunLine | None
    chart: Markup
    spark: Markup
    said: tuple[tuple[TrialTold, Said], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Two segments in the heat map.

    Attributes:
        shade: From 0, nothing in common, to `STEPS`, the same customers.
    """

    pair: PairTold | None
    shade: int


@dataclass(frozen=True, slots=True)
class Heat:
    """What each two segments have in common, as a table with a row and a column for each.

    Attributes:
        names: Of rows and of columns.
        lines: For each row its cells; that of a segment with itself has no pair.
        alike: Those that are hardly two.
    """

    names: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]
    alike: tuple[PairTold, ...]


def segments(seen: Published, frame: Frame) -> Context:
    """The segments in use."""
    return {"rows": [row(seen, frame, each) for each in seen.now.segments], **worth(seen)}


def worth(seen: Published) -> Context:
    """What the shop said of all of them together."""
    told = seen.now.survey
    order = [each.name for each in seen.now.segments]
    return {"survey": told, "heat": heat(told, order), "days": DAYS}


def row(seen: Published, frame: Frame, segment: SegmentTold) -> SegmentRow:
    """A segment with all that is known of it."""
    read = [run for name in segment.syncs if (run := seen.last_read(name))]
    newest = max(read, key=lambda run: run.started_at, default=None)
    days: tuple[Day, ...] = seen.read_of(newest.sync, DAYS) if newest else ()
    if len(days) < 2:  # noqa: PLR2004 - the ends of a line
        days = seen.counted_of(segment.name, DAYS)
    what = f"Rows of {segment.name}, {DAYS} days"
    return SegmentRow(
        segment=segment,
        run=newest,
        chart=Markup() if frame.standalone else charts.lines(what, (("Rows", days),)),
        spark=Markup() if frame.standalone else charts.spark(what, days),
        said=tuple(
            (each, said(each.lift)) for each in (segment.lift.sides if segment.lift else ())
        ),
    )


def heat(told: SurveyTold, order: Sequence[str]) -> Heat | None:
    """The heat map; None where no two segments were counted.

    Args:
        told: The survey.
        order: Of the segments, as they are configured.
    """
    if not told.pairs:
        return None
    known = {frozenset((pair.one, pair.other)): pair for pair in told.pairs}
    counted = {name for pair in told.pairs for name in (pair.one, pair.other)}
    names = tuple(name for name in order if name in counted)
    lines = tuple((one, tuple(_cells(known, one, names))) for one in names)
    return Heat(names, lines, tuple(pair for pair in told.pairs if pair.alike))


def _cells(
    known: Mapping[frozenset[str], PairTold], one: str, names: tuple[str, ...]
) -> Iterator[Cell]:
    for other in names:
        pair = known.get(frozenset((one, other)))
        yield Cell(pair, round(pair.jaccard * STEPS) if pair else 0)
