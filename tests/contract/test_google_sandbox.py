"""The local Data Manager API: what it refuses, and when its work takes effect."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import grpc
import pytest
from google.ads.datamanager_v1 import types
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # no stubs
from grpc_status import rpc_status  # type: ignore[import-untyped]  # as above

from connectors.conformance import batch, identifiers, member
from connectors.google import PLATFORM
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import GoogleServer, serve
from connectors.sandbox.state import AudienceState, World
from syncd.errors import RequestRefused
from syncd.model import Account, Operation, Outcome, Refusal
from syncd.ports import Connector

CUSTOMER = "1234567890"
SERVICE = "/google.ads.datamanager.v1.IngestionService"
ONE, TWO, THREE = (member(number) for number in (1, 2, 3))


@dataclass
class Local:
    world: World
    faults: FaultQueue
    server: GoogleServer
    audience: AudienceState

    def connect(self) -> Connector:
        options = {"customer_id": CUSTOMER, "credentials": "anonymous"}
        account = Account("g", "google", options, f"127.0.0.1:{self.server.port}")
        return PLATFORM.connect(account, lambda _: 1)

    def push(self, operation: Operation, *members: Any) -> str:
        upload = self.connect().open(self.audience.id, operation, rows=len(members))
        return upload.push(batch(operation, members), last=True).reference


@pytest.fixture
def start() -> Iterator[Callable[..., Local]]:
    started: list[GoogleServer] = []

    def serve_it(**options: Any) -> Local:
        world, faults = World(), FaultQueue()
        server = serve(world, faults, **options)
        started.append(server)
        return Local(world, faults, server, world.create(CUSTOMER, "whales"))

    yield serve_it
    for server in started:
        server.stop()


# --- refusals ----------------------------------------------------------------


def good(audience: str, members: int = 3) -> Any:
    request = types.IngestAudienceMembersRequest.pb()()
    destination = request.destinations.add(product_destination_id=audience)
    destination.operating_account.account_type = types.ProductAccount.AccountType.GOOGLE_ADS
    destination.operating_account.account_id = CUSTOMER
    request.encoding = types.Encoding.HEX
    accepted = types.TermsOfServiceStatus.ACCEPTED
    request.terms_of_service.customer_match_terms_of_service_status = accepted
    for number in range(members):
        text = hashlib.sha256(str(number).encode()).hexdigest()
        found = request.audience_members.add().user_data.user_identifiers
        found.add().email_address = text
        address = found.add().address
        address.given_name = address.family_name = text
        address.postal_code, address.region_code = "1011", "NL"
    return request


def user(request: Any, position: int = 1) -> Any:
    return request.audience_members[position].user_data.user_identifiers


def spoil_email(request: Any) -> None:
    user(request)[0].email_address = "A" * 64


def spoil_phone(request: Any) -> None:
    user(request)[0].phone_number = "+31612345678"


def spoil_region(request: Any) -> None:
    user(request)[1].address.region_code = "NLD"


def drop_postcode(request: Any) -> None:
    user(request)[1].address.postal_code = ""


def drop_given_name(request: Any) -> None:
    user(request)[1].address.given_name = ""


def too_many_identifiers(request: Any) -> None:
    for _ in range(9):
        user(request).add().email_address = "a" * 64


def nobody(request: Any) -> None:
    user(request).clear()


def blank(request: Any) -> None:
    user(request).add()


def mixed(request: Any) -> None:
    request.audience_members[1].mobile_data.mobile_ids.append("x")


def no_encoding(request: Any) -> None:
    request.encoding = 0


def no_terms(request: Any) -> None:
    request.ClearField("terms_of_service")


def no_members(request: Any) -> None:
    request.ClearField("audience_members")


def too_many_members(request: Any) -> None:
    for _ in range(10_000):
        request.audience_members.add().CopyFrom(request.audience_members[0])


def no_destination(request: Any) -> None:
    request.ClearField("destinations")


def eleven_destinations(request: Any) -> None:
    for _ in range(10):
        request.destinations.add().CopyFrom(request.destinations[0])


def unknown_list(request: Any) -> None:
    request.destinations[0].product_destination_id = "999"


def list_of_another_account(request: Any) -> None:
    request.destinations[0].operating_account.account_id = "5555555555"


def no_account_type(request: Any) -> None:
    request.destinations[0].operating_account.account_type = 0


MEMBER = "audience_members[1].user_data.user_identifiers"


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        (spoil_email, f"{MEMBER}[0].email_address", "INVALID_SHA256_FORMAT"),
        (spoil_phone, f"{MEMBER}[0].phone_number", "INVALID_SHA256_FORMAT"),
        (spoil_region, f"{MEMBER}[1].address.region_code", "INVALID_REGION_CODE"),
        (drop_postcode, f"{MEMBER}[1].address.postal_code", "REQUIRED_FIELD_MISSING"),
        (drop_given_name, f"{MEMBER}[1].address.given_name", "REQUIRED_FIELD_MISSING"),
        (too_many_identifiers, MEMBER, "TOO_MANY_USER_IDENTIFIERS"),
        (nobody, MEMBER, "NO_IDENTIFIERS_PROVIDED"),
        (blank, f"{MEMBER}[2].identifier", "REQUIRED_FIELD_MISSING"),
        (mixed, "audience_members", "MULTIPLE_DATA_TYPES_NOT_ALLOWED"),
        (no_encoding, "encoding", "REQUIRED_FIELD_MISSING"),
        (no_terms, "terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        (no_members, "audience_members", "REQUIRED_FIELD_MISSING"),
        (too_many_members, "audience_members", "TOO_MANY_AUDIENCE_MEMBERS"),
        (no_destination, "destinations", "REQUIRED_FIELD_MISSING"),
        (eleven_destinations, "destinations", "TOO_MANY_DESTINATIONS"),
        (unknown_list, "destinations[0].product_destination_id", "INVALID_USER_LIST_ID"),
        (list_of_another_account, "destinations[0].product_destination_id", "INVALID_USER_LIST_ID"),
        (no_account_type, "destinations[0].operating_account", "INVALID_DESTINATION"),
    ],
)
def test_one_fault_refuses_the_whole_request(
    start: Callable[..., Local], spoil: Callable[[Any], None], field: str, reason: str
) -> None:
    """And names it; nothing of the request is applied."""
    local = start()
    request = good(local.audience.id)
    spoil(request)
    with grpc.insecure_channel(f"127.0.0.1:{local.server.port}") as channel:
        ingest = channel.unary_unary(f"{SERVICE}/IngestAudienceMembers")
        with pytest.raises(grpc.RpcError) as caught:
            ingest(request.SerializeToString(), timeout=30)
        remove = channel.unary_unary(f"{SERVICE}/RemoveAudienceMembers")
        unspoiled = good(local.audience.id)
        assert ingest(unspoiled.SerializeToString(), timeout=30), "the request itself is good"
        assert remove(_as_removal(unspoiled), timeout=30)
    status: status_pb2.Status = rpc_status.from_call(caught.value)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert info.reason == reason
    found = {(one.field, one.reason) for one in bad.field_violations}
    assert (field, reason) in found
    assert not local.audience.identifiers


def _as_removal(request: Any) -> bytes:
    removal = types.RemoveAudienceMembersRequest.pb()()
    removal.destinations.extend(request.destinations)
    removal.audience_members.extend(request.audience_members)
    removal.encoding = request.encoding
    raw: bytes = removal.SerializeToString()
    return raw


def test_every_bad_member_is_named(start: Callable[..., Local]) -> None:
    """So that the core can leave them out and send the rest."""
    local = start()
    members = [member(number) for number in range(5)]
    whole = member(9, "email", "given_name", "family_name", "postcode", "country")
    bad = {**whole, "postcode": b"1011", "country": b"nl"}
    with pytest.raises(RequestRefused) as caught:
        local.push(Operation.ADD, members[0], bad, members[1], bad)
    assert caught.value.rows == (1, 3)
    assert not local.audience.identifiers


def test_validate_only_changes_nothing(start: Callable[..., Local]) -> None:
    local = start()
    request = good(local.audience.id)
    request.validate_only = True
    with grpc.insecure_channel(f"127.0.0.1:{local.server.port}") as channel:
        raw = channel.unary_unary(f"{SERVICE}/IngestAudienceMembers")(request.SerializeToString())
    assert not types.IngestAudienceMembersResponse.deserialize(raw).request_id
    assert not local.audience.identifiers


# --- work --------------------------------------------------------------------


def test_work_takes_effect_before_the_answer_by_default(start: Callable[..., Local]) -> None:
    local = start()
    reference = local.push(Operation.ADD, ONE)
    assert local.audience.identifiers == identifiers([ONE])
    assert local.connect().outcome(reference) == Outcome("processed")
    assert local.connect().read(local.audience.id).size == 1


def test_work_waits_until_it_is_told_to(start: Callable[..., Local]) -> None:
    local = start(delay=None)
    reference = local.push(Operation.ADD, ONE)
    assert local.connect().outcome(reference) == Outcome("processing")
    assert local.server.process() == (reference,)
    assert local.connect().outcome(reference) == Outcome("processed")


def test_work_takes_effect_after_its_delay(start: Callable[..., Local]) -> None:
    """And is done by a thread of the server's own."""
    done = threading.Event()

    class Watched(Random):
        def shuffle(self, x: Any) -> None:
            super().shuffle(x)
            done.set()

    local = start(delay=0.05, random=Watched(1))
    reference = local.push(Operation.ADD, ONE)
    assert done.wait(20)
    assert local.server.process() == (), "waits for the thread that is at it"
    assert local.connect().outcome(reference) == Outcome("processed")


