"""A whole world around one sync: shop, identity, ledger, membership, platform, all real.

Only three things are ours to bend: the clock's hands, what befalls requests, and where
the process dies. A death is an exception that nothing catches, raised around a chosen
commit of the ledger or a chosen push; `restart` then opens the same files anew. Or it is
a `copied` world, which finds its files just as they lay there at that moment.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import secrets
import shutil
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from connectors import memory
from connectors.memory import MemoryWorld, row_identifiers
from connectors.sandbox.state import AudienceState, Identifier
from syncd.demo.expect import expected_identifiers
from syncd.errors import SyncdError
from syncd.identity.digest import Policy, digest
from syncd.identity.rules import rule_set
from syncd.ledger import directory
from syncd.ledger.migrate import migrate
from syncd.ledger.store import Ledger, open_ledger
from syncd.ledger.transactions import Transactions
from syncd.membership import FileMembership
from syncd.membership.blocks import BlockReader
from syncd.model import (
    Account,
    Audience,
    Batch,
    BatchState,
    Guard,
    Operation,
    Outcome,
    Receipt,
    SegmentQuery,
    Sync,
    Timing,
)
from syncd.parts import Parts
from syncd.ports import Connector, Platform, Upload
from syncd.shop import DatabaseShop, open_shop
from syncd.sync import Result, Wish, run
from tests.integration.ledger_databases import KEY, Hands

FREE = Guard(max_removed=1.0, min_members=0)
TIMING = Timing()
NAME = "Everyone"
ACCOUNT = "memory-account"
COLUMNS = ("email", "email_2", "phone", "phone_2", "country", "ad_consent")
SQL = f"SELECT customer_key, {', '.join(COLUMNS)} FROM members ORDER BY customer_key"
_KINDS = {"email": 1, "phone": 2}

When = Literal["before", "after"]


class Died(BaseException):
    """The process ended here; nothing in syncd may catch it."""


class Forbidden(AssertionError):
    """A promise was broken while a run was under way."""


@dataclass(frozen=True)
class Person:
    """A member in the shop's own spelling."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    consent: str = "granted"

    def cells(self) -> tuple[str | None, ...]:
        emails = (*self.emails, None, None)[:2]
        phones = (*self.phones, None, None)[:2]
        return (*emails, *phones, "NL", self.consent)


@dataclass(frozen=True)
class Death:
    """Where the process dies: around the Nth commit or push of a run, from 1."""

    what: Literal["commit", "push"]
    number: int
    when: When


@dataclass
class Wire:
    """Counts commits and pushes of a run, and kills its process at one of them.

    Attributes:
        passing: Called at every point that is passed alive.
    """

    death: Death | None = None
    passing: Callable[[Death], None] | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def around(self, what: Literal["commit", "push"]) -> Iterator[None]:
        self.counts[what] += 1
        number = self.counts[what]
        self._at(Death(what, number, "before"))
        yield
        self._at(Death(what, number, "after"))

    def _at(self, point: Death) -> None:
        if self.death == point:
            raise Died
        if self.passing is not None:
            self.passing(point)


@dataclass(frozen=True)
class MortalTransactions(Transactions):
    """The ledger's own transactions, around which a process may die."""

    wire: Wire = field(default_factory=Wire)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.wire.around("commit"), Transactions.write(self) as tx:
            yield tx


@dataclass(frozen=True)
class Pushed:
    """A request that was made, as it went out."""

    operation: Operation
    rows: tuple[frozenset[Identifier], ...]


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
            self.world.sent.append(Pushed(batch.operation, tuple(row_identifiers(batch.rows))))
            receipt = self.inner.push(batch, last=last)
            self.world.told.add(receipt.reference)
        return receipt


@dataclass(frozen=True)
class WatchedConnector:
    """A platform's connector whose pushes are watched."""

    inner: Connector
    world: World

    def find(self, name: str) -> tuple[Audience, ...]:
        return self.inner.find(name)

    def read(self, audience_id: str) -> Audience:
        return self.inner.read(audience_id)

    def create(self, name: str) -> Audience:
        return self.inner.create(name)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> WatchedUpload:
        return WatchedUpload(self.inner.open(audience_id, operation, rows=rows), self.world)

    def outcome(self, reference: str) -> Outcome:
        return self.inner.outcome(reference)


