"""Immutable files of columns, encrypted block by block.

A file holds named sections of Arrow record batches. Each block is sealed with
AES-256-GCM under a key of its own file (HKDF of the ledger's file key and a random
file id), with the block's number as nonce, so blocks can be neither swapped nor
moved between files. The index at the end names every block; a file without it was
cut short. What lies where, and of what the ledger keeps the checksum: `syncd.checksums`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncd import checksums
from syncd.errors import LedgerMismatch, Unwritten
from syncd.files import sync_directory
from syncd.membership.engine import Positions, gathered
from syncd.membership.kept import Kept
from syncd.membership.looked import Looked
from syncd.membership.packing import packed, unpacked

INDEX_NONCE = b"\xff" * 12  # no block has this number
BLOCK_ROWS = 20_000  # rows a block: about 3 MB of full rows, the unit of memory when reading
REBUILD = "it cannot be trusted: restore the directory from the ledger's backup, or `syncd rebuild`"
OTHER = f"not what was written; {REBUILD}"


@dataclass(frozen=True, slots=True)
class Block:
    """One sealed block: where it lies and how many rows it has."""

    section: str
    offset: int
    length: int
    rows: int


@dataclass(frozen=True, slots=True)
class Lying:
    """Blocks that lie beside each other: one of each of some sections, with a line for each row.

    Attributes:
        first, rows: The position of the first row, and how many there are.
        blocks: Open one each, for `BlockWriter.take_over`; none where they do not match, or are
            not read as they lie.
    """

    first: int
    rows: int
    blocks: tuple[Callable[[], bytes], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file.

    Attributes:
        path: Relative to the directory it was written for.
        checksum: What the ledger knows it by, hex.
        rows: Rows of each section.
    """

    path: str
    checksum: str
    rows: Mapping[str, int]


