"""What a request under way has for itself: one upload after the other, and their connector.

A platform's uploads are begun, gone on with and ended by one request at a time. So as many go on
beside each other as requests are under way, and each of them ends with a last batch of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.model import Advice, BatchRecord, Operation
from syncd.ports import Connector, Upload
from syncd.retry import advice_of
from syncd.runs.parts import Parts

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.runs.apart import Named

ENDED = 5 / 6  # of the time that an upload lasts: Meta's 90 minutes end after 75


class Lane:
    """One upload after the other; the next is opened after an unknown outcome, or in time.

    Attributes:
        advice: What the last answer that came this way said beside the matter.
    """

    def __init__(
        self,
        connect: Callable[[], Upload],
        advice: Callable[[], Advice],
        *,
        lasts: timedelta | None,
        whole: Upload | None = None,
    ) -> None:
        """Begin with none.

        Args:
            connect: Opens an upload; sends nothing.
            advice: As above.
            lasts: How long one takes batches; None for ever.
            whole: The only one that there is, if so.
        """
        self.advice = advice
        self._connect = connect
        self._lasts = None if whole is not None else lasts
        self._whole = whole
        self._going: Upload | None = whole
        self._sending: Upload | None = None
        self._opened: datetime | None = None

    def upload(self, now: datetime, deadline: timedelta, *, last: bool) -> tuple[Upload, bool]:
        """The upload that goes on, or a new one; and whether this request must be its last.

        An overdue one is left to run out. Until the request is confirmed, its upload is not to
        be trusted.

        Args:
            now: When the request is made.
            deadline: How long its answer may take.
            last: It is to be the upload's last. What follows all the same, as parts of a refused
                batch do, goes out in another one.
        """
        if self._going is None or self._is_old(now + deadline, 1.0):
            self._going, self._opened = self._whole or self._connect(), now
        upload, ends = self._going, last or self._is_old(now, ENDED)
        self._going, self._sending = None, None if ends else upload
        return upload, ends

    def confirm(self) -> None:
        """The request was taken: its upload goes on, unless that was its last."""
        self._going = self._sending

    def _is_old(self, now: datetime, share: float) -> bool:
        """Whether so much of the time is over that an upload of this platform lasts."""
        if self._lasts is None or self._opened is None:
            return False
        return now - self._opened >= self._lasts * share


@dataclass(slots=True, eq=False)
class Leg:
    """A batch on its way.

    Attributes:
        batch: As the ledger has had it since the last request for it was to be made.
        rows: What the request carries.
        last: It ends its upload.
        names: What its rows name, see `syncd.runs.apart`; None where it goes out alone.
        slowed: It was begun after an answer had advised a pause, alone.
    """

    batch: BatchRecord
    rows: pa.RecordBatch
    lane: Lane
    last: bool
    names: Named | None = None
    slowed: bool = False


class Lanes:
    """The lanes of one operation, made as they are needed; used by one thread.

    Attributes:
        several: Whether there may be more than one.
    """

    def __init__(
        self,
        parts: Parts,
        connector: Connector,
        audience: str,
        operation: Operation,
        batches: Sequence[BatchRecord],
        *,
        whole: Upload | None,
    ) -> None:
        """Begin with one, of the run's own connector.

        Args:
            parts, connector, audience, operation: What its uploads are about.
            batches: All that is to be sent.
            whole: The only upload that there is, if so.
        """
        capabilities = parts.platform.capabilities
        most = capabilities.in_flight if whole is None else 1
        # Lanes whose upload is to be ended yet.
        self._open = max(min(most, len(batches) // capabilities.upload_worth), 1)
        self._unmade = self._open - 1
        self.several = self._open > 1
        self._rows = -(-sum(batch.rows for batch in batches) // self._open)
        self._parts = parts
        self._connector = connector
        self._audience = audience
        self._operation = operation
        self._whole = whole
        self._ended = set[Lane]()
        self._free = deque([self._lane(connector)])

    @property
    def free(self) -> bool:
        """Whether another request may be made now."""
        return bool(self._free or self._unmade)

    def take(self, left: int) -> tuple[Lane, bool]:
        """A lane for a request, and whether that is to end its upload.

        Where fewer batches are left than lanes, each lane takes one of the last, and no other.

        Args:
            left: So many batches follow.
        """
        lane = self._free.popleft() if self._free else self._another()
        last = left < self._open
        if last and self._open > 1:
            self._open -= 1
            self._ended.add(lane)
        return lane, last

    def give_back(self, lane: Lane) -> None:
        """Its request was answered."""
        if lane not in self._ended:
            self._free.append(lane)

    def _another(self) -> Lane:
        self._unmade -= 1
        parts = self._parts
        made = self._lane(parts.connect())
        parts.patience.heed(parts.platform, self._connector)  # of which the run asks all else
        return made

    def _lane(self, connector: Connector) -> Lane:
        def opened() -> Upload:
            return connector.open(self._audience, self._operation, rows=self._rows)

        platform = self._parts.platform
        return Lane(
            opened,
            advice_of(platform, connector),
            lasts=platform.capabilities.upload_lasts,
            whole=self._whole,
        )
