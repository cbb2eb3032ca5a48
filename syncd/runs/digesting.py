"""What runs make of the shop's rows: each run fingerprints, the first that needs it digests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from syncd.model import STAYS, Generation, Raw, Refused, SnapshotId
from syncd.overlap import ahead
from syncd.ports import Received
from syncd.runs.parts import Parts

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from syncd.identity.fingerprints import Fingerprints

    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Digested:
    """Rows, digested: the same for all runs of one shape and segment.

    Attributes:
        rows: Those that are usable, and what depends on the member and the segment alone.
        usable: Flags of the rows as they came.
        clean: Likewise those of which no value was refused.
        refused: Values that could not be used.
    """

    rows: pa.RecordBatch = field(repr=False)
    usable: Flags = field(repr=False)
    clean: Flags = field(repr=False)
    refused: tuple[Refused, ...]


@dataclass
class _Once:
    """What is made by whoever needs it first, and kept for the others."""

    turn: Lock = field(default_factory=Lock)
    made: _Digested | None = None

    def get(self, make: Callable[[], _Digested]) -> _Digested:
        with self.turn:
            if self.made is None:
                self.made = make()
            return self.made


class Rows:
    """Rows as the shop has them, for all runs of one segment that they are read for.

    What is digested of them is kept for as long as any of them works on it.
    """

    def __init__(self, batch: pa.RecordBatch, stones: Mapping[str, bool]) -> None:
        """Digest nothing yet.

        Args:
            batch: Raw columns, or their cells joined.
            stones: Of erased persons.
        """
        self.batch = batch
        self._stones = stones
        self._made: dict[str, _Once] = {}
        self._turn = Lock()

    def digested(self, parts: Parts) -> _Digested:
        """All of them, digested as a run wants them."""
        with self._turn:
            once = self._made.setdefault(parts.shape, _Once())
        return once.get(partial(self._digest, parts))

    def _digest(self, parts: Parts) -> _Digested:
        import numpy as np  # noqa: PLC0415 - a daemon waits without it

        from syncd.cells import parted  # noqa: PLC0415 - likewise

        batch = parted(self.batch)
        result = parts.digest(batch)
        usable = np.asarray(result.rows["usable"], np.bool_)
        rows = result.rows.append_column("erased", parts.watch.marks(batch, self._stones))
        rows = rows.append_column(STAYS, would_stay(batch))
        if not usable.all():  # to pick all takes as long as to pick some
            rows = rows.filter(result.rows["usable"])
        rows = rows.append_column("held_out", parts.control(rows["key"]))
        return _Digested(rows, usable, result.clean, result.refused)


class Intake:
    """What one run takes in of a read.

    Attributes:
        usable: Rows with an identifier, so far, of those that were digested.
        refused: Values that could not be used, by field and reason.
    """

    def __init__(self, parts: Parts, said: Sequence[str], stones: Mapping[str, bool]) -> None:
        """Take in nothing yet.

        Args:
            parts: The sync's.
            said: What beside its row decides how a member is digested, and whether they are sent.
            stones: Of erased persons.
        """
        self.id = SnapshotId(parts.names("s"))
        self.usable = 0
        self.refused: Counter[tuple[str, str]] = Counter()
        self._counting = Lock()  # several threads digest
        self._parts = parts
        self._said = said
        self._stones = stones

    def receive(self, rows: Iterable[Rows], generation: Generation | None) -> Received:
        """Write all rows to the snapshot's file; those that the generation knows, as known."""
        with ahead(self._fingerprinted(rows)) as known:
            raws = self._batches(known)
            return self._parts.membership.receive(self.id, raws, self._digested, generation)

    def _fingerprinted(self, batches: Iterable[Rows]) -> Iterator[tuple[Rows, Fingerprints]]:
        """With what else decides what they are digested to."""
        for rows in batches:
            # On which side of a line a member stands changes nothing of who is sent already.
            told = rows.batch
            told = told.drop_columns([STAYS]) if STAYS in told.schema.names else told
            yield rows, self._parts.fingerprints(told, said=self._said)

    def _batches(self, known: Iterable[tuple[Rows, Fingerprints]]) -> Iterator[Raw]:
        done = 0
        for rows, found in known:
            # Of what was read so far nothing is named, and nothing was sent.
            self._parts.lock.check()
            yield Raw(found, rows.batch, whole=rows)
            done += rows.batch.num_rows
            self._parts.progress("read", done, 0)

    def _digested(self, raw: Raw) -> pa.RecordBatch:
        """What is usable of some rows; those with a refused value come here in every run.

        A whole batch is digested once for all runs; of the few rows that are new to a run
        others need others.
        """
        import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it

        rows = raw.whole if isinstance(raw.whole, Rows) else Rows(raw.rows, self._stones)
        result = rows.digested(self._parts)
        usable = result.rows
        usable = usable.append_column("elsewhere", self._parts.elsewhere(usable["key"]))
        lines = raw.fingerprints[result.usable].T * result.clean[result.usable]
        for name, half in zip(("fingerprint_high", "fingerprint_low"), lines, strict=True):
            usable = usable.append_column(name, pa.array(half))
        with self._counting:
            self.usable += usable.num_rows
            for refused in result.refused:
                self.refused[refused.field, refused.reason] += refused.count
        return usable


def would_stay(batch: pa.RecordBatch) -> pa.Array:
    """Which of a batch's rows are of members who would stay, and do not become members."""
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    if STAYS not in batch.schema.names:
        return pa.repeat(pa.scalar(value=False), batch.num_rows)
    return pc.equal(pc.cast(batch.column(STAYS), pa.float64()), 1.0)
