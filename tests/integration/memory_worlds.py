"""Worlds on the memory platforms: a shop of a few members, and a platform that can be told.

The platform works at once, or later and in any order; a world can be copied as it lies.
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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from connectors import memory
from connectors.memory import MemoryWorld
from connectors.sandbox.state import AudienceState
from syncd.errors import SyncdError
from syncd.model import Account, Guard, Operation, SegmentQuery
from syncd.ports import Platform
from syncd.shop import open_shop
from syncd.sync import Result
from tests.integration.deaths import Death
from tests.integration.worlds import FREE, NAME, Working, World

ACCOUNT = "memory-account"
NAMES = ("first_name", "last_name", "postcode")
COLUMNS = ("email", "email_2", "phone", "phone_2", "country", "ad_consent", *NAMES)
SQL = f"SELECT customer_key, {', '.join(COLUMNS)} FROM members ORDER BY customer_key"


@dataclass(frozen=True)
class Person:
    """A member in the shop's own spelling; `lives` is first name, last name, postcode."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    consent: str = "granted"
    lives: tuple[str, str, str] | None = None
    country: str = "NL"

    def cells(self) -> tuple[str | None, ...]:
        emails = (*self.emails, None, None)[:2]
        phones = (*self.phones, None, None)[:2]
        return (*emails, *phones, self.country, self.consent, *(self.lives or (None, None, None)))


@dataclass
class MemoryWorlds:
    """A world on a memory platform, and that platform's own world.

    Attributes:
        later: It answers first and works afterwards, in any order.
        outlived: A removal whose answer was lost went on waiting: it may land after its
            member's return, who is sent again once it cannot any more.
    """

    world: World
    remote: MemoryWorld
    later: bool
    outlived: bool = False

    def fill(self, members: Mapping[str, Person]) -> None:
        """Make the shop hold exactly these members."""
        fill_members(self.world.folder / "shop.db", members)

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
            left: So many of the last go on waiting.
        """
        pending = self.remote.pending
        keys = dict(zip(pending, itertools.chain(order, itertools.repeat(0)), strict=False))
        shuffled = sorted(pending, key=lambda one: keys[one])
        waits = set(shuffled[len(shuffled) - left :]) if left else set()
        self.outlived |= any(one not in self.world.told and self._removes(one) for one in waits)
        now = [one for one in shuffled if one not in waits]
        self.remote.process(now, fail={now[place] for place in fail if place < len(now)})

    def _removes(self, reference: str) -> bool:
        return self.remote._work[reference].operation is Operation.REMOVE

    def settle_down(self, members: Mapping[str, Person], *, migrating: bool = False) -> None:
        """Good runs until there is nothing to send and nothing under way.

        Where the platform works at once, one run must do.

        Args:
            members: What the shop holds.
            migrating: Rules changed less than the settle window ago: what they replaced
                may still be there, and nobody may be missing.
        """
        check = self.world.check_nobody_missed if migrating else self.world.check_equal
        if self.outlived:
            self.process()
            self.run(members)
            self.world.clock.pass_by(hours=49)
        for _ in range(5 if self.later else 2):
            self.process()
            before = len(self.world.sent)
            found = self.run(members)
            assert isinstance(found, Result), found
            self.world.check()
            quiet = self.world.sent[before:] == []
            if quiet and not self.remote.pending:
                break
            if not self.later:
                check()
        check()
        assert quiet, "a run with nothing changed sent something"

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
                made.world.foreign = old.foreign
                made.remote.lingers = self.remote.lingers
                made.world.version = old.version
                made.world.takes_out = old.takes_out
                made.world.numbers = itertools.count(500_000)
                yield made

    def fingerprint(self) -> str:
        """Equal for two moments that leave the same files and the same platform."""
        sha = hashlib.sha256()
        for path in sorted(self.world.folder.rglob("*")):
            if path.is_file() and path.suffix != ".db-shm":
                sha.update(f"{path.name} {path.stat().st_size} ".encode() + path.read_bytes())
        people = sorted(map(sorted, self.world.audience_persons()))
        held = self.world.audience()
        sha.update(repr([sorted(self.world.identifiers), people, self.remote.pending]).encode())
        sha.update(repr(held and held.replacement).encode())
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
    clock = Working()
    remote.audiences.now = clock.now

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
        clock=clock,
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
    clock = remote.audiences.now
    return copy.deepcopy(remote, new | {id(clock): clock})


def make_members(path: Path) -> None:
    """A shop with an empty table of members, raw text in every column."""
    with closing(sqlite3.connect(path)) as shop, shop:
        columns = ", ".join(f"{name} TEXT" for name in COLUMNS)
        shop.execute(f"CREATE TABLE members (customer_key TEXT PRIMARY KEY, {columns})")


def fill_members(path: Path, members: Mapping[str, Person]) -> None:
    """Make a shop hold exactly these members."""
    with closing(sqlite3.connect(path)) as shop, shop:
        shop.execute("DELETE FROM members")
        shop.executemany(
            f"INSERT INTO members VALUES (?, {', '.join('?' * len(COLUMNS))})",
            [(key, *person.cells()) for key, person in members.items()],
        )
