"""Whether an ad account and its audiences are fit, by what Meta states of them.

Sources, read 2026-11-22: Marketing API references of Ad Account and Custom Audience,
"Custom Audience Terms of Service". How long a token still lives is another question, see `expiry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.meta.client import Answer, Client, malformed, number
from connectors.meta.errors import FLAGGED, TERMS
from connectors.meta.usage import LIMITED, SPREAD
from syncd.errors import AudienceUnusable, Denied, PlatformError, RequestRefused
from syncd.model import Finding
from syncd.model.findings import Verdict

_ACCOUNT = "account_id,account_status,tos_accepted,user_tos_accepted"
AUDIENCE = "id,subtype,operation_status,permission_for_actions,delete_time"

_BUSINESS = "https://business.facebook.com"
_TERMS = f"{_BUSINESS}/ads/manage/customaudiences/tos/?act={{}}"
_AUDIENCES = f"{_BUSINESS}/adsmanager/audiences?act={{}}"
_QUALITY = f"{_BUSINESS}/accountquality/{{}}"
_APPS = "https://developers.facebook.com/apps"
_BILLING = f"{_BUSINESS}/billing_hub/accounts?asset_id={{}}"
_SYSTEM_USERS = f"{_BUSINESS}/settings/system-users"

# Codes of an error, before a subcode, that a person mends elsewhere than where tokens are made.
_OF_TERMS = frozenset({"200/1870034", "200/1870090", "1870092", "2655"})

# account_status: what to say of it, and where to click. What is not here is active.
_STATUS: dict[int, tuple[Verdict, str, str]] = {
    2: ("denied", "the ad account is disabled; ask for a review", _QUALITY),
    3: ("warning", "the ad account has an unpaid balance; settle it", _BILLING),
    7: ("warning", "Meta reviews the ad account for risk; look at Account Quality", _QUALITY),
    8: ("warning", "a payment of the ad account is pending; look at its billing", _BILLING),
    9: ("warning", "the ad account is in its grace period; settle its balance", _BILLING),
    100: ("warning", "the ad account is about to be closed; keep it open or sync to another", ""),
    101: ("denied", "the ad account is closed; sync to another", ""),
}

# operation_status: what to say of it. What is not here is fine and says nothing.
_OPERATION: dict[int, tuple[Verdict, str]] = {
    100: ("warning", "no active ad set used it for two years, so Meta deletes it; use it"),
    400: ("warning", "Meta warns of it; look at it in Audience Manager"),
    410: ("good", "nothing was uploaded yet"),
    411: ("warning", "Meta matches few of its members; look at `syncd identity sample`"),
    412: ("warning", "many rows of the last upload were invalid; look at `syncd runs show`"),
    414: ("good", "it is being replaced, and takes nothing else until that ends"),
    415: ("warning", "its replacement failed; the next run sends everyone again"),
    441: ("good", "Meta still matches its members; it can be used"),
    450: ("good", "it was not used for a while, so Meta does not keep its size up to date"),
    470: ("unusable", "its owner is inactive; sync to another audience"),
    471: ("unusable", FLAGGED),
    500: ("unusable", "Meta reports an error with it; look at it in Audience Manager"),
}
_FINE: tuple[Verdict, str] = ("good", "it can be changed")


def examine(client: Client, account_id: str, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
    """Ask for the account in one request, and for each audience in another.

    Args:
        client: Of the account.
        account_id: `act_` and its number.
        audience_ids: Looked at only where the account is not denied.
    """
    act = account_id.removeprefix("act_")
    of_account = _account(client, act)
    if any(one.verdict == "denied" for one in of_account):
        return of_account
    return (*of_account, *(_audience(client, each, act) for each in audience_ids))


def _account(client: Client, act: str) -> tuple[Finding, ...]:
    answer = _asked(client, "", act)
    if isinstance(answer, Finding):
        return (answer,)
    if str(answer.get("account_id", "")) != act:
        raise malformed()
    wrong = tuple(filter(None, (_status(answer, act), _terms(answer, act))))
    return wrong or (_fit(client.pace.tier),)


def _fit(tier: str) -> Finding:
    """A fit account; the answer's headers named its app's access tier, or ""."""
    said = "the token may use the ad account, it is active and its terms are accepted"
    if tier == "full":
        return Finding("", "good", "account", f"{said}; its app has full access")
    if tier == "limited":
        slow = (
            f"{said}; its app has limited access, {SPREAD} requests with members in "
            f"{LIMITED / 60:.0f} minutes, which syncd waits for. Meta grants full access to an app "
            "that made 500 calls in 15 days, few of them errors: ask for it"
        )
        return Finding("", "good", "tier limited", slow, _APPS)
    return Finding("", "good", "account", said)


def _asked(client: Client, subject: str, act: str) -> Answer | Finding:
    """What Meta answers, or what it means that it does not."""
    node, fields = (subject, AUDIENCE) if subject else (f"act_{act}", _ACCOUNT)
    try:
        return client.get((node,), {"fields": fields}, of_audience=bool(subject))
    except (Denied, AudienceUnusable, RequestRefused) as error:
        return _no(subject, error, act)


def _no(subject: str, error: PlatformError, act: str) -> Finding:
    verdict: Verdict
    if isinstance(error, AudienceUnusable):
        verdict, link = "unusable", _AUDIENCES.format(act)
    elif isinstance(error, Denied):
        terms = error.code in _OF_TERMS
        verdict, link = "denied", _TERMS.format(act) if terms else _SYSTEM_USERS
    else:  # Meta calls the question invalid, which says nothing of what was asked about
        verdict, link = "warning", ""
    return Finding(subject, verdict, error.code, error.hint, link, error.reference)


def _status(answer: Answer, act: str) -> Finding | None:
    status = number(answer.get("account_status"))
    if status not in _STATUS:
        return None
    verdict, said, link = _STATUS[status]
    return Finding("", verdict, f"account_status {status}", said, link.format(act))


def _terms(answer: Answer, act: str) -> Finding | None:
    """Whether somebody accepted the terms, for the business or at least for this token.

    The second is told of people's tokens only. Where Meta tells neither, an upload will.
    """
    told = [answer[name] for name in ("tos_accepted", "user_tos_accepted") if name in answer]
    if any(isinstance(one, dict) and number(one.get("custom_audience_tos")) == 1 for one in told):
        return None
    code, link = "custom_audience_tos", _TERMS.format(act)
    if "tos_accepted" in answer:
        return Finding("", "denied", code, TERMS, link)
    said = "Meta does not say whether the custom audience terms are accepted; look once"
    return Finding("", "warning", code, said, link)


def _audience(client: Client, audience_id: str, act: str) -> Finding:
    node = _asked(client, audience_id, act)
    if isinstance(node, Finding):
        return node
    if str(node.get("id", "")) != audience_id:
        raise malformed()
    verdict, code, said = fitness(node)
    link = "" if verdict == "good" else _AUDIENCES.format(act)
    return Finding(audience_id, verdict, code, said, link)


def fitness(node: Answer) -> tuple[Verdict, str, str]:
    """The gravest that a node states, its code, and what to say of it."""
    if node.get("subtype") != "CUSTOM":
        return "unusable", "subtype", "it is no customer list; sync to another audience"
    allowed = node.get("permission_for_actions")
    if isinstance(allowed, dict) and allowed.get("can_edit") is False:
        said = "this account may see it and not change it; let its owner share it to be edited"
        return "unusable", "can_edit", said
    found = operation(node)
    verdict, said = _OPERATION.get(found, _FINE)
    ends = number(node.get("delete_time"))
    if ends and verdict != "unusable":
        said = f"Meta deletes it on {datetime.fromtimestamp(ends, UTC):%Y-%m-%d} for want of use"
        return "warning", "delete_time", f"{said}; use it in an active ad set"
    return verdict, f"operation_status {found}", said


def operation(node: Answer) -> int:
    """Its code; 0 where it has none, as Meta's own 0 says."""
    status = node.get("operation_status")
    return (number(status.get("code")) or 0) if isinstance(status, dict) else 0
