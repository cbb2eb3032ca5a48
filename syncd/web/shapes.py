"""What the page is told, as values: sentences, names of the configuration, times and counts.

Nothing here may hold an identifier, a digest or a token of anybody; a canary test looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from syncd.web.worth import CountedTold, LiftTold, SurveyTold


@dataclass(frozen=True, slots=True)
class SyncTold:
    """One sync and its audience as they stand.

    Attributes:
        pk: The ledger's number of its audience; None before its first run.
        title: The platform's, as people read it.
        state: Of its last run; "never run" before one.
        run: That run.
        ended_at: When that run ended; None as long as it runs.
        stale_at: When it goes stale unless a run succeeds; None where no clock starts it.
        needs: The command that a person should run; "" for none.
        why: What for, in a sentence.
        members: Who may be in the audience, as far as is known.
        refused: Members whose rows the platform refused by name.
        keeps_days: For how long the platform keeps a member who is not sent again.
        sizes: How far the platform's sizes can be trusted, a sentence; "" if they are exact.
        rates: Likewise of match rates that it states itself.
    """

    name: str
    pk: int | None
    segment: str
    platform: str
    title: str
    account: str
    audience: str
    mode: str
    schedule: str
    guard: str
    consent: str
    sends: str
    state: str
    error: str
    run: str
    began_at: datetime | None
    ended_at: datetime | None
    due_at: datetime | None
    stale_at: datetime | None
    needs: str
    why: str
    members: int | None
    refused: int
    under_way: int
    keeps_days: int | None
    refreshed_at: datetime | None
    adopted: bool
    sizes: str
    rates: str


@dataclass(frozen=True, slots=True)
class OrphanTold:
    """An audience that no sync fills any more and that is not empty for good."""

    audience: str
    title: str
    account: str
    members: int
    needs: str


@dataclass(frozen=True, slots=True)
class SegmentTold:
    """A segment in use.

    Attributes:
        source: Where it is from: "catalogue: whales", or its SQL file.
        wording: What it is, for a person; "" where nobody has said.
        parameters: What it was given, as text.
        sql: As a person wrote it.
        own: Whether that is a person's own SQL.
        holdout: The share of it that is held out, as text; "" for none.
        arms: What it is split into, as text; "" where it is not.
        counted: As it was counted last; None if it never was.
        trouble: Why the last survey could not count it; "" where it could.
        small: What is said of each sync for which it is too small.
        lift: What its hold-out said last; None if it never said anything.
        lift_trouble: Why the last survey could not compare; "" where it could.
    """

    name: str
    source: str
    wording: str
    parameters: str
    sql: str
    syncs: tuple[str, ...]
    own: bool
    holdout: str
    arms: str
    counted: CountedTold | None
    trouble: str
    small: tuple[str, ...]
    lift: LiftTold | None
    lift_trouble: str

    @property
    def tried(self) -> bool:
        """Whether parts of it are compared with one another."""
        return bool(self.holdout or self.arms)


@dataclass(frozen=True, slots=True)
class AccountTold:
    """An account and its limits.

    Attributes:
        sent: Requests with rows within the last day.
        waits_until: Until when it has to wait; None if it need not.
        credential_ends: When its credential does, where the platform states that.
    """

    name: str
    title: str
    account: str
    sent: int
    waits_until: datetime | None
    waits_for: str
    warning: str
    warned_at: datetime | None
    credential_ends: datetime | None


@dataclass(frozen=True, slots=True)
class AlertTold:
    """What is open and people were told of."""

    subject: str
    condition: str
    opened_at: datetime
    said: str


@dataclass(frozen=True, slots=True)
class DeliveryTold:
    """A message on its way to one target, or there."""

    at: datetime
    subject: str
    condition: str
    turn: str
    target: str
    state: str
    code: str


@dataclass(frozen=True, slots=True)
class ChainTold:
    """How far the audit chain was checked, each event once, when it was published.

    Attributes:
        checked_at: When the last of them was.
        broken_at: The first event that did not follow the one before it; None if all did.
    """

    events: int
    checked_at: datetime
    broken_at: int | None


@dataclass(frozen=True, slots=True)
class Now:
    """Everything that is so at one moment.

    Attributes:
        zone: The shop's time zone, in which the page shows times unless asked for another.
        runner: Who held the lock: "daemon", another command, or "" for nobody.
    """

    at: datetime
    version: str
    zone: str
    runner: str
    syncs: tuple[SyncTold, ...]
    orphans: tuple[OrphanTold, ...]
    segments: tuple[SegmentTold, ...]
    accounts: tuple[AccountTold, ...]
    alerts: tuple[AlertTold, ...]
    deliveries: tuple[DeliveryTold, ...]
    targets: tuple[str, ...]
    erasures: int
    chain: ChainTold
    survey: SurveyTold

    def sync(self, name: str) -> SyncTold | None:
        """The sync of that name."""
        return next((each for each in self.syncs if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Values of the shop that could not be used, and what to do about them."""

    field: str
    reason: str
    count: int
    advice: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Rows that the platform would not take, by its code.

    Attributes:
        then: What becomes of them, and what a person can do.
    """

    reason: str
    count: int
    then: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes:
        at: When it began; None if it has not.
        until: When it ended, where it took a while.
    """

    name: str
    at: datetime | None
    until: datetime | None
    said: str


@dataclass(frozen=True, slots=True)
class BatchTold:
    """A request's rows and what became of them."""

    number: int
    phase: str
    rows: int
    state: str
    attempts: int
    refused: int
    code: str
    matched: str
    accepted_at: datetime | None
    processed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunTold:
    """One run, with all that is known of it.

    Attributes:
        held: Why its removals wait or waited for a person, a sentence each.
        read: Rows read.
        usable: Those with at least one identifier.
        wanted: Those that consent lets go out.
        lost: Kept out, by reason.
    """

    number: int
    id: str
    sync: str
    audience: str
    title: str
    state: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    detail: str
    plan: str
    plan_state: str
    checksum: str
    held: tuple[str, ...]
    said: str
    read: int
    usable: int
    wanted: int
    unchanged: int
    lost: Mapping[str, int]
    removed: int
    added: int
    again: int
    unusable: tuple[Unusable, ...]
    refused: tuple[Refused, ...]
    steps: tuple[Step, ...]
    batches: tuple[BatchTold, ...]

    @property
    def refused_rows(self) -> int:
        """Rows that the platform would not take."""
        return sum(each.count for each in self.refused)


NOW = TypeAdapter(Now)
RUN = TypeAdapter(RunTold)
