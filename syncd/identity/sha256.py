"""SHA-256 of columns: of many values by DuckDB, of few by hashlib.

Both give the same. DuckDB lets go of Python's lock while it hashes, so that another thread works
meanwhile, but a statement takes 2 ms whatever it is asked. Its instance is one of its own: it
sees what people are called and where they can be reached, and neither names it nor spills it.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from syncd.cells import column_bytes

if TYPE_CHECKING:
    import duckdb

BYTES = 32
MANY = 5_000  # values from which on a statement takes less time than it takes hashlib

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,  # whoever calls has a thread already
    "temp_directory": "",
    "memory_limit": "256MB",  # it holds a batch's digests in hex, 64 bytes each
}
_turn = Lock()


def digests(columns: Sequence[pa.Array]) -> list[pa.Array]:
    """The SHA-256 of each value of some columns, null where there is none.

    Args:
        columns: Text or bytes, hashed together.

    Raises:
        ValueError: A value is empty; its digest would stand for everybody.
    """
    plain = [column.cast(pa.binary()) for column in columns]
    if any(map(_holds_empty, plain)):
        raise ValueError("an empty value has no digest")
    count = sum(len(column) - column.null_count for column in plain)
    return parted((_by_duckdb if count >= MANY else _by_hashlib)(plain), columns)


def parted(joined: bytes, columns: Sequence[pa.Array]) -> list[pa.Array]:
    """Digests one behind the other, as cells of columns that have a value each.

    Args:
        columns: Whose they are, with nulls where there is none.
    """
    held, found, first = pa.py_buffer(joined), [], 0
    for column in columns:
        count = len(column) - column.null_count
        missing, edges = None, np.arange(len(column) + 1, dtype=np.int32)
        if column.null_count:
            valid = column.is_valid().to_numpy(zero_copy_only=False)
            missing = pa.py_buffer(np.packbits(valid, bitorder="little"))
            np.cumsum(valid, dtype=np.int32, out=edges[1:])
        edges *= BYTES
        buffers = [missing, pa.py_buffer(edges), held.slice(first * BYTES, count * BYTES)]
        found.append(pa.Array.from_buffers(pa.binary(), len(column), buffers))
        first += count
    return found


def _holds_empty(values: pa.Array) -> bool:
    edges, _ = column_bytes(values)
    blank = edges[1:] == edges[:-1]
    if values.null_count:
        blank &= values.is_valid().to_numpy(zero_copy_only=False)
    return bool(blank.any())


def _by_hashlib(columns: Sequence[pa.Array]) -> bytes:
    sha256 = hashlib.sha256
    return b"".join(
        [sha256(text).digest() for column in columns for text in column.drop_null().to_pylist()]
    )


def _by_duckdb(columns: Sequence[pa.Array]) -> bytes:
    table = pa.table({"value": pa.chunked_array(columns)})
    with _turn:  # two first ones at once would make two of it
        cursor = _instance().cursor()
    with cursor:
        found = cursor.from_arrow(table).project("sha256(value)").to_arrow_table()
    # In SQL, `unhex` takes six times as long.
    return binascii.unhexlify(column_bytes(found[0].combine_chunks())[1].data)


@cache
def _instance() -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415 - few values are hashed without it

    return duckdb.connect(":memory:", config=dict(_CONFIG))