def test_requests_that_wait_together_take_effect_in_a_drawn_order(
    start: Callable[..., Local],
) -> None:
    """The same seed draws the same order, and it is not the order of arrival."""
    orders = []
    for _ in range(2):
        local = start(delay=None, random=Random(3))
        came = tuple(local.push(Operation.ADD, member(number)) for number in range(8))
        orders.append(local.server.process())
        assert orders[-1] != came
        assert sorted(orders[-1]) == sorted(came)
    assert orders[0] == orders[1]


@pytest.mark.parametrize("first", ["add", "remove"])
def test_a_chosen_order_decides_what_is_left(start: Callable[..., Local], first: str) -> None:
    """An addition and a removal of one member, sent without waiting, may end either way."""
    local = start(delay=None)
    added, removed = local.push(Operation.ADD, ONE), local.push(Operation.REMOVE, ONE)
    local.server.process((added, removed) if first == "add" else (removed, added))
    assert bool(local.audience.identifiers) == (first == "remove")
    assert bool(local.audience.persons) == (first == "remove")
    with pytest.raises(KeyError):
        local.server.process((added,))


def test_members_whose_consent_is_denied_are_only_counted(start: Callable[..., Local]) -> None:
    """The answer accepts them; the status tells, without saying who."""
    local = start()
    request = good(local.audience.id)
    denied = types.ConsentStatus.CONSENT_DENIED
    request.audience_members[0].consent.ad_personalization = denied
    request.audience_members[2].consent.ad_user_data = denied
    with grpc.insecure_channel(f"127.0.0.1:{local.server.port}") as channel:
        raw = channel.unary_unary(f"{SERVICE}/IngestAudienceMembers")(request.SerializeToString())
    reference = types.IngestAudienceMembersResponse.deserialize(raw).request_id
    expected = Outcome("processed", (Refusal(None, "DENIED_CONSENT", 2),))
    assert local.connect().outcome(reference) == expected
    assert local.audience.size == 1


