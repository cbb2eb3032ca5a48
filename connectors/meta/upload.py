"""One operation on one audience, as Meta's upload session. Imported only to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.meta.client import Client, Path, RandBits, malformed, number
from connectors.meta.errors import NAME
from connectors.meta.form import Form
from connectors.meta.payload import WireRows, wire_rows
from connectors.meta.refused import refusals
from connectors.meta.schema import WIRE_ROWS
from syncd.errors import AudienceUnusable, PlatformError, RequestRefused
from syncd.model import Batch, Operation, Receipt, Refusal


@dataclass(slots=True)
class Session:
    """Batches that Meta knows by one number, which is ours to choose.

    Attributes:
        batches: How many it has confirmed.
        received: Wire rows it has confirmed.
        doubtful: A batch may have come twice, and be counted twice.
        schema: Of its first batch; all others have the same.
    """

    id: int
    batches: int = 0
    received: int = 0
    finished: bool = False
    doubtful: bool = False
    schema: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, randbits: RandBits) -> Session:
        """One that no other upload of the ad account has: a positive int64."""
        return cls(randbits(63) or 1)


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
        self._session = Session.fresh(randbits)

    @property
    def label(self) -> str:
        """The id of the session that the next push belongs to."""
        return str(self._session.id)

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Send one batch in one request.

        Raises:
            syncd.errors.PlatformError: The request failed, or was not confirmed.
        """
        rows = fitting(batch, self._audience_id)
        # Rows to take out may be of a time before their segment said something of them.
        if self._session.finished or self._session.schema not in ((), rows.schema):
            self._session = Session.fresh(self._randbits)
        # Not HTTP's DELETE: there the SDK writes the payload into the URL, and servers cut
        # that off at some 250 rows. The guide documents this form.
        verb = {"method": "DELETE"} if self._operation is Operation.REMOVE else {}
        path = (self._audience_id, "users")
        try:
            refused = send(
                self._client, path, self._session, rows, last=last, total=self._rows, more=verb
            )
        except PlatformError:
            self._session = Session.fresh(self._randbits)
            raise
        return Receipt(batch.rows.num_rows, refused, self.label)


def fitting(batch: Batch, audience_id: str) -> WireRows:
    """A batch's wire rows.

    Raises:
        syncd.errors.PlatformError: They, or the audience, are none that Meta could take.
    """
    rows = wire_rows(batch.rows)
    if len(rows.members) > WIRE_ROWS:
        hint = f"at most {WIRE_ROWS} a request"
        raise RequestRefused(NAME, "too_many_rows", of_rows=False, hint=hint)
    if not audience_id.isdecimal():
        raise AudienceUnusable(NAME, "unknown_audience", hint="ids of audiences are numbers")
    return rows


def send(
    client: Client,
    path: Path,
    session: Session,
    rows: WireRows,
    *,
    last: bool,
    total: int,
    more: Mapping[str, str],
) -> tuple[Refusal, ...]:
    """Send rows as the next batch of a session, which goes on if they were confirmed.

    Args:
        client: Of the account.
        path: The audience and its edge.
        session: Told what was confirmed.
        rows: What to send.
        last: No batch follows.
        total: Members that the session is to carry.
        more: Form fields beside payload and session.

    Returns:
        Rows that Meta would not take.
    """
    place = {
        "session_id": session.id,
        "batch_seq": session.batches + 1,
        "last_batch_flag": last,
        "estimated_num_total": total,
    }
    fields: Form = {"payload": rows.payload, "session": json.dumps(place), **more}
    answer = client.post(path, fields, of_audience=True)
    received, invalid = number(answer.get("num_received")), answer.get("num_invalid_entries")
    if received is None or str(answer.get("audience_id")) != path[0]:
        raise malformed()
    # The figure is the session's total; another one means that a part was lost. Where a
    # batch may have come twice, its rows may be counted once or twice.
    if received != session.received + len(rows.members) and not session.doubtful:
        raise malformed("num_received")
    session.batches += 1
    session.schema = rows.schema
    session.received = received
    session.finished = last
    session.doubtful = False
    return refusals(number(invalid) or 0, answer.get("invalid_entry_samples"), rows)
