"""User lists: what is asked to be made, and what Google states of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.ads.datamanager_v1 import types

from connectors.google import errors
from connectors.google.wire import parent
from connectors.google_rates import of_list
from syncd.errors import AudienceClosed, AudienceUnusable
from syncd.model import Audience, AudienceOptions, MatchRate

_DAY = 86_400

_CONTACT_ID = int(types.IngestedUserListInfo.UploadKeyType.CONTACT_ID)
_FIRST_PARTY = int(types.DataSourceType.DATA_SOURCE_TYPE_FIRST_PARTY)
_OPEN = int(types.UserList.MembershipStatus.OPEN)
_CLOSED = int(types.UserList.MembershipStatus.CLOSED)
_UNUSED = int(types.UserList.ClosingReason.UNUSED)
_DISABLED = int(types.UserList.AccessStatus.DISABLED)

_STATES = {_OPEN: "membership_status OPEN", _CLOSED: "membership_status CLOSED"}

_REOPEN = "open it again in Google Ads (Tools, Audience manager), or name another"


def new_list(customer: str, name: str, options: AudienceOptions) -> types.CreateUserListRequest:
    """The request that makes a list for hashed contact data of our own customers.

    Without a duration members stay for the maximum, 540 days (Data Manager, `UserList`).
    """
    request = types.CreateUserListRequest.pb()()
    request.parent = parent(customer)
    request.user_list.display_name = name
    if description := options.get("description"):
        request.user_list.description = str(description)
    if days := options.get("membership_days"):
        request.user_list.membership_duration.seconds = int(str(days)) * _DAY
    info = request.user_list.ingested_user_list_info
    info.upload_key_types.append(_CONTACT_ID)
    info.contact_id_info.data_source_type = _FIRST_PARTY
    wrapped: types.CreateUserListRequest = types.CreateUserListRequest.wrap(request)
    return wrapped


def audience(found: types.UserList, account: str, *, made: bool = False) -> Audience:
    """A user list in our words.

    Google shows small lists as 0 members, and a new one too: 0 means that it does not
    say. So it never says "empty"; only of a list just `made` that is known.

    Raises:
        syncd.errors.Unavailable: The answer names no list.
    """
    message = types.UserList.pb(found)
    number = message.id or message.name.rpartition("/userLists/")[2]
    if not number or not message.display_name:
        raise errors.malformed("a user list without its id or name")
    sizes = message.size_info
    size = max(
        sizes.display_network_members_count,
        sizes.search_network_members_count,
        sizes.youtube_members_count,
        sizes.gmail_members_count,
    )
    kept = message.membership_duration.seconds // _DAY
    return Audience(
        platform=errors.PLATFORM,
        account=account,
        id=str(number),
        name=message.display_name,
        size=size or None,
        empty=False if size else (True if made else None),
        lifespan=timedelta(days=kept) if kept else None,
        status=_STATES.get(message.membership_status, ""),
        matched=_rate(message),
    )


def check(found: types.UserList) -> None:
    """Refuse a list that takes no members of ours.

    Raises:
        syncd.errors.AudienceUnusable: Somebody else's, or of another kind.
        syncd.errors.AudienceClosed: It is closed.
    """
    message = types.UserList.pb(found)
    if message.read_only:
        raise _unusable("READ_ONLY", "another account owns it; sync from that one")
    if message.account_access_status == _DISABLED:
        raise _unusable("ACCESS_DISABLED", "its owner no longer shares it; sync to another list")
    keys = message.ingested_user_list_info.upload_key_types
    if _CONTACT_ID not in keys:
        kind = " and ".join(_key(each) for each in keys) or "no uploads at all"
        said = f"the list is for {kind}, not for contact data, which cannot be changed"
        raise _unusable("UPLOAD_KEY_TYPE", f"{said}; name another, or let syncd make one")
    if message.membership_status == _CLOSED:
        unused = message.closing_reason == _UNUSED
        why = "Google closed it, for no campaign used it for a year" if unused else "it is closed"
        raise AudienceClosed(
            errors.PLATFORM,
            "CLOSED/UNUSED" if unused else "CLOSED",
            hint=f"{why}, so it takes no new members; {_REOPEN}",
        )


def _unusable(code: str, hint: str) -> AudienceUnusable:
    return AudienceUnusable(errors.PLATFORM, code, hint=hint)


def _key(number: int) -> str:
    """`MOBILE_ID`, as Google names it; numbers that it added since stay numbers."""
    try:
        return str(types.IngestedUserListInfo.UploadKeyType(number).name)
    except ValueError:
        return f"UPLOAD_KEY_TYPE {number}"


def _rate(message: Any) -> MatchRate | None:  # noqa: ANN401  # a raw protobuf message
    """The share of uploaded members that Google matched; 0 where it states none yet."""
    percentage = message.ingested_user_list_info.contact_id_info.match_rate_percentage
    return of_list(percentage) if percentage else None
