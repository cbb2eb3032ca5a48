"""Stages that overlap give what one after the other would give, and leave no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.overlap import AHEAD, LeftError, Line, ahead, among, worked

SOON = 30.0  # seconds: a test that waits for so long has failed


class LostError(Exception):
    """What a stage may meet."""


def others() -> list[threading.Thread]:
    """Threads of this module's stages."""
    return [one for one in threading.enumerate() if one.name.startswith(("ahead", "worked"))]


@given(st.lists(st.integers()), st.integers(1, 5))
def test_items_come_as_they_were_made(items: list[int], most: int) -> None:
    """
    However many are made ahead: all of them, in order.
    """
    with ahead(items, most) as made:
        assert list(made) == items
    assert list(worked([partial(int, item) for item in items], most)) == items
    assert others() == []


@given(st.lists(st.integers(), max_size=6), st.integers(1, 4))
def test_an_error_comes_where_its_item_would_have(items: list[int], most: int) -> None:
    """
    What was made before it is used first.
    """

    def breaking() -> Iterator[int]:
        yield from items
        raise LostError

    with ahead(breaking(), most) as made:
        assert [next(made) for _ in items] == items
        with pytest.raises(LostError):
            next(made)


def test_what_is_not_wanted_any_more_is_not_made() -> None:
    """
    Whoever leaves early finds what makes the items closed, in its own thread, and ended.
    """
    made, closed_in = [], list[threading.Thread]()

    def endless() -> Iterator[int]:
        try:
            for number in range(1_000_000):
                made.append(number)
                yield number
        finally:
            closed_in.append(threading.current_thread())

    def leave() -> None:
        with ahead(endless()) as items:
            next(items)
            raise LostError

    with pytest.raises(LostError):
        leave()

    assert closed_in == [one for one in closed_in if one is not threading.main_thread()]
    assert len(closed_in) == 1
    assert others() == []
    assert len(made) <= AHEAD + 2


def test_no_more_is_made_than_may_wait() -> None:
    """
    However slow whoever uses them is.
    """
    asked = 0

    def counted() -> Iterator[int]:
        for number in range(1_000):
            assert number < AHEAD + asked
            yield number

    with ahead(counted()) as items:
        for number in range(1_000):
            asked += 1
            assert next(items) == number


def test_one_stage_works_while_the_other_does() -> None:
    """
    The second item is being made while the first one is used.
    """
    begun, used = threading.Event(), threading.Event()

    def two() -> Iterator[int]:
        yield 1
        begun.set()
        assert used.wait(SOON)
        yield 2

    with ahead(two()) as items:
        assert next(items) == 1
        assert begun.wait(SOON)
        used.set()
        assert next(items) == 2


def test_a_stage_knows_what_its_run_is_called() -> None:
    """
    What is bound to a run is bound in its second thread: log events name sync and run.
    """
    run = ContextVar("run", default="")
    run.set("r1")

    def names() -> Iterator[str]:
        yield run.get()

    with ahead(names()) as items:
        assert list(items) == ["r1"]


@given(st.lists(st.integers()), st.integers(1, 4), st.integers(1, 3))
def test_each_taker_gets_all_items(items: list[int], takers: int, most: int) -> None:
    """
    Each in a thread of its own; they are made once.
    """
    made = list[int]()

    def counted() -> Iterator[int]:
        for item in items:
            made.append(item)
            yield item

    with ThreadPoolExecutor(takers) as threads, among(counted(), takers, most) as lines:
        assert list(threads.map(list[int], lines)) == [items] * takers
    assert made == items
    assert others() == []


def test_the_slowest_taker_says_how_fast_items_are_made() -> None:
    """
    And one that has left says nothing any more.
    """
    made = list[int]()

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with among(counted(), 2, 3) as (quick, slow):
        got = iter(quick)
        assert [next(got) for _ in range(3)] == [0, 1, 2]
        assert len(made) <= 3
        slow.leave()
        assert list(got) == list(range(3, 100))


def test_takers_of_what_is_left_early_hear_of_it() -> None:
    """
    They may be in the middle of it, or wait for the next item.
    """

    def told(line: Line[int]) -> bool:
        try:
            list(line)
        except LeftError:
            return True
        return False

    def endless() -> Iterator[int]:
        yield from iter(int, 1)

    with ThreadPoolExecutor(2) as threads:
        with among(endless(), 3) as (first, *rest):
            heard = [threads.submit(told, line) for line in rest]
            got = iter(first)
            assert [next(got) for _ in range(20)] == [0] * 20
        assert [one.result(SOON) for one in heard] == [True, True]
    assert others() == []


@given(st.lists(st.integers(), max_size=6), st.integers(1, 4))
def test_each_taker_meets_an_error_where_its_item_would_have_come(
    items: list[int], takers: int
) -> None:
    def breaking() -> Iterator[int]:
        yield from items
        raise LostError

    def met(line: Line[int]) -> list[int]:
        got = iter(line)
        found = [next(got) for _ in items]
        with pytest.raises(LostError):
            next(got)
        return found

    with ThreadPoolExecutor(takers) as threads, among(breaking(), takers) as lines:
        assert list(threads.map(met, lines)) == [items] * takers


def test_of_two_errors_the_earlier_ones_is_told() -> None:
    """
    A call that failed came before the calls that there were none of any more.
    """

    def failing() -> int:
        raise ValueError("the first")

    def calls() -> Iterator[partial[int]]:
        yield partial(failing)
        raise LostError

    with pytest.raises(ValueError, match="the first"):
        list(worked(calls()))
    assert others() == []


def test_calls_that_nobody_waits_for_end_with_their_user() -> None:
    """
    A full disk, say, while the next rows are digested.
    """

    def leave() -> None:
        with closing(worked(partial(int, number) for number in range(1_000_000))) as found:
            for _ in found:
                raise LostError

    with pytest.raises(LostError):
        leave()
    assert others() == []


def test_calls_are_made_in_another_thread_and_looked_for_in_this_one() -> None:
    """
    Locks and pulses go by the thread of a run.
    """
    here = threading.get_ident()
    looked = []

    def calls() -> Iterator[partial[int]]:
        for _ in range(5):
            looked.append(threading.get_ident())
            yield partial(threading.get_ident)

    made = set(worked(calls()))

    assert set(looked) == {here}
    assert here not in made
    assert len(made) == 1


def test_what_several_threads_make_comes_in_order() -> None:
    """Whichever of two calls ends first: here the second, for which the first one waits."""
    second = threading.Event()

    def first() -> int:
        assert second.wait(10)
        return 1

    def then() -> int:
        second.set()
        return 2

    assert list(worked([first, then], threads=2)) == [1, 2]
