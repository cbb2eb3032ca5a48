"""What is to run now, across restarts: on a real ledger, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.ledger.store import Ledger
from syncd.service.agenda import Agenda
from syncd.settings import After, Cron, Every, Manual, Schedule
from tests.integration.ledger_databases import Hands, new_database, new_ledger

HOURLY = Every(timedelta(hours=1))
SECONDS = timedelta(seconds=31)  # past anyone's spread


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def ledger(tmp_path: Path, clock: Hands) -> Iterator[Ledger]:
    with new_database("sqlite", tmp_path) as url, new_ledger(url, clock) as opened:
        yield opened


class Daemon:
    """Stands for one process after another on one ledger."""

    def __init__(self, ledger: Ledger, clock: Hands, schedules: Mapping[str, Schedule]) -> None:
        self.ledger, self.clock, self.schedules = ledger, clock, dict(schedules)
        self.restart()

    def restart(self) -> None:
        self.agenda = Agenda(self.ledger.due, self.schedules, ZoneInfo("UTC"), self.clock)

    def run_due(self, *, succeeded: bool = True) -> tuple[str, ...]:
        found = self.agenda.look()
        for name in found:
            assert self.agenda.begin(name)
            self.agenda.end(name, succeeded=succeeded)
        return found

    def later(self, **length: float) -> None:
        self.clock.at += timedelta(**length)


def started(ledger: Ledger, clock: Hands, **schedules: Schedule) -> Daemon:
    """A daemon that has looked once, and waited for whoever is due at the start."""
    daemon = Daemon(ledger, clock, schedules)
    daemon.agenda.look()
    daemon.later(seconds=31)
    return daemon


def test_a_new_sync_runs_at_once_and_then_as_scheduled(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY, b=Manual())

    assert daemon.run_due() == ("a",)
    daemon.later(minutes=59)
    assert daemon.run_due() == ()
    daemon.later(minutes=2)
    assert daemon.run_due() == ("a",)


def test_a_restart_neither_doubles_nor_loses_a_run(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY)
    daemon.run_due()

    daemon.restart()
    assert daemon.run_due() == ()
    daemon.later(minutes=61)
    daemon.restart()
    assert daemon.run_due() == ("a",)


def test_a_month_without_a_daemon_comes_to_one_run(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY, b=Cron("0 3 * * *"))
    daemon.later(days=1)
    daemon.run_due()

    daemon.later(days=30)
    daemon.restart()
    assert set(daemon.run_due()) == {"a", "b"}
    assert daemon.run_due() == ()


def test_a_run_that_was_cut_off_is_begun_again_by_the_next_process(
    ledger: Ledger, clock: Hands
) -> None:
    daemon = started(ledger, clock, a=Cron("* * * * *"), b=HOURLY)
    daemon.later(minutes=2)
    assert daemon.agenda.begin("b")

    daemon.restart()
    assert "b" in daemon.run_due()


def test_a_sync_that_runs_is_not_begun_twice(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY)

    assert daemon.agenda.begin("a")
    assert not daemon.agenda.begin("a")
    daemon.later(hours=5)
    assert daemon.agenda.look() == ()
    assert daemon.agenda.next_at() is None


def test_one_that_follows_runs_when_the_other_succeeded_and_only_then(
    ledger: Ledger, clock: Hands
) -> None:
    daemon = started(ledger, clock, a=HOURLY, b=After("a"), c=After("b"))

    assert daemon.run_due(succeeded=False) == ("a",)
    assert daemon.run_due() == ()
    daemon.later(minutes=62)
    assert daemon.run_due() == ("a",)
    daemon.restart()  # between the two
    assert daemon.run_due() == ("b",)
    assert daemon.run_due() == ("c",)
    assert daemon.run_due() == ()


def test_a_changed_schedule_is_reckoned_from_the_last_run(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=Every(timedelta(days=7)))
    daemon.run_due()
    daemon.later(hours=2)

    daemon.schedules["a"] = HOURLY
    daemon.restart()
    assert daemon.run_due() == ("a",)


def test_a_clock_that_was_a_year_ahead_stops_nothing(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY, b=Cron("0 * * * *"))
    daemon.later(days=365)
    daemon.run_due()
    daemon.later(days=-365)

    daemon.agenda.look()
    daemon.later(minutes=62)
    assert set(daemon.run_due()) == {"a", "b"}


def test_who_waits_longest_goes_first(ledger: Ledger, clock: Hands) -> None:
    schedules = {"late": Cron("30 * * * *"), "early": Cron("0 * * * *")}
    daemon = started(ledger, clock, **schedules)
    daemon.later(hours=1, minutes=1)
    order = daemon.agenda.look()
    known = ledger.due.every()

    assert len(order) == 2
    assert order == tuple(sorted(order, key=lambda name: str(known[name].at)))


def test_one_that_is_to_rest_is_due_when_it_has_rested(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=Every(timedelta(hours=6)), b=After("a"))
    (name,) = daemon.agenda.look()
    assert daemon.agenda.begin(name)
    daemon.agenda.rest(name, clock.at + timedelta(minutes=5))

    assert daemon.run_due() == ()
    daemon.restart()
    assert daemon.run_due() == ()
    daemon.later(minutes=5)
    assert daemon.run_due() == ("a",)
    assert daemon.run_due() == ("b",)


def test_other_schedules_hold_at_once_and_what_runs_goes_on(ledger: Ledger, clock: Hands) -> None:
    daemon = started(ledger, clock, a=HOURLY, b=HOURLY)
    assert daemon.agenda.begin("a")
    daemon.agenda.change({"c": HOURLY}, ZoneInfo("UTC"))
    daemon.agenda.look()
    daemon.later(minutes=1)

    assert daemon.run_due() == ("c",)
    daemon.agenda.end("a", succeeded=True)  # it is not configured any more
    daemon.later(hours=3)
    assert daemon.run_due() == ("c",)


def run(daemon: Daemon, name: str, **length: float) -> None:
    """A run that lasts."""
    assert daemon.agenda.begin(name)
    daemon.later(**length)
    daemon.agenda.end(name, succeeded=True)


@pytest.mark.parametrize("schedule", [HOURLY, Cron("0 * * * *")])
def test_syncs_of_one_segment_stay_due_together(
    ledger: Ledger, clock: Hands, schedule: Schedule
) -> None:
    """Though they take turns, so that the second begins once the first has ended."""
    daemon = Daemon(ledger, clock, {f"{n}": schedule for n in range(9)})
    daemon.agenda.change(daemon.schedules, ZoneInfo("UTC"), {f"{n}": "one" for n in range(9)})
    assert daemon.agenda.look() == ()
    for _ in range(3):
        due = daemon.agenda.next_at()
        assert due is not None
        clock.at = due
        assert len(daemon.agenda.look()) == 9
        for name in daemon.agenda.look():
            run(daemon, name, minutes=2)
        assert daemon.agenda.look() == ()


def test_who_waited_half_an_interval_has_a_whole_one_before_the_next(
    ledger: Ledger, clock: Hands
) -> None:
    daemon = started(ledger, clock, a=HOURLY)
    assert daemon.agenda.look() == ("a",)
    daemon.later(minutes=31)
    run(daemon, "a", minutes=1)
    daemon.later(minutes=58)
    assert daemon.agenda.look() == ()
    daemon.later(minutes=2)
    assert daemon.agenda.look() == ("a",)
