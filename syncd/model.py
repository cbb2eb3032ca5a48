"""The domain, as frozen values. Imports nothing of ours.

Members never become Python objects: they travel as Arrow record batches whose
columns are named here (`ROW_COLUMNS`, `SEGMENT_COLUMNS`). Everything that holds a
digest or a key is kept out of `repr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, NewType

if TYPE_CHECKING:
    import pyarrow as pa

RunId = NewType("RunId", str)
PlanId = NewType("PlanId", str)
BatchId = NewType("BatchId", str)
SnapshotId = NewType("SnapshotId", str)

# What a segment's SQL may return, DESIGN 7. `customer_key` is required.
SEGMENT_COLUMNS = (
    "customer_key",
    "email",
    "email_2",
    "email_3",
    "phone",
    "phone_2",
    "phone_3",
    "first_name",
    "last_name",
    "country",
    "postcode",
    "city",
    "region",
    "birth_date",
    "gender",
    "device_id",
    "external_id",
    "value",
    "currency",
    "ad_consent",
    "consent_at",
)


class IdentifierKind(Enum):
    """What can match a person alone. An address counts as one, and only when whole."""

    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"


# The cells of a row, in order. Digests are 32 bytes; postcode and country are a
# digest or plain UTF-8, as the platform's rule set says. Null where there is none.
EMAIL_CELLS = ("email", "email_2", "email_3")
PHONE_CELLS = ("phone", "phone_2", "phone_3")
ADDRESS_CELLS = ("given_name", "family_name", "postcode", "country")
ROW_COLUMNS = (*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS)


class Consent(Enum):
    """A member's answer to advertising; stored as its number in columns.

    `DENIED` never reaches a row. `GRANTED` sets a platform's consent fields;
    `UNKNOWN` leaves them unset.
    """

    UNKNOWN = 0
    GRANTED = 1
    DENIED = 2


class Operation(Enum):
    """What a request does with its rows, in the order a run does it.

    Removals come first: a customer who left may have withdrawn consent, and must
    not wait behind a large upload.
    """

    REMOVE = "remove"
    ADD = "add"


class Phase(Enum):
    """The three parts of a plan, in order.

    `AGAIN` sends current members whole once more: those who shared an identifier
    with a row that was removed, because a platform takes out the person it matched.
    Where requests take effect later and in any order, it waits until the removals
    were processed.
    """

    REMOVE = "remove"
    ADD = "add"
    AGAIN = "again"

    @property
    def operation(self) -> Operation:
        """What a batch of this phase asks of the platform."""
        return Operation.REMOVE if self is Phase.REMOVE else Operation.ADD


class RunState(Enum):
    """Where a run stands; the last three are final."""

    READING = "reading"
    PLANNED = "planned"
    HELD = "held"
    PUSHING = "pushing"
    PROCESSING = "processing"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"


class BatchState(Enum):
    """Where a batch stands. Sent, accepted, processed and settled are four facts."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PROCESSED = "processed"
    SETTLED = "settled"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


