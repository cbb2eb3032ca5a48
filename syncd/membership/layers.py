"""A generation in two files: a base, and over it what has changed since.

Whatever changes little writes little: a fold leaves the base as it is, and writes one overlay
with all that came since the base was written. The overlay before it is not needed any more. Once
the two have grown apart, or the base is old, a fold writes a new base: a whole generation.

An overlay has the sections of a whole generation: its own rows, and what is said of everything
that is not at rest, whichever file has its row. Beside them, of rows of the base:

    dead     positions of those that do not count any more
    turned   positions of those whose `current` is no longer as the base says
    below    positions of those that are not at rest

What is remembered of whoever left (`past`) each file says of its own time.

Its header names the base by path and checksum, so that its own checksum names both files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.errors import LedgerMismatch
from syncd.membership.blocks import REBUILD, BlockReader, Lying
from syncd.membership.engine import BATCH_ROWS, Positions
from syncd.membership.kept import Kept
from syncd.membership.names import SECTION as NAMES
from syncd.membership.rest import MOVING, RESTS
from syncd.membership.since import SECTION as SINCE
from syncd.membership.together import PlanBatches
from syncd.membership.unchanged import RESPELLED
from syncd.membership.unchanged import SECTION as FINGERPRINTS
from syncd.model import Base, Generation, Operation

BASE = "base"  # in an overlay's header: the base's path and checksum
WRITTEN = "written"  # in the header of a whole generation: when, in ISO 8601
DEAD, TURNED, BELOW = "dead", "turned", "below"
# Sections with a line for each row, which both files have, and which are read as one. Whoever
# writes another names it here; a base that has it not yet is written anew.
ALIGNED = ("rows", FINGERPRINTS, NAMES, SINCE)
SAID = (MOVING, "identifiers", "outdated", "late")  # the others of a whole generation

_CURRENT = "current"
# Of a plan that ends what is kept of somebody: nothing of theirs may stay in a base.
BURIED = "buried"  # a section of it: rows that a base still has, and that nothing says any more
UNPAST = "unpast"  # likewise: of whoever left, what is remembered no more
_ENDS = ("purge", "forgotten", BURIED, UNPAST)
PAST = "past"  # see `syncd.membership.past`

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Layering:
    """When an overlay is written, and when a whole generation.

    Attributes:
        least: Rows of a base; a smaller one is as cheap to write anew.
        share: Of the base's rows: so many may be dead or in the overlay, taken together.
        lasts: A base that is older is written anew. Rows that nothing needs any more lie in it,
            encrypted, until it is.
    """

    least: int = 20_000
    share: float = 0.05
    lasts: timedelta = timedelta(days=7)

    def fits(self, before: BlockReader | None, plans: Sequence[PlanBatches], now: datetime) -> bool:
        """Whether to write an overlay; what turns out too much for one is `overlay.Outgrown`.

        Args:
            before: The last generation.
            plans: What is taken in.
            now: The moment.
        """
        if before is None or any(plan.file.rows(name) for plan in plans for name in _ENDS):
            return False
        base = lowest(before)
        rows, written = base.rows("rows"), base.header.get(WRITTEN)
        whole = base.header.get(RESTS) and all(base.rows(section) == rows for section in ALIGNED)
        if rows < self.least or not whole or not isinstance(written, str):
            return False
        # Not removals: of those rows nothing is written, and they are dead only once settled.
        coming = sum(
            batch.rows
            for plan in plans
            for batch in plan.batches
            if batch.phase.operation is Operation.ADD
        )
        coming += sum(plan.file.rows(RESPELLED) for plan in plans if plan.marks is not None)
        changed = coming + (before.changed if isinstance(before, Layers) else 0)
        young = now - datetime.fromisoformat(written) < self.lasts
        return young and changed <= self.most(before)

    def most(self, before: BlockReader | None) -> int:
        """How many rows may have changed since its base was written."""
        return 0 if before is None else int(self.share * lowest(before).rows("rows"))


LAYERING = Layering()


class Layers(BlockReader):
    """A base and its overlay, read as one file: live rows of the base, then the overlay's.

    Positions are those of that one file; `header` and `checksum` are the overlay's.

    Attributes:
        base: The base.
        dead: Positions in it, ascending, of rows that do not count any more.
        turned: Likewise, of rows whose `current` is the other way round.
        live: How many rows of the base count.
    """

    def __init__(
        self, path: Path, *, key: bytes, checksum: str, base: Base, kept: Kept | None = None
    ) -> None:
        """Open both.

        Args:
            path: The overlay; the base lies beside it.
            key: The ledger's key for files.
            checksum: What the ledger knows the overlay by, hex.
            base: What the ledger says of the base.
            kept: Rows that were read of them before.

        Raises:
            syncd.errors.LedgerMismatch: One of them is missing, changed, cut short, of another
                key, or not the other's.
        """
        super().__init__(path, key=key, checksum=checksum, kept=kept)
        if base_of(self.header) != base:
            super().close()
            raise LedgerMismatch(f"{path.name} does not lie over {base.path}; {REBUILD}")
        try:
            below = path.with_name(base.path)
            self.base = BlockReader(below, key=key, checksum=base.checksum, kept=kept)
        except LedgerMismatch:
            super().close()
            raise
        self.dead, self.turned = self._own(DEAD), self._own(TURNED)
        self.live = self.base.rows("rows") - len(self.dead)

    @property
    def changed(self) -> int:
        """Rows of the base that are dead, and rows of the overlay."""
        return len(self.dead) + super().rows("rows")

    def rows(self, section: str) -> int:
        """How many rows a section has."""
        own = super().rows(section)
        if section == PAST:
            return own + self.base.rows(PAST)
        if section == MOVING:
            return own + super().rows(BELOW)
        return own + self.live if section in ALIGNED and self.base.rows(section) else own

    def near(
        self, section: str, wanted: Positions | None = None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """As of one file."""
        if section == MOVING:
            yield from self._moving()
        elif section == PAST:
            yield from self.base.near(PAST)
            for first, rows in super().near(PAST):
                yield first + self.base.rows(PAST), rows
        elif section not in ALIGNED:
            yield from super().near(section, wanted)
        else:
            yield from self._below(section, wanted)
            ours = None if wanted is None else wanted[wanted >= self.live] - self.live
            for first, rows in super().near(section, ours):
                yield first + self.live, rows

    def pieces(self, section: str, wanted: Positions) -> Iterator[tuple[Positions, pa.RecordBatch]]:
        """As of one file."""
        if section not in ALIGNED:
            yield from super().pieces(section, wanted)
            return
        cut = int(np.searchsorted(wanted, self.live))
        low = 0
        for at, rows in self.base.pieces(section, into_base(self.dead, wanted[:cut])):
            high = low + len(at)
            seen = rows
            if section == "rows" and len(self.turned):
                seen = _turned(rows, np.isin(at, self.turned, assume_unique=True))
            yield wanted[low:high], seen
            low = high
        for at, rows in super().pieces(section, wanted[cut:] - self.live):
            yield at + self.live, rows

    def part(self, section: str, first: int, count: int) -> Iterator[pa.RecordBatch]:
        """Rows `first` to `first + count` of a section."""
        for at, rows in self.near(section, np.arange(first, first + count)):
            low, high = max(first, at), min(first + count, at + rows.num_rows)
            yield rows.slice(low - at, high - low)

    def aligned(self, *sections: str) -> Iterator[Lying]:
        """As of one file; of the base, blocks match whose rows are all as they were."""
        stirred = np.union1d(self.dead, self.turned)
        for block in self.base.aligned(*sections):
            dead = np.searchsorted(self.dead, [block.first, block.first + block.rows])
            low, high = np.searchsorted(stirred, [block.first, block.first + block.rows])
            rows = block.rows - int(dead[1] - dead[0])
            yield Lying(block.first - int(dead[0]), rows, block.blocks if low == high else ())
        for block in super().aligned(*sections):
            yield replace(block, first=block.first + self.live)

    def above(self, section: str) -> Iterator[pa.RecordBatch]:
        """The overlay's own rows of a section."""
        for _, rows in super().near(section):
            yield rows

    def close(self) -> None:
        """Let go of both files."""
        self.base.close()
        super().close()

    def buried(self) -> Iterator[pa.RecordBatch]:
        """Rows of the base that do not count any more, and still lie there."""
        for _, rows in self.base.some("rows", self.dead):
            yield rows

    def _below(
        self, section: str, wanted: Positions | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Live rows of the base."""
        if wanted is not None:
            wanted = into_base(self.dead, wanted[wanted < self.live])
        for first, rows in self.base.near(section, wanted):
            low, high = np.searchsorted(self.dead, [first, first + rows.num_rows])
            seen = self._turned(first, rows) if section == "rows" else rows
            if low < high:
                counts = np.ones(rows.num_rows, np.bool_)
                counts[self.dead[low:high] - first] = False
                seen = seen.filter(pa.array(counts))
            if seen.num_rows:
                yield first - int(low), seen

    def _turned(self, first: int, rows: pa.RecordBatch) -> pa.RecordBatch:
        low, high = np.searchsorted(self.turned, [first, first + rows.num_rows])
        if low == high:
            return rows
        turns = np.zeros(rows.num_rows, np.bool_)
        turns[self.turned[low:high] - first] = True
        return _turned(rows, turns)

    def _moving(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        below = self._own(BELOW)
        below -= np.searchsorted(self.dead, below)
        at = np.concatenate([below, self._own(MOVING) + self.live])
        for first in range(0, len(at), BATCH_ROWS):
            yield first, positions(at[first : first + BATCH_ROWS])

    def _own(self, section: str) -> Positions:
        found = [np.asarray(rows["n"], np.int64) for _, rows in super().near(section)]
        return np.concatenate([np.empty(0, np.int64), *found])


def _turned(rows: pa.RecordBatch, turns: Flags) -> pa.RecordBatch:
    """Rows, `current` of some the other way round."""
    current = rows.column(_CURRENT).to_numpy(zero_copy_only=False).astype(np.bool_) ^ turns
    place = rows.schema.get_field_index(_CURRENT)
    return rows.set_column(place, rows.schema.field(place), pa.array(current))


def open_generation(
    directory: Path, generation: Generation, *, key: bytes, kept: Kept | None = None
) -> BlockReader:
    """Open a generation, of one file or of two.

    Args:
        directory: Where it lies.
        generation: As the ledger says.
        key: The ledger's key for files.
        kept: Rows that were read of them before.

    Raises:
        syncd.errors.LedgerMismatch: A file is missing, changed, cut short, or of another key.
    """
    path, checksum = directory / generation.path, generation.checksum
    if generation.base is None:
        return BlockReader(path, key=key, checksum=checksum, kept=kept)
    return Layers(path, key=key, checksum=checksum, base=generation.base, kept=kept)


def above(generation: BlockReader, section: str) -> Iterator[pa.RecordBatch]:
    """What lies over a generation's base of a section; nothing, if it is the base itself."""
    if isinstance(generation, Layers):
        yield from generation.above(section)


def under(generation: Generation) -> Base:
    """What the next overlay lies over."""
    return generation.base or Base(generation.path, generation.checksum)


def base_of(header: Mapping[str, object]) -> Base | None:
    """The base that a file's header names."""
    named = header.get(BASE)
    return Base(str(named[0]), str(named[1])) if isinstance(named, list) else None


def into_base(dead: Positions, live: Positions) -> Positions:
    """Positions in the base of its live rows, by their positions among these."""
    return live + np.searchsorted(dead - np.arange(len(dead)), live, side="right")


def lowest(before: BlockReader) -> BlockReader:
    """A generation's base, or itself."""
    return before.base if isinstance(before, Layers) else before


def positions(at: Positions) -> pa.RecordBatch:
    """Positions as rows of a section."""
    return pa.RecordBatch.from_pydict({"n": pa.array(at, pa.int64())})
