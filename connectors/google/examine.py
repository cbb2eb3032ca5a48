"""What Google's answers say of an account and its user lists, as findings.

Google has no question for whether the customer match terms are accepted; it refuses the
upload. `wire.trial` is one that it checks and does not carry out: with a list, that tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from syncd.errors import AudienceUnusable, Denied, PlatformError, RequestRefused
from syncd.model import Finding
from syncd.model.findings import Verdict

_CLOUD = "https://console.cloud.google.com"
_KEYS = f"{_CLOUD}/iam-admin/serviceaccounts"
_ADS = "https://ads.google.com/aw"
_ACCESS = f"{_ADS}/accountaccess/users"
_LISTS = f"{_ADS}/audiences/management"

# Where a person must click, by reason or by canonical code; the most special first.
_LINKS: Mapping[str, str] = {
    "SERVICE_DISABLED": f"{_CLOUD}/apis/library/datamanager.googleapis.com",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _KEYS,
    "UNAUTHENTICATED": _KEYS,
    "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH": _ACCESS,
    "TERMS_AND_CONDITIONS_NOT_SIGNED": _LISTS,
    "ADVERTISER_TOS_NOT_ACCEPTED": _LISTS,
    "PERMISSION_DENIED": _ACCESS,
}

_ADMITTED = "the credentials may use the account; of its terms Google tells only on an upload"
_FIT = "it can be changed: Google took a trial upload, so the account's terms are accepted too"

Ask = Callable[[], object]
AskOfList = Callable[[str], object]


def examine(
    audience_ids: Sequence[str], *, account: Ask, read: AskOfList, upload: AskOfList
) -> tuple[Finding, ...]:
    """Ask for the account, then for each list, and whether it may be uploaded to.

    Args:
        audience_ids: Looked at only where the account is not denied.
        account: Asks whether the credentials may use the account.
        read: Asks for a list.
        upload: Tries an upload to a list, which changes nothing.
    """
    wrong = _asked("", account)
    if wrong is not None:
        return (wrong,)
    found = [Finding("", "good", "account", _ADMITTED)]
    for each in audience_ids:
        bad = _asked(each, partial(read, each)) or _asked(each, partial(upload, each))
        if bad is not None and bad.verdict == "denied":
            return (replace(bad, subject=""),)  # terms and the like are the account's
        found.append(bad or Finding(each, "good", "user_list", _FIT))
    return tuple(found)


def _asked(subject: str, ask: Ask) -> Finding | None:
    """What an answer that is an error says of what was asked about; None for any other."""
    try:
        ask()
    except (AudienceUnusable, Denied, RequestRefused) as error:
        return _finding(subject, error)
    return None


def _finding(subject: str, error: PlatformError) -> Finding:
    verdict: Verdict = "denied" if isinstance(error, Denied) else "warning"
    link = next((link for word, link in _LINKS.items() if word in error.code.split("/")), "")
    if subject and isinstance(error, AudienceUnusable):
        verdict, link = "unusable", link or _LISTS
    return Finding(subject, verdict, error.code, error.hint, link, error.reference)
