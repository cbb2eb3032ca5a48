"""metrics, alerts: what programs and people are told."""

from __future__ import annotations

import sys
from pathlib import Path

import syncd.metrics
from syncd.alerts import CONDITIONS, try_out
from syncd.app import App, open_app
from syncd.cli.output import print_json, say, table
from syncd.errors import UsageError


def metrics(config: Path | None, *, textfile: Path | None) -> None:
    """Write all metrics to standard output, or to a file."""
    with open_app(config) as app:
        if textfile is not None:
            syncd.metrics.write(textfile, app.ledger, app.settings, app.clock)
            return
        found = syncd.metrics.exposition(app.ledger, app.settings, app.clock)
    sys.stdout.write(found.decode())


def alerts(config: Path | None, *, limit: int, as_json: bool) -> None:
    """Print open conditions, then the last messages, one line for each target."""
    with open_app(config) as app:
        found = app.ledger.alerts.open()
        deliveries = app.ledger.alerts.deliveries(limit)
        targets = list(app.settings.alerts.targets)
    if as_json:
        known = {"open": found, "deliveries": deliveries, "targets": targets}
        print_json({**known, "conditions": CONDITIONS})
        return
    if found:
        columns = ("since", "subject", "condition")
        table(columns, [(one.opened_at, one.subject, one.condition) for one in found])
        for one in found:
            say(f"{one.subject}, {one.condition}: {one.said}")
    else:
        say("nothing is open")
    if deliveries:
        say()
        table(
            ("at", "subject", "condition", "is", "target", "state", "tried", "next or sent", "why"),
            [
                (
                    *(each.notice.at, each.notice.subject, each.notice.condition),
                    *(each.notice.turn, each.target, each.state, each.attempts),
                    *(each.ended_at or each.due_at, each.code),
                )
                for each in deliveries
            ],
        )
    if not targets:
        say("nobody is told: alerts.targets in the configuration is empty")


def test(config: Path | None, *, as_json: bool) -> None:
    """Try each target once."""
    with open_app(config) as app:
        codes = _tried(app)
    if as_json:
        print_json({target: code or "taken" for target, code in codes.items()})
    else:
        for target, code in codes.items():
            say(f"{target}: {f'NOT taken: {code}' if code else 'taken'}")
    sys.exit(1 if any(codes.values()) else 0)


def _tried(app: App) -> dict[str, str]:
    if not app.settings.alerts.targets:
        raise UsageError(
            "alerts.targets in the configuration is empty: name who is to be told, see "
            "config/syncd.example.yaml"
        )
    return try_out(app)
