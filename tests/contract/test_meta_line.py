"""The line to Meta: it ends in time, nothing is printed, and the version is the one asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.conformance import batch, member
from connectors.meta import client
from connectors.sandbox.faults import Fault
from syncd.errors import RequestRefused, Unavailable
from syncd.model import Operation
from tests.contract.test_meta import MetaRig

PUSH = batch(Operation.ADD, [member(1), member(2)])


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    rig = MetaRig()
    yield rig
    rig.server.stop()


def test_silence_and_a_closed_door_are_no_answer(
    rig: MetaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a timeout, which the SDK does not set, silence would last for ever."""
    monkeypatch.setattr(client, "TIMEOUT", (1.0, 0.2))
    connector = rig.connect()
    rig.faults.script(Fault(kind="delay", seconds=30))
    with pytest.raises(Unavailable):
        connector.find("whales")
    rig.server.stop()
    with pytest.raises(Unavailable):
        connector.find("whales")


def test_nothing_is_printed(rig: MetaRig, capfd: pytest.CaptureFixture[str]) -> None:
    """The SDK can print each request as a command, with token and rows."""
    connector = rig.connect()
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=2)
    rig.faults.script(Fault(status=400, code=100))
    with pytest.raises(RequestRefused):
        upload.push(PUSH, last=True)
    upload.push(PUSH, last=True)
    assert capfd.readouterr() == ("", "")
