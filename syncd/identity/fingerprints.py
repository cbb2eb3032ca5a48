"""Raw rows by keyed numbers of 128 bits: whether one is as it was when it was digested.

A fingerprint names all that decides what a row is digested to: its cells with the names of their
columns, what else is said of it (rules, configuration, who was erased), and this module's version.
It is made by BLAKE2b (RFC 7693) and so the same by every version of every library. Without the
ledger's key nobody can tell from it whether a guess at a row is right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.step import column_bytes

# A line a row, its high and low half; zeros for a row that has none.
Fingerprints = npt.NDArray[np.uint64]

VERSION = 1  # raised when the same raw row begins to be digested to something else
_BYTES = 16
_HALF = np.dtype(">u8")
# Control characters part the cells and stand for NULL, so that no two rows read alike.
_SEPARATOR, _NULL, _NAMES = "\x1f", "\x00", "\x1e"
_FIRST_PLAIN = 0x20
_CONTROL = "[\x00-\x1f]"


def fingerprints(
    batch: pa.RecordBatch, *, key: bytes, shape: str, said: Sequence[str]
) -> Fingerprints:
    """Fingerprint a batch's rows; one with a control character in a cell gets none.

    Args:
        batch: Raw columns of a segment.
        key: The ledger's sub-key for fingerprints, 32 bytes.
        shape: `identity.digest.Policy.shape`.
        said: What else decides; texts without control characters, as the policy is.
    """
    columns = [column.cast(pa.string()) for column in batch.columns]
    names = (str(VERSION), shape, *said, *batch.schema.names)
    begun = hashlib.blake2b(_SEPARATOR.join(names).encode(), digest_size=_BYTES, key=key)
    begun.update(_NAMES.encode())
    texts = pc.binary_join_element_wise(
        *columns, _SEPARATOR, null_handling="replace", null_replacement=_NULL
    )
    found = []
    for text in texts.cast(pa.binary()).to_pylist():
        one = begun.copy()
        one.update(text)
        found.append(one.digest())
    halves = np.frombuffer(b"".join(found), _HALF).astype(np.uint64).reshape(-1, 2)
    halves[_controlled(columns, batch.num_rows)] = 0
    return halves


def _controlled(columns: Sequence[pa.Array], rows: int) -> npt.NDArray[np.bool_]:
    """Rows that hold a control character, of which hardly a shop has any."""
    flags = np.zeros(rows, np.bool_)
    for column in columns:
        _, text = column_bytes(column)
        if text.size and text.min() < _FIRST_PLAIN:
            held = pc.fill_null(pc.match_substring_regex(column, _CONTROL), pa.scalar(False))
            flags |= held.to_numpy(zero_copy_only=False)
    return flags
