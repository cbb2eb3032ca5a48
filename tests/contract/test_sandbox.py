"""The local platforms together, and their control port."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import cast

import pytest

from connectors import google, meta, sandbox
from connectors.conformance import account, batch, identifiers, member
from connectors.sandbox import Sandbox
from connectors.sandbox.faults import Fault
from syncd.errors import Unavailable
from syncd.model import Operation


@pytest.fixture
def running() -> Iterator[Sandbox]:
    with sandbox.start() as running:
        yield running


def control(running: Sandbox, verb: str, path: str, content: object = None) -> object:
    request = urllib.request.Request(
        running.control_endpoint + path,
        method=verb,
        data=None if content is None else json.dumps(content).encode(),
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_fault_scripted_over_the_control_port_befalls_the_real_sdk(running: Sandbox) -> None:
    options = {"account_id": "act_1", "access_token": running.meta_token}
    given = account(meta.PLATFORM, options, running.meta_endpoint)
    connector = meta.PLATFORM.connect(given, lambda bits: bits)
    fault = {"platform": "meta", "method": "add", "kind": "reset", "when": "after"}
    assert control(running, "POST", "/faults", fault) == {"waiting": 1}
    upload = connector.open(connector.create("whales").id, Operation.ADD, rows=1)
    with pytest.raises(Unavailable):
        upload.push(batch(Operation.ADD, [member(1)]), last=True)
    shown = control(running, "GET", "/state")
    assert isinstance(shown, dict)
    (audience,) = shown["meta"]
    assert {tuple(one) for one in audience["identifiers"]} == identifiers([member(1)])
    assert audience["persons"] == [audience["identifiers"]]
    counted = control(running, "GET", "/requests")
    assert isinstance(counted, dict)
    assert counted["meta"] == {
        "requests": {"find": 1, "create": 1, "add": 1},  # lists are counted before one is made
        "rows": {"find": 0, "create": 0, "add": 1},
    }


def test_faults_can_be_looked_at_and_forgotten(running: Sandbox) -> None:
    control(running, "POST", "/faults", [{"code": 17}, {"rows": [1], "kind": "refuse_rows"}])
    assert list(running.faults.waiting) == [Fault(code=17), Fault(kind="refuse_rows", rows=(1,))]
    shown = control(running, "GET", "/faults")
    assert isinstance(shown, dict)
    assert [one["code"] for one in shown["faults"]] == [17, 2]
    control(running, "DELETE", "/faults")
    assert not running.faults.waiting


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kidn": "reset"}, "unknown: kidn"),
        ({"kind": "rest"}, "kind must be one of"),
        (7, "a fault is a JSON object"),
    ],
)
def test_a_fault_that_cannot_be_read_is_refused_with_a_reason(
    running: Sandbox, fault: object, reason: str
) -> None:
    answer = control(running, "POST", "/faults", fault)
    assert isinstance(answer, tuple)
    assert answer[0] == 400
    assert reason in answer[1]["error"]


def test_an_unknown_route_is_answered_with_the_known_ones(running: Sandbox) -> None:
    answer = control(running, "GET", "/stat")
    assert isinstance(answer, tuple)
    assert answer[0] == 404
    assert "GET /state" in answer[1]["error"]


@pytest.mark.parametrize("platform", ["meta", "google"])
def test_an_audience_can_be_made_that_somebody_else_filled(running: Sandbox, platform: str) -> None:
    given = {
        "platform": platform,
        "account": "act_1",
        "name": "theirs",
        "members": [[["email", "ab"], ["phone", "cd"]]],
    }
    answer = control(running, "POST", "/world/audience", given)
    assert isinstance(answer, dict)
    made = running.worlds[platform].get(answer["id"])
    assert made
    assert made.ever_filled
    assert made.persons == {frozenset({("email", "ab"), ("phone", "cd")})}
    wrong = control(running, "POST", "/world/audience", {**given, "platform": "tiktok"})
    assert isinstance(wrong, tuple)
    assert "meta, google" in wrong[1]["error"]


def test_what_meta_states_can_be_told_over_the_control_port(running: Sandbox) -> None:
    """Of an account and of an audience; null takes it back, an unknown field is refused."""
    audience = running.meta_world.create("act_1", "whales")
    for where, about in (
        ({"account": "act_1"}, {"custom_audience_tos": 0, "account_status": 2}),
        ({"audience": audience.id}, {"operation_status": 471, "matched": 5000}),
    ):
        assert control(running, "POST", "/about", {**where, **about}) == {"about": about}
        back = {**where, **dict.fromkeys(about)}
        assert control(running, "POST", "/about", back) == {"about": {}}
        wrong = control(running, "POST", "/about", {**where, "colour": "red"})
        assert isinstance(wrong, tuple)
        assert wrong[0] == 400
        assert "unknown: colour; there is" in wrong[1]["error"]
    answer = control(running, "POST", "/about", {"audience": "1", "matched": 1})
    assert answer == (400, {"error": "there is no such audience"})


def test_what_google_states_can_be_told_over_the_control_port(running: Sandbox) -> None:
    audience = running.google_world.create("1234567890", "whales")
    for where, about in (
        ({"account": "1234567890"}, {"manager": "1112223334", "terms": False}),
        ({"audience": audience.id}, {"membership_status": "CLOSED", "matched": 5000}),
    ):
        told = {"platform": "google", **where}
        assert control(running, "POST", "/about", {**told, **about}) == {"about": about}
        wrong = control(running, "POST", "/about", {**told, "operation_status": 471})
        assert isinstance(wrong, tuple)
        assert "unknown: operation_status; there is" in wrong[1]["error"]


def test_google_works_when_told_to() -> None:
    with sandbox.start(google_delay=None) as running:
        options = {"customer_id": "1234567890", "credentials": "anonymous"}
        given = account(google.PLATFORM, options, running.google_endpoint)
        connector = google.PLATFORM.connect(given, lambda bits: bits)
        made = connector.create("whales")
        rows = batch(Operation.ADD, [member(1)])
        receipt = connector.open(made.id, Operation.ADD, rows=1).push(rows, last=True)
        assert connector.outcome(receipt.reference).state == "processing"
        assert control(running, "POST", "/process") == {"processed": True}
        assert connector.outcome(receipt.reference).state == "processed"


def test_a_port_that_is_taken_leaves_nothing_running() -> None:
    with sandbox.start() as running:
        taken = int(running.control_endpoint.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            sandbox.start(control_port=taken)


def test_stopping_twice_does_nothing_more() -> None:
    running = sandbox.start()
    running.stop()
    running.stop()
    with pytest.raises(urllib.error.URLError):
        control(running, "GET", "/state")


def test_importing_the_sandbox_imports_no_vendor() -> None:
    script = "import sys, connectors.sandbox; print({'grpc', 'google.ads'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert shown.stdout.decode().strip() == "set()"


@pytest.mark.parametrize(("how", "state"), [("control", "failed"), ("process", "done")])
def test_a_replacement_that_lingers_ends_when_told(how: str, state: str) -> None:
    """By the control port, good or bad; or with all other work."""
    with sandbox.start(meta_lingers=True) as running:
        options = {"account_id": "act_1", "access_token": running.meta_token}
        given = account(meta.PLATFORM, options, running.meta_endpoint)
        connector = cast("meta.Meta", meta.PLATFORM.connect(given, lambda bits: bits))
        audience = connector.create("whales").id
        upload = connector.replace(audience, rows=1)
        upload.push(batch(Operation.ADD, [member(1)]), last=True)
        assert connector.replacing(audience) == "running"
        if how == "control":
            told = {"audience": audience, "failed": True}
            assert control(running, "POST", "/replacement", told) == {"ended": True}
        else:
            control(running, "POST", "/process", {})
        assert connector.replacing(audience) == state
        assert control(running, "POST", "/replacement", {"audience": "1"}) == (
            400,
            {"error": "'audience 1 was never replaced'"},
        )
