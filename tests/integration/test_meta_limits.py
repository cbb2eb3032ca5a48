"""Meta's limits are kept to before Meta has to say no, by what its answers state.

The real SDK over a real socket, to a local Meta that counts as Meta does; only the clock
is ours, and a wait moves its hands.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import meta
from connectors.meta.errors import ASK_AGAIN
from connectors.meta.usage import LIMITED, SPREAD
from connectors.sandbox import Sandbox, start
from connectors.sandbox.faults import Fault
from connectors.sandbox.meta_limits import TierName
from connectors.sandbox.state import REPLACED_WITHIN, AudienceState
from syncd.errors import Throttled
from syncd.ledger.accounts import Throttle
from syncd.model import Account, BatchRecord, PlanId, SegmentQuery
from syncd.retry import WAITING
from syncd.shop import open_shop
from tests.integration.ledger_databases import Hands
from tests.integration.worlds import NAME, World

ROWS = 20  # in a batch
BATCHES = 60
IN_FLIGHT = meta.PLATFORM.capabilities.in_flight
ACCOUNT = "act_1"
SQL = "SELECT customer_key, email FROM members ORDER BY customer_key"


@dataclass
class Watching(Hands):
    """A clock; with each wait it is kept what another process would read of it.

    Attributes:
        told: What the ledger said of the account as each wait began.
    """

    world: World | None = None
    told: list[Throttle | None] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        assert self.world is not None
        self.told.append(self.world.ledger.accounts.throttled("meta", self.world.account.name))
        super().sleep(seconds)


@dataclass
class Limited:
    """A world around a Meta that has limits.

    Attributes:
        clock: Of both.
    """

    world: World
    sandbox: Sandbox
    clock: Watching

    @property
    def requests(self) -> Counter[str]:
        return Counter(self.sandbox.meta_world.requests)

    def batches(self, plan: PlanId) -> tuple[BatchRecord, ...]:
        return self.world.ledger.batches(plan)

    @property
    def waited(self) -> float:
        return sum(self.clock.slept)


@contextmanager
def limited(
    folder: Path, tier: TierName, *, batches: int, in_flight: int = IN_FLIGHT
) -> Iterator[Limited]:
    with closing(sqlite3.connect(folder / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE members (customer_key TEXT, email TEXT)")
        members = [(f"c:{n:05}", f"member{n}@shop.test") for n in range(batches * ROWS)]
        shop.executemany("INSERT INTO members VALUES (?, ?)", members)
    clock = Watching()
    with start(meta_tier=tier) as sandbox:
        sandbox.meta_world.now = clock.now
        options = {"account_id": ACCOUNT, "access_token": sandbox.meta_token}

        def audience() -> AudienceState | None:
            return next(iter(sandbox.meta_world.named(ACCOUNT, NAME)), None)

        capabilities = replace(
            meta.PLATFORM.capabilities,
            max_rows=ROWS,
            max_slots=None,
            in_flight=in_flight,
            upload_worth=1,
        )
        world = World(
            folder,
            replace(meta.PLATFORM, capabilities=capabilities),
            Account(ACCOUNT, "meta", options, sandbox.meta_endpoint),
            audience,
            open_shop(f"sqlite:///{folder / 'shop.db'}", None, timezone="UTC"),
            folder / "shop.db",
            SegmentQuery("everyone", SQL, {}, "test"),
            clock=clock,
        )
        clock.world = world
        try:
            yield Limited(world, sandbox, clock)
        finally:
            world.close()


def taken(here: Limited) -> int:
    found = here.world.audience()
    return found.size if found else 0


def test_sixty_batches_of_a_limited_account_are_sent_without_one_refusal(tmp_path: Path) -> None:
    """It may write 20 times in 5 minutes, and is shut out for 5 more if it tries again."""
    with limited(tmp_path, "limited", batches=BATCHES) as here:
        result = here.world.sync()

        assert sum(result.pushed.values()) == taken(here) == BATCHES * ROWS
        assert here.requests["add"] == BATCHES, "each was sent once: none was refused"
        attempts = [here.world.ledger.attempts(b.id) for b in here.batches(result.plan.id)]
        assert {len(each) for each in attempts} == {1}
        least = (BATCHES // SPREAD - 1) * LIMITED
        assert least <= here.waited <= 2.5 * least, "and no more was waited than that takes"
        assert set(here.clock.slept) == {LIMITED / SPREAD, LIMITED}


def test_a_run_goes_on_for_as_long_as_it_gets_on(tmp_path: Path) -> None:
    """Longer than a run waits for refusals in all; each long wait can be read elsewhere."""
    with limited(tmp_path, "limited", batches=120) as here:
        here.world.sync()
        assert here.waited > WAITING
        assert here.requests["add"] == 120
        waits = zip(here.clock.told, here.clock.slept, strict=True)
        long = [told for told, seconds in waits if seconds == LIMITED]
        assert all(told.code.startswith("ad account usage 9") for told in long if told)
        assert all(long), "why and until when, as it begins"
        assert here.world.ledger.accounts.throttled("meta", ACCOUNT) is None, "it is over"


def test_full_access_sends_the_same_without_a_wait(tmp_path: Path) -> None:
    with limited(tmp_path, "full", batches=BATCHES) as here:
        here.world.sync()
        assert here.clock.slept == []
        assert here.requests["add"] == BATCHES


def test_a_wait_of_an_hour_ends_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    with limited(tmp_path, "full", batches=5) as here:
        fine = Fault("delay", method="add", times=2)
        hour = Fault(status=400, code=80003, retry_after=3_600.0, method="add")
        here.sandbox.faults.script(fine, hour)
        with pytest.raises(Throttled) as caught:
            here.world.sync()
        assert (caught.value.exit_code, here.clock.slept) == (75, [])
        told = here.world.ledger.accounts.throttled("meta", ACCOUNT)
        assert told == Throttle(here.clock.now() + timedelta(hours=1), "80003")
        here.clock.pass_by(minutes=50)
        here.world.sync()
        assert here.waited == 600, "what was left of it"
        assert taken(here) == 5 * ROWS
        assert here.requests["add"] == 6, "none that was taken went out again"


def test_an_audience_that_others_replace_is_waited_for(tmp_path: Path) -> None:
    """Meta gives that 90 minutes; others of the account need not wait."""
    with limited(tmp_path, "", batches=1) as here:
        here.world.sync()
        with closing(sqlite3.connect(tmp_path / "shop.db")) as shop, shop:
            shop.execute("INSERT INTO members VALUES ('c:99999', 'late@shop.test')")
        found = here.world.audience()
        assert found is not None
        found.replace("another tool's", here.clock.now())
        here.world.sync()
        assert set(here.clock.slept) == {ASK_AGAIN}
        assert here.waited == REPLACED_WITHIN.total_seconds()
        assert here.clock.told == [None] * len(here.clock.slept)
        assert found.size == 1
