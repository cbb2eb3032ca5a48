"""What a run works with, put together once by `syncd.app`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from syncd.ledger.store import Ledger
from syncd.model import AuditEvent, ConsentRule, SegmentQuery, Sync
from syncd.plan import consent_rule
from syncd.ports import Clock, Connector, Membership, Platform, Shop
from syncd.retry import Patience
from syncd.runs.shared import Shared

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.identity.digest import Digested
    from syncd.identity.erased import Watch
    from syncd.identity.fingerprints import Fingerprints

Progress = Callable[[str, int, int], None]


def silent(_what: str, _done: int, _total: int) -> None:
    """Show no progress."""


def nobody(keys: pa.Array) -> pa.Array:
    """Hold out none of them."""
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it

    return pa.repeat(pa.scalar(value=False), len(keys))


class Fingerprinting(Protocol):
    """See `syncd.identity.fingerprints.fingerprints`."""

    def __call__(self, batch: pa.RecordBatch, *, said: Sequence[str]) -> Fingerprints:
        """Fingerprint a batch's rows."""
        ...


class Guarded(Protocol):
    """The lock that makes this process the only one that pushes."""

    def tell(self, run: str) -> None:
        """Let whoever comes second know which run is under way."""
        ...

    def check(self) -> None:
        """Raise `syncd.errors.Busy` if it is lost."""
        ...


@dataclass(frozen=True, slots=True)
class Unlocked:
    """What stands for the lock where nothing is pushed."""

    def tell(self, run: str) -> None:
        """Nobody waits for it."""

    def check(self) -> None:
        """Nothing was locked."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One sync and everything its runs touch.

    Attributes:
        directory: The ledger's directory, of membership and plan files.
        connect: Opens the platform's connector; called when a request is due.
        query: The segment as of a moment.
        rules_name: All that decides a digest, as snapshots, plans and generations carry it:
            rule set, version, default country, whether the shop hashes itself.
        digest: Raw columns of the shop to digested columns.
        shape: All that decides what they are digested to, `identity.digest.Policy.shape`.
        fingerprints: Raw columns to what tells whether a row is as it was.
        names: Makes a new id from a prefix; sorts by time.
        known_syncs: All configured syncs.
        lock: Checked before each batch.
        patience: Makes the requests to the platform, and tries again.
        watch: Recognises who was erased among what the shop returns.
        control: Which of some customer keys the segment holds out, as a boolean column.
        elsewhere: Likewise which are in another arm of it.
        progress: Told (what, rows done, rows in all).
        shared: The runs beside which this one was asked for.
    """

    sync: Sync
    ledger: Ledger
    directory: Path
    membership: Membership
    shop: Shop
    platform: Platform
    connect: Callable[[], Connector] = field(repr=False)
    rules_name: str
    query: Callable[[datetime], SegmentQuery]
    digest: Callable[[pa.RecordBatch], Digested]
    shape: str
    fingerprints: Fingerprinting
    clock: Clock
    names: Callable[[str], str]
    known_syncs: frozenset[str]
    lock: Guarded
    patience: Patience
    watch: Watch
    control: Callable[[pa.Array], pa.Array] = nobody
    elsewhere: Callable[[pa.Array], pa.Array] = nobody
    progress: Progress = silent
    shared: Shared = field(default_factory=Shared)

    @property
    def consent(self) -> ConsentRule:
        """Whom the sync may send, by consent; to be taken out needs nobody's."""
        if self.sync.takes_out:
            return ConsentRule(granted_only=False, granted_in_region=False, asked=False)
        return consent_rule(self.platform.capabilities, self.sync.consent)

    def event(
        self,
        kind: str,
        detail: str,
        *,
        actor: str,
        audience: str = "",
        run: str = "",
        plan: str = "",
        counts: Mapping[str, int] | None = None,
    ) -> AuditEvent:
        """An audit event of this sync, now."""
        return AuditEvent(
            kind=kind,
            at=self.clock.now(),
            actor=actor,
            detail=detail,
            sync=self.sync.name,
            audience=audience,
            run=run,
            plan=plan,
            counts=counts or {},
        )
