"""A daemon as a process of its own, and the manager that it reports to: this test.

As a command, `python -m tests.integration.daemons CONFIG ASKING EVERY`, it is `syncd run`
with a faster rhythm: a sync that has an interval is due every so many seconds. Or it runs in a
thread of the test, which then has its connectors' worlds in its hands.
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
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from syncd.app import App, open_app
from syncd.daemon import Daemon, serve
from syncd.errors import SyncdError
from syncd.logs import set_up
from syncd.service.notify import Manager
from syncd.service.pulse import Patient, Pulse
from syncd.service.rhythm import Rhythm, as_configured
from syncd.service.signals import Call
from syncd.service.stopping import StoppingClock, StoppingLock
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

    def lines(self) -> list[dict[str, Any]]:
        """What its log says, as far as lines are whole."""
        whole = self.log.read_text("utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """What its log says under this name."""
        return [event for event in self.lines() if event["event"] == name]

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
def started(desk: Desk, *faster: str, watchdog: float = 0.0) -> Iterator[Service]:
    """A daemon that has said that it is ready; killed at the end if it still runs.

    Args:
        desk: Its configuration.
        faster: Arguments of this module as a command; none: it is `syncd run` itself.
        watchdog: Seconds after which its manager would take it for hung.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = desk.folder / "notify"
        address.unlink(missing_ok=True)
        manager.bind(str(address))
        told = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": f"{watchdog * 1e6:.0f}"}
        with begun(desk, *faster, environment=told) as (process, log):
            service = Service(process, manager, log)
            service.told("READY=1")
            yield service


@contextmanager
def begun(
    desk: Desk, *faster: str, environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process alone, and its log."""
    log = desk.folder / "daemon.log"
    words = (
        ["tests.integration.daemons", str(desk.config), *faster]
        if faster
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


def fast(every: float = 1.0, *, asking: float = 600.0) -> Rhythm:
    """A rhythm in which whoever has an interval is due every so many seconds.

    Args:
        every: Seconds.
        asking: Seconds for which nothing may be heard of who sends rows.
    """
    often = Every(timedelta(seconds=every))

    def schedules(settings: Settings) -> Mapping[str, Schedule]:
        found = as_configured(settings)
        return {name: often if isinstance(at, Every) else at for name, at in found.items()}

    patient = Patient(asking=timedelta(seconds=asking))
    return Rhythm(timedelta(seconds=0.3), patient=patient, schedules=schedules)


@dataclass(frozen=True)
class _Ready(Manager):
    """A manager that only waits for a daemon to be ready."""

    said: threading.Event = field(default_factory=threading.Event)

    def ready(self, _: str) -> None:
        self.said.set()


@contextmanager
def keeping(config: Path) -> Iterator[App]:
    """A daemon in a thread, until the block ends and it has ended too."""
    stopping, calls, pulse = threading.Event(), SimpleQueue[Call](), Pulse(time.monotonic)
    with open_app(config, holder="daemon", clock=StoppingClock(stopping, pulse)) as app:
        app.lock = StoppingLock(app.lock, stopping, pulse)
        daemon = Daemon(
            app,
            fast(),
            stopping=stopping,
            calls=calls,
            pulse=pulse,
            listener=(listener := _Ready("", None)),
        )
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            assert listener.said.wait(DEADLINE)
            yield app
        finally:
            calls.put(Call.STOP)
            thread.join(DEADLINE)
            assert not thread.is_alive()


def main(config: str, asking: str, every: str = "1") -> None:
    """Run it; what it raises on purpose becomes a message and an exit code, as in `syncd.cli`."""
    set_up(sys.stderr, os.environ, level=logging.INFO)
    try:
        serve(Path(config), rhythm=fast(float(every), asking=float(asking)))
    except SyncdError as error:
        sys.stderr.write(f"syncd: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
