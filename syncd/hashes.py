"""64 bits of each value of a column, by numpy: the same in every batch, process and version.

Not for protection: whoever picks values can make two that share a hash. Whoever relies on it
says what comes of that, which must be no more than work done in vain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from syncd.cells import column_bytes

Hashes = NDArray[np.uint64]

NONE = np.uint64(0)  # of a null; no value has it

_WORD = 8
# What is kept of a word of which 0 to 8 bytes belong to the value.
_MASKS = np.array([(1 << 8 * kept) - 1 for kept in range(_WORD + 1)], np.uint64)
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio: spreads the bits of a product
_HALF = np.uint64(32)
_RANGES = 16  # looked at one after the other, so that a sixteenth is copied at a time


def hashed(cells: pa.StringArray | pa.BinaryArray) -> Hashes:
    """Hash each value by its bytes and its length: eight bytes at a time, of all values at once."""
    edges, held = column_bytes(cells)
    lengths = np.diff(edges)
    hashes = lengths.astype(np.uint64) * _ODD
    size = int(lengths.max(initial=0))
    some = lengths == size
    if size and np.count_nonzero(some) * size == len(held):  # digests, most of all
        hashes[some] = _of_one_size(hashes[some], held.reshape(-1, size))
    else:
        _add_words(hashes, held, edges[:-1], lengths)
    np.maximum(hashes, np.uint64(1), out=hashes)
    if cells.null_count:
        hashes[cells.is_null().to_numpy(zero_copy_only=False)] = NONE
    return hashes


def joined(hashes: Hashes, others: Hashes) -> Hashes:
    """Hash pairs of hashes, in their order; `NONE` where either is."""
    found: Hashes = np.maximum(stirred(stirred(hashes) ^ others), np.uint64(1))
    found[(hashes == NONE) | (others == NONE)] = NONE
    return found


def stirred(hashes: Hashes) -> Hashes:
    """Each bit has a say in every other; two that differ still do."""
    for _ in range(2):
        hashes = hashes * _ODD
        hashes ^= hashes >> _HALF
    return hashes


def in_ranges(parts: Sequence[Hashes]) -> Iterator[Hashes]:
    """All hashes in order, cut so that equal ones are together; a copy of a few at a time.

    Args:
        parts: Each in order.
    """
    edges = np.arange(1, _RANGES, dtype=np.uint64) << np.uint64(60)
    cuts = [[0, *np.searchsorted(each, edges), len(each)] for each in parts]
    for here in range(_RANGES if parts else 0):
        near = np.concatenate(
            [each[cut[here] : cut[here + 1]] for each, cut in zip(parts, cuts, strict=True)]
        )
        near.sort()
        yield near


def _of_one_size(hashes: Hashes, held: NDArray[np.uint8]) -> Hashes:
    count, size = held.shape
    if size % _WORD:
        padded = np.zeros((count, -(-size // _WORD) * _WORD), np.uint8)
        padded[:, :size] = held
        held = padded
    for word in held.view("<u8").T:
        hashes = stirred(hashes ^ word)
    return hashes


def _add_words(
    hashes: Hashes, held: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> None:
    padded = np.concatenate([held, np.zeros(_WORD, np.uint8)])
    # The word that begins at each byte; they overlap.
    words = np.ndarray(len(held) + 1, "<u8", padded, strides=(1,))
    for at in range(0, int(lengths.max(initial=0)), _WORD):
        longer = np.flatnonzero(lengths > at)
        kept = _MASKS[np.minimum(lengths[longer] - at, _WORD)]
        hashes[longer] = stirred(hashes[longer] ^ (words[starts[longer] + at] & kept))
