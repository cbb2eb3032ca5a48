"""The Data Manager API on this machine, over real gRPC.

`serve` starts it. The Google SDK talks to it as to Google: user lists, ingestion,
removal, request status. It refuses what the documentation says Google refuses, a whole
request for one bad member, and works on requests after it has answered them, those that
wait together in a shuffled order: Google promises none.

Faults are taken under platform `google` and the methods `get`, `list`, `create`, `add`,
`remove`, `cut` (RemoveAllAudienceMembers) and `status`. Of an `error`, `code` is the gRPC
status, `subcode` the ErrorInfo reason, `headers` its metadata, `rows` (or `named`) the
members named as bad. What happens to a request after its answer is scripted under platform
`google.process` and the methods `add`, `remove` and `cut`: an `error` fails it whole (status
FAILED, reason `subcode`), `refuse_rows` drops the rows at `rows`.

The Google Ads API is served on the same port, see `ads`, over the same lists.
"""

from __future__ import annotations

from connectors.sandbox.google.server import GoogleServer, serve

__all__ = ["GoogleServer", "serve"]
