"""Whether what runs gets on, and what it is at: for the watchdog, and for the status.

A restart mends a run that hangs, and one that is slow it only throws back. So a run is
taken for hung only where none of its own time limits explains that nothing is heard of it.
It is heard of when it begins, with each block of rows that it reads, before each request
with rows, and when it goes to sleep: a wait that a platform asked for is known beforehand,
however long it is, and who sleeps through it is well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Patient:
    """How long nothing may be heard of a run.

    Attributes:
        asking: While it sends rows. A request is given up after 120 s (`outbox.DEADLINE`),
            and questions may stand between two of them.
        else_: At anything else. The shop may take an hour for one statement
            (`shop.engines.Limits`), and a comparison of millions says nothing either.
    """

    asking: timedelta = timedelta(minutes=10)
    else_: timedelta = timedelta(minutes=65)


@dataclass(slots=True)
class _Life:
    name: str
    until: float  # by the clock that is never set
    limit: timedelta
    doing: str = ""


class Pulse:
    """What each thread runs and when it was last heard of; safe between threads."""

    def __init__(self, monotonic: Callable[[], float], patient: Patient | None = None) -> None:
        """Begin with nothing that runs.

        Args:
            monotonic: Seconds, of a clock that nobody sets.
            patient: How long nothing may be heard.
        """
        self._monotonic = monotonic
        self._patient = patient or Patient()
        self._lives: dict[int, _Life] = {}
        self._turn = threading.Lock()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """While this thread runs something of that name."""
        here = threading.get_ident()
        with self._turn:
            self._lives[here] = _Life(name, 0.0, self._patient.else_)
        self.beat()
        try:
            yield
        finally:
            with self._turn:
                del self._lives[here]

    def progress(self, what: str, done: int, total: int) -> None:
        """Note how far it is: a `parts.Progress`."""
        sending = done < total  # what is read has no total, and who sent the last row compares
        limit = self._patient.asking if sending else self._patient.else_
        doing = f"{what} {done:,} of {total:,}" if total else f"{what} {done:,}"
        self._note(0.0, limit, doing)

    def beat(self) -> None:
        """Note that this thread got on."""
        self._note(0.0)

    def wait(self, seconds: float) -> None:
        """Note that it goes to sleep, and for how long."""
        self._note(seconds)

    def names(self) -> tuple[str, ...]:
        """What runs."""
        with self._turn:
            return tuple(sorted(life.name for life in self._lives.values()))

    def doing(self) -> tuple[str, ...]:
        """What runs, and how far it is."""
        with self._turn:
            lives = sorted((life.name, life.doing) for life in self._lives.values())
        return tuple(f"{name}: {doing}" if doing else name for name, doing in lives)

    def hung(self) -> tuple[str, ...]:
        """What was silent for longer than anything it does may last."""
        now = self._monotonic()
        with self._turn:
            return tuple(sorted(life.name for life in self._lives.values() if life.until < now))

    def _note(self, seconds: float, limit: timedelta | None = None, doing: str = "") -> None:
        now = self._monotonic()
        with self._turn:
            life = self._lives.get(threading.get_ident())
            if life is not None:
                life.limit = limit or life.limit
                life.doing = doing or life.doing
                life.until = now + seconds + life.limit.total_seconds()
