"""64-bit hashes of columns: of a value alone, whatever column it stands in and wherever."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncd.hashes import hashed, in_ranges, joined

ODD, ALL = 0x9E3779B97F4A7C15, 2**64 - 1

VALUES = st.one_of(
    st.none(), st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.just(bytes(32))
)


def plainly(value: bytes | None) -> int:
    """The same of one value, by whole numbers."""
    if value is None:
        return 0
    found = len(value) * ODD & ALL
    for at in range(0, len(value), 8):
        found = stirred(found ^ int.from_bytes(value[at : at + 8], "little"))
    return max(found, 1)


def stirred(number: int) -> int:
    for _ in range(2):
        number = number * ODD & ALL
        number ^= number >> 32
    return number


@given(cells=st.lists(VALUES, max_size=9), first=st.integers(0, 9), count=st.integers(0, 9))
@example(cells=[b"ab", b"abcd", b"ab"], first=0, count=3)
@settings(deadline=None)
def test_a_value_has_its_hash_in_whatever_column_it_stands(
    cells: list[bytes | None], first: int, count: int
) -> None:
    """Among nulls and values of other lengths, in a part of a column, digest or plain."""
    found = hashed(pa.array(cells, pa.binary()).slice(first, count))
    assert found.dtype == np.uint64
    assert found.tolist() == [plainly(cell) for cell in cells[first : first + count]]


@given(digests=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=6))
@settings(deadline=None)
def test_a_column_of_digests_is_hashed_as_each_of_them(digests: list[bytes]) -> None:
    """By its words at once, which no null or other length may change."""
    column = pa.array(digests, pa.binary())
    assert hashed(column).tolist() == [plainly(one) for one in digests]
    assert hashed(column[1:]).tolist() == [plainly(one) for one in digests[1:]]


def test_what_lies_under_a_null_counts_for_nothing() -> None:
    """Arrow lets a null have bytes."""
    offsets = pa.array([0, 3, 6], pa.int32()).buffers()[1]
    cells = pa.Array.from_buffers(pa.binary(), 2, [*map(pa.py_buffer, (b"\2", offsets, b"abcdef"))])
    assert hashed(cells).tolist() == [0, plainly(b"def")]


def test_text_has_the_hash_of_its_bytes() -> None:
    """A key is text in the shop and bytes in a membership."""
    assert hashed(pa.array(["é", ""])).tolist() == [plainly("é".encode()), plainly(b"")]


def test_pairs_are_told_by_their_order_and_are_none_where_one_is() -> None:
    """A first name that is another's last one is nobody else."""
    one, other = np.array([7, 0, 7], np.uint64), np.array([9, 9, 0], np.uint64)
    there, back = joined(one, other), joined(other, one)
    assert there[0] != back[0]
    assert there[1:].tolist() == back[1:].tolist() == [0, 0]


# Many share their first bits, some the whole of them; those at the edges of a range are there too.
_HASHES = st.one_of(
    st.integers(0, 3),
    st.integers(0, ALL),
    st.builds(lambda high, low: (high << 60) + low - 1, st.integers(1, 15), st.integers(0, 2)),
    st.just(ALL),
)


@given(parts=st.lists(st.lists(_HASHES, max_size=20), max_size=4))
def test_ranges_hold_all_in_order_and_equal_ones_together(parts: list[list[int]]) -> None:
    """So that whoever counts or compares in each of them misses nothing."""
    ordered = [np.array(sorted(part), np.uint64) for part in parts]
    found = [near.tolist() for near in in_ranges(ordered)]

    assert sum(found, []) == sorted(sum(parts, []))  # noqa: RUF017  # a few numbers
    assert all(not set(one) & set(other) for one, other in itertools.pairwise(found))
