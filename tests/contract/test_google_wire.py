"""What the Google connector puts on the wire, byte for byte, through the real SDK."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import timedelta

import pytest
from google.ads.datamanager_v1 import types

from connectors.conformance import member
from connectors.google import client
from syncd.errors import (
    AudienceUnusable,
)
from syncd.model import ROW_COLUMNS, Batch, BatchId, Operation
from tests.contract.google_recorder import (
    CREATE,
    CUSTOMER,
    INGEST,
    LOGIN,
    PLAIN,
    REMOVE,
    Recorder,
    adding,
    connect,
    digest,
    ingested,
    push,
    recording,
    rows_of,
    user_list,
)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


def whole_request() -> types.IngestAudienceMembersRequest:
    """What carries one member with every cell, written down by hand."""
    hexes = {name: digest(name).hex() for name in ROW_COLUMNS[:8]}
    return types.IngestAudienceMembersRequest(
        {
            "destinations": [
                {
                    "operating_account": {"account_type": "GOOGLE_ADS", "account_id": CUSTOMER},
                    "login_account": {"account_type": "GOOGLE_ADS", "account_id": LOGIN},
                    "product_destination_id": "4711",
                }
            ],
            "audience_members": [
                {
                    "user_data": {
                        "user_identifiers": [
                            {"email_address": hexes["email"]},
                            {"email_address": hexes["email_2"]},
                            {"email_address": hexes["email_3"]},
                            {"phone_number": hexes["phone"]},
                            {"phone_number": hexes["phone_2"]},
                            {"phone_number": hexes["phone_3"]},
                            {
                                "address": {
                                    "given_name": hexes["given_name"],
                                    "family_name": hexes["family_name"],
                                    "postal_code": "1011 AB",
                                    "region_code": "NL",
                                }
                            },
                        ]
                    },
                    "consent": {
                        "ad_user_data": "CONSENT_GRANTED",
                        "ad_personalization": "CONSENT_GRANTED",
                    },
                }
            ],
            "encoding": "HEX",
            "terms_of_service": {"customer_match_terms_of_service_status": "ACCEPTED"},
        }
    )


def test_a_member_travels_as_one_user_data_with_consent_and_terms(recorder: Recorder) -> None:
    recorder.answers = [ingested()]
    whole = {
        **{name: digest(name) for name in ROW_COLUMNS[:8]},
        "postcode": b"1011 AB",
        "country": b"NL",
    }
    receipt = push(recorder, adding(whole), login_customer_id="111-222-3334")
    ((method, raw, metadata),) = recorder.calls
    request = types.IngestAudienceMembersRequest.pb()()
    request.ParseFromString(raw)
    assert method == INGEST
    assert request == whole_request()._pb
    assert 0 < float(metadata["seconds"]) <= client.UPLOAD_SECONDS + 1
    assert (receipt.received, receipt.refused, receipt.reference, receipt.final) == (
        1,
        (),
        "r-1",
        False,
    )


def test_unknown_consent_is_left_unset_and_never_sent_as_denied(recorder: Recorder) -> None:
    recorder.answers = [ingested()]
    members = [{"email": digest(str(number))} for number in range(3)]
    push(recorder, adding(*members, consents=[0, 1, None]))
    request = types.IngestAudienceMembersRequest.pb()()
    request.ParseFromString(recorder.calls[0][1])
    assert [one.HasField("consent") for one in request.audience_members] == [False, True, False]
    assert not request.HasField("consent")
    emails = [one.user_data.user_identifiers[0].email_address for one in request.audience_members]
    assert emails == [digest(str(number)).hex() for number in range(3)]


def test_an_address_goes_only_when_all_four_parts_stand(recorder: Recorder) -> None:
    recorder.answers = [ingested()]
    address = member(1, "email", "given_name", "family_name", "postcode", "country", plain=PLAIN)
    parts = [
        {name: cell for name, cell in address.items() if name != missing}
        for missing in ("", "given_name", "family_name", "postcode", "country")
    ]
    push(recorder, adding(*parts))
    request = types.IngestAudienceMembersRequest.pb()()
    request.ParseFromString(recorder.calls[0][1])
    counts = [len(one.user_data.user_identifiers) for one in request.audience_members]
    assert counts == [2, 1, 1, 1, 1]


def test_a_removal_names_only_its_cells_without_terms_or_consent(recorder: Recorder) -> None:
    answer = types.RemoveAudienceMembersResponse(request_id="r-2")._pb.SerializeToString()
    recorder.answers = [answer]
    rows = rows_of([{"email_2": digest("a")}, {"phone": digest("b")}], [2, 1])
    receipt = push(recorder, Batch(BatchId("b1"), Operation.REMOVE, rows))
    ((method, raw, _),) = recorder.calls
    request = types.RemoveAudienceMembersRequest.pb()()
    request.ParseFromString(raw)
    expected = types.RemoveAudienceMembersRequest(
        {
            "destinations": [
                {
                    "operating_account": {"account_type": "GOOGLE_ADS", "account_id": CUSTOMER},
                    "product_destination_id": "4711",
                }
            ],
            "audience_members": [
                {"user_data": {"user_identifiers": [{"email_address": digest("a").hex()}]}},
                {"user_data": {"user_identifiers": [{"phone_number": digest("b").hex()}]}},
            ],
            "encoding": "HEX",
        }
    )
    assert method == REMOVE
    assert request == expected._pb
    assert receipt.reference == "r-2"


@pytest.mark.parametrize(
    ("bad", "consent", "says"),
    [
        ({}, 1, "row 1: no identifier"),
        ({"given_name": digest("a"), "country": b"NL"}, 1, "row 1: no identifier"),
        ({"email": b"someone@example.com"}, 1, "row 1: a digest of 19 bytes"),
        ({"email": digest("a")}, 2, "row 1: consent 2"),
        ({**member(1, *ROW_COLUMNS[6:9]), "country": b"\xff"}, 1, "row 1: a postcode or country"),
    ],
)
def test_a_row_that_the_core_must_not_send_is_our_bug(
    recorder: Recorder, bad: dict[str, bytes], consent: int, says: str
) -> None:
    """It is raised before anything travels, and quotes no cell."""
    sent = adding({"email": digest("fine")}, bad, consents=[1, consent])
    with pytest.raises(ValueError, match=says) as caught:
        push(recorder, sent)
    assert not recorder.calls
    assert "example" not in "".join(traceback.format_exception(caught.value))


def test_more_than_10_000_rows_are_our_bug(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="10001 rows"):
        push(recorder, adding(*[{"email": digest("a")}] * 10_001))
    with pytest.raises(ValueError, match="0 rows"):
        push(recorder, adding())
    assert not recorder.calls


def test_10_000_members_with_every_identifier_are_one_request(recorder: Recorder) -> None:
    recorder.answers = [ingested()]
    whole = {
        **{name: digest(name) for name in ROW_COLUMNS[:8]},
        "postcode": b"1011AB",
        "country": b"NL",
    }
    assert push(recorder, adding(*[whole] * 10_000)).received == 10_000
    assert [method for method, _, _ in recorder.calls] == [INGEST]
    assert len(recorder.calls[0][1]) > 4 << 20, "more than gRPC takes by default"


def test_a_list_is_made_for_contact_data_with_the_longest_membership(recorder: Recorder) -> None:
    made = types.UserList(id=4711, display_name='Whales "2"')
    recorder.answers = [made._pb.SerializeToString()]
    audience = connect(recorder, login_customer_id=LOGIN).create('Whales "2"')
    ((method, raw, metadata),) = recorder.calls
    request = types.CreateUserListRequest.pb()()
    request.ParseFromString(raw)
    assert method == CREATE
    assert request.parent == f"accountTypes/GOOGLE_ADS/accounts/{CUSTOMER}"
    assert request.user_list.display_name == 'Whales "2"'
    assert not request.user_list.HasField("membership_duration"), "unset means the maximum"
    keys = list(request.user_list.ingested_user_list_info.upload_key_types)
    assert keys == [types.IngestedUserListInfo.UploadKeyType.CONTACT_ID]
    assert metadata["login-account"] == f"accountTypes/GOOGLE_ADS/accounts/{LOGIN}"
    assert 0 < float(metadata["seconds"]) <= client.QUESTION_SECONDS + 1
    assert (audience.id, audience.account, audience.empty) == ("4711", "google-eu", True)


@pytest.mark.parametrize(("days", "known"), [(0, None), (30, timedelta(days=30))])
def test_a_list_says_how_long_it_keeps_a_member(
    recorder: Recorder, days: int, known: timedelta | None
) -> None:
    found = user_list()
    found._pb.membership_duration.seconds = days * 86_400
    recorder.answers = [found._pb.SerializeToString()]
    assert connect(recorder).read("4711").lifespan == known


@pytest.mark.parametrize(
    ("name", "sent"), [("Whales é", 'display_name = "Whales é"'), ('a"b', ""), ("a\\b", "")]
)
def test_find_pages_to_the_end_and_compares_itself(
    recorder: Recorder, name: str, sent: str
) -> None:
    """A name that would need quoting is not left to the filter."""
    pages = [
        types.ListUserListsResponse(
            user_lists=[{"id": first, "display_name": name}, {"id": 9, "display_name": name + " "}],
            next_page_token=token,
        )
        for first, token in ((1, "next"), (2, ""))
    ]
    recorder.answers = [page._pb.SerializeToString() for page in pages]
    assert [found.id for found in connect(recorder).find(name)] == ["1", "2"]
    requests = [types.ListUserListsRequest.deserialize(raw) for _, raw, _ in recorder.calls]
    assert [request.page_token for request in requests] == ["", "next"]
    assert {request.filter for request in requests} == {sent}
    assert all(metadata["seconds"] != "none" for _, _, metadata in recorder.calls)


@pytest.mark.parametrize(
    ("sizes", "size", "empty"),
    [
        ({}, None, None),
        ({"search_network_members_count": 0}, None, None),
        ({"search_network_members_count": 900, "gmail_members_count": 1100}, 1100, False),
    ],
)
def test_a_size_of_0_says_nothing(
    recorder: Recorder, sizes: dict[str, int], size: int | None, *, empty: bool | None
) -> None:
    found = user_list(size_info=sizes)
    recorder.answers = [found._pb.SerializeToString()]
    audience = connect(recorder).read("4711")
    assert (audience.size, audience.empty) == (size, empty)


@pytest.mark.parametrize("audience", ["", "12/../34", "whales", "١٢"])
def test_an_id_that_is_no_number_is_asked_of_nobody(recorder: Recorder, audience: str) -> None:
    with pytest.raises(AudienceUnusable, match="INVALID_USER_LIST_ID"):
        connect(recorder).read(audience)
    assert not recorder.calls
