"""Meta and Google, through their real SDKs, to local platforms over real sockets.

After the first sync, after a day of changes and after a run that a reset cut off, the
platform holds exactly the digests that the shop's raw values give by a path of their own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from connectors import google, google_ads, meta
from connectors.sandbox import Sandbox, start
from connectors.sandbox.faults import Fault
from connectors.sandbox.state import AudienceState
from connectors.sandbox.state import World as Held
from syncd.demo.day import let_a_day_pass
from syncd.demo.shop import make_shop
from syncd.errors import Denied, ForeignAudience, Unavailable
from syncd.model import Account, Phase, SegmentQuery
from syncd.ports import Platform
from syncd.reconciling import replace_audience
from syncd.segments import catalogue_query
from syncd.shop import open_shop
from tests.integration.ledger_databases import NOON, Hands
from tests.integration.worlds import NAME, Working, World

Name = Literal["meta", "google", "google_ads"]
CUSTOMERS = 1_500
LONG = 100  # resets, more than a run has patience for
ZONE = "Europe/Amsterdam"
ACCOUNTS: Mapping[Name, str] = {
    "meta": "act_1",
    "google": "1234567890",
    "google_ads": "1234567890",
}
PLATFORMS: Mapping[Name, Platform] = {
    "meta": meta.PLATFORM,
    "google": google.PLATFORM,
    "google_ads": google_ads.PLATFORM,
}


@dataclass
class Local:
    """A world around one of the local platforms.

    Attributes:
        held: What that platform holds, and the requests it has served.
    """

    name: Name
    world: World
    sandbox: Sandbox
    held: Held
    days: int = 0

    def sync(self) -> None:
        self.world.sync(wait=True)

    def pass_a_day(self) -> None:
        self.days += 1
        self.world.clock.pass_by(hours=24)
        self.world.source = segment(self.world.clock)
        let_a_day_pass(self.world.shop_path, as_of=self.world.clock.now(), seed=self.days)

    def changes(self) -> int:
        """Requests that carried rows."""
        return sum(self.held.requests.get(name, 0) for name in ("add", "remove", "ads.add"))

    def check(self) -> None:
        """Equal in both views, and quiet: also while removals settle."""
        self.world.check_equal()
        before = self.changes()
        self.world.check_quiet()
        assert self.changes() == before


def cut_off(here: Local, *faults: Fault) -> None:
    """A run that ends in resets; then the line is good again."""
    here.sandbox.faults.script(*faults)
    with pytest.raises(Unavailable):
        here.sync()
    here.sandbox.faults.clear()


def segment(clock: Hands) -> SegmentQuery:
    return catalogue_query(
        "all_customers", parameters={}, as_of=clock.now(), timezone=ZONE, dialect="sqlite"
    )


@pytest.fixture(scope="module")
def shop_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    make_shop(path, customers=CUSTOMERS, as_of=NOON)
    return path


@contextmanager
def local(name: Name, folder: Path, shop_file: Path) -> Iterator[Local]:
    """The platform, started; Google's works only while we sleep."""
    shop_path = Path(shutil.copy(shop_file, folder / "shop.db"))
    with start(google_delay=None, meta_lingers=True, seed=len(name)) as sandbox:
        platform, number = PLATFORMS[name], ACCOUNTS[name]
        held = sandbox.worlds["meta" if name == "meta" else "google"]
        clock = Working(work=sandbox.process)
        held.now = clock.now

        def audience() -> AudienceState | None:
            return next(iter(held.named(number, NAME)), None)

        world = World(
            folder,
            replace(
                platform, capabilities=replace(platform.capabilities, max_rows=200, max_slots=None)
            ),
            account(name, sandbox),
            audience,
            open_shop(f"sqlite:///{shop_path}", None, timezone=ZONE),
            shop_path,
            segment(clock),
            clock=clock,
        )
        try:
            yield Local(name, world, sandbox, held)
        finally:
            world.close()


