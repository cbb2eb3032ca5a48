"""Batches on their way out: intent committed before each request, receipt after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from syncd.errors import PlatformError, RequestRefused, Unavailable
from syncd.model import Batch, BatchRecord, BatchState, Plan
from syncd.parts import Parts
from syncd.ports import Connector, PlanFile, Upload
from syncd.retry import policy

if TYPE_CHECKING:
    import pyarrow as pa

DEADLINE = timedelta(seconds=120)  # after it, an answer is no longer waited for

log = structlog.get_logger()


def send(
    parts: Parts, connector: Connector, plan: Plan, batches: Sequence[BatchRecord], audience: str
) -> tuple[BatchRecord, ...]:
    """Send batches of one operation, in order, each until it is answered.

    A request that was refused whole was not applied: its batch ends there and the next
    one goes on.

    Args:
        parts: The sync's.
        connector: Its platform.
        plan: Whose batches these are; all of them unsent, or of unknown outcome.
        batches: In the order of sending.
        audience: The platform's id.

    Returns:
        The batches as the ledger has them now.

    Raises:
        syncd.errors.PlatformError: The platform gave no answer in the end, or denies us.
    """
    if not batches:
        return ()
    total = sum(batch.rows for batch in batches)
    outgoing = _Outgoing(parts, connector, audience, total)
    done = 0
    records: list[BatchRecord] = []
    with parts.membership.open(plan) as file:
        for batch in batches:
            parts.lock.check()
            parts.progress(batch.phase.value, done, total)
            records.append(outgoing.deliver(batch, file, last=batch is batches[-1]))
            done += batch.rows
    parts.progress(batches[0].phase.value, done, total)
    return tuple(records)


class _Outgoing:
    """One operation being sent; its upload is opened anew after an unknown outcome."""

    def __init__(self, parts: Parts, connector: Connector, audience: str, total: int) -> None:
        self._parts = parts
        self._connector = connector
        self._audience = audience
        self._total = total
        self._upload: Upload | None = None

    def deliver(self, batch: BatchRecord, file: PlanFile, *, last: bool) -> BatchRecord:
        rows = file.of(batch)
        retrying = policy(sleep=self._parts.clock.sleep)
        try:
            return retrying(self._attempt, batch, rows, last=last)
        except RequestRefused as error:
            log.error("batch_refused", batch=batch.id, code=error.code, rows=batch.rows)
            self._upload = None
            return self._parts.ledger.mark(batch.id, BatchState.REFUSED, code=error.code)

    def _attempt(self, batch: BatchRecord, rows: pa.RecordBatch, *, last: bool) -> BatchRecord:
        """Make one request. What is known of its effect is committed before it is told."""
        operation = batch.phase.operation
        ledger, now = self._parts.ledger, self._parts.clock.now()
        upload = self._upload or self._connector.open(self._audience, operation, rows=self._total)
        self._upload = None  # until this request is answered, its upload is not to be trusted
        ledger.intend(batch.id, label=upload.label, deadline=now + DEADLINE)
        try:
            receipt = upload.push(Batch(batch.id, operation, rows), last=last)
        except RequestRefused:
            raise
        except Unavailable as error:
            ledger.mark(batch.id, BatchState.UNKNOWN, code=error.code, doubtful=True)
            raise
        except PlatformError as error:
            ledger.mark(batch.id, BatchState.PLANNED, code=error.code)
            raise
        self._upload = upload
        recorded = ledger.record(batch.id, receipt)
        log.info(
            "batch_pushed",
            batch=batch.id,
            operation=operation.value,
            rows=receipt.received,
            refused=receipt.refused_rows,
        )
        return recorded
