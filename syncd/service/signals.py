"""Signals of the daemon, as calls that its loop answers one after the other."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from queue import SimpleQueue
from types import FrameType


class Call(Enum):
    """What the daemon is to do next."""

    LOOK = "look"  # at what is due, and at how runs are
    STOP = "stop"
    REREAD = "reread"


@contextmanager
def heard(calls: SimpleQueue[Call]) -> Iterator[None]:
    """Turn signals into calls; from the main thread alone.

    SIGTERM and SIGINT ask to end, the first time. Whoever asks twice does not want to wait:
    the second one ends the process at once, as it does by default, and as a kill would.
    SIGHUP asks to read the configuration anew.

    Args:
        calls: A `SimpleQueue`, for a handler may interrupt its `get`, and others' `put`.
    """
    asked = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if asked:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        asked = True
        calls.put(Call.STOP)

    def reread(_: int, __: FrameType | None) -> None:
        calls.put(Call.REREAD)

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reread}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
