"""Whose turn it is, runs: the one way in which a command and the daemon run a sync."""

from __future__ import annotations

from datetime import datetime

import structlog

from syncd.app import App
from syncd.interval import rests_until
from syncd.parts import Progress, silent
from syncd.sync import Result, Wish, run

SCHEDULE = "schedule"  # the actor of whatever nobody asked for

log = structlog.get_logger()


def take(app: App, name: str, wish: Wish, *, progress: Progress = silent) -> Result | datetime:
    """Run a sync, unless it is a timer's wish and the audience is to be left alone.

    Args:
        app: An open configuration, with the lock.
        name: The sync's.
        wish: By whom, and what beyond the sync.
        progress: Told how far it is.

    Returns:
        How the run ended; or until when the audience is left alone.

    Raises:
        syncd.errors.SyncdError: The run failed or is held, or could not begin.
    """
    try:
        parts = app.parts(name, progress=progress)
        rest = rests_until(parts) if wish.actor == SCHEDULE else None
        if rest is not None:
            log.info("run_rests", sync=name, until=rest.isoformat())
            return rest
        return run(parts, wish)
    finally:
        app.membership.let_go()
