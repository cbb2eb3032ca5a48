"""Raw rows by keyed numbers of 128 bits: whether one is as it was when it was digested.

A fingerprint names all that decides what a row is digested to: its cells with the names of their
columns, what else is said of it (rules, configuration, who was erased), and this module's version.
It is the AES-CMAC (RFC 4493, NIST SP 800-38B) of the cells, under a key that BLAKE2b (RFC 7693)
makes of the ledger's and all the rest: the same by every version of every library, and without the
ledger's key nobody can tell from it whether a guess at a row is right. One call of the cipher takes
the next 16 bytes of every row, which is ten times as fast as a call for every row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from math import ceil

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from syncd.cells import NOTHING, SEPARATOR, column_bytes, controlled, joins

# A line a row, its high and low half; zeros for a row that has none.
Fingerprints = npt.NDArray[np.uint64]
# Blocks of the cipher: a line each, of two words in the order of their bytes in memory.
Blocks = npt.NDArray[np.uint64]

VERSION = 2  # raised when the same raw row begins to be digested to something else
_BLOCK = 16  # bytes
_TOGETHER = 16_384  # rows, a megabyte or two: what a core keeps at hand
_HALF = np.dtype(">u8")
_FIRST_PLAIN = 0x20
_CONTROL = "[\x00-\x1f]"
_WHOLE = np.dtype(f"V{_BLOCK}")


def _lines(blocks: Sequence[bytes]) -> Blocks:
    return np.frombuffer(b"".join(blocks), np.uint64).reshape(-1, 2)


# Of a last block of 0 to 16 bytes: what is kept of it, and what marks its end.
_KEEPS = _lines([b"\xff" * size + bytes(_BLOCK - size) for size in range(_BLOCK + 1)])
_MARKS = _lines([(bytes(size) + b"\x80" + bytes(_BLOCK))[:_BLOCK] for size in range(_BLOCK + 1)])


def fingerprints(
    batch: pa.RecordBatch, *, key: bytes, shape: str, said: Sequence[str]
) -> Fingerprints:
    """Fingerprint a batch's rows; one with a control character in a cell gets none.

    Args:
        batch: Raw columns of a segment, or their cells joined (`syncd.cells`): the same of both.
        key: The ledger's sub-key for fingerprints, 32 bytes.
        shape: `identity.digest.Policy.shape`.
        said: What else decides; texts without control characters, as the policy is.
    """
    together = joins(batch)
    columns = batch.schema.names if together is None else together[1]
    names = (str(VERSION), shape, *said, *columns)
    own = hashlib.blake2b(SEPARATOR.join(names).encode(), digest_size=_BLOCK, key=key).digest()
    found = np.empty((batch.num_rows, 2), np.uint64)
    # Parts of one size: what a part costs whatever its rows is not paid for a few that are left.
    parts = ceil(batch.num_rows / _TOGETHER)
    most = ceil(batch.num_rows / parts) if parts else 1
    for first in range(0, batch.num_rows, most):
        rows = batch.slice(first, most)
        found[first : first + rows.num_rows] = _of_rows(rows, own)
    return found


def _of_rows(rows: pa.RecordBatch, key: bytes) -> Fingerprints:
    together = joins(rows)
    if together is None:
        # Control characters part the cells and stand for NULL, so that no two rows read alike.
        columns = [_text(column) for column in rows.columns]
        texts = pc.binary_join_element_wise(
            *columns, SEPARATOR, null_handling="replace", null_replacement=NOTHING
        )
        without = _controlled(columns, rows.num_rows)
    else:
        texts, names = together
        without = controlled(texts, len(names) - 1)
    found = codes(key, *column_bytes(texts)).view(_HALF).astype(np.uint64)
    found[without] = 0
    return found


def _text(column: pa.Array) -> pa.Array:
    return column if column.type == pa.string() else column.cast(pa.string())


def codes(key: bytes, edges: npt.NDArray[np.int64], held: npt.NDArray[np.uint8]) -> Blocks:
    """The AES-CMAC of each text.

    Args:
        key: 16 bytes.
        edges: Where each text starts, one more than there are texts.
        held: Their bytes.
    """
    cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  # CMAC chains the blocks by itself
    adds = _added(cipher.update(bytes(_BLOCK)))
    lengths = np.diff(edges)
    last = np.maximum(lengths - 1, 0) // _BLOCK  # number of each text's last block
    rounds = int(last.max(initial=-1)) + 1
    order = np.argsort(last.astype(np.min_scalar_type(rounds)), kind="stable")
    starts, lengths = edges[:-1][order], lengths[order]
    # How many texts end before each block.
    over = np.searchsorted(last[order], np.arange(rounds + 1)).tolist()
    padded = np.concatenate([held, np.zeros(_BLOCK, np.uint8)])
    # The block that begins at each byte; they overlap.
    blocks = np.ndarray(len(held) + 1, _WHOLE, padded, strides=(1,))
    state = np.zeros((len(order) + 1, 2), np.uint64)  # the cipher wants room for a block more
    for number in range(rounds):
        ended, ending = over[number], over[number + 1] - over[number]
        taken = blocks[starts[ended:] + number * _BLOCK].view(np.uint64).reshape(-1, 2)
        left = lengths[ended : ended + ending] - number * _BLOCK
        taken[:ending] &= _picked(_KEEPS, left)
        taken[:ending] ^= _picked(adds, left)
        taken ^= state[ended:-1]
        cipher.update_into(_flat(taken), _flat(state[ended:]))
    found = np.empty((len(order), 2), np.uint64)
    found.view(_WHOLE)[order] = state[:-1].view(_WHOLE)
    return found


def _added(nothing: bytes) -> Blocks:
    """What is added to a last block of 0 to 16 bytes (RFC 4493, 2.4).

    Args:
        nothing: A block of zeros, encrypted.
    """
    whole = _doubled(nothing)
    adds = _MARKS ^ _lines([_doubled(whole)])
    adds[_BLOCK] = _lines([whole])
    return adds


def _doubled(block: bytes) -> bytes:
    """Times x in the field of 2**128 (RFC 4493, 2.3)."""
    number = int.from_bytes(block, "big") << 1
    return (number & (1 << 128) - 1 ^ 0x87 * (number >> 128)).to_bytes(_BLOCK, "big")


def _picked(blocks: Blocks, which: npt.NDArray[np.int64]) -> Blocks:
    """Some of them, a whole block at a time."""
    return blocks.view(_WHOLE).ravel().take(which).view(np.uint64).reshape(-1, 2)


def _flat(blocks: Blocks) -> memoryview[int]:
    """Their bytes, not copied."""
    return blocks.data.cast("B")


def _controlled(columns: Sequence[pa.Array], rows: int) -> npt.NDArray[np.generic]:
    """Rows that hold a control character, of which hardly a shop has any."""
    flags = np.zeros(rows, np.bool_)
    for column in columns:
        _, text = column_bytes(column)
        if text.size and text.min() < _FIRST_PLAIN:
            held = pc.fill_null(pc.match_substring_regex(column, _CONTROL), pa.scalar(False))
            flags |= held.to_numpy(zero_copy_only=False)
    return flags
