"""A whole world around one sync: shop, identity, ledger, membership, platform, all real.

Only three things are ours to bend: the clock's hands, what befalls requests, and where
the process dies. A death is an exception that nothing catches, raised around a chosen
commit of the ledger or a chosen push; `restart` then opens the same files anew. Or it is
a `copied` world, which finds its files just as they lay there at that moment.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Literal, cast

import pyarrow as pa

from connectors.memory import row_identifiers
from connectors.sandbox.state import AudienceState, Identifier
from syncd.demo.expect import expected_identifiers
from syncd.errors import SyncdError
from syncd.gate import Gates
from syncd.identity.digest import Policy, digest
from syncd.identity.erased import Watch
from syncd.identity.fingerprints import fingerprints
from syncd.identity.rules import rule_set
from syncd.ledger import directory
from syncd.ledger.migrate import migrate
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.membership.layers import Layering, open_generation
from syncd.membership.store import FileMembership
from syncd.model import (
    NO_OPTIONS,
    Account,
    Audience,
    AudienceOptions,
    Batch,
    BatchState,
    Guard,
    Operation,
    Receipt,
    SegmentQuery,
    Sync,
    Timing,
)
from syncd.ports import Cuts, Platform, Replaces, Upload
from syncd.retry import Patience
from syncd.runs.parts import Parts
from syncd.shop import DatabaseShop
from syncd.sync import Result, Wish, run
from tests.integration.deaths import Death, Died, MortalTransactions, Wire
from tests.integration.ledger_databases import KEY, Hands
from tests.integration.names import number, sent, states
from tests.integration.rule_versions import SHIPPED, Version
from tests.integration.through import Through
from tests.layerings import LAYERED

FREE = Guard(max_removed=1.0, min_members=0)
TIMING = Timing()
NAME = "Everyone"


class Forbidden(AssertionError):
    """A promise was broken while a run was under way."""


@dataclass
class Working(Hands):
    """A clock; while we sleep the platform works on some of what waits, in its own order."""

    work: Callable[[], None] = field(default=lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.work()


@dataclass(frozen=True)
class Pushed:
    """A request that was made, as it went out."""

    operation: Operation
    rows: tuple[frozenset[Identifier], ...]
    upload: str = ""
    last: bool = False


@dataclass(frozen=True)
class WatchedUpload:
    """A platform's upload; each push must have its intent in the ledger."""

    inner: Upload
    world: World

    @property
    def label(self) -> str:
        return self.inner.label

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        self.world.check_intent(batch, self.label)
        with self.world.wire.around("push"):
            rows = tuple(row_identifiers(batch.rows))
            self.world.sent.append(Pushed(batch.operation, rows, self.label, last))
            receipt = self.inner.push(batch, last=last)
            self.world.told.add(receipt.reference)
        return receipt


@dataclass(frozen=True)
class WatchedConnector(Through):
    """A platform's connector whose pushes are watched."""

    world: World

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        if self.world.takes_out:
            raise Forbidden("an audience is made for members to be taken out of it")
        return super().create(name, options)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> WatchedUpload:
        if self.world.takes_out and operation is not Operation.REMOVE:
            raise Forbidden("members are added to an audience that others fill")
        return WatchedUpload(self.inner.open(audience_id, operation, rows=rows), self.world)

    def replace(self, audience_id: str, *, rows: int) -> WatchedUpload:
        if self.world.takes_out:
            raise Forbidden("an audience that others fill is replaced")
        upload = cast("Replaces", self.inner).replace(audience_id, rows=rows)
        return WatchedUpload(upload, self.world)

    def replacing(self, audience_id: str) -> Literal["running", "done", "failed"]:
        return cast("Replaces", self.inner).replacing(audience_id)

    def cut(self, audience_id: str, before: datetime) -> Receipt:
        if not self.world.ledger.events(kind="audience_replace_begun"):
            raise Forbidden("an audience is cut and the audit does not say so")
        with self.world.wire.around("push"):
            return cast("Cuts", self.inner).cut(audience_id, before)

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        with self.world.wire.around("push"):
            self.world.forgotten.append(tuple(row_identifiers(rows)))
            return super().forget(rows)


