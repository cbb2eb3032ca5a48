"""Requests under way beside each other: answers come out as they arrive, in any order.

Each is made in a thread of its own, which does nothing else. Whoever begins and hears them is one
thread, and so is whoever writes down what they came to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Flight(Generic[K, T]):
    """Calls that were begun and not yet heard of; used by one thread.

    Attributes:
        under_way: What they are known as.
    """

    def __init__(self) -> None:
        self.under_way: list[K] = []
        self._ended: SimpleQueue[tuple[K, Future[T]]] = SimpleQueue()

    def begin(self, what: K, call: Callable[[], T]) -> None:
        """Begin a call, known as `what`; its thread does not keep the process from ending."""
        threading.Thread(
            target=copy_context().run, args=(self._make, what, call), name="request", daemon=True
        ).start()
        self.under_way.append(what)

    def landed(self) -> tuple[K, Future[T]]:
        """Wait for the next call to end; the future has what it gave or raised."""
        what, ended = self._ended.get()
        self.under_way.remove(what)
        return what, ended

    def _make(self, what: K, call: Callable[[], T]) -> None:
        ended: Future[T] = Future()
        try:
            ended.set_result(call())
        except BaseException as error:  # noqa: BLE001  # raised by whoever hears of it
            ended.set_exception(error)
        self._ended.put((what, ended))
