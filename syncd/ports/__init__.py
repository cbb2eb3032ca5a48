"""The seams: what the core asks of a platform, a shop and a clock.

Structural types. An implementation inherits nothing and is told apart by nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from syncd.model import (
    NO_OPTIONS,
    NO_WORDING,
    Account,
    Advice,
    Audience,
    AudienceOption,
    AudienceOptions,
    Batch,
    Capabilities,
    Finding,
    Operation,
    Option,
    Outcome,
    Receipt,
    RuleSet,
    SegmentQuery,
    Wording,
)
from syncd.ports.keeping import File, Membership, PlanFile, Received

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Advises",
    "Clock",
    "Connector",
    "Cuts",
    "Examines",
    "Expires",
    "File",
    "Forgets",
    "Membership",
    "PlanFile",
    "Platform",
    "Reading",
    "Recalls",
    "Received",
    "Replaces",
    "Shop",
    "Upload",
]


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """The wall clock, in UTC, with its zone."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a test's clock only moves its hands."""
        ...


class Upload(Protocol):
    """One operation on one audience, from opening to commit."""

    @property
    def label(self) -> str:
        """The platform-side name of this upload, chosen by us; kept with each attempt."""
        ...

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Send one batch in one request and say what became of its rows.

        Pushing a batch twice leaves the audience as pushing it once.

        Args:
            batch: Rows of this upload's operation.
            last: No batch follows in this upload.

        Raises:
            syncd.errors.PlatformError: The whole request failed. Refused rows are
                no error: the receipt counts them.
        """
        ...


class Connector(Protocol):
    """One account on one ad platform. All that a connector author writes is here.

    A connector encodes, sends and translates. It never retries, sleeps, logs,
    compares or opens a database: the core does that once for all platforms. Every
    method raises only `syncd.errors.PlatformError`s. One thread uses it at a time; where
    `Capabilities.in_flight` allows several requests at once, each has a connector of its own.
    """

    def find(self, name: str) -> tuple[Audience, ...]:
        """All audiences of exactly this name."""
        ...

    def read(self, audience_id: str) -> Audience:
        """The audience with this id, with its size."""
        ...

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        """Make an empty audience.

        Args:
            name: Any that the platform takes.
            options: Values of the platform's `audience_options`, checked against them.
        """
        ...

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> Upload:
        """Begin an upload of `rows` rows; sends nothing."""
        ...

    def outcome(self, reference: str) -> Outcome:
        """What became of an accepted request; asked only where answers come later."""
        ...


class Forgets(Protocol):
    """What a connector also is where its capabilities say `forgets`."""

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        """Take persons out of every audience of the account, in one request; twice is as once.

        The rows are `ROW_COLUMNS` and `consent`, `Capabilities.max_rows` at most.
        """
        ...


class Advises(Protocol):
    """What a connector also is where its capabilities say `advises`."""

    def advice(self) -> Advice:
        """What the platform's last answer said beside the matter; sends nothing.

        Asked after each answered request, also a refused one. Nothing of an earlier answer
        where the last request got none.
        """
        ...


@runtime_checkable
class Recalls(Protocol):
    """What a connector also is that counts requests itself, for its platform tells of none.

    No capability says so: one that has the method is told, each time that it is made.
    """

    def recall(self, sent: Callable[[], Iterable[tuple[timedelta, int]]]) -> None:
        """Hear of requests with rows that earlier processes made for its account.

        Args:
            sent: Called at most once a process and account: how many within a day, and how
                long ago at least.
        """
        ...


class Replaces(Protocol):
    """What a connector also is where its capability `replace` is `session`."""

    def replace(self, audience_id: str, *, rows: int) -> Upload:
        """Begin an upload that drops all members and loads its `rows` rows; sends nothing.

        Its first batch starts the replacement and must never be sent twice: where its
        outcome is unknown, no other push of this upload goes out. Any later batch may be
        sent again. The last one ends it; one that never comes makes it fail in time.
        """
        ...

    def replacing(self, audience_id: str) -> Literal["running", "done", "failed"]:
        """How the last replacement is; `done` also where there was none.

        While it runs the audience takes no other change.
        """
        ...


class Cuts(Protocol):
    """What a connector also is where its capability `replace` is `cutoff`."""

    def cut(self, audience_id: str, before: datetime) -> Receipt:
        """Take out whoever was last added before a moment, in one request.

        Twice is as once, and late does no harm. The receipt counts no rows; what became
        of it, `outcome` tells. The moment is in UTC, and not in the platform's future.
        """
        ...


@runtime_checkable
class Examines(Protocol):
    """What a connector also is that can say whether its account is fit.

    No capability says so: a connector that has the method is asked.
    """

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Look at the account, and at these audiences; changes nothing.

        Before each run it is asked for the account alone, so that should be a request or two.
        An audience takes one or two more. What the platform denies is a finding here, not an error.

        Args:
            audience_ids: Audiences of the account; none looks at the account alone.

        Returns:
            At least one for the account, and then one for each audience that was looked at:
            none is, where the account is denied.

        Raises:
            syncd.errors.Throttled: It asks for fewer requests.
            syncd.errors.Unavailable: It gave no usable answer, so nothing is known.
        """
        ...


@runtime_checkable
class Expires(Protocol):
    """What a connector also is that can say when its account's credential ends.

    No capability says so: a connector that has the method is asked, once a day.
    """

    def expiry(self) -> datetime | None:
        """When it ends, in UTC; None where it never does, or the platform states no end.

        A refusal is of this question alone: `RequestRefused`, and never `Denied`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    """What a connector package offers under the entry point `syncd.connectors`.

    Attributes:
        name: As `connector:` in the configuration.
        title: As people read it.
        rules: A shipped rule set's name, or the platform's own.
        options: What an account of it is configured with.
        connect: Builds the connector. The second argument draws that many random
            bits; a vendor SDK is imported in here and not before.
        audience_options: What its audiences may be made with, beside their name.
        wording: Words that an audience's name had better not hold.
        sizes: How far its sizes can be trusted, a sentence; "" if they are exact.
        rates: What the match rates are that it states itself, and how far they can be trusted,
            a sentence; "" if it states none.
    """

    name: str
    title: str
    capabilities: Capabilities
    rules: str | RuleSet
    options: tuple[Option, ...]
    connect: Callable[[Account, Callable[[int], int]], Connector]
    audience_options: tuple[AudienceOption, ...] = ()
    wording: Wording = NO_WORDING
    sizes: str = ""
    rates: str = ""


class Reading(Protocol):
    """A segment being read inside one read-only transaction."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the query returned, in its order; all of `SEGMENT_COLUMNS`."""
        ...

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Rows as text columns named as in `columns`.

        `value` as float64, unless one of a batch's cells is no finite number.
        """
        ...

    def joined(self) -> Iterator[pa.RecordBatch]:
        """The same rows, for whoever needs the cells of few: `syncd.cells.parted` gives columns."""
        ...

    def seal(self) -> int:
        """Say that the read is whole, and how many rows it had.

        Raises:
            syncd.errors.TornSnapshot: It was not read to the end, or the shop counts
                otherwise within the same transaction.
        """
        ...


class Shop(Protocol):
    """The shop's own database; nothing is ever written to it."""

    def read(self, query: SegmentQuery) -> AbstractContextManager[Reading]:
        """Open one consistent, read-only read of a segment.

        Raises:
            syncd.errors.ShopError: Unreachable, a table is missing, access denied.
            syncd.errors.ConfigError: The SQL is not one SELECT, or returns a column
                that syncd does not know; or the shop lacks what the segment needs.
        """
        ...
