"""Syncs of one segment that are asked for together: one read of the shop, and nothing else shared.

Plans, audiences, failures and records are those of syncs that ran each by itself.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from connectors.sandbox import Sandbox
from syncd.app import App, open_app
from syncd.errors import TornSnapshot
from syncd.identity.erased import Person
from syncd.leaving import erasure
from syncd.model import SegmentQuery
from syncd.ports import Reading, Shop
from syncd.runs import reading
from syncd.runs.parts import Guarded
from syncd.sync import Wish, run
from tests.integration.commands import Answer, Desk, Hands, digests, email, phone, wait_until
from tests.integration.daemons import DEADLINE, keeping
from tests.integration.databases import Database, MakeDatabase
from tests.integration.known_key import know

PEOPLE = range(30)
SYNCS = ("everyone", "mails", "half", "google")
FREE = {"min_members": 0, "max_removed": "100%"}


def given(desk: Desk) -> None:
    """Four syncs of one segment: two of one shape, one arm of it, and one of other digests."""
    know(desk)
    desk.settings["segments"]["everyone"] |= {"holdout": "20%", "arms": ["a", "b"]}
    desk.sync["guard"] = FREE
    desk.also("mails", identifiers=["email"], audience="Mails")
    desk.also("half", arm="a", audience="Half")
    desk.also("google", account="google", audience="Google")


@pytest.fixture
def shop(desk: Desk) -> Desk:
    given(desk)
    desk.join(*PEOPLE, consent="granted")
    return desk


@pytest.fixture
def twin(tmp_path: Path, local: Sandbox) -> Desk:
    """Another desk, whose syncs run each by itself."""
    (tmp_path / "twin").mkdir()
    found = Desk(tmp_path / "twin", local)
    given(found)
    found.join(*PEOPLE, consent="granted")
    return found


def asked(desk: Desk, sql: str) -> list[tuple[Any, ...]]:
    """What the ledger says."""
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger:
        return ledger.execute(sql).fetchall()


def reads(desk: Desk) -> int:
    """How many moments snapshots are of: a read each."""
    ((count,),) = asked(desk, "SELECT count(DISTINCT as_of) FROM snapshot")
    return int(count)


def snapshots(desk: Desk) -> int:
    ((count,),) = asked(desk, "SELECT count(*) FROM snapshot")
    return int(count)


def held(desk: Desk) -> dict[str, object]:
    found = {name: desk.held(name) for name in ("Everyone", "Mails", "Half")}
    return {**found, "Google": desk.held("Google", google=True)}


def sync(desk: Desk, *names: str, code: int = 0) -> Answer:
    answer = desk.syncd("sync", *(names or SYNCS), "--json")
    assert answer.code == code, answer.said
    return answer


def drawn(answers: list[Answer]) -> dict[str, object]:
    """What each plan comes to, by sync, but for names and times."""
    plans = [result["plan"] for answer in answers for result in answer.json]
    return {plan["sync"]: (plan["counts"], plan["held"], plan["rules"]) for plan in plans}


# --- how often the shop is asked -------------------------------------------------------


def test_syncs_of_one_segment_are_read_for_once(shop: Desk) -> None:
    sync(shop)
    assert (reads(shop), snapshots(shop)) == (1, 4)
    assert len(set(asked(shop, "SELECT path FROM snapshot"))) == 4, "each has its own"

    sync(shop)  # nothing changed; Google worked on what it was sent, and so its membership moved
    assert reads(shop) == 3
    sync(shop)
    assert (reads(shop), snapshots(shop)) == (4, 12)


def test_a_segment_of_its_own_is_read_by_itself(shop: Desk) -> None:
    shop.settings["segments"]["others"] = {"sql": "segments/everyone.sql"}
    shop.also("others", segment="others", audience="Others")
    sync(shop, *SYNCS, "others")
    assert (reads(shop), snapshots(shop)) == (2, 5)


def test_no_more_share_a_read_than_memory_allows(
    shop: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who are left read next, together again."""
    four = ("everyone", "mails", "half", "fourth")
    shop.also("fourth", audience="Fourth")
    monkeypatch.setattr(reading, "MOST_RUNS", 1)
    sync(shop, *four)
    assert (reads(shop), snapshots(shop)) == (2, 4)

    sizes = [shop.syncd("status", "--json").json["syncs"][n]["members"] for n in range(2)]
    monkeypatch.setattr(reading, "MOST_MEMBERS", sum(sizes) - 1)
    sync(shop, "everyone", "mails")
    assert (reads(shop), snapshots(shop)) == (4, 6)


