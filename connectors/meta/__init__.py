"""Meta custom audiences, through the vendor's `facebook-business`.

Rows go up normalised and hashed by syncd: the SDK's own helpers normalise differently
from Meta's documentation, and send removals in the URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from connectors.meta.client import Answer, Client, RandBits, connect, malformed
from connectors.meta.errors import FLAGGED, NAME
from connectors.meta.payload import MAX_ROWS, WIRE_ROWS, refusals, wire_rows
from connectors.meta.replacement import MetaReplacement
from connectors.meta.upload import MetaUpload, number
from syncd.errors import AudienceUnusable, ConfigError, RequestRefused
from syncd.model import (
    Account,
    Audience,
    Capabilities,
    Detail,
    IdentifierKind,
    Operation,
    Option,
    Outcome,
    Receipt,
)
from syncd.ports import Platform

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PLATFORM", "Meta"]

FIELDS = (
    "id,name,subtype,operation_status,approximate_count_lower_bound,approximate_count_upper_bound"
)
PAGE = "20"  # Meta's advice; larger pages are answered with "reduce the amount of data"

# operation_status, Custom Audience reference
NOTHING_UPLOADED = 410
UNTOLD = (None, 0)
BEING_REPLACED, REPLACEMENT_FAILED = 414, 415
UNUSABLE = {470: "its owner is inactive", 471: FLAGGED, 500: "Meta reports an error with it"}


@dataclass(frozen=True, slots=True)
class Meta:
    """One ad account."""

    name: str
    account_id: str
    client: Client = field(repr=False)
    randbits: RandBits = field(repr=False)

    def find(self, name: str) -> tuple[Audience, ...]:
        """All audiences of exactly this name, whatever their kind."""
        found: list[Audience] = []
        after = ""
        while True:
            asked = {"fields": FIELDS, "limit": PAGE} | ({"after": after} if after else {})
            path = (self.account_id, "customaudiences")
            answer = self.client.get(path, asked, of_audience=False)
            found += [self._audience(one) for one in _nodes(answer) if one.get("name") == name]
            follows = _after(answer)
            if not follows:
                return tuple(found)
            if follows == after:
                raise malformed("paging")
            after = follows

    def read(self, audience_id: str) -> Audience:
        """The audience with this id.

        Its size is Meta's lower bound; Meta states none below a certain size.
        """
        if not audience_id.isdecimal():
            raise AudienceUnusable(NAME, "unknown_audience", hint="ids of audiences are numbers")
        node = self.client.get((audience_id,), {"fields": FIELDS}, of_audience=True)
        if _id(node) != audience_id:
            raise malformed()
        if node.get("subtype") != "CUSTOM":
            raise AudienceUnusable(NAME, "subtype", hint="it is no customer list; use another name")
        status = _status(node)
        if status in UNUSABLE:
            code = f"operation_status {status}"
            raise AudienceUnusable(NAME, code, hint=UNUSABLE[status])
        return self._audience(node)

    def create(self, name: str) -> Audience:
        """Make an empty customer list."""
        fields = {
            "name": name,
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
        }
        path = (self.account_id, "customaudiences")
        answer = self.client.post(path, fields, of_audience=False)
        return Audience(NAME, self.name, _id(answer), name, empty=True)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> MetaUpload:
        """Begin an upload session; sends nothing."""
        return MetaUpload(self.client, audience_id, operation, rows=rows, randbits=self.randbits)

    def outcome(self, reference: str) -> Outcome:  # noqa: ARG002  # receipts are final
        """Always processed: Meta answers for its rows at once, and matches in its own time."""
        return Outcome("processed")

    def replace(self, audience_id: str, *, rows: int) -> MetaReplacement:
        """Begin a session that replaces an audience; sends nothing."""
        return MetaReplacement(self.client, audience_id, rows=rows, randbits=self.randbits)

    def replacing(self, audience_id: str) -> Literal["running", "done", "failed"]:
        """How the audience's last replacement is."""
        node = self.client.get((audience_id,), {"fields": "id,operation_status"}, of_audience=True)
        status = _status(node)
        if _id(node) != audience_id or status is None:
            raise malformed()
        if status == BEING_REPLACED:
            return "running"
        return "failed" if status == REPLACEMENT_FAILED else "done"

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        """Take persons out of all customer lists of the ad account, in one request.

        Also out of those that others filled. Meta sends no word of the end of it. The guide
        states this edge with HTTP's DELETE; the form is the one it states for `/users`.
        """
        wire = wire_rows(rows)
        if len(wire.data) > WIRE_ROWS:
            raise RequestRefused(NAME, "too_many_rows", hint=f"at most {WIRE_ROWS} a request")
        # A POST, which keeps the rows out of the URL: see `upload`.
        fields = {"payload": wire.encoded(), "method": "DELETE"}
        path = (self.account_id, "usersofanyaudience")
        answer = self.client.post(path, fields, of_audience=False)
        received, invalid = number(answer.get("num_received")), answer.get("num_invalid_entries")
        if received is not None and received != len(wire.data):
            raise malformed("num_received")
        refused = refusals(number(invalid) or 0, answer.get("invalid_entry_samples"), wire)
        return Receipt(rows.num_rows, refused)

    def _audience(self, node: Answer) -> Audience:
        size = number(node.get("approximate_count_lower_bound"))
        status = _status(node)
        return Audience(
            platform=NAME,
            account=self.name,
            id=_id(node),
            name=str(node.get("name", "")),
            size=size if size is not None and size >= 0 else None,  # -1: not available
            empty=None if status in UNTOLD else status == NOTHING_UPLOADED,
        )


def _nodes(answer: Answer) -> list[Answer]:
    data = answer.get("data")
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise malformed()
    return data


def _after(answer: Answer) -> str:
    """The cursor of the next page; "" if there is none.

    Only the cursor: Meta's `next` is a URL that repeats the token, and grows by it.
    """
    paging = answer.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return ""
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if not isinstance(after, str) or not after:
        raise malformed("paging")
    return after


def _id(node: Answer) -> str:
    found = str(node.get("id", ""))
    if not found.isdecimal():
        raise malformed()
    return found


def _status(node: Answer) -> int | None:
    status = node.get("operation_status")
    return number(status.get("code")) if isinstance(status, dict) else None


def _connect(account: Account, randbits: RandBits) -> Meta:
    given = account.options["account_id"]
    match = re.fullmatch(r"(?:act_)?(\d+)", given)
    if not match:
        raise ConfigError(f"accounts.{account.name}.account_id must be act_ and digits: {given!r}")
    return Meta(account.name, f"act_{match.group(1)}", connect(account), randbits)


PLATFORM = Platform(
    name=NAME,
    title="Meta",
    capabilities=Capabilities(
        max_rows=MAX_ROWS,
        max_identifiers=9,
        kinds=frozenset(IdentifierKind),
        answers="now",
        ordered=True,
        consent="none",
        replace="session",
        forgets=True,
        details=frozenset(Detail),
    ),
    rules="meta",
    options=(
        Option("account_id", "the ad account: act_ and its number"),
        Option(
            "access_token",
            "of a system user with ads_management on the ad account",
            secret=True,
            on_loopback_only=("sandbox-token",),
        ),
        Option(
            "app_secret",
            "of the token's app; signs each request, and is needed where the app demands it",
            required=False,
            secret=True,
        ),
    ),
    connect=_connect,
)
