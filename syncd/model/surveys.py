"""What the shop says of the segments in use at one moment: counts and sums, no member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

UNIT = 10_000  # revenue is in ten-thousandths of the shop's base currency


@dataclass(frozen=True, slots=True)
class Counted:
    """A segment as it was counted.

    Attributes:
        members: Its rows; None where it could not be counted.
        buyers: Those with revenue in the survey's time; None where nobody's is known.
        revenue: Theirs, in ten-thousandths, net of refunds; likewise.
        trouble: Why it could not be counted; "" where it was.
    """

    segment: str
    members: int | None = None
    buyers: int | None = None
    revenue: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """How many customers are in two segments, in the order of the survey."""

    one: str
    other: str
    both: int


@dataclass(frozen=True, slots=True)
class LiftFound:
    """What came of comparing a segment's exposed members with its control.

    Attributes:
        figures: A `syncd.worth.lifting.Lifted` as JSON; "" where there is none.
        trouble: Why there is none; "" where there is one.
    """

    segment: str
    figures: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """The shop's word on every segment of a configuration.

    Attributes:
        at: The moment that it is for.
        ended_at: When the last answer had come.
        since: Revenue counts from then until `at`.
        customers: Everybody in the shop; None where the shop could not say.
        buyers: Customers with revenue in that time; likewise, and of `revenue`: theirs.
        trouble: Why the shop could not say; "" where it could.
        pairs: Each two segments that were counted, once.
        number: Of the ledger; 0 before it is kept.
    """

    at: datetime
    ended_at: datetime
    since: datetime
    customers: int | None
    buyers: int | None
    revenue: int | None
    trouble: str
    segments: tuple[Counted, ...]
    pairs: tuple[Together, ...]
    lifts: tuple[LiftFound, ...]
    number: int = 0

    @property
    def counted(self) -> tuple[Counted, ...]:
        """Segments that could be counted."""
        return tuple(each for each in self.segments if each.members is not None)
