"""What each code of the Google Ads API means, and what a person does about it.

Sources: google-ads 34.0.0, `v26/errors/types`; the Google Ads developer blog, "Changes to
Customer Match Support in the Google Ads API" (2026-03-04); "Developer token" (2026-09-09).
"""

from __future__ import annotations

from collections.abc import Mapping

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

_JOB = "OfflineUserDataJobError"

# The same request may be sent again.
PASSING: Mapping[str, type[PlatformError]] = {
    "DatabaseError.CONCURRENT_MODIFICATION": AudienceBusy,
    "InternalError.TRANSIENT_ERROR": Unavailable,
    "InternalError.INTERNAL_ERROR": Unavailable,
    "InternalError.DEADLINE_EXCEEDED": Unavailable,
    "QuotaError.RESOURCE_EXHAUSTED": Throttled,
    "QuotaError.RESOURCE_TEMPORARILY_EXHAUSTED": Throttled,
    # The library asks for a new token by itself, with the next call.
    "AuthenticationError.OAUTH_TOKEN_EXPIRED": Unavailable,
}

# About a row: the others of its request go through.
ROWS = frozenset(
    f"{_JOB}.{name}"
    for name in (
        "INVALID_SHA256_FORMAT",
        "INVALID_ENCODING",
        "INVALID_COUNTRY_CODE",
        "INVALID_MOBILE_ID_FORMAT",
        "MISSING_USER_IDENTIFIER",
        "INCOMPATIBLE_UPLOAD_KEY_TYPE",
        "INCOMPATIBLE_USER_IDENTIFIER",
        "NOT_ON_ALLOWLIST_FOR_USER_ID",
    )
)

# Fewer rows may go through.
OF_SIZE = frozenset(
    {
        "DatabaseError.REQUEST_TOO_LARGE",
        f"{_JOB}.TOO_MANY_USER_IDENTIFIERS",
        "CollectionSizeError.TOO_MANY",
    }
)

_DENIED = (
    "NotAllowlistedError.CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE",
    f"{_JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS",
    "UserListError.ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA",
    "UserListError.ADVERTISER_TOS_NOT_ACCEPTED",
    "UserListError.ACCOUNT_SETTING_TYPE_NOT_ALLOWED",
    "UserDataError.OPERATIONS_FOR_CUSTOMER_MATCH_NOT_ALLOWED",
    "AuthorizationError.USER_PERMISSION_DENIED",
    "AuthorizationError.CUSTOMER_NOT_ENABLED",
    "AuthorizationError.PROJECT_DISABLED",
    "AuthorizationError.MISSING_TOS",
    "AuthorizationError.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION",
    "AuthorizationError.ACTION_NOT_PERMITTED",
    "AuthorizationError.ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT",
    "AuthorizationError.INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION",
    "AuthenticationError.OAUTH_TOKEN_REVOKED",
    "AuthenticationError.OAUTH_TOKEN_DISABLED",
    "AuthenticationError.OAUTH_TOKEN_INVALID",
    "AuthenticationError.NOT_ADS_USER",
    "AuthenticationError.TWO_STEP_VERIFICATION_NOT_ENROLLED",
    "AuthenticationError.CUSTOMER_NOT_FOUND",
    "QuotaError.ACCESS_PROHIBITED",
    "RequestError.UNSUPPORTED_VERSION",
    "RequestError.CANNOT_BE_EXECUTED_BY_MANAGER_ACCOUNT",
    "RequestError.INVALID_CUSTOMER_ID",
    "MutateError.EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED",
)

_UNUSABLE = (
    f"{_JOB}.INVALID_USER_LIST_TYPE",
    "UserListError.OWNERSHIP_REQUIRED_FOR_SET",
    "UserListError.NAME_ALREADY_USED",
    "UserListError.INVALID_NAME",
    "UserListError.INVALID_DESCRIPTION",
    "UserListError.APP_ID_NOT_SET",
    "UserListError.APP_ID_NOT_ALLOWED",
    "UserListError.CAN_NOT_MUTATE_SENSITIVE_USERLIST",
    "UserListError.USERLIST_NAME_IS_RESERVED_FOR_SYSTEM_LIST",
    "UserDataError.USER_LIST_NOT_APPLICABLE",
)

# Ours to mend: none of these should ever be answered.
_OURS = (
    f"{_JOB}.CONFLICTING_OPERATION",
    f"{_JOB}.INVALID_OPERATION_ORDER",
    f"{_JOB}.JOB_ALREADY_STARTED",
    f"{_JOB}.EXTERNAL_UPDATE_ID_ALREADY_EXISTS",
)

FINAL: Mapping[str, type[PlatformError]] = {
    **dict.fromkeys(_DENIED, Denied),
    **dict.fromkeys(_UNUSABLE, AudienceUnusable),
    f"{_JOB}.INVALID_USER_LIST_ID": AudienceGone,
    **dict.fromkeys(_OURS, RequestRefused),
}

