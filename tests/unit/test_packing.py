"""Packed blocks: as small as what they say, and back as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership import packing
from syncd.membership.engine import ROW_SCHEMA, SENT_SCHEMA, SNAPSHOT_SCHEMA
from syncd.membership.held import HELD_ID_SCHEMA, HELD_ROW_SCHEMA
from syncd.membership.names import NAMES_SCHEMA, named
from syncd.membership.packing import FEW, packed, unpacked
from syncd.membership.since import SCHEMA as SINCE_SCHEMA

SORTS = (
    *(ROW_SCHEMA, SENT_SCHEMA, SNAPSHOT_SCHEMA, HELD_ROW_SCHEMA, HELD_ID_SCHEMA, NAMES_SCHEMA),
    SINCE_SCHEMA,
)
CELL = st.one_of(st.none(), st.binary(max_size=33), st.just(bytes(32)), st.just(b"NL"))
DIGEST = st.sampled_from([bytes(32), b"%032d" % 1, b"%032d" % 2])
# Of a column: what its cells are drawn from, so that some are blank and some have digests alone.
COLUMNS = st.sampled_from([CELL, DIGEST, st.none(), st.one_of(st.none(), DIGEST)])


def of(kind: pa.DataType, cells: st.SearchStrategy[bytes | None]) -> st.SearchStrategy[object]:
    if kind == pa.binary():
        return cells
    if kind == pa.bool_():
        return st.one_of(st.none(), st.booleans())
    top = 2**63 - 1 if kind == pa.int64() else 120
    return st.integers(0, 2**64 - 1) if kind == pa.uint64() else st.integers(0, top)


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    """A part of a batch of any sort, as a writer gets it."""
    schema, rows = draw(st.sampled_from(SORTS)), draw(st.integers(1, 9))
    columns = []
    for field in schema:
        cells = st.binary(max_size=9) if field.name == "key" else draw(COLUMNS)
        values = of(field.type, cells)
        if field.type == pa.uint64() and draw(st.booleans()):
            values = st.just(0)
        if schema is SINCE_SCHEMA:
            values = st.sampled_from([7, 7, 8]) if draw(st.booleans()) else st.just(7)
        drawn = st.lists(values, min_size=rows, max_size=rows)
        columns.append(pa.array(draw(drawn), field.type))
    first = draw(st.integers(0, rows - 1))
    return pa.RecordBatch.from_arrays(columns, schema=schema).slice(first)


@pytest.mark.parametrize("few", [0, FEW])
@given(rows=batches())
@settings(max_examples=60, deadline=None)
def test_rows_come_back_as_they_were(few: int, rows: pa.RecordBatch) -> None:
    """Every cell, null and column in its place, however many rows a block has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "FEW", few)
        block = bytes(packed(rows))
    found = unpacked(block, rows.num_rows)
    assert found.schema == rows.schema
    assert found == rows
    for first in range(2):
        at = np.arange(first, rows.num_rows, 2)
        assert unpacked(block, rows.num_rows, at) == rows.take(pa.array(at))


def digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def members(size: int, **cells: Callable[[int], bytes | None]) -> pa.RecordBatch:
    lines = [{"key": b"c:%d" % n, **{c: of(n) for c, of in cells.items()}} for n in range(size)]
    return pa.RecordBatch.from_pylist([{**line, "consent": 1} for line in lines], schema=ROW_SCHEMA)


@pytest.mark.parametrize(
    ("cells", "most"),
    [
        ({}, 6),
        ({"email": digest}, 38),
        ({"email": digest, "phone": lambda n: digest(-n)}, 70),
        ({"given_name": lambda n: digest(n % 20), "country": lambda _: digest(0)}, 8),
        ({"phone": lambda n: digest(n) if n % 10 == 0 else None}, 11),
        ({"value": lambda n: b"%d" % (n % 50)}, 8),
    ],
)
def test_a_member_takes_hardly_more_than_their_digests(
    cells: dict[str, Callable[[int], bytes | None]], most: int
) -> None:
    """A few bytes beside them for the key; nothing for cells that many share, or nobody has."""
    rows = members(5_000, **cells)
    assert len(packed(rows)) / 5_000 < most


def test_names_take_eight_bytes_for_each_that_there_is() -> None:
    """Of a key and two identifiers."""
    rows = members(5_000, email=digest, phone=lambda n: digest(-n))
    assert len(packed(named(rows).batch())) / 5_000 < 24.5


@pytest.mark.parametrize("schema", [HELD_ROW_SCHEMA, SNAPSHOT_SCHEMA, HELD_ID_SCHEMA])
def test_a_block_of_an_earlier_version_is_read(schema: pa.Schema) -> None:
    """One stream of all its columns, or of those that had any cell."""
    columns = [pa.nulls(3, field.type) for field in schema]
    rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    for some in (rows, rows.drop_columns([name for name in ("value",) if name in schema.names])):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, some.schema) as stream:
            stream.write_batch(some)
        assert unpacked(sink.getvalue().to_pybytes(), 3) == rows


def test_positions_that_follow_one_another_take_hardly_any_room() -> None:
    """Who came unchanged is said by nothing else."""
    rows = pa.RecordBatch.from_pydict({"n": np.arange(20_000)})
    assert len(packed(rows)) / 20_000 < 3
    assert unpacked(bytes(packed(rows)), 20_000) == rows


def test_lines_that_all_say_the_same_are_one() -> None:
    """Of a first sync, since when each identifier is there; one other line is told apart."""
    columns = [
        pa.array(np.full(20_000, 1_700_000_000_000_000 + n)) for n, _ in enumerate(SINCE_SCHEMA)
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=SINCE_SCHEMA)
    assert len(packed(rows)) < 4_000
    assert unpacked(bytes(packed(rows)), 20_000) == rows
    for place in (0, 9_999, 19_999):
        moment = columns[3].to_numpy().copy()
        moment[place] += 1
        other = rows.set_column(3, SINCE_SCHEMA.field(3), pa.array(moment))
        assert unpacked(bytes(packed(other)), 20_000) == other