class Unlocked:
    """What stands for the lock: one process here."""

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
    """

    folder: Path
    platform: Platform
    account: Account
    audience: Callable[[], AudienceState | None]
    shop: DatabaseShop
    shop_path: Path
    source: SegmentQuery
    guard: Guard = FREE
    clock: Hands = field(default_factory=Hands)
    wire: Wire = field(default_factory=Wire)
    sent: list[Pushed] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        if not (self.folder / "ledger.db").exists():
            shutil.copy(_new_ledger(), self.folder / "ledger.db")
        self.membership = FileMembership(self.folder / "var", key=KEY.derive("files"))
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
        rules = rule_set(self.platform.rules)
        capabilities = self.platform.capabilities
        policy = Policy(rules, capabilities.kinds, "NL", capabilities.max_identifiers)
        return Parts(
            sync=self._sync(),
            ledger=self.ledger,
            directory=self.folder / "var",
            membership=self.membership,
            shop=self.shop,
            platform=self.platform,
            connect=lambda: WatchedConnector(
                self.platform.connect(self.account, secrets.randbits), self
            ),
            rules=rules,
            query=lambda _: self.source,
            digest=partial(digest, policy=policy),
            clock=self.clock,
            names=lambda prefix: f"{prefix}{next(self.numbers):06}",
            known_syncs=frozenset({"all"}),
            lock=Unlocked(),
        )

    # --- looking ---------------------------------------------------------------

    @property
    def identifiers(self) -> frozenset[Identifier]:
        found = self.audience()
        return found.identifiers if found else frozenset()

    @property
    def persons(self) -> frozenset[Identifier]:
        """Every identifier of every person that the platform holds."""
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
            with self._file(generation.path, generation.checksum) as file:
                known = {(row["high"] << 64) | row["low"] for row in _rows(file, "identifiers")}
                rows = [named(row) for row in _rows(file, "rows")]
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
        lost = self.identifiers - self.possible()
        assert not lost, f"{len(lost)} identifiers are on the platform and not in our membership"

    def check_equal(self) -> None:
        """The platform holds what it should, in both views, and the ledger is at rest."""
        expected = self.expected()
        assert self.identifiers == expected
        assert self.persons == expected
        assert self.ledger.unfinished(*self.at) == ()
        assert self.ledger.verify().ok

    def check_quiet(self) -> None:
        """A further run sends nothing."""
        before = len(self.sent)
        self.sync()
        assert self.sent[before:] == [], "a run with nothing changed sent something"

    def _file(self, path: str, checksum: str) -> AbstractContextManager[BlockReader]:
        return BlockReader(self.folder / "var" / path, key=KEY.derive("files"), checksum=checksum)

    def _begin(self) -> Ledger:
        (self.folder / "var").mkdir(mode=0o700, exist_ok=True)
        ledger = self._open()
        directory.check(ledger, self.folder / "var")
        self.membership.sweep(ledger.named_files())
        return ledger

    def _open(self) -> Ledger:
        url = f"sqlite:///{self.folder / 'ledger.db'}"
        real = open_ledger(url, password=None, key=KEY, clock=self.clock)
        mortal = MortalTransactions(real._tx.engine, real._tx.audit_key, self.wire)
        return Ledger(mortal, real.ledger_id, self.clock)

    def _sync(self) -> Sync:
        return Sync(
            name="all",
            segment="everyone",
            platform=self.platform.name,
            account=self.account.name,
            audience_name=NAME,
            audience_id=None,
            removes=True,
            consent="not_denied",
            guard=self.guard,
            timing=TIMING,
            max_unusable=1.0,
            configuration="test",
        )


@dataclass
class MemoryWorlds:
    """A world on a memory platform, and that platform's own world.

    Attributes:
        later: It answers first and works afterwards, in any order.
    """

    world: World
    remote: MemoryWorld
    later: bool

    def fill(self, members: Mapping[str, Person]) -> None:
        """Make the shop hold exactly these members."""
        with closing(sqlite3.connect(self.world.folder / "shop.db")) as shop, shop:
            shop.execute("DELETE FROM members")
            shop.executemany(
                f"INSERT INTO members VALUES (?, {', '.join('?' * len(COLUMNS))})",
                [(key, *person.cells()) for key, person in members.items()],
            )

    def run(
        self,
        members: Mapping[str, Person],
        script: Sequence[memory.Step] = (),
        *,
        death: Death | None = None,
    ) -> Result | SyncdError | None:
        """One run on these members; what is left of the script befalls nobody."""
        self.fill(members)
        self.remote._steps.clear()
        self.remote.script(script)
        found = self.world.live(death=death)
        self.remote._steps.clear()
        return found

    def process(
        self, order: Sequence[int] = (), *, fail: Collection[int] = (), left: int = 0
    ) -> None:
        """Let what was accepted take effect.

        Args:
            order: Shuffles it.
            fail: Places in that order that fail instead.
            left: So many of the last go on waiting. No removal does whose answer was lost:
                syncd does not repair one that outlives its member's return.
        """
        pending = self.remote.pending
        keys = dict(zip(pending, itertools.chain(order, itertools.repeat(0)), strict=False))
        shuffled = sorted(pending, key=lambda one: keys[one])
        lost = {one for one in pending if one not in self.world.told and self._removes(one)}
        may_wait = [one for one in shuffled if one not in lost]
        waits = set(may_wait[len(may_wait) - left :]) if left else set()
        now = [one for one in shuffled if one not in waits]
        self.remote.process(now, fail={now[place] for place in fail if place < len(now)})

    def _removes(self, reference: str) -> bool:
        return self.remote._work[reference].operation is Operation.REMOVE

    def settle_down(self, members: Mapping[str, Person]) -> None:
        """Good runs until there is nothing to send and nothing under way.

        Where the platform works at once, one run must do.
        """
        for _ in range(4):
            self.process()
            before = len(self.world.sent)
            found = self.run(members)
            assert isinstance(found, Result), found
            self.world.check()
            if not self.later:
                self.world.check_equal()
                break
            if self.world.sent[before:] == [] and not self.remote.pending:
                break
        self.world.check_equal()
        self.world.check_quiet()

    @contextmanager
    def copied(self) -> Iterator[MemoryWorlds]:
        """The same world once more, as a new process finds it at this moment."""
        name = f"{ACCOUNT}-{secrets.token_hex(8)}"
        memory._WORLDS[name] = _copy(self.remote)
        old = self.world
        with tempfile.TemporaryDirectory(prefix="syncd-") as parent:
            folder = shutil.copytree(old.folder, Path(parent) / "copy")
            with _around(folder, name, later=self.later, like=old.platform) as made:
                made.world.clock.at, made.world.told = old.clock.at, set(old.told)
                made.world.numbers = itertools.count(500_000)
                yield made

    def fingerprint(self) -> str:
        """Equal for two moments that leave the same files and the same platform."""
        sha = hashlib.sha256()
        for path in sorted(self.world.folder.rglob("*")):
            if path.is_file() and path.suffix != ".db-shm":
                sha.update(f"{path.name} {path.stat().st_size} ".encode() + path.read_bytes())
        people = sorted(map(sorted, self.world.audience_persons()))
        sha.update(repr([sorted(self.world.identifiers), people, self.remote.pending]).encode())
        return sha.hexdigest()


@contextmanager
def memory_world(
    *, later: bool, batch_rows: int = 2, guard: Guard = FREE
) -> Iterator[MemoryWorlds]:
    """A world on `memory` or `memory_later`, with batches of few rows."""
    platform = memory.LATER if later else memory.PLATFORM
    platform = replace(platform, capabilities=replace(platform.capabilities, max_rows=batch_rows))
    name = f"{ACCOUNT}-{secrets.token_hex(8)}"
    with tempfile.TemporaryDirectory(prefix="syncd-") as folder:
        make_members(Path(folder) / "shop.db")
        with _around(Path(folder), name, later=later, like=platform) as made:
            made.world.guard = guard
            yield made


@contextmanager
def _around(folder: Path, name: str, *, later: bool, like: Platform) -> Iterator[MemoryWorlds]:
    remote = memory.world(name)

    def audience() -> AudienceState | None:
        return next(iter(remote.audiences.named(ACCOUNT, NAME)), None)

    made = World(
        folder,
        like,
        Account(ACCOUNT, like.name, {"world": name}),
        audience,
        open_shop(f"sqlite:///{folder}/shop.db", None, timezone="Europe/Amsterdam"),
        folder / "shop.db",
        SegmentQuery("everyone", SQL, {}, "test"),
    )
    try:
        yield MemoryWorlds(made, remote, later)
    finally:
        made.close()
        memory._WORLDS.pop(name)


def _copy(remote: MemoryWorld) -> MemoryWorld:
    """A deep copy; locks and counters, which cannot be copied, are made new."""
    holders: list[object] = [remote, remote.audiences, *remote.audiences.audiences()]
    new: dict[int, object] = {}
    for holder in holders:
        for value in vars(holder).values():
            if isinstance(value, itertools.count):
                new[id(value)] = itertools.count(1000)
            elif isinstance(value, type(threading.Lock())):
                new[id(value)] = threading.Lock()
    return copy.deepcopy(remote, new)


def make_members(path: Path) -> None:
    """A shop with an empty table of members, raw text in every column."""
    with closing(sqlite3.connect(path)) as shop, shop:
        columns = ", ".join(f"{name} TEXT" for name in COLUMNS)
        shop.execute(f"CREATE TABLE members (customer_key TEXT PRIMARY KEY, {columns})")


@cache
def _new_ledger() -> Path:
    """A ledger at head to copy: migrating one takes half a second."""
    path = Path(tempfile.mkdtemp(prefix="syncd-ledger-")) / "ledger.db"
    migrate(f"sqlite:///{path}", password=None, key=KEY)
    return path


def _rows(file: BlockReader, section: str) -> Iterator[Mapping[str, int]]:
    for batch in file.batches(section):
        yield from batch.to_pylist()


def named(row: Mapping[str, object]) -> frozenset[Identifier]:
    """The e-mails and phones of a row."""
    kinds = [(name.partition("_")[0], value) for name, value in row.items()]
    return frozenset(
        (kind, value.hex()) for kind, value in kinds if kind in _KINDS and isinstance(value, bytes)
    )


def number(identifier: Identifier) -> int:
    """The membership's 128-bit name of an identifier, made by another library."""
    kind, text = identifier
    plain = bytes([_KINDS[kind]]) + bytes.fromhex(text)
    return int.from_bytes(hashlib.md5(plain, usedforsecurity=False).digest(), "little")
