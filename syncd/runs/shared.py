"""One read of the shop for several runs that ask the same of it.

Whichever run comes to its read first takes along those that were asked for, have not read yet and
would read the same segment. Each of them gets a snapshot of its own out of the same rows: sealed
by the same seal, as of the same moment, digested by its own rules, compared with its own
membership. It waits in its file until the run comes to its read, and is taken only if it is what
that run would read: its configuration, whom it may send, who was erased and its membership are as
they were. Else the run reads for itself, as it does where nobody took it along or the read failed.
So a run owes nothing to another: not its failure, not its end, and not its record.

A snapshot is never older than the wish that it serves: who asks after the read began is not there
to be taken along. Nor is it older than `FRESH` when it is taken: a run may wait for its account's
thread while an earlier one pushes. In memory there is nothing that a kill may not take; a file
that no row names is swept at the next start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import structlog

from syncd.model import Generation, Snapshot

if TYPE_CHECKING:
    from syncd.runs.parts import Parts

FRESH = timedelta(hours=1)
LOOK = 1.0  # seconds between two looks of a run that waits, whether it is to end

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """A snapshot that was read for a run, and what else it depends on.

    Attributes:
        said: What beside its row decides how a member is digested, and whether they are sent.
        generation: The membership that it was read by; None for none.
        drop: Deletes its file, where the run takes something else.
    """

    snapshot: Snapshot
    said: tuple[str, ...]
    generation: Generation | None
    drop: Callable[[], None]


@dataclass(eq=False)
class Place:
    """A run that was asked for.

    Attributes:
        segment: What it reads.
        make: Makes its parts.
        state: Whether it may be taken along, is being read for, or has come to its read.
        ready: What was read for it.
    """

    segment: str
    make: Callable[[], Parts]
    state: Literal["asked", "taken along", "reads"] = "asked"
    ready: Ready | None = None


@dataclass
class Shared:
    """The runs of a process that were asked for; may be shared by threads."""

    _places: dict[str, Place] = field(default_factory=dict)
    _turn: threading.Condition = field(default_factory=threading.Condition)

    def expect(self, runs: Mapping[str, Place]) -> None:
        """Note that runs were asked for, each of which will read; by the sync's name."""
        with self._turn:
            self._places.update(runs)

    def over(self, sync: str) -> None:
        """Note that a run has ended, or will not begin; what was read for it is not kept."""
        with self._turn:
            place = self._places.pop(sync, None)
        if place is not None and place.ready is not None:
            place.ready.drop()

    @contextmanager
    def turn(self, sync: str) -> Iterator[None]:
        """The turn of a run: whatever becomes of it, it is over then."""
        try:
            yield
        finally:
            self.over(sync)

    @contextmanager
    def expected(self, runs: Mapping[str, Place]) -> Iterator[None]:
        """Runs that were asked for together, while they take their turns."""
        self.expect(runs)
        try:
            yield
        finally:
            for name in runs:
                self.over(name)

    def take(
        self, parts: Parts, said: Callable[[], tuple[str, ...]], generation: Generation | None
    ) -> Snapshot | None:
        """What another run read for this one, which has come to its read.

        Waits while it is being read.

        Args:
            parts: The sync's.
            said, generation: As in `Ready`, of what it would read by now.

        Returns:
            None where nothing was, or not what it would read; it reads then.
        """
        ready = self._arrive(parts)
        if ready is None:
            return None
        age = parts.clock.now() - ready.snapshot.as_of
        fresh = timedelta() <= age <= FRESH
        if not fresh or (ready.said, ready.generation) != (said(), generation):
            log.info("shared_read_outdated", age=age.total_seconds())
            ready.drop()
            return None
        log.info("snapshot_shared", rows=ready.snapshot.rows, usable=ready.snapshot.usable)
        parts.membership.take_up(ready.snapshot.id)
        return ready.snapshot

    def _arrive(self, parts: Parts) -> Ready | None:
        while True:
            with self._turn:
                place = self._places.get(parts.sync.name)
                if place is None:
                    return None
                if place.state != "taken along":
                    place.state = "reads"
                    ready, place.ready = place.ready, None
                    return ready
                self._turn.wait(LOOK)
            parts.lock.check()  # whoever waits is well, and may be told to end

    @contextmanager
    def claimed(self, segment: str) -> Iterator[Mapping[str, Place]]:
        """Runs of a segment that may be taken along: they wait until they are released.

        That is the end of the block at the latest, and nobody else takes them along till then.
        """
        with self._turn:
            found = {
                name: place
                for name, place in self._places.items()
                if place.segment == segment and place.state == "asked" and place.ready is None
            }
            for place in found.values():
                place.state = "taken along"
        try:
            yield found
        finally:
            for name, place in found.items():
                self.release(name, place)

    def release(self, sync: str, place: Place, ready: Ready | None = None) -> bool:
        """Let a run go on that was taken along; whether it takes what was read for it."""
        with self._turn:
            if place.state != "taken along":
                return False
            place.state = "asked"
            there = self._places.get(sync) is place
            if there:
                place.ready = ready
            self._turn.notify_all()
            return there
