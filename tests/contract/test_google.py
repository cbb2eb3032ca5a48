"""The Google connector against the suite of all connectors, over real gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from connectors.conformance import (
    REFUSED_ROW,
    RETRY_AFTER,
    ConnectorContract,
    FaultName,
    Rig,
    account,
)
from connectors.google import PLATFORM
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import GoogleServer, serve
from connectors.sandbox.state import Identifier, World
from syncd.ports import Connector, Platform

CUSTOMER = "1234567890"
METHODS = ("get", "list", "create", "add", "remove", "cut", "status")

FAULTS: dict[FaultName, Fault] = {
    "throttled": Fault(code="RESOURCE_EXHAUSTED", retry_after=RETRY_AFTER),
    "throttled_silently": Fault(code="RESOURCE_EXHAUSTED", subcode="RATE_LIMIT_EXCEEDED"),
    "unavailable": Fault(code="UNAVAILABLE"),
    "reset_before": Fault("reset"),
    "reset_after": Fault("reset", when="after"),
    "malformed": Fault("malformed"),
    "request_refused": Fault(code="INVALID_ARGUMENT", subcode="INVALID_SHA256_FORMAT"),
    "refuse_row": Fault("refuse_rows", rows=(REFUSED_ROW,)),
}


@dataclass
class GoogleRig:
    """The sandbox, working only when the suite lets it settle."""

    server: GoogleServer
    world: World
    faults: FaultQueue
    platform: Platform = PLATFORM
    plain_fields: frozenset[str] = frozenset({"postcode", "country"})
    secrets: tuple[str, ...] = ()
    unknown_id: str = "987654321"

    def connect(self, *, denied: bool = False) -> Connector:
        options = {"customer_id": "9999999999" if denied else CUSTOMER, "credentials": "anonymous"}
        made = account(PLATFORM, options, f"127.0.0.1:{self.server.port}")
        return PLATFORM.connect(made, lambda bits: 1 << (bits - 1))

    def fault(self, name: FaultName) -> None:
        self.faults.script(FAULTS[name])

    def settle(self) -> None:
        self.server.process()

    def identifiers(self, audience_id: str) -> frozenset[Identifier]:
        audience = self.world.get(audience_id)
        assert audience is not None
        return audience.identifiers

    def requests(self) -> int:
        return sum(self.world.requests[method] for method in METHODS)


class TestGoogle(ConnectorContract):
    """Every promise, kept by the real SDK against the sandbox."""

    @pytest.fixture
    def rig(self) -> Iterator[GoogleRig]:
        world, faults = World(first_id=7_001), FaultQueue()
        server = serve(world, faults, delay=None, largest_page=2, accounts=(CUSTOMER,))
        yield GoogleRig(server, world, faults)
        server.stop()

    def test_find_returns_every_audience_of_exactly_this_name(self, rig: Rig) -> None:
        """As the suite's; but Google makes no second list of a name, so another tool did."""
        assert isinstance(rig, GoogleRig)
        connector = rig.connect()
        assert connector.find("whales") == ()
        made = [connector.create("whales").id]
        for name in ("Whales", "whales ", "whales 2", *(f"other {n}" for n in range(30))):
            connector.create(name)
        rig.world.create("5555555555", "whales")
        made.append(rig.world.create(CUSTOMER, "whales").id)
        assert sorted(found.id for found in connector.find("whales")) == sorted(made)
        assert {found.name for found in connector.find("whales")} == {"whales"}
