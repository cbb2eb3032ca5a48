"""metrics, alerts: what programs and people are told."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import syncd.metrics
from syncd.alerts import CONDITIONS, tell_failed, try_out
from syncd.app import App, open_app
from syncd.cli.output import print_json, say, table
from syncd.clock import SystemClock
from syncd.errors import ConfigError, Denied, Held, SyncdError, UsageError
from syncd.settings import load_alerts

# What a run ends a round with, and tells people of itself.
_TOLD = {str(error.exit_code) for error in (SyncdError, Held, Denied)}


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


def failed(unit: str, config: Path | None, environment: Mapping[str, str] = os.environ) -> None:
    """Tell each target that a service has failed, unless a run of it has told what is wrong."""
    status = environment.get("MONITOR_EXIT_STATUS", "")
    if status in _TOLD and _is_open(config):
        say(f"nothing is sent: what {unit} ended for is open, `syncd alerts` lists it")
        return
    settings = load_alerts(config)
    said = _failure(unit, environment.get("MONITOR_SERVICE_RESULT", "unknown"), status)
    codes = tell_failed(settings, SystemClock(), unit, said)
    _say_codes(codes)
    if not codes:
        say("nobody is told: alerts.targets in the configuration is empty")
    sys.exit(1 if any(codes.values()) else 0)


def _is_open(config: Path | None) -> bool:
    try:
        with open_app(config) as app:
            return bool(app.ledger.alerts.open())
    except SyncdError:
        return False  # then no run came so far that it could tell


def _failure(unit: str, result: str, status: str) -> str:
    ended = f"{result}, status {status}" if status else result
    said = f"The service {unit} on {socket.gethostname()} has failed ({ended}): it does not run."
    if status == str(ConfigError.exit_code):
        said += " `syncd config check` and `syncd doctor` say what keeps it from starting."
    return (
        f"{said} `systemctl status {unit}` and `journalctl -u {unit}` show what it said last, and "
        f"`systemctl start {unit}` begins again. No message follows when it does."
    )


def test(config: Path | None, *, as_json: bool) -> None:
    """Try each target once."""
    with open_app(config) as app:
        codes = _tried(app)
    if as_json:
        print_json({target: code or "taken" for target, code in codes.items()})
    else:
        _say_codes(codes)
    sys.exit(1 if any(codes.values()) else 0)


def _say_codes(codes: Mapping[str, str]) -> None:
    for target, code in codes.items():
        say(f"{target}: {f'NOT taken: {code}' if code else 'taken'}")


def _tried(app: App) -> dict[str, str]:
    if not app.settings.alerts.targets:
        raise UsageError(
            "alerts.targets in the configuration is empty: name who is to be told, see "
            "config/syncd.example.yaml"
        )
    return try_out(app)
