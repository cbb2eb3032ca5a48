"""Batches on their way out: intent committed before each request, receipt after it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from syncd.errors import PlatformError, RequestRefused, Unavailable
from syncd.model import Batch, BatchRecord, BatchState, Operation, Plan, Receipt
from syncd.overlap import ahead
from syncd.ports import Connector, PlanFile, Upload
from syncd.runs.parts import Parts
from syncd.runs.refusals import Refusals, kept_rows

if TYPE_CHECKING:
    import pyarrow as pa

DEADLINE = timedelta(seconds=120)  # after it, an answer is no longer waited for
ENDED = 5 / 6  # of the time that an upload lasts: Meta's 90 minutes end after 75

log = structlog.get_logger()


def send(
    parts: Parts,
    connector: Connector,
    plan: Plan,
    batches: Sequence[BatchRecord],
    audience: str,
    *,
    whole: Upload | None = None,
) -> tuple[BatchRecord, ...]:
    """Send batches of one operation, in order, each until it is answered.

    A request that was refused whole was not applied: the next batch goes on, and then
    parts of it without the rows that are wrong, see `syncd.runs.refusals`.

    Args:
        parts, connector, audience: The sync's, its platform, and the platform's id.
        plan: Whose batches these are; all of them unsent, or of unknown outcome.
        batches: In the order of sending.
        whole: One upload for all of them that cannot be opened anew, and whose first batch
            must not be sent twice: see `syncd.ports.Replaces`.

    Returns:
        The batches as the ledger has them now, parts of refused ones among them.

    Raises:
        syncd.errors.PlatformError: The platform gave no answer in the end, or denies us.
    """
    if not batches:
        return ()
    total = sum(batch.rows for batch in batches)
    outgoing = _Outgoing(parts, connector, plan, audience, total, whole)
    done, given = 0, {batch.id for batch in batches}
    records, queue = list[BatchRecord](), deque(batches)
    with parts.membership.open(plan) as file, _read_ahead(file, batches) as rows_of:
        while queue:
            batch = queue.popleft()
            parts.lock.check()
            parts.progress(plan.operation(batch.phase).value, min(done, total), total)
            # A part may be followed by another one. Where that could not be sent any more
            # after the last one, nothing is called the last: the upload runs out in time.
            last = not queue and (whole is None or batch.id in given)
            record, instead = outgoing.deliver(batch, rows_of(batch), last=last)
            records.append(record)
            if whole is None:
                queue.extend(instead)
            else:
                queue.extendleft(reversed(instead))
            done += 0 if instead else batch.rows
    parts.progress(plan.operation(batches[0].phase).value, total, total)
    return tuple(records)


@contextmanager
def _read_ahead(
    file: PlanFile, batches: Sequence[BatchRecord]
) -> Iterator[Callable[[BatchRecord], pa.RecordBatch]]:
    """Gives a batch's rows; the next ones are read while a request is under way.

    Batches come in their order; what takes the place of a refused one is read when it is asked
    for. A file is read by one thread at a time.
    """
    turn, given = Lock(), {batch.id for batch in batches}

    def of(batch: BatchRecord) -> pa.RecordBatch:
        with turn:
            return file.of(batch)

    with ahead(map(of, batches), 1) as rows:
        yield lambda batch: next(rows) if batch.id in given else of(batch)


class _Outgoing:
    """One operation being sent; its upload is opened anew after an unknown outcome."""

    def __init__(
        self,
        parts: Parts,
        connector: Connector,
        plan: Plan,
        audience: str,
        total: int,
        whole: Upload | None,
    ) -> None:
        self._parts = parts
        self._connector = connector
        self._plan = plan
        self._audience = audience
        self._total = total
        self._whole = whole
        self._begun = False
        self._upload: Upload | None = None
        self._opened = parts.clock.now()
        self._sending: BatchRecord | None = None
        self._refusals = Refusals(parts.ledger)

    def deliver(
        self, batch: BatchRecord, rows: pa.RecordBatch, *, last: bool
    ) -> tuple[BatchRecord, tuple[BatchRecord, ...]]:
        """Send a batch until it is answered; its record, and what is to be sent for it now."""
        kept = kept_rows(batch)
        if len(kept) < rows.num_rows:
            rows = _taken(rows, kept)
        patience = self._parts.patience
        once = self._whole is not None and not self._begun
        try:
            record = (patience.ask_once if once else patience.ask)(
                self._attempt, batch, rows, last=last
            )
        except RequestRefused as error:
            return self._refusals.refused(self._as_sent(batch), error)
        return record, self._refusals.taken(record)

    def _as_sent(self, batch: BatchRecord) -> BatchRecord:
        sending = self._sending
        return sending if sending is not None and sending.id == batch.id else batch

    def _attempt(self, batch: BatchRecord, rows: pa.RecordBatch, *, last: bool) -> BatchRecord:
        """Make one request. What is known of its effect is committed before it is told."""
        operation = self._plan.operation(batch.phase)
        ledger, now = self._parts.ledger, self._parts.clock.now()
        upload = self._whole or self._opened_for(operation, now)
        ends = self._whole is None and self._is_old(now, ENDED)
        self._upload = None  # until this request is answered, its upload is not to be trusted
        self._sending = ledger.intend(batch.id, label=upload.label, deadline=now + DEADLINE)
        try:
            receipt = upload.push(Batch(batch.id, operation, rows), last=last or ends)
        except RequestRefused:
            raise
        except Unavailable as error:
            ledger.mark(batch.id, BatchState.UNKNOWN, code=error.code, doubtful=True)
            raise
        except PlatformError as error:
            ledger.mark(batch.id, BatchState.PLANNED, code=error.code)
            raise
        self._upload = None if ends else upload
        self._begun = True
        recorded = ledger.record(batch.id, _placed(receipt, batch))
        log.info(
            "batch_pushed",
            batch=batch.id,
            operation=operation.value,
            rows=receipt.received,
            refused=receipt.refused_rows,
        )
        return recorded

    def _opened_for(self, operation: Operation, now: datetime) -> Upload:
        """The upload that goes on, or a new one; an overdue one is left to run out."""
        if self._upload is None or self._is_old(now + DEADLINE, 1.0):
            self._opened = now
            return self._connector.open(self._audience, operation, rows=self._total)
        return self._upload

    def _is_old(self, now: datetime, share: float) -> bool:
        """Whether so much of the time is over that an upload of this platform lasts."""
        lasts = self._parts.platform.capabilities.upload_lasts
        return lasts is not None and now - self._opened >= lasts * share


def _taken(rows: pa.RecordBatch, kept: Sequence[int]) -> pa.RecordBatch:
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it

    return rows.take(pa.array(kept, pa.int64()))


def _placed(receipt: Receipt, batch: BatchRecord) -> Receipt:
    """A receipt whose refused rows are positions in the batch, not in what was sent of it."""
    kept = kept_rows(batch)
    placed = (
        each if each.row is None else replace(each, row=kept[each.row]) for each in receipt.refused
    )
    return replace(receipt, refused=tuple(placed))
