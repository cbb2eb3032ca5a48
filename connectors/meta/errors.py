"""What Meta's error codes mean to the core, as a table.

Sources, read 2026-11-22: Marketing API "Error Codes", "Rate Limiting", "Customer File
Custom Audiences" and Graph API "Handling Errors". Texts change without notice, so
nothing here looks at one: precedence is code and subcode, subcode, code,
`is_transient`, HTTP status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from connectors.meta.usage import stated_wait
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

NAME = "meta"
HOUR = 3600.0
ASK_AGAIN = 180.0  # seconds; an audience's other update takes minutes, a replacement up to 90
TERMS = (
    "somebody of the business must accept the custom audience terms of this ad account in the "
    "browser, at business.facebook.com/ads/manage/customaudiences/tos/?act=NUMBER; then run again"
)
POLICY = "Meta blocked this account for policy reasons; look at Account Quality, wait 24 hours"
RESTRICTED = "advertising is restricted for this account"
UNSHARED = "the audience is not shared with this account"
DISABLED = "the audience is disabled"
TOKEN = "make a new access token of a system user with ads_management"  # noqa: S105  # advice, no token
FLAGGED = "Meta flagged this audience; appeal in Audience Manager or sync to another audience"

Kind = Literal["throttled", "busy", "unavailable", "refused", "denied", "unusable", "gone"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an error means to the core.

    Attributes:
        hint: What to do.
        wait: How long to wait where that is fixed, seconds.
        of_rows: Whether a refusal may be about rows of the request. Only where Meta says
            that what was sent does not fit; not where something else was missing.
        of_size: Whether it may be about how many they are.
    """

    kind: Kind
    hint: str = ""
    wait: float | None = None
    of_rows: bool = False
    of_size: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as Meta put it, reduced to what can be told.

    Attributes:
        headers: By lower-case name.
        of_audience: Whether the request went to an audience, and not to the account.
        upload: Whether it carried rows to an audience.
    """

    status: int
    code: int
    subcode: int | None
    transient: bool
    trace: str
    headers: Mapping[str, str] = field(repr=False)
    of_audience: bool
    upload: bool = False


_THROTTLED = Rule("throttled")
_AGAIN = Rule("unavailable")
_BROKEN = Rule("unavailable", "the upload session broke; the next attempt opens another")
_BAD = Rule("refused", "Meta calls the request invalid; report it with the reference")
_BAD_ROWS = replace(_BAD, of_rows=True)  # 100: "data is missing or does not match schema"
_GONE = Rule("gone", "the audience was deleted, or this token may not see it")
_POLICY = Rule("denied", POLICY, 24 * HOUR)
_PERMISSION = Rule("denied", "give the token's system user ads_management on this ad account")

TOO_MUCH = (1, 99)

# (code, subcode). None for the code: the subcode says it with any code. None for the
# subcode: the code says it with any subcode that is not named.
RULES: Mapping[tuple[int | None, int | None], Rule] = {
    (1, None): _AGAIN,
    # "Reduce the amount of data", as the texts of code 1 also say; no text is looked at.
    TOO_MUCH: Rule("refused", "Meta asks for fewer rows in a request", of_rows=True, of_size=True),
    (2, None): _AGAIN,
    (5000, None): _AGAIN,
    (3910001, None): _AGAIN,
    # A new audience's edge may be unknown for a minute.
    (803, None): Rule("unavailable", "an audience made a minute ago may not be known everywhere"),
    (4, None): _THROTTLED,
    (17, 2446079): _THROTTLED,
    (17, None): _THROTTLED,
    (32, None): _THROTTLED,
    (341, None): _THROTTLED,
    (613, 1487742): _THROTTLED,
    (613, 5044001): _THROTTLED,
    (613, None): Rule("throttled", "Meta's abuse prevention; look at the app's dashboard", HOUR),
    (80000, None): _THROTTLED,
    (80003, None): _THROTTLED,
    (80004, None): _THROTTLED,
    (80014, None): _THROTTLED,
    (2650, 1870145): Rule("busy", "another update of this audience is under way", ASK_AGAIN),
    (3, None): Rule("denied", "the app lacks a capability; it needs Marketing API access"),
    (10, None): _PERMISSION,
    (102, None): Rule("denied", TOKEN),
    (104, None): Rule("denied", "appsecret_proof is demanded or wrong; check app_secret"),
    (190, 458): Rule("denied", "the app was removed from the account; " + TOKEN),
    (190, 459): Rule("denied", "the token's owner must log in at Facebook once (checkpoint)"),
    (190, 460): Rule("denied", "the token's owner changed the password; " + TOKEN),
    (190, 463): Rule("denied", "the token has expired; " + TOKEN),
    (190, 464): Rule("denied", "the token's owner is not confirmed"),
    (190, 467): Rule("denied", "the token was revoked or has ended; " + TOKEN),
    (190, None): Rule("denied", "the token is not valid; " + TOKEN),
    (200, 1870034): Rule("denied", TERMS),
    (200, 1870090): Rule("denied", TERMS),
    (None, 1870092): Rule("denied", TERMS),
    (1870092, None): Rule("denied", TERMS),
    (2655, None): Rule("denied", TERMS),
    (200, 1870050): Rule("denied", "link the ad account to a business portfolio"),
    # Refused and no more: whoever is to be added is added, the removals are tried again.
    (200, 1870047): Rule("refused", "Meta refuses removals that leave too few; look at the plan"),
    (200, None): _PERMISSION,
    (270, None): Rule("denied", "the app has development access only; ask Meta for more"),
    (294, None): _PERMISSION,
    (2635, None): Rule("denied", "Meta retired this API version; update syncd"),
    (2654, 1713092): _PERMISSION,
    (1404163, None): Rule("denied", RESTRICTED),
    (None, 1404163): Rule("denied", RESTRICTED),
    (368, None): _POLICY,
    (1404078, None): _POLICY,
    (None, 1404078): _POLICY,
    (2859015, None): _POLICY,
    (None, 2859015): _POLICY,
    (100, 33): _GONE,
    (100, 1713228): Rule("unusable", FLAGGED),
    (100, 1713230): Rule("unusable", FLAGGED),
    (100, 1713231): Rule("unusable", FLAGGED),
    (2650, 1870144): Rule("unusable", "the audience has reached Meta's limit of 100 million"),
    (2650, 1870147): _BROKEN,
    (2650, 1870148): _BROKEN,
    (2650, 1870158): _BROKEN,
    (2650, 1870159): _BROKEN,
    (2650, None): Rule("unusable", "the audience was filled by other means; use another audience"),
    (2651, None): Rule("unusable"),
    (2656, None): Rule("unusable", "lookalike audiences depend on this audience"),
    (None, 1487301): Rule("unusable", UNSHARED),
    (1487301, None): Rule("unusable", UNSHARED),
    (None, 1487366): _GONE,
    (1487366, None): _GONE,
    (None, 1870065): Rule("unusable", DISABLED),
    (1870065, None): Rule("unusable", DISABLED),
    (100, None): _BAD_ROWS,
    (105, None): _BAD_ROWS,
    (194, None): _BAD,
}

# A code below 0 says nothing itself: its subcode is read. Long ones are distinct among all codes.
_SUBCODES: Mapping[int, Rule] = {
    subcode: rule for (_, subcode), rule in RULES.items() if subcode is not None and subcode > 10**6
}


_PLAIN: Mapping[Kind, type[Unavailable | AudienceUnusable]] = {
    "unavailable": Unavailable,
    "unusable": AudienceUnusable,
    "gone": AudienceGone,
}


def translate(failure: Failure) -> PlatformError:
    """The error that the core gets; codes, our words and Meta's trace id."""
    rule = _rule(failure)
    code = str(failure.code) + (f"/{failure.subcode}" if failure.subcode is not None else "")
    reference, hint, wait = failure.trace, rule.hint, rule.wait
    if rule.kind == "throttled":
        wait = stated_wait(failure.headers) or wait
        return Throttled(NAME, code, retry_after=wait, reference=reference, hint=hint)
    if rule.kind == "busy":
        return AudienceBusy(NAME, code, retry_after=wait, reference=reference, hint=hint)
    if rule.kind == "denied":
        return Denied(NAME, code, again_after=wait, reference=reference, hint=hint)
    if rule.kind == "refused":
        return RequestRefused(
            NAME,
            code,
            of_rows=rule.of_rows,
            of_size=rule.of_size,
            reference=reference,
            hint=hint,
        )
    return _PLAIN[rule.kind](NAME, code, reference=reference, hint=hint)


def _rule(failure: Failure) -> Rule:
    code, subcode = failure.code, failure.subcode
    if (code, subcode) == (100, 33) and not failure.of_audience:
        return Rule("denied", "account_id is wrong, or the token is not assigned to the ad account")
    if (code, subcode) == TOO_MUCH and not failure.upload:
        return _AGAIN
    said = _SUBCODES.get(subcode or 0) if code < 0 else None
    for key in ((code, subcode), (None, subcode), (code, None)):
        if key != (None, None):
            said = said or RULES.get(key)
    if said is not None:
        return said
    if failure.status == 429:  # noqa: PLR2004  # Too Many Requests
        return _THROTTLED
    if code < 0 or failure.transient or failure.status >= 500:  # noqa: PLR2004  # a server's errors
        return _AGAIN
    return _BAD


def trace_id(value: object) -> str:
    """Meta's trace id if it looks like one; it is told to people, so nothing else passes."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else ""
