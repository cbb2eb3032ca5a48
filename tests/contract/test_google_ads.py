"""The Google Ads API connector against the suite of all connectors, over real gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from connectors.conformance import (
    REFUSED_ROW,
    RETRY_AFTER,
    ConnectorContract,
    FaultName,
    Rig,
    account,
)
from connectors.google_ads import PLATFORM
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import GoogleServer, serve
from connectors.sandbox.state import Identifier, World
from syncd.model import HASHED_KINDS
from syncd.ports import Connector, Platform

CUSTOMER = "1234567890"
_JOB = "offline_user_data_job_error"

FAULTS: dict[FaultName, Fault] = {
    "throttled": Fault(
        code="RESOURCE_EXHAUSTED",
        subcode="quota_error.RESOURCE_EXHAUSTED",
        retry_after=RETRY_AFTER,
        method="add",
    ),
    "throttled_silently": Fault(code="RESOURCE_EXHAUSTED", method="add"),
    "unavailable": Fault(code="UNAVAILABLE", method="add"),
    "reset_before": Fault("reset", method="add"),
    "reset_after": Fault("reset", when="after", method="add"),
    "malformed": Fault("malformed", method="add"),
    "request_refused": Fault(
        code="INVALID_ARGUMENT", subcode=f"{_JOB}.INVALID_SHA256_FORMAT", method="add"
    ),
    "refuse_row": Fault("refuse_rows", rows=(REFUSED_ROW,), method="add"),
}

# A list takes identifiers of one sort; what follows is about one of contact data.
OF_CONTACTS = replace(
    PLATFORM, capabilities=replace(PLATFORM.capabilities, kinds=frozenset(HASHED_KINDS))
)


@dataclass
class AdsRig:
    """The sandbox, working only when the suite lets it settle."""

    server: GoogleServer
    world: World
    faults: FaultQueue
    platform: Platform = OF_CONTACTS
    plain_fields: frozenset[str] = frozenset({"postcode", "country"})
    secrets: tuple[str, ...] = ()
    unknown_id: str = "987654321"
    random: Random = field(default_factory=lambda: Random(0))

    def connect(self, *, denied: bool = False) -> Connector:
        options = {"customer_id": "9999999999" if denied else CUSTOMER, "credentials": "anonymous"}
        made = account(PLATFORM, options, f"127.0.0.1:{self.server.port}")
        return PLATFORM.connect(made, self.random.getrandbits)

    def fault(self, name: FaultName) -> None:
        self.faults.script(FAULTS[name])

    def settle(self) -> None:
        """As the core does: ask after every receipt, and that runs what was left un-run."""
        connector = self.connect()
        for job in self.server.ads.jobs.all():
            if job.rows and not job.started:
                assert connector.outcome(job.name).state == "processing"
        self.server.process()

    def identifiers(self, audience_id: str) -> frozenset[Identifier]:
        audience = self.world.get(audience_id)
        assert audience is not None
        return audience.identifiers

    def requests(self) -> int:
        """Those that carry rows; making and running a job are requests of their own."""
        return self.world.requests["ads.add"] + self.world.requests["ads.search"]


class TestGoogleAds(ConnectorContract):
    """Every promise, kept by the real SDK against the sandbox."""

    @pytest.fixture
    def rig(self) -> Iterator[AdsRig]:
        world, faults = World(first_id=7_001), FaultQueue()
        server = serve(world, faults, delay=None, accounts=(CUSTOMER,))
        yield AdsRig(server, world, faults)
        server.stop()

    def test_find_returns_every_audience_of_exactly_this_name(self, rig: Rig) -> None:
        """As the suite's; but Google makes no second list of a name, so another tool did."""
        assert isinstance(rig, AdsRig)
        connector = rig.connect()
        assert connector.find("whales") == ()
        made = [connector.create("whales").id]
        for name in ("Whales", "whales ", "whales 2", 'it\'s \\ "w"', *(f"other {n}" for n in "1")):
            assert [connector.create(name).id] == [one.id for one in connector.find(name)]
        rig.world.create("5555555555", "whales")
        made.append(rig.world.create(CUSTOMER, "whales").id)
        assert sorted(found.id for found in connector.find("whales")) == sorted(made)
        assert {found.name for found in connector.find("whales")} == {"whales"}
