"""Requests under way beside each other: answers come out as they arrive, in any order.

Each is made in a thread that does nothing else meanwhile. Whoever begins and hears them is one
thread, and so is whoever writes down what they came to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
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
        # A thread for each call would leave behind what allocators keep for it: 140 MB after two
        # hundred requests to Google (`python -m tests.bench.pipeline --cases google`).
        self._idle: SimpleQueue[_Worker] = SimpleQueue()

    def begin(self, what: K, call: Callable[[], T]) -> None:
        """Begin a call, known as `what`; its thread does not keep the process from ending."""
        worker = _begun() if self._idle.empty() else self._idle.get()
        worker.calls.put(partial(copy_context().run, self._work, worker, what, call))
        self.under_way.append(what)

    def landed(self) -> tuple[K, Future[T]]:
        """Wait for the next call to end; the future has what it gave or raised."""
        what, ended = self._ended.get()
        self.under_way.remove(what)
        return what, ended

    def close(self) -> None:
        """End the threads whose calls have ended."""
        while not self._idle.empty():
            worker = self._idle.get()
            worker.calls.put(None)
            worker.join()

    def _work(self, worker: _Worker, what: K, call: Callable[[], T]) -> None:
        ended = called(call)
        self._idle.put(worker)  # before that is heard, so that the next call finds it
        self._ended.put((what, ended))


class _Worker(threading.Thread):
    """Makes calls, one after the other, until there is None."""

    def __init__(self) -> None:
        super().__init__(name="request", daemon=True)
        self.calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self) -> None:
        while (call := self.calls.get()) is not None:
            call()
            del call  # and with it a request's rows


def _begun() -> _Worker:
    worker = _Worker()
    worker.start()
    return worker


def called(call: Callable[[], T]) -> Future[T]:
    """What a call gave or raised."""
    ended: Future[T] = Future()
    try:
        ended.set_result(call())
    except BaseException as error:  # noqa: BLE001  # raised by whoever hears of it
        ended.set_exception(error)
    return ended
