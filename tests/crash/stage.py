"""A small shop, a sync and a local platform, put back to one moment as often as needed.

Families share phones, so that a removal takes others along. The first sync lies done in
a template; on the day after it members join, leave, change addresses and withdraw.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, Literal

import yaml

from connectors.sandbox import Sandbox, start
from connectors.sandbox.google.ads_jobs import Job
from connectors.sandbox.google.work import Request, Status
from connectors.sandbox.state import AudienceState, Identifier, World
from syncd.demo.expect import expected_identifiers
from tests.crash import beliefs, jobs
from tests.crash.nursery import Ended, Errand, Nursery
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import SQL, Person, fill_members, make_members

Name = Literal["meta", "google"]
NAMES: tuple[Name, ...] = ("meta", "google")
# Where processes are killed; what troubles a line is tried on two of them.
Played = Literal["meta", "google", "google_ads"]
PLAYED: tuple[Played, ...] = ("meta", "google", "google_ads")
ACCOUNTS: Mapping[Played, str] = {
    "meta": "act_1",
    "google": "1234567890",
    "google_ads": "1234567890",
}
AUDIENCE = "Everyone"
# Requests with rows, as the local platforms count them, and what their rows may be.
OPERATIONS: Mapping[str, frozenset[str]] = {
    "add": frozenset({"add"}),
    "remove": frozenset({"remove"}),
    "ads.add": frozenset({"add", "remove"}),
}
MEMBERS = 36
FEWER = 20
FAMILY = 3


def person(number: int, *, moved: bool = False, consent: str = "granted") -> Person:
    """A member: an e-mail, the family's phone, and every second one a mobile."""
    email = f" Member{number}@Example.{'org' if moved else 'com'}"
    second = (f"second{number}@example.com",) if number % 4 == 0 else ()
    mobile = (f"06-2{number:07}",) if number % 2 else ()
    return Person((email, *second), (f"020 62{number // FAMILY:05}", *mobile), consent)


Members = Mapping[str, Person]
FIRST: Members = {f"c{n:03}": person(n) for n in range(MEMBERS)}
DAY: Members = {
    f"c{n:03}": person(n, moved=n % 9 == 2, consent="denied" if n == 10 else "granted")
    for n in range(MEMBERS + 9)
    if n % 5 or n >= MEMBERS
}


def mixed(members: Members) -> Members:
    """Every third family abroad and of unknown consent: to Google a job of its own.

    And fewer of the first members: a batch has more points there.
    """
    fewer = {key: one for key, one in members.items() if not FEWER <= int(key[1:]) < MEMBERS}
    return {
        key: _abroad(one) if int(key[1:]) // FAMILY % 3 == 1 and one.consent == "granted" else one
        for key, one in fewer.items()
    }


def _abroad(one: Person) -> Person:
    """The same member, whose country asks for no consent; a phone is dialled from there."""
    phones = tuple("+31" + phone[1:] for phone in one.phones)
    return replace(one, phones=phones, consent="unknown", country="US")


@dataclass
class Moment:
    """What a platform holds, and what it has accepted and not yet done."""

    audiences: dict[str, dict[str, object]] = field(default_factory=dict)
    waiting: dict[str, Request] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)


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

    name: Played
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
        self.world: World = self.sandbox.worlds["meta" if self.name == "meta" else "google"]
        self.backlog = self.sandbox._google.backlog
        self.jobs = self.sandbox._google.ads.jobs
        count, turn = self.world.count, Lock()

        def watched(request: str, *, rows: int = 0) -> None:
            if request in OPERATIONS:
                with turn:  # several come at once
                    self._must_be_intended(request)
                    self.arrived()
                    count(request, rows=rows)
            else:
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
        self.fill(self.first)
        self.put_back(Moment())
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

    def fill(self, members: Members) -> None:
        """Make the shop hold exactly these members."""
        fill_members(self.folder / "shop.db", members)

    def run(self, *words: str, stopped: Callable[[], object] | None = None, **errand: Any) -> Ended:
        """A command in a child of its own; `errand` has fields of `Errand`.

        Where a platform takes several requests at once, each has a family: those beside each
        other share nobody, and as many as may be are under way.
        """
        if self.name != "google_ads":
            errand = {"max_rows": FAMILY} | errand
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
    def first(self) -> Members:
        """The shop's members on the first day."""
        return mixed(FIRST) if self.name == "google_ads" else FIRST

    @property
    def day(self) -> Members:
        """And on the day after."""
        return mixed(DAY) if self.name == "google_ads" else DAY

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
        """Whom accepted additions will bring, and jobs that were not run yet."""
        waiting = [one for one in self.backlog._waiting.values() if one.method == "add"]
        rows = [row for one in waiting for row in one.rows.values()]
        return frozenset().union(*rows, jobs.coming(self.jobs))

    def expected(self) -> frozenset[Identifier]:
        """What the platform should hold, by a path of its own."""
        rules: Name = "meta" if self.name == "meta" else "google"
        shop = self.folder / "shop.db"
        return expected_identifiers(shop, SQL, {}, platform=rules, default_country="NL")

    def changes(self) -> int:
        """Requests that carried rows."""
        return sum(self.world.requests.get(name, 0) for name in OPERATIONS)

    @property
    def parts(self) -> int:
        """Requests at most that one batch goes out in: one for each consent."""
        return 2 if self.name == "google_ads" else 1

    # --- the platform's moments --------------------------------------------------

    def moment(self) -> Moment:
        held = {one.id: _contents(one) for one in self.world.audiences()}
        waiting, statuses = dict(self.backlog._waiting), dict(self.backlog._statuses)
        return Moment(held, waiting, statuses, jobs.copied(self.jobs._jobs))

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
        self.jobs._jobs = jobs.copied(moment.jobs)
        self.backlog._random = Random(7)  # the same order again, whatever went before
        self.orphans = 0

    def _must_be_intended(self, request: str) -> None:
        """One of those that are being sent, all of one operation, and an attempt for each."""
        ledger = self.folder / "var" / "ledger.db"
        known = {{"again": "add"}.get(one, one) for one in beliefs.intended(ledger)}
        served = self.changes() - self.before + 1
        several = served > beliefs.attempts(ledger) * self.parts
        if several or len(known) != 1 or not known <= OPERATIONS[request]:
            self.orphans += 1

    def _configure(self) -> None:
        number, meta = ACCOUNTS[self.name], self.name == "meta"
        endpoint = self.sandbox.meta_endpoint if meta else self.sandbox.google_endpoint
        options = (
            {"account_id": number, "access_token": "sandbox-token"}
            if meta
            else {"customer_id": number, "credentials": "anonymous"}
        )
        var = self.folder / "var"
        key = {"file": str(self.folder / "state_key")}
        account = {"connector": self.name, "endpoint": endpoint, **options}
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
def stage(name: Played) -> Iterator[Stage]:
    """A stage with a sandbox and a nursery of its own; Google works only while we sleep."""
    with (
        tempfile.TemporaryDirectory(prefix="syncd-") as root,
        start(google_delay=None) as sandbox,
        Nursery(jobs.IMPORTED if name == "google_ads" else ()) as nursery,
    ):
        yield Stage(name, Path(root), sandbox, nursery)
