"""User lists at Google: what they are made with, and what is made of what Google states."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from google.ads.datamanager_v1 import types

from syncd.errors import AudienceClosed, AudienceUnusable
from syncd.model import AudienceOptions, MatchRate
from tests.contract.google_recorder import Recorder, connect, recording, user_list


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


@pytest.mark.parametrize("days", [1, 30, 540])
def test_a_list_is_made_with_its_options(recorder: Recorder, days: int) -> None:
    """The duration in whole days, which is all that Google takes."""
    made = user_list(membership_duration=timedelta(days=days))
    recorder.answers = [made._pb.SerializeToString()]
    options: AudienceOptions = {"description": "Bought most", "membership_days": days}
    audience = connect(recorder).create("Whales", options)
    request = types.CreateUserListRequest.pb()()
    request.ParseFromString(recorder.calls[0][1])
    assert request.user_list.description == "Bought most"
    assert request.user_list.membership_duration.seconds == days * 86_400
    assert audience.lifespan == timedelta(days=days)


def keys(*names: str | int) -> dict[str, Any]:
    return {"ingested_user_list_info": {"upload_key_types": list(names)}}


@pytest.mark.parametrize(
    ("stated", "code", "said"),
    [
        ({"read_only": True}, "READ_ONLY", "another account owns it"),
        ({"account_access_status": "DISABLED"}, "ACCESS_DISABLED", "no longer shares it"),
        (keys("MOBILE_ID"), "UPLOAD_KEY_TYPE", "is for MOBILE_ID, not for contact data"),
        (keys("USER_ID", "PAIR_ID"), "UPLOAD_KEY_TYPE", "is for USER_ID and PAIR_ID, not"),
        (keys(99), "UPLOAD_KEY_TYPE", "is for UPLOAD_KEY_TYPE 99, not"),
        (keys(), "UPLOAD_KEY_TYPE", "is for no uploads at all"),
        ({"membership_status": "CLOSED"}, "CLOSED", "it is closed, so it takes no new members"),
        (
            {"membership_status": "CLOSED", "closing_reason": "UNUSED"},
            "CLOSED/UNUSED",
            "no campaign used it for a year.*open it again in Google Ads",
        ),
    ],
)
def test_a_list_that_takes_no_members_of_ours_is_unusable(
    recorder: Recorder, stated: dict[str, Any], code: str, said: str
) -> None:
    recorder.answers = [user_list(**stated)._pb.SerializeToString()]
    with pytest.raises(AudienceUnusable, match=said) as caught:
        connect(recorder).read("4711")
    assert caught.value.code == code
    kind = AudienceClosed if code.startswith("CLOSED") else AudienceUnusable
    assert type(caught.value) is kind, "it is there"


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ({}, "membership_status OPEN"),
        ({"membership_status": 0}, ""),
        ({"membership_status": 99}, ""),
        (keys("CONTACT_ID", "MOBILE_ID"), "membership_status OPEN"),
        ({"account_access_status": "ENABLED"}, "membership_status OPEN"),
    ],
)
def test_a_list_says_how_it_is(recorder: Recorder, stated: dict[str, Any], status: str) -> None:
    """Numbers that Google added since the SDK was made say nothing."""
    recorder.answers = [user_list(**stated)._pb.SerializeToString()]
    assert connect(recorder).read("4711").status == status


@pytest.mark.parametrize(
    ("rate", "told"),
    [(0, None), (1, MatchRate(1, 1)), (100, MatchRate(100, 100)), (101, None), (-1, None)],
)
def test_a_list_says_how_many_google_matched(
    recorder: Recorder, rate: int, told: MatchRate | None
) -> None:
    """In percent; 0 where it states none yet, and no number that is no share."""
    found = user_list()
    found._pb.ingested_user_list_info.contact_id_info.match_rate_percentage = rate
    recorder.answers = [found._pb.SerializeToString()]
    read = connect(recorder).read("4711")
    assert (read.matched, read.status) == (told, "membership_status OPEN")
