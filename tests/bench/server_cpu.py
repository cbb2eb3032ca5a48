"""Seconds of CPU that a PostgreSQL on this machine takes for one database."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import make_url

_EVERY = 0.1  # seconds; what a process takes after its last look is lost
_PROCESSES = (
    "SELECT pid FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class ServerCpu:
    """Looks at all processes of a database, parallel ones too, while something is measured.

    Args:
        url: Of the database, for its owner.
    """

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql")
        self._connection = psycopg.connect(
            address.render_as_string(hide_password=False), autocommit=True
        )
        self._looked = threading.Lock()

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

        def look() -> None:
            with self._looked:
                taken.update(self._taken())

        def watch() -> None:
            while not done.wait(_EVERY):
                look()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield lambda: sum(seconds - before.get(pid, 0.0) for pid, seconds in taken.items())
        finally:
            done.set()
            thread.join()

    def _taken(self) -> dict[int, float]:
        rows = self._connection.execute(_PROCESSES).fetchall()
        return {pid: seconds for (pid,) in rows if (seconds := _seconds(pid)) is not None}


def _seconds(pid: int) -> float | None:
    """User and system time of a process, fields 14 and 15 of its stat; None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # what stands before may hold spaces
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
