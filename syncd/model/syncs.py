"""A configured sync, and the question that a plan answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from syncd.model.making import AudienceOptions
from syncd.model.members import Fact, Snapshot
from syncd.model.records import (
    BatchRecord,
    Generation,
    Guard,
    Plan,
    PlanCounts,
    PlanId,
    Sizes,
    Timing,
)


@dataclass(frozen=True, slots=True)
class Holdout:
    """A segment's control group: who is kept out of all its audiences, to measure the rest by.

    Attributes:
        share: Of the segment's members, above 0 and at most `MOST_HELD_OUT`.
        seed: Who is in it; the same seed and share choose the same people in every segment.
    """

    share: float
    seed: str

    @property
    def percent(self) -> str:
        """The share for a reader, as 5%."""
        return f"{self.share * 100:g}%"


@dataclass(frozen=True, slots=True)
class Arms:
    """How a segment is split, each part into audiences of its own, to try one against another.

    Attributes:
        shares: Of the segment's members, by arm, in the order of their names; 1 in sum.
        seed: Who is in which; the same seed and shares split every segment alike.
    """

    shares: Mapping[str, float]
    seed: str

    def __str__(self) -> str:
        return ", ".join(f"{name} {share * 100:g}%" for name, share in self.shares.items())


HELD_OUT = "held out"  # why its members are kept out, as plans count them
MOST_HELD_OUT = 0.5  # a larger control than what it is compared with is a slip of the pen
OTHER_ARM = "in another arm"  # likewise
WOULD_STAY = "would stay, and does not enter"  # likewise, where its audience has them not
MOST_ARMS = 10  # more would each be too small to tell from another


@dataclass(frozen=True, slots=True)
class Sync:
    """A configured pairing: this segment to that audience.

    Attributes:
        audience_name: Found by name or made; None if `audience_id` is given.
        removes: False for a sync that only adds.
        consent: `not_denied` or `granted`.
        max_unusable: Share of rows without an identifier above which a run is partial.
        configuration: Digest of every setting that shapes a plan.
        audience_options: What its audience is made with, beside the name.
        audience_lint: Whether words in a name that the platform flags keep it from being made.
        takes_out: It only takes members out of an audience that others fill; see `Plan`.
        facts: What the audience is made for, so that the segment must have it.
        holdout: The segment's control group; None where it has none.
        expired: The last day on which the segment could be used, once that is over: it then has
            no members.
        arms: How the segment is split; None where it is not, or the sync sends all of them.
        arm: The one that the sync sends; empty for all.
        definition: Who is in the segment, for a person, so that another one reads otherwise.
    """

    name: str
    segment: str
    platform: str
    account: str
    audience_name: str | None
    audience_id: str | None
    removes: bool
    consent: str
    guard: Guard
    timing: Timing
    max_unusable: float
    configuration: str
    audience_options: AudienceOptions = field(default_factory=dict)
    audience_lint: bool = True
    takes_out: bool = False
    facts: frozenset[Fact] = frozenset()
    holdout: Holdout | None = None
    expired: date | None = None
    arms: Arms | None = None
    arm: str = ""
    definition: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """Who may be sent, by consent. `denied` never is, where it is asked.

    Attributes:
        granted_only: Only `granted` members go.
        granted_in_region: `unknown` members go unless their region demands consent.
        asked: False where members are only taken out, which needs nobody's consent.
    """

    granted_only: bool
    granted_in_region: bool
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Refresh:
    """Whom to send again before the platform ends their membership: one slot a day.

    It is a member's turn on every day whose number has the remainder of their slot when
    divided by `period`. Due are those whose turn came after day `after`, up to `until`.

    Attributes:
        period: Days after which everyone had a turn.
        after: A day, counted from 1970-01-01.
        until: Likewise.
    """

    period: int
    after: int
    until: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a snapshot is compared with, and how.

    Attributes:
        removes: False for a sync that only adds; denied consent is removed all the same.
        ordered: Requests to the audience take effect in the order they were answered.
        reference: The largest membership of the last 7 days.
        changes: What is not as in the last run that passed, a sentence each.
        approved: Plans whose held removals a person let through.
        under_way: Batches that the platform accepted and has not processed.
        settle: How long an accepted removal is given before it counts as effective.
        full: Send everyone, and remove once more what has not settled out, whatever is
            remembered of them.
        refresh: Whom to send again though nothing of them changed; None for nobody.
        takes_out: As the sync's.
        stated: People in the audience by its platform, at least; None where it states none.
            Asked only where members are taken out.
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
    changes: tuple[str, ...]
    approved: tuple[Plan, ...]
    under_way: tuple[tuple[Plan, BatchRecord], ...]
    now: datetime
    settle: timedelta
    full: bool = False
    refresh: Refresh | None = None
    takes_out: bool = False
    stated: int | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan's file and its numbers."""

    path: str
    checksum: str
    counts: PlanCounts
    held: tuple[str, ...]
