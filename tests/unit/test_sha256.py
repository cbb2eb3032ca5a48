"""Digests of columns: the same by whichever way they are made, and of no value but its own."""

from __future__ import annotations

import gc
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.identity import sha256
from syncd.identity.sha256 import MANY, digests

VALUES = st.one_of(
    st.none(),
    st.binary(min_size=1, max_size=20),
    st.binary(min_size=50, max_size=140),  # about where a second and a third block begin
    st.integers(1, 5).map(bytes),  # NULs alone
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.encode),
)
# Long enough for DuckDB whatever stands before it.
FILLING = pa.array([b"%d" % number for number in range(MANY)], pa.binary())


def plainly(column: pa.Array) -> list[bytes | None]:
    return [one if one is None else hashlib.sha256(one).digest() for one in column.to_pylist()]


@settings(deadline=None)
@given(
    columns=st.lists(st.lists(VALUES, max_size=8), max_size=4),
    first=st.integers(0, 3),
    many=st.booleans(),
)
def test_each_value_has_its_digest_among_many_and_among_few(
    columns: list[list[bytes | None]], first: int, *, many: bool
) -> None:
    """
    Any bytes, nulls among them, and columns that are parts of others.
    """
    given_ = [pa.array(column, pa.binary())[first:] for column in columns]
    for column in given_:
        column.validate(full=True)
    asked = [*given_, FILLING] if many else given_
    found = digests(asked)
    assert len(found) == len(asked)
    for column, made in zip(asked, found, strict=True):
        made.validate(full=True)
        assert made.type == pa.binary()
        assert made.to_pylist() == plainly(column)


@pytest.mark.parametrize("count", [MANY - 1, MANY, 3 * MANY])
def test_the_order_is_kept_however_many_there_are(count: int) -> None:
    """
    Also where DuckDB works on more than it takes at once.
    """
    cells = [None if number % 7 == 3 else b"%d" % number for number in range(count)]
    column = pa.array(cells, pa.binary())
    assert digests([column, column[1:]])[1].to_pylist() == plainly(column)[1:]


def test_text_has_the_digest_of_its_utf8() -> None:
    column = pa.array(["é", None, "a\0b"])
    assert digests([column])[0].to_pylist() == plainly(column.cast(pa.binary()))


def test_what_lies_under_a_null_counts_for_nothing() -> None:
    """
    Arrow lets a null have bytes, and none where a value would have to have some.
    """
    edges = pa.array([0, 3, 6, 6], pa.int32()).buffers()[1]
    buffers = [*map(pa.py_buffer, (b"\2", edges, b"abcdef"))]
    column = pa.Array.from_buffers(pa.binary(), 3, buffers)
    for asked in ([column], [column, FILLING]):
        assert digests(asked)[0].to_pylist() == [None, hashlib.sha256(b"def").digest(), None]


@pytest.mark.parametrize("others", [[], [FILLING]])
def test_an_empty_value_is_refused(others: list[pa.Array]) -> None:
    """
    Its digest would stand for everybody.
    """
    with pytest.raises(ValueError, match="an empty value has no digest"):
        digests([*others, pa.array([b"a", b"", None], pa.binary())])


def test_threads_do_not_get_each_others_digests() -> None:
    """
    The instance is made by the first of them, and each has a cursor of its own.
    """
    columns = [pa.array([b"%d-%d" % (who, n) for n in range(MANY)]) for who in range(24)]
    sha256._instance.cache_clear()
    with ThreadPoolExecutor(6) as threads:
        found = threads.map(lambda column: digests([column])[0].to_pylist(), columns)
        assert list(found) == [plainly(column) for column in columns]
    assert sha256._instance.cache_info().misses == 1


def test_nothing_is_spilled() -> None:
    """
    What is hashed lies in clear.
    """
    digests([FILLING])
    with sha256._instance().cursor() as cursor:
        found = cursor.execute("SELECT current_setting('temp_directory')").fetchall()
    assert found == [("",)]


def test_memory_does_not_grow_with_statements() -> None:
    """
    A daemon hashes for months.
    """
    column = FILLING[:MANY]

    def after(statements: int) -> int:
        for _ in range(statements):
            digests([column])
        gc.collect()
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4_096

    before = after(50)
    assert after(300) - before < 300 * 20_000