# For codes that stand nowhere here, and answers without one.
STATUS: Mapping[str, type[PlatformError]] = {
    "RESOURCE_EXHAUSTED": Throttled,
    "INVALID_ARGUMENT": RequestRefused,
    "FAILED_PRECONDITION": RequestRefused,
    "OUT_OF_RANGE": RequestRefused,
    "ALREADY_EXISTS": RequestRefused,
    "NOT_FOUND": RequestRefused,
    "PERMISSION_DENIED": Denied,
    "UNAUTHENTICATED": Denied,
    "UNIMPLEMENTED": Denied,
}

# What Google's gateway refuses before the API is reached, by ErrorInfo's reason.
GATE: Mapping[str, str] = {
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the credentials lack the adwords scope",
    "SERVICE_DISABLED": "enable the Google Ads API in the service account's project",
}

STARTED = f"{_JOB}.JOB_ALREADY_STARTED"
EXISTS = f"{_JOB}.EXTERNAL_UPDATE_ID_ALREADY_EXISTS"
OTHER_KEY = f"{_JOB}.INCOMPATIBLE_UPLOAD_KEY_TYPE"

_VERSION = "set api_version of the account to a newer one, or update syncd"
_MANAGER = (
    "give the service account access to the account, and set login_customer_id if it is "
    "reached through a manager account"
)
_KEY = "Google does not accept the service account's key; make a new one"
_PROJECT = (
    "the credentials' project has no access level for production accounts; apply for one in the "
    "API Center, or use `connector: google` for this account"
)

# By code, by its name alone, or by gRPC status.
HINTS: Mapping[str, str] = {
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE": (
        "Google takes no customer match data from this project through the Google Ads API; use "
        "`connector: google` for this account"
    ),
    "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": (
        "accept the customer data terms in Google Ads, under Tools, Conversions, Settings"
    ),
    "ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA": (
        "this account may not use customer match; see Google's customer match policy"
    ),
    "OPERATIONS_FOR_CUSTOMER_MATCH_NOT_ALLOWED": (
        "this account may not use customer match; see Google's customer match policy"
    ),
    "ADVERTISER_TOS_NOT_ACCEPTED": "accept the customer match terms in Google Ads",
    "ACCOUNT_SETTING_TYPE_NOT_ALLOWED": (
        "the account's settings allow no customer match list; see them in Google Ads"
    ),
    "MISSING_TOS": "accept Google's terms of service for the account in Google Ads",
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": (
        "make the EU political advertising declaration in Google Ads"
    ),
    "USER_PERMISSION_DENIED": _MANAGER,
    "INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": (
        "login_customer_id is not a manager of customer_id; correct either"
    ),
    "CUSTOMER_NOT_ENABLED": "the account is closed or not set up to the end; see it in Google Ads",
    "ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT": "Google suspended the account; see it there",
    "PROJECT_DISABLED": "enable the Google Ads API in the service account's project",
    "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": _PROJECT,
    "ACTION_NOT_PERMITTED": _PROJECT,
    "ACCESS_PROHIBITED": _PROJECT,
    "OAUTH_TOKEN_REVOKED": _KEY,
    "OAUTH_TOKEN_DISABLED": _KEY,
    "OAUTH_TOKEN_INVALID": _KEY,
    "NOT_ADS_USER": _MANAGER,
    "TWO_STEP_VERIFICATION_NOT_ENROLLED": "use a service account; a user needs 2-step verification",
    "CUSTOMER_NOT_FOUND": "there is no account of this customer_id; correct it",
    "INVALID_CUSTOMER_ID": "there is no account of this customer_id; correct it",
    "CANNOT_BE_EXECUTED_BY_MANAGER_ACCOUNT": (
        "customer_id is a manager account; give the account that owns the audience there, and "
        "the manager as login_customer_id"
    ),
    "UNSUPPORTED_VERSION": f"Google retired this version of its API; {_VERSION}",
    "UNIMPLEMENTED": f"the endpoint does not speak this version of the API; {_VERSION}",
    "UNAUTHENTICATED": _KEY,
    "PERMISSION_DENIED": _MANAGER,
    "INVALID_USER_LIST_ID": "the audience is gone, or not of this account",
    "INVALID_USER_LIST_TYPE": "the audience is no customer match list",
    "USER_LIST_NOT_APPLICABLE": "the audience is no customer match list",
    "INCOMPATIBLE_UPLOAD_KEY_TYPE": (
        "the audience is matched by something else than the sync sends; correct `identifiers` of "
        "the sync, or let it fill another audience"
    ),
    "OWNERSHIP_REQUIRED_FOR_SET": "another account owns the audience; sync from that one",
    "NAME_ALREADY_USED": "the account has an audience of this name; look for it again",
    "APP_ID_NOT_SET": "an audience of mobile ids needs app_id",
    "APP_ID_NOT_ALLOWED": "app_id is only for an audience of mobile ids",
    "QuotaError.RESOURCE_EXHAUSTED": "a quota of the project or the account is used up",
    "RESOURCE_TEMPORARILY_EXHAUSTED": "too many requests at the moment",
    "RESOURCE_EXHAUSTED": "a quota of the project or the account is used up",
}