class Unlocked:
    """What stands for the lock: one process here."""

    def tell(self, run: str) -> None:
        """Nobody waits for it."""

    def check(self) -> None:
        """Nothing was locked."""


@dataclass
class World:
    """One sync with everything around it; a test makes it by `world`.

    Attributes:
        source: The segment as a query of the shop.
        audience: What the platform holds, once its audience is there.
        sent: Every push that was made, in order.
        told: References that a receipt named.
        forgotten: Persons that the whole account was asked to forget, by request.
        foreign: Identifiers that others put into the audience.
    """

    folder: Path
    platform: Platform
    account: Account
    audience: Callable[[], AudienceState | None]
    shop: DatabaseShop
    shop_path: Path
    source: SegmentQuery
    guard: Guard = FREE
    version: Version = SHIPPED
    removes: bool = True
    takes_out: bool = False
    clock: Hands = field(default_factory=Hands)
    wire: Wire = field(default_factory=Wire)
    sent: list[Pushed] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    forgotten: list[tuple[frozenset[Identifier], ...]] = field(default_factory=list)
    foreign: frozenset[Identifier] = frozenset()
    layering: Layering = LAYERED
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        if not (self.folder / "ledger.db").exists():
            shutil.copy(_new_ledger(), self.folder / "ledger.db")
        self.membership = FileMembership(
            self.folder / "var", key=KEY.derive("files"), layering=self.layering
        )
        self.ledger = self._begin()

    # --- doing -----------------------------------------------------------------

    def sync(self, *, death: Death | None = None, wait: bool = False) -> Result:
        """One run; raises what it raises."""
        self.wire.death, self.wire.counts = death, Counter()
        try:
            return run(self.parts(), Wish("test", wait=wait))
        finally:
            self.wire.death = None

    def live(self, *, death: Death | None = None) -> Result | SyncdError | None:
        """One run, whatever becomes of it; None if the process died, and is there again."""
        try:
            return self.sync(death=death)
        except SyncdError as error:
            return error
        except Died:
            self.restart()
            return None

    def restart(self) -> None:
        """A new process on the same files, as `syncd.app.open_app` begins one."""
        self.ledger.close()
        self.ledger = self._begin()

    def close(self) -> None:
        self.ledger.close()
        self.shop.engine.dispose()

    def parts(self) -> Parts:
        rules, version = self.version.rules(rule_set(self.platform.rules)), self.version
        capabilities = self.platform.capabilities
        policy = Policy(rules, capabilities.kinds, "NL", capabilities.max_identifiers)
        gate = self.gates.of(self.platform.name, self.account.name)
        patience = Patience(self.clock, gate, "")
        return Parts(
            sync=self._sync(),
            ledger=self.ledger,
            directory=self.folder / "var",
            membership=self.membership,
            shop=self.shop,
            platform=self.platform,
            connect=lambda: WatchedConnector(
                patience.heed(self.platform, self.platform.connect(self.account, secrets.randbits)),
                self,
            ),
            rules_name=policy.version,
            query=lambda _: self.source,
            digest=lambda batch: version.digested(digest(batch, policy)),
            shape=policy.shape,
            fingerprints=partial(fingerprints, key=KEY.derive("fingerprint"), shape=policy.shape),
            clock=self.clock,
            names=lambda prefix: f"{prefix}{next(self.numbers):06}",
            known_syncs=frozenset({"all"}),
            lock=Unlocked(),
            patience=patience,
            watch=Watch(KEY.derive("tombstone"), "NL", prehashed=False),
        )

    # --- looking ---------------------------------------------------------------

    @property
    def identifiers(self) -> frozenset[Identifier]:
        found = self.audience()
        return found.identifiers if found else frozenset()

    @property
    def persons(self) -> frozenset[Identifier]:
        return frozenset().union(*self.audience_persons())

    def audience_persons(self) -> frozenset[frozenset[Identifier]]:
        """The persons that the platform holds, each with its identifiers."""
        found = self.audience()
        return found.persons if found else frozenset()

    @property
    def at(self) -> tuple[str, str, str]:
        found = self.ledger.audience_of("all")
        return (found.platform, found.account, found.id) if found else ("", "", "")

    def expected(self) -> frozenset[Identifier]:
        """What the platform should hold, from the shop's raw values by a path of its own."""
        return self.version.identifiers(self.expected_as_shipped())

    def expected_as_shipped(self) -> frozenset[Identifier]:
        """The same by the shipped version of the rules."""
        google = self.platform.rules == "google"
        return expected_identifiers(
            self.shop_path,
            self.source.sql,
            self.source.parameters,
            platform="google" if google else "meta",
            default_country="NL",
        )

    def possible(self) -> frozenset[Identifier]:
        """What the ledger says may be on the platform: membership, and plans on their way."""
        found: set[Identifier] = set()
        if (generation := self.ledger.generation(*self.at)) is not None:
            with open_generation(self.folder / "var", generation, key=KEY.derive("files")) as file:
                known, rows = states(file), sent(file)
            found |= {one for row in rows for one in row if number(one) in known}
        for batch in self.ledger.unfolded(*self.at):
            plan = self.ledger.plan(batch.plan)
            if plan is not None and batch.phase.operation is Operation.ADD:
                with self.membership.open(plan) as rows_of:
                    found |= frozenset().union(*row_identifiers(rows_of.of(batch)))
        return frozenset(found)

    def check_intent(self, batch: Batch, label: str) -> None:
        """No push without a committed intent, and no receipt before its push."""
        attempts = self.ledger.attempts(batch.id)
        if not attempts or attempts[-1].ended_at is not None or attempts[-1].label != label:
            raise Forbidden(f"batch {batch.id} is pushed without an intent in the ledger")
        records = self.ledger.batches(batch.id.rpartition(".")[0])
        state = next(one.state for one in records if one.id == batch.id)
        if state is not BatchState.SENDING:
            raise Forbidden(f"batch {batch.id} is pushed while the ledger says {state.value}")

    def check(self) -> None:
        """What must hold at every moment: promise 1."""
        lost = self.identifiers - self.possible() - self.foreign
        assert not lost, f"{len(lost)} identifiers are on the platform and not in our membership"

    def check_equal(self) -> None:
        """The platform holds what it should, in both views, and the ledger is at rest."""
        expected = self.expected()
        assert self.identifiers == expected
        assert self.persons == expected
        assert self.ledger.unfinished(*self.at) == ()
        assert self.ledger.verify().ok

    def check_nobody_missed(self) -> None:
        """The platform holds at least what it should, in both views."""
        expected = self.expected()
        assert expected <= self.identifiers
        assert expected <= self.persons
        assert self.ledger.unfinished(*self.at) == ()

    def check_quiet(self) -> None:
        before = len(self.sent)
        self.sync()
        assert self.sent[before:] == [], "a run with nothing changed sent something"

    def _begin(self) -> Ledger:
        (self.folder / "var").mkdir(mode=0o700, exist_ok=True)
        ledger = self._open()
        self.gates = Gates(ledger.accounts)
        directory.check(ledger, self.folder / "var")
        self.membership.sweep(ledger.named_files)
        return ledger

    def _open(self) -> Ledger:
        url = f"sqlite:///{self.folder / 'ledger.db'}"
        real = open_ledger(url, password=None, key=KEY, clock=self.clock)
        tx = MortalTransactions(real._tx.engine, real._tx.audit_key, self.wire)
        return Ledger(tx, real.ledger_id, self.clock)

    def _sync(self) -> Sync:
        return Sync(
            name="all",
            segment="everyone",
            platform=self.platform.name,
            account=self.account.name,
            audience_name=NAME,
            audience_id=None,
            removes=self.removes and not self.takes_out,
            takes_out=self.takes_out,
            consent="not_denied",
            guard=self.guard,
            timing=TIMING,
            max_unusable=1.0,
            configuration="test",
        )


@cache
def _new_ledger() -> Path:
    """A ledger at head to copy: migrating one takes half a second."""
    path = Path(tempfile.mkdtemp(prefix="syncd-ledger-")) / "ledger.db"
    migrate(f"sqlite:///{path}", password=None, key=KEY)
    return path
