"""segments overlap, and what is said of audiences that are too small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from syncd.app import App, open_app, platforms
from syncd.cli.output import print_json, say, table
from syncd.cli.past import moment_of, timeless
from syncd.errors import ConfigError, UsageError
from syncd.segments.overlaps import ALIKE, MOST, Overlap
from syncd.settings.values import suggest
from syncd.smallness import too_small


def overlap(names: Sequence[str], config: Path | None, *, as_of: str, as_json: bool) -> None:
    """Print sizes of segments, and what each two have in common."""
    with open_app(config) as app:
        then = moment_of(app, as_of)
        asked, lacking = _known(app, names, then)
        found = app.queries.overlap(asked, then) if asked else Overlap({}, 0, ())
        notes = [*_alike(found), *_small(app, found)]
        notes += [note for name in asked for note in timeless(app, name, as_of)]
    if as_json:
        print_json({"overlap": found, "unavailable": lacking, "notes": notes})
        return
    numbered = {name: number for number, name in enumerate(found.sizes, 1)}
    _sizes(found, numbered)
    if found.pairs:
        say()
        _matrix(found, numbered)
    for name, why in lacking.items():
        say(f"not counted: {name}: {why}")
    for note in notes:
        say(f"look at: {note}")


def _known(app: App, names: Sequence[str], then: datetime) -> tuple[list[str], dict[str, str]]:
    """Segments that the shop can serve, and why it cannot serve others."""
    configured = list(app.settings.segments)
    for name in names:
        if name not in configured:
            raise UsageError(f"no segment {name}; {suggest(name, configured)}")
    served, lacking = list[str](), dict[str, str]()
    for name in dict.fromkeys(names or configured):
        try:
            app.queries.part(name, then)
            served.append(name)
        except ConfigError as error:
            lacking[name] = str(error)
    if len(served) > MOST:
        raise UsageError(f"{len(served)} segments at once are more than {MOST}: name some")
    return served, lacking


def _sizes(found: Overlap, numbered: Mapping[str, int]) -> None:
    rows = [(number, name, found.sizes[name]) for name, number in numbered.items()]
    table(("no.", "segment", "customers"), rows)
    say(f"in at least one: {found.either:,}")


def _matrix(found: Overlap, numbered: Mapping[str, int]) -> None:
    """Of each two: how many are in both, and their Jaccard index."""
    cells = {
        (numbered[one.one], numbered[one.other]): f"{one.both:,} ({one.jaccard:.2f})"
        for one in found.pairs
    }
    rows = [
        (f"{row} {name}", *(cells.get((row, column), "") for column in list(numbered.values())[1:]))
        for name, row in list(numbered.items())[:-1]
    ]
    table(("in both (Jaccard)", *map(str, list(numbered.values())[1:])), rows)


def _alike(found: Overlap) -> Iterator[str]:
    for one in found.pairs:
        if one.alike:
            yield (
                f"{one.one} and {one.other} are hardly two segments: {one.both:,} customers are in "
                f"both, Jaccard {one.jaccard:.2f}, and from {ALIKE} on one campaign will do"
            )


def _small(app: App, found: Overlap) -> Iterator[str]:
    """Segments that are too small for a platform that they go to, even if all were sent."""
    known = platforms()
    for name, sync in app.settings.syncs.items():
        if sync.segment in found.sizes:
            platform = known[app.account_of(name)[0]]
            said = too_small(platform, found.sizes[sync.segment])
            if said and sync.mode != "remove":
                yield f"sync {name}, segment {sync.segment}: {said}"
