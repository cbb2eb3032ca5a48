"""Text that a driver hands over is UTF-8, or the read ends."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.errors import ShopError
from syncd.shop.columns import utf8

Cells = list[bytes | None]
Made = Callable[[Cells], pa.Array]
PIECES = st.sampled_from([b"a", b"\x00", b"\x7f", "é".encode(), b"\x80", b"\xff"])
CELLS = st.lists(st.none() | st.lists(PIECES, max_size=2).map(b"".join), max_size=4)


def as_bytes(cells: Cells) -> pa.BinaryArray:
    return pa.array(cells, pa.binary())


def as_text(cells: Cells) -> pa.StringArray:
    """Bytes that a driver calls text."""
    held = as_bytes(cells)
    return pa.Array.from_buffers(pa.string(), len(held), held.buffers(), held.null_count)


@example([b"aa", b"\x80"], 1, as_text)
@given(CELLS, st.integers(0, 3), st.sampled_from([as_text, as_bytes]))
def test_what_is_not_utf8_is_told_and_all_else_is_as_it_was(
    cells: Cells, first: int, made: Made
) -> None:
    """Of a slice, what lies outside of it does not count."""
    column = made(cells)
    seen = cells[first:]
    try:
        wanted = [None if cell is None else cell.decode() for cell in seen]
    except UnicodeError:
        with pytest.raises(ShopError, match="column email holds a value that is not text"):
            utf8(column.slice(first), "email")
    else:
        assert utf8(column.slice(first), "email").to_pylist() == wanted
