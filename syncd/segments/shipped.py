"""The shipped segments: one SQL file and one entry of metadata each."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, TypedDict, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from syncd.errors import ConfigError
from syncd.model import Scoring, SegmentQuery
from syncd.segments.canonical import RELATIONS
from syncd.segments.macros import Dialect, Expansion, day_number
from syncd.segments.parameters import Number, Parameter, Value, Words
from syncd.segments.scored import FIGURES, HISTORIES, UNTIL, check_installed
from syncd.segments.systems import GUEST_KEY, Source

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Purpose = Literal["target", "exclude", "seed"]

# Each may use those before it; they become the WITH clause of a segment that uses them.
_BASE = (
    *("person", "mail_owner", "paid_order", "buyer", "rhythm", "paid_item", "sale_share"),
    *("history", "standing", "loyalty_score", "rfm", "left_cart", "consent"),
)
_BIND = re.compile(r"(?<![\w:]):([a-z]\w*)")
_HOURS = {"hours": 1, "days": 24, "calendar days": 24}


@dataclass(frozen=True, slots=True)
class Segment:
    """A shipped segment.

    Attributes:
        wording: What it is, for a person.
        purpose: What one mostly does with it: show its members advertisements, keep them
            out of a campaign, or find others like them.
        advice: When, for a person.
        needs: Tables of the canonical model that it reads, and the optional columns of
            them, as `orders.currency`.
        value: Whether its members carry a value.
        instead: Where a model chooses its members: the segment by rule that comes near.
    """

    name: str
    wording: str
    purpose: Purpose
    advice: str
    parameters: tuple[Parameter, ...]
    needs: tuple[str, ...]
    value: bool
    instead: str = ""

    def missing(self, served: Mapping[str, Collection[str]]) -> tuple[str, ...]:
        """What a shop lacks of what it needs; with anything missing it is unavailable.

        Args:
            served: Tables of the canonical model that the shop has, each with its columns.

        Returns:
            Tables, and columns as `table.column`, in the order of the canonical model.
        """
        lacking = []
        for relation in (each for each in RELATIONS if each.name in self.needs):
            if relation.name not in served:
                lacking.append(relation.name)
                continue
            lacking += [
                full
                for column in relation.columns
                if (full := f"{relation.name}.{column.name}")
                and (not column.optional or full in self.needs)
                and column.name not in served[relation.name]
            ]
        return tuple(lacking)


class _ParameterEntry(TypedDict, total=False):
    default: float | str | list[str] | None
    low: float
    high: float
    choices: list[str]
    pattern: str
    many: bool
    unit: str
    help: str


class _Entry(TypedDict, total=False):
    wording: str
    purpose: Purpose
    advice: str
    needs: list[str]
    value: bool
    instead: str
    parameters: dict[str, _ParameterEntry]


@cache
def catalogue() -> tuple[Segment, ...]:
    """Every shipped segment, in the order in which they are best taken up."""
    entries = cast("dict[str, _Entry]", _metadata("catalogue.yaml"))
    return tuple(_segment(name, entry) for name, entry in entries.items())


@cache
def not_offered() -> Mapping[str, str]:
    """Segments that people ask for and that are not shipped under that name, with why."""
    return cast("dict[str, str]", _metadata("not_offered.yaml"))


def shipped(name: str) -> Segment:
    """The shipped segment of a name.

    Raises:
        ConfigError: There is none; says why where it is known, else the nearest.
    """
    segments = {segment.name: segment for segment in catalogue()}
    if name in not_offered():
        raise ConfigError(f"there is no shipped segment {name!r}: {not_offered()[name]}")
    if name not in segments:
        raise ConfigError(
            f"there is no shipped segment {name!r}{_nearest(name, segments)}; "
            "`syncd segments list` shows all"
        )
    return segments[name]


def definition(name: str) -> str:
    """A shipped segment's SQL as a person wrote it.

    Raises:
        ConfigError: There is no such segment.
    """
    return (_directory() / f"{shipped(name).name}.sql").read_text("utf-8")


def check_parameters(name: str, given: Mapping[str, object]) -> None:
    """See whether a shipped segment can be asked with these parameters.

    Raises:
        ConfigError: The segment or a parameter is unknown, one is missing, or a value is
            out of bounds, or the extra `[scored]` is needed and not installed.
    """
    _values(shipped(name), given)
    if shipped(name).instead:
        check_installed(name)


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
    values = _values(segment, parameters)
    if reason := unavailable(name, source, dialect):
        raise ConfigError(f"{name} is unavailable: {reason}", where=f"catalogue:{name}")
    moment = as_of.replace(microsecond=0)
    zone = _zone(timezone)
    units = {parameter.name: parameter.unit for parameter in segment.parameters}
    expansion = Expansion(dialect, moment, zone, values, units)
    sql = expansion.expand(_compose(segment, source))
    histories = expansion.expand(_with_views(HISTORIES, source)) if segment.instead else ""
    local = moment.astimezone(zone)
    clock = {"as_of": moment, "today": day_number(moment, zone), "month": local.month}
    binds = {**clock, **values, **expansion.binds, **(source.binds if source else {})}
    used = sorted({*_BIND.findall(_without_comments(sql))} - {UNTIL})
    given = {bind: binds[bind] for bind in used}
    query = SegmentQuery(name, sql, given, f"catalogue:{name}")
    if not segment.instead:
        return query
    scoring = _scoring(segment, query, values, histories=histories, today=day_number(moment, zone))
    return replace(query, figures=FIGURES, scoring=scoring)


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
    return source.why_not(shipped(name).needs, by_consent=by_consent)


def _directory() -> Traversable:
    return files("syncd.segments") / "catalogue"


def _metadata(name: str) -> object:
    return yaml.safe_load((_directory() / name).read_text("utf-8"))


def _segment(name: str, entry: _Entry) -> Segment:
    parameters = entry.get("parameters", {})
    return Segment(
        name,
        entry["wording"],
        entry["purpose"],
        entry["advice"],
        tuple(_parameter(each, values) for each, values in parameters.items()),
        tuple(entry["needs"]),
        entry.get("value", False),
        entry.get("instead", ""),
    )


def _parameter(name: str, entry: _ParameterEntry) -> Parameter:
    """A number where it has bounds, else words; required where it has no default."""
    required, default = "default" not in entry, entry.get("default")
    if "low" in entry:
        low, high = entry["low"], entry["high"]
        number = cast("float | None", default)
        return Number(name, number, low, high, entry["unit"], entry["help"], required)
    words = tuple(default) if isinstance(default, list) else cast("str | None", default)
    choices, pattern = tuple(entry.get("choices", ())), entry.get("pattern", ".+")
    many = entry.get("many", False)
    return Words(name, words, choices, pattern, many, entry["unit"], entry["help"], required)


def _values(segment: Segment, given: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter of a segment with its value."""
    known = {parameter.name: parameter for parameter in segment.parameters}
    for name in given:
        if name not in known:
            raise ConfigError(
                f"{segment.name} has no parameter {name!r}{_nearest(name, known)}; "
                f"it has: {', '.join(known) or 'none'}"
            )
    values = {name: _accepted(segment, parameter, given) for name, parameter in known.items()}
    _leave_something(segment, known, values)
    return values


