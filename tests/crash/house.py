"""Two syncs of one segment in one ledger: one platform answers now, the other works later.

Shop, identity, ledger, files, membership and outbox are the product's own; platforms are
the reference connector. Ours are the clock, what befalls requests, where the process dies,
and how a read of the shop ends.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Literal
from unittest.mock import patch

from connectors import memory
from connectors.sandbox.state import AudienceState, Identifier
from syncd import sync
from syncd.errors import SyncdError
from syncd.gate import Gates
from syncd.identity.erased import Person as Given
from syncd.leaving import erasure
from syncd.leaving.erasure import Desk, ErasingAccount
from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.membership.store import FileMembership
from syncd.model import (
    Account,
    Erasure,
    Guard,
    Plan,
    SegmentQuery,
)
from syncd.runs import outbox
from syncd.runs.parts import Parts
from syncd.shop import open_shop
from syncd.sync import Result, Wish
from tests.crash.book import APPROVED, Book, Reading
from tests.crash.people import identifiers_of, mail_of
from tests.crash.sides import NAMES, Name, Side
from tests.crash.traffic import Traffic
from tests.integration import erasures
from tests.integration.deaths import Death, Died, MortalTransactions, Wire
from tests.integration.flights import chosen
from tests.integration.ledger_databases import KEY, Hands
from tests.integration.memory_worlds import COLUMNS, Person, fill_members, make_members
from tests.integration.worlds import TIMING, _new_ledger
from tests.layerings import IN_TURN

# How a read of the shop goes.
View = Literal["whole", "torn", "empty", "without phones"]
MAX_ROWS = 3  # a request
FEWER_ROWS = 2  # where several are to be under way
ROWS_OF_A_READ = 2  # fetched at once where the shop is to die in the middle of a read
# Files that need no disk: thousands of runs wait for none of their many syncs.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  # a new folder in it

_NO_PHONES = tuple(name for name in COLUMNS if not name.startswith("phone"))
# SQLite works it out row by row and fails at the first one: the read has begun by then.
_DIES = "abs(CASE WHEN customer_key >= :dies THEN -9223372036854775807 - 1 ELSE 1 END) > 0"


@dataclass
class Tide(Hands):
    """A clock. While a run waits for a platform, that platform works."""

    meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if seconds >= TIMING.poll.total_seconds():
            self.meanwhile()


@dataclass(frozen=True)
class Gone:
    """A customer who was to be erased.

    Attributes:
        there: The sides that held them then.
        leaving: Those of them that had accepted their removal before: it may have settled, and
            nobody is there any more, by the time the erasure comes round.
        before: What each side had been told of by then: removals of their addresses.
    """

    asked: Erasure
    key: str
    mail: frozenset[Identifier]
    there: frozenset[Name]
    leaving: frozenset[Name]
    before: Mapping[tuple[Name, Identifier], tuple[datetime, ...]]


class House:
    """The shop, the ledger, and both sides.

    Attributes:
        members: What the shop holds, by key.
        view: How the next read of the shop goes.
        full: Whether the run that reads is a full one.
        reads: Every read that was begun, by its snapshot.
        history: Every identifier that a customer ever had, by key.
        erased: Whoever was asked to be erased.
        traffic: Requests under way.
        orphans: Batches that a process left behind when it died, sent or not.
    """

    def __init__(self, guard: Guard) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="syncd-house-", dir=_MEMORY))
        make_members(self.folder / "shop.db")
        shutil.copy(_new_ledger(), self.folder / "ledger.db")
        (self.folder / "var").mkdir(mode=0o700)
        self.clock, self.wire = Tide(), Wire()
        self.traffic = Traffic([], [], wire=self.wire)
        self._flights = patch.object(outbox, "Flight", chosen(self.traffic))
        self._flights.start()
        self.orphans: set[str] = set()
        self.clock.meanwhile = lambda: self.side("later").work()
        self.members: dict[str, Person] = {}
        self.view: View = "whole"
        self.full = False
        self.reads: dict[str, Reading] = {}
        self.history: dict[str, set[Identifier]] = {}
        self.erased: list[Gone] = []
        self._numbers = itertools.count(1)
        self._guard = guard
        self._begin()
        self.sides: dict[Name, Side] = {name: self._side(name) for name in NAMES}

    def side(self, name: Name) -> Side:
        return self.sides[name]

    def takes(self, in_flight: int, *, order: int) -> None:
        """Both platforms take so many requests at once, of fewer rows where they are several.

        Args:
            order: Draws the one in which they are answered.
        """
        self.traffic.random = Random(order)
        rows = MAX_ROWS if in_flight == 1 else FEWER_ROWS
        for side in self.sides.values():
            capabilities = side.platform.capabilities
            capabilities = replace(capabilities, in_flight=in_flight, max_rows=rows)
            side.platform = replace(side.platform, capabilities=capabilities)

    def close(self) -> None:
        self._flights.stop()
        for side in self.sides.values():
            side.shop.engine.dispose()
            memory._WORLDS.pop(side.account.name)
        self.ledger.close()
        shutil.rmtree(self.folder)

    # --- doing -----------------------------------------------------------------

    def run(self, name: Name, wish: Wish, *, view: View = "whole") -> Result:
        """One run; raises what it raises."""
        self.view, self.full = view, wish.full
        self._fill()
        side = self.side(name)
        shop = replace(side.shop, batch_rows=ROWS_OF_A_READ) if view == "torn" else side.shop
        result = sync.run(replace(side.parts(), shop=shop), wish)
        side.book.sample(self.reads[result.plan.snapshot], self.clock.now())
        return result

    def show(self, name: Name) -> Plan:
        self.view, self.full = "whole", False
        self._fill()
        plan, _ = sync.show(self.side(name).parts(), actor="test")
        return plan

    def approve(self, name: Name, plan: Plan) -> None:
        """As `syncd approve` does it; its run follows."""
        now = self.clock.now()
        book = self.side(name).book
        book.approve(self.reads[plan.snapshot], now)
        self.ledger.approve(plan.id, "test", event=None, expires_at=now + APPROVED)

    def erase(self, key: str) -> None:
        """Keep that a customer is to be erased."""
        person = self.members[key]
        mail, sides = mail_of(person), self.sides.values()
        there = {one.name for one in sides if one.identifiers & mail}
        leaving = {one.name for one in sides if mail <= one.book.removed.keys()}
        told = {
            (one.name, each): tuple(one.book.removals.get(each, ()))
            for one in sides
            for each in mail
        }
        asked = erasure.ask(self.desk(), Given(person.emails), actor="test")
        for side in sides:
            side.book.mail |= mail
        gone = Gone(asked, key, mail, frozenset(there), frozenset(leaving), told)
        self.erased.append(gone)

    def carry_on(self) -> None:
        for error in erasure.carry_on(self.desk(), actor="test"):
            raise error

    def live(self, act: Callable[[], object], *, death: Death | None = None) -> object:
        """Do something whatever becomes of it; None if the process died, and is there again."""
        self.wire.death = death
        self.wire.counts.clear()
        try:
            return act()
        except SyncdError as error:
            return error
        except Died:
            self.restart()
            return None
        finally:
            self.wire.death = None

    def restart(self) -> None:
        """A new process on the same files."""
        self.ledger.close()
        self.traffic.died()
        self._begin()
        for side in self.sides.values():
            side.ledger, side.gates = self.ledger, self.gates
            unfinished = {one.id for one in self.ledger.unfinished(*side.at)}
            side.book.died(unfinished)
            self.orphans |= unfinished

    def write(self, key: str, person: Person) -> None:
        """The shop holds this customer from now on."""
        self.members[key] = person
        self.history.setdefault(key, set()).update(identifiers_of(person))

    def pass_by(self, hours: float) -> None:
        """Time passes; what waited for as long as a platform may take lands."""
        self.clock.pass_by(hours=hours)
        for side in self.sides.values():
            side.work(overdue=True)

    # --- looking ---------------------------------------------------------------

    def wanted(self) -> Mapping[str, Person]:
        """Whom a platform should hold."""
        gone = frozenset().union(*(one.mail for one in self.erased))
        return {
            key: person
            for key, person in self.members.items()
            if person.consent != "denied" and not mail_of(person) & gone
        }

    def expected(self) -> frozenset[Identifier]:
        return frozenset().union(*map(identifiers_of, self.wanted().values()))

    def query(self) -> SegmentQuery:
        """The segment, as the next read sees it."""
        columns = _NO_PHONES if self.view == "without phones" else COLUMNS
        where, binds = "", dict[str, object]()
        if self.view == "torn":
            keys = sorted(self.members)
            where, binds = f"WHERE {_DIES} ", {"dies": keys[-1]}
        if self.view == "empty":
            where = "WHERE 1 = 0 "
        text = f"SELECT customer_key, {', '.join(columns)} FROM members {where}"
        return SegmentQuery("everyone", f"{text}ORDER BY customer_key", binds, "test")

    def named(self, prefix: str) -> str:
        name = f"{prefix}{next(self._numbers):06}"
        if prefix == "s":  # a read begins
            self.reads[name] = self._reading()
        return name

    def desk(self) -> Desk:
        """What erasures work with, over both accounts."""
        now = self.side("now")
        parts = [side.parts() for side in self.sides.values()]
        accounts = [
            ErasingAccount(one.platform, one.sync.account, one.connect, one.patience)
            for one in parts
        ]

        def parts_of(audience: KnownAudience) -> Parts:
            return next(one for one in parts if one.sync.name == audience.sync)

        return replace(erasures.desk(now), accounts=tuple(accounts), parts_of=parts_of)

    def _fill(self) -> None:
        """Make the shop hold exactly the members."""
        fill_members(self.folder / "shop.db", self.members)

    def _reading(self) -> Reading:
        def seen(person: Person) -> frozenset[Identifier]:
            found = identifiers_of(person)
            if self.view == "without phones":
                return frozenset(one for one in found if one[0] != "phone")
            return found

        wanted, whole = self.wanted(), self.view not in {"torn", "empty"}
        denied = {key for key, one in self.members.items() if one.consent == "denied"}
        erased = {one.key for one in self.erased}
        return Reading(
            wanted=frozenset().union(*map(seen, wanted.values())) if whole else frozenset(),
            members=len(wanted) if whole else 0,
            rows=len(self.members) if self.view != "empty" else 0,
            torn=self.view == "torn",
            full=self.full,
            denied={one: key for key in denied for one in self.history[key]},
            erased=frozenset().union(*(self.history[key] for key in erased)),
        )

    def _begin(self) -> None:
        url = f"sqlite:///{self.folder / 'ledger.db'}"
        real = open_ledger(url, password=None, key=KEY, clock=self.clock)
        tx = MortalTransactions(real._tx.engine, real._tx.audit_key, self.wire)
        self.ledger = Ledger(tx, real.ledger_id, self.clock)
        self.gates = Gates(self.ledger.accounts)
        directory.check(self.ledger, self.folder / "var")
        files = FileMembership(self.folder / "var", key=KEY.derive("files"))
        files.sweep(self.ledger.named_files)

    def _side(self, name: Name) -> Side:
        like = memory.LATER if name == "later" else memory.PLATFORM
        account = f"{name}-{secrets.token_hex(8)}"
        remote = memory.world(account)

        def audience() -> AudienceState | None:
            return next(iter(remote.audiences.audiences(account)), None)

        return Side(
            self.folder,
            replace(like, capabilities=replace(like.capabilities, max_rows=MAX_ROWS)),
            Account(account, like.name, {"world": account}),
            audience,
            open_shop(f"sqlite:///{self.folder}/shop.db", None, timezone="Europe/Amsterdam"),
            self.folder / "shop.db",
            self.query(),
            self._guard,
            clock=self.clock,
            wire=self.wire,
            house=self,
            layering=IN_TURN,
            name=name,
            remote=remote,
            book=Book(self.reads, self._guard, TIMING.settle),
        )
