"""The alarm clock rings when it is set to, and every so often besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from queue import Empty, Queue
from typing import Self

import pytest

from syncd.service.alarm import Alarm

HOUR = timedelta(hours=1)


class Bell:
    def __init__(self, every: timedelta) -> None:
        self.rung = Queue[datetime]()
        self.alarm = Alarm(lambda: self.rung.put(datetime.now(UTC)), every)

    def __enter__(self) -> Self:
        self.alarm.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.alarm.stop()


def test_it_rings_when_something_is_due_and_not_before() -> None:
    with Bell(HOUR) as bell:
        now = datetime.now(UTC)
        bell.alarm.set(now + HOUR / 2, now)
        at = now + timedelta(seconds=0.3)
        bell.alarm.set(at, now)  # in place of the other
        assert bell.alarm.at == at
        assert bell.rung.get(timeout=20) >= at
        with pytest.raises(Empty):
            bell.rung.get(timeout=0.2)


def test_it_rings_every_so_often_without_being_set() -> None:
    with Bell(timedelta(seconds=0.1)) as bell:
        for _ in range(3):
            bell.rung.get(timeout=20)


def test_what_is_late_already_is_no_reason_to_ring() -> None:
    """It waits for something to end, which is told: to ring for it would be to ring for ever."""
    with Bell(HOUR) as bell:
        now = datetime.now(UTC)
        bell.alarm.set(now - HOUR, now)
        bell.alarm.set(None, now)
        assert bell.alarm.at is None
        with pytest.raises(Empty):
            bell.rung.get(timeout=0.2)
