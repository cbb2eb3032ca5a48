"""reconcile: what an audience holds beside ours, and letting nobody else stay in it."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from syncd import erasure
from syncd.app import open_app
from syncd.cli.options import actor
from syncd.cli.output import complain, print_json, progress, say
from syncd.cli.syncs import each, show_result
from syncd.errors import UsageError
from syncd.reconciling import Overview, overview, replace_audience
from syncd.sync import Result


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
    results: list[Result] = []
    who = actor()
    with open_app(config, holder=f"reconcile {name} --replace") as app, progress(name) as bars:
        # Ahead of everything else, as before every run.
        for error in erasure.carry_on(app.desk(), actor=who):
            complain(f"syncd: an erasure waits: {error}")

        def one(name: str) -> int:
            results.append(replace_audience(partial(app.parts, name, progress=bars), actor=who))
            return results[-1].exit_code

        code = each([name], one)
        segment = app.settings.syncs[name].segment if results else ""
    if as_json:
        print_json(results)
    else:
        for result in results:
            show_result(result, segment)
            say("  its audience was replaced as a whole: nobody else is in it")
    sys.exit(code)
