"""Taking out whoever was last added before a moment: on the wire, and in the local platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.ads.datamanager_v1 import types

from connectors.google import client
from connectors.sandbox.state import AudienceState, Row
from syncd.errors import PlatformError, RequestRefused, Throttled, Unavailable
from tests.contract.google_recorder import (
    CUSTOMER,
    LOGIN,
    Recorder,
    connect,
    error,
    info,
    recording,
)

CUT = "IngestionService/RemoveAllAudienceMembers"
BEFORE = datetime(2026, 11, 22, 12, 30, 15, 250_000, tzinfo=UTC)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


def answered(request_id: str = "r-3") -> bytes:
    answer: bytes = types.RemoveAllAudienceMembersResponse(
        request_id=request_id
    )._pb.SerializeToString()
    return answer


def test_what_goes_on_the_wire(recorder: Recorder) -> None:
    """Never without the moment: Google would take it for now, and take out everyone."""
    recorder.answers = [answered()]
    receipt = connect(recorder, login_customer_id=LOGIN).cut("4711", BEFORE)
    ((method, raw, metadata),) = recorder.calls
    request = types.RemoveAllAudienceMembersRequest.pb()()
    request.ParseFromString(raw)
    expected = types.RemoveAllAudienceMembersRequest(
        {
            "destinations": [
                {
                    "operating_account": {"account_type": "GOOGLE_ADS", "account_id": CUSTOMER},
                    "login_account": {"account_type": "GOOGLE_ADS", "account_id": LOGIN},
                    "product_destination_id": "4711",
                }
            ],
            "remove_as_of_time": BEFORE,
        }
    )
    assert method == CUT
    assert request == expected._pb
    assert not request.validate_only
    assert 0 < float(metadata["seconds"]) <= client.QUESTION_SECONDS + 1, "it has an end"
    assert (receipt.received, receipt.reference, receipt.final) == (0, "r-3", False)


def test_an_answer_without_an_id_is_none(recorder: Recorder) -> None:
    recorder.answers = [answered("")]
    with pytest.raises(Unavailable):
        connect(recorder).cut("4711", BEFORE)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (error("INVALID_ARGUMENT", info("INVALID_REMOVE_AS_OF_TIME")), RequestRefused),
        (error("UNAVAILABLE"), Unavailable),
        (error("RESOURCE_EXHAUSTED"), Throttled),
    ],
)
def test_an_error_is_translated_and_nothing_is_tried_again(
    recorder: Recorder, told: object, kind: type[PlatformError]
) -> None:
    recorder.answers = [told]
    with pytest.raises(kind) as caught:
        connect(recorder).cut("4711", BEFORE)
    assert len(recorder.calls) == 1
    if kind is RequestRefused:
        assert "clock is ahead" in str(caught.value)


# --- what the local platform makes of it ---------------------------------------


def row(*texts: str) -> Row:
    return frozenset(("email", text) for text in texts)


def test_who_was_added_again_since_stays_and_a_late_addition_does_not_make_one_older() -> None:
    early, late = BEFORE - timedelta(hours=2), BEFORE + timedelta(hours=2)
    held = AudienceState("1", "whales", "a")
    held.add([row("old"), row("again")], at=early)
    held.add([row("again"), row("new")], at=late)
    held.add([row("new")], at=early)  # asked for before, done after
    held.cut(BEFORE)
    assert held.identifiers == row("again", "new")
    assert held.persons == {row("again"), row("new")}


def test_a_person_stays_with_all_that_is_known_of_them_if_any_was_added_since() -> None:
    early, late = BEFORE - timedelta(hours=2), BEFORE + timedelta(hours=2)
    held = AudienceState("1", "whales", "a")
    held.add([row("work", "home")], at=early)
    held.add([row("home")], at=late)
    held.cut(BEFORE)
    assert held.identifiers == row("home")
    assert held.persons == {row("work", "home")}
