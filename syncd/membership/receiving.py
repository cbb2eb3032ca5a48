"""A snapshot on its way to its file: who is as they were by their positions, all others digested.

Whoever does not come as the rows of a generation follow one another waits for others: to look up,
digest and seal the few of one batch takes about as long as those of fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from syncd.membership.blocks import BlockWriter, Written
from syncd.membership.engine import BATCH_ROWS, Positions
from syncd.membership.members import receive_members
from syncd.membership.unchanged import Unchanged
from syncd.model import Raw
from syncd.overlap import worked

MANY = BATCH_ROWS // 2  # rows that are digested as they come, and for all runs that read them
# To digest takes as long as to read, to fingerprint and to write together.
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Received:
    """A snapshot's finished file; implements `syncd.ports.Received`."""

    path: str
    checksum: str
    unchanged: int

    @classmethod
    def of(cls, file: Written, unchanged: Unchanged) -> Received:
        """What was written by `receive`."""
        return cls(file.path, file.checksum, unchanged.came)


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
        digested: Digests some of their rows, and gives what is usable of them; called by several
            threads at once.
        unchanged: The generation that it will be compared with.
    """
    changed = _changed(batches, digested, unchanged)
    with closing(worked(changed, threads=_THREADS)) as found:
        for rows in found:
            receive_members(writer, rows)
    unchanged.write(writer)


def _changed(
    batches: Iterable[Raw],
    digested: Callable[[Raw], pa.RecordBatch],
    unchanged: Unchanged,
) -> Iterator[Callable[[], pa.RecordBatch]]:
    """Digests whoever is not as they were."""
    for raw in _gathered(_strays(batches, unchanged)):
        for left in _others(unchanged.search(raw.fingerprints), raw):
            yield partial(digested, left)


def _strays(batches: Iterable[Raw], unchanged: Unchanged) -> Iterator[Raw]:
    """Whoever does not come in the order of the rows."""
    for raw in batches:
        yield from _others(unchanged.follow(raw.fingerprints), raw)


def _others(at: Positions, raw: Raw) -> Iterator[Raw]:
    """Those who were not found, if there are any."""
    left = at < 0
    if not left.all():
        raw = Raw(raw.fingerprints[left], raw.rows.filter(pa.array(left)))
    if raw.rows.num_rows:
        yield raw


def _gathered(raws: Iterable[Raw]) -> Iterator[Raw]:
    """Few rows with few others, in their order; many as they are.

    Rows whose columns are of other types than those before stay apart.
    """
    held, count = list[Raw](), 0
    for raw in raws:
        rows = raw.rows
        if held and (rows.num_rows >= MANY or rows.schema != held[0].rows.schema):
            yield _joined(held)
            held, count = [], 0
        held.append(raw)
        count += rows.num_rows
        if rows.num_rows >= MANY or count >= BATCH_ROWS:
            yield _joined(held)
            held, count = [], 0
    if held:
        yield _joined(held)


def _joined(held: Sequence[Raw]) -> Raw:
    if len(held) == 1:
        return held[0]
    lines = np.concatenate([raw.fingerprints for raw in held])
    return Raw(lines, pa.concat_batches([raw.rows for raw in held]))
