"""The runs that a person would expect, minute by minute on a real ledger: three tables.

Times are those of the clock on the wall; a star marks an hour that it shows once more.
"""
# ruff: noqa: E501  # tables of runs read best a case a line

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.schedule import spread
from syncd.service.agenda import Agenda
from syncd.settings import After, Cron, Every, Schedule
from tests.integration.ledger_databases import Hands
from tests.integration.watching import opened

AMSTERDAM, NEW_YORK, SYDNEY = "Europe/Amsterdam", "America/New_York", "Australia/Sydney"
MINUTE = timedelta(minutes=1)
# Names of syncs that begin on the minute, so that only what is written here moves a run.
PUNCTUAL = [name for name in (f"s{n}" for n in range(1000)) if not spread(name, Cron("* * * * *"))]

SPRING = {
    "every 15m": "01:00 01:15 01:30 01:45 03:00 03:15 03:30 03:45 04:00",
    "every 6h": "04:00",  # 21:00 and six hours that pass
    "15 3 * * sun": "03:15",
    "15 3 * * mon-sat": "",
    "30 2 * * *": "03:30",  # there is no 02:30: as much later as is left out
    "30 1 * * *": "01:30",
    "after 30 2 * * *": "03:30",
}
AUTUMN_AT_3 = {  # 03:00 becomes 02:00
    "every 15m": "01:00 01:15 01:30 01:45 02:00 02:15 02:30 02:45 02:00* 02:15* 02:30* 02:45* 03:00 03:15 03:30 03:45 04:00",
    "every 6h": "02:00*",
    "15 3 * * sun": "03:15",
    "15 3 * * mon-sat": "",
    "30 2 * * *": "02:30",  # once, though the clock shows it twice
    "30 1 * * *": "01:30",
    "after 30 2 * * *": "02:30",
}
AUTUMN_AT_2 = {  # 02:00 becomes 01:00
    "every 15m": "01:00 01:15 01:30 01:45 01:00* 01:15* 01:30* 01:45* 02:00 02:15 02:30 02:45 03:00 03:15 03:30 03:45 04:00",
    "every 6h": "02:00",
    "15 3 * * sun": "03:15",
    "15 3 * * mon-sat": "",
    "30 2 * * *": "02:30",
    "30 1 * * *": "01:30",
    "after 30 1 * * *": "01:30",
}
NIGHTS = [
    # zone, the Sunday on which its clocks change, runs from 01:00 to 04:00
    (AMSTERDAM, "2026-03-29", SPRING),
    (AMSTERDAM, "2026-10-25", AUTUMN_AT_3),
    (NEW_YORK, "2026-03-08", SPRING),
    (NEW_YORK, "2026-11-01", AUTUMN_AT_2),
    (SYDNEY, "2026-04-05", AUTUMN_AT_3),
    (SYDNEY, "2026-10-04", SPRING),
]
AFTER_A_MONTH = {
    # at noon of 10 October the daemon went down, on Tuesday 10 November at 12:07 it is back;
    # in between clocks were changed. Runs until 18:30
    "every 15m": "12:07 12:22 12:37 12:52 13:07 13:22 13:37 13:52 14:07 14:22 14:37 14:52 15:07 15:22 15:37 15:52 16:07 16:22 16:37 16:52 17:07 17:22 17:37 17:52 18:07 18:22",
    "every 6h": "12:07 18:07",
    "0 3 * * *": "12:07",  # thirty-one were missed: one makes up for them
    "0 18 * * *": "12:07 18:00",
    "0 9 * * mon": "12:07",
    "0 9 10 12 *": "",  # none was missed
    "after 0 18 * * *": "12:07 18:00",
}
SET_BACK = {
    # on 1 June the clock went from 12:10 back to 10:10. Runs from then until 15:00
    "every 15m": "10:25 10:40 10:55 11:10 11:25 11:40 11:55 12:10 12:25 12:40 12:55 13:10 13:25 13:40 13:55 14:10 14:25 14:40 14:55",
    "every 6h": "15:00",  # it ran at 09:00
    "0 12 * * *": "",  # that ran at noon, before the clock was set
    "0 13 * * *": "13:00",
    "30 * * * mon": "12:30 13:30 14:30",  # those of 10:30 and 11:30 had run
    "after 0 12 * * *": "",
    "after 0 13 * * *": "13:00",
}


