"""What systemd hears, on a real socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.service.notify import Manager, manager


@pytest.fixture(params=["a path", "an abstract address"])
def heard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """A socket as systemd has it."""
    name = str(tmp_path / "notify") if request.param == "a path" else f"\0syncd-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(5)
        yield listener


def address(heard: socket.socket) -> str:
    name = heard.getsockname()
    return name if isinstance(name, str) else "@" + name[1:].decode()


def told(heard: socket.socket) -> list[str]:
    return heard.recv(4096).decode().split("\n")


def silent(heard: socket.socket) -> bool:
    heard.setblocking(False)
    try:
        return not heard.recv(4096)
    except BlockingIOError:
        return True


def test_each_state_is_one_datagram(heard: socket.socket) -> None:
    listener = manager({"NOTIFY_SOCKET": address(heard)})

    listener.ready("3 syncs, next at 03:00 UTC")
    assert told(heard) == ["READY=1", "STATUS=3 syncs, next at 03:00 UTC"]
    listener.status("whales: add")
    assert told(heard) == ["STATUS=whales: add"]
    listener.stopping("after this batch")
    assert told(heard) == ["STOPPING=1", "STATUS=after this batch"]


def test_reloading_carries_the_moment(heard: socket.socket) -> None:
    """In microseconds of the monotonic clock: `Type=notify-reload` wants it."""
    before = time.monotonic_ns() // 1000
    manager({"NOTIFY_SOCKET": address(heard)}).reloading()

    first, second = told(heard)
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_status_of_two_lines_assigns_nothing(heard: socket.socket) -> None:
    manager({"NOTIFY_SOCKET": address(heard)}).status("fine\nSTOPPING=1")

    assert told(heard) == ["STATUS=fine STOPPING=1"]


@pytest.mark.parametrize(
    ("extra", "length"),
    [
        ({"WATCHDOG_USEC": "60000000"}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_where_there_is_one(
    heard: socket.socket, extra: dict[str, str], length: timedelta | None
) -> None:
    found = manager({"NOTIFY_SOCKET": address(heard), **extra})
    found.alive()

    assert found.watchdog == length
    assert silent(heard) if length is None else told(heard) == ["WATCHDOG=1"]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2"}])
def test_without_a_manager_nothing_is_told(environment: dict[str, str]) -> None:
    assert manager({**environment, "WATCHDOG_USEC": "1"}) == Manager("", None)
    manager(environment).ready("nobody hears it")


def test_a_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    manager({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).ready("nobody hears it")
