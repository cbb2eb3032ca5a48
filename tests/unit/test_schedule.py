"""When a sync is due: the runs that a person would expect, a table of them."""
# ruff: noqa: E501  # tables of runs read best a case a line

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from syncd.schedule import SPREAD, cron_after, due_after, spread, still_due
from syncd.settings import After, Cron, Every, Manual, Schedule, read_cron

AMSTERDAM, NEW_YORK = "Europe/Amsterdam", "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"  # moves by half an hour
SANTIAGO = "America/Santiago"  # leaves out midnight
MINUTE = timedelta(minutes=1)
QUARTER = Every(timedelta(minutes=15))


def moment(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def driven(
    schedule: Schedule,
    zone: ZoneInfo,
    minutes: list[datetime],
    kept: tuple[datetime | None, datetime | None] = (None, None),
) -> tuple[list[datetime], tuple[datetime | None, datetime | None]]:
    """What runs when somebody looks each minute and keeps what the daemon keeps; that too."""
    due, begun = kept
    due = due or due_after(schedule, begun, now=minutes[0], zone=zone)
    ran = []
    for now in minutes:
        due = still_due(schedule, due, begun, now=now, zone=zone)
        if due is not None and due <= now:
            ran.append(now)
            begun = now
            due = due_after(schedule, now, now=now, zone=zone)
    return ran, (due, begun)


def every_minute(start: datetime, end: datetime) -> list[datetime]:
    return [start + n * MINUTE for n in range((end - start) // MINUTE)]


CHANGES = [
    # zone, day, expression, the runs of that night until 05:00 by the clock on the wall
    (AMSTERDAM, "2026-03-29", "30 2 * * *", "03:30+0200"),
    (AMSTERDAM, "2026-03-29", "0 3 * * *", "03:00+0200"),
    (AMSTERDAM, "2026-03-29", "30 * * * *", "00:30+0100 01:30+0100 03:30+0200 04:30+0200"),
    (AMSTERDAM, "2026-03-29", "0 */2 * * *", "03:00+0200 04:00+0200"),
    (AMSTERDAM, "2026-10-25", "30 2 * * *", "02:30+0200"),
    (AMSTERDAM, "2026-10-25", "0 3 * * *", "03:00+0100"),
    (AMSTERDAM, "2026-10-25", "30 * * * *", "00:30+0200 01:30+0200 02:30+0200 02:30+0100 03:30+0100 04:30+0100"),
    (AMSTERDAM, "2026-10-25", "0 */2 * * *", "02:00+0200 04:00+0100"),
    (NEW_YORK, "2026-03-08", "30 2 * * *", "03:30-0400"),
    (NEW_YORK, "2026-03-08", "45 1-3 * * *", "01:45-0500 03:45-0400"),
    (NEW_YORK, "2026-11-01", "30 1 * * *", "01:30-0400"),
    (NEW_YORK, "2026-11-01", "45 1-3 * * *", "01:45-0400 02:45-0500 03:45-0500"),
    (LORD_HOWE, "2026-10-04", "15 2 * * *", "02:45+1100"),
    (LORD_HOWE, "2026-10-04", "*/30 1-3 * * *", "01:00+1030 01:30+1030 02:30+1100 03:00+1100 03:30+1100"),
    (LORD_HOWE, "2026-04-05", "45 1 * * *", "01:45+1100"),
    (LORD_HOWE, "2026-04-05", "*/30 * * * *", "00:30+1100 01:00+1100 01:30+1100 01:30+1030 02:00+1030 02:30+1030 03:00+1030 03:30+1030 04:00+1030 04:30+1030"),
    (LORD_HOWE, "2026-04-05", "10 * * * *", "00:10+1100 01:10+1100 02:10+1030 03:10+1030 04:10+1030"),
    (SANTIAGO, "2026-09-06", "0 0 * * *", "01:00-0300"),
    (SANTIAGO, "2026-04-05", "30 0 * * *", "00:30-0400"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "day", "cron", "expected"), CHANGES)
def test_a_night_when_the_clocks_change(zone: str, day: str, cron: str, expected: str) -> None:
    """None lost and none twice, looked at minute by minute."""
    there = ZoneInfo(zone)
    start = moment(f"{day} 05:00", there) - timedelta(hours=6)
    ran, _ = driven(Cron(cron), there, every_minute(start, moment(f"{day} 05:00", there)))

    local = [each.astimezone(there) for each in ran]
    night = [at for at in local if f"{at:%Y-%m-%d}" == day and at.hour + at.minute > 0]
    assert " ".join(f"{at:%H:%M%z}" for at in night) == expected


def test_a_start_after_the_clocks_went_forward_finds_what_they_left_out() -> None:
    there = ZoneInfo(AMSTERDAM)
    since = moment("2026-03-29 03:10", there)

    assert cron_after("30 2 * * *", since, there) == since + timedelta(minutes=20)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_an_interval_is_time_that_passes_whatever_clocks_show(day: str) -> None:
    there = ZoneInfo(AMSTERDAM)
    start = moment(f"{day} 00:00", there)
    ran, _ = driven(QUARTER, there, every_minute(start, start + timedelta(hours=6)))

    assert ran == [start + n * 15 * MINUTE for n in range(24)]


@pytest.mark.parametrize(
    ("schedule", "then"),
    [
        (QUARTER, timedelta(minutes=15)),
        (Every(timedelta(hours=6)), timedelta(hours=6)),
        (Cron("0 3 * * *"), timedelta(hours=15)),
        (Cron("0 3 * * 0"), timedelta(days=4, hours=15)),
    ],
)
def test_a_month_of_downtime_comes_to_one_run(schedule: Schedule, then: timedelta) -> None:
    """At once after the start, and then as ever."""
    zone = ZoneInfo("UTC")
    begun = datetime(2026, 8, 1, 3, tzinfo=UTC)
    now = datetime(2026, 9, 1, 12, tzinfo=UTC)  # a Tuesday
    kept = due_after(schedule, begun, now=begun, zone=zone)

    assert still_due(schedule, kept, begun, now=now, zone=zone) == kept
    assert kept is not None
    assert kept <= now
    assert due_after(schedule, now, now=now, zone=zone) == now + then


BACK = [
    # what, the clock set back by so much at 12:10, runs until 16:00 by the new clock
    (QUARTER, timedelta(hours=1), "11:25 11:40 11:55 12:10 12:25"),
    (QUARTER, timedelta(days=400), "12:25 12:40 12:55 13:10 13:25"),
    (Cron("0 12 * * *"), timedelta(hours=1), ""),
    (Cron("0 12,15 * * *"), timedelta(hours=2), "15:00"),
    (Cron("0 12 * * *"), timedelta(days=400), ""),
    (Cron("0 15 * * *"), timedelta(days=400), "15:00"),
]


@pytest.mark.parametrize(("schedule", "by", "expected"), BACK)
def test_a_clock_set_back(schedule: Schedule, by: timedelta, expected: str) -> None:
    """What has just run does not run again, and nothing waits for the old time to come back."""
    zone = ZoneInfo("UTC")
    start, turn = datetime(2026, 6, 1, 11, 55, tzinfo=UTC), datetime(2026, 6, 1, 12, 10, tzinfo=UTC)
    ran, kept = driven(schedule, zone, every_minute(start, turn + MINUTE))
    until = (turn - by).replace(hour=16, minute=0)
    again, _ = driven(schedule, zone, every_minute(turn - by, until), kept)

    assert turn in ran or isinstance(schedule, Cron)
    assert " ".join(f"{at:%H:%M}" for at in again[:5]) == expected


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("0 0 * * 0", "08 15 22 29"),  # Sundays of November 2026
        ("0 0 * * 7", "08 15 22 29"),
        ("0 0 * * sun", "08 15 22 29"),
        ("0 0 * * 1", "02 09 16 23 30"),
        ("0 0 * * 5-7", "06 07 08 13 14 15 20 21 22 27 28 29"),
        ("0 0 * * fri-sun", "06 07 08 13 14 15 20 21 22 27 28 29"),
        ("0 0 * * sun-mon", "02 08 09 15 16 22 23 29 30"),
        ("0 0 10 * 1", "02 09 10 16 23 30"),  # either one, as crontab(5) has it
        ("0 0 */10 * 1", "11 21 -"),  # both, where one of them begins with a star
    ],
)
def test_weekdays_are_those_of_crontab(cron: str, days: str) -> None:
    zone = ZoneInfo("UTC")
    at: datetime | None = datetime(2026, 11, 1, 12, tzinfo=UTC)
    found = list[str]()
    while at is not None and (at := cron_after(cron, at, zone)) and at.month == 11:
        found.append(f"{at:%d}")

    if days.endswith("-"):
        assert all(datetime(2026, 11, int(day), tzinfo=UTC).weekday() == 0 for day in found)
    else:
        assert " ".join(found) == days


def test_the_29th_of_february_is_waited_for() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)

    assert cron_after("0 0 29 2 *", since, ZoneInfo("UTC")) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize("schedule", [Manual(), After("other")])
