"""What is left of a directory's files, and a membership made of it that is sure of nobody.

Used by `syncd rebuild` when ledger and files do not fit any more. Each file says in its
header what it is of, so that one that the ledger does not name is not lost with the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from syncd.errors import LedgerMismatch
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import HELD, Source, of_phase
from syncd.membership.engine import engine
from syncd.membership.fold import fold, sources
from syncd.membership.held import GENERATION, load_held, sizes, write_held
from syncd.membership.layers import BELOW, DEAD, TURNED, WRITTEN, Layers, base_of
from syncd.membership.rest import MOVING, RESTS
from syncd.membership.since import SECTION as SINCE
from syncd.membership.since import load_since, write_since
from syncd.membership.together import PlanBatches
from syncd.model import Base, BatchId, BatchRecord, BatchState, Generation, Phase, PlanId
from syncd.plan import ranges

ROWS = 10_000  # of a plan whose batches nobody knows any more, taken in at a time
_SECTIONS = {
    ".members": (
        *(*HELD.all, SINCE, MOVING, "identifiers", "outdated", "late"),
        *(DEAD, TURNED, BELOW),
    ),
    ".plan": (*of_phase(Phase.ADD).all, *of_phase(Phase.AGAIN).all),
}

# Nobody is certain any more, what was removed may be back, and all of it is doubtful: a
# request of the time that is not known may still take effect.
_UNSURE = "UPDATE held_id SET state = 0, doubt = TRUE, removed_at = NULL"
# Without its base an overlay speaks of identifiers that no row is left to take out by.
_UNTOLD = "DELETE FROM held_id WHERE id NOT IN (SELECT id FROM held_link)"


@dataclass(frozen=True, slots=True)
class Survivor:
    """A whole file of ours; what it says of itself.

    Attributes:
        path: Relative to the directory; its suffix says which kind it is.
        checksum: What a ledger knows it by, hex.
        audience: Platform, account and id; None if it does not say.
        sync: Whose it was, or "".
        rules: By which its rows were digested, or "".
        number: A generation's; 0 for a plan.
        takes_out: It is of an audience that others fill: who was taken out of it.
        base: What it lies over; None too where that is not whole any more, so that only what
            came since is known.
    """

    path: str
    checksum: str
    audience: tuple[str, str, str] | None
    sync: str
    rules: str
    number: int
    takes_out: bool = False
    base: Base | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What a generation is made anew of.

    Attributes:
        base: A file of an earlier generation, or None.
        plans: Files of plans, oldest first, each with those of its batches that may have
            been sent; None if nobody knows its batches: all of its rows may have been.
    """

    base: Survivor | None
    plans: Sequence[tuple[Survivor, Sequence[BatchRecord] | None]] = ()


def _gather(
    database: duckdb.DuckDBPyConnection,
    base: BlockReader | None,
    taken: Sequence[PlanBatches],
    now: datetime,
) -> None:
    """Everyone who may be there, and who is certain of nobody."""
    load_held(database, base)
    load_since(database, base, None)
    if base is not None and base_of(base.header) and not isinstance(base, Layers):
        database.execute(_UNTOLD)
    database.execute(_UNSURE)  # before the fold, which would forget what has settled
    fold(database, taken, {}, settled=now, window=timedelta())  # of additions alone
    database.execute(_UNSURE)


