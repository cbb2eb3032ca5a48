"""What the local Data Manager API states of accounts and user lists, where it is unusual.

A test, or a person at the control port, says what is wrong with one: `World.about` of an
account, `AudienceState.about` of a list, each a mapping from a field to its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.ads.datamanager_v1 import types

from connectors.sandbox.state import AudienceState

# What may be said of an account. `hidden`: the credentials have no access to it; `manager`:
# access is through this manager account only; `terms`: whether the customer match terms are
# accepted; `declared`: whether the EU political advertising declaration is made.
ACCOUNT_FIELDS = frozenset({"hidden", "manager", "terms", "declared"})
# What may be said of a list; enum values by name, `upload_key_types` as a list of them.
# `membership_days` stands in `membership_duration`. `matched`: people to count in it.
LIST_FIELDS = frozenset(
    {"membership_status", "closing_reason", "account_access_status", "upload_key_types"}
    | {"read_only", "match_rate_percentage", "matched", "description", "membership_days"}
)
LONGEST_DAYS = 540
_DAY = 86_400
_CONTACT_ID = "CONTACT_ID"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is refused: the gRPC status and ErrorInfo's reason."""

    status: str
    reason: str


def user_list(audience: AudienceState) -> Any:  # noqa: ANN401  # a raw protobuf message
    """An audience as a user list. Google's own counts are rounded, and 0 when small."""
    about, found = audience.about, types.UserList.pb()()
    found.id = int(audience.id)
    found.name = f"accountTypes/GOOGLE_ADS/accounts/{audience.account}/userLists/{audience.id}"
    found.display_name = audience.name
    found.description = str(about.get("description", ""))
    found.read_only = bool(about.get("read_only", False))
    found.membership_status = _number(
        types.UserList.MembershipStatus, about.get("membership_status", "OPEN")
    )
    found.closing_reason = _number(
        types.UserList.ClosingReason, about.get("closing_reason", "CLOSING_REASON_UNSPECIFIED")
    )
    found.account_access_status = _number(
        types.UserList.AccessStatus, about.get("account_access_status", "ENABLED")
    )
    days = int(str(about.get("membership_days", LONGEST_DAYS)))  # the maximum, if not given
    found.membership_duration.seconds = days * _DAY
    found.access_reason = int(types.UserList.AccessReason.OWNED)
    for key in upload_keys(audience):
        kind = _number(types.IngestedUserListInfo.UploadKeyType, key)
        found.ingested_user_list_info.upload_key_types.append(kind)
    rate = int(str(about.get("match_rate_percentage", 0)))
    if rate:
        found.ingested_user_list_info.contact_id_info.match_rate_percentage = rate
    size = int(str(about.get("matched", audience.size)))
    found.size_info.display_network_members_count = size
    found.size_info.search_network_members_count = size
    found.size_info.youtube_members_count = size
    found.size_info.gmail_members_count = size
    return found


def upload_keys(audience: AudienceState) -> tuple[str, ...]:
    """The kinds of data that a list takes."""
    keys = audience.about.get("upload_key_types", (_CONTACT_ID,))
    return tuple(map(str, keys)) if isinstance(keys, list | tuple) else (str(keys),)


def closed(audience: AudienceState) -> bool:
    """Whether it takes requests and no new members."""
    return audience.about.get("membership_status") == "CLOSED"


def made_with(wanted: Any) -> dict[str, object] | Refused:  # noqa: ANN401  # raw protobuf
    """What a list is to be made with, or why it is not made."""
    keys = tuple(wanted.ingested_user_list_info.upload_key_types)
    seconds = wanted.membership_duration.seconds
    if not wanted.display_name:
        return Refused("INVALID_ARGUMENT", "INVALID_DISPLAY_NAME")
    if keys != (int(types.IngestedUserListInfo.UploadKeyType.CONTACT_ID),):
        return Refused("INVALID_ARGUMENT", "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES")
    if seconds % _DAY or seconds < 0:
        return Refused("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    if seconds > LONGEST_DAYS * _DAY:
        return Refused("INVALID_ARGUMENT", "MEMBERSHIP_DURATION_TOO_LONG")
    about = {"description": wanted.description, "membership_days": seconds // _DAY}
    return {name: value for name, value in about.items() if value}


def admitted(about: Mapping[str, object], login: str) -> Refused | None:
    """Why an account is not served; None if it is.

    Args:
        about: The account.
        login: The manager account that the request names, or "".
    """
    manager = str(about.get("manager", ""))
    if about.get("hidden") or (manager and not login):
        return Refused("PERMISSION_DENIED", "PERMISSION_DENIED")
    if "manager" in about and login != manager:
        return Refused("INVALID_ARGUMENT", "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH")
    return None


def may_change(about: Mapping[str, object], *, uploads: bool) -> Refused | None:
    """Why an account's lists are not changed; None if they are."""
    if not about.get("declared", True) and not uploads:
        return Refused("FAILED_PRECONDITION", "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED")
    if not about.get("terms", True) and uploads:
        return Refused("PERMISSION_DENIED", "TERMS_AND_CONDITIONS_NOT_SIGNED")
    return None


def _number(enum: Any, told: object) -> int:  # noqa: ANN401  # a generated enum
    return int(enum[str(told)])
