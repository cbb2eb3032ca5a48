"""How near an ad account is to Meta's limits, by the headers of each answer.

Sources, read 2026-11-22: Marketing API "Rate Limiting", Graph API "Rate Limits". Usage comes
in percent; the wait in minutes for a business use case, in seconds for an ad account. That
there is no header is normal as long as little was asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from syncd.model import Advice

SLOW, STOP = 75.0, 95.0  # percent of a limit
# Requests that fit into a Limited account's 300 seconds, all of them writes: those that are
# so far apart never add up to its limit.
SPREAD = 20
LONGEST = 3_600.0  # seconds; waits that we choose double up to here

MOST = 1e6  # of anything that is stated: moments that lie beyond a calendar are no wait

# Seconds that an account is shut out for, and that its usage takes to decay.
LIMITED, FULL = 300.0, 60.0
# `ads_api_access_tier`, by its names from before May 2026 and after.
TIERS: Mapping[str, float] = {
    "development_access": LIMITED,
    "limited_access": LIMITED,
    "standard_access": FULL,
    "full_access": FULL,
}

OLD_VERSION = (
    "Meta will retire the version of its API that is in use: set `graph_version` of the account "
    "to a newer one, or update syncd"
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one limit is used.

    Attributes:
        limit: Which, as people read it.
        percent: Of it.
        wait: Seconds until it is free again, as stated; 0 if it is not.
        shut: Whether it is used up, and the wait must be waited.
    """

    limit: str
    percent: float
    wait: float = 0.0
    shut: bool = False

    def pause(self, block: float) -> float:
        """Seconds to make no request; `block`: how long the account would be shut out."""
        whole = self.wait or block
        if self.full:
            return whole
        return whole / SPREAD if self.percent >= SLOW else 0.0

    @property
    def full(self) -> bool:
        """Whether no request should be made."""
        return self.shut or self.percent >= STOP

    @property
    def said(self) -> str:
        """For people."""
        return f"{self.limit} usage {self.percent:.0f} %"


def usages(headers: Mapping[str, str]) -> tuple[Usage, ...]:
    """What an answer's headers, by lower-case name, state of each limit."""
    return (
        *_business(_json(headers.get("x-business-use-case-usage"))),
        *_ad_account(_json(headers.get("x-ad-account-usage"))),
        *_app(_json(headers.get("x-app-usage"))),
    )


def stated_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a refusal's headers ask to wait; None where they do not say.

    An ad account's reset is told with every answer, and is about this refusal only if little
    is left. A load balancer in front of Meta states no usage, but may state HTTP's own wait.
    """
    for usage in usages(headers):
        if usage.wait and usage.full:
            return usage.wait
    # In seconds; its other form, a date, would need a clock.
    plain = headers.get("retry-after", "").strip()
    return float(plain) if plain.isascii() and plain.isdigit() and int(plain) else None


class Pace:
    """What one account's answers said of its limits; the last one counts."""

    def __init__(self) -> None:
        self._block = LIMITED  # until an answer names the tier: the longer wait is safe
        self._unstated = 0
        self._usages: tuple[Usage, ...] = ()
        self._warning = ""
        self.tier = ""  # by its name of today; "" until an answer names it

    def asked(self) -> None:
        """A request goes out: what was said before counts no more."""
        self._usages = ()

    def answered(self, headers: Mapping[str, str], *, throttled: bool = False) -> None:
        """Hear an answer; `headers` by lower-case name."""
        self._usages = usages(headers)
        tier = _tier(headers)
        if tier:
            self._block = TIERS[tier]
            self.tier = "limited" if self._block == LIMITED else "full"
        if not throttled:
            self._unstated = 0
        if headers.get("x-ad-api-version-warning"):
            self._warning = OLD_VERSION

    def unstated(self) -> float:
        """Seconds to wait after a refusal that stated no wait: longer each time in a row."""
        self._unstated += 1
        return min(self._block * 2.0 ** (self._unstated - 1), LONGEST)

    @property
    def advice(self) -> Advice:
        """What to do about the limit that is nearest."""
        pauses = [(one.pause(self._block), one.said) for one in self._usages]
        pause, reason = max(pauses, default=(0.0, ""))
        return Advice(pause, reason if pause else "", self._warning)


def _business(usage: object) -> Iterator[Usage]:
    """That of custom audiences, or else the one that is nearest."""
    groups = usage.values() if isinstance(usage, dict) else ()
    entries = [
        (one.get("type") == "custom_audience", _entry(one))
        for group in groups
        if isinstance(group, list)
        for one in group
        if isinstance(one, dict)
    ]
    ours = [one for is_ours, one in entries if is_ours] or [one for _, one in entries]
    if ours:
        yield max(ours, key=lambda one: (one.wait, one.percent))


def _entry(one: Mapping[str, object]) -> Usage:
    kind = one.get("type")
    known = kind if kind in ("custom_audience", "ads_management") else "business use case"
    wait = _amount(one.get("estimated_time_to_regain_access")) * 60.0
    return Usage(str(known).replace("_", " "), _counts(one), wait, shut=wait > 0)


def _ad_account(usage: object) -> Iterator[Usage]:
    if isinstance(usage, dict):
        percent = _amount(usage.get("acc_id_util_pct"))
        yield Usage("ad account", percent, _amount(usage.get("reset_time_duration")))


def _app(usage: object) -> Iterator[Usage]:
    if isinstance(usage, dict):
        yield Usage("app", _counts(usage))


def _counts(usage: Mapping[str, object]) -> float:
    return max(_amount(usage.get(one)) for one in ("call_count", "total_cputime", "total_time"))


def _amount(value: object) -> float:
    """A number that is one, and not below 0; else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return 0.0
    return min(float(value), MOST)


def _tier(headers: Mapping[str, str]) -> str:
    """The access tier, as stated; "" where none is that we know."""
    account = _json(headers.get("x-ad-account-usage"))
    business = _json(headers.get("x-business-use-case-usage"))
    entries = [account, *(business.values() if isinstance(business, dict) else ())]
    flat = [one for each in entries for one in (each if isinstance(each, list) else [each])]
    tiers = [one.get("ads_api_access_tier") for one in flat if isinstance(one, dict)]
    return next((tier for tier in tiers if isinstance(tier, str) and tier in TIERS), "")


def _json(text: str | None) -> object:
    try:
        parsed: object = json.loads(text or "null")
    except ValueError:
        return None
    return parsed