class SurvivingFiles:
    """The memberships and plans that a directory still holds."""

    def __init__(self, directory: Path, *, key: bytes) -> None:
        """Look at files in `directory`, sealed under `key` (32 bytes)."""
        self._directory = directory
        self._key = key

    def look(self) -> tuple[tuple[Survivor, ...], int]:
        """All files that can be read to their end, by name; and how many cannot."""
        found: list[Survivor] = []
        broken = 0
        for path in sorted(self._directory.glob("*")):
            if path.suffix in _SECTIONS and path.is_file():
                try:
                    found.append(self._read(path))
                except LedgerMismatch:
                    broken += 1
        whole = {each.path: each.checksum for each in found}
        return tuple(_over(each, whole) for each in found), broken

    def write(
        self,
        name: str,
        number: int,
        origin: Origin,
        *,
        audience: tuple[str, str, str],
        sync: str,
        rules: str,
        takes_out: bool,
        now: datetime,
    ) -> Generation:
        """Write a generation of everyone who may be there, and who is certain of nobody.

        Whoever left is remembered no more: a file of another time may name a person who was
        erased since.

        Args:
            name: Of the file, without suffix; unique.
            number: The generation's.
            origin: What it is made of; of nothing, it is empty.
            audience, sync, rules, takes_out: What it is of.
            now: The generation's moment.
        """
        header: dict[str, object] = {
            "generation": number,
            "rules": rules,
            "audience": audience,
            "sync": sync,
            "takes_out": takes_out,
            WRITTEN: now.isoformat(),
            RESTS: True,
        }
        with engine() as database, ExitStack() as files:
            base = self._open(files, origin.base) if origin.base else None
            taken = list(self._taken(files, origin))
            _gather(database, base, taken, now)
            rows = sources(taken)
            if base is not None:
                rows = {GENERATION: Source(base, HELD), **rows}
            path = f"{name}.members"
            with BlockWriter(self._directory, path, key=self._key, header=header) as writer:
                write_held(database, writer, rows)
                write_since(database, writer, rows)
            held = sizes(database)
        return Generation(number, writer.done.path, writer.done.checksum, held, rules, now)

    def _taken(self, files: ExitStack, origin: Origin) -> Iterator[PlanBatches]:
        """Plans whose outcomes nobody knows any more."""
        for n, (plan, batches) in enumerate(origin.plans, 1):
            file = self._open(files, plan)
            sent = _all_of(file) if batches is None else [_unknown(b) for b in batches]
            yield PlanBatches(n, file, sent, marks=None)

    def _read(self, path: Path) -> Survivor:
        with BlockReader(path, key=self._key, checksum=None) as reader:
            for section in _SECTIONS[path.suffix]:
                for _ in reader.batches(section):  # each block is checked when it is opened
                    pass
            return _survivor(path.name, reader.checksum, reader.header)

    def _open(self, files: ExitStack, which: Survivor) -> BlockReader:
        path, checksum = self._directory / which.path, which.checksum
        if which.base is None:
            return files.enter_context(BlockReader(path, key=self._key, checksum=checksum))
        layers = Layers(path, key=self._key, checksum=checksum, base=which.base)
        return files.enter_context(layers)


def _survivor(path: str, checksum: str, header: Mapping[str, object]) -> Survivor:
    number, at = header.get("generation"), header.get("audience")
    return Survivor(
        path,
        checksum,
        audience=(str(at[0]), str(at[1]), str(at[2])) if isinstance(at, list) else None,
        sync=str(header.get("sync", "")),
        rules=str(header.get("rules", "")),
        number=number if isinstance(number, int) else 0,
        takes_out=header.get("takes_out") is True,
        base=base_of(header),
    )


def _over(survivor: Survivor, whole: Mapping[str, str]) -> Survivor:
    """The survivor, its base forgotten if it is not among the whole files."""
    base = survivor.base
    if base is None or whole.get(base.path) == base.checksum:
        return survivor
    return replace(survivor, base=None)


def _unknown(batch: BatchRecord) -> BatchRecord:
    """The batch as if nobody knew what became of it, whatever the ledger says."""
    return replace(batch, state=BatchState.UNKNOWN, folded=None, refused=(), doubtful=True)


def _all_of(file: BlockReader) -> list[BatchRecord]:
    """All additions of a plan, cut into batches of unknown outcome."""
    return [
        BatchRecord(BatchId(""), PlanId(""), n, phase, first, rows, BatchState.UNKNOWN)
        for n, (phase, first, rows) in enumerate(_cut(file), 1)
    ]


def _cut(file: BlockReader) -> Iterator[tuple[Phase, int, int]]:
    for phase in (Phase.ADD, Phase.AGAIN):
        for first, rows in ranges(file.rows(phase.value), ROWS):
            yield phase, first, rows
