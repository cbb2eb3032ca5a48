"""Stages that overlap: one makes what comes next while another uses what came last.

Arrow, numpy, drivers and ciphers let go of Python's lock while they work, so that two stages keep
two cores busy. What is made ahead is bounded, order is kept, and an error comes out where its item
would have: whoever uses the items meets what they would have met without a second thread, which
has ended before the block is left that it was begun for, whatever ends the block.

What is made may have several takers, each in a thread of its own: all get every item, and the
slowest says how fast they are made. One that leaves keeps nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

AHEAD = 2  # items that are made and wait: enough that neither side waits for each of them


class LeftError(Exception):
    """Whoever had the items made has left before the last of them."""


@contextmanager
def ahead(items: Iterable[T], most: int = AHEAD) -> Iterator[Iterator[T]]:
    """Items, made before they are asked for in a thread of their own.

    Where the block is left early, nothing more is made but the item that is under way.

    Args:
        items: Looked through in that thread and nowhere else, once.
        most: How many are made and wait.
    """
    with among(items, 1, most) as (line,):
        yield iter(line)


@contextmanager
def among(items: Iterable[T], takers: int, most: int = AHEAD) -> Iterator[tuple[Line[T], ...]]:
    """Items for some takers, each of which gets all of them; made once, as by `ahead`.

    Args:
        items: Likewise.
        takers: How many there are.
        most: How many items wait for a taker before no more are made.

    Returns:
        A line for each. Where the block is left early, they end with `LeftError`.
    """
    lines: tuple[Line[T], ...] = tuple(Line(threading.Semaphore(most)) for _ in range(takers))
    thread = threading.Thread(
        target=copy_context().run, args=(_fill, lines, items), name="ahead", daemon=True
    )
    thread.start()
    try:
        yield lines
    finally:
        for line in lines:
            line.leave()
        thread.join()


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    it: T


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """Items on their way from the thread that makes them to one taker; looked through once.

    Attributes:
        room: For how many more.
        left: Set once the taker wants no more.
    """

    room: threading.Semaphore
    left: threading.Event = field(default_factory=threading.Event)
    waiting: SimpleQueue[_Item[T] | _End] = field(default_factory=SimpleQueue)

    def leave(self) -> None:
        """Want no more of them."""
        self.left.set()
        self.room.release()

    def __iter__(self) -> Iterator[T]:
        """In order, and then what ended them."""
        while isinstance(found := self.waiting.get(), _Item):
            self.room.release()
            yield found.it
        if found.error is not None:
            raise found.error


def _fill(lines: Sequence[Line[T]], items: Iterable[T]) -> None:
    """Make items until there are none, one fails, or nobody wants any more."""
    made, end = iter(items), _End(LeftError())
    try:
        while wanting := _with_room(lines):
            item = _Item(next(made))
            for line in wanting:
                line.waiting.put(item)
    except StopIteration:
        end = _End(None)
    except BaseException as error:  # noqa: BLE001  # raised for the takers, where it is met
        end = _End(error)
    finally:
        for line in lines:
            line.waiting.put(end)
        if isinstance(made, Generator):
            made.close()  # here, where it was at work


def _with_room(lines: Sequence[Line[T]]) -> list[Line[T]]:
    """Those that want more, once each of them has room for it."""
    wanting = [line for line in lines if not line.left.is_set()]
    for line in wanting:
        line.room.acquire()
    return [line for line in wanting if not line.left.is_set()]


def worked(
    calls: Iterable[Callable[[], T]], most: int = AHEAD, *, threads: int = 1
) -> Generator[T, None, None]:
    """What calls give, in order; they are made in threads of their own.

    Close it where it is left early: that ends the threads.

    Args:
        calls: Looked through in this thread, while earlier ones are under way.
        most: How many may be under way or done before one is waited for.
        threads: How many calls are made at a time; by one thread they are made in order, too.
    """
    waiting = deque[Future[T]]()
    pool = ThreadPoolExecutor(threads, "worked")
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
