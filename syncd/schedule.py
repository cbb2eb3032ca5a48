"""When a sync is due: pure, with time as an argument.

What is kept of a sync is when it last began and when it is due; both survive a restart, so
nothing is run twice and nothing is forgotten. However many times have passed while nobody
was there, they come to one run.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol, assert_never
from zoneinfo import ZoneInfo

from syncd.settings import After, Cron, CronFields, Every, Manual, Schedule, read_cron

if TYPE_CHECKING:
    from collections.abc import Iterator

# A last run that is ahead of the clock by no more shows a correction: what ran does not run
# again. By more, the clock was wrong before, and what was kept by it counts no more. cron(8)
# draws the line here too.
CORRECTION = timedelta(hours=3)
# Syncs of one hour do not all begin in one second; the shop and the platforms are spared that.
SPREAD = timedelta(seconds=30)
_TICK = timedelta(microseconds=1)
_LEFT_OUT = timedelta(hours=3)  # no clock has been put forward by more since 2011
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class _Trigger(Protocol):
    """The part of APScheduler's trigger that is asked."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The first time from `now` on."""
        ...


def written(schedule: Schedule, zone: ZoneInfo) -> str:
    """A schedule as text, equal where the runs are; with its zone, where that matters."""
    match schedule:
        case Every(interval):
            return f"every {interval.total_seconds():.0f}s"
        case Cron(expression):
            return f"cron {expression} {zone.key}"
        case After(sync):
            return f"after {sync}"
        case Manual():
            return "manual"
        case _:
            assert_never(schedule)


def spread(name: str, schedule: Schedule) -> timedelta:
    """How much later than its schedule a sync begins; the same each time it is asked.

    Args:
        name: Of what it reads: those that read the same begin together.
        schedule: The sync's.

    Returns:
        Whole seconds below `SPREAD`, and below a twentieth of an interval; none where a
        person or another sync says when.
    """
    match schedule:
        case Every(interval):
            most = min(SPREAD, interval / 20)
        case Cron():
            most = SPREAD
        case After() | Manual():
            return timedelta()
        case _:
            assert_never(schedule)
    seconds = max(1, int(most.total_seconds()))
    drawn = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    return timedelta(seconds=drawn % seconds)


def due_after(
    schedule: Schedule,
    begun: datetime | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    late: timedelta = timedelta(),
) -> datetime | None:
    """When a sync is due, after a run that began, or from now on if there never was one.

    Args:
        begun: When its last run began; None for a sync that is new.
        now: The wall clock, with its zone.
        zone: Of cron expressions.
        late: How much later than its schedule it begins, see `spread`.

    Returns:
        In UTC; in the past where a run was missed. None: not by the clock.
    """
    match schedule:
        case Every(interval):
            return (now if begun is None else begun.astimezone(UTC) + interval) + late
        case Cron(expression):
            since = now if begun is None else begun
            found = cron_after(expression, since.astimezone(UTC) - late, zone)
            return None if found is None else found + late
        case After() | Manual():
            return None
        case _:
            assert_never(schedule)


def still_due(
    schedule: Schedule,
    due: datetime | None,
    begun: datetime | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    late: timedelta = timedelta(),
) -> datetime | None:
    """What a kept due time is worth by the clock as it is: one set back pauses nothing for long.

    Args:
        due: As kept; the others as in `due_after`.

    Returns:
        The same, or a sooner time where the clock that it was kept by was wrong.
    """
    if isinstance(schedule, Every):
        latest: datetime | None = now + schedule.interval + late
    else:
        latest = due_after(schedule, now, now=now, zone=zone, late=late)
    if due is None or latest is None or due <= latest:
        return None if latest is None else due or latest
    ahead = timedelta() if begun is None else begun - now
    corrected = isinstance(schedule, Cron) and timedelta() < ahead <= CORRECTION
    return due if corrected else latest


def cron_after(expression: str, since: datetime, zone: ZoneInfo) -> datetime | None:
    """The first time after another one that a cron expression names.

    A time that the clock shows twice in autumn is taken once, unless the expression names
    every hour; one that it leaves out in spring comes as much later as is left out.

    Returns:
        In UTC; None if there is none any more.
    """
    fields = read_cron(expression)
    first = _as_time_passes if fields.every_hour else _as_the_clock_shows
    found = [first(trigger, since.astimezone(UTC), zone) for trigger in _triggers(fields, zone)]
    return min((each for each in found if each is not None), default=None)


def _as_time_passes(trigger: _Trigger, since: datetime, zone: ZoneInfo) -> datetime | None:
    found = trigger.get_next_fire_time(None, (since + _TICK).astimezone(zone))
    return None if found is None else found.astimezone(UTC)


def _as_the_clock_shows(trigger: _Trigger, since: datetime, zone: ZoneInfo) -> datetime | None:
    """Ask on a clock that is never moved, and look afterwards when that time really is.

    Asked in a zone that leaves out midnight, APScheduler loses that day's `0 0 * * *`.
    """
    at = since.astimezone(zone).replace(tzinfo=UTC, fold=0) - _LEFT_OUT
    while (shown := trigger.get_next_fire_time(None, at)) is not None:
        # Of a time left out, fold 0 takes the offset from before: 02:30 is 03:30 then.
        found = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if found > since:
            return found
        at = shown + _TICK
    return None


def _triggers(fields: CronFields, zone: ZoneInfo) -> Iterator[_Trigger]:
    """One trigger, or two where either day or weekday is enough."""
    # APScheduler takes a fifth of a second to import, which `--help` need not wait for.
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415

    weekdays = ",".join(_WEEKDAYS[number] for number in sorted(fields.weekdays))
    days = _listed(fields.days)
    for day, weekday in [(days, "*"), ("*", weekdays)] if fields.either else [(days, weekdays)]:
        yield CronTrigger(
            minute=_listed(fields.minutes),
            hour=_listed(fields.hours),
            day=day,
            month=_listed(fields.months),
            day_of_week=weekday,
            timezone=zone if fields.every_hour else UTC,
        )


def _listed(numbers: frozenset[int]) -> str:
    return ",".join(str(number) for number in sorted(numbers))
