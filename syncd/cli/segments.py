"""segments list and show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from syncd.app import App, open_app
from syncd.cli.lacks import lacking_in
from syncd.cli.output import print_json, say, table
from syncd.cli.past import moment_of
from syncd.errors import ConfigError, ShopError
from syncd.model import SegmentQuery
from syncd.segments import (
    Number,
    Segment,
    catalogue,
    definition,
    not_offered,
    shipped,
)
from syncd.segments.systems import GUEST_KEY
from syncd.settings import Settings, find, load

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


def show(name: str, config: Path | None, *, as_of: str, as_json: bool) -> None:
    """Print what a segment means, what it can be given, and its SQL as it will run."""
    with open_app(config) as app:
        configured = app.settings.segments.get(name)
        used = (configured.use or "") if configured else name
        segment = shipped(used) if used else None
        query, lacking = _query(app, name, moment_of(app, as_of))
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


def _query(app: App, name: str, then: datetime) -> tuple[SegmentQuery | None, str]:
    """The segment's query; or none, and what it lacks, where a parameter must be given."""
    try:
        return app.queries.sent(name, then), ""
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
