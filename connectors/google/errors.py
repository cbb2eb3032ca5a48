"""What Google's errors mean to syncd, as data.

The canonical gRPC code decides; for codes that are no invitation to try again, the
ErrorInfo reason refines it. Only codes pass: a reason, a quota's name and a request id
are checked for their shape, and Google's prose is dropped.

Source: Data Manager API, "Understand API errors" and `types/error.py` of
google-ads-datamanager 0.9.4, whose list "is not frozen": an unknown reason falls back on
its canonical code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # generated, no stubs

from syncd.errors import (
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

PLATFORM = "google"
MALFORMED = "malformed"

# Codes after which the same request may be sent again, whatever the reason says.
_AGAIN: Mapping[str, type[PlatformError]] = {
    "RESOURCE_EXHAUSTED": Throttled,
    "UNAVAILABLE": Unavailable,
    "INTERNAL": Unavailable,
    "DEADLINE_EXCEEDED": Unavailable,
    "ABORTED": Unavailable,
    "UNKNOWN": Unavailable,
    "CANCELLED": Unavailable,
    "DATA_LOSS": Unavailable,
}

_FINAL: Mapping[str, type[PlatformError]] = {
    "INVALID_ARGUMENT": RequestRefused,
    "OUT_OF_RANGE": RequestRefused,
    "PERMISSION_DENIED": Denied,
    "UNAUTHENTICATED": Denied,
    "UNIMPLEMENTED": Denied,
    "NOT_FOUND": AudienceGone,
    "ALREADY_EXISTS": AudienceUnusable,
    "FAILED_PRECONDITION": AudienceUnusable,
}

_REASONS: Mapping[str, type[PlatformError]] = {
    "INTERNAL_ERROR": Unavailable,
    "DEADLINE_EXCEEDED": Unavailable,
    "RESOURCE_EXHAUSTED": Throttled,
    "PERMISSION_DENIED": Denied,
    "TERMS_AND_CONDITIONS_NOT_SIGNED": Denied,
    "ADVERTISER_TOS_NOT_ACCEPTED": Denied,
    "NOT_ALLOWLISTED": Denied,
    "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA": Denied,
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": Denied,
    "DESTINATION_ACCOUNT_TYPE_MISMATCH": Denied,
    "MISMATCHED_ACCOUNT_TYPE": Denied,
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": Denied,
    "USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT": Denied,
    "NOT_FOUND": AudienceGone,
    "ALREADY_EXISTS": AudienceUnusable,
    "INVALID_DESTINATION": AudienceUnusable,
    "INVALID_USER_LIST_ID": AudienceGone,
    "INVALID_USER_LIST_TYPE": AudienceUnusable,
    "INVALID_RESOURCE_NAME": AudienceUnusable,
    "INVALID_DISPLAY_NAME": AudienceUnusable,
    "DISPLAY_NAME_ALREADY_USED": AudienceUnusable,
    "USER_LIST_NAME_RESERVED": AudienceUnusable,
    "OWNERSHIP_REQUIRED_FOR_UPDATE": AudienceUnusable,
    "USER_LIST_MUTATION_NOT_SUPPORTED": AudienceUnusable,
    "SENSITIVE_USER_LIST_IMMUTABLE": AudienceUnusable,
    "DATA_PARTNER_USER_LIST_MUTATE_NOT_ALLOWED": AudienceUnusable,
    "MEMBERSHIP_DURATION_TOO_LONG": AudienceUnusable,
}

# Refusals of a request as such: parts of it would fare no better.
_OF_REQUEST = frozenset(
    {
        "DUPLICATE_DESTINATION_REFERENCE",
        "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT",
        "MULTIPLE_DATA_TYPES_NOT_ALLOWED",
        "THIRD_PARTY_USER_DATA_NOT_ALLOWED",
        "TOO_MANY_AUDIENCE_MEMBERS",
        "TOO_MANY_DESTINATIONS",
        "INVALID_REMOVE_AS_OF_TIME",
    }
)

_NO_ADS_ACCOUNT = "customer_id, or login_customer_id, is no Google Ads account's; correct it"
_NO_ACCOUNT = "Google knows no such account: correct customer_id"

# What to do, by reason or by canonical code.
_HINTS: Mapping[str, str] = {
    "UNAUTHENTICATED": "Google does not accept the service account's key; make a new one",
    "PERMISSION_DENIED": (
        "give the service account access to the account, set login_customer_id if it is "
        "reached through a manager account, and enable the Data Manager API in its project"
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the credentials lack the datamanager scope",
    "SERVICE_DISABLED": "enable the Data Manager API in the service account's project",
    "TERMS_AND_CONDITIONS_NOT_SIGNED": "accept the customer match terms in Google Ads",
    "ADVERTISER_TOS_NOT_ACCEPTED": "accept the customer match terms in Google Ads",
    "NOT_ALLOWLISTED": "this account may not use customer match",
    "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA": "this account may not use customer match",
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": (
        "login_customer_id is not a manager of customer_id; correct either"
    ),
    "DESTINATION_ACCOUNT_TYPE_MISMATCH": _NO_ADS_ACCOUNT,
    "MISMATCHED_ACCOUNT_TYPE": _NO_ADS_ACCOUNT,
    "USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT": (
        "this account takes no customer match lists; is customer_id a manager account's?"
    ),
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": (
        "make the EU political advertising declaration in Google Ads"
    ),
    "UNIMPLEMENTED": "the endpoint is no Data Manager API of this version",
    "NOT_FOUND": "the audience is gone, or not of this account",
    "INVALID_USER_LIST_ID": "the audience is gone, or not of this account",
    "INVALID_USER_LIST_TYPE": "the audience is no customer match list of contact data",
    "DISPLAY_NAME_ALREADY_USED": "the account has an audience of this name; look for it again",
    "OWNERSHIP_REQUIRED_FOR_UPDATE": "another account owns the audience; sync from that one",
    "INVALID_REMOVE_AS_OF_TIME": "this machine's clock is ahead of Google's; set it right",
    "RESOURCE_EXHAUSTED": "a quota of the service account's project is used up",
}

# Google's client libraries know no wait but RetryInfo's. Without one the quota's name tells
# its window. A day's ends at midnight in California; asking once an hour finds that out.
_WINDOWS = {"perminute": 60.0, "perday": 3_600.0}

_GENERAL = frozenset({"", "ERROR_REASON_UNSPECIFIED", "INVALID_ARGUMENT", "BAD_REQUEST"})
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,59}\Z")
_REFERENCE = re.compile(r"[A-Za-z0-9_.:=-]{1,60}\Z")
# Google documents that a path carries the index, not how it is written; take each way.
_MEMBERS = re.compile(r"audience_?members", re.IGNORECASE)
_MEMBER = re.compile(r"audience_?members[\[.](\d+)", re.IGNORECASE)


def translate(
    error: GoogleAPICallError, *, rows: int = 0, of_account: bool = False
) -> PlatformError:
    """The error of ours that a failed call stands for.

    Args:
        error: As raised by the SDK.
        rows: Rows that the request carried; named positions beyond them are dropped.
        of_account: It asked for the account, so what Google does not know is that.
    """
    status = error.grpc_status_code.name if error.grpc_status_code is not None else "UNKNOWN"
    reason = _reason(error)
    named = _named_rows(error, rows)
    kind = _kind(status, reason, named=bool(named))
    hint = _HINTS.get(reason) or _HINTS.get(status, "")
    if of_account and (kind is AudienceGone or reason == "INVALID_RESOURCE_NAME"):
        # Google answers NOT_FOUND for an account as for a list.
        kind, hint = Denied, _NO_ACCOUNT
    code = f"{status}/{reason}" if reason and reason != status else status
    reference = _reference(error)
    if issubclass(kind, Throttled):
        return Throttled(
            PLATFORM,
            code,
            retry_after=_retry_after(error),
            reference=reference,
            hint=hint + _quota(error),
        )
    if issubclass(kind, RequestRefused):
        of_rows = bool(named) or _may_be_of_rows(error, reason)
        return RequestRefused(
            PLATFORM, code, rows=named, of_rows=of_rows, reference=reference, hint=hint
        )
    return kind(PLATFORM, code, reference=reference, hint=hint)


def malformed(what: str) -> Unavailable:
    """An answer that cannot be read; `what` is in our words."""
    return Unavailable(PLATFORM, MALFORMED, hint=what)


def _kind(status: str, reason: str, *, named: bool) -> type[PlatformError]:
    if status in _AGAIN:
        return _AGAIN[status]
    kind = _FINAL.get(status)
    if kind is RequestRefused and named:
        return kind
    return _REASONS.get(reason) or kind or Unavailable


def _violations(error: GoogleAPICallError) -> Iterator[error_details_pb2.BadRequest.FieldViolation]:
    for detail in error.details:
        if isinstance(detail, error_details_pb2.BadRequest):
            yield from detail.field_violations


def _reason(error: GoogleAPICallError) -> str:
    """ErrorInfo's reason, or a field violation's where that one says nothing."""
    found = (error.reason or "", *(violation.reason for violation in _violations(error)))
    codes = [reason for reason in found if _CODE.match(reason)]
    return next((reason for reason in codes if reason not in _GENERAL), "")


def _named_rows(error: GoogleAPICallError, rows: int) -> tuple[int, ...]:
    matches = (_MEMBER.search(violation.field) for violation in _violations(error))
    positions = {int(match[1]) for match in matches if match}
    return tuple(sorted(position for position in positions if position < rows))


def _may_be_of_rows(error: GoogleAPICallError, reason: str) -> bool:
    """Whether members may be at fault, though none is named: no other field is, either."""
    fields = [violation.field for violation in _violations(error) if violation.field]
    return reason not in _OF_REQUEST and all(map(_MEMBERS.match, fields))


def _retry_after(error: GoogleAPICallError) -> float | None:
    for detail in error.details:
        if isinstance(detail, error_details_pb2.RetryInfo):
            return float(detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9)
    name = _quota_name(error).lower()
    return next((seconds for word, seconds in _WINDOWS.items() if word in name), None)


def _reference(error: GoogleAPICallError) -> str:
    for detail in error.details:
        if isinstance(detail, error_details_pb2.RequestInfo):
            return str(detail.request_id) if _REFERENCE.match(detail.request_id) else ""
    return ""


def _quota(error: GoogleAPICallError) -> str:
    name = _quota_name(error)
    return f" ({name})" if _NAME.match(name) else ""


def _quota_name(error: GoogleAPICallError) -> str:
    """The quota that was used up: ErrorInfo's, or the first one of a QuotaFailure."""
    told = str((error.metadata or {}).get("quota_limit", ""))
    failures = (each for each in error.details if isinstance(each, error_details_pb2.QuotaFailure))
    ids = (getattr(one, "quota_id", "") for each in failures for one in each.violations)
    return told or str(next((each for each in ids if each), ""))
