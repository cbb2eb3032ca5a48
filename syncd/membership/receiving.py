"""A snapshot on its way to its file: who is as they were by their positions, all others digested.

Whoever does not come as the rows of a generation follow one another waits for others: to look up,
digest and seal the few of one batch takes about as long as those of fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from syncd.membership.blocks import BlockWriter, Written
from syncd.membership.engine import SNAPSHOT_SCHEMA, Positions, gathered
from syncd.membership.unchanged import SAME, SAME_SCHEMA, Lines, Unchanged
from syncd.model import Raw
from syncd.overlap import worked


@dataclass(frozen=True, slots=True)
class Received:
    """A snapshot's finished file; implements `syncd.ports.Received`."""

    path: str
    checksum: str
    unchanged: int

    @classmethod
    def of(cls, file: Written) -> Received:
        """What was written by `receive`."""
        return cls(file.path, file.checksum, file.rows.get(SAME, 0))


def receive(
    writer: BlockWriter,
    batches: Iterable[Raw],
    digested: Callable[[Raw], pa.RecordBatch],
    unchanged: Unchanged,
) -> None:
    """Write a snapshot.

    The next rows are digested while the last ones are written.

    Args:
        writer: Of its file.
        batches: As the shop has them.
        digested: Digests some of their rows, and gives what is usable of them.
        unchanged: The generation that it will be compared with.
    """
    with closing(worked(_changed(writer, batches, digested, unchanged))) as found:
        for rows in found:
            writer.write("members", rows.select(SNAPSHOT_SCHEMA.names).cast(SNAPSHOT_SCHEMA))


def _changed(
    writer: BlockWriter,
    batches: Iterable[Raw],
    digested: Callable[[Raw], pa.RecordBatch],
    unchanged: Unchanged,
) -> Iterator[Callable[[], pa.RecordBatch]]:
    """Digests whoever is not as they were."""
    for lines, rows in gathered(_strays(writer, batches, unchanged)):
        for others, left in _others(writer, unchanged.search(lines), lines, rows):
            yield partial(digested, Raw(others, left))


def _strays(
    writer: BlockWriter, batches: Iterable[Raw], unchanged: Unchanged
) -> Iterator[tuple[Lines, pa.RecordBatch]]:
    """Whoever does not come in the order of the rows."""
    for raw in batches:
        at = unchanged.follow(raw.fingerprints)
        yield from _others(writer, at, raw.fingerprints, raw.rows)


def _others(
    writer: BlockWriter, at: Positions, lines: Lines, rows: pa.RecordBatch
) -> Iterator[tuple[Lines, pa.RecordBatch]]:
    """Write where those lie who were found; the others, if there are any."""
    found = at >= 0
    if found.any():
        writer.write(SAME, pa.RecordBatch.from_arrays([pa.array(at[found])], schema=SAME_SCHEMA))
        lines, rows = lines[~found], rows.filter(pa.array(~found))
    if rows.num_rows:
        yield lines, rows
