"""A snapshot's members: who was digested, and who came unchanged, as a generation has them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import HELD, MEMBERS, Sections, Source, put
from syncd.membership.engine import MARKS_SCHEMA, ROW_SCHEMA, SNAPSHOT_SCHEMA, Positions, positioned
from syncd.membership.unchanged import CAME, GENERATION, came

MARKS = "marks"  # a section: of each who was digested, what may keep them out (`MARKS_SCHEMA`)
_MORE = MARKS_SCHEMA.names[1:]  # than their rows say

Flags = npt.NDArray[np.bool_]


def receive_members(writer: BlockWriter, rows: pa.RecordBatch) -> None:
    """Write members who were digested.

    Args:
        writer: Of a snapshot's file.
        rows: With `SNAPSHOT_SCHEMA`, perhaps in another order.
    """
    rows = rows.select(SNAPSHOT_SCHEMA.names).cast(SNAPSHOT_SCHEMA)
    put(writer, MEMBERS, rows)
    writer.write(MARKS, rows.select(MARKS_SCHEMA.names))


class Members:
    """A snapshot's members, each at a position: who was digested, then who came unchanged.

    The latter are at the positions of their rows, counted on from the last of the former.

    Attributes:
        digested: How many were.
        came: Flags of the generation's rows: those whose members came unchanged.
    """

    def __init__(self, snapshot: BlockReader, generation: BlockReader | None) -> None:
        """Look who came unchanged, of the generation by which the snapshot was read."""
        self._snapshot, self._generation = snapshot, generation
        self.digested = snapshot.rows(MEMBERS.rows)
        rows = generation.rows(HELD.rows) if generation is not None else 0
        if not snapshot.rows(CAME):
            self.came = np.zeros(rows, np.bool_)
            return
        if generation is None or snapshot.header[GENERATION] != generation.checksum:
            raise RuntimeError("a snapshot is compared with another generation than it was read by")
        self.came = came(snapshot, rows)

    def fresh(self) -> Iterator[pa.RecordBatch]:
        """Those that were digested (`ROW_SCHEMA`)."""
        return self._snapshot.batches(MEMBERS.rows)

    def marks(self) -> Iterator[pa.RecordBatch]:
        """What may keep them out, beside each batch of `fresh` (`MARKS_SCHEMA`)."""
        return self._snapshot.batches(MARKS)

    def fingerprints(self) -> Iterator[pa.RecordBatch]:
        """Likewise their fingerprints."""
        return self._snapshot.batches(MEMBERS.fingerprints)

    def names(self) -> Iterator[pa.RecordBatch]:
        """Likewise their names."""
        return self._snapshot.batches(MEMBERS.names)

    def write(self, chosen: Flags, writer: BlockWriter, to: Sections) -> None:
        """Write members with a flag, one a position, to a plan's file."""
        fresh, came = chosen[: self.digested], chosen[self.digested :]
        sources = [(Source(self._snapshot, MEMBERS), fresh)]
        sources += [(Source(self._generation, HELD), came)] if self._generation else []
        for source, flags in sources:
            if flags.any():
                for _ in source.carry(flags, writer, to):
                    pass

    def of(
        self, fresh: Flags | None, rows: Flags | None
    ) -> Iterator[tuple[int | Positions, pa.RecordBatch]]:
        """Members (`ROW_SCHEMA` and `MARKS_SCHEMA`) and their positions.

        Args:
            fresh: Flags of those that were digested; None: all.
            rows: Flags of the generation's rows: who of these came unchanged; None: all.
        """
        if fresh is None:
            for (first, batch), marks in zip(positioned(self.fresh()), self.marks(), strict=True):
                yield first, marked(batch, marks)
        else:
            wanted = np.flatnonzero(fresh)
            some = self._snapshot.some(MEMBERS.rows, wanted)
            for (at, batch), (_, marks) in zip(
                some, self._snapshot.some(MARKS, wanted), strict=True
            ):
                yield at, marked(batch, marks)
        wanted = np.flatnonzero(self.came if rows is None else self.came & rows)
        if self._generation is not None and len(wanted):
            for at, batch in self._generation.some(HELD.rows, wanted):
                yield at + self.digested, _as_members(batch)


def marked(rows: pa.RecordBatch, marks: pa.RecordBatch) -> pa.RecordBatch:
    """Rows with what may keep their members out."""
    columns = [*rows.columns, *(marks.column(name) for name in _MORE)]
    return pa.RecordBatch.from_arrays(columns, names=[*rows.schema.names, *_MORE])


def _as_members(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows at rest as a snapshot has their members: sent, so neither erased nor kept out."""
    no = pa.repeat(pa.scalar(value=False), rows.num_rows)
    columns = [*(rows.column(name) for name in ROW_SCHEMA.names), *[no] * len(_MORE)]
    return pa.RecordBatch.from_arrays(columns, names=[*ROW_SCHEMA.names, *_MORE])