def scans(database: Database) -> int:
    """How often the server has gone through the customers."""
    engine = create_engine(database.owner, poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'customers'")
        )
        return int(found.scalar_one())


def scanned(database: Database, before: int, at_least: int) -> int:
    """How often since; a server counts what a connection did once that has ended."""
    wait_until(lambda: scans(database) >= before + at_least)
    return scans(database) - before


def test_a_server_answers_several_syncs_as_it_answers_one(
    shop: Desk, make_database: MakeDatabase
) -> None:
    """By what PostgreSQL counts: the rows once, and once more to count them."""
    database = make_database("postgresql")
    database.execute(
        "CREATE TABLE customers (customer_key text, email text, phone text, country text, "
        "ad_consent text)"
    )
    rows = [(f"c:{n:05}", email(n), phone(n), "NL", "granted") for n in PEOPLE]
    columns = ("customer_key", "email", "phone", "country", "ad_consent")
    database.load("customers", columns, rows)
    database.execute("ANALYZE customers")
    shop.settings["shop"]["url"] = database.url
    shop.save()

    before = scans(database)
    sync(shop, "everyone")
    alone = scanned(database, before, 2)
    before = scans(database)
    sync(shop, "everyone", "mails", "half")
    together = scanned(database, before, 2)

    assert (alone, together) == (2, 2)
    assert shop.held("Mails")


# --- what each sync comes to -----------------------------------------------------------


def stir(draw: random.Random, *desks: Desk) -> None:
    """Let the same happen in each shop."""
    gone, moved, denied = (draw.sample(PEOPLE, draw.randrange(4)) for _ in range(3))
    back = draw.sample(PEOPLE, draw.randrange(4))
    for desk in desks:
        desk.leave(*gone, *back)
        desk.join(*back, consent="granted")
        changes = [(f"moved{n}@example.org", f"c:{n:05}") for n in moved]
        desk.change("UPDATE customers SET email = ? WHERE customer_key = ?", changes)
        refusals = [(f"c:{n:05}",) for n in denied]
        desk.change("UPDATE customers SET ad_consent = 'denied' WHERE customer_key = ?", refusals)


