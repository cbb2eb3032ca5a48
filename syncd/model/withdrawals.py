"""Consent denied by members of a snapshot, in an audience that no sync fills any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.model.members import Snapshot
from syncd.model.records import Generation, Guard, PlanId


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A question to a membership: what does it hold of those who deny consent now?

    Attributes:
        plan: The plan to write, if anything is to be done.
        snapshot: Digested by the rules of `generation`.
        guard: What may go at once, as for a sync's own withdrawals.
    """

    plan: PlanId
    snapshot: Snapshot
    generation: Generation
    guard: Guard
    now: datetime
    settle: timedelta


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The answer; and the plan's file, if there is anything to do.

    Attributes:
        plan: As asked for.
        members: Who goes, as the membership counts members.
        identifiers: To remove now for the first time.
        confirmations: Identifiers to remove once more now.
        held: Why withdrawals wait; empty if they do not.
        removals: Rows of phase REMOVE in the file.
    """

    plan: PlanId
    members: int
    identifiers: int
    confirmations: int
    held: tuple[str, ...]
    path: str = ""
    checksum: str = ""
    removals: int = 0
