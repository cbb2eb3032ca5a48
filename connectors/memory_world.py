"""What a memory platform holds, and what befalls the requests to it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from connectors.sandbox.state import AudienceState, Identifier, Row, World
from syncd.errors import PlatformError
from syncd.model import Operation, Refusal


@dataclass(frozen=True, slots=True)
class Fail:
    """The next push raises this error; nothing is applied."""

    error: PlatformError


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The next push is taken, and its answer is lost."""


@dataclass(frozen=True, slots=True)
class RefuseRows:
    """The next push is taken but for the rows at these positions."""

    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GoThrough:
    """The next push goes through."""


@dataclass(frozen=True, slots=True)
class RefuseWith:
    """Every push is refused whole while a row of it holds one of these identifiers.

    Attributes:
        named: Whether the platform says which rows those are.
    """

    identifiers: frozenset[Identifier] = field(repr=False)
    named: bool = False
    code: str = "bad_row"


Step = Fail | LoseAnswer | RefuseRows | GoThrough


@dataclass(slots=True)
class Work:
    """A request that was accepted, and what becomes of it.

    Attributes:
        operation: None for one that takes out whoever was last added before `at`.
        at: When it was accepted.
    """

    audience: AudienceState
    operation: Operation | None
    at: datetime
    rows: Sequence[Row] = field(default=(), repr=False)
    refused: tuple[Refusal, ...] = ()
    state: Literal["processing", "processed", "failed"] = "processing"

    def apply(self) -> None:
        """Let it take effect."""
        if self.operation is Operation.ADD:
            self.audience.add(self.rows, at=self.at)
        elif self.operation is Operation.REMOVE:
            self.audience.remove(self.rows)
        else:
            self.audience.cut(self.at)


class MemoryWorld:
    """What one memory platform holds, and what befalls it; safe between threads.

    Attributes:
        audiences: The audiences, in both views.
        denied: While true, every request is denied.
        pushes: Pushes seen, failed ones included.
        refuses: What it refuses whole requests for, until it is set to None again.
        lingers: A replacement whose last batch came goes on until `end_replacement`, or
            until its time is over.
    """

    def __init__(self) -> None:
        self.audiences = World()
        self.denied = False
        self.pushes = 0
        self.refuses: RefuseWith | None = None
        self.lingers = False
        self._lock = threading.Lock()
        self._steps: deque[Step] = deque()
        self._work: dict[str, Work] = {}
        self._numbers = itertools.count(1)

    def script(self, steps: Iterable[Step]) -> None:
        """Add what befalls the next pushes, one step a push; afterwards all go through."""
        with self._lock:
            self._steps.extend(steps)

    @property
    def pending(self) -> tuple[str, ...]:
        """References of requests accepted and not yet worked on, oldest first."""
        with self._lock:
            return tuple(one for one, work in self._work.items() if work.state == "processing")

    def process(
        self, references: Sequence[str] | None = None, *, fail: Collection[str] = ()
    ) -> None:
        """Work on accepted requests.

        Args:
            references: Which, in the order they take effect; by default all, oldest first.
            fail: Those of them that fail instead; nothing of them is applied.
        """
        for reference in self.pending if references is None else references:
            with self._lock:
                work = self._work[reference]
                if work.state != "processing":
                    continue
                work.state = "failed" if reference in fail else "processed"
            if work.state == "processed":
                work.apply()

    def end_replacement(self, audience: AudienceState, *, failed: bool = False) -> None:
        """Let an audience's replacement come to its end, good or bad."""
        if audience.replacement is not None:
            audience.replacement.state = "failed" if failed else "done"

    def number(self) -> int:
        """One that was not given out before."""
        with self._lock:
            return next(self._numbers)

    def next_step(self) -> Step:
        """What befalls the push that comes now."""
        with self._lock:
            self.pushes += 1
            return self._steps.popleft() if self._steps else GoThrough()

    def accept(self, work: Work) -> str:
        """Take a request in; its reference."""
        with self._lock:
            reference = f"request-{next(self._numbers)}"
            self._work[reference] = work
            return reference

    def find(self, reference: str) -> Work | None:
        """The request of this reference."""
        with self._lock:
            return self._work.get(reference)


WORLDS: dict[str, MemoryWorld] = {}
_LOCK = threading.Lock()


def world(name: str) -> MemoryWorld:
    """The world of this name: an account's option `world`, or else the account's name."""
    with _LOCK:
        return WORLDS.setdefault(name, MemoryWorld())
