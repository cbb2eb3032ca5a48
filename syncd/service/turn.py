"""Whose turn it is, runs: the one way in which a command and the daemon run a sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from syncd.app import App
from syncd.reconciling import replace_audience
from syncd.runs.parts import Guarded, Parts, Progress, silent
from syncd.service.interval import rests_until
from syncd.sync import Result, Wish, run

SCHEDULE = "schedule"  # the actor of whatever nobody asked for

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Telling:
    """The lock, which tells one more of the run that it is told of."""

    inner: Guarded
    began: Callable[[str], None]

    def tell(self, run: str) -> None:
        """Let both know which run is under way."""
        self.inner.tell(run)
        self.began(run)

    def check(self) -> None:
        """As the lock does."""
        self.inner.check()


def telling(parts: Parts, began: Callable[[str], None] | None) -> Parts:
    """Parts whose run is told, once it has an id."""
    return parts if began is None else replace(parts, lock=_Telling(parts.lock, began))


def take(
    app: App,
    name: str,
    wish: Wish,
    *,
    progress: Progress = silent,
    began: Callable[[str], None] | None = None,
) -> Result | datetime:
    """Run a sync, unless it is a timer's wish and the audience is to be left alone.

    Args:
        app: An open configuration, with the lock.
        name: The sync's.
        wish: By whom, and what beyond the sync.
        progress: Told how far it is.
        began: Told the run's id once there is one.

    Returns:
        How the run ended; or until when the audience is left alone.

    Raises:
        syncd.errors.SyncdError: The run failed or is held, or could not begin.
    """

    def make() -> Parts:
        return telling(app.parts(name, progress=progress), began)

    try:
        if wish.replace:
            return replace_audience(make, actor=wish.actor)
        parts = make()
        rest = rests_until(parts) if wish.actor == SCHEDULE else None
        if rest is not None:
            log.info("run_rests", sync=name, until=rest.isoformat())
            return rest
        return run(parts, wish)
    finally:
        app.membership.let_go()
