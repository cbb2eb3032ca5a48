"""Stages that overlap give what one after the other would give, and leave no thread behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.overlap import AHEAD, ahead, worked

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
