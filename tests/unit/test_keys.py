"""Whether a segment's keys all differ, in whatever order and batches they come."""

from __future__ import annotations

import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.shop.keys import Keys

KEY = st.one_of(
    st.integers(0, 120).map(str),
    st.sampled_from([9, 10**6, 10**6 + 100, 10**18 - 1, 10**18, 2**64 + 1]).map(str),
    st.sampled_from(["00", "01", "012", "+1", "-1", " 1", "1 ", "1.0", "١"]),  # noqa: RUF001
    st.text("aé\x00~", max_size=3),
)


def seen(keys: list[str], cut: int) -> Keys:
    """All of them, so many a batch."""
    found, column = Keys(), pa.array(keys, pa.string())
    for first in range(0, len(keys), cut):
        found.add(column.slice(first, cut))
    return found


@pytest.mark.parametrize("order", ["counted up", "sorted", "as drawn"])
@given(keys=st.lists(KEY, max_size=20), twice=st.booleans(), cut=st.integers(1, 8))
@settings(max_examples=100, deadline=None)
def test_two_that_are_the_same_are_found_and_no_others(
    order: str, keys: list[str], cut: int, *, twice: bool
) -> None:
    """Beside one another too, where they come in order, and where one batch ends."""
    given = keys if twice else list(dict.fromkeys(keys))
    if order != "as drawn":
        given = sorted(given, key=lambda key: (len(key) * (order == "counted up"), key))
    found, present = seen(given, cut), [key for key in given if key]
    assert found.doubtful() == (len(set(present)) < len(present))
    assert found.missing == len(given) - len(present)


def test_a_key_that_breaks_the_order_is_looked_up_among_all() -> None:
    """Also among those of before, of which neighbours alone were compared."""
    keys = [str(number) for number in range(9_500, 10_500)]
    assert not seen(keys, 300).doubtful()
    assert not seen([*keys, "9"], 300).doubtful()
    assert all(seen([*keys, again], 300).doubtful() for again in keys[::50])


@pytest.mark.parametrize("step", [1, 3])
def test_numbers_that_are_counted_up_take_hardly_any_memory(step: int) -> None:
    """Ten million took 80 MB; a few bits each, also where some were deleted, and so all read."""
    keys = [str(number) for number in range(900_000, 1_100_000, step)]
    tracemalloc.start()
    found = seen(keys, 20_000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < len(keys)
    assert not found.doubtful()
    assert seen([*keys, keys[77]], 20_000).doubtful()
    assert not seen([*keys, "77"], 20_000).doubtful()
