"""The line to Meta: it ends in time, nothing is printed, and the version is the one asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from connectors.conformance import account, batch, member
from connectors.meta import PLATFORM, Meta, client
from connectors.sandbox.faults import Fault
from connectors.sandbox.wire import json_reply
from syncd.errors import ConfigError, RequestRefused, Unavailable
from syncd.model import Operation
from tests.contract.test_meta import MetaRig
from tests.contract.test_meta_replacing import Recorder

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


@pytest.mark.parametrize(("given", "asked"), [(None, "v26.0"), ("v25.0", "v25.0"), ("", "v26.0")])
def test_the_version_is_the_sdks_or_the_one_that_is_configured(
    given: str | None, asked: str
) -> None:
    with Recorder(json_reply(200, {"data": []})) as recorder:
        options = {"account_id": "1", "access_token": "the-token"}
        options |= {} if given is None else {"graph_version": given}
        PLATFORM.connect(account(PLATFORM, options, recorder.endpoint), lambda n: n).find("whales")
    assert recorder.seen[0].path == f"/{asked}/act_1/customaudiences"


@pytest.mark.parametrize("given", ["26", "26.0", "v26", "v26.0/act_2", "latest", "v26.0\n"])
def test_a_version_that_is_none_is_refused(given: str) -> None:
    options = {"account_id": "1", "access_token": "the-token", "graph_version": given}
    with pytest.raises(ConfigError, match=r"graph_version must be of the form v26\.0"):
        PLATFORM.connect(account(PLATFORM, options), lambda n: n)


def test_a_version_that_meta_is_about_to_retire_is_warned_of() -> None:
    """With whatever request says so: not all do."""
    headers = {"X-Ad-Api-Version-Warning": "Meta's own words"}
    audience = {"id": "7", "name": "whales", "subtype": "CUSTOM"}
    answers = json_reply(200, {"data": []}, headers), json_reply(200, audience)
    with Recorder(*answers) as recorder:
        connector = recorder.connector()
        connector.find("whales")
        connector.read("7")
        warning = connector.advice().warning
    assert "graph_version" in warning
    assert "own words" not in warning


def test_the_sdk_trusts_no_roots_of_its_own_also_with_app_secret_and_endpoint() -> None:
    """Its bundle holds expired and distrusted ones, and it would stand before the system's."""
    options = {"account_id": "1", "access_token": "the-token", "app_secret": "app"}
    for endpoint in (None, "https://proxy.example.com", "http://127.0.0.1:9"):
        connector = PLATFORM.connect(account(PLATFORM, options, endpoint), lambda n: n)
        assert isinstance(connector, Meta)
        session = vars(connector.client._api)["_session"]
        assert session.requests.verify is True
        assert session.requests.params == {}
        assert session.timeout == client.TIMEOUT


def test_an_uncaught_error_is_reported_to_nobody(rig: MetaRig) -> None:
    """The SDK's crash reporter posts stack traces to Meta, once `FacebookAdsApi.init` ran."""
    script = """
import sys
from connectors.conformance import account
from connectors.meta import PLATFORM
options = {"account_id": "1", "access_token": sys.argv[2]}
connector = PLATFORM.connect(account(PLATFORM, options, sys.argv[1]), lambda n: n)
assert sys.excepthook is sys.__excepthook__
connector.find("whales")
"""
    endpoint = f"http://127.0.0.1:{rig.server.port}"
    command = [sys.executable, "-c", script, endpoint, "revoked-token"]
    dead = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "syncd.errors.Denied" in dead.stderr
    assert "revoked-token" not in dead.stderr
    assert sum(rig.world.requests.values()) == 1