def _accepted(segment: Segment, parameter: Parameter, given: Mapping[str, object]) -> Value:
    if parameter.name in given:
        value = given[parameter.name]
        if value is None and parameter.default is None and not parameter.required:
            return None
        return parameter.accept(segment.name, value)
    if parameter.required:
        raise ConfigError(
            f"{segment.name} needs {parameter.name}: {parameter.help}; {parameter.bounds}"
        )
    return parameter.default


def _leave_something(
    segment: Segment, known: Mapping[str, Parameter], values: Mapping[str, Value]
) -> None:
    """Refuse a least that is not below its most: nobody could ever be a member."""
    least, most = values.get("min"), values.get("max")
    if not isinstance(least, int | float) or not isinstance(most, int | float):
        return
    ours, theirs = known["min"].unit, known["max"].unit
    if least * _HOURS.get(ours, 1) >= most * _HOURS.get(theirs, 1):
        raise ConfigError(
            f"{segment.name}: min ({least:g} {ours}) leaves nothing of max ({most:g} {theirs})"
        )


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
    output = (_directory() / "base" / "output.sql").read_text("utf-8")
    carried = FIGURES if segment.instead else ("value",) if segment.value else ()
    if carried:
        chosen = "".join(f",\n       chosen.{name}" for name in carried)
        output = output.replace("AS ad_consent\n", f"AS ad_consent{chosen}\n")
        found = ", ".join(f"MAX({name}) AS {name}" for name in carried)
        output = output.replace("SELECT customer_key FROM", f"SELECT customer_key, {found} FROM")
    return _with_views(output, source, own=definition(segment.name))


def _with_views(output: str, source: Source | None, *, own: str = "") -> str:
    """SQL with the base views before it that it uses, and a segment's own SQL as `member`."""
    base = {name: (_directory() / "base" / f"{name}.sql").read_text("utf-8") for name in _BASE}
    wanted = _without_comments(own + output)
    views: list[str] = []
    for name in reversed(_BASE):
        if re.search(rf"\b{name}\b", wanted):
            wanted += _without_comments(base[name])
            views.insert(0, f"{name} AS (\n{base[name]})")
    if own:
        views.append(f"member AS (\n{own})")
    if source:
        views[:0] = source.views(wanted)
    return f"WITH {', '.join(views)}\n{output}"


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*", "", sql)
