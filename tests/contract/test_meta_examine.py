"""What Meta's answers about an account and an audience mean, over the real SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from connectors.sandbox.faults import Fault
from syncd.errors import Unavailable
from syncd.model import Finding
from syncd.ports import Examines
from tests.contract.test_meta import MetaRig

ACCOUNT = {"id": "act_1", "account_id": "1", "account_status": 1}
ACCEPTED = {"custom_audience_tos": 1}


@pytest.fixture
def rig() -> Iterator[MetaRig]:
    made = MetaRig()
    yield made
    made.server.stop()


def examined(rig: MetaRig, *audiences: str, **answer: object) -> tuple[Finding, ...]:
    """What becomes of this answer to the first question."""
    if answer:
        rig.faults.script(Fault(kind="malformed", status=200, body=json.dumps(answer)))
    connector = rig.connect()
    assert isinstance(connector, Examines)
    return connector.examine(audiences)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({"tos_accepted": ACCEPTED}, "good"),
        ({"tos_accepted": {"custom_audience_tos": "1", "web_custom_audience_tos": 0}}, "good"),
        ({"tos_accepted": [], "user_tos_accepted": ACCEPTED}, "good"),
        ({"user_tos_accepted": ACCEPTED}, "good"),
        ({"tos_accepted": {"web_custom_audience_tos": 1}}, "denied"),
        ({"tos_accepted": {"custom_audience_tos": 0}}, "denied"),
        ({"tos_accepted": []}, "denied"),
        ({"user_tos_accepted": {"custom_audience_tos": 0}}, "warning"),
        ({}, "warning"),
    ],
)
def test_the_terms_are_accepted_by_the_business_or_by_the_token(
    rig: MetaRig, told: dict[str, object], verdict: str
) -> None:
    """What Meta does not state denies nothing: an upload will tell."""
    (found,) = examined(rig, **ACCOUNT, **told)
    assert found.verdict == verdict


def test_two_things_that_are_wrong_are_two_findings(rig: MetaRig) -> None:
    found = examined(rig, **(ACCOUNT | {"account_status": 9}), tos_accepted=[])
    assert [(one.verdict, one.code) for one in found] == [
        ("warning", "account_status 9"),
        ("denied", "custom_audience_tos"),
    ]


@pytest.mark.parametrize("answer", [{"id": "act_1"}, {"account_id": "2"}, {"data": []}])
def test_an_answer_about_something_else_is_none(rig: MetaRig, answer: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        examined(rig, **answer)


@pytest.mark.parametrize(
    ("about", "verdict", "code"),
    [
        ({}, "good", "operation_status 410"),
        ({"operation_status": 0}, "good", "operation_status 0"),
        ({"operation_status": 100}, "warning", "operation_status 100"),
        ({"operation_status": 450}, "good", "operation_status 450"),
        ({"operation_status": 470}, "unusable", "operation_status 470"),
        ({"operation_status": 471, "delete_time": 1}, "unusable", "operation_status 471"),
        ({"operation_status": 500}, "unusable", "operation_status 500"),
        ({"operation_status": 999}, "good", "operation_status 999"),
        ({"subtype": "LOOKALIKE"}, "unusable", "subtype"),
    ],
)
def test_what_an_audience_states(
    rig: MetaRig, about: dict[str, object], verdict: str, code: str
) -> None:
    audience = rig.world.create("act_1", "whales")
    audience.about.update(about)
    *_, found = examined(rig, audience.id)
    assert (found.subject, found.verdict, found.code) == (audience.id, verdict, code)
    assert bool(found.link) is (verdict != "good")


def test_a_question_that_is_not_taken_says_nothing_of_the_account(rig: MetaRig) -> None:
    rig.faults.script(Fault(status=400, code=100, method="account"))
    (found,) = examined(rig)
    assert (found.verdict, found.code, found.reference) == ("warning", "100", "AsandboxFault")
