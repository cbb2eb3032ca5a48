"""The commands by name. A command's rooms are imported when it runs, not for `--help`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

from syncd import __version__
from syncd.cli import commands

application = typer.Typer(
    name="syncd",
    help="Keep ad-platform audiences equal to customer segments of your own shop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 rows refused or unusable, 4 held for a "
    "person, 75 busy, 77 the platform denied us, 78 configuration.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer's callback
    if asked:
        sys.stdout.write(f"syncd {__version__}\n")
        raise typer.Exit


@application.callback()
def _logs(
    verbose: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--verbose", "-v", help="Log what happens, not only what goes wrong.")
    ] = False,
    _asked: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Set up what all commands share."""
    import logging  # noqa: PLC0415

    from syncd.logs import set_up  # noqa: PLC0415 - structlog takes a while

    set_up(sys.stderr, os.environ, level=logging.INFO if verbose else logging.WARNING)


commands.register(application)


@cache
def command() -> Callable[[], object]:
    """What runs the words in `sys.argv`; made once a process, of all commands there are."""
    return get_command(application)
