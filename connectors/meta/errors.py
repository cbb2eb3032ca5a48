"""What Meta's error codes mean to the core, as a table.

Sources, read 2026-11-22: Marketing API "Error Codes", "Rate Limiting", "Customer File
Custom Audiences" and Graph API "Handling Errors". Texts change without notice, so
nothing here looks at one: precedence is code and subcode, subcode, code,
`is_transient`, HTTP status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from syncd.errors import (
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
TERMS = "accept the custom audience terms of this ad account in the browser, then run again"
POLICY = "Meta blocked this account for policy reasons; look at Account Quality, wait 24 hours"
TOKEN = "make a new access token of a system user with ads_management"  # noqa: S105  # advice, no token
FLAGGED = "Meta flagged this audience; appeal in Audience Manager or sync to another audience"

Kind = Literal["throttled", "unavailable", "refused", "denied", "unusable", "gone"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an error means to the core.

    Attributes:
        hint: What to do.
        wait: How long to wait where that is fixed, seconds.
        of_rows: Whether a refusal may be about rows of the request. Only where Meta says
            that what was sent does not fit; not where something else was missing.
    """

    kind: Kind
    hint: str = ""
    wait: float | None = None
    of_rows: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as Meta put it, reduced to what can be told.

    Attributes:
        headers: By lower-case name.
        of_audience: Whether the request went to an audience, and not to the account.
    """

    status: int
    code: int
    subcode: int | None
    transient: bool
    trace: str
    headers: Mapping[str, str] = field(repr=False)
    of_audience: bool


_THROTTLED = Rule("throttled")
_AGAIN = Rule("unavailable")
_BROKEN = Rule("unavailable", "the upload session broke; the next attempt opens another")
_BAD = Rule("refused", "Meta calls the request invalid; report it with the reference")
_BAD_ROWS = replace(_BAD, of_rows=True)  # 100: "data is missing or does not match schema"
_GONE = Rule("gone", "the audience was deleted, or this token may not see it")
_PERMISSION = Rule("denied", "give the token's system user ads_management on this ad account")

# (code, subcode). None for the code: the subcode says it with any code. None for the
# subcode: the code says it with any subcode that is not named.
RULES: Mapping[tuple[int | None, int | None], Rule] = {
    (1, None): _AGAIN,
    (2, None): _AGAIN,
    (5000, None): _AGAIN,
    (3910001, None): _AGAIN,
    # A new audience's edge may be unknown for a minute.
    (803, None): Rule("unavailable", "an audience made a minute ago may not be known everywhere"),
    (4, None): _THROTTLED,
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
    (2650, 1870145): Rule("throttled", "another update of this audience is under way", 180.0),
    (3, None): Rule("denied", "the app lacks a capability; it needs Marketing API access"),
    (10, None): _PERMISSION,
    (102, None): Rule("denied", TOKEN),
    (104, None): Rule("denied", "appsecret_proof is demanded or wrong; check app_secret"),
    (190, 458): Rule("denied", "the app was removed from the account; " + TOKEN),
    (190, 459): Rule("denied", "the token's owner must log in at Facebook once (checkpoint)"),
    (190, 460): Rule("denied", "the token's owner changed the password; " + TOKEN),
    (190, 463): Rule("denied", "the token has expired; " + TOKEN),
    (190, 464): Rule("denied", "the token's owner is not confirmed"),
    (190, None): Rule("denied", "the token is not valid; " + TOKEN),
    (200, 1870034): Rule("denied", TERMS),
    (200, 1870090): Rule("denied", TERMS),
    (None, 1870092): Rule("denied", TERMS),
    (1870092, None): Rule("denied", TERMS),
    (2655, None): Rule("denied", TERMS),
    (200, 1870050): Rule("denied", "link the ad account to a business portfolio"),
    (200, 1870047): Rule("unusable", "Meta refuses removals that leave too few; look at the plan"),
    (200, None): _PERMISSION,
    (270, None): Rule("denied", "the app has development access only; ask Meta for more"),
    (294, None): _PERMISSION,
    (2635, None): Rule("denied", "Meta retired this API version; update syncd"),
    (2654, 1713092): _PERMISSION,
    (1404163, None): Rule("denied", "advertising is restricted for this account"),
    (None, 1404163): Rule("denied", "advertising is restricted for this account"),
    (368, None): Rule("denied", POLICY),
    (1404078, None): Rule("denied", POLICY),
    (2859015, None): Rule("denied", POLICY),
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
    (None, 1487301): Rule("unusable", "the audience is not shared with this account"),
    (1487301, None): Rule("unusable", "the audience is not shared with this account"),
    (None, 1487366): _GONE,
    (1487366, None): _GONE,
    (None, 1870065): Rule("unusable", "the audience is disabled"),
    (1870065, None): Rule("unusable", "the audience is disabled"),
    (100, None): _BAD_ROWS,
    (105, None): _BAD_ROWS,
    (194, None): _BAD,
}


def translate(failure: Failure) -> PlatformError:
    """The error that the core gets; codes, our words and Meta's trace id."""
    rule = _rule(failure)
    code = str(failure.code) + (f"/{failure.subcode}" if failure.subcode is not None else "")
    reference, hint = failure.trace, rule.hint
    if rule.kind == "throttled":
        wait = stated_wait(failure.headers) or rule.wait
        return Throttled(NAME, code, retry_after=wait, reference=reference, hint=hint)
    if rule.kind == "unavailable":
        return Unavailable(NAME, code, reference=reference, hint=hint)
    if rule.kind == "denied":
        return Denied(NAME, code, reference=reference, hint=hint)
    if rule.kind == "gone":
        return AudienceGone(NAME, code, reference=reference, hint=hint)
    if rule.kind == "unusable":
        return AudienceUnusable(NAME, code, reference=reference, hint=hint)
    of_rows = rule.of_rows
    return RequestRefused(NAME, code, of_rows=of_rows, reference=reference, hint=hint)


