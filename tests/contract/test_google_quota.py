"""A project's quotas at Google, kept to by all its accounts: real SDK, real patience."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.conformance import batch, member
from connectors.google import PLATFORM, channel, client
from connectors.google.quota import Project
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import GoogleServer, serve
from connectors.sandbox.state import World
from syncd.gate import Gates
from syncd.model import Account, Advice, Operation
from syncd.retry import Patience

CUSTOMERS = ("1234567890", "2345678901")
START = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
PUSH = batch(Operation.ADD, [member(1)])


@dataclass
class Hands:
    """A clock that only waits move; and what was asked in each minute of it."""

    at: datetime = START
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)


class Pages:
    """A ledger's book of waits, that forgets."""

    def throttled(self, platform: str, account: str) -> tuple[datetime, str] | None:  # noqa: ARG002  # as the ledger
        return None

    def throttle(self, platform: str, account: str, until: datetime, code: str) -> None:
        pass

    def warn(self, platform: str, account: str, warning: str) -> None:
        pass


@dataclass
class Local:
    server: GoogleServer
    world: World
    faults: FaultQueue
    hands: Hands
    project: Project
    gates: Gates

    def connect(self, customer: str) -> tuple[client.GoogleConnector, Patience]:
        """An account of the project, as a run has it."""
        made = client.over(
            channel.plaintext(f"127.0.0.1:{self.server.port}"),
            account=customer,
            customer=customer,
            login="",
            randbits=lambda _: 1,
            project=self.project,
        )
        patience = Patience(self.hands, self.gates.of("google", customer), customer)
        patience.heed(PLATFORM, made)
        return made, patience


@pytest.fixture
def local() -> Iterator[Local]:
    world, faults, hands = World(first_id=7_001), FaultQueue(), Hands()
    server = serve(world, faults, delay=0.0, largest_page=1)
    yield Local(server, world, faults, hands, Project(hands.seconds), Gates(Pages()))
    server.stop()


def test_no_minute_has_more_uploads_than_a_project_may_make(local: Local) -> None:
    """Two accounts in turn, far more than their project's quota; nothing is refused."""
    accounts = [local.connect(customer) for customer in CUSTOMERS]
    lists = [made.create("whales").id for made, _ in accounts]
    pushed: list[float] = []
    for number in range(700):
        (made, patience), audience = accounts[number % 2], lists[number % 2]
        upload = made.open(audience, Operation.ADD, rows=1)
        patience.ask(upload.push, PUSH, last=True)
        pushed.append(local.hands.seconds())
    assert local.world.requests["add"] == 700
    begun = Counter(int((at - START.timestamp()) // 60) for at in pushed)
    assert max(begun.values()) <= 300
    for end in pushed:
        assert sum(end - 60 < at <= end for at in pushed) <= 300, "nor any 60 seconds"
    assert local.hands.seconds() - START.timestamp() < 3 * 60, "and no longer than it must"


def test_pages_of_a_listing_count_each(local: Local) -> None:
    """Google takes them for requests; so 90 looks of 3 pages are enough for a minute."""
    for _ in range(3):
        local.world.create(CUSTOMERS[0], "one")
    made, _ = local.connect(CUSTOMERS[0])
    for _ in range(89):
        made.find("one")
    assert made.advice() == Advice()
    made.find("one")
    assert local.world.requests["list"] == 270
    assert made.advice().pause == 60


def test_a_refusal_of_one_account_holds_the_others_too(local: Local) -> None:
    """The quota is their project's: the other learns it from its next answer."""
    (one, patience), (two, others) = (local.connect(customer) for customer in CUSTOMERS)
    local.faults.script(Fault(code="RESOURCE_EXHAUSTED", method="list", retry_after=600.0))
    patience.ask(one.find, "whales")
    assert local.hands.waits == [600.0]
    local.hands.at -= timedelta(seconds=500)
    others.ask(two.find, "whales")
    others.ask(two.find, "whales")
    assert local.hands.waits == [600.0, 500.0]


def key(**fields: str) -> str:
    return json.dumps({"type": "service_account", **fields})


def connected(credentials: str, customer: str = CUSTOMERS[0]) -> client.GoogleConnector:
    options = {"customer_id": customer, "credentials": credentials}
    made = PLATFORM.connect(Account("g", "google", options, "127.0.0.1:9"), lambda _: 1)
    assert isinstance(made, client.GoogleConnector)
    return made


def test_accounts_whose_keys_are_of_one_project_share_its_quotas() -> None:
    """In this process; whose key names another, or none is needed, has none of it."""
    shop, other = key(project_id="shop-1"), key(project_id="shop-2")
    one, two = connected(shop), connected(shop, CUSTOMERS[1])
    assert one.project is two.project is not None
    assert connected(other).project not in (None, one.project)
    moved = key(project_id="shop-2", quota_project_id="shop-1")
    assert connected(moved).project is one.project
    alone = connected(key(client_email="syncd@shop-3.iam.gserviceaccount.com"))
    assert alone.project not in (None, one.project)
    assert connected("anonymous").project is None
    assert connected("anonymous").advice() == Advice()
