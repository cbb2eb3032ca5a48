"""segments list and preview."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from syncd.app import open_app
from syncd.cli.output import print_json, say, table
from syncd.segments import catalogue, unavailable
from syncd.segments import preview as count
from syncd.segments.systems import source_of
from syncd.settings import Settings, find, load


def listing(config: Path | None, *, as_json: bool) -> None:
    """Print the catalogue, and which of it the configuration uses."""
    import os  # noqa: PLC0415

    settings = load(config) if config or find(None, os.environ).exists() else None
    shipped = [asdict(segment) for segment in catalogue()]
    own = _configured(settings)
    lacking = _unavailable(settings)
    if as_json:
        print_json({"catalogue": shipped, "configured": own, "unavailable": lacking})
        return
    table(
        ("segment", "purpose", "what it is"),
        [(segment.name, segment.purpose, segment.wording) for segment in catalogue()],
    )
    if own:
        say()
        table(("configured", "from"), list(own.items()))
    if lacking:
        say()
        table(("not in this shop", "why"), list(lacking.items()))


def _configured(settings: Settings | None) -> dict[str, str]:
    if settings is None:
        return {}
    return {
        name: f"catalogue: {segment.use}" if segment.use else str(segment.sql)
        for name, segment in settings.segments.items()
    }


def _unavailable(settings: Settings | None) -> dict[str, str]:
    """Segments of the catalogue that the configured shop cannot serve, with why."""
    source = source_of(settings.shop) if settings else None
    return {
        segment.name: reason
        for segment in catalogue()
        if source and (reason := unavailable(segment.name, source, source.system.dialect))
    }


def preview(name: str, config: Path | None, *, as_json: bool) -> None:
    """Print a segment's counts; a name that is not configured is looked up in the catalogue."""
    with open_app(config) as app:
        found = count(app.shop, app.query(name, app.clock.now()))
    if as_json:
        print_json(found)
        return
    say(f"{name}: {found.rows:,} members")
    for what, number in (
        ("e-mail", found.with_email),
        ("phone", found.with_phone),
        ("whole address", found.with_address),
    ):
        share = number / found.rows if found.rows else 0
        say(f"  with {what}: {number:,} ({share:.0%})")
    consents = ", ".join(f"{state} {count:,}" for state, count in found.consent.items())
    say(f"  consent: {consents}")