def test_what_waits_for_somebody_is_not_due_by_the_clock(schedule: Schedule) -> None:
    now, zone = datetime(2026, 6, 1, tzinfo=UTC), ZoneInfo("UTC")

    assert due_after(schedule, None, now=now, zone=zone) is None
    assert still_due(schedule, now, None, now=now, zone=zone) is None
    assert spread("a", schedule) == timedelta()


def test_syncs_of_one_time_are_spread_and_each_keeps_its_place() -> None:
    cron = Cron("0 3 * * *")
    drawn = {spread(f"sync-{n}", cron) for n in range(100)}

    assert len(drawn) > 20
    assert max(drawn) < SPREAD
    assert spread("a", cron) == spread("a", cron)
    assert spread("a", Every(MINUTE)) <= timedelta(seconds=2)


def test_a_run_that_began_late_by_its_spread_is_not_repeated() -> None:
    """The next one is tomorrow's, not today's once more."""
    zone, late = ZoneInfo("UTC"), timedelta(seconds=20)
    begun = datetime(2026, 6, 1, 3, 0, 20, tzinfo=UTC)

    found = due_after(Cron("0 3 * * *"), begun, now=begun, zone=zone, late=late)
    assert found == datetime(2026, 6, 2, 3, 0, 20, tzinfo=UTC)


def test_a_start_between_the_time_and_its_spread_is_in_time() -> None:
    zone, late = ZoneInfo("UTC"), timedelta(seconds=20)
    now = datetime(2026, 6, 1, 3, 0, 10, tzinfo=UTC)

    found = due_after(Cron("0 3 * * *"), None, now=now, zone=zone, late=late)
    assert found == now + timedelta(seconds=10)


def test_an_expression_is_read_to_numbers() -> None:
    found = read_cron("5/20 */8 1-3,9 feb-apr *")

    assert found.minutes == {5, 25, 45}
    assert found.hours == {0, 8, 16}
    assert found.days == {1, 2, 3, 9}
    assert found.months == {2, 3, 4}
    assert found.weekdays == set(range(7))
