"""Signatures and help of what people read: segments, web, report.

As in `commands`, so that `--help` imports no room of syncd.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import Config, Json

Directory = Annotated[
    Path | None,
    typer.Option(
        help="Where runs publish; default: page.directory of the configuration, or the "
        "working directory where there is none.",
        show_default=False,
    ),
]
Socket = Annotated[
    Path | None, typer.Option(help="Listen at this Unix socket.", show_default=False)
]
Port = Annotated[
    int | None,
    typer.Option(
        help="Listen at this port of this machine alone; default 8910, 0 takes a free one.",
        min=0,
        max=65535,
        show_default=False,
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        help="A name by which a proxy's readers call the page; may be repeated.",
        show_default=False,
    ),
]
Header = Annotated[
    str,
    typer.Option(
        help="The header in which a proxy says who is signed in, such as X-Forwarded-User."
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option(
        help="Who that proxy is: its address, or its login at a socket; may be repeated.",
        show_default=False,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with a token, which readers show as their password.", show_default=False
    ),
]
AsOf = Annotated[
    str,
    typer.Option(
        help="The moment to answer for: 30d (ago), or a day or time of the shop's zone; "
        "default: now.",
        show_default=False,
    ),
]
Members = Annotated[
    bool,
    typer.Option(
        "--members",
        help="Print a digest of each member's key, one a line, and nothing else; with --json "
        "beside the counts. The same member has the same digest at every moment.",
    ),
]


def segments_list(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """List the shipped segments by purpose, what is not shipped and why, and yours."""
    from syncd.cli import segments  # noqa: PLC0415

    segments.listing(config, as_json=json)


def segments_show(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    as_of: AsOf = "",
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show what a segment means, what it can be given, and its SQL as it will run."""
    from syncd.cli import segments  # noqa: PLC0415

    segments.show(name, config, as_of=as_of, as_json=json)


def segments_preview(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    as_of: AsOf = "",
    members: Members = False,  # noqa: FBT002
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell how large a segment is, now or then, and why members are in it; sends nothing.

    Its share of customers and of revenue, what it can be matched by, what each platform could be
    sent of it and about how many people that reaches, and five members as shapes and digests.
    """
    from syncd.cli import previews  # noqa: PLC0415

    previews.preview(name, config, as_of=as_of, members=members, as_json=json)


def segments_overlap(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="SEGMENT", help="Default: all configured ones.", show_default=False),
    ] = None,
    as_of: AsOf = "",
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Count what each two segments have in common, and say which are too alike or too small.

    Counted in the shop, by customer key; no key leaves it.
    """
    from syncd.cli import overlaps  # noqa: PLC0415

    overlaps.overlap(names or (), config, as_of=as_of, as_json=json)


def segments_lift(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    since: Annotated[
        str,
        typer.Option(
            help="Who was a member then, and orders from then on: 30d (ago), or a day or time of "
            "the shop's zone, 2026-09-01."
        ),
    ],
    until: Annotated[
        str, typer.Option(help="Orders before then; default: now.", show_default=False)
    ] = "",
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Compare what exposed and held-out members of a segment bought, with 95 % intervals.

    Orders and revenue are the shop's own. The segment needs a `holdout`, and a sync.
    """
    from syncd.cli import lifts  # noqa: PLC0415

    lifts.lift(name, config, since=since, until=until, as_json=json)


def segments_sources(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    by: Annotated[
        str, typer.Option(help="How far sources are told apart: source, medium or campaign.")
    ] = "source",
    as_of: AsOf = "",
    least: Annotated[
        int, typer.Option("--min", min=10, help="Buyers that a line stands for at least.")
    ] = 10,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Compare by which sources a segment's members and all buyers first came, with 95 % intervals.

    Counted in the shop, by the first order's utm_source; no key leaves it, and no group of few.
    """
    from syncd.cli import beginnings  # noqa: PLC0415

    beginnings.sources(name, config, by=by, as_of=as_of, least=least, as_json=json)


def segments_products(
    name: Annotated[str, typer.Argument(metavar="SEGMENT")],
    horizon: Annotated[
        int,
        typer.Option(min=0, max=3650, help="Orders count that were made so many days before."),
    ] = 180,
    as_of: AsOf = "",
    least: Annotated[
        int, typer.Option("--min", min=10, help="Buyers that a product has at least.")
    ] = 100,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell which products in first and second orders go with becoming a member of a segment.

    First orders show what draws them, second orders what bridges the way. Counted in the shop.
    """
    from syncd.cli import beginnings  # noqa: PLC0415

    beginnings.products(name, config, horizon=horizon, as_of=as_of, least=least, as_json=json)


def segments_survey(
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Count every configured segment in the shop now, for the page: sizes, revenue, overlap, lift.

    The daemon does so by itself once a day (`page.survey`). Nothing is sent.
    """
    from syncd.cli import surveys  # noqa: PLC0415

    surveys.survey(config, as_json=json)


def web(
    directory: Directory = None,
    socket: Socket = None,
    port: Port = None,
    host: Hosts = None,
    user_header: Header = "",
    peer: Peers = None,
    token_file: TokenFile = None,
    config: Config = None,
) -> None:
    """Serve the growth team's page, read-only, from what runs publish, until interrupted.

    It opens no ledger and holds no credential: `page.directory` in the configuration says
    where runs publish audit sentences and counts for it.
    """
    from syncd.cli import page  # noqa: PLC0415

    page.web(config, directory=directory, socket=socket, port=port, hosts=host or [],
             header=user_header, peers=peer or [], token_file=token_file)  # fmt: skip


def report(
    _week: Annotated[  # noqa: FBT002 - for the reader of a crontab
        bool, typer.Option("--week", help="Of the last seven days; there is no other.")
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write one self-contained HTML file here; else print text, for a chat.",
            show_default=False,
        ),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="As of `syncd web`.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Tell a week: every audience as it stands, what changed, and what needs a person.

    It is told from what runs published, as `syncd web` is.
    """
    from syncd.cli import page  # noqa: PLC0415

    page.report(config, directory=directory, output=output)
