"""How near a Google Cloud project is to its quotas, by what this process asked for.

Google counts requests by the project that the service account belongs to, whatever account
they are for, and its answers say nothing of how many are left. So they are counted here,
once for all accounts of a project; what earlier processes uploaded within a day, the core
knows. Of each quota a tenth is left to others: to a command beside the daemon, and to the
questions that the last process asked.

Source: Data Manager API, "Limits and quotas", read 2026-11-22.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from syncd.model import Advice

Kind = Literal["uploads", "statuses", "list changes", "list reads"]

SHARE = 0.9  # of a quota
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Quota:
    """Requests that Google takes of a kind."""

    minute: int
    day: int


QUOTAS: Mapping[Kind, Quota] = {
    "uploads": Quota(300, 100_000),
    "statuses": Quota(300, 100_000),
    "list changes": Quota(300, 50_000),
    "list reads": Quota(300, 50_000),
}


class _Count:
    """Requests of one kind."""

    def __init__(self, kind: Kind, quota: Quota) -> None:
        self._kind, self._quota = kind, quota
        self._last: deque[float] = deque(maxlen=int(quota.minute * SHARE))
        self._hours: Counter[int] = Counter()

    def add(self, now: float, times: int) -> None:
        self._last.extend([now] * times)
        self._hours[int(now // HOUR)] += times
        for hour in [each for each in self._hours if (each + 1) * HOUR + DAY <= now]:
            del self._hours[hour]

    def recall(self, now: float, sent: Iterable[tuple[timedelta, int]]) -> None:
        """Count requests of before, of which only the day's quota still knows."""
        for ago, times in sent:
            self._hours[int((now - ago.total_seconds()) // HOUR)] += times

    def advice(self, now: float) -> Advice:
        """Until the oldest of so many is over a minute, or a day, old."""
        spent = f"{SHARE:.0%} of the project's quota of"
        pause = min(self._hours, default=0) * HOUR + HOUR + DAY - now
        if pause > 0 and self._hours.total() >= self._quota.day * SHARE:
            return Advice(pause, f"{spent} {self._quota.day:,} {self._kind} a day is used")
        if len(self._last) == self._last.maxlen and (left := self._last[0] + MINUTE - now) > 0:
            return Advice(left, f"{spent} {self._quota.minute:,} {self._kind} a minute is used")
        return Advice()


class Project:
    """One project, whichever accounts use it; safe between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Begin to count.

        Args:
            now: Seconds, from any moment on.
        """
        self._now = now
        self._lock = threading.Lock()
        self._counts = {kind: _Count(kind, quota) for kind, quota in QUOTAS.items()}
        self._until = 0.0
        self._code = ""
        self._recalled: set[str] = set()

    def asked(self, kind: Kind, times: int = 1) -> None:
        """Count requests that go out."""
        with self._lock:
            self._counts[kind].add(self._now(), times)

    def recall(self, account: str, sent: Callable[[], Iterable[tuple[timedelta, int]]]) -> None:
        """Count, once for each account, what earlier processes sent."""
        with self._lock:
            if account in self._recalled:
                return
            self._counts["uploads"].recall(self._now(), sent())
            self._recalled.add(account)

    def refused(self, seconds: float | None, code: str) -> None:
        """Hear that a quota is used up, which is so for every account of the project."""
        with self._lock:
            until = self._now() + (seconds or 0.0)
            if until > self._until:
                self._until, self._code = until, code

    @property
    def advice(self) -> Advice:
        """What to do about the quota that is nearest."""
        with self._lock:
            now = self._now()
            told = [Advice(max(self._until - now, 0.0), self._code)]
            told += (count.advice(now) for count in self._counts.values())
        found = max(told, key=lambda one: one.pause)
        return found if found.pause else Advice()


class Projects:
    """The projects that this process has used, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Project] = {}

    def of(self, name: str) -> Project:
        """The project of this name."""
        with self._lock:
            return self._known.setdefault(name, Project())


# Runs make a connector each, and accounts of one project know nothing of each other: what
# they share lives as long as the process.
PROJECTS = Projects()
