"""What the ledger keeps: plans, batches, generations, runs, audit events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import NewType

from syncd.model.members import SnapshotId
from syncd.model.platforms import BatchId, Operation, Refusal

RunId = NewType("RunId", str)


PlanId = NewType("PlanId", str)


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
        """What a batch of this phase asks of the platform; `Plan.operation` knows better."""
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
class Timing:
    """How long things are given.

    Attributes:
        settle: After an accepted removal, until it is taken as effective.
        poll: Between two questions about work under way on a platform.
        min_interval: Between two edits of an audience by scheduled runs.
    """

    settle: timedelta = timedelta(hours=48)
    poll: timedelta = timedelta(minutes=30)
    min_interval: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Sizes:
    """Members and identifiers of each kind, as counts.

    Attributes:
        refused: Members whose rows a platform refused by name; they are not sent again
            as they are.
    """

    members: int = 0
    identifiers: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0


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
        superseded: Identifiers that leave because changed rules replaced them; the guard
            does not count them.
        migrating: Those that will, once what replaces them was accepted and has settled.
        refreshed: Members among the additions who are sent only so that their membership
            does not expire.
        updated: Those who are sent only because what travels with their identifiers is
            not what it was.
        forgotten: Identifiers that were taken out and are nobody's in the segment any more
            (mode: remove); nothing is sent for them.
        respelled: Members among the unchanged whose row in the shop, or whose sync's settings,
            changed, and who are digested to what they were sent as.
        joining_control: Members among the leaving whom the segment's hold-out keeps out now:
            they were sent before it, or before its share or seed changed.
        holdout: The share that the segment holds out; 0 for none.
        holdout_before: The same of the last plan that was carried out; None where there is none.
        expired: The last day on which the segment could be used, YYYY-MM-DD, once that is over:
            all its members leave; else empty.
        joining_arms: Members among the leaving who are in another arm now: they were sent before
            the segment was split, or before its shares or seed changed.
        arm: The arm that is sent, and how the segment is split, as `a of a 50%, b 50%`; empty
            where all of it is.
        arm_before: The same of the last plan that was carried out; None where there is none.
        definition: Who is in the segment, as `Sync.definition` has it.
        definition_before: The same of the last plan that was carried out; empty where that is not
            known.
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
    superseded: int = 0
    migrating: int = 0
    refreshed: int = 0
    updated: int = 0
    forgotten: int = 0
    respelled: int = 0
    joining_control: int = 0
    holdout: float = 0.0
    holdout_before: float | None = None
    expired: str = ""
    joining_arms: int = 0
    arm: str = ""
    arm_before: str | None = None
    definition: str = ""
    definition_before: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The additions and removals that make an audience equal to a snapshot.

    The rows stand in an immutable, encrypted file; this says which one.

    Attributes:
        generation: The membership that it was compared with.
        configuration: Digest of the settings that shape it.
        held: Why removals wait for a person; empty if they do not.
        path: The file, relative to the ledger's directory.
        checksum: The SHA-256 that tells that file from any other, hex.
        takes_out: Of a sync that only takes members out of what others fill: each of its rows
            goes out as a removal, and its membership is who was taken out.
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
    takes_out: bool = False

    def operation(self, phase: Phase) -> Operation:
        """What a batch of this phase of this plan asks of the platform."""
        return Operation.REMOVE if self.takes_out else phase.operation


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as the ledger keeps it: a range of rows of a plan file, no copy.

    Attributes:
        number: Order within the plan, from 1; within a phase the order in which it is
            sent. Parts of a refused batch have numbers after all others.
        first_row: Position within its phase's rows.
        rows: How many from there on; those that `refused` names as `whole` are left out
            of its request.
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
class Base:
    """The file that a generation's own one lies over, see `syncd.membership.layers`.

    Attributes:
        path: Relative to the ledger's directory.
        checksum: The SHA-256 that tells the file from any other, hex.
    """

    path: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One state of a membership, as the ledger names it.

    Attributes:
        number: From 1, gap-free, one audience at a time; 0 means none yet.
        sizes: What the audience then held, as far as we can know.
        rules: By which the last plan that was carried out digested its members.
        base: The file under its own; None where its own is all of it.
        remembers: When the first left of those whom it remembers; None: nobody.
    """

    number: int
    path: str
    checksum: str
    sizes: Sizes
    rules: str
    at: datetime
    base: Base | None = None
    remembers: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a sync.

    Attributes:
        detail: What ended it early, in a sentence.
        error: The class of the error that did, such as `Denied`; "" if none did.
    """

    id: RunId
    sync: str
    actor: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    plan: PlanId | None = None
    detail: str = ""
    error: str = ""


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