def _rule(failure: Failure) -> Rule:
    code, subcode = failure.code, failure.subcode
    if (code, subcode) == (100, 33) and not failure.of_audience:
        return Rule("denied", "account_id is wrong, or the token is not assigned to the ad account")
    if subcode is not None:
        for key in ((code, subcode), (None, subcode)):
            if key in RULES:
                return RULES[key]
    if (code, None) in RULES:
        return RULES[code, None]
    if failure.status == 429:  # noqa: PLR2004  # Too Many Requests
        return _THROTTLED
    if code < 0 or failure.transient or failure.status >= 500:  # noqa: PLR2004  # a server's errors
        return _AGAIN
    return _BAD


def stated_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers ask to wait; None where they do not say.

    Business use case usage states minutes, ad account usage seconds; a load balancer in
    front of Meta states none of them, but may state HTTP's own.
    """
    minutes = _business_minutes(_json(headers.get("x-business-use-case-usage", "")))
    if minutes:
        return minutes * 60.0
    usage = _json(headers.get("x-ad-account-usage", ""))
    seconds = usage.get("reset_time_duration") if isinstance(usage, dict) else None
    if isinstance(seconds, int | float) and seconds > 0:
        return float(seconds)
    # In seconds; its other form, a date, would need a clock.
    plain = headers.get("retry-after", "").strip()
    return float(plain) if plain.isascii() and plain.isdigit() and int(plain) else None


def _business_minutes(usage: object) -> float:
    """The longest wait stated for custom audiences, or else for anything."""
    groups = usage.values() if isinstance(usage, dict) else ()
    entries = [one for group in groups if isinstance(group, list) for one in group]
    found: dict[bool, float] = {}
    for one in entries:
        minutes = one.get("estimated_time_to_regain_access") if isinstance(one, dict) else None
        if isinstance(minutes, int | float) and minutes > 0:
            ours = one.get("type") == "custom_audience"
            found[ours] = max(found.get(ours, 0.0), float(minutes))
    return found.get(True) or found.get(False, 0.0)


def trace_id(value: object) -> str:
    """Meta's trace id if it looks like one; it is told to people, so nothing else passes."""
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) else ""


def _json(text: str) -> object:
    try:
        parsed: object = json.loads(text)
    except ValueError:
        return None
    return parsed
