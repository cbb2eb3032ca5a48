"""A whole audience replaced, as Meta's session at `/usersreplace`.

Its rules, Customer File guide: batch 1 starts the replacement, which drops everyone, and
must never be sent twice; other batches may be sent again; all must come within 90 minutes;
until it is over the audience takes no edit at `/users`.
"""

from __future__ import annotations

from connectors.meta.client import Client, RandBits
from connectors.meta.errors import NAME
from connectors.meta.upload import Session, fitting, send
from syncd.errors import AudienceUnusable, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.model import Batch, Receipt

EDGE = "usersreplace"
# The session is gone, and so are the people it dropped and did not load: 2650 with "no first
# batch", "90 minutes are over", "finished", "partly applied". No other session may follow.
OVER = ("/1870147", "/1870158", "/1870159", "/1870148")
_UNSURE = (
    "nobody can tell whether the replacement began, so its first batch is not sent again; the "
    "next run asks Meta, and sends everyone"
)
_OVER = "Meta ended the replacement before everyone was sent; the next run sends everyone"


class MetaReplacement:
    """Pushes batches in one session, and never begins a second one.

    A batch that was refused whole is not part of the session: if it was the first one, the
    replacement did not begin, and the next one begins it under another number.
    """

    def __init__(self, client: Client, audience_id: str, *, rows: int, randbits: RandBits) -> None:
        self._client = client
        self._audience_id = audience_id
        self._rows = rows
        self._randbits = randbits
        self._session = Session.fresh(randbits)
        self._unsure = False

    @property
    def label(self) -> str:
        """The session's id."""
        return str(self._session.id)

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Send one batch in one request.

        Raises:
            syncd.errors.PlatformError: The request failed, or was not confirmed. After a
                first one of unknown outcome every other push is `AudienceUnusable`.
        """
        rows = fitting(batch, self._audience_id)
        session, path = self._session, (self._audience_id, EDGE)
        if self._unsure or session.finished:
            hint = _UNSURE if self._unsure else _OVER
            raise AudienceUnusable(NAME, "replacement", hint=hint)
        failure: PlatformError
        try:
            refused = send(self._client, path, session, rows, last=last, total=self._rows, more={})
        except PlatformError as error:
            failure = self._failed(error)
        else:
            return Receipt(batch.rows.num_rows, refused, self.label)
        raise failure

    def _failed(self, error: PlatformError) -> PlatformError:
        """What the core is to hear of a push that failed."""
        session, begun = self._session, self._session.batches > 0
        if error.code.endswith(OVER):
            return AudienceUnusable(NAME, error.code, reference=error.reference, hint=_OVER)
        # "Too much" is Meta's unknown error as well: of the first batch nobody can tell.
        unclear = isinstance(error, RequestRefused) and error.of_size and not begun
        if isinstance(error, RequestRefused | Throttled) and not unclear:
            # None of it was applied. A number that may have been seen is not used again.
            self._session = session if begun else Session.fresh(self._randbits)
            return error
        session.doubtful = True
        if unclear or (isinstance(error, Unavailable) and not begun):
            self._unsure = True
            return Unavailable(NAME, error.code, reference=error.reference, hint=_UNSURE)
        return error
