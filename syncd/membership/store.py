"""The membership of every audience, in immutable files of one directory.

Three kinds of file, each named by a row of the ledger once it is whole: `*.snapshot`
(a sealed read, digested), `*.plan` (rows to send) and `*.members` (a generation, or what
lies over an earlier one). Files that no row names are leftovers of a crash and are swept at
start.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa

from syncd.errors import LedgerMismatch
from syncd.membership import emptying, erasing, withdrawing
from syncd.membership.blocks import BlockReader, BlockWriter, Written
from syncd.membership.comparing import Comparing
from syncd.membership.cutting import cut, with_slots
from syncd.membership.engine import CELLS_OF_ROWS, ROW_SCHEMA, engine, micros
from syncd.membership.generations import header_of, write_next
from syncd.membership.held import load_held
from syncd.membership.kept import Kept
from syncd.membership.layers import LAYERING, Layering, open_generation, under
from syncd.membership.leftovers import Leftovers
from syncd.membership.looking import look
from syncd.membership.overlay import Outgrown
from syncd.membership.past import HISTORY, Keeping
from syncd.membership.receiving import Received, receive
from syncd.membership.sifting import around
from syncd.membership.together import PlanBatches
from syncd.membership.unchanged import GENERATION, Unchanged
from syncd.model import (
    Base,
    BatchRecord,
    Compared,
    Comparison,
    Emptied,
    Emptying,
    Erasure,
    Generation,
    Phase,
    Plan,
    Raw,
    Search,
    Searched,
    Sizes,
    SnapshotId,
    Withdrawal,
    Withdrawn,
)
from syncd.model.lookups import Looked

_NEVER = 1 << 62  # microseconds: nobody left as late as that


class PlanRows:
    """A plan's rows, batch by batch."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader

    def of(self, batch: BatchRecord) -> pa.RecordBatch:
        """The rows of one batch: `ROW_COLUMNS` and `consent`."""
        parts = list(self._reader.part(batch.phase.value, batch.first_row, batch.rows))
        found = sum(part.num_rows for part in parts)
        if found != batch.rows:
            raise LedgerMismatch(f"the plan's file has {found} of {batch.rows} rows of a batch")
        table = pa.Table.from_batches(parts).select(CELLS_OF_ROWS).combine_chunks()
        return table.to_batches()[0]

    def cut(self, phase: Phase, rows: int, *, most: int) -> list[tuple[int, int]]:
        """See `syncd.membership.cutting.cut`, of a phase's rows."""
        return list(cut(self._reader.part(with_slots(self._reader, phase), 0, rows), most))


