"""Requests that were answered and are still to be done.

Google promises no order between them. So what waits together is done in a shuffled
order, and a test may choose one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Literal

from connectors.sandbox.faults import FaultQueue
from connectors.sandbox.google.nodes import closed
from connectors.sandbox.state import Row, World

Method = Literal["add", "remove", "cut"]
State = Literal["PROCESSING", "SUCCESS", "PARTIAL_SUCCESS", "FAILED"]


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted request.

    Attributes:
        at: When it was accepted; of a `cut`, before when whom it takes out was last added.
        rows: By position in the request; without those that are dropped already.
        dropped: Members not to be done, by reason.
        records: Members sent.
        identifiers: Identifiers sent.
    """

    id: str
    method: Method
    audiences: tuple[str, ...]
    at: datetime
    rows: Mapping[int, Row] = field(repr=False)
    dropped: Mapping[str, int]
    records: int
    identifiers: int


@dataclass(frozen=True, slots=True)
class Status:
    """What is told of a request; `errors` counts members by reason."""

    request: Request
    state: State
    errors: Mapping[str, int] = field(default_factory=dict)


class Backlog:
    """Does requests, some time after they came in; safe between threads.

    Args:
        world: Where they take effect.
        faults: What goes wrong, under platform `google.process`.
        delay: Seconds after which a waiting request is done, and all that wait by then
            with it; 0 does it at once, None only when told to.
        random: Draws the order.
    """

    def __init__(
        self, world: World, faults: FaultQueue, delay: float | None, random: Random
    ) -> None:
        self._world = world
        self._faults = faults
        self._delay = delay
        self._random = random
        # One at a time from beginning to end: otherwise a chosen order would be none.
        self._doing = threading.RLock()
        self._lock = threading.Lock()
        self._waiting: dict[str, Request] = {}
        self._statuses: dict[str, Status] = {}
        self._timers: set[threading.Timer] = set()

    def take(self, request: Request) -> None:
        """Accept a request: from now on it has a status."""
        with self._lock:
            self._waiting[request.id] = request
            self._statuses[request.id] = Status(request, "PROCESSING")
        if self._delay == 0:
            self.process((request.id,))
        elif self._delay is not None:
            self._later(self._delay)

    def status(self, request_id: str) -> Status | None:
        """How far a request is, or None if there is none of this id."""
        with self._lock:
            return self._statuses.get(request_id)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of requests still to be done, in the order in which they came."""
        with self._lock:
            return tuple(self._waiting)

    def process(self, order: Sequence[str] | None = None) -> tuple[str, ...]:
        """Do what waits, now.

        Args:
            order: Ids to do, in this order; None does all, shuffled.

        Returns:
            The ids done, in the order in which they took effect.

        Raises:
            KeyError: An id in `order` does not wait.
        """
        with self._doing:
            with self._lock:
                chosen = list(self._waiting) if order is None else list(order)
                if order is None:
                    self._random.shuffle(chosen)
                requests = [self._waiting.pop(one) for one in chosen]
            for request in requests:
                status = self._do(request)
                with self._lock:
                    self._statuses[request.id] = status
            return tuple(chosen)

    def stop(self) -> None:
        """Do nothing any more by itself."""
        with self._lock:
            timers = tuple(self._timers)
            self._timers.clear()
        for timer in timers:
            timer.cancel()

    def _later(self, seconds: float) -> None:
        def ring() -> None:
            with self._lock:
                self._timers.discard(timer)
            self.process()

        timer = threading.Timer(seconds, ring)
        timer.daemon = True
        with self._lock:
            self._timers.add(timer)
        timer.start()

    def _do(self, request: Request) -> Status:
        fault = self._faults.take("google.process", request.method)
        reason = str(fault.subcode or "INTERNAL_ERROR") if fault is not None else ""
        if fault is not None and fault.kind == "error":
            return Status(request, "FAILED", {reason: request.records})
        rows = dict(request.rows)
        errors = Counter(request.dropped)
        if fault is not None and fault.kind == "refuse_rows":
            errors[reason] += sum(rows.pop(row, None) is not None for row in fault.rows)
        for audience_id in request.audiences:
            audience = self._world.get(audience_id)
            if audience is None:
                return Status(request, "FAILED", {"INTERNAL_ERROR": request.records})
            if request.method == "add" and not closed(audience):
                audience.add(rows.values(), at=request.at)
            elif request.method == "remove":
                audience.remove(rows.values())
            elif request.method == "cut":
                audience.cut(request.at)
        errors = +errors
        state: State = "SUCCESS" if not errors else "PARTIAL_SUCCESS" if rows else "FAILED"
        return Status(request, state, errors)
