from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from connectors.conformance import (
    REFUSED_ROW,
    RETRY_AFTER,
    ConnectorContract,
    FaultName,
    Rig,
    account,
)
from connectors.meta import PLATFORM
from connectors.sandbox import meta
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.state import Identifier, World
from syncd.model import ID_CELLS
from syncd.ports import Connector, Platform

FAULTS: dict[FaultName, Fault] = {
    "throttled": Fault(status=400, code=80003, retry_after=RETRY_AFTER),
    "throttled_silently": Fault(status=400, code=17, subcode=2446079),
    "unavailable": Fault(status=500, code=2, transient=True),
    "reset_before": Fault(kind="reset"),
    "reset_after": Fault(kind="reset", when="after"),
    "malformed": Fault(kind="html", status=200),
    "request_refused": Fault(status=400, code=100),
    "refuse_row": Fault(kind="refuse_rows", rows=(REFUSED_ROW,)),
}


class MetaRig:
    """The real SDK against the local Graph API, over a socket, with an app secret."""

    platform: Platform = PLATFORM
    plain_fields: frozenset[str] = frozenset(ID_CELLS)
    secrets: tuple[str, ...] = (meta.TOKEN, "made-up-app-secret", "revoked-token")
    unknown_id = "23850000099999999"

    def __init__(self) -> None:
        self.world = World(first_id=meta.FIRST_ID)
        self.faults = FaultQueue()
        self.server = meta.serve(self.world, self.faults, app_secret="made-up-app-secret")
        self._numbers = count(1)

    def connect(self, *, denied: bool = False) -> Connector:
        options = {
            "account_id": "act_1",
            "access_token": "revoked-token" if denied else meta.TOKEN,
            "app_secret": "made-up-app-secret",
        }
        endpoint = f"http://127.0.0.1:{self.server.port}"
        given = account(self.platform, options, endpoint)
        return self.platform.connect(given, lambda bits: 2 ** (bits - 1) + next(self._numbers))

    def fault(self, name: FaultName) -> None:
        self.faults.script(FAULTS[name])

    def settle(self) -> None:
        assert not self.faults.waiting

    def identifiers(self, audience_id: str) -> frozenset[Identifier]:
        found = self.world.get(audience_id)
        assert found
        return found.identifiers

    def requests(self) -> int:
        return sum(self.world.requests.values())


class TestMeta(ConnectorContract):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        rig = MetaRig()
        yield rig
        rig.server.stop()


def test_the_local_token_is_the_one_that_a_configuration_may_hold() -> None:
    (option,) = (one for one in PLATFORM.options if one.name == "access_token")
    assert option.on_loopback_only == (meta.TOKEN,)
