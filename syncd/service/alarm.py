"""An alarm clock: rings when the next sync is due, and every so often besides.

APScheduler measures its waits by a clock that is never set, so it notices late that the
wall clock was, or that the machine was asleep. It rings often enough for that not to matter,
and what is due is not in it but in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler

_DUE = "due"


class Alarm:
    """Rings in a thread of its own, from `start` to `stop`."""

    def __init__(self, ring: Callable[[], None], every: timedelta) -> None:
        """Set it.

        Args:
            ring: Must be quick, for no other ring comes meanwhile.
            every: The longest time without one.
        """
        self._ring = ring
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": DebugExecutor()},  # the scheduler's own thread
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_job(ring, "interval", seconds=every.total_seconds())
        self._at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When something is due next, as far as it was told."""
        return self._at

    def start(self) -> None:
        """Begin to ring."""
        self._scheduler.start()

    def set(self, at: datetime | None, now: datetime) -> None:
        """Ring at a moment, in place of the one that was set; not at one that has passed."""
        if at is None or at <= now:
            self._at = None
        elif at != self._at:
            self._at = at
            self._scheduler.add_job(self._ring, "date", run_date=at, id=_DUE, replace_existing=True)

    def stop(self) -> None:
        """Ring no more."""
        self._scheduler.shutdown(wait=False)
