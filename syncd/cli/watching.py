"""Signatures and help of the commands that watch: metrics, alerts.

As in `commands`, so that `--help` imports no room of syncd.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import Config, Json


def metrics(
    textfile: Annotated[
        Path | None,
        typer.Option(
            help="Write them to this file, such as /var/lib/node_exporter/syncd.prom, for "
            "node_exporter's textfile collector; readers see the old one or the new one.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Print metrics as Prometheus reads them, computed from the ledger."""
    from syncd.cli import told  # noqa: PLC0415

    told.metrics(config, textfile=textfile)


def alerts(
    context: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many messages, the newest first.")] = 20,
    config: Config = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """List what is open, what was told to whom, and what waits; or try the targets."""
    if context.invoked_subcommand is None:
        from syncd.cli import told  # noqa: PLC0415

        told.alerts(config, limit=limit, as_json=json)


def alerts_test(config: Config = None, json: Json = False) -> None:  # noqa: FBT002
    """Send a test message to each target of the configuration, and say who took it.

    Exits 1 if a target did not.
    """
    from syncd.cli import told  # noqa: PLC0415

    told.test(config, as_json=json)


def alerts_failed(
    unit: Annotated[str, typer.Argument(metavar="UNIT", show_default=False)],
    config: Config = None,
) -> None:
    """Tell each target that a service of syncd has failed; for systemd's OnFailure=.

    Needs no ledger, and of the configuration only `alerts`. What systemd says of the failure
    is taken from $MONITOR_SERVICE_RESULT and $MONITOR_EXIT_STATUS. Nothing is sent where a
    run told what is wrong itself. Exits 1 if a target did not take it.
    """
    from syncd.cli import told  # noqa: PLC0415

    told.failed(unit, config)
