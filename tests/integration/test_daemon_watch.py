"""What its manager hears of a daemon: signs of life only while it gets on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.commands import Desk, wait_until
from tests.integration.daemons import DEADLINE, Service, started

WATCHDOG = 0.9  # seconds; it is fed three times as often
LONGER = 2.0
ASKING = "1.2"  # seconds without a word, while rows are sent


@pytest.fixture
def due(desk: Desk) -> Desk:
    """Ten customers who wait to be sent, as often as a second goes by."""
    desk.join(*range(10))
    desk.sync["schedule"] = "every 1m"
    desk.save()
    return desk


def pings(service: Service, seconds: float) -> int:
    """Signs of life until nothing at all is heard for so long, or there are many."""
    found = 0
    while found < 8 and (said := service.hear(seconds)):
        found += "WATCHDOG=1" in said
    return found


def test_a_stopped_process_gives_no_sign_of_life_and_a_continued_one_does(due: Desk) -> None:
    with started(due, watchdog=WATCHDOG) as service:
        service.told("WATCHDOG=1")
        service.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: _stopped(service.process.pid), seconds=DEADLINE)
        service.drain()
        assert service.hear(LONGER) == ""
        service.process.send_signal(signal.SIGCONT)
        service.told("WATCHDOG=1")
        assert service.stop() == 0


def _stopped(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat").read_text("ascii")
    return stat.rpartition(")")[2].split()[0] == "T"


def test_a_hung_run_stops_the_pings(due: Desk) -> None:
    due.fault(kind="delay", method="add", seconds=3600)
    with started(due, ASKING, watchdog=WATCHDOG) as service:
        service.told("WATCHDOG=1")
        assert service.logged("run_hung")["sync"] == "everyone"
        service.drain()
        assert pings(service, LONGER) == 0
        service.process.kill()


def test_a_run_that_waits_as_its_platform_asked_is_alive(due: Desk) -> None:
    due.fault(method="add", status=400, code=80003, retry_after=600)
    with started(due, ASKING, watchdog=WATCHDOG) as service:
        service.logged("push_retry_scheduled")
        service.drain()
        assert pings(service, LONGER) == 8, "for twice as long as it may be silent otherwise"
        assert not service.events("run_hung")
        assert service.stop() == 0