def account(name: Name, sandbox: Sandbox) -> Account:
    if name == "meta":
        options = {"account_id": ACCOUNTS[name], "access_token": sandbox.meta_token}
        return Account(name, name, options, sandbox.meta_endpoint)
    options = {"customer_id": ACCOUNTS[name], "credentials": "anonymous"}
    return Account(name, name, options, sandbox.google_endpoint)


@pytest.fixture(params=["meta", "google"])
def here(request: pytest.FixtureRequest, tmp_path: Path, shop_file: Path) -> Iterator[Local]:
    with local(request.param, tmp_path, shop_file) as made:
        yield made


def test_a_first_sync_and_a_day_of_changes_are_equal(here: Local) -> None:
    """Digest by digest, in both views; and nothing is sent twice."""
    here.sync()
    first = here.world.expected()
    assert len(first) > CUSTOMERS
    here.check()

    for _ in range(2):
        here.pass_a_day()
        assert here.world.expected() != first
        here.sync()
        here.check()


def test_a_run_is_one_upload_an_operation(tmp_path: Path, shop_file: Path) -> None:
    """Members who are sent again go with the additions: to Meta each session is an edit."""
    with local("meta", tmp_path, shop_file) as here:
        here.sync()
        for _ in range(3):
            here.pass_a_day()
            plan = here.world.sync().plan
            ledger = here.world.ledger
            phases = {batch.phase for batch in ledger.batches(plan.id)}
            labels = {
                (batch.phase.operation, attempt.label)
                for batch in ledger.batches(plan.id)
                for attempt in ledger.attempts(batch.id)
            }
            assert phases == set(Phase)
            assert len(labels) == 2
        here.check()


def test_ids_go_where_they_are_matched_and_nowhere_else(here: Local) -> None:
    """A number of its own a member, and one device in three hands."""
    plain = here.world.source

    def with_ids(query: SegmentQuery) -> SegmentQuery:
        number = "CAST(substr(customer_key, 3) AS INTEGER) % 10000"
        device = f"printf('%08X-0000-4000-8000-000000000001', ({number}) / 3 + 1) AS device_id"
        listed = f"SELECT *, customer_key AS external_id, {device} FROM ({query.sql})"
        return replace(query, sql=listed)

    without = here.world.expected()
    here.world.source = with_ids(plain)
    kinds = {kind for kind, _ in here.world.expected() - without}
    assert kinds == ({"device_id", "external_id"} if here.name == "meta" else set())
    here.sync()
    here.check()

    here.pass_a_day()
    here.world.source = with_ids(here.world.source)
    here.sync()
    here.check()


