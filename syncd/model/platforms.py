"""What passes between the core and a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, NewType

from syncd.model.measuring import MatchRate
from syncd.model.members import Detail, Fact, IdentifierKind

if TYPE_CHECKING:
    import pyarrow as pa


BatchId = NewType("BatchId", str)


class Operation(Enum):
    """What a request does with its rows, in the order a run does it.

    Removals come first: a customer who left may have withdrawn consent, and must
    not wait behind a large upload.
    """

    REMOVE = "remove"
    ADD = "add"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the core must know of a platform, as data.

    Attributes:
        max_rows: Rows a request may carry, whatever they hold.
        max_slots: Where a row takes as many of the platform's own as it has places with an
            e-mail or a phone: how many of those a request may carry, so that it carries more
            than `max_rows` of ours where most have one of each. None where a row is a row.
        max_identifiers: Identifiers one row may carry; the core leaves out the last.
        kinds: What the platform can match.
        answers: `now` if a receipt is final, `later` if the platform works on it
            after answering and `Connector.outcome` must be asked.
        ordered: Whether requests to one audience take effect in the order in which
            they were answered.
        consent: `member` if rows carry consent (and regions demand it), else `none`.
        replace: How a whole audience can be replaced, foreign members and all: `session`,
            by one upload that drops everyone and loads its rows (`ports.Replaces`); `cutoff`,
            by taking out whoever was last added before a moment (`ports.Cuts`); or "".
        forgets: Whether a person can be taken out of all audiences of an account at once,
            also of those that syncd does not manage: its connector is a `ports.Forgets`.
        lifespan: For how long an audience keeps a member who is not sent again, where it
            does not say so itself (`Audience.lifespan`); None for ever. Whole days.
        upload_lasts: How long after its first batch an upload takes others; the core ends it
            in time and opens another. None where that does not matter.
        advises: Whether the platform's answers say how near its limits an account is: its
            connector is a `ports.Advises`.
        first_look: How long after a request to ask first what became of it, where `answers` is
            `later`, as the platform advises.
        closes: Whether the platform, or people there, close audiences to new members or withdraw
            them from an account: one is looked at before each run.
        details: What its rows may carry beside identifiers, to match better.
        facts: What else its rows may say of a member. One that an `AudienceOption` goes with is
            sent to audiences made so; others wherever the segment has their column.
        smallest: Matched people from which on the platform uses an audience, about; 0 where
            nothing is known. Such figures move: people are warned, nothing is refused.
        in_flight: How many requests of one operation on one audience may be under way at once.
            Each is of an upload of its own, and each upload from a connector of its own, which
            one thread uses at a time. 1 where the platform would have them one by one, or does
            not say.
        upload_worth: Batches that an upload has at least, before another goes on beside it; 1
            where uploads cost nothing.
    """

    max_rows: int
    max_identifiers: int
    kinds: frozenset[IdentifierKind]
    answers: Literal["now", "later"]
    ordered: bool
    consent: Literal["member", "none"]
    replace: Literal["", "session", "cutoff"] = ""
    forgets: bool = False
    lifespan: timedelta | None = None
    upload_lasts: timedelta | None = None
    advises: bool = False
    details: frozenset[Detail] = frozenset()
    facts: frozenset[Fact] = frozenset()
    max_slots: int | None = None
    closes: bool = False
    first_look: timedelta = timedelta()
    smallest: int = 0
    in_flight: int = 1
    upload_worth: int = 1


@dataclass(frozen=True, slots=True)
class Advice:
    """What a platform's answers say beside the matter: of its limits, and of our software.

    Attributes:
        pause: Seconds in which the account should make no request; 0 to go on.
        reason: The limit that is near, and how near: "ad account usage 97 %".
        warning: What a person should see to before it is an error, in our words; "" if
            there is nothing.
    """

    pause: float = 0.0
    reason: str = ""
    warning: str = ""


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
        lifespan: For how long it keeps a member who is not sent again, whole days; None
            if it does not tell, or keeps them for ever.
        most: Where the platform states a size from and to: the latter, `size` being the former.
        status: The platform's codes for how it is; "" if it has none.
        warning: What a person should look at, in our words; "" if nothing.
        facts: For which facts it was made, of those that an `AudienceOption` goes with; None
            if it does not tell.
        matched: The share of all that it was sent which the platform matched; None if it does
            not tell.
    """

    platform: str
    account: str
    id: str
    name: str
    size: int | None = None
    empty: bool | None = None
    lifespan: timedelta | None = None
    most: int | None = None
    status: str = ""
    warning: str = ""
    facts: frozenset[Fact] | None = None
    matched: MatchRate | None = None


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
        whole: Whether a whole request was refused for it, so that nothing of it is on
            the platform. Otherwise a part may be: a member can be several rows there.
    """

    row: int | None
    reason: str
    count: int = 1
    whole: bool = False


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
        state: `processing`, `processed` (with any `refused` counted) or `failed`; or
            `forgotten` where the platform does not know the request, or no more: whether
            it took effect, or still will, cannot be learned.
        match_rate: The share of its rows that the platform matched; None if it does not tell.
        begun: Of one that is processing: it lay there until this question, and nobody had told
            the platform to begin. So the time that it takes is counted from now.
    """

    state: Literal["processing", "processed", "failed", "forgotten"]
    refused: tuple[Refusal, ...] = ()
    match_rate: MatchRate | None = None
    begun: bool = False
