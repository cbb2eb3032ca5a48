"""When an access token ends, by what Meta states of it.

Sources: Graph API reference, "Debug-Token", read 2026-11-28: `expires_at` is the token's end,
`data_access_expires_at` that of the app's access to what a person let it see; 0 is never. The
reference states GET, and for the question an app's token or that of one of its developers; a
system user's token that may not ask about itself is refused, and then nothing is known.
"""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.meta.client import Client, malformed, number
from connectors.meta.errors import NAME
from syncd.errors import Denied, RequestRefused

_ENDS = ("expires_at", "data_access_expires_at")


def expiry(client: Client) -> datetime | None:
    """The first end that Meta states, in UTC; None if it states none.

    Raises:
        syncd.errors.RequestRefused: Meta does not tell this token.
        syncd.errors.PlatformError: There was no usable answer.
    """
    try:
        data = client.ask_of_token().get("data")
    except Denied as error:
        # Of this question alone: that a token may not ask says nothing of its ad account.
        code, reference, hint = error.code, error.reference, error.hint
        raise RequestRefused(NAME, code, of_rows=False, reference=reference, hint=hint) from None
    if not isinstance(data, dict):
        raise malformed()
    if data.get("is_valid") is not True:
        hint = "Meta calls the token invalid; make another"
        raise RequestRefused(NAME, "is_valid", of_rows=False, hint=hint)
    ends = [at for name in _ENDS if (at := number(data.get(name)))]
    try:
        return datetime.fromtimestamp(min(ends), UTC) if ends else None
    except (OSError, OverflowError, ValueError):  # no moment that there is
        raise malformed() from None
