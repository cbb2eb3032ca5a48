"""An audit event as people read it and as programs take it: one wording for every place."""

from __future__ import annotations

import json

from syncd.model import AuditEvent

COLUMNS = ("number", "at", "actor", "kind", "sync", "audience", "run", "plan", "detail", "counts")


def line(event: AuditEvent) -> str:
    """One event as a line of text."""
    where = f" {event.sync}" if event.sync else ""
    return f"#{event.number} {event.at:%Y-%m-%d %H:%M:%S} {event.actor}{where}: {event.detail}"


def plain(event: AuditEvent) -> dict[str, object]:
    """Its columns, as JSON can carry them."""
    found: dict[str, object] = {name: getattr(event, name) for name in COLUMNS}
    return found | {"at": event.at.isoformat(), "counts": dict(event.counts)}


def cells(event: AuditEvent) -> list[str]:
    """Its columns as cells of a CSV file that no spreadsheet takes for formulas."""
    values = plain(event) | {"counts": json.dumps(dict(event.counts), sort_keys=True)}
    return [_harmless(str(values[name])) for name in COLUMNS]


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
