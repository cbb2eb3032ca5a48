"""How a run ends early because its process was told to: between two requests, or in a wait.

What it had sent is in the ledger, and what it had planned and not sent is planned anew by
the next start: as after a kill, but without a request whose outcome nobody knows.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from syncd.errors import Stopped
from syncd.runs.parts import Guarded
from syncd.service.pulse import Pulse

SAID = (
    "syncd was told to end and stopped before the next request; what was sent is kept, and the "
    "next start carries on"
)


class StoppingClock:
    """The machine's clock, whose sleep ends when the process is to end."""

    def __init__(self, stopping: threading.Event, pulse: Pulse) -> None:
        self._stopping = stopping
        self._pulse = pulse

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            syncd.errors.Stopped: We were told to end meanwhile, or before.
        """
        self._pulse.wait(seconds)
        if self._stopping.wait(seconds):
            raise Stopped(SAID)
        self._pulse.beat()


class StoppingLock:
    """The process's lock, which lets nothing more be sent once it is to end."""

    def __init__(self, inner: Guarded, stopping: threading.Event, pulse: Pulse) -> None:
        self._inner = inner
        self._stopping = stopping
        self._pulse = pulse

    def tell(self, run: str) -> None:
        """Let whoever comes second know which run is under way; see `Hold.tell`."""
        self._inner.tell(run)
        self._pulse.beat()

    def check(self) -> None:
        """Refuse to go on if the process is to end, or has lost its lock.

        Raises:
            syncd.errors.Stopped: We were told to end.
            syncd.errors.Busy: The lock is lost.
        """
        if self._stopping.is_set():
            raise Stopped(SAID)
        self._inner.check()
        self._pulse.beat()
