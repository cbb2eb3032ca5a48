"""segments list, show and preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.app import App, open_app
from syncd.cli import cells
from syncd.cli.lacks import lacking_in
from syncd.cli.models import groups, quality
from syncd.cli.output import print_json, say, table
from syncd.errors import ConfigError, ShopError
from syncd.model import HELD_OUT, SegmentQuery
from syncd.runs.parts import nobody
from syncd.segments import (
    Number,
    Segment,
    catalogue,
    definition,
    not_offered,
    shipped,
)
from syncd.segments import preview as count
from syncd.segments.systems import GUEST_KEY
from syncd.settings import Settings, find, load

if TYPE_CHECKING:
    import pyarrow as pa

_GROUPS = (
    ("target", "to show advertisements to"),
    ("exclude", "to leave out of a campaign"),
    ("seed", "to find others like them"),
)


def listing(config: Path | None, *, as_json: bool) -> None:
    """Print the catalogue, what it does not have, and which of it the configuration uses."""
    import os  # noqa: PLC0415

    settings = load(config) if config or find(None, os.environ).exists() else None
    own = _configured(settings)
    lacking, unasked = _unavailable(settings)
    if as_json:
        print_json(
            {
                "catalogue": [asdict(segment) for segment in catalogue()],
                "not_offered": not_offered(),
                "configured": own,
                "unavailable": lacking,
                "unasked": unasked,
            }
        )
        return
    for purpose, heading in _GROUPS:
        of_it = [segment for segment in catalogue() if segment.purpose == purpose]
        table(
            (heading, "what it is", "when"),
            [(segment.name, segment.wording, segment.advice) for segment in of_it],
        )
        say()
    table(("not offered", "why"), list(not_offered().items()))
    if own:
        say()
        table(("configured", "from"), list(own.items()))
    if lacking:
        say()
        table(("not in this shop", "why"), list(lacking.items()))
    if unasked:
        say()
        say(f"which of them this shop can serve is not known: {unasked}")


def _configured(settings: Settings | None) -> dict[str, str]:
    if settings is None:
        return {}
    return {name: segment.described for name, segment in settings.segments.items()}


def _unavailable(settings: Settings | None) -> tuple[dict[str, str], str]:
    """Segments of the catalogue that the configured shop cannot serve, with why.

    Returns:
        Those; and why the shop could not be asked, where it could not.
    """
    if settings is None:
        return {}, ""
    try:
        return lacking_in(settings), ""
    except ShopError as error:
        return {}, str(error)


def show(name: str, config: Path | None, *, as_json: bool) -> None:
    """Print what a segment means, what it can be given, and its SQL as it will run."""
    with open_app(config) as app:
        configured = app.settings.segments.get(name)
        used = (configured.use or "") if configured else name
        segment = shipped(used) if used else None
        query, lacking = _query(app, name)
        made = configured.described if configured and configured.composed else ""
        holdout, arms = app.settings.holdout(name), app.settings.arms(name)
        text = made or (definition(used) if used else query.sql if query else "")
    if as_json:
        print_json(
            {
                "name": name,
                "segment": segment and asdict(segment),
                "definition": text,
                "sql": query and query.sql,
                "binds": query and _shown(query),
                "lacking": lacking,
                "stay": dict(configured.stay) if configured else {},
                "holdout": holdout and asdict(holdout),
                "arms": arms and asdict(arms),
            }
        )
        return
    if segment:
        _describe(name, segment)
    if configured and configured.stay:
        stay = ", ".join(f"{parameter} {value}" for parameter, value in configured.stay.items())
        say(f"to stay a member: {stay}")
    if holdout:
        say(f"held out as control: {holdout.percent}")
    if arms:
        say(f"arms: {arms}")
    say(text.rstrip())
    say()
    if query is None:
        say(f"not yet to be run: {lacking}")
        return
    if segment or made:
        say(f"as it runs on this shop ({query.source}):")
        say(query.sql.rstrip())
        say()
    _bound(_shown(query))
    if query.scoring:
        say()
        say(":until is the day after the run's, which a model adds: it chooses among these rows")


def _query(app: App, name: str) -> tuple[SegmentQuery | None, str]:
    """The segment's query; or none, and what it lacks, where a parameter must be given."""
    try:
        return app.queries.sent(name, app.clock.now()), ""
    except ConfigError as error:
        if name in app.settings.segments:
            raise
        return None, str(error)