@pytest.mark.parametrize("seed", range(3))
def test_plans_and_audiences_are_those_of_syncs_by_themselves(
    shop: Desk, twin: Desk, seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(4):
        together = [sync(shop)]
        apart = [sync(twin, name) for name in SYNCS]
        assert drawn(together) == drawn(apart)
        assert held(shop) == held(twin)
        stir(draw, shop, twin)
    assert reads(shop) < snapshots(shop) == snapshots(twin) == reads(twin)


def test_plans_that_are_shown_together_are_of_one_moment(shop: Desk) -> None:
    answer = shop.syncd("plan", "--json")
    assert answer.code == 0, answer.said
    assert {plan["counts"]["snapshot"] for plan in answer.json} == {len(PEOPLE)}
    assert (reads(shop), snapshots(shop)) == (1, 4)


# --- one fails -------------------------------------------------------------------------


def states(desk: Desk) -> dict[str, str]:
    """How the last run of each sync ended."""
    return dict(asked(desk, "SELECT sync, state FROM run ORDER BY number"))


def test_one_that_a_platform_denies_keeps_nobody(shop: Desk) -> None:
    """The first of the others reads for the rest."""
    shop.fault(platform="google", method="*", code="PERMISSION_DENIED", times=9)
    sync(shop, "google", "everyone", "mails", "half", code=77)
    assert (reads(shop), snapshots(shop)) == (1, 3)
    found = states(shop)
    assert (found.pop("google"), set(found.values())) == ("failed", {"done"})
    assert [name for name, found in held(shop).items() if not found] == ["Google"]


def test_one_that_fails_once_it_has_read_keeps_nobody(shop: Desk) -> None:
    """What it read serves the others all the same."""
    shop.fault(method="create", status=400, code=100)
    sync(shop, code=1)
    assert (reads(shop), snapshots(shop)) == (1, 4)
    found = states(shop)
    assert (found.pop("everyone"), set(found.values())) == ("failed", {"done", "processing"})
    assert shop.held("Everyone") == frozenset()
    assert shop.held("Mails")


def test_one_whose_audience_asks_for_a_column_fails_by_itself(shop: Desk) -> None:
    """It is not taken along, and says what it lacks in a run of its own."""
    shop.settings["syncs"]["mails"]["audience"] = {"name": "Mails", "value_based": True}
    shop.save()
    answer = sync(shop, code=78)
    assert "mails" in answer.err
    assert "value" in answer.err
    assert (reads(shop), snapshots(shop)) == (1, 3)
    assert states(shop)["mails"] == "failed"


def test_a_read_that_fails_fails_each_in_a_run_of_its_own(shop: Desk) -> None:
    """And removes nobody; each has asked the shop for itself."""
    sync(shop)
    before = held(shop)
    shop.change("INSERT INTO customers (customer_key, email) VALUES ('c:00001', 'x@example.org')")
    answer = sync(shop, code=1)
    assert answer.err.count("repeat one") == len(SYNCS)
    assert (set(states(shop).values()), held(shop)) == ({"failed"}, before)
    kept = {path for (path,) in asked(shop, "SELECT path FROM snapshot")}
    assert {path.name for path in shop.var.glob("*.snapshot")} <= kept


def test_one_that_the_guard_holds_keeps_nobody(shop: Desk) -> None:
    """Nobody else's removals wait for it."""
    shop.settings["syncs"]["mails"]["guard"] = {"min_members": 0, "max_removed": "10%"}
    shop.save()
    sync(shop)
    shop.leave(*range(15))
    sync(shop, code=4)
    found = states(shop)
    assert (found.pop("mails"), "held" in found.values()) == ("held", False)
    assert shop.held("Everyone") < digests(*range(15, 30))
    assert shop.held("Mails") > shop.held("Everyone") & shop.held("Mails")


# --- between the read and the turn of a run --------------------------------------------


@pytest.fixture
def app(shop: Desk) -> Iterator[App]:
    with open_app(shop.config, holder="test") as opened:
        yield opened


def go(app: App, sync: str) -> None:
    """The turn of one."""
    with app.shared.turn(sync):
        run(app.parts(sync), Wish("test"))


def test_who_is_erased_meanwhile_is_not_sent(shop: Desk, app: App) -> None:
    """The run whose turn comes after it reads for itself."""
    with app.shared.expected(app.asked(["everyone", "mails", "half"])):
        go(app, "everyone")
        (victim, *_) = (n for n in PEOPLE if digests(n) <= shop.held("Everyone"))
        erasure.ask(app.desk(), Person(emails=(email(victim),)), actor="test")
        go(app, "mails")
        go(app, "half")
    assert not digests(victim) & (shop.held("Mails") | shop.held("Half"))
    assert (reads(shop), snapshots(shop)) == (3, 3)


def test_what_comes_to_the_shop_after_a_run_was_asked_for_is_in_the_next(
    shop: Desk, app: App
) -> None:
    """What was read for an earlier run is of no use to a later one."""
    with app.shared.expected(app.asked(["everyone", "mails"])):
        go(app, "everyone")
        go(app, "mails")
        (one, *_) = (n for n in PEOPLE if digests(n) <= shop.held("Everyone"))
        shop.leave(one)
        run(app.parts("mails"), Wish("test"))
    assert not digests(one) & shop.held("Mails")


def test_what_was_read_too_long_ago_is_read_anew(shop: Desk) -> None:
    """An earlier run may push for hours."""
    clock = Hands()
    with (
        open_app(shop.config, holder="test", clock=clock) as app,
        app.shared.expected(app.asked(["everyone", "mails", "half"])),
    ):
        go(app, "everyone")
        clock.pass_by(minutes=59)
        go(app, "mails")
        clock.pass_by(minutes=2)
        go(app, "half")
    assert (reads(shop), snapshots(shop)) == (2, 3)


@dataclass
class Slow:
    """A shop that answers once it is told to go on.

    Attributes:
        asked: How often it was read.
    """

    inner: Shop
    began: threading.Event = field(default_factory=threading.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    @contextmanager
    def read(self, query: SegmentQuery) -> Iterator[Reading]:
        self.asked += 1
        self.began.set()
        assert self.goes_on.wait(DEADLINE)
        with self.inner.read(query) as found:
            yield found


@dataclass
class Checks:
    """The lock, by which a run that waits looks whether it is to end."""

    inner: Guarded
    looked: threading.Event = field(default_factory=threading.Event)

    def tell(self, run: str) -> None:
        self.inner.tell(run)

    def check(self) -> None:
        self.inner.check()
        self.looked.set()


def test_a_run_that_comes_while_another_reads_waits_for_it(shop: Desk, app: App) -> None:
    """It takes what the other one read; one that was not asked for by then reads for itself."""
    slow = Slow(app.shop)
    vars(app)["shop"] = slow
    app.lock = checks = Checks(app.lock)
    with (
        app.shared.expected(app.asked(["everyone", "mails"])),
        ThreadPoolExecutor(2) as threads,
    ):
        first = threads.submit(go, app, "everyone")
        assert slow.began.wait(DEADLINE)
        app.shared.expect(app.asked(["half"]))
        second = threads.submit(go, app, "mails")
        assert checks.looked.wait(DEADLINE)  # the first one is at its read, so by the second
        slow.goes_on.set()
        first.result(DEADLINE)
        second.result(DEADLINE)
        go(app, "half")
    assert slow.asked == 2
    assert (reads(shop), snapshots(shop)) == (2, 3)


@dataclass(frozen=True)
class Uncounted:
    """A read whose rows the shop counts otherwise in the end."""

    inner: Reading

    @property
    def columns(self) -> tuple[str, ...]:
        return self.inner.columns

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self.inner)

    def seal(self) -> int:
        raise TornSnapshot("the shop counts otherwise")


@dataclass
class TornOnce:
    """A shop whose first read cannot be sealed."""

    inner: Shop
    torn: bool = False

    @contextmanager
    def read(self, query: SegmentQuery) -> Iterator[Reading]:
        with self.inner.read(query) as found:
            yield found if self.torn else Uncounted(found)
            self.torn = True


def test_what_was_not_sealed_is_nobodys(shop: Desk, app: App) -> None:
    """Though all of it was written: it is not kept, and the others read for themselves."""
    vars(app)["shop"] = once = TornOnce(app.shop)
    with app.shared.expected(app.asked(["everyone", "mails", "half"])):
        with pytest.raises(TornSnapshot):
            go(app, "everyone")
        assert len(list(shop.var.glob("*.snapshot"))) == 1, "its own, for the next sweep"
        once.torn = True
        go(app, "mails")
        go(app, "half")
    assert (reads(shop), snapshots(shop)) == (1, 2)


# --- the process ends ------------------------------------------------------------------


def test_a_kill_leaves_nothing_of_what_was_read_for_others(shop: Desk) -> None:
    """SIGKILL while the first one sends: the others have not begun, and begin anew."""
    shop.fault(kind="delay", seconds=30.0, method="add")
    with shop.begin("sync", *SYNCS) as first:
        wait_until(lambda: not shop.local.faults.waiting)
        first.send_signal(signal.SIGKILL)
        first.communicate(timeout=30)
    assert len(list(shop.var.glob("*.snapshot"))) == len(SYNCS)
    assert snapshots(shop) == 1
    shop.leave(29)

    sync(shop)

    kept = {path for (path,) in asked(shop, "SELECT path FROM snapshot")}
    assert {path.name for path in shop.var.glob("*.snapshot")} <= kept
    assert not digests(29) & shop.held("Mails")
    assert (reads(shop), snapshots(shop)) == (2, 5)


# --- the daemon ------------------------------------------------------------------------


def test_a_daemon_reads_once_for_accounts_side_by_side(shop: Desk) -> None:
    """Whichever thread comes first reads; no file is left that no row names."""
    for settings in shop.settings["syncs"].values():
        settings["schedule"] = "every 1m"
    shop.save()
    several = "SELECT count(*) FROM snapshot GROUP BY as_of HAVING count(DISTINCT path) > 1"
    with keeping(shop.config):
        wait_until(lambda: len(asked(shop, several)) > 2, seconds=DEADLINE)
    assert not [state for state in states(shop).values() if state == "failed"]
    kept = {path for (path,) in asked(shop, "SELECT path FROM snapshot")}
    assert {path.name for path in shop.var.glob("*.snapshot")} <= kept
