"""What the ledger knows a membership's file by, and what its bytes are checked by.

    head    magic 8 | file id 16 | header length 4 | header
    blocks, each sealed
    tail    SHA-256 of head and blocks 32 | sealed index | where the tail begins 8

The checksum is the SHA-256 of head and tail. So whoever opens a file reads a few thousand bytes
of it, however many members it has: each block is checked by its seal when it is read. Who has no
key, as a backup, checks the blocks by the sum in the tail. A file of the first version has no
such sum, and its checksum is of the whole.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import BinaryIO, Self

MAGIC = b"SYNCD\x00\x00\x02"
FIRST_MAGIC = b"SYNCD\x00\x00\x01"

_FIXED = 28  # bytes of a head before its header
_SUM = 32
_END = 8
_PIECE = 1 << 20  # bytes summed at a time


@dataclass(frozen=True, slots=True)
class Ends:
    """What lies before and after a file's blocks.

    Attributes:
        head: From the magic to the header's end.
        blocks: SHA-256 of head and blocks; empty in a file of the first version.
        index: The sealed index.
        begins: Where the tail begins.
    """

    head: bytes
    blocks: bytes
    index: bytes
    begins: int

    @classmethod
    def read(cls, file: BinaryIO) -> Self:
        """Read both.

        Raises:
            ValueError: No writer of ours wrote these bytes, or they were cut short.
        """
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        fixed = file.read(_FIXED)
        first = fixed[:8] == FIRST_MAGIC
        least = _FIXED + int.from_bytes(fixed[24:], "big")
        if not (first or fixed[:8] == MAGIC) or size < least + _END:
            raise ValueError("no file of syncd")
        head = fixed + file.read(least - _FIXED)
        file.seek(size - _END)
        begins = int.from_bytes(file.read(_END), "big")
        indexed = begins if first else begins + _SUM
        if not least <= begins <= indexed <= size - _END:
            raise ValueError("no file of syncd")
        file.seek(begins)
        tail = file.read(size - _END - begins)
        return cls(head, tail[: indexed - begins], tail[indexed - begins :], begins)

    @property
    def header(self) -> bytes:
        """What may be read without decrypting a block, as JSON."""
        return self.head[_FIXED:]

    @property
    def file_id(self) -> bytes:
        """Random, 16 bytes: the salt of the file's key."""
        return self.head[8:24]

    @property
    def tail(self) -> bytes:
        """As it is written."""
        return self.blocks + self.index + self.begins.to_bytes(_END, "big")

    @property
    def checksum(self) -> str:
        """SHA-256 of both, hex."""
        return hashlib.sha256(self.head + self.tail).hexdigest()


def head(file_id: bytes, header: bytes) -> bytes:
    """What a file begins with."""
    return MAGIC + file_id + len(header).to_bytes(_FIXED - 24, "big") + header


def checksum(file: BinaryIO, ends: Ends) -> str:
    """What the ledger knows an open file by, hex, if it is the one that was written."""
    if ends.blocks:
        return ends.checksum
    return _summed(file, file.seek(0, os.SEEK_END)).hex()


def whole(file: BinaryIO, known: str) -> bool:
    """Whether an open file is the one of this checksum, hex, to the last byte of its blocks."""
    try:
        ends = Ends.read(file)
    except ValueError:
        return False
    if checksum(file, ends) != known:
        return False
    return not ends.blocks or _summed(file, ends.begins) == ends.blocks


def _summed(file: BinaryIO, size: int) -> bytes:
    """SHA-256 of so many bytes from the start."""
    file.seek(0)
    sha = hashlib.sha256()
    while size and (piece := file.read(min(_PIECE, size))):
        sha.update(piece)
        size -= len(piece)
    return sha.digest()
