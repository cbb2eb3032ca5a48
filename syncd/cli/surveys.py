"""segments survey: what the page shows of the segments, asked of the shop at once."""

from __future__ import annotations

from pathlib import Path

from syncd.app import open_app
from syncd.cli.options import actor
from syncd.cli.output import print_json, say, table
from syncd.errors import SyncdError
from syncd.model.surveys import Survey
from syncd.web.publishing import published
from syncd.worth.surveying import survey as ask


def survey(config: Path | None, *, as_json: bool) -> None:
    """Ask, keep what the shop says, publish it, and print sizes and shares.

    Raises:
        syncd.errors.SyncdError: Nothing could be counted.
    """
    with open_app(config) as app, published(app):
        found = ask(app, actor=actor())
        directory = app.settings.page.directory
    if as_json:
        print_json({"survey": found})
    else:
        _show(found, directory)
    if found.segments and not found.counted:
        raise SyncdError(f"no segment could be counted: {found.segments[0].trouble}")


def _show(found: Survey, directory: Path | None) -> None:
    rows = [
        (
            *(each.segment, each.members, _share(each.members, found.customers)),
            _share(each.revenue, found.revenue),
        )
        for each in found.counted
    ]
    table(("segment", "members", "of all customers", "of revenue"), rows)
    if found.customers is not None:
        say(f"customers: {found.customers:,}; revenue counts since {found.since:%Y-%m-%d}")
    if found.trouble:
        say(f"share of revenue is not known: {found.trouble}")
    for each in found.segments:
        if each.trouble:
            say(f"not counted: {each.segment}: {each.trouble}")
    for lift in found.lifts:
        if lift.trouble:
            say(f"no lift: {lift.segment}: {lift.trouble}")
    if directory is None:
        say("kept in the ledger; page.directory in the configuration publishes it for `syncd web`")
    else:
        say("published, with overlap and lifts: `syncd web`, Segments")


def _share(part: int | None, whole: int | None) -> str:
    return f"{part / whole:.1%}" if part is not None and whole else "-"
