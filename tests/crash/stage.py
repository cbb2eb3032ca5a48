"""A small shop, a sync and a local platform, put back to one moment as often as needed.

Families share phones, so that a removal takes others along. The first sync lies done in
a template; on the day after it members join, leave, change addresses and withdraw.
"""

from __future__ import annotations

import copy
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from connectors.sandbox import Sandbox, start
from connectors.sandbox.google.work import Request, Status
from connectors.sandbox.state import AudienceState, Identifier, World
from syncd.demo.expect import expected_identifiers
from tests.crash import beliefs
from tests.crash.nursery import Ended, Errand, Nursery
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import COLUMNS, SQL, Person, make_members

Name = Literal["meta", "google"]
NAMES: tuple[Name, ...] = ("meta", "google")
ACCOUNTS: Mapping[Name, str] = {"meta": "act_1", "google": "1234567890"}
AUDIENCE = "Everyone"
MEMBERS = 36
FAMILY = 3


def person(number: int, *, moved: bool = False, consent: str = "granted") -> Person:
    """A member: an e-mail, the family's phone, and every second one a mobile."""
    email = f" Member{number}@Example.{'org' if moved else 'com'}"
    second = (f"second{number}@example.com",) if number % 4 == 0 else ()
    mobile = (f"06-2{number:07}",) if number % 2 else ()
    return Person((email, *second), (f"020 62{number // FAMILY:05}", *mobile), consent)


FIRST = {f"c{n:03}": person(n) for n in range(MEMBERS)}
DAY = {
    f"c{n:03}": person(n, moved=n % 9 == 2, consent="denied" if n == 10 else "granted")
    for n in range(MEMBERS + 9)
    if n % 5 or n >= MEMBERS
}


@dataclass
class Moment:
    """What a platform holds, and what it has accepted and not yet done."""

    audiences: dict[str, dict[str, object]]
    waiting: dict[str, Request]
    statuses: dict[str, Status]


