"""Rows on their way: one request a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from google.ads.datamanager_v1 import IngestionServiceClient

from connectors.google import errors, wire
from connectors.google.calls import Use, told
from syncd.model import Batch, Operation, Receipt

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class GoogleUpload:
    """One operation on one user list; see `syncd.ports.Upload`."""

    label: str
    destination: wire.Destination
    operation: Operation
    ingestion: IngestionServiceClient = field(repr=False)
    use: Use = field(repr=False)
    seconds: float

    def push(self, batch: Batch, *, last: bool) -> Receipt:  # noqa: ARG002  # no session to end
        """Send one batch in one request; what becomes of it, `outcome` tells later.

        Raises:
            syncd.errors.PlatformError: Nothing, or nothing known, of it was taken.
            ValueError: The batch breaks the core's own rules.
        """
        rows = batch.rows
        if batch.operation is not self.operation:
            raise ValueError(f"a batch to {batch.operation.value} in a {self.label} upload")
        if not 1 <= rows.num_rows <= MAX_ROWS:
            raise ValueError(f"a batch of {rows.num_rows} rows; Google takes 1 to {MAX_ROWS}")
        reference = self._send(rows)
        if not reference:
            raise errors.malformed("no request id")
        return Receipt(received=rows.num_rows, reference=reference, final=False)

    def _send(self, rows: pa.RecordBatch) -> str:
        """Google's id of the request."""
        options: dict[str, Any] = {"retry": None, "timeout": self.seconds}
        call: Callable[[], Any]
        if self.operation is Operation.ADD:
            adding = wire.addition(self.destination, rows)
            call = partial(self.ingestion.ingest_audience_members, adding, **options)
        else:
            removing = wire.removal(self.destination, rows)
            call = partial(self.ingestion.remove_audience_members, removing, **options)
        answer: Any = told(call, self.use, rows)
        return str(answer.request_id)
