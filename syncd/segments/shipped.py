"""The shipped segments: one SQL file and one entry of metadata each."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, TypedDict, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.segments.macros import Dialect, Expansion, day_number
from syncd.segments.systems import Source

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = ("person", "mail_owner", "paid_order", "buyer", "rhythm", "consent")
_VALUE = "MAX(value) AS value"
_BIND = re.compile(r"(?<![\w:]):([a-z]\w*)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a shipped segment can be given.

    Attributes:
        default: None where leaving it out means no limit.
        low: The least it may be.
        high: The most it may be.
        unit: What it counts.
    """

    name: str
    default: float | None
    low: float
    high: float
    unit: str
    help: str

    @property
    def whole(self) -> bool:
        """Whether only whole numbers will do, as its bounds then are in the catalogue."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True, slots=True)
class Segment:
    """A shipped segment.

    Attributes:
        wording: What it is, for a person.
        purpose: What one uses it for: include, exclude, seed.
        needs: Tables of the canonical schema that it reads.
        value: Whether its members carry a value.
    """

    name: str
    wording: str
    purpose: str
    parameters: tuple[Parameter, ...]
    needs: tuple[str, ...]
    value: bool


class _ParameterEntry(TypedDict):
    default: float | None
    low: float
    high: float
    unit: str
    help: str


class _Entry(TypedDict, total=False):
    wording: str
    purpose: str
    needs: list[str]
    value: bool
    parameters: dict[str, _ParameterEntry]


@cache
def catalogue() -> tuple[Segment, ...]:
    """Every shipped segment, in the order in which they are best taken up."""
    text = (_directory() / "catalogue.yaml").read_text("utf-8")
    entries = cast("dict[str, _Entry]", yaml.safe_load(text))
    return tuple(_segment(name, entry) for name, entry in entries.items())


def definition(name: str) -> str:
    """A shipped segment's SQL as a person wrote it.

    Raises:
        ConfigError: There is no such segment.
    """
    return (_directory() / f"{_find(name).name}.sql").read_text("utf-8")


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
    segment = _find(name)
    values = _values(segment, parameters)
    if reason := unavailable(name, source, dialect):
        raise ConfigError(f"{name} is unavailable: {reason}", where=f"catalogue:{name}")
    moment = as_of.replace(microsecond=0)
    zone = _zone(timezone)
    units = {parameter.name: parameter.unit for parameter in segment.parameters}
    expansion = Expansion(dialect, moment, zone, values, units)
    sql = expansion.expand(_compose(segment, source))
    binds = {"as_of": moment, "today": day_number(moment, zone), **values, **expansion.binds}
    binds |= source.binds if source else {}
    used = sorted(set(_BIND.findall(_without_comments(sql))))
    return SegmentQuery(name, sql, {bind: binds[bind] for bind in used}, f"catalogue:{name}")


def unavailable(name: str, source: Source | None, dialect: Dialect) -> str:
    """Why a shop cannot serve a shipped segment; nothing where it can.

    Raises:
        ConfigError: There is no such segment.
    """
    if source is None:
        return ""
    if source.system.dialect != dialect:
        return f"{source.system.title} runs on {source.system.dialect}, the shop on {dialect}"
    by_consent = re.search(r"\bconsent\b", _without_comments(definition(name))) is not None
    return source.why_not(_find(name).needs, by_consent=by_consent)


def _directory() -> Traversable:
    return files("syncd.segments") / "catalogue"


def _segment(name: str, entry: _Entry) -> Segment:
    parameters = tuple(
        Parameter(each, **values) for each, values in entry.get("parameters", {}).items()
    )
    return Segment(
        name,
        entry["wording"],
        entry["purpose"],
        parameters,
        tuple(entry["needs"]),
        entry.get("value", False),
    )


def _find(name: str) -> Segment:
    segments = {segment.name: segment for segment in catalogue()}
    if name not in segments:
        raise ConfigError(
            f"there is no shipped segment {name!r}{_nearest(name, segments)}; "
            f"there are: {', '.join(segments)}"
        )
    return segments[name]


def _values(segment: Segment, given: Mapping[str, object]) -> dict[str, float | None]:
    """Every parameter of a segment with its value."""
    known = {parameter.name: parameter for parameter in segment.parameters}
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{segment.name} has no parameter {name!r}{_nearest(name, known)}; "
                f"it has: {', '.join(known)}"
            )
    values = {
        name: _within(segment, parameter, given.get(name, parameter.default))
        for name, parameter in known.items()
    }
    least, most = values.get("min"), values.get("max")
    if least is not None and most is not None and least >= most * 24:
        raise ConfigError(
            f"{segment.name}: min ({least:g} hours) leaves nothing of max ({most:g} days)"
        )
    return values


def _within(segment: Segment, parameter: Parameter, value: object) -> float | None:
    if value is None and parameter.default is None:
        return None
    what = f"{segment.name}.{parameter.name} ({parameter.unit})"
    bounds = f"from {parameter.low:g} to {parameter.high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ConfigError(f"{what} must be a number {bounds}")
    if not parameter.low <= value <= parameter.high:
        raise ConfigError(f"{what} is {value:g}; it must lie {bounds}")
    if parameter.whole and value != int(value):
        raise ConfigError(f"{what} is {value:g}; it must be a whole number {bounds}")
    return int(value) if parameter.whole else float(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"there is no time zone {timezone!r}") from None


def _compose(segment: Segment, source: Source | None) -> str:
    """A segment's SQL, with the base views it uses before it and the output after it."""
    own = definition(segment.name)
    base = {name: (_directory() / "base" / f"{name}.sql").read_text("utf-8") for name in _BASE}
    output = (_directory() / "base" / "output.sql").read_text("utf-8")
    if segment.value:
        output = output.replace("AS ad_consent\n", "AS ad_consent,\n       chosen.value\n")
        output = output.replace("SELECT customer_key FROM", f"SELECT customer_key, {_VALUE} FROM")
    wanted = _without_comments(own + output)
    views: list[str] = []
    for name in reversed(_BASE):
        if re.search(rf"\b{name}\b", wanted):
            wanted += _without_comments(base[name])
            views.insert(0, f"{name} AS (\n{base[name]})")
    views.append(f"member AS (\n{own})")
    if source:
        views[:0] = source.views(wanted)
    return f"WITH {', '.join(views)}\n{output}"


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)
