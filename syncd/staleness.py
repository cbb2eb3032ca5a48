"""When a sync counts as failed, and when as stale: its second turn without success is over.

One turn that failed is told as a failure. Two in a row, or two that nobody began, mean that
an audience drifts away from its segment while all may seem quiet.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from syncd.ledger.figures import SUCCESSES, Moment
from syncd.model import Run, RunState
from syncd.schedule import cron_after
from syncd.settings import After, Cron, Every, Manual, Schedule, Settings

# Errors that end a run and are nobody's task: the next run goes on by itself, and if that
# lasts the sync goes stale. `Stopped` is a service that was told to end.
PASSING = frozenset({"Throttled", "AudienceBusy", "Busy", "Stopped"})


def failed(run: Run) -> bool:
    """Whether a run failed in a way that somebody should look at."""
    return run.state is RunState.FAILED and run.error not in PASSING


def stale_at(seen: Moment, settings: Settings, sync: str) -> datetime | None:
    """When a sync goes stale unless a run of it succeeds, in the past if it has.

    It is reckoned from the end of its last run that succeeded; before there was one, from
    the beginning of its first, or from when it was first due. An audience that scheduled
    runs leave alone for a `min_interval` is given that on top.

    Returns:
        None where nothing but a person starts it, or it was never due.
    """
    last = seen.last_run(sync, SUCCESSES)
    since = last.ended_at if last else seen.first_began(sync) or seen.due_at(sync)
    if since is None:
        return None
    rests = settings.syncs[sync].timing.min_interval
    return second_turn(clock_of(settings, sync), since + rests, ZoneInfo(settings.shop.timezone))


def clock_of(settings: Settings, sync: str) -> Schedule:
    """The schedule that starts a sync in the end: its own, or that of whom it follows."""
    schedule = settings.syncs[sync].schedule
    while isinstance(schedule, After):  # `config check` refuses circles
        schedule = settings.syncs[schedule.sync].schedule
    return schedule


def second_turn(schedule: Schedule, since: datetime, zone: ZoneInfo) -> datetime | None:
    """The second time after another one that a schedule names; None if it names none."""
    match schedule:
        case Every(interval):
            return since + 2 * interval
        case Cron(expression):
            first = cron_after(expression, since, zone)
            return None if first is None else cron_after(expression, first, zone)
        case After() | Manual():
            return None
