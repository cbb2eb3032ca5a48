"""How many people a platform says are in an audience."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
    """

    at: datetime
    run: str
    members: int
    least: int | None
    most: int | None
    status: str = ""
    warning: str = ""
    foreign: bool = False

    @property
    def match_rate(self) -> tuple[float, float] | None:
        """The share of members that the platform matched, from and to; an estimate.

        None where it states no size, and where others may be counted in it.
        """
        if self.least is None or self.most is None or not self.members or self.foreign:
            return None
        return self.least / self.members, self.most / self.members