# --- platforms ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of a row is made from a raw value, stated as data.

    Attributes:
        field: A cell of `ROW_COLUMNS` without its number: `email`, `phone`,
            `given_name`, `family_name`, `postcode` or `country`.
        steps: Names of steps in `syncd.identity`, applied in order.
        hashed: Whether the platform takes the SHA-256 of the result, or the result.
        source: Where the platform says so.
        as_of: When that was read, `YYYY-MM-DD`.
    """

    field: str
    steps: tuple[str, ...]
    hashed: bool
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """How a platform wants identifiers normalised and hashed.

    A changed rule is a new `version`: digests made by another version are migrated,
    never taken for churn.
    """

    name: str
    version: str
    fields: tuple[FieldRule, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the core must know of a platform, as data.

    Attributes:
        max_rows: Rows a request may carry.
        max_identifiers: Identifiers one row may carry; the core leaves out the last.
        kinds: What the platform can match.
        answers: `now` if a receipt is final, `later` if the platform works on it
            after answering and `Connector.outcome` must be asked.
        ordered: Whether requests to one audience take effect in the order in which
            they were answered.
        consent: `member` if rows carry consent (and regions demand it), else `none`.
        replace: Whether a whole audience can be replaced without an empty window.
    """

    max_rows: int
    max_identifiers: int
    kinds: frozenset[IdentifierKind]
    answers: Literal["now", "later"]
    ordered: bool
    consent: Literal["member", "none"]
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A key that an account of this platform takes in the configuration.

    Attributes:
        secret: The value must be a reference, `{file: NAME}` or `${NAME}`.
        on_loopback_only: Literal values allowed only with a loopback endpoint.
    """

    name: str
    help: str
    required: bool = True
    secret: bool = False
    on_loopback_only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """An account on a platform, its references resolved.

    Attributes:
        name: Its name in the configuration.
        options: Values of the platform's `Option`s; secrets among them.
        endpoint: Another server to talk to, or None for the platform itself.
    """

    name: str
    connector: str
    options: Mapping[str, str] = field(repr=False)
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience on a platform, found or made.

    Attributes:
        size: Members as the platform counts them, or None where it does not say yet.
        empty: Whether the platform says that nothing was ever put in; None if it
            does not tell. An audience that we did not fill is taken only if empty.
    """

    platform: str
    account: str
    id: str
    name: str
    size: int | None = None
    empty: bool | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that travel in one request.

    Attributes:
        rows: Columns `ROW_COLUMNS`, and `consent` (int8, `Consent`) last. In a
            removal, blank cells are identifiers that someone still holds.
    """

    id: BatchId
    operation: Operation
    rows: pa.RecordBatch = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows that a platform would not take; the rest of their batch went through.

    Attributes:
        row: Position in the batch, from 0; None where the platform only counts.
        reason: The platform's code, never its prose.
        count: Rows meant, 1 where `row` is known.
    """

    row: int | None
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the platform said of one batch.

    Attributes:
        received: Rows it took in, refused ones included.
        refused: Rows it would not take.
        reference: Its own name for the request, for its support and for `outcome`.
        final: False where it is still working on it.
    """

    received: int
    refused: tuple[Refusal, ...] = ()
    reference: str = ""
    final: bool = True

    @property
    def refused_rows(self) -> int:
        """How many rows were refused."""
        return sum(refusal.count for refusal in self.refused)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request that was accepted earlier.

    Attributes:
        state: `processing`, `processed` (with any `refused` counted) or `failed`.
    """

    state: Literal["processing", "processed", "failed"]
    refused: tuple[Refusal, ...] = ()
    match_rate: str = ""


# --- reading -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SegmentQuery:
    """A segment as it will be asked of the shop.

    Attributes:
        sql: One SELECT in the shop's dialect, with `:name` binds.
        parameters: Values of those binds.
        source: Where the SQL came from, for messages: a file, or `catalogue:NAME`.
    """

    name: str
    sql: str
    parameters: Mapping[str, object]
    source: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Values of one field that identity would not use, by reason."""

    field: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A segment's members as read in one sealed read, digested for one rule set.

    Attributes:
        rows: Rows that the shop returned.
        usable: Rows with at least one identifier.
        columns: The columns the query returned, in its order.
        refused: Values that could not be used, by field and reason.
        path: The encrypted file, relative to the ledger's directory.
        checksum: SHA-256 of that file, hex.
    """

    id: SnapshotId
    segment: str
    rules: str
    rows: int
    usable: int
    columns: tuple[str, ...]
    refused: tuple[Refused, ...]
    as_of: datetime
    sealed_at: datetime
    path: str
    checksum: str


# --- planning ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Guard:
    """When removals wait for a person.

    Attributes:
        max_removed: Share of the largest membership of the last 7 days, 0 to 1.
        max_removed_count: Members, or None for no such limit.
        min_members: A snapshot smaller than this removes nobody unasked.
    """

    max_removed: float = 0.30
    max_removed_count: int | None = None
    min_members: int = 100


