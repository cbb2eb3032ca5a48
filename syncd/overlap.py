"""Stages that overlap: one makes what comes next while another uses what came last.

Arrow, numpy, drivers and ciphers let go of Python's lock while they work, so that two stages keep
two cores busy. What is made ahead is bounded, order is kept, and an error comes out where its item
would have: whoever uses the items meets what they would have met without a second thread, which
has ended before the block is left that it was begun for, whatever ends the block.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2  # items that are made and wait: enough that neither side waits for each of them


@contextmanager
def ahead(items: Iterable[T], most: int = AHEAD) -> Iterator[Iterator[T]]:
    """Items, made before they are asked for in a thread of their own.

    Where the block is left early, nothing more is made but the item that is under way.

    Args:
        items: Looked through in that thread and nowhere else, once.
        most: How many are made and wait.
    """
    line: _Line[T] = _Line(threading.Semaphore(most))
    thread = threading.Thread(
        target=copy_context().run, args=(line.fill, items), name="ahead", daemon=True
    )
    thread.start()
    try:
        yield line.items()
    finally:
        line.left.set()
        line.room.release()
        thread.join()


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    it: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class _Line(Generic[T]):
    """Items on their way from the thread that makes them.

    Attributes:
        room: For how many more.
        left: Set once nobody wants any more.
    """

    room: threading.Semaphore
    left: threading.Event = field(default_factory=threading.Event)
    waiting: SimpleQueue[_Item[T] | _End] = field(default_factory=SimpleQueue)

    def fill(self, items: Iterable[T]) -> None:
        """Make items until there are none, one fails, or nobody wants any more."""
        made = iter(items)
        try:
            self.room.acquire()
            while not self.left.is_set():
                self.waiting.put(_Item(next(made)))
                self.room.acquire()
        except StopIteration:
            self.waiting.put(_End(None))
        except BaseException as error:  # noqa: BLE001  # raised by `items`, where it is met
            self.waiting.put(_End(error))
        finally:
            if isinstance(made, Generator):
                made.close()  # here, where it was at work

    def items(self) -> Iterator[T]:
        """In order, and then what ended them."""
        while isinstance(found := self.waiting.get(), _Item):
            self.room.release()
            yield found.it
        if found.error is not None:
            raise found.error


def worked(calls: Iterable[Callable[[], T]], most: int = AHEAD) -> Generator[T, None, None]:
    """What calls give, in order; they are made one after the other in a thread of their own.

    Close it where it is left early: that ends the thread.

    Args:
        calls: Looked through in this thread, while earlier ones are under way.
        most: How many may be under way or done before one is waited for.
    """
    waiting = deque[Future[T]]()
    pool = ThreadPoolExecutor(1, "worked")
    try:
        for call in _after(waiting, calls):
            waiting.append(pool.submit(call))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _after(
    waiting: Iterable[Future[T]], calls: Iterable[Callable[[], T]]
) -> Iterator[Callable[[], T]]:
    """Calls; where there is an error instead of one, an error of those before it is told."""
    try:
        yield from calls
    except Exception:  # of any kind: it goes on as it is, unless an earlier one goes before it
        for one in waiting:
            one.result()
        raise
