"""When an access token ends, by what Meta states of it, over the real SDK."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.sandbox.faults import Fault
from connectors.sandbox.meta_nodes import TOKEN_NODE
from syncd.errors import RequestRefused, Unavailable
from syncd.ports import Expires
from tests.contract.test_meta import MetaRig

SOON, LATER = (datetime(2030, 5, day, 12, tzinfo=UTC) for day in (17, 18))


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    made = MetaRig()
    yield made
    made.server.stop()


def expiry(rig: MetaRig, *, denied: bool = False) -> datetime | None:
    connector = rig.connect(denied=denied)
    assert isinstance(connector, Expires)
    return connector.expiry()


@pytest.mark.parametrize(
    ("stated", "ends"),
    [
        ({}, None),
        ({"expires_at": SOON.timestamp()}, SOON),
        ({"data_access_expires_at": SOON.timestamp()}, SOON),
        ({"expires_at": LATER.timestamp(), "data_access_expires_at": SOON.timestamp()}, SOON),
        ({"expires_at": SOON.timestamp(), "data_access_expires_at": LATER.timestamp()}, SOON),
    ],
)
def test_the_first_end_counts_and_zero_is_never(
    rig: MetaRig, stated: dict[str, float], ends: datetime | None
) -> None:
    rig.world.about[TOKEN_NODE].update({name: int(at) for name, at in stated.items()})
    assert expiry(rig) == ends
    assert rig.requests() == 1


@pytest.mark.parametrize("code", [10, 100, 190, 200, 294])
def test_a_refusal_is_of_this_question_alone(rig: MetaRig, code: int) -> None:
    """A `Denied` would keep the account's other requests from going out."""
    rig.faults.script(Fault(status=400, code=code, method="debug"))
    with pytest.raises(RequestRefused) as refused:
        expiry(rig)
    assert refused.value.code == str(code)
    with pytest.raises(RequestRefused):
        expiry(rig, denied=True)


@pytest.mark.parametrize(
    "answer", [{}, {"data": []}, {"data": {"is_valid": True, "expires_at": 10**18}}]
)
def test_an_answer_that_is_none_says_nothing(rig: MetaRig, answer: dict[str, object]) -> None:
    rig.faults.script(Fault(kind="malformed", status=200, body=json.dumps(answer)))
    with pytest.raises(Unavailable):
        expiry(rig)


def test_a_token_that_meta_calls_invalid_has_no_end(rig: MetaRig) -> None:
    body = json.dumps({"data": {"is_valid": False, "expires_at": 0}})
    rig.faults.script(Fault(kind="malformed", status=200, body=body))
    with pytest.raises(RequestRefused):
        expiry(rig)


def test_the_token_that_is_asked_about_stands_in_no_url(
    rig: MetaRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    expiry(rig)
    assert "POST /v26.0/debug_token" in caplog.text  # urllib3 did log the request
    for secret in rig.secrets:
        assert secret not in caplog.text
