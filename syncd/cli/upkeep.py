"""backup, rebuild: keeping the ledger and its files, and going on without some of them."""

from __future__ import annotations

import sys
from pathlib import Path

from syncd.app import App, open_app
from syncd.cli.options import actor
from syncd.cli.output import complain, print_json, say
from syncd.errors import UsageError
from syncd.ledger.backups import Backup, make
from syncd.model import AuditEvent
from syncd.rebuild import Remains, sentence, why
from syncd.rebuild import rebuild as rebuilt

_MEGABYTE = 1_000_000


def backup(target: Path, config: Path | None, *, as_json: bool) -> None:
    """Write a backup, tell the audit, and say what is not in it."""
    with open_app(config) as app:
        url, now = app.settings.ledger.url, app.clock.now()
        made = make(app.ledger, url, app.directory, target.absolute(), now=now)
        app.ledger.audit(_made(made))
        key = _key(app)
    if as_json:
        print_json(made)
        return
    say(f"backed up to {made.path}: the ledger and {_files(made)}")
    say(f"  as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC; audit up to #{made.audit_number}")
    say(f"  the ledger key is not in it: keep {key} somewhere else.")
    say("  Without the key no file of it opens; with it, each does")
    say("  put back, it pushes nothing until you have run: syncd rebuild")


def _made(made: Backup) -> AuditEvent:
    said = f"Backed up the ledger and {_files(made)} to {made.path}; the ledger key is not in it."
    counts = {"files": made.files, "bytes": made.bytes}
    return AuditEvent("backup_made", made.made_at, actor(), said, counts=counts)


def _files(made: Backup) -> str:
    files = "1 file" if made.files == 1 else f"{made.files:,} files"
    return f"{files}, {made.bytes / _MEGABYTE:,.1f} MB in all"


def _key(app: App) -> str:
    """Where the key is, as a person would look for it."""
    if app.settings.ledger.key is None:
        return str(app.directory / "ledger.key")
    return "what `ledger.key` in the configuration refers to"


def rebuild(config: Path | None, *, yes: bool, as_json: bool) -> None:
    """Say what does not fit, ask, and make it fit."""
    with open_app(config, holder="rebuild", fitting=False) as app:
        if not yes:
            _ask(app)
        syncs = app.settings.syncs
        outcome = rebuilt(
            Remains(
                ledger=app.ledger,
                directory=app.directory,
                files=app.surviving,
                clock=app.clock,
                names=app.names,
                configured={name: sync.audience.name or "" for name, sync in syncs.items()},
                actor=actor(),
            )
        )
    if as_json:
        print_json(outcome)
        return
    for audience in outcome.audiences:
        say(sentence(audience))
    if outcome.broken:
        say(
            f"{outcome.broken:,} files could not be read; the next run deletes them, so copy them "
            "now if they are to be looked into"
        )
    say("done. Erasures asked for in the time that is lost must be asked for again")
    say("where a platform works later, removals of that time may land for another day: wait for it")
    say("next: syncd plan, then syncd sync of each sync")


def _ask(app: App) -> None:
    """Go on only if a person says so.

    Raises:
        syncd.errors.UsageError: They did not.
    """
    reason = why(app.ledger, app.directory)
    complain(
        f"{app.directory} and the ledger do not fit: {reason}."
        if reason
        else "Ledger and directory fit, as far as the two can tell."
    )
    complain(
        "A rebuild keeps everyone known as possible and nobody as certain: the next run of each "
        "sync adds everyone again. Held plans and approvals are void. It cannot be undone."
    )
    sys.stderr.write("Rebuild? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was rebuilt and nothing has changed; `--yes` does not ask")