@pytest.mark.parametrize("method", ["add", "remove"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_a_reset_cut_off_is_carried_on(
    here: Local, method: str, when: Literal["before", "after"]
) -> None:
    """The connection is reset before or after the rows were taken, for longer than we try."""
    here.sync()
    here.pass_a_day()
    before = here.world.expected()
    cut_off(here, Fault("reset", method=method, when=when, times=LONG))
    assert here.world.ledger.unfinished(*here.world.at) != ()

    here.sync()
    assert here.world.expected() == before
    here.check()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_first_sync_that_a_reset_cut_off_is_carried_on(
    here: Local, when: Literal["before", "after"]
) -> None:
    """Some batches went out, one is unknown; then a day passes before the next run."""
    fine = Fault("delay", method="add", times=2)
    cut_off(here, fine, Fault("reset", method="add", when=when, times=LONG))
    here.pass_a_day()
    here.sync()
    here.check()

    here.world.clock.pass_by(hours=49)
    here.sync()
    here.check()


def test_a_member_sent_again_after_a_removal_stays(here: Local) -> None:
    """Many days, so that shared phones and changed e-mails meet removals under way."""
    here.sync()
    for _ in range(4):
        here.pass_a_day()
        here.world.sync()  # does not wait: the next run meets what is under way
        here.world.clock.sleep(timedelta(hours=1).total_seconds())
    here.sync()
    here.check()


def test_a_question_without_an_answer_is_asked_again(tmp_path: Path, shop_file: Path) -> None:
    """What became of a request can wait; it is no reason to fail a run."""
    with local("google", tmp_path, shop_file) as here:
        here.sandbox.faults.script(
            Fault("error", platform="google", method="status", status=503, times=2)
        )
        here.sync()

        assert here.sandbox.faults.waiting == ()
        here.world.check_equal()


def test_an_audience_whose_making_lost_its_answer_is_found_and_not_made_twice(here: Local) -> None:
    """Asked twice, Meta makes two of one name and Google refuses the second."""
    here.sandbox.faults.script(Fault("reset", method="create", when="after"))
    here.sync()

    assert len(here.held.named(ACCOUNTS[here.name], NAME)) == 1
    here.check()


def test_an_audience_that_a_dead_run_asked_for_is_ours_in_the_next(here: Local) -> None:
    """The run never learned that it was made; not every platform says that it is empty."""
    listing = "find" if here.name == "meta" else "list"
    here.sandbox.faults.script(
        Fault("delay", method=listing),  # the first look finds nothing, as it should
        Fault("reset", method="create", when="after"),
        Fault("reset", method=listing, times=LONG),
    )
    with pytest.raises(Unavailable):
        here.sync()
    here.sandbox.faults.clear()
    here.sync()

    assert len(here.held.named(ACCOUNTS[here.name], NAME)) == 1
    here.check()


def test_an_audience_is_replaced_and_others_are_out(here: Local) -> None:
    """Another tool filled it first; ours are in before the others are out, where that can be."""
    number = ACCOUNTS[here.name]
    theirs = here.held.create(number, NAME)
    theirs.add([frozenset({("email", "0" * 64)})], at=here.world.clock.now())
    here.world.clock.pass_by(hours=1)
    found = replace_audience(here.world.parts, actor="test")

    assert found.pushed[Phase.ADD] + found.pushed[Phase.AGAIN] > CUSTOMERS / 2
    here.check()
    known = here.world.ledger.audience_of("all")
    assert known is not None
    assert not known.adopted
    here.pass_a_day()
    here.sync()
    here.check()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_replacement_that_a_reset_cut_off_is_made_good(
    tmp_path: Path, shop_file: Path, when: Literal["before", "after"]
) -> None:
    """In its first batch, which Meta must not get twice, and in a later one."""
    with local("meta", tmp_path, shop_file) as here:
        here.sync()
        for fine in (0, 2):
            if fine:
                here.sandbox.faults.script(Fault("delay", method="replace", times=fine))
            here.sandbox.faults.script(Fault("reset", method="replace", when=when, times=LONG))
            before = here.held.requests["replace"]
            with pytest.raises(Unavailable):
                replace_audience(here.world.parts, actor="test")
            asked = here.held.requests["replace"] - before
            assert asked == 1 if not fine else asked > fine + 1
            here.sandbox.faults.clear()
            here.world.clock.pass_by(hours=2)
            here.sync()
            here.check()
        replace_audience(here.world.parts, actor="test")
        here.check()


def test_an_audience_that_was_refused_to_us_is_not_ours_when_others_made_it(here: Local) -> None:
    """To have asked for a name in vain gives no right to it."""
    code = 200 if here.name == "meta" else "PERMISSION_DENIED"
    here.sandbox.faults.script(Fault("error", method="create", status=400, code=code))
    with pytest.raises(Denied):
        here.sync()
    theirs = here.held.create(ACCOUNTS[here.name], NAME)
    theirs.add([frozenset({("email", "0" * 64)})])
    here.world.restart()  # the operator's next command; in this process the denial stands
    with pytest.raises(ForeignAudience):
        here.sync()


def test_a_run_that_waits_also_takes_out_whom_it_could_not_at_first(
    tmp_path: Path, shop_file: Path
) -> None:
    """Their additions were still under way, so their removals come in a round of their own."""
    with local("google", tmp_path, shop_file) as here:
        here.world.sync()
        here.pass_a_day()
        result = here.world.sync(wait=True)

        assert result.pushed[Phase.REMOVE] > 0
        assert result.plan.counts.waiting_removals == 0
        here.world.check_equal()
