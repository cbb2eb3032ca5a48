"""Signatures and help of the commands that ask for one person, on standard input."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import Config, Json


def lookup(context: typer.Context, config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Tell where one person is and was: which audiences, since when, by which run.

    Standard input says, one a line, what the person is known by: an e-mail or a phone.
    Nothing of it is shown, logged or kept; that it was asked, and by whom, is in the audit.
    """
    from syncd.cli import lookup as rooms  # noqa: PLC0415
    from syncd.cli.identity import refuse_arguments  # noqa: PLC0415

    refuse_arguments(context.args)
    rooms.lookup(config, as_json=json)


def erase(
    context: typer.Context,
    status: Annotated[  # noqa: FBT002 - options, here and below
        bool, typer.Option("--status", help="List all erasures, and what each waits for.")
    ] = False,
    show: Annotated[
        str | None, typer.Option(metavar="ID", help="Print the certificate of this erasure.")
    ] = None,
    resume: Annotated[  # noqa: FBT002
        bool, typer.Option("--resume", help="Do what is due of every open erasure.")
    ] = False,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Take one person out of every audience, for good.

    Standard input says, one a line, what the person is known by: an e-mail, a phone,
    or `customer_key: KEY`. Nothing of it is shown, logged or kept. The person is removed
    at once, again after the settle window, and no later run sends them; the certificate
    is printed. With --status, --show or --resume nothing is read.
    """
    from syncd.cli import erase as rooms  # noqa: PLC0415
    from syncd.cli.identity import refuse_arguments  # noqa: PLC0415

    refuse_arguments(context.args)
    if show is not None:
        rooms.show(show, config, as_json=json)
    elif status:
        rooms.status(config, as_json=json)
    elif resume:
        rooms.resume(config, as_json=json)
    else:
        rooms.erase(config, as_json=json)
