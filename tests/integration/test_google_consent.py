"""Consent on its way to Google, from the shop to the wire: said where given, never made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.ads.datamanager_v1 import types

from tests.contract.google_recorder import (
    CREATE,
    INGEST,
    LIST,
    Recorder,
    ingested,
    recording,
    user_list,
)
from tests.integration.commands import Desk, Hands, digests

GRANTED = int(types.ConsentStatus.CONSENT_GRANTED)
UNSAID = int(types.ConsentStatus.CONSENT_STATUS_UNSPECIFIED)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


def members(recorder: Recorder) -> dict[str, Any]:
    """The members of the one upload, by the digest of their e-mail address."""
    ((_, raw, _),) = [call for call in recorder.calls if call[0] == INGEST]
    request = types.IngestAudienceMembersRequest.pb()()
    request.ParseFromString(raw)
    assert not request.HasField("consent"), "nothing is said for members who said nothing"
    return {
        one.user_data.user_identifiers[0].email_address: one for one in request.audience_members
    }


def test_each_member_travels_with_what_they_said_and_no_more(
    desk: Desk, recorder: Recorder
) -> None:
    """Who said nothing goes only where no law asks; who said no goes nowhere. All are counted."""
    desk.sync.update(account="google", audience="Whales")
    desk.settings["accounts"]["google"]["endpoint"] = f"127.0.0.1:{recorder.port}"
    desk.save()
    desk.join(1, consent="granted", country="NL")
    desk.join(2, consent="granted", country="US")
    desk.join(3, country="US")
    for person, country in enumerate(("NL", "GB", "CH", "NO", ""), start=4):
        desk.join(person, country=country)
    desk.join(10, consent="denied", country="US")
    desk.join(11, consent="denied", country="NL")
    nothing = types.ListUserListsResponse()._pb.SerializeToString()
    # Asked for the account, for the list, before the shop is read and after it, and to make
    # it; then rows, and at last its size.
    made = user_list()._pb.SerializeToString()
    recorder.answers = [nothing, nothing, nothing, made, ingested(), made]

    answer = desk.syncd("sync", "everyone", "--json")
    assert answer.code == 0, answer.said
    assert [method for method, _, _ in recorder.calls][:5] == [LIST, LIST, LIST, CREATE, INGEST]
    sent = members(recorder)
    emails = {
        person: text
        for person in (1, 2, 3)
        for kind, text in digests(person, google=True)
        if kind == "email"
    }
    assert set(sent) == set(emails.values())
    for person in (1, 2):
        consent = sent[emails[person]].consent
        assert (consent.ad_user_data, consent.ad_personalization) == (GRANTED, GRANTED)
    assert not sent[emails[3]].HasField("consent")
    lost = answer.json[0]["plan"]["counts"]["lost"]
    assert lost == {"denied": 2, "not granted where that is required": 5}


def test_consent_that_google_misses_is_counted_by_its_reason(desk: Desk) -> None:
    """It tells later, and as a count only."""
    desk.sync.update(account="google", audience="G")
    desk.save()
    desk.join(*range(5), consent="granted")
    desk.fault(
        platform="google.process",
        kind="refuse_rows",
        method="add",
        rows=(0, 1),
        subcode="NO_CONSENT",
    )
    answer = desk.syncd("sync", "everyone", "--wait", "--json", clock=Hands())
    assert answer.code == 3
    shown = desk.syncd("runs", "show", answer.json[0]["run"]["id"]).out
    assert "2 x NO_CONSENT" in shown
