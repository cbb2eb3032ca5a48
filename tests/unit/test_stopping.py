"""How a run is ended between two requests, and in a wait."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from syncd.errors import Busy, Stopped
from syncd.service.pulse import Pulse
from syncd.service.stopping import StoppingClock, StoppingLock


@dataclass
class Lock:
    """A process's lock that may be lost."""

    lost: bool = False
    told: list[str] = field(default_factory=list)

    def tell(self, run: str) -> None:
        self.told.append(run)

    def check(self) -> None:
        if self.lost:
            raise Busy("lost")


def test_nothing_is_sent_once_it_is_to_end_nor_without_the_lock() -> None:
    inner, stopping = Lock(), threading.Event()
    lock = StoppingLock(inner, stopping, Pulse(time.monotonic))
    lock.tell("r7")
    lock.check()
    assert inner.told == ["r7"]

    inner.lost = True
    with pytest.raises(Busy):
        lock.check()
    stopping.set()
    with pytest.raises(Stopped, match="next start carries on"):
        lock.check()


def test_a_wait_ends_when_it_is_to_end() -> None:
    stopping = threading.Event()
    clock = StoppingClock(stopping, Pulse(time.monotonic))
    clock.sleep(0.01)
    threading.Timer(0.05, stopping.set).start()
    begun = time.monotonic()
    with pytest.raises(Stopped):
        clock.sleep(600)
    assert time.monotonic() - begun < 60
    with pytest.raises(Stopped):
        clock.sleep(0)