class BlockWriter:
    """Writes one file; it exists under its name only once it is whole and on disk."""

    def __init__(
        self,
        directory: Path,
        name: str,
        *,
        key: bytes,
        header: Mapping[str, object],
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Open a file for writing.

        Args:
            directory: Where file and temporary file lie.
            name: The file's name.
            key: The ledger's key for files, 32 bytes.
            header: What may be read without decrypting a block; no personal data.
            draw: Source of the file id.

        Raises:
            syncd.errors.Unwritten: Here, or at any later step: a full disk, or the like.
        """
        self._directory, self._name = directory, name
        self._temporary = directory / f".{name}.tmp"
        file_id = draw(16)
        self._cipher = AESGCM(_file_key(key, file_id))
        self._head = checksums.head(file_id, json.dumps(header, sort_keys=True).encode())
        self._sha = hashlib.sha256()
        self._blocks: list[Block] = []
        self._offset = 0
        with _told(directory / name):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(handle, "w+b")
        self._put(self._head)
        self.written: Written | None = None

    def write(self, section: str, rows: pa.RecordBatch) -> None:
        """Append rows to a section, in blocks."""
        for first in range(0, rows.num_rows, BLOCK_ROWS):
            part = rows.slice(first, BLOCK_ROWS)
            self.take_over(section, packed(part), part.num_rows)

    def take_over(self, section: str, block: memoryview | bytes, rows: int) -> None:
        """Append a block that is packed already, of so many rows."""
        sealed = self._seal(len(self._blocks), block)
        self._blocks.append(Block(section, self._offset, len(sealed), rows))
        self._put(sealed)

    def written_since(self, section: str, first: int) -> Iterator[pa.RecordBatch]:
        """What a section has from a row on, at which something was written, block by block.

        To look at much a second time without keeping it. Look to the end before writing more.
        """
        position = 0
        for number, block in enumerate(self._blocks):
            if block.section != section:
                continue
            if position >= first:
                yield unpacked(self._opened(number, block), block.rows)
            position += block.rows
        with _told(self._directory / self._name):
            self._file.seek(self._offset)

    def _opened(self, number: int, block: Block) -> bytes:
        with _told(self._directory / self._name):
            self._file.seek(block.offset)  # which writes down what is still on its way
            sealed = self._file.read(block.length)
        try:
            return self._cipher.decrypt(number.to_bytes(12, "big"), sealed, self._head)
        except InvalidTag:
            raise LedgerMismatch(
                f"{self._name} does not come back from the disk as it was written: look at the "
                "disk, and run again"
            ) from None

    def rows(self, section: str) -> int:
        """How many rows of a section there are so far."""
        return sum(block.rows for block in self._blocks if block.section == section)

    @property
    def done(self) -> Written:
        """What was written, once the file is there."""
        if self.written is None:
            raise RuntimeError("a file was left unfinished without an error")
        return self.written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _told(self._directory / self._name):
                    self._finish()
        finally:
            with suppress(OSError):  # it cannot write the rest either: the start sweeps it up
                self._file.close()
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        index = [[b.section, b.offset, b.length, b.rows] for b in self._blocks]
        sealed = self._cipher.encrypt(INDEX_NONCE, json.dumps(index).encode(), self._head)
        ends = checksums.Ends(self._head, self._sha.digest(), sealed, self._offset)
        self._file.write(ends.tail)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.rename(self._directory / self._name)
        sync_directory(self._directory)
        rows: dict[str, int] = {}
        for block in self._blocks:
            rows[block.section] = rows.get(block.section, 0) + block.rows
        self.written = Written(self._name, ends.checksum, rows)

    def _seal(self, number: int, plain: memoryview | bytes) -> bytes:
        return self._cipher.encrypt(number.to_bytes(12, "big"), plain, self._head)

    def _put(self, data: bytes) -> None:
        with _told(self._directory / self._name):
            self._file.write(data)
        self._sha.update(data)
        self._offset += len(data)


class BlockReader:
    """Reads one file, after its checksum was found to be the ledger's.

    Attributes:
        checksum: That one.
        header: What the file says of itself.
    """

    def __init__(
        self, path: Path, *, key: bytes, checksum: str | None, kept: Kept | None = None
    ) -> None:
        """Open a file; its blocks are checked one by one, when they are read.

        Args:
            path: The file.
            key: The ledger's key for files.
            checksum: What the ledger knows the file by, hex; None: there is no ledger to ask.
            kept: Rows that were read of it before.

        Raises:
            syncd.errors.LedgerMismatch: Missing, changed, cut short, or of another key.
        """
        self._path = path
        self._kept = kept or Kept()
        self._last: tuple[int, pa.RecordBatch] | None = None
        try:
            self._file = path.open("rb")
        except FileNotFoundError:
            raise LedgerMismatch(f"{path.name} is missing; {REBUILD}") from None
        try:
            self._blocks = self._index(key, checksum)
        except BaseException:
            self._file.close()
            raise

    def _index(self, key: bytes, known: str | None) -> list[Block]:
        """Read the header and the sealed index at the end."""
        name = self._path.name
        try:
            ends = checksums.Ends.read(self._file)
        except (ValueError, OSError):
            raise LedgerMismatch(f"{name} is {OTHER}") from None
        self.checksum = checksums.checksum(self._file, ends)
        if known not in {None, self.checksum}:
            raise LedgerMismatch(f"{name} is {OTHER}")
        self._head = ends.head
        self._cipher = AESGCM(_file_key(key, ends.file_id))
        try:
            index = json.loads(self._cipher.decrypt(INDEX_NONCE, ends.index, ends.head))
            self.header: Mapping[str, object] = json.loads(ends.header)
        except InvalidTag:
            raise LedgerMismatch(
                f"{name} does not open with this ledger key; restore the key"
            ) from None
        except ValueError:  # bytes that no writer of ours wrote
            raise LedgerMismatch(f"{name} is no file of syncd; {REBUILD}") from None
        return [Block(*entry) for entry in index]

    def rows(self, section: str) -> int:
        """How many rows a section has."""
        return sum(block.rows for block in self._blocks if block.section == section)

    @property
    def looked(self) -> Looked:
        """What was looked for in it."""
        return self._kept.looked(self.checksum)

    def batches(self, section: str) -> Iterator[pa.RecordBatch]:
        """The rows of a section, in order, as many in memory at a time as a block may have.

        Small blocks come together: an audience that a few members join with every run has a
        block of each, and a statement over them costs the same whatever its rows.
        """
        for _, rows in self.near(section):
            yield rows

    def near(
        self, section: str, wanted: Positions | None = None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches that have any of the wanted rows, each with the position of its first row.

        Args:
            section: Its batches are those of `batches`.
            wanted: Positions, ascending; None: all.
        """
        for first, rows, numbers in self._together(section):
            low, high = (0, 1) if wanted is None else np.searchsorted(wanted, [first, first + rows])
            if low < high:
                opened = [self._open(n, self._blocks[n]) for n in numbers]
                yield first, opened[0] if len(opened) == 1 else pa.concat_batches(opened)

    def some(self, section: str, wanted: Positions) -> Iterator[tuple[Positions, pa.RecordBatch]]:
        """The rows at given positions, which ascend, and the positions; as many as in a block."""
        kept = self._kept.some(self.checksum, section, wanted, partial(self.pieces, section))
        return iter(kept) if kept is not None else gathered(self.pieces(section, wanted))

    def pieces(self, section: str, wanted: Positions) -> Iterator[tuple[Positions, pa.RecordBatch]]:
        """The same, block by block: what is not wanted of one stays as it lies."""
        first = 0
        for number, block in enumerate(self._blocks):
            if block.section != section:
                continue
            low, high = np.searchsorted(wanted, [first, first + block.rows])
            if low < high:
                at = wanted[low:high]
                yield at, self._open(number, block, at - first if len(at) < block.rows else None)
            first += block.rows

    def _together(self, section: str) -> Iterator[tuple[int, int, list[int]]]:
        """The blocks that make a batch: its first row, how many rows, and their numbers."""
        held: list[int] = []
        first = rows = 0
        for number, block in enumerate(self._blocks):
            if block.section != section:
                continue
            if held and rows + block.rows > BLOCK_ROWS:
                yield first, rows, held
                held, first, rows = [], first + rows, 0
            held.append(number)
            rows += block.rows
        if held:
            yield first, rows, held

    def part(self, section: str, first: int, count: int) -> Iterator[pa.RecordBatch]:
        """Rows `first` to `first + count` of a section, block by block."""
        position = 0
        for number, block in enumerate(self._blocks):
            if block.section != section:
                continue
            low, high = max(first, position), min(first + count, position + block.rows)
            if low < high:
                last = self._last  # requests are shorter than blocks
                if last is None or last[0] != number:
                    last = self._last = number, self._open(number, block)
                yield last[1].slice(low - position, high - low)
            position += block.rows

    def aligned(self, *sections: str) -> Iterator[Lying]:
        """The blocks of the first of some sections, with those that lie beside them."""
        each = [
            [(n, block) for n, block in enumerate(self._blocks) if block.section == section]
            for section in sections
        ]
        sizes = [[block.rows for _, block in blocks] for blocks in each]
        match = all(size == sizes[0] for size in sizes)
        first = 0
        for beside in zip(*each, strict=True) if match else zip(each[0], strict=True):
            rows = beside[0][1].rows
            opens = (partial(self._decrypted, *block) for block in beside)
            yield Lying(first, rows, tuple(opens) if match else ())
            first += rows

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, number: int, block: Block, at: Positions | None = None) -> pa.RecordBatch:
        return unpacked(self._decrypted(number, block), block.rows, at)

    def _decrypted(self, number: int, block: Block) -> bytes:
        self._file.seek(block.offset)
        sealed = self._file.read(block.length)
        try:
            return self._cipher.decrypt(number.to_bytes(12, "big"), sealed, self._head)
        except InvalidTag:
            raise LedgerMismatch(f"block {number} of {self._path.name} is {OTHER}") from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn a full disk, or the like, into what a person can act on."""
    try:
        yield
    except OSError as error:
        raise Unwritten(path, error) from None


def _file_key(key: bytes, file_id: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=file_id, info=b"syncd file").derive(key)