class FileMembership:
    """Implements `syncd.ports.Membership`."""

    def __init__(
        self,
        directory: Path,
        *,
        key: bytes,
        leftovers: Leftovers | None = None,
        layering: Layering = LAYERING,
        history: timedelta = HISTORY,
    ) -> None:
        """Keep files in `directory`, sealed under `key` (32 bytes).

        Args:
            directory: The ledger's.
            key: The sub-key for files.
            leftovers: Those of the directory, where others share them.
            layering: When a generation is written over an earlier one.
            history: For how long whoever left is remembered; nothing: not at all.
        """
        self._directory = directory
        self._key = key
        self._layering = layering
        self._history = history
        self._leftovers = leftovers or Leftovers(directory)
        self._kept = Kept()

    def receive(
        self,
        snapshot: SnapshotId,
        batches: Iterable[Raw],
        digested: Callable[[Raw], pa.RecordBatch],
        generation: Generation | None = None,
    ) -> Received:
        """Write a snapshot to its file: digested rows, and who is as a generation has them.

        Args:
            snapshot: Names the file.
            batches: As the shop has them.
            digested: Digests some of their rows, and gives what is usable of them.
            generation: The one that it will be compared with; without it all are digested.
        """
        with ExitStack() as files:
            unchanged = Unchanged(self._generation(generation, files))
            header = {"snapshot": snapshot, GENERATION: generation.checksum if generation else ""}
            with self._writer(_snapshot_name(snapshot), header) as writer:
                receive(writer, batches, digested, unchanged)
        return Received.of(writer.done, unchanged)

    def set_aside(self, snapshot: SnapshotId) -> None:
        """Keep a snapshot that this thread received for another thread's run."""
        self._leftovers.set_aside(_snapshot_name(snapshot))

    def take_up(self, snapshot: SnapshotId) -> None:
        """Take one that was set aside for this thread's run."""
        self._leftovers.written(_snapshot_name(snapshot))

    def discard(self, snapshot: SnapshotId) -> None:
        """Delete one that no run needs and no row names, whatever there is of it."""
        self._leftovers.discard(_snapshot_name(snapshot))

    def plan(self, comparison: Comparison) -> Compared:
        """Compare, ask the guard, and write the plan's file.

        Removals that the guard holds are kept in the file by identifier, so that an
        approval can name exactly them.
        """
        header = {
            "plan": comparison.plan,
            "snapshot": comparison.snapshot.id,
            "sync": comparison.sync,
            "rules": comparison.snapshot.rules,
        }
        with ExitStack() as files:
            last = self._generation(comparison.generation, files)
            comparing = Comparing(comparison, last, partial(self._open, files))
            with self._writer(f"{comparison.plan}.plan", header) as writer:
                numbers, held = comparing.write(writer)
        written = writer.done
        return Compared(written.path, written.checksum, numbers, held)

    @contextmanager
    def open(self, plan: Plan) -> Iterator[PlanRows]:
        """Open a plan's file, checked once, for its batches' rows."""
        with self._reader(plan.path, plan.checksum) as reader:
            yield PlanRows(reader)

    def fold(
        self,
        name: str,
        generation: Generation | None,
        plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
        *,
        now: datetime,
        settled: datetime,
        forgets: bool = False,
    ) -> Generation:
        """Write the next generation: the last one, and what became of batches since.

        A plan may belong to rules that have been changed since; the generation is of the
        rules of the one that was drawn from the last generation, where there is one.

        Args:
            name: Of the file, without suffix; unique.
            generation: The last one, or None.
            plans: In the order in which they were made, with batches to take in.
            now: The generation's moment.
            settled: Removals accepted by then have had their time to take effect.
            forgets: Nobody who has left is remembered, however long that is.
        """
        last = generation.number if generation else 0
        drawn = [plan for plan, _ in plans if plan.generation == last]
        rules = drawn[-1].rules if drawn else _needed(generation).rules
        with ExitStack() as files:
            before = self._generation(generation, files)
            taken = list(self._taken(files, plans, drawn))

            def write(base: Base | None) -> Generation:
                keeping = self._keeping(generation if base else None, now, forgets=forgets)
                header = header_of(last + 1, rules, plans, now, base, before, keeping)
                with self._writer(f"{name}.members", header) as writer:
                    held, kept = write_next(
                        *(writer, before, taken, generation.sizes if generation else Sizes()),
                        settled=settled,
                        window=now - settled,
                        keeping=keeping,
                        most=self._layering.most(before) if base else None,
                    )
                file, past = writer.done, kept.oldest
                return Generation(last + 1, file.path, file.checksum, held, rules, now, base, past)

            ends = forgets or self.outlived(generation, now)
            fits = not ends and self._layering.fits(before, taken, now)
            try:
                return write(under(generation) if generation and fits else None)
            except Outgrown:
                return write(None)

    def _keeping(self, under: Generation | None, now: datetime, *, forgets: bool) -> Keeping:
        """How long whoever left is remembered in a generation; who lies under it, stays."""
        keeping = Keeping.of(timedelta() if forgets else self._history, now)
        return keeping if under is None else replace(keeping, oldest=under.remembers)

    def outlived(self, generation: Generation | None, now: datetime) -> bool:
        """Whether it remembers who is to be forgotten, and is to be written anew for that.

        Nobody is told of them any more; a base that is no older than it may be is not written
        anew for them alone.
        """
        first = generation.remembers if generation else None
        lasts = self._layering.lasts if self._history else timedelta()
        return first is not None and first < now - self._history - lasts

    def _taken(
        self,
        files: ExitStack,
        plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
        drawn: Collection[Plan],
    ) -> Iterator[PlanBatches]:
        for n, (plan, batches) in enumerate(plans, 1):
            file = self._open(files, plan.path, plan.checksum)
            marks = plan.created_at if plan in drawn else None
            yield PlanBatches(n, file, batches, marks, plan.created_at)

    def keep_given(self, erasure: str, given: Mapping[str, pa.RecordBatch]) -> Written:
        """Write what a person is recognised by, for each platform its digests.

        Args:
            erasure: Names the file.
            given: Digested rows (`ROW_SCHEMA`), by platform.
        """
        with self._writer(f"{erasure}.erasure", {"erasure": erasure}) as writer:
            for platform, rows in given.items():
                writer.write(platform, rows.select(ROW_SCHEMA.names).cast(ROW_SCHEMA))
        return writer.done

    def given(self, erasure: Erasure, platform: str) -> pa.Table:
        """What a person is recognised by on a platform: `ROW_SCHEMA`."""
        with self._reader(erasure.path, erasure.checksum) as reader:
            return pa.Table.from_batches(list(reader.batches(platform)), ROW_SCHEMA)

    def names(self, plan: Plan, batch: BatchRecord, question: Search) -> bool:
        """Whether rows of a batch name anything that an erased person was recognised by."""
        with engine() as database, ExitStack() as files:
            given = [self._open(files, one.path, one.checksum) for one in question.erasures]
            erasing.load_given(database, question, given)
            file = self._open(files, plan.path, plan.checksum)
            parts = list(file.part(batch.phase.value, batch.first_row, batch.rows))
            database.register("sent", pa.Table.from_batches(parts))
            return erasing.named(database)

    def search(self, question: Search) -> Searched:
        """Find erased persons, and write the plan that takes them out if any is due."""
        with engine() as database, ExitStack() as files:
            before = self._last(files, _needed(question.generation))
            given = [self._open(files, one.path, one.checksum) for one in question.erasures]
            named = chain.from_iterable(file.batches(question.platform) for file in given)
            load_held(database, before, around(before, named))
            erasing.load_given(database, question, given, before)
            if not erasing.concerns(database):
                nothing = {one.id: erasing.NOTHING for one in question.erasures}
                return Searched(question.plan, nothing)
            answers = erasing.search(database, question, before)
            found = {one.id: it for one, it in zip(question.erasures, answers, strict=True)}
            rows, purges = erasing.removals(database), erasing.purges(database)
            if not rows and not purges:
                return Searched(question.plan, found)
            with self._writer(f"{question.plan}.plan", {"plan": question.plan}) as writer:
                erasing.write(database, writer, before)
        written = writer.done
        return Searched(question.plan, found, written.path, written.checksum, rows, purges)

    def lookup(
        self, generation: Generation, given: pa.RecordBatch, *, now: datetime, settle: timedelta
    ) -> Looked:
        """What an audience holds of one person, and what is remembered of them.

        Args:
            generation: The audience's last.
            given: What the person is known by, as `keep_given` takes it.
            now: The moment.
            settle: For how long a removal that was accepted may still take effect.
        """
        due = micros(now - settle)
        oldest = micros(now - self._history) if self._history else _NEVER
        with engine() as database, ExitStack() as files:
            before = self._last(files, generation)
            rows = given.select(ROW_SCHEMA.names).cast(ROW_SCHEMA)
            return look(database, before, rows, at=generation.at, due=due, oldest=oldest)

    def empty(self, question: Emptying) -> Emptied:
        """Find all that may be there, and write the plan that takes out what is due of it."""
        with engine() as database, ExitStack() as files:
            before = self._last(files, question.generation)
            load_held(database, before)
            found = emptying.look(database, question)
            if not found.removals and not question.gone:
                return found
            with self._writer(f"{question.plan}.plan", {"plan": question.plan}) as writer:
                emptying.write(database, writer, before, question)
        written = writer.done
        return replace(found, path=written.path, checksum=written.checksum)

    def withdraw(self, question: Withdrawal) -> Withdrawn:
        """Find who of a snapshot denies consent and may be there, and the plan to remove them."""
        snapshot = question.snapshot
        with engine() as database, ExitStack() as files:
            members = self._open(files, snapshot.path, snapshot.checksum)
            before = self._last(files, question.generation)
            concerned = around(before, withdrawing.denied(members))
            if concerned is not None and not concerned.any():
                return Withdrawn(question.plan, 0, 0, 0, ())
            load_held(database, before, concerned)
            withdrawing.load_denied(database, members)
            found = withdrawing.look(database, question)
            if not found.removals:
                return found
            with self._writer(f"{question.plan}.plan", {"plan": question.plan}) as writer:
                withdrawing.write(database, writer, before)
        written = writer.done
        return replace(found, path=written.path, checksum=written.checksum)

    def sweep(self, named: Callable[[], frozenset[str]]) -> int:
        """Delete files that no row of the ledger names; says how many."""
        return self._leftovers.sweep(named)

    def let_go(self) -> None:
        """Say that a run of this thread is over: what it wrote and did not name may go."""
        self._leftovers.let_go()
        self._kept.forget()

    def forget_given(self, erasure: Erasure) -> None:
        """Delete an erasure's file of digests; the ledger names it no more."""
        (self._directory / erasure.path).unlink(missing_ok=True)

    def sweep_given(self, named: frozenset[str]) -> None:
        """Delete files of digests that no open erasure names."""
        self._leftovers.sweep_given(named)

    def _generation(self, generation: Generation | None, files: ExitStack) -> BlockReader | None:
        return None if generation is None else self._last(files, generation)

    def _last(self, files: ExitStack, generation: Generation) -> BlockReader:
        reader = open_generation(self._directory, generation, key=self._key, kept=self._kept)
        return files.enter_context(reader)

    def _open(self, files: ExitStack, path: str, checksum: str) -> BlockReader:
        return files.enter_context(self._reader(path, checksum))

    def _reader(self, path: str, checksum: str) -> BlockReader:
        where = self._directory / path
        return BlockReader(where, key=self._key, checksum=checksum, kept=self._kept)

    def _writer(self, name: str, header: Mapping[str, object]) -> BlockWriter:
        self._leftovers.written(name)
        return BlockWriter(self._directory, name, key=self._key, header=header)


def _snapshot_name(snapshot: SnapshotId) -> str:
    return f"{snapshot}.snapshot"


def _needed(generation: Generation | None) -> Generation:
    if generation is None:
        raise RuntimeError("the first generation is made of plans that were drawn before it")
    return generation
