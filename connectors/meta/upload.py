"""One operation on one audience, as Meta's upload session."""

from __future__ import annotations

import json
from dataclasses import dataclass

from connectors.meta.client import Client, RandBits, malformed
from connectors.meta.errors import NAME
from connectors.meta.payload import WIRE_ROWS, WireRows, refusals, wire_rows
from syncd.errors import AudienceUnusable, PlatformError, RequestRefused
from syncd.model import Batch, Operation, Receipt


@dataclass(slots=True)
class _Session:
    """Batches that Meta knows by one number, which is ours to choose.

    Attributes:
        batches: How many it has confirmed.
        received: Wire rows it has confirmed.
    """

    id: int
    batches: int = 0
    received: int = 0
    finished: bool = False


class MetaUpload:
    """Pushes batches in one session for as long as each one is confirmed.

    What Meta makes of a `batch_seq` that comes twice is not documented. So a session whose
    last answer was lost or bad is given up, and the next push opens another: sets make that
    harmless, and Meta closes the old one by itself after 90 minutes.
    """

    def __init__(
        self,
        client: Client,
        audience_id: str,
        operation: Operation,
        *,
        rows: int,
        randbits: RandBits,
    ) -> None:
        self._client = client
        self._audience_id = audience_id
        self._operation = operation
        self._rows = rows
        self._randbits = randbits
        self._session = self._fresh()

    @property
    def label(self) -> str:
        """The id of the session that the next push belongs to."""
        return str(self._session.id)

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Send one batch in one request.

        Raises:
            syncd.errors.PlatformError: The request failed, or was not confirmed.
        """
        rows = wire_rows(batch.rows)
        if len(rows.data) > WIRE_ROWS:
            hint = f"at most {WIRE_ROWS} a request"
            raise RequestRefused(NAME, "too_many_rows", of_rows=False, hint=hint)
        if not self._audience_id.isdecimal():
            raise AudienceUnusable(NAME, "unknown_audience", hint="ids of audiences are numbers")
        if self._session.finished:
            self._session = self._fresh()
        try:
            return self._send(batch, rows, last=last)
        except PlatformError:
            self._session = self._fresh()
            raise

    def _send(self, batch: Batch, rows: WireRows, *, last: bool) -> Receipt:
        session = self._session
        fields = {
            "payload": rows.encoded(),
            "session": json.dumps(
                {
                    "session_id": session.id,
                    "batch_seq": session.batches + 1,
                    "last_batch_flag": last,
                    "estimated_num_total": self._rows,
                }
            ),
        }
        if self._operation is Operation.REMOVE:
            # Not HTTP's DELETE: there the SDK writes the payload into the URL, and servers
            # cut that off at some 250 rows. The guide documents this form.
            fields["method"] = "DELETE"
        answer = self._client.post((self._audience_id, "users"), fields, of_audience=True)
        received, invalid = number(answer.get("num_received")), answer.get("num_invalid_entries")
        if received is None or str(answer.get("audience_id")) != self._audience_id:
            raise malformed()
        if received != session.received + len(rows.data):
            # The figure is the session's total; another one means that a part was lost.
            raise malformed("num_received")
        session.batches += 1
        session.received = received
        session.finished = last
        refused = refusals(number(invalid) or 0, answer.get("invalid_entry_samples"), rows)
        return Receipt(batch.rows.num_rows, refused, str(session.id))

    def _fresh(self) -> _Session:
        # A positive int64 that no other upload of the ad account has.
        return _Session(self._randbits(63) or 1)


def number(value: object) -> int | None:
    """A whole number, which Meta at times writes as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
