"""Each upload is ended by its own last batch, however requests overlap."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.memory import PLATFORM
from syncd.errors import Unavailable
from syncd.model import Advice
from syncd.ports import Upload
from syncd.runs.flight import Flight
from syncd.runs.lanes import ENDED, Lane, Lanes
from tests.unit.lane_scene import lanes_of
from tests.unit.test_retry import NOON

DEADLINE = timedelta(seconds=120)
LASTS = timedelta(minutes=90)


@given(
    batches=st.integers(1, 20),
    in_flight=st.integers(1, 6),
    picks=st.lists(st.integers(0, 5), max_size=40),
    begins=st.lists(st.booleans(), max_size=60),
)
def test_each_lane_ends_with_its_last_batch_and_only_with_that(
    batches: int, in_flight: int, picks: list[int], begins: list[bool]
) -> None:
    """So that a platform's session has one last batch, and nothing after it."""
    lanes = lanes_of(batches, in_flight)
    under_way: list[Lane] = []
    sent = defaultdict[Lane, list[bool]](list)
    left = batches
    while left or under_way:
        begin = begins.pop(0) if begins else True
        if left and (not under_way or (lanes.free and begin)):
            left -= 1
            lane, last = lanes.take(left)
            assert lane not in under_way, "two requests in one upload"
            under_way.append(lane)
            sent[lane].append(last)
        else:
            pick = picks.pop(0) if picks else 0
            lanes.give_back(under_way.pop(pick % len(under_way)))
        assert len(under_way) <= in_flight
    assert len(sent) == min(batches, in_flight)
    for each in sent.values():
        assert each == [False] * (len(each) - 1) + [True]


def test_what_is_left_over_goes_out_in_the_lane_that_is_left() -> None:
    """Parts of a refused batch follow after all others."""
    lanes = lanes_of(4, 4)
    taken = [lanes.take(left) for left in (3, 2, 1, 0)]
    for lane, _ in taken:
        lanes.give_back(lane)
    lane, last = lanes.take(0)
    assert (lane, last) == (taken[-1][0], True)


@pytest.mark.parametrize(("batches", "lanes"), [(1, 1), (19, 1), (20, 2), (39, 3), (1_000, 4)])
def test_another_upload_is_opened_only_where_it_is_worth_it(batches: int, lanes: int) -> None:
    """Ten batches each: fewer stay in one upload, one after the other."""
    made = lanes_of(batches, 4, worth=10, rows=batches)
    taken = 0
    while made.free:
        made.take(batches - taken)
        taken += 1
    assert taken == lanes


def test_lanes_are_told_of_their_share_of_the_rows() -> None:
    lanes = lanes_of(10, 4, rows=1_001)
    lane, _ = lanes.take(9)
    upload, _ = lane.upload(NOON, DEADLINE, last=False)
    assert upload.label.endswith("-251")


# --- one lane -------------------------------------------------------------------------


class Uploads:
    """Opens uploads; a number each."""

    def __init__(self) -> None:
        self.opened = 0

    def __call__(self) -> Upload:
        self.opened += 1
        return cast("Upload", self.opened)

    def lane(self) -> Lane:
        return Lane(self, Advice, lasts=LASTS)


def asked(lane: Lane, after: timedelta = timedelta(), *, last: bool = False) -> tuple[int, bool]:
    """The number of the upload that a request goes out in, and whether it is its last."""
    upload, ends = lane.upload(NOON + after, DEADLINE, last=last)
    return cast("int", upload), ends


def test_an_upload_goes_on_once_its_request_was_taken() -> None:
    """Any other answer, or none, and the next request opens another."""
    lane = Uploads().lane()
    assert asked(lane) == (1, False)
    lane.confirm()
    assert asked(lane) == (1, False)
    assert asked(lane) == (2, False)


def test_an_upload_is_ended_before_its_time_is_over_and_left_when_it_is() -> None:
    lane = Uploads().lane()
    assert asked(lane) == (1, False)
    lane.confirm()
    assert asked(lane, LASTS * ENDED) == (1, True)
    lane.confirm()
    assert asked(lane, LASTS * ENDED) == (2, False), "that was its last"
    lane.confirm()
    assert asked(lane, 2 * LASTS) == (3, False), "it would be discarded"


def test_nothing_follows_the_last_batch_of_an_upload() -> None:
    """What is sent after it, as parts of a batch that was refused meanwhile, has another one."""
    lane = Uploads().lane()
    assert asked(lane) == (1, False)
    lane.confirm()
    assert asked(lane, last=True) == (1, True)
    lane.confirm()
    assert asked(lane, last=True) == (2, True)


def test_a_whole_upload_is_the_only_one_and_never_overdue() -> None:
    uploads = Uploads()
    whole = cast("Upload", "whole")
    lane = Lane(uploads, Advice, lasts=LASTS, whole=whole)
    for now in (NOON, NOON + 2 * LASTS):
        assert lane.upload(now, DEADLINE, last=False) == (whole, False)
        lane.confirm()
    assert lane.upload(NOON, DEADLINE, last=True) == (whole, True)
    assert uploads.opened == 0


# --- requests under way -----------------------------------------------------------------


def test_calls_are_heard_as_they_end_with_what_they_raised() -> None:
    flight = Flight[str, int]()
    error = Unavailable("memory", "reset")

    def fails() -> int:
        raise error

    flight.begin("a", lambda: 1)
    flight.begin("b", fails)
    assert flight.under_way == ["a", "b"]
    ended = dict(flight.landed() for _ in range(2))
    assert flight.under_way == []
    assert ended["a"].result() == 1
    assert ended["b"].exception() is error


def test_as_many_threads_make_calls_as_are_under_way_at_once() -> None:
    """What allocators keep for a thread would add up otherwise; they end with the flight."""
    flight = Flight[int, int]()
    makers = set[int]()
    for number in range(50):
        flight.begin(number, threading.get_ident)
        flight.begin(-1, threading.get_ident)
        makers |= {flight.landed()[1].result(), flight.landed()[1].result()}
    assert len(makers) == 2
    assert makers <= {one.ident for one in threading.enumerate()}
    flight.close()
    assert not makers & {one.ident for one in threading.enumerate()}


def test_the_platforms_say_how_many_they_take() -> None:
    assert PLATFORM.capabilities.in_flight == 1
    assert isinstance(lanes_of(1, 1), Lanes)
