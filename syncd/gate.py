"""One gate an account: what one request learns, all others of the account go by.

A platform throttles accounts and denies credentials, not audiences. So a stated wait holds
every request of its account, of whatever sync and thread, and a denial is met once. The wait
outlives the process. A denial does not: whoever mended the permission runs `syncd sync`, and
that asks at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from syncd.errors import Denied, Throttled

PATIENCE = 900.0  # seconds to wait within a run; beyond, the next run carries on
# Until somebody has looked at a denied account; a process that lives longer then asks once.
LOOKED_AT = timedelta(hours=1)


class Gate:
    """Of one account on one platform; safe between threads."""

    def __init__(self, platform: str) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._code = ""
        self._denied: dict[str, tuple[Denied, datetime]] = {}

    def close(self, until: datetime, code: str) -> None:
        """Let no request through before then; an earlier moment changes nothing."""
        with self._lock:
            if self._until is None or until > self._until:
                self._until, self._code = until, code

    def deny(self, who: str, error: Denied, now: datetime) -> None:
        """Let no request of `who` through for an hour: the platform denied them."""
        with self._lock:
            self._denied[who] = error, now + LOOKED_AT

    def wait(self, who: str, now: datetime) -> float:
        """Seconds until a request may pass, 0 if it may now.

        Args:
            who: Whose credentials it has: the account's name in the configuration.
            now: The wall clock.

        Raises:
            syncd.errors.Denied: The platform denied the account.
            syncd.errors.Throttled: It is throttled for longer than `PATIENCE`.
        """
        with self._lock:
            until, code = self._until, self._code
            denied, ends = self._denied.get(who, (None, now))
        if denied is not None and now < ends:
            hint = (
                f"{denied.hint}. No further request was made for this account; once that is "
                "mended, `syncd sync` asks at once"
            )
            raise Denied(denied.platform, denied.code, reference=denied.reference, hint=hint)
        left = (until - now).total_seconds() if until is not None else 0.0
        if until is not None and left > PATIENCE:
            raise throttled_until(self._platform, code, until, now)
        return max(left, 0.0)


def throttled_until(platform: str, code: str, until: datetime, now: datetime) -> Throttled:
    """Why an account's requests must wait for a later run, and for how long."""
    hint = (
        f"the account is throttled until {until:%Y-%m-%d %H:%M} UTC; run again then, it goes on "
        "where it stopped"
    )
    return Throttled(platform, code, retry_after=(until - now).total_seconds(), hint=hint)


class Gates:
    """The gates of a process, made when first asked for."""

    def __init__(self, known: Callable[[str, str], tuple[datetime, str] | None]) -> None:
        """Make gates.

        Args:
            known: Until when an account (platform, account) is throttled by what earlier
                processes learned, and the code; None if it is not.
        """
        self._known = known
        self._lock = threading.Lock()
        self._gates: dict[tuple[str, str], Gate] = {}

    def of(self, platform: str, account: str) -> Gate:
        """The gate of an account."""
        with self._lock:
            gate = self._gates.get((platform, account))
            if gate is None:
                gate = self._gates[platform, account] = Gate(platform)
                if found := self._known(platform, account):
                    gate.close(*found)
            return gate
