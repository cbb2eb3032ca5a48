"""The shipped segments: one SQL file and one entry of metadata each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, TypedDict, cast

import yaml

from syncd.errors import ConfigError
from syncd.model import lacking, missing
from syncd.segments.canonical import RELATIONS
from syncd.segments.macros import Dialect
from syncd.segments.parameters import Number, Parameter, Value, Words
from syncd.segments.scored import check_installed
from syncd.segments.systems import Source

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Purpose = Literal["target", "exclude", "seed"]

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
        return missing(self.columns, served)

    @property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """Every column that it reads, by table, in the order of the canonical model."""
        return columns_of(self.needs)


def columns_of(needs: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Every column that is read, by table, in the order of the canonical model.

    Args:
        needs: Tables of the canonical model, and the optional columns of them as `table.column`.
    """
    return {
        relation.name: tuple(
            column.name
            for column in relation.columns
            if not column.optional or f"{relation.name}.{column.name}" in needs
        )
        for relation in RELATIONS
        if relation.name in needs
    }


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
    return (directory() / f"{shipped(name).name}.sql").read_text("utf-8")


def check_parameters(name: str, given: Mapping[str, object]) -> None:
    """See whether a shipped segment can be asked with these parameters.

    Raises:
        ConfigError: The segment or a parameter is unknown, one is missing, or a value is
            out of bounds, or the extra `[scored]` is needed and not installed.
    """
    if shipped(name).instead:
        check_installed(name)
    values_of(shipped(name), given)


def unavailable(
    name: str,
    source: Source | None,
    dialect: Dialect,
    served: Mapping[str, Collection[str]] | None = None,
) -> str:
    """Why a shop cannot serve a shipped segment; nothing where it can.

    Args:
        served: What canonical tables a shop has, as `Segment.missing` takes it; None where
            it was not asked, and then nothing speaks against it.

    Raises:
        ConfigError: There is no such segment.
    """
    if source is None:
        return "" if served is None else lacking(shipped(name).columns, served)
    if source.system.dialect != dialect:
        return f"{source.system.title} runs on {source.system.dialect}, the shop on {dialect}"
    by_consent = re.search(r"\bconsent\b", without_comments(definition(name))) is not None
    return source.why_not(shipped(name).needs, by_consent=by_consent)


def directory() -> Traversable:
    """Where the SQL and the metadata lie."""
    return files("syncd.segments") / "catalogue"


def _metadata(name: str) -> object:
    return yaml.safe_load((directory() / name).read_text("utf-8"))


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


def values_of(segment: Segment, given: Mapping[str, object]) -> dict[str, Value]:
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


def without_comments(sql: str) -> str:
    """SQL without what is only said to a reader."""
    return re.sub(r"--[^\n]*", "", sql)
