"""web and report: the growth team's page on a socket of this machine, and a week of it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from syncd.cli.output import say
from syncd.errors import ConfigError, Unwritten, UsageError
from syncd.settings import find, load
from syncd.web.doors import SignIn
from syncd.web.reading import Unpublished, published
from syncd.web.serving import PORT, serve

LEAST = 16  # characters of a token


def web(
    config: Path | None,
    *,
    directory: Path | None,
    socket: Path | None,
    port: int | None,
    hosts: list[str],
    header: str,
    peers: list[str],
    token_file: Path | None,
) -> None:
    """Serve until interrupted; prints where."""
    if socket is not None and port is not None:
        raise UsageError("--socket and --port are two places to listen at: choose")
    if bool(header) != bool(peers):
        raise UsageError("--user-header and --peer go together: which header, set by whom")
    sign_in = SignIn(
        header=header.lower(),
        peers=frozenset(peers),
        token=_token(token_file) if token_file else "",
        hosts=frozenset(name.lower() for name in hosts),
    )
    at = socket or (PORT if port is None else port)
    folder = directory or folder_of(config)
    serve(folder, sign_in, at, say=lambda name: _tell(name, folder, sign_in))


def report(config: Path | None, *, directory: Path | None, output: Path | None) -> None:
    """Print the week as text, or write it as a file for a browser."""
    from syncd.web.report import as_html, as_text  # noqa: PLC0415 - needs what `web` needs

    try:
        with published(directory or folder_of(config)) as seen:
            now = datetime.now(UTC)
            if output is None:
                sys.stdout.write(as_text(seen, now))
                return
            output.write_text(as_html(seen, now), "utf-8")
    except Unpublished as error:
        raise ConfigError(str(error)) from None
    except OSError as error:
        raise Unwritten(output or Path("-"), error) from None
    say(f"wrote {output}")


def folder_of(config: Path | None) -> Path:
    """Where the page is published: as the configuration says, or where there is none here.

    Raises:
        syncd.errors.ConfigError: The configuration does not name a folder.
    """
    path = find(config, os.environ)
    if not path.exists():
        return Path()
    found = load(config).page.directory
    if found is None:
        raise ConfigError(
            "page.directory is missing: name the folder in which runs publish, such as var/page",
            where=str(path),
        )
    return found


def _tell(name: str, folder: Path, sign_in: SignIn) -> None:
    say(f"the page of {folder.absolute()} is at {name}")
    if name.startswith("http") and not (sign_in.token or sign_in.header):
        say("every user of this machine may read it; --token-file or --user-header asks who")


def _token(path: Path) -> str:
    try:
        found = path.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigError(f"--token-file: {path} cannot be read: {error.strerror}") from None
    if len(found) < LEAST:
        raise ConfigError(f"--token-file: {path} holds fewer than {LEAST} characters")
    return found
