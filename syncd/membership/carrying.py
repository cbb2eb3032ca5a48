"""Rows on their way from one file to the next, each with its fingerprint and its names.

Beside a section of rows lie two others with a line for each of them. Where every row of a block
goes on, the blocks of all three are taken over as they lie: to take one apart and pack it again
costs ten times what it takes to open and seal it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter, Lying
from syncd.membership.engine import BATCH_ROWS, FINGERPRINT, ROW_SCHEMA, Positions
from syncd.membership.names import SECTION as NAMES
from syncd.membership.names import Named, named
from syncd.membership.packing import packed, unpacked
from syncd.membership.unchanged import SECTION as FINGERPRINTS
from syncd.membership.unchanged import Respelled, fingerprinted
from syncd.model import Phase

Flags = npt.NDArray[np.bool_]

CURRENT = "current"  # of a generation's row: it is its key's last


@dataclass(frozen=True, slots=True)
class Sections:
    """Where a file has its rows, and what lies beside them.

    Attributes:
        says_current: Its rows have `CURRENT`.
    """

    rows: str
    fingerprints: str = FINGERPRINTS
    names: str = NAMES
    says_current: bool = False

    @property
    def all(self) -> tuple[str, str, str]:
        """The three of them, rows first."""
        return self.rows, self.fingerprints, self.names


MEMBERS = Sections("members")  # of a snapshot
HELD = Sections("rows", says_current=True)  # of a generation


def of_phase(phase: Phase) -> Sections:
    """Of a plan: whom it adds, or sends again."""
    name = phase.value
    return Sections(name, f"{name} {FINGERPRINTS}", f"{name} {NAMES}")


def put(
    writer: BlockWriter, to: Sections, rows: pa.RecordBatch, current: Flags | None = None
) -> Named:
    """Write rows and what lies beside them; their names.

    Args:
        writer: Of the file.
        to: Its sections.
        rows: With `SENT_SCHEMA`.
        current: Whether each is its key's last, where that is said; None: all are.
    """
    row = rows.select(ROW_SCHEMA.names)
    if to.says_current:
        said = np.ones(len(rows), np.bool_) if current is None else current
        row = row.append_column(CURRENT, pa.array(said))
    names = named(rows)
    writer.write(to.rows, row)
    writer.write(to.fingerprints, rows.select(FINGERPRINT.names))
    writer.write(to.names, names.batch())
    return names


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from.

    Attributes:
        respelled: Those of them whose fingerprints are others now.
    """

    file: BlockReader
    of: Sections
    respelled: Respelled | None = None

    def some(self, wanted: Positions) -> Iterator[tuple[Positions, pa.RecordBatch]]:
        """Rows at positions (`SENT_SCHEMA`), as `BlockReader.some` has them."""
        lines = self.file.some(self.of.fingerprints, wanted)
        for at, rows in self.file.some(self.of.rows, wanted):
            _, line = next(lines, (at, None))  # which was written block by block with them
            known = fingerprinted(rows, line)
            yield at, known if self.respelled is None else self.respelled.put(at, known)

    def carry(self, flags: Flags, writer: BlockWriter, to: Sections) -> Iterator[Named]:
        """Write rows with a flag, which are their keys' last; their names.

        Args:
            flags: One a row.
            writer: Of another file.
            to: Its sections.
        """
        left, count = list[Positions](), 0
        for block in self.file.aligned(*self.of.all):
            at = np.flatnonzero(flags[block.first : block.first + block.rows]) + block.first
            whole = self._goes_whole(block, len(at), to)
            if whole or count >= BATCH_ROWS:
                yield from self._picked(left, writer, to)
                left, count = [], 0
            if whole:
                yield _taken_over(block, writer, to, says=not self.of.says_current)
            else:
                left.append(at)
                count += len(at)
        yield from self._picked(left, writer, to)

    def _goes_whole(self, block: Lying, wanted: int, to: Sections) -> bool:
        """Whether a block may be taken over as it lies, of which so many rows are wanted."""
        if wanted < block.rows or not block.blocks or self.of.says_current > to.says_current:
            return False
        return self.respelled is None or not self.respelled.any(block.first, block.rows)

    def _picked(
        self, positions: Sequence[Positions], writer: BlockWriter, to: Sections
    ) -> Iterator[Named]:
        at = np.concatenate([np.empty(0, np.int64), *positions])
        for _, rows in self.some(at) if len(at) else ():
            yield put(writer, to, rows)


def _taken_over(block: Lying, writer: BlockWriter, to: Sections, *, says: bool) -> Named:
    """Let a block lie in another file as it lies in this one; the names of its rows.

    Args:
        block: Of three sections.
        writer: Of the other file.
        to: Its sections.
        says: If its rows have `CURRENT`, these are to have it too.
    """
    rows, lines, names = (opened() for opened in block.blocks)
    if says and to.says_current:
        rows += packed(_ARE_CURRENT)
    for section, plain in zip(to.all, (rows, lines, names), strict=True):
        writer.take_over(section, plain, block.rows)
    return Named.read(unpacked(names, block.rows))


_ARE_CURRENT = pa.RecordBatch.from_pydict({CURRENT: [True]})  # one line, for all of a block
