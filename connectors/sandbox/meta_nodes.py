"""What the local Graph API states of ad accounts and audiences, and refuses because of it.

A test, or a person at the control port, says what is wrong with one: `World.about` of an
account, `AudienceState.about` of an audience, each a mapping from a field to its value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from connectors.sandbox.meta_rules import GraphError
from connectors.sandbox.state import AudienceState
from connectors.sandbox.wire import Json

# What may be said of an account. `hidden`: the token is not assigned to it.
ACCOUNT_FIELDS = frozenset({"account_status", "custom_audience_tos", "hidden"})
# Where it is said what Meta states of the token: `World.about` under this name. 0: it never ends.
TOKEN_NODE = "debug_token"  # noqa: S105  # a name
TOKEN_FIELDS = frozenset({"expires_at", "data_access_expires_at"})
# What an audience may be made with, beside its name; as Meta names it.
MADE_WITH = frozenset(
    {"description", "retention_days", "customer_file_source", "is_value_based", "opt_out_link"}
    | {"audience_labels"}
)
MAX_AUDIENCES, MAX_RETENTION = 500, 180
# What may be said of an audience; `can_edit` stands in `permission_for_actions`.
# `matched`: people to count in it, instead of all.
AUDIENCE_FIELDS = frozenset(
    {"operation_status", "delivery_status", "delete_time", "subtype", "can_edit", "matched"}
    | {"is_value_based"}
)

_ACTIVE = 1
_REPLACING = {"running": (414, "Replace in progress"), "failed": (415, "Replace failed")}
_FLAGGED = 471
_STATED_FROM = 1_000


def token_node(about: Mapping[str, object] | None) -> Json:
    """What is stated of an access token; None for one that is not known."""
    if about is None:
        said: Json = {"code": 190, "message": "The access token could not be decrypted"}
        return {"data": {"error": said, "is_valid": False, "scopes": []}}
    ends = {name: about.get(name, 0) for name in sorted(TOKEN_FIELDS)}
    return {"data": {"type": "SYSTEM_USER", "is_valid": True, "scopes": ["ads_management"], **ends}}


def account_node(account: str, about: Mapping[str, object], wanted: tuple[str, ...]) -> Json:
    """An ad account's fields."""
    terms = {"custom_audience_tos": 1} if about.get("custom_audience_tos", 1) else {}
    known: Json = {
        "id": account,
        "account_id": account.removeprefix("act_"),
        "account_status": about.get("account_status", _ACTIVE),
        "tos_accepted": terms or [],  # PHP writes an empty map as a list
        "user_tos_accepted": [],
    }
    return _picked(known, wanted)


def audience_node(audience: AudienceState, wanted: tuple[str, ...], now: datetime) -> Json:
    """An audience's fields."""
    about = audience.about
    least, most = _bounds(int(str(about.get("matched", audience.size))))
    status = (200, "Normal") if audience.ever_filled else (410, "No file was uploaded")
    status = _REPLACING.get(audience.replacing(now), status)
    known: Json = {
        "id": audience.id,
        "account_id": audience.account.removeprefix("act_"),
        "name": audience.name,
        "subtype": about.get("subtype", "CUSTOM"),
        "customer_file_source": about.get("customer_file_source", "USER_PROVIDED_ONLY"),
        "is_value_based": bool(about.get("is_value_based", False)),
        "operation_status": {
            "code": about.get("operation_status", status[0]),
            "description": status[1],
        },
        "delivery_status": {
            "code": about.get("delivery_status", 300 if least < 0 else 200),
            "description": "",
        },
        "permission_for_actions": {"can_edit": bool(about.get("can_edit", True))},
        "approximate_count_lower_bound": least,
        "approximate_count_upper_bound": most,
    }
    few = ("delete_time", "description", "retention_days", "opt_out_link", "audience_labels")
    absent = {name: about.get(name) for name in few}
    return _picked(known | {k: v for k, v in absent.items() if v}, wanted, frozenset(absent))


def _bounds(people: int) -> tuple[int, int]:
    """What Meta states of a size: nothing if small, else two round figures around it."""
    if people < _STATED_FROM:
        return -1, -1
    step = 10 ** (len(str(people)) - 2)
    least = people // step * step
    return least, least + 2 * step


def _picked(known: Json, wanted: tuple[str, ...], maybe: frozenset[str] = frozenset()) -> Json:
    unknown = [name for name in wanted if name not in known and name not in maybe]
    if unknown:
        raise GraphError(100, "(#100) Tried accessing nonexisting field")
    return {name: known[name] for name in dict.fromkeys((*wanted, "id")) if name in known}


def admit_account(about: Mapping[str, object], *, changes: bool) -> None:
    """Refuse what an account may not do.

    Raises:
        GraphError: The token does not see it, or its terms are not accepted.
    """
    if about.get("hidden"):
        raise GraphError(100, "Unsupported request", subcode=33, kind="GraphMethodException")
    if changes and not about.get("custom_audience_tos", 1):
        raise GraphError(200, "Custom audience terms not accepted", subcode=1870034)


def admit_change(audience: AudienceState) -> None:
    """Refuse to change an audience that is flagged or only shared to be seen."""
    if audience.about.get("operation_status") == _FLAGGED:
        raise GraphError(100, "This audience is flagged", subcode=1713230)
    if not audience.about.get("can_edit", True):
        raise GraphError(200, "This audience may not be edited", subcode=1487301)


def making(form: Mapping[str, str], there: int) -> dict[str, object]:
    """What an audience is made with, read from the form that asks for it.

    Args:
        form: The request's fields.
        there: Customer lists that the account has.

    Raises:
        GraphError: Something is missing or cannot be.
    """
    if not form.get("name"):
        raise GraphError(100, "(#100) name is required")
    if form.get("subtype") != "CUSTOM":
        raise GraphError(100, "(#100) subtype must be CUSTOM")
    if not form.get("customer_file_source"):
        raise GraphError(100, "customer_file_source is required", subcode=1870054)
    if there >= MAX_AUDIENCES:
        raise GraphError(100, f"at most {MAX_AUDIENCES} customer file audiences")
    text = ("description", "opt_out_link", "customer_file_source")
    try:
        given = {
            name: form[name] if name in text else json.loads(form[name])
            for name in MADE_WITH & form.keys()
        }
    except ValueError:
        raise GraphError(100, "(#100) a value is not JSON") from None
    days = given.get("retention_days")
    if days is not None and not (isinstance(days, int) and 1 <= days <= MAX_RETENTION):
        raise GraphError(100, f"(#100) retention_days must be 1 to {MAX_RETENTION}")
    if not isinstance(given.get("is_value_based", False), bool):
        raise GraphError(100, "(#100) is_value_based must be true or false")
    return given


def tell(kept: dict[str, object], given: Mapping[str, object], allowed: frozenset[str]) -> None:
    """Keep what is said of an account or an audience; None takes it back.

    Raises:
        ValueError: It names a field that there is not.
    """
    unknown = given.keys() - allowed
    if unknown:
        raise ValueError(
            f"unknown: {', '.join(sorted(unknown))}; there is {', '.join(sorted(allowed))}"
        )
    kept.update(given)
    for name in [name for name, value in kept.items() if value is None]:
        del kept[name]
