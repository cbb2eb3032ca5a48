"""Meta custom audiences, through the vendor's `facebook-business`.

Rows go up normalised and hashed by syncd: the SDK's own helpers normalise differently
from Meta's documentation, and send removals in the URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from connectors.meta.client import Answer, Client, RandBits, connect, malformed, number
from connectors.meta.errors import NAME
from connectors.meta.examine import AUDIENCE, examine, fitness
from connectors.meta.expiry import expiry
from connectors.meta.form import Form
from connectors.meta.making import MAX_AUDIENCES, OPTIONS, WORDING, facts, fields, lifespan
from connectors.meta.schema import MAX_ROWS, WIRE_ROWS
from syncd.errors import AudienceUnusable, ConfigError, RequestRefused
from syncd.model import (
    NO_OPTIONS,
    Account,
    Advice,
    Audience,
    AudienceOptions,
    Capabilities,
    Detail,
    Fact,
    Finding,
    IdentifierKind,
    Operation,
    Option,
    Outcome,
    Receipt,
)
from syncd.ports import Platform

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.meta.replacement import MetaReplacement
    from connectors.meta.upload import MetaUpload

__all__ = ["PLATFORM", "Meta"]

FIELDS = (
    "id,name,subtype,operation_status,approximate_count_lower_bound,approximate_count_upper_bound"
)
SESSION = timedelta(minutes=90)  # of an upload; later batches are discarded, says the guide
DETAILS = f"{FIELDS},{AUDIENCE},delivery_status,retention_days,is_value_based"
PAGE = "20"  # Meta's advice; larger pages are answered with "reduce the amount of data"

# operation_status, Custom Audience reference
NOTHING_UPLOADED = 410
UNTOLD = (None, 0)
BEING_REPLACED, REPLACEMENT_FAILED = 414, 415


@dataclass(frozen=True, slots=True)
class Meta:
    """One ad account."""

    name: str
    account_id: str
    client: Client = field(repr=False)
    randbits: RandBits = field(repr=False)

    def find(self, name: str) -> tuple[Audience, ...]:
        """All audiences of exactly this name, whatever their kind."""
        return tuple(self._audience(one) for one in self._all() if one.get("name") == name)

    def read(self, audience_id: str) -> Audience:
        """The audience with this id.

        Its size is Meta's lower bound; Meta states none below a certain size.
        """
        if not audience_id.isdecimal():
            raise AudienceUnusable(NAME, "unknown_audience", hint="ids of audiences are numbers")
        node = self.client.get((audience_id,), {"fields": DETAILS}, of_audience=True)
        if _id(node) != audience_id:
            raise malformed()
        verdict, code, said = fitness(node)
        if verdict == "unusable":
            raise AudienceUnusable(NAME, code, hint=said)
        return replace(
            self._audience(node),
            most=_people(node, "approximate_count_upper_bound"),
            status=_statuses(node),
            warning=said if verdict == "warning" else "",
            facts=facts(node.get("is_value_based")),
        )

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        """Make an empty customer list, after counting those that there are."""
        there = sum(one.get("subtype") == "CUSTOM" for one in self._all())
        if there >= MAX_AUDIENCES:
            hint = (
                f"the ad account has {there} customer lists and Meta takes {MAX_AUDIENCES}: delete "
                "one that nobody needs in Audience Manager, or name one that exists"
            )
            raise RequestRefused(NAME, "too_many_audiences", of_rows=False, hint=hint)
        path = (self.account_id, "customaudiences")
        answer = self.client.post(path, fields(name, options), of_audience=False)
        kept = lifespan(number(options.get("retention_days")))
        return Audience(NAME, self.name, _id(answer), name, empty=True, lifespan=kept)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> MetaUpload:
        """Begin an upload session; sends nothing."""
        from connectors.meta.upload import MetaUpload  # noqa: PLC0415  # heavy

        return MetaUpload(self.client, audience_id, operation, rows=rows, randbits=self.randbits)

    def outcome(self, reference: str) -> Outcome:  # noqa: ARG002  # receipts are final
        """Always processed: Meta answers for its rows at once, and matches in its own time."""
        return Outcome("processed")

    def replace(self, audience_id: str, *, rows: int) -> MetaReplacement:
        """Begin a session that replaces an audience; sends nothing."""
        from connectors.meta.replacement import MetaReplacement  # noqa: PLC0415  # heavy

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

    def advice(self) -> Advice:
        """What the last answer's headers said of limits and of our version."""
        return self.client.pace.advice

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        """Take persons out of all customer lists of the ad account, in one request.

        Also out of those that others filled. Meta sends no word of the end of it. The guide
        states this edge with HTTP's DELETE; the form is the one it states for `/users`.
        """
        from connectors.meta.payload import wire_rows  # noqa: PLC0415  # heavy
        from connectors.meta.refused import refusals  # noqa: PLC0415  # likewise

        wire = wire_rows(rows)
        if len(wire.members) > WIRE_ROWS:
            raise RequestRefused(NAME, "too_many_rows", hint=f"at most {WIRE_ROWS} a request")
        # A POST, which keeps the rows out of the URL: see `upload`.
        form: Form = {"payload": wire.payload, "method": "DELETE"}
        path = (self.account_id, "usersofanyaudience")
        answer = self.client.post(path, form, of_audience=False)
        received, invalid = number(answer.get("num_received")), answer.get("num_invalid_entries")
        if received is not None and received != len(wire.members):
            raise malformed("num_received")
        refused = refusals(number(invalid) or 0, answer.get("invalid_entry_samples"), wire)
        return Receipt(rows.num_rows, refused)

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Whether the ad account and these audiences are fit, by what Meta states of them."""
        return examine(self.client, self.account_id, audience_ids)

    def expiry(self) -> datetime | None:
        """When the access token ends, as Meta states it."""
        return expiry(self.client)

    def _all(self) -> Iterator[Answer]:
        """Every audience of the account, whatever its kind."""
        after = ""
        while True:
            asked = {"fields": FIELDS, "limit": PAGE} | ({"after": after} if after else {})
            path = (self.account_id, "customaudiences")
            answer = self.client.get(path, asked, of_audience=False)
            yield from _nodes(answer)
            follows = _after(answer)
            if not follows:
                return
            if follows == after:
                raise malformed("paging")
            after = follows

    def _audience(self, node: Answer) -> Audience:
        status = _status(node)
        return Audience(
            platform=NAME,
            account=self.name,
            id=_id(node),
            name=str(node.get("name", "")),
            size=_people(node, "approximate_count_lower_bound"),
            empty=None if status in UNTOLD else status == NOTHING_UPLOADED,
            lifespan=lifespan(number(node.get("retention_days"))),
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


def _people(node: Answer, bound: str) -> int | None:
    size = number(node.get(bound))
    return size if size is not None and size >= 0 else None  # -1: not available


def _statuses(node: Answer) -> str:
    """Meta's codes for how an audience is and whether ads can use it."""
    told = {name: _status(node, name) for name in ("operation_status", "delivery_status")}
    return ", ".join(f"{name} {code}" for name, code in told.items() if code is not None)


