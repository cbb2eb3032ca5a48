"""Faults to put into a child's own code, so that the suite can be seen to find them.

Each breaks the order in which a crash is survived; a run that nobody kills is as good
as before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

import syncd.ledger.batches
import syncd.ledger.directory
import syncd.ledger.transactions
import syncd.membership.blocks
import syncd.runs.outbox
import syncd.settle
from syncd.ledger.directory import write
from syncd.ledger.engine import writing
from syncd.ledger.store import Ledger
from syncd.ledger.tables import batch
from syncd.membership.blocks import BlockWriter
from syncd.model import (
    AuditEvent,
    Batch,
    BatchId,
    BatchRecord,
    BatchState,
    Generation,
    Outcome,
    Receipt,
)
from syncd.runs.lanes import Leg
from syncd.runs.outbox import DEADLINE


def receipt_before_send(outgoing: type[syncd.runs.outbox._Outgoing]) -> None:
    """What is about to be sent counts as taken, then it is sent."""
    recorded = dict[str, BatchRecord]()

    def begin(self: syncd.runs.outbox._Outgoing, leg: Leg) -> None:
        ledger, now = self._parts.ledger, self._parts.clock.now()
        upload, _ = leg.lane.upload(now, DEADLINE, last=leg.last)
        leg.batch = ledger.intend(leg.batch.id, label=upload.label, deadline=now + DEADLINE)
        recorded[leg.batch.id] = ledger.record(leg.batch.id, Receipt(leg.rows.num_rows))
        operation = leg.batch.phase.operation
        receipt = upload.push(Batch(leg.batch.id, operation, leg.rows), last=leg.last)
        self._flight.begin(leg, lambda: receipt)

    _put(outgoing, _begin=begin, _recorded=lambda _, leg, __: recorded[leg.batch.id])


def intent_after_send(outgoing: type[syncd.runs.outbox._Outgoing]) -> None:
    """That something was to be sent is written once it was."""

    def begin(self: syncd.runs.outbox._Outgoing, leg: Leg) -> None:
        ledger, now = self._parts.ledger, self._parts.clock.now()
        upload, _ = leg.lane.upload(now, DEADLINE, last=leg.last)
        operation = leg.batch.phase.operation
        receipt = upload.push(Batch(leg.batch.id, operation, leg.rows), last=leg.last)
        leg.batch = ledger.intend(leg.batch.id, label=upload.label, deadline=now + DEADLINE)
        self._flight.begin(leg, lambda: receipt)

    _put(outgoing, _begin=begin)


@dataclass(frozen=True)
class _Late:
    """A temporary file that only notes what it should be called."""

    path: Path
    late: list[tuple[Path, Path]]

    def rename(self, target: Path) -> None:
        self.late.append((self.path, target))

    def unlink(self, *, missing_ok: bool) -> None:
        """Leave it there."""


def named_before_renamed(_: object) -> None:
    """A file gets its name only after the ledger has named it."""
    late: list[tuple[Path, Path]] = []
    leave = BlockWriter.__exit__

    def keep(self: BlockWriter, kind: object, error: object, trace: object) -> None:
        _put(self, _temporary=_Late(self._temporary, late))
        leave(self, kind, error, trace)  # type: ignore[arg-type]  # handed through

    @contextmanager
    def committed(engine: Engine) -> Iterator[Connection]:
        with writing(engine) as tx:
            yield tx
        while late:
            source, target = late.pop()
            source.replace(target)

    _put(BlockWriter, __exit__=keep)
    _put(syncd.ledger.transactions, writing=committed)


def unknown_not_sent_again(_: object) -> None:
    """What nobody knows the outcome of is let lie."""
    _put(syncd.settle, resolve=lambda *_: 0)


def stamped_before_committed(_: object) -> None:
    """The directory counts a step before the ledger has made it."""

    @contextmanager
    def step(ledger: Ledger, directory: Path) -> Iterator[None]:
        stamp = ledger.stamp()
        write(directory, stamp._replace(counter=stamp.counter + 1))
        yield

    _put(syncd.ledger.directory, step=step)


def plans_swept(_: object) -> None:
    """The files of plans that are not finished count as leftovers."""
    named = Ledger.named_files
    _put(Ledger, named_files=lambda self: {n for n in named(self) if not n.endswith(".plan")})


def noted_before_folded(_: object) -> None:
    """That batches were folded in is committed before the membership that did so."""

    def fold(tx: Connection, _audience: int, folded: Mapping[BatchId, BatchState]) -> None:
        for one, taken in folded.items():
            values = {"folded": taken.value, "unfolded": False}
            tx.execute(batch.update().where(batch.c.id == one).values(**values))

    commit = Ledger.commit_generation

    def early(
        self: Ledger,
        platform: str,
        account: str,
        audience: str,
        generation: Generation,
        folded: Mapping[BatchId, BatchState],
        *,
        event: AuditEvent | None = None,
    ) -> None:
        with self._tx.write() as tx:
            fold(tx, 0, folded)
        commit(self, platform, account, audience, generation, folded, event=event)

    _put(Ledger, commit_generation=early)


def left_pending(_: object) -> None:
    """A job of the Google Ads API that a dead process left is asked about, and not run."""
    from connectors.google_ads import api, jobs  # noqa: PLC0415  # the SDK, where it is used

    asked = jobs.outcome

    def outcome(line: api.Api, reference: str) -> Outcome:
        run = jobs.Jobs.run
        _put(jobs.Jobs, run=lambda *_: None)
        try:
            return asked(line, reference)
        finally:
            _put(jobs.Jobs, run=run)

    _put(jobs, outcome=outcome)


def drawn_ids(_: object) -> None:
    """A job's id is drawn, so that whoever sends its batch again does not find it."""
    from connectors.google_ads import upload  # noqa: PLC0415  # as above

    _put(upload, external_id=lambda *_: secrets.randbits(62) + 1)


PLANTS: Mapping[str, Callable[[type[syncd.runs.outbox._Outgoing]], None]] = {
    plant.__name__: plant
    for plant in (
        receipt_before_send,
        intent_after_send,
        named_before_renamed,
        unknown_not_sent_again,
        stamped_before_committed,
        plans_swept,
        noted_before_folded,
        left_pending,
        drawn_ids,
    )
}


def plant(name: str) -> None:
    """Put one fault in, into this process for good."""
    PLANTS[name](syncd.runs.outbox._Outgoing)


def _put(into: object, **replaced: object) -> None:
    for name, value in replaced.items():
        assert hasattr(into, name), name
        setattr(into, name, value)
