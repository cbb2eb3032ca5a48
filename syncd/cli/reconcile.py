"""reconcile: what an audience holds beside ours, and letting nobody else stay in it."""

from __future__ import annotations

import sys
from pathlib import Path

from syncd.app import open_app
from syncd.cli import through
from syncd.cli.options import actor
from syncd.cli.output import print_json, say
from syncd.cli.syncs import each, run_each, run_here, shown
from syncd.errors import Busy, UsageError
from syncd.reconciling import Overview, overview
from syncd.sync import Wish

_REPLACED = (0, 3)  # exit codes of a run that came to its end


def report(names: list[str] | None, config: Path | None, *, as_json: bool) -> None:
    """Print what is known of audiences; changes nothing."""
    found: list[Overview] = []
    with open_app(config) as app:

        def one(name: str) -> int:
            found.append(overview(app.parts(name)))
            return 0

        code = each(names or list(app.settings.syncs), one)
    if as_json:
        print_json(found)
    else:
        for seen in found:
            _show(seen)
    sys.exit(code)


def _show(seen: Overview) -> None:
    if seen.id is None:
        say(f"{seen.sync}: audience {seen.audience}: {seen.way_on}")
        return
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in seen.identifiers.items())
    say(f"{seen.sync}: audience {seen.audience} ({seen.id})")
    known = "taken out of it" if seen.takes_out else "in it as far as we know"
    say(f"  {known}: {seen.members:,} members{f' ({kinds})' if kinds else ''}")
    size = "states no size" if seen.platform_size is None else f"states {seen.platform_size:,}"
    say(f"  the platform {size}; it counts the people it matched, by its own rounding, so")
    say("  the two are not comparable one to one, and nobody can list who is in it")
    if seen.adopted:
        say("  it was taken over, or rebuilt, and may hold others")
    if seen.replacing_since is not None:
        say(f"  a replacement was begun at {seen.replacing_since:%Y-%m-%d %H:%M} UTC")
    if seen.way_on:
        say(f"  {seen.way_on}")


def replace(names: list[str] | None, config: Path | None, *, as_json: bool) -> None:
    """Replace one sync's audience."""
    if not names or len(names) > 1:
        raise UsageError("--replace belongs to one sync; name that one")
    (name,) = names
    wish = Wish(actor(), replace=True)
    try:
        with open_app(config, holder=f"reconcile {name} --replace") as app, shown(app):
            code = run_here(app, [name], wish, as_json=as_json)
    except Busy:
        door = through.door(config, wish)
        if door is None:
            raise
        code = run_each([name], door.run, door.settings, as_json=as_json)
    if not as_json and code in _REPLACED:
        say("  its audience was replaced as a whole: nobody else is in it")
    sys.exit(code)
