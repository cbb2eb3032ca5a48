"""What may happen between the read that syncs of one segment share and the turn of each."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from syncd.app import App, open_app
from syncd.errors import TornSnapshot
from syncd.identity.erased import Person
from syncd.leaving import erasure
from syncd.model import SegmentQuery
from syncd.ports import Reading, Shop
from syncd.runs.parts import Guarded
from syncd.sync import Wish, run
from tests.integration.commands import Desk, Hands, digests, email, wait_until
from tests.integration.daemons import DEADLINE, keeping
from tests.integration.sharing import (
    PEOPLE,
    SYNCS,
    asked,
    given,
    reads,
    snapshots,
    states,
    sync,
)


@pytest.fixture
def shop(desk: Desk) -> Desk:
    given(desk)
    desk.join(*PEOPLE, consent="granted")
    return desk


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

    def joined(self) -> Iterator[pa.RecordBatch]:
        return self.inner.joined()

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
