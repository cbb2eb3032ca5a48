"""How many people a platform says are in an audience, and what share it matched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

_ALL = 100  # percent


@dataclass(frozen=True, slots=True)
class MatchRate:
    """The share of what it was sent that a platform could match to its people, as it states it.

    Attributes:
        least, most: Percent, from and to; the same where it states one number.

    Raises:
        ValueError: They are no such shares.
    """

    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most <= _ALL:
            raise ValueError(f"no match rate: {self.least} to {self.most} %")

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least} %"
        return f"{self.least} to {self.most} %" if self.least else f"less than {self.most} %"

    @classmethod
    def spanning(cls, rates: Iterable[MatchRate | None]) -> MatchRate | None:
        """The narrowest that holds all of these which are known; None if none is."""
        known = [rate for rate in rates if rate is not None]
        if not known:
            return None
        return cls(min(rate.least for rate in known), max(rate.most for rate in known))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a platform stated of an audience after a run.

    Attributes:
        run: After which it was asked.
        members: Who might be in the audience then, as far as we know.
        least, most: People as the platform counts them, from and to; the same where it states
            one number, None where it states none.
        status: The platform's codes for how the audience is; "" if it has none.
        warning: What a person should look at, in our words; "" if nothing.
        foreign: Whether the audience may hold others, whom its members do not count.
        matched: The match rate that the platform itself states of it; None if it states none.
    """

    at: datetime
    run: str
    members: int
    least: int | None
    most: int | None
    status: str = ""
    warning: str = ""
    foreign: bool = False
    matched: MatchRate | None = None

    @property
    def match_rate(self) -> tuple[float, float] | None:
        """The share of members that the platform counts, from and to; an estimate of ours.

        None where it states no size, and where others may be counted in it.
        """
        if self.least is None or self.most is None or not self.members or self.foreign:
            return None
        return self.least / self.members, self.most / self.members