def _status(node: Answer, name: str = "operation_status") -> int | None:
    status = node.get(name)
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
        max_slots=WIRE_ROWS,
        # "Too small" below some 100 matched people: delivery_status 300, and what Salesforce's
        # and Alibaba's guides to their Meta connectors say.
        smallest=100,
        max_identifiers=9,
        kinds=frozenset(IdentifierKind),
        answers="now",
        ordered=True,
        consent="none",
        replace="session",
        forgets=True,
        upload_lasts=SESSION,
        advises=True,
        # Each in a session of its own, whose batches go one by one: `batch_seq` is sequential, and
        # what Meta has received is told as the session's total. A Limited account takes 20 writes
        # in 300 s and is slowed from 75 % on: three more are then under way, which end below 95 %.
        in_flight=4,
        # An edit can set an ad set back to its learning phase (Customer File guide), and whether
        # each session is one Meta does not say: an ordinary day's changes stay in one.
        upload_worth=10,
        details=frozenset(Detail),
        facts=frozenset(Fact),
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
        Option(
            "graph_version",
            "of Meta's API, as v26.0; by default the vendor's package says which",
            required=False,
        ),
    ),
    connect=_connect,
    audience_options=OPTIONS,
    wording=WORDING,
    sizes="it counts people it could match, rounded, up to 24 h late, and states nothing below "
    "some 1,000; so a match rate is an estimate",
)
