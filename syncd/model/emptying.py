"""Emptying an audience for good: what is asked of its membership, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.model.records import Generation, PlanId, Sizes


@dataclass(frozen=True, slots=True)
class Emptying:
    """A question to a membership: what may still be there, and what is due of it?

    Attributes:
        plan: The plan to write, if anything is to be done.
        generation: What the audience holds.
        gone: The audience is no more: nobody is in it, and all of it is to be forgotten.
    """

    plan: PlanId
    generation: Generation
    now: datetime
    settle: timedelta
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Emptied:
    """The answer, in identifiers; and the plan's file, if there is anything to do.

    Attributes:
        plan: As asked for.
        leaving: Members and identifiers to remove now that were not removed before.
        leaving_ids: Those identifiers, and those that a platform refused by name.
        confirmations: Identifiers to remove once more now.
        left: All that may be there, until its removal has settled.
        last_removed_at: When the last accepted removal was; None without one.
        removals: Rows of phase REMOVE in the file.
    """

    plan: PlanId
    leaving: Sizes
    leaving_ids: int
    confirmations: int
    left: int
    last_removed_at: datetime | None
    path: str = ""
    checksum: str = ""
    removals: int = 0