def _describe(name: str, segment: Segment) -> None:
    use = "" if name == segment.name else f" (the catalogue's {segment.name})"
    say(f"{name}{use}: {segment.wording}")
    say(f"{segment.purpose}: {segment.advice}")
    say(f"reads: {', '.join(segment.needs)}")
    if segment.instead:
        say(f"where the model may choose nobody, {segment.instead} comes near by a rule")
    say()
    if segment.parameters:
        rows = [
            (
                parameter.name,
                _default(parameter.default, required=parameter.required),
                f"{parameter.bounds} {parameter.unit}"
                if isinstance(parameter, Number)
                else parameter.bounds,
                parameter.help,
            )
            for parameter in segment.parameters
        ]
        table(("parameter", "default", "may be", "what it does"), rows)
        say()


def _default(value: object, *, required: bool) -> str:
    if required:
        return "must be given"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _shown(query: SegmentQuery) -> Mapping[str, object]:
    """A query's binds, but for what guests' e-mails are hashed with."""
    return {
        bind: "***" if bind.endswith(GUEST_KEY) else value
        for bind, value in query.parameters.items()
    }


def _bound(binds: Mapping[str, object]) -> None:
    table(
        ("bind", "value"),
        [
            (f":{bind}", value.isoformat() if isinstance(value, datetime) else str(value))
            for bind, value in binds.items()
        ],
    )


def _groups(app: App, name: str) -> dict[str, Callable[[pa.Array], pa.Array]]:
    """What a segment's members are told apart by: the hold-out, and the arms of the others."""
    import pyarrow.compute as pc  # noqa: PLC0415 - `--help` does without

    holdout, arms = app.settings.holdout(name), app.settings.arms(name)
    held = app.control(holdout).marks if holdout else nobody
    found: dict[str, Callable[[pa.Array], pa.Array]] = {HELD_OUT: held} if holdout else {}
    if arms:
        split = app.split(arms)

        def sent(arm: str, keys: pa.Array) -> pa.Array:
            return pc.and_not(split.within(arm, keys), held(keys))

        found |= {f"arm {arm}": partial(sent, arm) for arm in arms.shares}
    return found


def preview(name: str, config: Path | None, *, as_json: bool) -> None:
    """Print a segment's counts; a name that is not configured is looked up in the catalogue."""
    with open_app(config) as app:
        table_of = cells.counted(app, name)
        if table_of is not None and name not in app.settings.segments:
            cells.show(table_of, as_json=as_json)  # of all cells, since it names none
            return
        query = app.queries.sent(name, app.clock.now())
        found = count(app.shop, query, _groups(app, name))
        model = app.shop.model(query)
    if as_json:
        print_json({**asdict(found), "model": model and asdict(model), "cells": table_of})
        return
    near = f", and {found.stay:,} who would stay if they were" if found.stay else ""
    say(f"{name}: {found.rows:,} members{near}")
    for what, number in (
        ("e-mail", found.with_email),
        ("phone", found.with_phone),
        ("whole address", found.with_address),
    ):
        share = number / found.rows if found.rows else 0
        say(f"  with {what}: {number:,} ({share:.0%})")
    consents = ", ".join(f"{state} {count:,}" for state, count in found.consent.items())
    say(f"  consent: {consents}")
    for group, number in found.groups.items():
        say(f"  {group}: {number:,} ({number / found.rows if found.rows else 0:.0%})")
    if model:
        say(f"  chosen by a model: {quality(model)}")
        for group in groups(model):
            say(f"    {group}")
    if table_of is not None:
        say()
        cells.show(table_of, as_json=False)
