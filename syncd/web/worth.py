"""What the page is told of a segment's worth: its share of revenue, its doubles, its lift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FEW = 100  # members of an arm, or buyers, below which an interval is wide and rough
FEW_BUYERS = 10


@dataclass(frozen=True, slots=True)
class CountedTold:
    """A segment as a survey counted it.

    Attributes:
        at: The moment that it is for.
        since: Revenue counts from then until that moment.
        customers: Everybody in the shop; None where that is not known, as the next ones.
        buyers: Members with revenue in that time.
        revenue: Theirs, in ten-thousandths.
        whole: Everybody's.
    """

    at: datetime
    since: datetime
    members: int
    customers: int | None
    buyers: int | None
    revenue: int | None
    whole: int | None

    @property
    def of_customers(self) -> float | None:
        """Members as a share of everybody."""
        return self.members / self.customers if self.customers else None

    @property
    def of_revenue(self) -> float | None:
        """Their revenue as a share of everybody's."""
        return self.revenue / self.whole if self.whole and self.revenue is not None else None


@dataclass(frozen=True, slots=True)
class PairTold:
    """Two segments, and what they have in common.

    Attributes:
        jaccard: Those in both as a share of those in either.
        alike: Whether they are hardly two.
    """

    one: str
    other: str
    both: int
    jaccard: float
    alike: bool


@dataclass(frozen=True, slots=True)
class SurveyTold:
    """How far the shop was asked.

    Attributes:
        schedule: When it is, as people say it.
        at: For which moment it was last; None if it never was.
        trouble: Why revenue is not known; "" where it is.
        pairs_at: For which moment the pairs are; None if there are none.
    """

    schedule: str
    at: datetime | None
    trouble: str
    pairs_at: datetime | None
    pairs: tuple[PairTold, ...]


@dataclass(frozen=True, slots=True)
class IntervalTold:
    """A figure and where it may truly lie, at 95 %."""

    value: float
    low: float
    high: float

    @property
    def by_chance(self) -> bool:
        """Whether nothing at all lies inside."""
        return self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class ArmTold:
    """One side of a comparison; revenue in the shop's base currency."""

    members: int
    buyers: int
    orders: int
    revenue: float

    @property
    def few(self) -> bool:
        """Whether there are too few to say much."""
        return self.members < FEW or self.buyers < FEW_BUYERS


@dataclass(frozen=True, slots=True)
class ComparedTold:
    """The exposed against the control.

    Attributes:
        conversion: What the exposed have more in the share of buyers, in points of 1.
        orders, revenue: Likewise in orders and revenue a head.
        times_orders, times_revenue: As a share of the control's; None where that has no end.
    """

    exposed: ArmTold
    control: ArmTold
    conversion: IntervalTold
    orders: IntervalTold
    revenue: IntervalTold
    times_orders: IntervalTold | None = None
    times_revenue: IntervalTold | None = None

    @property
    def few(self) -> bool:
        """Whether one side has too few to say much."""
        return self.exposed.few or self.control.few


@dataclass(frozen=True, slots=True)
class TrialTold:
    """One side against another: an arm's name, "exposed" or "control" each."""

    one: str
    other: str
    lift: ComparedTold


@dataclass(frozen=True, slots=True)
class LiftTold:
    """What a hold-out and arms said; `syncd.worth.lifting.Lifted` as it is kept.

    Attributes:
        since, until: Orders from the first moment on and before the second count.
        unsent, related: Members who were left out on all sides.
        lift: The exposed, of all arms, against the control; None without a hold-out.
        trials: Each arm against the control, and each two arms.
        caveats: What a reader should know before believing it, a sentence each.
    """

    since: datetime
    until: datetime
    members: int
    unsent: int
    related: int
    lift: ComparedTold | None
    caveats: tuple[str, ...]
    trials: tuple[TrialTold, ...] = ()

    @property
    def sides(self) -> tuple[TrialTold, ...]:
        """All that was compared, the exposed against the control first."""
        whole = (TrialTold("exposed", "control", self.lift),) if self.lift else ()
        arms = (TrialTold(f"arm {each.one}", _side(each.other), each.lift) for each in self.trials)
        return (*whole, *arms)


def _side(name: str) -> str:
    return name if name == "control" else f"arm {name}"