class Driven:
    """A daemon's agenda, looked at each minute; every run succeeds at once."""

    def __init__(self, folder: Path, zone: str, written: Iterable[str], at: str) -> None:
        self.zone, self.folder = ZoneInfo(zone), folder
        self.names = dict(zip(written, PUNCTUAL, strict=False))
        self.clock = Hands(self.moment(at))
        self.schedules = {name: self.schedule(text) for text, name in self.names.items()}

    def moment(self, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)

    def schedule(self, text: str) -> Schedule:
        if text.startswith("after "):
            return After(self.names[text.removeprefix("after ")])
        if found := re.fullmatch(r"every (\d+)([mh])", text):
            return Every(timedelta(**{{"m": "minutes", "h": "hours"}[found[2]]: int(found[1])}))
        return Cron(text)

    def until(self, at: str, agenda: Agenda) -> list[tuple[str, datetime]]:
        """Look each minute until then, that one too; what ran, and when it was on the wall."""
        ran, end = list[tuple[str, datetime]](), self.moment(at)
        while self.clock.at <= end:
            while found := agenda.look():
                for name in found:
                    assert agenda.begin(name)
                    agenda.end(name, succeeded=True)
                    ran.append((name, self.clock.at.astimezone(self.zone)))
            self.clock.at += MINUTE
        return ran

    def shown(self, ran: list[tuple[str, datetime]], since: str = "") -> Mapping[str, str]:
        """Runs as the tables have them."""
        first = self.moment(since) if since else self.moment("2000-01-01")
        return {
            text: " ".join(f"{at:%H:%M}{'*' * at.fold}" for each, at in ran if each == name and at >= first)
            for text, name in self.names.items()
        }  # fmt: skip


@pytest.mark.parametrize(("zone", "day", "expected"), NIGHTS)
def test_the_night_when_clocks_change(zone: str, day: str, expected: Mapping[str, str], tmp_path: Path) -> None:  # fmt: skip
    """Started at 21:00 of the Saturday."""
    eve = datetime.fromisoformat(day).date() - timedelta(days=1)
    driven = Driven(tmp_path, zone, expected, f"{eve} 21:00")
    with opened(tmp_path, driven.clock) as ledger:
        agenda = Agenda(ledger.due, driven.schedules, driven.zone, driven.clock)
        ran = driven.until(f"{day} 04:00", agenda)
    assert driven.shown(ran, f"{day} 01:00") == expected


def test_a_month_of_downtime(tmp_path: Path) -> None:
    driven = Driven(tmp_path, AMSTERDAM, AFTER_A_MONTH, "2026-10-10 11:30")
    with opened(tmp_path, driven.clock) as ledger:
        first = Agenda(ledger.due, driven.schedules, driven.zone, driven.clock)
        assert len(driven.until("2026-10-10 12:00", first)) == 4, "what has an interval ran"
        driven.clock.at = driven.moment("2026-11-10 12:07")
        second = Agenda(ledger.due, driven.schedules, driven.zone, driven.clock)
        ran = driven.until("2026-11-10 18:30", second)
    assert driven.shown(ran) == AFTER_A_MONTH


def test_a_wall_clock_set_back_by_two_hours(tmp_path: Path) -> None:
    driven = Driven(tmp_path, AMSTERDAM, SET_BACK, "2026-06-01 09:00")
    with opened(tmp_path, driven.clock) as ledger:
        agenda = Agenda(ledger.due, driven.schedules, driven.zone, driven.clock)
        before = driven.shown(driven.until("2026-06-01 12:10", agenda))
        assert (before["0 12 * * *"], before["after 0 12 * * *"]) == ("12:00", "12:00")
        assert before["30 * * * mon"] == "09:30 10:30 11:30"
        driven.clock.at = driven.moment("2026-06-01 10:10")
        ran = driven.until("2026-06-01 15:00", agenda)
    assert driven.shown(ran) == SET_BACK
