from __future__ import annotations

import itertools

import pytest

from connectors import memory
from connectors.conformance import (
    REFUSED_ROW,
    RETRY_AFTER,
    ConnectorContract,
    FaultName,
    Rig,
    account,
    batch,
    identifiers,
    member,
)
from connectors.memory import Fail, GoThrough, LoseAnswer, RefuseRows
from connectors.sandbox.state import Identifier
from syncd.errors import RequestRefused, Throttled, Unavailable
from syncd.model import Operation, Outcome
from syncd.ports import Connector, Platform

_FRESH = itertools.count()


class MemoryRig:
    plain_fields: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()
    unknown_id = "999999"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.name = f"conformance-{next(_FRESH)}"
        self.world = memory.world(self.name)

    def connect(self, *, denied: bool = False) -> Connector:
        self.world.denied = denied
        options = {"world": self.name}
        return self.platform.connect(account(self.platform, options), lambda bits: bits)

    def fault(self, name: FaultName) -> None:
        who = self.platform.name
        steps: dict[FaultName, memory.Step] = {
            "throttled": Fail(Throttled(who, "busy", retry_after=RETRY_AFTER)),
            "throttled_silently": Fail(Throttled(who, "busy")),
            "unavailable": Fail(Unavailable(who, "down")),
            "reset_before": Fail(Unavailable(who, "reset")),
            "reset_after": LoseAnswer(),
            "malformed": Fail(Unavailable(who, "malformed")),
            "request_refused": Fail(RequestRefused(who, "no")),
            "refuse_row": RefuseRows((REFUSED_ROW,)),
        }
        self.world.script([steps[name]])

    def settle(self) -> None:
        self.world.process()

    def identifiers(self, audience_id: str) -> frozenset[Identifier]:
        found = self.world.audiences.get(audience_id)
        assert found
        return found.identifiers

    def requests(self) -> int:
        return self.world.pushes


class TestMemory(ConnectorContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return MemoryRig(memory.PLATFORM)


class TestMemoryLater(ConnectorContract):
    @pytest.fixture
    def rig(self) -> Rig:
        return MemoryRig(memory.LATER)


def test_later_work_takes_effect_in_the_order_the_test_chooses() -> None:
    rig = MemoryRig(memory.LATER)
    connector = rig.connect()
    audience = connector.create("whales").id
    receipts = [
        connector.open(audience, operation, rows=1).push(batch(operation, [member(1)]), last=True)
        for operation in (Operation.REMOVE, Operation.ADD)
    ]
    assert rig.world.pending == tuple(receipt.reference for receipt in receipts)
    rig.world.process([receipts[1].reference])
    assert rig.identifiers(audience) == identifiers([member(1)])
    rig.world.process([receipts[0].reference])
    assert rig.identifiers(audience) == frozenset()
    rig.world.process([receipts[1].reference])
    assert rig.identifiers(audience) == frozenset()


def test_later_work_can_fail_and_then_nothing_of_it_is_applied() -> None:
    rig = MemoryRig(memory.LATER)
    connector = rig.connect()
    audience = connector.create("whales").id
    upload = connector.open(audience, Operation.ADD, rows=1)
    receipt = upload.push(batch(Operation.ADD, [member(1)]), last=True)
    rig.world.process(fail={receipt.reference})
    assert connector.outcome(receipt.reference) == Outcome("failed")
    assert rig.identifiers(audience) == frozenset()


def test_steps_befall_one_push_each_in_order() -> None:
    rig = MemoryRig(memory.PLATFORM)
    rig.world.script([GoThrough(), Fail(Unavailable("memory", "down"))])
    connector = rig.connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=1)
    assert upload.push(batch(Operation.ADD, [member(1)]), last=False).received == 1
    with pytest.raises(Unavailable):
        upload.push(batch(Operation.ADD, [member(1)]), last=False)
    assert upload.push(batch(Operation.ADD, [member(1)]), last=True).received == 1


def test_a_row_without_identifiers_is_a_bug_of_ours() -> None:
    connector = MemoryRig(memory.PLATFORM).connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=1)
    with pytest.raises(ValueError, match="row 0 of the batch holds no identifier"):
        upload.push(batch(Operation.ADD, [member(1, "given_name")]), last=True)


def test_worlds_are_kept_by_account_name_unless_told_otherwise() -> None:
    connector = memory.PLATFORM.connect(account(memory.PLATFORM, {}), lambda bits: bits)
    made = connector.create("a name of its own")
    assert memory.world("conformance").audiences.get(made.id)
