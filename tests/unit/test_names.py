"""Names of rows: equal where keys, identifiers or whole rows are, and only there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership.engine import ROW_SCHEMA, SLOTS
from syncd.membership.names import likeness, named
from syncd.model import ROW_COLUMNS

Row = dict[str, bytes | None]

# Digested, plain and missing cells; few, so that two rows often share one.
CELLS = st.sampled_from([None, None, b"NL", b"1011 AB", b"%032d" % 1, b"%032d" % 2])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from([b"c:1", b"c:2", b"g:" + bytes(32)])},
        optional=dict.fromkeys(ROW_COLUMNS, CELLS),
    ),
    max_size=8,
)


def batch(rows: list[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=ROW_SCHEMA)


def identifiers(row: Row) -> list[tuple[int, tuple[bytes | None, ...]]]:
    """What a row is known by: kind and cells of each slot, all of which it must have."""
    found = [(kind, tuple(row.get(cell) for cell in cells)) for kind, cells, _ in SLOTS]
    return [(kind, cells) for kind, cells in found if None not in cells]


@given(rows=ROWS, others=ROWS, first=st.integers(0, 8))
@settings(deadline=None)
def test_names_are_equal_exactly_where_what_they_name_is(
    rows: list[Row], others: list[Row], first: int
) -> None:
    """In whatever batch, slot or part of a batch it stands; blank where a row has none."""
    keys, ids = dict[bytes | None, int](), dict[object, int]()
    for some, part in ((rows, 0), (others, first)):
        found = named(batch(some).slice(part))
        for row, key, line in zip(some[part:], found.keys, found.ids, strict=True):
            assert keys.setdefault(row["key"], int(key)) == key
            kinds = np.array(found.kinds, np.int64)[line != 0]
            mine = identifiers(row)
            assert [kind for kind, _ in mine] == kinds.tolist()
            for identifier, name in zip(mine, line[line != 0], strict=True):
                assert ids.setdefault(identifier, int(name)) == name
    for names in (keys, ids):
        assert len(set(names.values())) == len(names)


@given(rows=ROWS, others=ROWS, first=st.integers(0, 8))
@settings(deadline=None)
def test_rows_are_alike_exactly_where_all_of_their_cells_are(
    rows: list[Row], others: list[Row], first: int
) -> None:
    """Whoever has them: a key tells nothing of it."""
    seen = dict[tuple[bytes | None, ...], int]()
    for some, part in ((rows, 0), (others, first)):
        for row, number in zip(some[part:], likeness(batch(some).slice(part)), strict=True):
            cells = tuple(row.get(cell) for cell in ROW_COLUMNS)
            assert seen.setdefault(cells, int(number)) == number
    assert len(set(seen.values())) == len(seen)


def test_keys_alone_take_no_identifiers() -> None:
    """Which is most of the work."""
    found = named(batch([{"key": b"c:1", "email": b"%032d" % 1}]), ids=False)
    assert (found.ids.shape, found.kinds) == ((1, 0), ())


def test_names_stay_what_they_are() -> None:
    """They are kept in files: these numbers are never to change."""
    rows = batch([{"key": b"c:1", "email": b"%032d" % 1, "external_id": b"x"}])
    found = named(rows)
    assert found.keys.tolist() == [9738727174071042124]
    assert found.ids.tolist() == [[1547992766028099358, 9047420189905137319]]
