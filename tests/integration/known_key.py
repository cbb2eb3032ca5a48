"""A ledger whose key is the same in every test, so that the same people are held out."""

from __future__ import annotations

from tests.integration.commands import Desk


def know(desk: Desk) -> None:
    """Let the desk's ledger, which is not there yet, be made under a key that stands here."""
    path = desk.folder / "config" / "state_key"
    path.write_text("a7" * 32, "utf-8")
    path.chmod(0o600)
    desk.settings["ledger"]["key"] = {"file": path.name}
    desk.save()
