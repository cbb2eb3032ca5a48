"""What systemd is told of a service, by sd_notify(3): a line in a datagram.

Nothing is told where nobody listens, and a manager that does not take it stops no run.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Manager:
    """Whoever started this process and wants to know how it is.

    Attributes:
        address: Of its socket; "" where nobody listens.
        watchdog: It takes a process for hung that was silent for so long; None: never.
    """

    address: str
    watchdog: timedelta | None

    def ready(self, status: str) -> None:
        """The service has begun, or has read its configuration anew."""
        self._send("READY=1", _status(status))

    def reloading(self) -> None:
        """The configuration is being read; `ready` ends that, whatever came of it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        """The service ends; nothing new begins."""
        self._send("STOPPING=1", _status(status))

    def status(self, status: str) -> None:
        """What it is doing, for `systemctl status`: names and numbers, nobody's data."""
        self._send(_status(status))

    def alive(self) -> None:
        """It got on. Only to be said where that is so: not by a timer that always fires."""
        if self.watchdog is not None:
            self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self.address:
            return
        # "@" stands for the zero byte of an abstract address.
        name = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto("\n".join(lines).encode(), name)


def manager(environment: Mapping[str, str]) -> Manager:
    """Who is to be told, by `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return Manager("", None)
    microseconds = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watched = ours and microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0
    return Manager(address, timedelta(microseconds=int(microseconds)) if watched else None)


def _status(text: str) -> str:
    """One line, whatever it holds: a second one would be an assignment of its own."""
    return f"STATUS={' '.join(text.split())}"