@dataclass(frozen=True, slots=True)
class Sizes:
    """Members and identifiers of each kind, as counts."""

    members: int = 0
    identifiers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """What a plan would do, in numbers; all that a person sees of it.

    Attributes:
        snapshot: Usable rows of the snapshot, before the consent gate.
        wanted: Members after the gate.
        additions: Rows of phase ADD.
        again: Rows of phase AGAIN.
        removals: Rows of phase REMOVE, confirmations included.
        unchanged: Members who need nothing.
        confirmations: Removal rows that repeat an accepted removal, once.
        waiting_removals: Rows left for later, likewise.
        leaving: Members and identifiers that go, as the guard counts them: without
            denied consent and confirmations.
        withdrawn: The same for members whose consent is denied.
        lost: Members that consent kept out, by reason.
    """

    snapshot: int
    wanted: int
    additions: int
    again: int
    removals: int
    unchanged: int
    confirmations: int = 0
    waiting_removals: int = 0
    leaving: Sizes = field(default_factory=Sizes)
    withdrawn: Sizes = field(default_factory=Sizes)
    lost: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The additions and removals that make an audience equal to a snapshot.

    The rows stand in an immutable, encrypted file; this says which one.

    Attributes:
        generation: The membership that it was compared with.
        configuration: Digest of the settings that shape it.
        held: Why removals wait for a person; empty if they do not.
        path: The file, relative to the ledger's directory.
        checksum: SHA-256 of that file, hex.
    """

    id: PlanId
    sync: str
    platform: str
    account: str
    audience: str
    snapshot: SnapshotId
    generation: int
    configuration: str
    rules: str
    counts: PlanCounts
    held: tuple[str, ...]
    created_at: datetime
    path: str
    checksum: str


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """Who may be sent, by consent. `denied` never is.

    Attributes:
        granted_only: Only `granted` members go.
        granted_in_region: `unknown` members go unless their region demands consent.
    """

    granted_only: bool
    granted_in_region: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a snapshot is compared with, and how.

    Attributes:
        removes: False for a sync that only adds; denied consent is removed all the same.
        ordered: Requests to the audience take effect in the order they were answered.
        reference: The largest membership of the last 7 days.
        changed_columns: Columns that came or went, as `-phone` or `+phone`.
        approved: Plans whose held removals a person let through.
        under_way: Batches that the platform accepted and has not processed.
        settle: How long an accepted removal is given before it counts as effective.
    """

    plan: PlanId
    sync: str
    snapshot: Snapshot
    generation: Generation | None
    consent: ConsentRule
    removes: bool
    ordered: bool
    guard: Guard
    reference: Sizes
    changed_columns: tuple[str, ...]
    approved: tuple[Plan, ...]
    under_way: tuple[tuple[Plan, BatchRecord], ...]
    now: datetime
    settle: timedelta


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan's file and its numbers."""

    path: str
    checksum: str
    counts: PlanCounts
    held: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as the ledger keeps it: a range of rows of a plan file, no copy.

    Attributes:
        number: Order within the plan, from 1; the order in which it is sent.
        first_row: Position within its phase's rows.
        folded: The state that the membership has taken in, or None.
        doubtful: An attempt's outcome was once unknown: it may still land late.
    """

    id: BatchId
    plan: PlanId
    number: int
    phase: Phase
    first_row: int
    rows: int
    state: BatchState
    folded: BatchState | None = None
    doubtful: bool = False
    attempts: int = 0
    reference: str = ""
    refused: tuple[Refusal, ...] = ()
    accepted_at: datetime | None = None
    processed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """One state of a membership, as the ledger names it.

    Attributes:
        number: From 1, gap-free, one audience at a time; 0 means none yet.
        sizes: What the audience then held, as far as we can know.
    """

    number: int
    path: str
    checksum: str
    sizes: Sizes
    rules: str
    at: datetime


# --- the record --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a sync."""

    id: RunId
    sync: str
    actor: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    plan: PlanId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened, for a reader who has never seen the code.

    Attributes:
        kind: A constant name, `noun_verbed`.
        actor: `schedule`, `api` or a login.
        counts: Numbers by name; nothing that identifies a customer.
        detail: One plain sentence.
    """

    kind: str
    at: datetime
    actor: str
    detail: str
    sync: str = ""
    audience: str = ""
    run: str = ""
    plan: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    number: int = 0
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things are given.

    Attributes:
        settle: After an accepted removal, until it is taken as effective.
        poll: Between two questions about work under way on a platform.
    """

    settle: timedelta = timedelta(hours=48)
    poll: timedelta = timedelta(minutes=30)
