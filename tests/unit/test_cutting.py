"""Rows that take several of a platform's own are cut into as few requests as can be."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from connectors.meta.payload import wire_rows
from syncd.membership.cutting import cut, slots
from syncd.membership.names import named
from syncd.model import EMAIL_CELLS, PHONE_CELLS, ROW_COLUMNS, Fact

PLACES = st.tuples(*[st.booleans()] * 6)
WIDEST = len(EMAIL_CELLS)


def part(rows: list[tuple[bool, ...]]) -> pa.RecordBatch:
    """Rows with an e-mail or a phone at these places, and a postcode that goes with nothing."""
    filled = dict(zip((*EMAIL_CELLS, *PHONE_CELLS), zip(*rows, strict=True), strict=False))
    cells = {
        name: [b"x" * 32 if one else None for one in filled.get(name, [False] * len(rows))]
        for name in (*ROW_COLUMNS, *(one.value for one in Fact))
    }
    return pa.RecordBatch.from_pydict({k: pa.array(v, pa.binary()) for k, v in cells.items()})


def fewest(taken: list[int], most: int) -> list[tuple[int, int]]:
    """One row after the other, as long as it fits."""
    found, first, used = [], 0, 0
    for position, one in enumerate(taken):
        if used + one > most:
            found.append((first, position - first))
            first, used = position, 0
        used += one
    return [*found, (first, len(taken) - first)] if taken else []


@given(st.lists(st.lists(PLACES, min_size=1, max_size=12), max_size=5), st.integers(WIDEST, 20))
def test_no_request_carries_too_many_and_none_could_carry_more(
    parts: list[list[tuple[bool, ...]]], most: int
) -> None:
    batches = [part(rows) for rows in parts]
    taken = [int(one) for batch in batches for one in slots(batch)]
    found = list(cut(batches, most))
    assert found == fewest(taken, most)
    assert sum(count for _, count in found) == len(taken)
    assert all(sum(taken[first : first + count]) <= most for first, count in found)


@given(st.lists(PLACES, min_size=1, max_size=8))
def test_names_of_rows_say_as_much(rows: list[tuple[bool, ...]]) -> None:
    """Which are read in place of cells."""
    batch = part(rows)
    keys = pa.array([b"k"] * len(rows), pa.binary())
    names = named(batch.append_column("key", keys)).batch()
    assert slots(names).tolist() == slots(batch).tolist()


@given(st.lists(PLACES.filter(any), min_size=1, max_size=8))
def test_a_row_takes_as_many_as_meta_is_sent(rows: list[tuple[bool, ...]]) -> None:
    batch = part(rows)
    assert sum(slots(batch)) == len(wire_rows(batch).members)
