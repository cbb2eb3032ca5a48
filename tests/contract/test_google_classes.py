"""Every row of Google's errors, by code and reason, over the real SDK and a real socket.

The reasons are those of `types/error.py` of google-ads-datamanager 0.9.4 that an audience's
requests can meet, and "Understand API errors", sorted by what is to be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from google.ads.datamanager_v1 import types

from connectors.conformance import batch, member
from connectors.google import errors
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import serve
from connectors.sandbox.state import World
from syncd.errors import (
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Operation
from syncd.ports import Upload
from tests.contract.test_google import GoogleRig

PUSH = batch(Operation.ADD, [member(1), member(2)])


class Row(NamedTuple):
    """An error as Google answers it."""

    reason: str | None
    code: str = "INVALID_ARGUMENT"

    @property
    def told(self) -> str:
        """As it is told."""
        said = self.reason if self.reason != self.code else None
        return f"{self.code}/{said}" if said else self.code


AGAIN = [
    Row(None, "UNAVAILABLE"),
    Row(None, "ABORTED"),
    Row(None, "UNKNOWN"),
    Row(None, "CANCELLED"),
    Row(None, "DATA_LOSS"),
    Row("INTERNAL_ERROR", "INTERNAL"),
    Row("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
    Row("INTERNAL_ERROR"),
    Row("DEADLINE_EXCEEDED"),
]
WAITING = [
    Row("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"),
    Row("RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"),
    Row("RESOURCE_EXHAUSTED"),
]
DENIED = [
    Row(None, "UNAUTHENTICATED"),
    Row(None, "UNIMPLEMENTED"),
    Row("PERMISSION_DENIED", "PERMISSION_DENIED"),
    Row("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "PERMISSION_DENIED"),
    Row("SERVICE_DISABLED", "PERMISSION_DENIED"),
    Row("PERMISSION_DENIED"),
    Row("NOT_ALLOWLISTED"),
    Row("ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA"),
    Row("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH"),
    Row("DESTINATION_ACCOUNT_TYPE_MISMATCH"),
    Row("MISMATCHED_ACCOUNT_TYPE"),
    Row("USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT"),
    Row("EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", "FAILED_PRECONDITION"),
]
TERMS = [
    Row("TERMS_AND_CONDITIONS_NOT_SIGNED"),
    Row("ADVERTISER_TOS_NOT_ACCEPTED"),
    Row("TERMS_AND_CONDITIONS_NOT_SIGNED", "PERMISSION_DENIED"),
]
UNUSABLE = [
    Row(None, "FAILED_PRECONDITION"),
    Row("INVALID_DESTINATION"),
    Row("INVALID_USER_LIST_TYPE"),
    Row("INVALID_RESOURCE_NAME"),
    Row("INVALID_DISPLAY_NAME"),
    Row("DISPLAY_NAME_ALREADY_USED", "ALREADY_EXISTS"),
    Row("DISPLAY_NAME_ALREADY_USED"),
    Row("ALREADY_EXISTS"),
    Row("USER_LIST_NAME_RESERVED"),
    Row("OWNERSHIP_REQUIRED_FOR_UPDATE"),
    Row("USER_LIST_MUTATION_NOT_SUPPORTED"),
    Row("SENSITIVE_USER_LIST_IMMUTABLE"),
    Row("DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED"),
    Row("MEMBERSHIP_DURATION_TOO_LONG"),
]
GONE = [Row("NOT_FOUND", "NOT_FOUND"), Row("NOT_FOUND"), Row("INVALID_USER_LIST_ID")]
OF_ROWS = [
    Row(None),
    Row("INVALID_HEX_ENCODING"),
    Row("INVALID_BASE64_ENCODING"),
    Row("INVALID_SHA256_FORMAT"),
    Row("INVALID_POSTAL_CODE"),
    Row("INVALID_REGION_CODE"),
    Row("INVALID_COUNTRY_CODE"),
    Row("INVALID_AUDIENCE_MEMBER"),
    Row("TOO_MANY_USER_IDENTIFIERS"),
    Row("NO_IDENTIFIERS_PROVIDED"),
    Row("INVALID_MOBILE_ID_FORMAT"),
    Row("REQUIRED_FIELD_MISSING"),
    Row("INVALID_FORMAT"),
    Row("A_REASON_OF_2031"),
]
OF_THE_REQUEST = [
    Row("TOO_MANY_AUDIENCE_MEMBERS"),
    Row("TOO_MANY_DESTINATIONS"),
    Row("MULTIPLE_DATA_TYPES_NOT_ALLOWED"),
    Row("DUPLICATE_DESTINATION_REFERENCE"),
    Row("LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT"),
    Row("THIRD_PARTY_USER_DATA_NOT_ALLOWED"),
    Row("INVALID_REMOVE_AS_OF_TIME"),
]


@pytest.fixture(scope="module")
def rig() -> Iterator[GoogleRig]:
    world, faults = World(first_id=7_001), FaultQueue()
    server = serve(world, faults)
    yield GoogleRig(server, world, faults)
    server.stop()


@pytest.fixture
def upload(rig: GoogleRig) -> Upload:
    connector = rig.connect()
    found = connector.find("whales") or (connector.create("whales"),)
    return connector.open(found[0].id, Operation.ADD, rows=2)


def meets(rig: GoogleRig, upload: Upload, row: Row, **fields: float) -> PlatformError:
    """What a push says that meets this; the next one goes through."""
    rig.faults.script(Fault(code=row.code, subcode=row.reason, method="add", **fields))  # type: ignore[arg-type]  # floats only
    with pytest.raises(PlatformError) as caught:
        upload.push(PUSH, last=True)
    assert caught.value.code == row.told
    assert caught.value.reference == "sandbox-trace"
    assert "was not carried out" not in str(caught.value), "Google's texts are not ours to tell"
    assert upload.push(PUSH, last=True).received == 2
    return caught.value


@pytest.mark.parametrize("row", AGAIN)
def test_what_passes_is_an_unknown_outcome(rig: GoogleRig, upload: Upload, row: Row) -> None:
    assert type(meets(rig, upload, row)) is Unavailable


@pytest.mark.parametrize("row", WAITING)
def test_a_used_up_quota_waits_as_stated(rig: GoogleRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row, retry_after=7.5)
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.5
    silent = meets(rig, upload, row)
    assert isinstance(silent, Throttled)
    assert silent.retry_after is None


@pytest.mark.parametrize("row", [*DENIED, *TERMS])
def test_a_denial_says_what_to_do(rig: GoogleRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, Denied)
    assert error.hint != Denied.way_on
    assert ("accept the customer match terms" in error.hint) is (row in TERMS)


@pytest.mark.parametrize("row", UNUSABLE)
def test_a_list_that_cannot_be_changed_ends_it_for_the_list(
    rig: GoogleRig, upload: Upload, row: Row
) -> None:
    error = meets(rig, upload, row)
    assert type(error) is AudienceUnusable
    assert error.hint


@pytest.mark.parametrize("row", GONE)
def test_a_list_that_is_gone_is_known(rig: GoogleRig, upload: Upload, row: Row) -> None:
    assert type(meets(rig, upload, row)) is AudienceGone


@pytest.mark.parametrize("row", GONE)
def test_of_an_account_the_same_words_deny_it(rig: GoogleRig, row: Row) -> None:
    for ask in (rig.connect().find, rig.connect().create):
        rig.faults.script(Fault(code=row.code, subcode=row.reason))
        with pytest.raises(Denied, match="correct customer_id"):
            ask("another")


@pytest.mark.parametrize("row", OF_ROWS)
def test_a_refusal_may_be_about_rows(rig: GoogleRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, RequestRefused)
    assert (error.of_rows, error.of_size) == (True, False)


@pytest.mark.parametrize("row", OF_THE_REQUEST)
def test_a_refusal_may_be_about_none(rig: GoogleRig, upload: Upload, row: Row) -> None:
    error = meets(rig, upload, row)
    assert isinstance(error, RequestRefused)
    assert not error.of_rows


def test_every_reason_that_is_sorted_is_one_of_googles() -> None:
    """A reason misspelt in our table would never be met; some are the gateway's."""
    gateway = {
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "SERVICE_DISABLED",
        *("UNAUTHENTICATED", "UNIMPLEMENTED"),
    }
    known = {*types.ErrorReason.__members__} | gateway
    assert {*errors._REASONS, *errors._OF_REQUEST, *errors._HINTS} <= known


@pytest.mark.parametrize("name", [*types.ProcessingErrorReason.__members__][1:])
def test_every_reason_of_a_status_is_told_by_its_name(rig: GoogleRig, name: str) -> None:
    """Consent that Google misses shows here and nowhere else, as a count."""
    number = int(getattr(types.ProcessingErrorReason, name))
    short = re.sub("^PROCESSING_ERROR_(REASON_)?", "", name)
    connector = rig.connect()
    found = connector.find("whales") or (connector.create("whales"),)
    dropped = Fault("refuse_rows", "google.process", "add", rows=(0,), subcode=str(number))
    rig.faults.script(dropped)
    upload = connector.open(found[0].id, Operation.ADD, rows=2)
    reference = upload.push(PUSH, last=True).reference
    (refusal,) = connector.outcome(reference).refused
    assert (refusal.row, refusal.reason, refusal.count) == (None, short, 1)
