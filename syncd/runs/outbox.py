"""Batches on their way out: intent committed before each request, receipt after it.

As many requests are under way at once as the platform's rules allow, each of an upload of its
own. One thread begins and hears them all: it alone writes to the ledger and waits. Whatever goes
wrong ends that: nothing more is begun until those under way were heard, and then the requests in
trouble are made again, one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from syncd.errors import Busy, PlatformError, RequestRefused, SyncdError, Throttled, Unavailable
from syncd.model import Batch, BatchId, BatchRecord, BatchState, Plan, Receipt
from syncd.overlap import ahead
from syncd.ports import Connector, PlanFile, Upload
from syncd.retry import PASSING, UNAPPLIED, Met
from syncd.runs.flight import Flight
from syncd.runs.lanes import Lanes, Leg
from syncd.runs.parts import Parts
from syncd.runs.refusals import Refusals, kept_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.runs.apart import Named

DEADLINE = timedelta(seconds=120)  # after it, an answer is no longer waited for

Heard = tuple[BatchRecord, tuple[BatchRecord, ...]]

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
    """Send batches of one operation, each until it is answered.

    They are begun in order. A request that was refused whole was not applied: the next batch
    goes on, and once all are answered, parts of it without the rows that are wrong, one at a
    time, see `syncd.runs.refusals`.

    Args:
        parts, connector, audience: The sync's, its platform, and the platform's id.
        plan: Whose batches these are; all of them unsent, or of unknown outcome.
        batches: In the order of sending.
        whole: One upload for all of them that cannot be opened anew, and whose first batch
            must not be sent twice: see `syncd.ports.Replaces`. One request is under way then.

    Returns:
        The batches as the ledger has them now, parts of refused ones among them.

    Raises:
        syncd.errors.PlatformError: The platform gave no answer in the end, or denies us. What
            else was under way was waited for, and is in the ledger.
    """
    if not batches:
        return ()
    outgoing = _Outgoing(parts, connector, plan, audience, batches, whole)
    with (
        parts.membership.open(plan) as file,
        _read_ahead(file, batches) as rows_of,
        outgoing.heard_to_the_end(),
    ):
        records = outgoing.sent(batches, rows_of)
    return tuple(sorted(records, key=lambda record: record.number))


@contextmanager
def _read_ahead(
    file: PlanFile, batches: Sequence[BatchRecord]
) -> Iterator[Callable[[BatchRecord], pa.RecordBatch]]:
    """Gives a batch's rows; the next ones are read while requests are under way.

    Batches come in their order, each as often as it is asked for until the next one is; what
    takes the place of a refused one is read then. A file is read by one thread at a time.
    """
    turn, given = Lock(), {batch.id for batch in batches}
    last: list[tuple[BatchRecord, pa.RecordBatch]] = []

    def of(batch: BatchRecord) -> pa.RecordBatch:
        with turn:
            return file.of(batch)

    with ahead(map(of, batches), 1) as rows:

        def rows_of(batch: BatchRecord) -> pa.RecordBatch:
            if not last or last[0][0].id != batch.id:
                last[:] = [(batch, next(rows) if batch.id in given else of(batch))]
            return last[0][1]

        yield rows_of


class _Outgoing:
    """One operation being sent."""

    def __init__(
        self,
        parts: Parts,
        connector: Connector,
        plan: Plan,
        audience: str,
        batches: Sequence[BatchRecord],
        whole: Upload | None,
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._given = {batch.id for batch in batches}
        self._whole = whole
        self._begun = False
        self._alone = whole is not None  # one request at a time
        self._slowed = False  # likewise, until an answer is heard that advises no pause
        self._lanes = Lanes(
            parts, connector, audience, plan.operation(batches[0].phase), batches, whole=whole
        )
        self._flight = Flight[Leg, Receipt]()
        self._troubled = deque[tuple[Leg, Met]]()
        self._refusals = Refusals(parts.ledger)
        self._named: tuple[BatchId, Named] | None = None  # the batch that is next, or was last

    def sent(
        self, batches: Sequence[BatchRecord], rows_of: Callable[[BatchRecord], pa.RecordBatch]
    ) -> list[BatchRecord]:
        """Send them all, and what takes the place of refused ones; as they were answered."""
        parts, name = self._parts, self._plan.operation(batches[0].phase).value
        total, done = sum(batch.rows for batch in batches), 0
        records, queue = list[BatchRecord](), deque(batches)
        while queue or self._flight.under_way or self._troubled:
            if queue and self._room(queue[0], rows_of):
                batch = queue.popleft()
                parts.lock.check()
                parts.progress(name, min(done, total), total)
                self._send(batch, rows_of(batch), left=len(queue))
            elif (heard := self._hear()) is not None:
                record, instead = heard
                records.append(record)
                if self._whole is None:
                    queue.extend(instead)
                else:
                    queue.extendleft(reversed(instead))
                done += 0 if instead else record.rows
        parts.progress(name, total, total)
        return records

    def _room(self, batch: BatchRecord, rows_of: Callable[[BatchRecord], pa.RecordBatch]) -> bool:
        """Whether this batch may be begun now, beside what is under way.

        What takes the place of a refused batch goes out alone: what becomes of it decides on the
        next part. No identifier is in two requests at once.
        """
        if self._troubled or not self._flight.under_way:
            return not self._troubled
        patience = self._parts.patience
        if self._alone or self._slowed or batch.id not in self._given:
            return False
        if not (self._lanes.free and patience.free()):
            return False
        names = self._names(batch, rows_of(batch))
        return all(
            leg.names is not None and names.apart(leg.names) for leg in self._flight.under_way
        )

    def _names(self, batch: BatchRecord, rows: pa.RecordBatch) -> Named:
        from syncd.runs.apart import named  # noqa: PLC0415 - a daemon waits without it

        if self._named is None or self._named[0] != batch.id:
            self._named = batch.id, named(rows)
        return self._named[1]

    def _send(self, batch: BatchRecord, rows: pa.RecordBatch, *, left: int) -> None:
        """Make a batch's request, without waiting for its answer.

        Args:
            batch, rows: What it is about.
            left: So many batches follow in this operation, as far as known.
        """
        names = self._names(batch, rows) if self._lanes.several else None
        kept = kept_rows(batch)
        if len(kept) < rows.num_rows:
            rows = _taken(rows, kept)
        self._parts.patience.wait()
        lane, last = self._lanes.take(left)
        if self._whole is not None:
            # A part may be followed by another one, which could not be sent any more after the
            # last one. So nothing is called the last then: the upload runs out in time.
            last = last and batch.id in self._given
        self._begin(Leg(batch, rows, lane, last, names, self._slowed))

    def _hear(self) -> Heard | None:
        """Wait for one answer, in any order; or make a request again that met trouble.

        Returns:
            Its batch's record, and what is to be sent for it now; None where it is to be made
            again, once nothing else is under way.

        Raises:
            syncd.errors.PlatformError: It met what does not pass, or met trouble for too long.
        """
        if not self._flight.under_way:
            leg, met = self._troubled.popleft()
            return self._settled(leg, partial(self._parts.patience.again, met, self._attempt, leg))
        leg, ended = self._flight.landed()
        passing = UNAPPLIED if self._whole is not None and not self._begun else PASSING
        try:
            return self._settled(leg, partial(self._answered, leg, ended))
        except passing as error:
            # Two at once may be why; and who was asked for patience once keeps to it.
            self._alone = self._alone or isinstance(error, Throttled)
            self._troubled.append((leg, Met(error, self._parts.clock.now(), passing)))
            return None

    @contextmanager
    def heard_to_the_end(self) -> Iterator[None]:
        """Whatever ends the block, nothing is under way after it, and the ledger knows of all.

        But not where another process may have the ledger by now, or nobody wants to wait.
        """
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._drain(writes=isinstance(error, Exception) and not isinstance(error, Busy))
            raise
        finally:
            self._flight.close()

    def _drain(self, *, writes: bool) -> None:
        while self._flight.under_way:
            leg, ended = self._flight.landed()
            if not writes:
                continue
            try:
                self._settled(leg, partial(self._answered, leg, ended))
            except PlatformError:
                pass  # which is in the ledger
            except SyncdError:  # the ledger's: what it does not know is sent again
                writes = False

    def _settled(self, leg: Leg, answer: Callable[[], BatchRecord]) -> Heard:
        try:
            record = answer()
        except RequestRefused as error:
            heard = self._refusals.refused(leg.batch, error)
        else:
            heard = record, self._refusals.taken(record)
        self._lanes.give_back(leg.lane)
        # What was begun before a pause was advised says nothing of how it is after it.
        slowed = self._parts.patience.slowed
        self._slowed = slowed if leg.slowed else self._slowed or slowed
        return heard

    def _attempt(self, leg: Leg) -> BatchRecord:
        """Make one request, and wait for its answer; nothing else is under way."""
        self._begin(leg)
        return self._answered(*self._flight.landed())

    def _begin(self, leg: Leg) -> None:
        """Make one request. That it is about to be made is committed before."""
        ledger, now = self._parts.ledger, self._parts.clock.now()
        upload, ends = leg.lane.upload(now, DEADLINE, last=leg.last)
        leg.batch = ledger.intend(leg.batch.id, label=upload.label, deadline=now + DEADLINE)
        operation = self._plan.operation(leg.batch.phase)
        batch = Batch(leg.batch.id, operation, leg.rows)
        self._flight.begin(leg, partial(upload.push, batch, last=ends))

    def _answered(self, leg: Leg, ended: Future[Receipt]) -> BatchRecord:
        """What a request came to, for all to go by; the ledger hears of it first."""
        hear = self._parts.patience.hear
        return hear(leg.lane.advice, self._recorded, leg, ended)

    def _recorded(self, leg: Leg, ended: Future[Receipt]) -> BatchRecord:
        """Commit what is known of a request's effect."""
        ledger, batch = self._parts.ledger, leg.batch
        try:
            receipt = ended.result()
        except RequestRefused:
            raise
        except Unavailable as error:
            ledger.mark(batch.id, BatchState.UNKNOWN, code=error.code, doubtful=True)
            raise
        except PlatformError as error:
            ledger.mark(batch.id, BatchState.PLANNED, code=error.code)
            raise
        leg.lane.confirm()
        self._begun = True
        recorded = ledger.record(batch.id, _placed(receipt, batch))
        log.info(
            "batch_pushed",
            batch=batch.id,
            operation=self._plan.operation(batch.phase).value,
            rows=receipt.received,
            refused=receipt.refused_rows,
        )
        return recorded


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
