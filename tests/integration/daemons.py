"""A daemon as a process of its own, and the manager that it reports to: this test.

As a command, `python -m tests.integration.daemons CONFIG`, it is `syncd run` with a faster
rhythm: every sync that has an interval is due each second.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from syncd.daemon import Rhythm, as_configured, serve
from syncd.logs import set_up
from syncd.pulse import Patient
from syncd.settings import Every, Schedule, Settings
from tests.integration.commands import Desk, wait_until

DEADLINE = 120.0  # seconds; only a failing test takes so long
ROOT = Path(__file__).parents[2]


@dataclass
class Service:
    """A daemon, what it said to its manager, and its log."""

    process: subprocess.Popen[bytes]
    manager: socket.socket
    log: Path
    heard: list[str] = field(default_factory=list)

    def hear(self, seconds: float) -> str:
        """The next thing that it says; "" if it says nothing for so long."""
        if not select.select([self.manager], [], [], seconds)[0]:
            return ""
        self.heard.append(self.manager.recv(4096).decode())
        return self.heard[-1]

    def told(self, word: str) -> str:
        """Wait until it says something with this word."""
        until = time.monotonic() + DEADLINE
        while (left := until - time.monotonic()) > 0:
            said = self.hear(left)
            if word in said:
                return said
        raise AssertionError(f"no {word}: {self.heard[-5:]}; {self.log.read_text('utf-8')[-2000:]}")

    def drain(self) -> None:
        """Forget what it has said so far."""
        while self.hear(0):
            pass

    def events(self, name: str) -> list[dict[str, Any]]:
        """What its log says under this name."""
        whole = self.log.read_text("utf-8").rpartition("\n")[0]
        found = [json.loads(line) for line in whole.splitlines() if line.startswith("{")]
        return [event for event in found if event["event"] == name]

    def logged(self, name: str, *, times: int = 1) -> dict[str, Any]:
        """Wait until its log has so many of these; the last."""
        wait_until(lambda: len(self.events(name)) >= times, seconds=DEADLINE)
        return self.events(name)[-1]

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        return self.process.wait(DEADLINE)

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


@contextmanager
def started(desk: Desk, *fast: str, watchdog: float = 0.0) -> Iterator[Service]:
    """A daemon that has said that it is ready; killed at the end if it still runs.

    Args:
        desk: Its configuration.
        fast: Arguments of this module as a command; none: it is `syncd run` itself.
        watchdog: Seconds after which its manager would take it for hung.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = desk.folder / "notify"
        address.unlink(missing_ok=True)
        manager.bind(str(address))
        told = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": f"{watchdog * 1e6:.0f}"}
        with begun(desk, *fast, environment=told) as (process, log):
            service = Service(process, manager, log)
            service.told("READY=1")
            yield service


@contextmanager
def begun(
    desk: Desk, *fast: str, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process alone, and its log."""
    log = desk.folder / "daemon.log"
    words = (
        ["tests.integration.daemons", str(desk.config), *fast]
        if fast
        else ["syncd", "run", "--config", str(desk.config)]
    )
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=desk.folder,
            stdin=subprocess.DEVNULL,
            stdout=err,
            stderr=err,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait(DEADLINE)


def each_second(settings: Settings) -> Mapping[str, Schedule]:
    """Whoever has an interval is due each second."""
    found = as_configured(settings)
    second = Every(timedelta(seconds=1))
    return {name: second if isinstance(at, Every) else at for name, at in found.items()}


def main(config: str, asking: str) -> None:
    """Run it; `asking` is how many seconds nothing may be heard of who sends rows."""
    set_up(sys.stderr, os.environ, level=logging.INFO)
    patient = Patient(asking=timedelta(seconds=float(asking)))
    serve(
        Path(config),
        rhythm=Rhythm(timedelta(seconds=0.3), patient=patient, schedules=each_second),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
