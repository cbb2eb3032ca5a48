"""Every row of the Google Ads API's errors, over the real SDK and real gRPC.

The rows are those of google-ads 34.0.0, `v26/errors/types`, that customer match can meet,
sorted by what is to be done.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

import pytest
from google.ads.googleads.v26.errors.types.errors import ErrorCode

from connectors.conformance import batch, member
from connectors.google_ads import meanings
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import serve
from connectors.sandbox.state import World
from syncd.errors import (
    AudienceBusy,
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import Operation
from tests.contract.test_google_ads import CUSTOMER, AdsRig

PUSH = batch(Operation.ADD, [member(1), member(2)])
JOB = "offline_user_data_job_error"

# The same batch again: as gRPC status and code. INTERNAL and RESOURCE_EXHAUSTED are raised by the
# SDK as errors of google.api_core, the rest as its own.
PASSING = [
    ("INTERNAL", "internal_error.TRANSIENT_ERROR"),
    ("INTERNAL", "internal_error.INTERNAL_ERROR"),
    ("DEADLINE_EXCEEDED", "internal_error.DEADLINE_EXCEEDED"),
    ("UNAUTHENTICATED", "authentication_error.OAUTH_TOKEN_EXPIRED"),
    ("UNAVAILABLE", ""),
    ("DEADLINE_EXCEEDED", ""),
    ("ABORTED", ""),
    ("INTERNAL", ""),
    ("UNKNOWN", ""),
    ("CANCELLED", ""),
    ("UNAVAILABLE", "internal_error.4711"),
]
WAITING = [
    ("RESOURCE_EXHAUSTED", "quota_error.RESOURCE_EXHAUSTED"),
    ("RESOURCE_EXHAUSTED", "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED"),
    ("INVALID_ARGUMENT", "quota_error.RESOURCE_EXHAUSTED"),
    ("RESOURCE_EXHAUSTED", ""),
]
SMALLER = [
    ("INVALID_ARGUMENT", "database_error.REQUEST_TOO_LARGE"),
    ("INVALID_ARGUMENT", f"{JOB}.TOO_MANY_USER_IDENTIFIERS"),
    ("INVALID_ARGUMENT", "collection_size_error.TOO_MANY"),
]
ROWS = [
    "INVALID_SHA256_FORMAT",
    "INVALID_ENCODING",
    "INVALID_COUNTRY_CODE",
    "INVALID_MOBILE_ID_FORMAT",
    "MISSING_USER_IDENTIFIER",
    "INCOMPATIBLE_UPLOAD_KEY_TYPE",
    "INCOMPATIBLE_USER_IDENTIFIER",
    "NOT_ON_ALLOWLIST_FOR_USER_ID",
]
DENIED = {
    "not_allowlisted_error.CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE": "`connector: google`",
    f"{JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": "accept the customer data terms",
    "user_list_error.ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA": "may not use",
    "user_list_error.ADVERTISER_TOS_NOT_ACCEPTED": "accept the customer match terms",
    "user_list_error.ACCOUNT_SETTING_TYPE_NOT_ALLOWED": "settings allow no",
    "user_data_error.OPERATIONS_FOR_CUSTOMER_MATCH_NOT_ALLOWED": "may not use",
    "authorization_error.USER_PERMISSION_DENIED": "set login_customer_id",
    "authorization_error.CUSTOMER_NOT_ENABLED": "closed or not set up",
    "authorization_error.PROJECT_DISABLED": "enable the Google Ads API",
    "authorization_error.MISSING_TOS": "terms of service",
    "authorization_error.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": "no access level",
    "authorization_error.ACTION_NOT_PERMITTED": "no access level",
    "authorization_error.ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": "suspended",
    "authorization_error.INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": (
        "login_customer_id is not a manager"
    ),
    "authentication_error.OAUTH_TOKEN_REVOKED": "make a new one",
    "authentication_error.OAUTH_TOKEN_DISABLED": "make a new one",
    "authentication_error.OAUTH_TOKEN_INVALID": "make a new one",
    "authentication_error.NOT_ADS_USER": "give the service account access",
    "authentication_error.TWO_STEP_VERIFICATION_NOT_ENROLLED": "service account",
    "authentication_error.CUSTOMER_NOT_FOUND": "no account of this customer_id",
    "quota_error.ACCESS_PROHIBITED": "no access level",
    "request_error.UNSUPPORTED_VERSION": "set api_version",
    "request_error.CANNOT_BE_EXECUTED_BY_MANAGER_ACCOUNT": "is a manager account",
    "request_error.INVALID_CUSTOMER_ID": "no account of this customer_id",
    "mutate_error.EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": "political advertising",
}
UNUSABLE = [
    f"{JOB}.INVALID_USER_LIST_TYPE",
    "user_list_error.OWNERSHIP_REQUIRED_FOR_SET",
    "user_list_error.NAME_ALREADY_USED",
    "user_list_error.INVALID_NAME",
    "user_list_error.INVALID_DESCRIPTION",
    "user_list_error.APP_ID_NOT_SET",
    "user_list_error.APP_ID_NOT_ALLOWED",
    "user_list_error.CAN_NOT_MUTATE_SENSITIVE_USERLIST",
    "user_list_error.USERLIST_NAME_IS_RESERVED_FOR_SYSTEM_LIST",
    "user_data_error.USER_LIST_NOT_APPLICABLE",
]
OURS = [
    f"{JOB}.CONFLICTING_OPERATION",
    f"{JOB}.INVALID_OPERATION_ORDER",
    "list_operation_error.REQUIRED_FIELD_MISSING",
    "field_error.REQUIRED",
    "range_error.TOO_HIGH",
    "query_error.BAD_FIELD_NAME",
    "request_error.4711",
]


@pytest.fixture
def rig() -> Iterator[AdsRig]:
    world, faults = World(first_id=7_001), FaultQueue()
    server = serve(world, faults, delay=None, accounts=(CUSTOMER,))
    yield AdsRig(server, world, faults)
    server.stop()


def answered(rig: AdsRig, status: str, code: str, *, method: str = "add") -> PlatformError:
    """What a push says that is answered so."""
    audience = rig.connect().create("whales").id
    rig.faults.script(Fault(code=status, subcode=code or None, method=method, retry_after=17.5))
    with pytest.raises(PlatformError) as caught:
        rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)
    said = "".join(traceback.format_exception(caught.value))
    assert "not carried out" not in said, "Google's prose stays out"
    assert caught.value.platform == "google_ads"
    if code and not code.partition(".")[2].isdigit():
        assert caught.value.code.partition(".")[2] == code.partition(".")[2]
        assert caught.value.reference == "sandbox-trace"
    return caught.value


@pytest.mark.parametrize(("status", "code"), PASSING)
def test_what_passes_is_an_unknown_outcome(rig: AdsRig, status: str, code: str) -> None:
    assert type(answered(rig, status, code)) is Unavailable


@pytest.mark.parametrize(("status", "code"), WAITING)
def test_a_used_up_quota_waits_as_told(rig: AdsRig, status: str, code: str) -> None:
    """The wait stands in the failure, which the SDK leaves unread for this status."""
    error = answered(rig, status, code)
    assert type(error) is Throttled
    assert error.retry_after == (17.5 if code else None)
    assert ("(Requests per minute)" in error.hint) == bool(code)


def test_another_change_of_the_list_is_waited_for(rig: AdsRig) -> None:
    code = "database_error.CONCURRENT_MODIFICATION"
    assert type(answered(rig, "ABORTED", code)) is AudienceBusy


@pytest.mark.parametrize(("status", "code"), SMALLER)
def test_a_request_that_is_too_large_is_refused_for_its_size(
    rig: AdsRig, status: str, code: str
) -> None:
    error = answered(rig, status, code)
    assert isinstance(error, RequestRefused)
    assert (error.of_rows, error.of_size) == (True, True)


@pytest.mark.parametrize("name", ROWS)
def test_an_error_of_a_row_refuses_that_row(rig: AdsRig, name: str) -> None:
    """The others go through, as partial failure is on; one of the whole request names it."""
    audience = rig.connect().create("whales").id
    rig.faults.script(Fault("refuse_rows", subcode=f"{JOB}.{name}", rows=(1,), method="add"))
    receipt = rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)
    assert receipt.received == 2
    assert [(one.row, one.reason, one.count) for one in receipt.refused] == [(1, name, 1)]
    rig.settle()
    assert len(rig.identifiers(audience)) == 2
    rig.faults.script(
        Fault(code="INVALID_ARGUMENT", subcode=f"{JOB}.{name}", rows=(1, 9), method="add")
    )
    with pytest.raises(RequestRefused) as caught:
        rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)
    assert (caught.value.rows, caught.value.of_rows) == ((1,), True)


@pytest.mark.parametrize(("code", "says"), DENIED.items())
@pytest.mark.parametrize("method", ["create_job", "add"])
def test_what_the_account_may_not_do_denies_it_and_says_what_to_do(
    rig: AdsRig, code: str, says: str, method: str
) -> None:
    error = answered(rig, "PERMISSION_DENIED", code, method=method)
    assert type(error) is Denied
    assert says in error.hint
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("UNIMPLEMENTED", "api_version"),
        ("UNAUTHENTICATED", "new one"),
        ("PERMISSION_DENIED", "access"),
    ],
)
def test_a_denial_without_a_code_says_what_to_do(rig: AdsRig, status: str, says: str) -> None:
    error = answered(rig, status, "")
    assert type(error) is Denied
    assert says in error.hint


@pytest.mark.parametrize("code", UNUSABLE)
def test_what_is_wrong_with_a_list_stops_only_its_audience(rig: AdsRig, code: str) -> None:
    assert type(answered(rig, "INVALID_ARGUMENT", code, method="create_job")) is AudienceUnusable


def test_a_list_that_is_gone_is_gone(rig: AdsRig) -> None:
    code = f"{JOB}.INVALID_USER_LIST_ID"
    assert type(answered(rig, "INVALID_ARGUMENT", code, method="create_job")) is AudienceGone


@pytest.mark.parametrize("code", OURS)
def test_what_is_our_fault_is_refused_and_blames_no_row(rig: AdsRig, code: str) -> None:
    error = answered(rig, "INVALID_ARGUMENT", code)
    assert isinstance(error, RequestRefused)
    assert not error.of_rows


@pytest.mark.parametrize("kind", ["offline_user_data_job_error", "user_data_error"])
def test_every_error_of_an_upload_is_told_by_its_code(rig: AdsRig, kind: str) -> None:
    """Those too that customer match should never meet: none is lost, and none breaks a run."""
    names = [name for name in codes(kind) if not name.startswith("UN")]
    assert names
    upload = rig.connect().open(rig.connect().create("whales").id, Operation.ADD, rows=2)
    for name in names:
        if name == "JOB_ALREADY_STARTED":  # which is seen to: the rows go into another job
            continue
        refusal = Fault(code="INVALID_ARGUMENT", subcode=f"{kind}.{name}", method="add")
        rig.faults.script(refusal)
        with pytest.raises(PlatformError) as caught:
            upload.push(PUSH, last=True)
        assert caught.value.code.endswith(f".{name}")
        assert caught.value.reference == "sandbox-trace"
        assert not isinstance(caught.value, Unavailable), "it would be sent again for ever"


def test_every_code_that_is_sorted_is_one_of_googles() -> None:
    """A code misspelt in our tables would never be met."""
    for code in {*meanings.PASSING, *meanings.FINAL, *meanings.ROWS, *meanings.OF_SIZE}:
        kind, _, name = code.partition(".")
        assert name in codes(re.sub("(?<=[a-z])(?=[A-Z])", "_", kind).lower()), code


def codes(kind: str) -> tuple[str, ...]:
    """The names of an enum of errors: `user_data_error`."""
    fields = ErrorCode.pb().DESCRIPTOR.fields_by_name
    return tuple(fields[kind].enum_type.values_by_name)


def test_one_code_of_every_row_that_is_none_of_rows_is_one_of_the_account(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    code = f"{JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"
    rig.faults.script(Fault("refuse_rows", subcode=code, rows=(0, 1), method="add"))
    with pytest.raises(Denied, match="accept the customer data terms"):
        rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)


def test_a_list_matched_by_something_else_is_unusable(rig: AdsRig) -> None:
    """Every row is refused for it: the configuration is wrong, not the rows."""
    audience = rig.connect().create("whales", {"upload_key": "crm_id"}).id
    with pytest.raises(AudienceUnusable, match="correct `identifiers` of the sync"):
        rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)


def test_rows_that_failed_for_what_passes_are_sent_again(rig: AdsRig) -> None:
    """They are not at fault, and the others of the request are taken: an unknown outcome."""
    audience = rig.connect().create("whales").id
    code = "internal_error.TRANSIENT_ERROR"
    rig.faults.script(Fault("refuse_rows", subcode=code, rows=(1,), method="add"))
    with pytest.raises(Unavailable, match="TRANSIENT_ERROR"):
        rig.connect().open(audience, Operation.ADD, rows=2).push(PUSH, last=True)
