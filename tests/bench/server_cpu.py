"""Seconds of CPU that a PostgreSQL on this machine, asked over TCP, takes for this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import make_url

_EVERY = 0.1  # seconds; what a process takes after its last look is lost
# Those that this process asks, and their parallel workers; others may ask the same database.
_PROCESSES = """
WITH ours AS (SELECT pid FROM pg_stat_activity WHERE client_port = ANY(%s))
SELECT pid FROM pg_stat_activity
WHERE (pid IN (SELECT pid FROM ours) OR leader_pid IN (SELECT pid FROM ours))
  AND pid <> pg_backend_pid()
"""


class ServerCpu:
    """Looks at the server's processes while something is measured.

    Args:
        url: Of the database, for its owner.
    """

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql")
        self._connection = psycopg.connect(
            address.render_as_string(hide_password=False), autocommit=True
        )

    def __enter__(self) -> Self:
        """Connected already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of its own connection."""
        self._connection.close()

    @contextmanager
    def measured(self) -> Iterator[Callable[[], float]]:
        """What was taken since it was entered, until it was left or until now."""
        before = self._taken()
        taken = dict(before)
        done = threading.Event()

        def watch() -> None:
            while not done.wait(_EVERY):
                taken.update(self._taken())

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield lambda: sum(now - before.get(pid, 0.0) for pid, now in tuple(taken.items()))
        finally:
            done.set()
            thread.join()

    def _taken(self) -> dict[int, float]:
        rows = self._connection.execute(_PROCESSES, [_ports()]).fetchall()
        return {pid: seconds for (pid,) in rows if (seconds := _seconds(pid)) is not None}


def _seconds(pid: int) -> float | None:
    """User and system time of a process, fields 14 and 15 of its stat; None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # what stands before may hold spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ports() -> list[int]:
    """The ports of this process's own ends of TCP connections."""
    held = set[str]()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            held.add(str(file.readlink()))
    ports = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text("ascii").splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in held:
                ports.append(int(fields[1].rpartition(":")[2], 16))
    return ports
