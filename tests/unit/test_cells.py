"""A row's cells as one text are the cells they were, and are known by the same fingerprint."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from syncd.cells import NOTHING, SEPARATOR, controlled, joined, joins, keys, parted, separators
from syncd.identity.fingerprints import fingerprints

NAMES = ("customer_key", "email", "phone")
TEXTS = st.text(st.sampled_from("ab |\x1e\x00\né\u20ac\U0001f600"), max_size=4)
CELLS = st.none() | TEXTS.filter(lambda text: text != NOTHING)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8)
Row = tuple[str | None, ...]


def as_one(rows: list[Row], names: tuple[str, ...] = NAMES) -> pa.RecordBatch:
    """Rows as a shop joins them."""
    texts = [SEPARATOR.join(NOTHING if one is None else one for one in row) for row in rows]
    return joined(pa.array(texts, pa.string()), names)


def as_columns(rows: list[Row], names: tuple[str, ...] = NAMES) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(one, pa.string()) for one in columns], list(names))


@given(ROWS, st.data())
def test_cells_come_apart_as_they_were(rows: list[Row], data: st.DataObject) -> None:
    """Of all rows, of a part of them, of some, and of those of several batches."""
    first = data.draw(st.integers(0, len(rows) - 1))
    some = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    whole = as_one(rows)
    assert parted(whole) == as_columns(rows)
    assert parted(whole.slice(first)) == as_columns(rows).slice(first)
    assert parted(whole.filter(pa.array(some))) == as_columns(rows).filter(pa.array(some))
    assert parted(pa.concat_batches([whole, whole])) == as_columns([*rows, *rows])


@given(ROWS, st.permutations(NAMES))
def test_keys_are_found_wherever_they_stand(rows: list[Row], names: list[str]) -> None:
    place = names.index("customer_key")
    for batch in (as_one(rows, tuple(names)), as_columns(rows, tuple(names))):
        assert keys(batch).to_pylist() == [row[place] for row in rows]


@given(ROWS, st.integers(0, 7))
def test_joined_rows_have_the_fingerprints_of_their_columns(rows: list[Row], first: int) -> None:
    found = [
        fingerprints(batch.slice(first), key=bytes(32), shape="meta", said=("config",))
        for batch in (as_one(rows), as_columns(rows))
    ]
    assert found[0].tolist() == found[1].tolist()


@given(ROWS)
def test_a_control_character_is_found_wherever_it_stands(rows: list[Row]) -> None:
    expected = [
        n for n, row in enumerate(rows) if any(one < " " for cell in row for one in cell or "")
    ]
    assert controlled(as_one(rows).column("cells"), 2).tolist() == expected


def test_rows_that_have_columns_stay_as_they_are() -> None:
    rows = as_columns([("a", None, "c")])
    assert joins(rows) is None
    assert parted(rows) is rows


def test_a_separator_in_a_cell_is_counted() -> None:
    rows: list[Row] = [("a", "b", "c"), ("a", f"b{SEPARATOR}", "c"), ("d", None, "")]
    cells = as_one(rows).column("cells")
    found = separators(cells, 2)
    assert found is not None
    assert found.tolist() == [True, False, True]
    assert separators(cells.slice(2), 2) is None


def test_nobody_is_parted_too() -> None:
    assert parted(as_one([("a", "b", "c")]).slice(1)) == as_columns([("a", "b", "c")]).slice(1)


def test_other_names_make_another_fingerprint() -> None:
    found = [
        fingerprints(as_one([("a", "b", "c")], names), key=bytes(32), shape="", said=()).tolist()
        for names in (NAMES, ("customer_key", "phone", "email"))
    ]
    assert found[0] != found[1]