@pytest.mark.parametrize(
    ("fault", "expected", "left"),
    [
        (
            Fault("refuse_rows", "google.process", rows=(0, 2), subcode="INVALID_FORMAT"),
            Outcome("processed", (Refusal(None, "INVALID_FORMAT", 2),)),
            [TWO],
        ),
        (
            Fault("refuse_rows", "google.process", rows=(0, 1, 2)),
            Outcome("failed", (Refusal(None, "INTERNAL_ERROR", 3),)),
            [],
        ),
        (
            Fault("error", "google.process", "add", subcode="DECRYPTION_ERROR"),
            Outcome("failed", (Refusal(None, "DECRYPTION_ERROR", 3),)),
            [],
        ),
        (
            Fault("error", "google.process", "add", subcode="4242"),
            Outcome("failed", (Refusal(None, "UNKNOWN_4242", 3),)),
            [],
        ),
    ],
)
def test_what_becomes_of_a_request_can_be_scripted(
    start: Callable[..., Local], fault: Fault, expected: Outcome, left: list[Any]
) -> None:
    local = start()
    local.faults.script(fault)
    reference = local.push(Operation.ADD, ONE, TWO, THREE)
    assert local.connect().outcome(reference) == expected
    assert local.audience.identifiers == identifiers(left)
    assert not local.faults.waiting


def test_an_audience_that_vanished_fails_the_request(start: Callable[..., Local]) -> None:
    local = start(delay=None)
    reference = local.push(Operation.ADD, ONE)
    local.world.delete(local.audience.id)
    local.server.process()
    assert local.connect().outcome(reference).state == "failed"


def test_a_reset_befalls_one_connection_only(start: Callable[..., Local]) -> None:
    local = start()
    local.faults.script(Fault("delay", "google", "list", seconds=0.3))
    found: list[int] = []
    asked = threading.Thread(target=lambda: found.append(len(local.connect().find("whales"))))
    asked.start()
    local.faults.script(Fault("reset", "google", "add"))
    with pytest.raises(Exception, match="UNAVAILABLE"):
        local.push(Operation.ADD, ONE)
    asked.join(20)
    assert found == [1]
