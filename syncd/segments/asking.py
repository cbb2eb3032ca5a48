"""The shipped segments as a shop is asked for them: one SELECT each, composed at run time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from syncd.errors import ConfigError
from syncd.model import STAYS, Scoring, SegmentQuery
from syncd.segments.base import BIND, compose, composed, with_views, zone_of
from syncd.segments.macros import Dialect, Expansion, day_number
from syncd.segments.parameters import Value
from syncd.segments.scored import family_of
from syncd.segments.shipped import (
    Segment,
    definition,
    shipped,
    unavailable,
    values_of,
    without_comments,
)
from syncd.segments.staying import staying
from syncd.segments.systems import GUEST_KEY, Source


def catalogue_query(
    name: str,
    *,
    parameters: Mapping[str, object],
    as_of: datetime,
    timezone: str,
    dialect: Dialect,
    source: Source | None = None,
    stay: Mapping[str, object] | None = None,
) -> SegmentQuery:
    """A shipped segment as it will be asked of a shop.

    Args:
        name: One of `catalogue()`.
        parameters: Values that differ from the defaults.
        stay: Those by which a member stays one, where they differ from `parameters`: whoever
            would only stay comes along, marked by `model.STAYS`.
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
    moment, zone = as_of.replace(microsecond=0), zone_of(timezone)
    units = {parameter.name: parameter.unit for parameter in segment.parameters}
    expansion = Expansion(dialect, moment, zone, values, units)
    own, binds = definition(name), dict[str, object]()
    if stay:
        views = with_views(own, None, dialect).removesuffix(own)
        own, binds = staying(segment, expansion, {**parameters, **stay}, views)
    sql = expansion.expand(compose(segment, source, dialect, own=own, marked=bool(stay)))
    family = family_of(name)
    told = with_views(family.histories, source, dialect) if segment.instead else ""
    histories = expansion.expand(told)
    query = composed(name, sql, moment, zone, {**values, **expansion.binds, **binds}, source)
    query = replace(query, needs={} if source else segment.columns)
    if not segment.instead:
        return replace(query, figures=(STAYS,)) if stay else query
    # As it is written: what macros make of it changes with the year.
    written, today = f"{dialect} {zone.key}\n{told}", day_number(moment, zone)
    scoring = _scoring(segment, query, values, histories=histories, written=written, today=today)
    return replace(query, figures=family.figures, scoring=scoring)


def check_staying(name: str, parameters: Mapping[str, object], stay: Mapping[str, object]) -> None:
    """See whether members of a shipped segment can stay by these values; see `staying`.

    Raises:
        ConfigError: As `catalogue_query`.
    """
    if stay:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        catalogue_query(
            name, parameters=parameters, as_of=now, timezone="UTC", dialect="sqlite", stay=stay
        )


def _scoring(
    segment: Segment,
    query: SegmentQuery,
    values: Mapping[str, Value],
    *,
    histories: str,
    written: str,
    today: int,
) -> Scoring:
    """How a model will choose among a segment's rows."""
    moving = {"as_of", "today", "month", GUEST_KEY}
    settings = {bind: value for bind, value in query.parameters.items() if bind not in moving}
    # What a segment was given is of its model only where it says what the model reads.
    read = set(BIND.findall(without_comments(histories)))
    own = {parameter.name for parameter in segment.parameters} - read
    asked = [written, *(f"{k}={v}" for k, v in sorted(settings.items()) if k not in own)]
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