@dataclass
class Stage:
    """One platform, and a folder for each process's files.

    Attributes:
        folder: The one in use.
        ahead: Seconds that the clock of its commands is ahead.
        plant: A fault put into every child.
        orphans: Requests that came in without an intent.
        arrived: Called when a request with rows comes in, before anything is done.
        before: Requests that this platform had served when the folder was new.
    """

    name: Name
    root: Path
    sandbox: Sandbox
    nursery: Nursery
    folder: Path = field(init=False)
    ahead: float = 0.0
    plant: str = ""
    orphans: int = 0
    before: int = 0
    arrived: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.world: World = self.sandbox.worlds[self.name]
        self.backlog = self.sandbox._google.backlog
        count = self.world.count

        def watched(request: str, *, rows: int = 0) -> None:
            if request in {"add", "remove"}:
                self._must_be_intended(request)
                self.arrived()
            count(request, rows=rows)

        setattr(self.world, "count", watched)  # noqa: B010 - a method of one object

    # --- doing -----------------------------------------------------------------

    def new(self) -> None:
        """An empty folder, a shop of the first day, nobody on the platform."""
        self.folder = self.root / "new"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        make_members(self.folder / "shop.db")
        (self.folder / "segments").mkdir()
        (self.folder / "segments" / "everyone.sql").write_text(SQL)
        (self.folder / "state_key").write_text(KEY.stored())
        (self.folder / "state_key").chmod(0o600)
        self._configure()
        self.fill(FIRST)
        self.put_back(Moment({}, {}, {}))
        self.before = self.changes()

    def keep(self, name: str) -> Moment:
        """Keep this moment as a template."""
        kept = self.root / name
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.folder, kept)
        return self.moment()

    def back_to(self, name: str, moment: Moment) -> None:
        """Go on from a template."""
        self.folder = self.root / "here"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.root / name, self.folder)
        self._configure()
        self.put_back(moment)
        ledger = self.folder / "var" / "ledger.db"
        self.before = self.changes() - (beliefs.read(ledger.parent).attempts)

    def fill(self, members: Mapping[str, Person]) -> None:
        """Make the shop hold exactly these members."""
        with closing(sqlite3.connect(self.folder / "shop.db")) as shop, shop:
            shop.execute("DELETE FROM members")
            marks = ", ".join("?" * len(COLUMNS))
            rows = [(key, *one.cells()) for key, one in members.items()]
            shop.executemany(f"INSERT INTO members VALUES (?, {marks})", rows)

    def run(self, *words: str, stopped: Callable[[], object] | None = None, **errand: Any) -> Ended:
        """A command in a child of its own; `errand` has fields of `Errand`."""
        asked = Errand(
            words,
            self.folder,
            self.sandbox.control_endpoint,
            offset=self.ahead,
            plant=self.plant,
            **errand,
        )
        ended = self.nursery.run(asked, stopped=stopped)
        self.sandbox.faults.clear()
        return ended

    def sync(self, **errand: Any) -> Ended:
        return self.run("sync", "everyone", "--wait", **errand)

    # --- looking ---------------------------------------------------------------

    @property
    def audience(self) -> AudienceState | None:
        found = self.world.named(ACCOUNTS[self.name], AUDIENCE)
        assert len(found) < 2, f"{len(found)} audiences were made"
        return found[0] if found else None

    @property
    def identifiers(self) -> frozenset[Identifier]:
        return self.audience.identifiers if self.audience else frozenset()

    @property
    def persons(self) -> frozenset[Identifier]:
        held = self.audience.persons if self.audience else frozenset()
        return frozenset().union(*held)

    @property
    def coming(self) -> frozenset[Identifier]:
        """Whom accepted additions will bring."""
        waiting = [one for one in self.backlog._waiting.values() if one.method == "add"]
        rows = [row for one in waiting for row in one.rows.values()]
        return frozenset().union(*rows)

    def expected(self) -> frozenset[Identifier]:
        """What the platform should hold, by a path of its own."""
        shop = self.folder / "shop.db"
        return expected_identifiers(shop, SQL, {}, platform=self.name, default_country="NL")

    def changes(self) -> int:
        """Requests that carried rows."""
        return self.world.requests.get("add", 0) + self.world.requests.get("remove", 0)

    # --- the platform's moments --------------------------------------------------

    def moment(self) -> Moment:
        held = {one.id: _contents(one) for one in self.world.audiences()}
        return Moment(held, dict(self.backlog._waiting), dict(self.backlog._statuses))

    def put_back(self, moment: Moment) -> None:
        self.sandbox.faults.clear()
        for audience in self.world.audiences():
            kept = moment.audiences.get(audience.id)
            if kept is None:
                self.world.delete(audience.id)
            else:
                vars(audience).update(copy.deepcopy(kept))
        self.backlog._waiting = dict(moment.waiting)
        self.backlog._statuses = dict(moment.statuses)
        self.backlog._random = Random(7)  # the same order again, whatever went before
        self.orphans = 0

    def _must_be_intended(self, request: str) -> None:
        phases = beliefs.intended(self.folder / "var" / "ledger.db")
        wanted = {"add": ["add"], "remove": ["remove"]}[request]
        if [{"again": "add"}.get(one, one) for one in phases] != wanted:
            self.orphans += 1

    def _configure(self) -> None:
        endpoints = {"meta": self.sandbox.meta_endpoint, "google": self.sandbox.google_endpoint}
        options = {
            "meta": {"account_id": ACCOUNTS["meta"], "access_token": "sandbox-token"},
            "google": {"customer_id": ACCOUNTS["google"], "credentials": "anonymous"},
        }[self.name]
        var = self.folder / "var"
        key = {"file": str(self.folder / "state_key")}
        account = {"connector": self.name, "endpoint": endpoints[self.name], **options}
        sync = {
            "segment": "everyone",
            "account": "there",
            "audience": AUDIENCE,
            "guard": {"max_removed": "100%", "min_members": 0},
        }
        settings = {
            "shop": {"url": f"sqlite:///{self.folder / 'shop.db'}", "default_country": "NL"},
            "ledger": {"url": f"sqlite:///{var / 'ledger.db'}", "directory": str(var), "key": key},
            "accounts": {"there": account},
            "segments": {"everyone": {"sql": "segments/everyone.sql"}},
            "syncs": {beliefs.SYNC: sync},
        }
        (self.folder / "syncd.yaml").write_text(yaml.safe_dump(settings))


def _contents(audience: AudienceState) -> dict[str, object]:
    names = ("ever_filled", "replacement", "_identifiers", "_persons", "_owner", "_added")
    return {name: copy.deepcopy(value) for name, value in vars(audience).items() if name in names}


@contextmanager
def stage(name: Name) -> Iterator[Stage]:
    """A stage with a sandbox and a nursery of its own; Google works only while we sleep."""
    with (
        tempfile.TemporaryDirectory(prefix="syncd-") as root,
        start(google_delay=None) as sandbox,
        Nursery() as nursery,
    ):
        yield Stage(name, Path(root), sandbox, nursery)
