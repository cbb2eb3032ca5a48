"""backup: keeping the ledger and its files."""

from __future__ import annotations

from pathlib import Path

from syncd.app import App, open_app
from syncd.cli.options import actor
from syncd.cli.output import print_json, say
from syncd.ledger.backups import Backup, make
from syncd.model import AuditEvent

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
