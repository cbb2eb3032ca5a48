"""A person's erasure: what the ledger keeps of it, and what becomes of it where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

from syncd.model.records import Generation, PlanId, Sizes

ErasureId = NewType("ErasureId", str)

GONE = "the audience is gone on the platform, and nobody is in it any more"


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person who was erased; says nothing of who that was.

    Attributes:
        closed_at: When nothing of the person was left to remove, confirm or purge.
        path: The encrypted file of digests to remove by, relative to the ledger's directory;
            "" once it is closed and the file is gone.
        checksum: The SHA-256 that tells that file from any other, hex.
    """

    id: ErasureId
    actor: str
    asked_at: datetime
    closed_at: datetime | None
    path: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of an erasure in one place.

    All times are of answers: a platform accepted the request. What it then does, and
    whom it matched, it does not tell.

    Attributes:
        audience: The platform's id; "" where the whole account was asked at once, which
            also reaches audiences that syncd does not manage.
        name: The audience's.
        sizes: Members and identifiers that were removed.
        shared: Identifiers that stay, since another member holds them.
        removed_at: None while nothing was, or while nothing is there to be.
        confirmed_at: When it was removed once more, after the settle window.
        purged_at: When our own membership held nothing of the person any more.
        requests: The platform's references.
        trouble: Why it is not done, in words; "" if nothing stands in the way. `GONE` where
            it is done because there is no such audience any more.
    """

    erasure: ErasureId
    platform: str
    account: str
    audience: str
    name: str
    sizes: Sizes = field(default_factory=Sizes)
    shared: int = 0
    removed_at: datetime | None = None
    confirmed_at: datetime | None = None
    purged_at: datetime | None = None
    requests: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def gone(self) -> bool:
        """Whether it is done because the platform deleted the audience."""
        return self.trouble == GONE


@dataclass(frozen=True, slots=True)
class Search:
    """A question to a membership: what does it hold of erased persons, and what is due?

    Attributes:
        plan: The plan to write, if anything is to be done.
        generation: What the audience holds; None where nothing was ever folded.
        platform: Which of the digests in the erasures' files are its.
        settled: Removals accepted by then have had their time to take effect.
        begun: Erasures of which a removal was accepted there. For any other one, what a run
            of a sync took out is to be removed anew: nobody confirms it.
        gone: The audience is no more: nothing is left to remove, only to forget.
    """

    plan: PlanId
    platform: str
    generation: Generation | None
    erasures: tuple[Erasure, ...]
    now: datetime
    settle: timedelta
    settled: datetime
    begun: frozenset[ErasureId] = frozenset()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a membership holds of one erased person, in identifiers.

    Attributes:
        leaving: Members and identifiers to remove now that were not removed before.
        leaving_ids: Identifiers to remove now for the first time by the erasure.
        confirmations: Those to remove once more now.
        waiting: Those removed whose second removal is not due yet.
        settling: Those removed twice, until that has settled.
        shared: Those that stay, since another member holds them.
        rows: Rows as sent that hold any of them.
    """

    leaving: Sizes
    leaving_ids: int
    confirmations: int
    waiting: int
    settling: int
    shared: int
    rows: int


@dataclass(frozen=True, slots=True)
class Searched:
    """The answer, by erasure; and the plan's file, if there is anything to do.

    Attributes:
        plan: As asked for.
        removals: Rows of phase REMOVE in the file.
        purges: Whether rows are to be dropped from the membership.
    """

    plan: PlanId
    found: Mapping[ErasureId, Found]
    path: str = ""
    checksum: str = ""
    removals: int = 0
    purges: bool = False

    @property
    def idle(self) -> bool:
        """Nothing is to be done now."""
        return not self.removals and not self.purges
