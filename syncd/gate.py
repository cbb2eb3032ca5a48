"""One gate an account: what one request learns, all others of the account go by.

A platform throttles accounts and denies credentials, not audiences. So a stated wait holds
every request of its account, of whatever sync and thread, and a denial is met once. The wait
is written down when it begins: other processes see it, and it outlives this one. A denial
does not: whoever mended the permission runs `syncd sync`, and
that asks at once.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Protocol

from syncd.errors import Denied, Throttled

PATIENCE = 900.0  # seconds to wait within a run; beyond, the next run carries on
# Until somebody has looked at a denied account; a process that lives longer then asks once.
LOOKED_AT = timedelta(hours=1)
TOLD = 30.0  # seconds; a shorter wait is over before anyone has read of it


class Book(Protocol):
    """Where it is written what accounts were told; the ledger."""

    def throttled(self, platform: str, account: str) -> tuple[datetime, str] | None:
        """Until when an account must wait, and why; None if it need not."""
        ...

    def throttle(self, platform: str, account: str, until: datetime, code: str) -> None:
        """Write that down."""
        ...

    def warn(self, platform: str, account: str, warning: str) -> None:
        """Write down what a person should see to."""
        ...


class Gate:
    """Of one account on one platform; safe between threads."""

    def __init__(self, platform: str, account: str = "", book: Book | None = None) -> None:
        self._platform = platform
        self._account = account
        self._book = book
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._code = ""
        self._denied: dict[str, tuple[Denied, datetime]] = {}

    def close(self, until: datetime, code: str) -> bool:
        """Let no request through before then; False if that was so already."""
        with self._lock:
            if self._until is not None and until <= self._until:
                return False
            self._until, self._code = until, code
            return True

    def hold(self, seconds: float, code: str, now: datetime) -> None:
        """Let no request through for so long; a wait worth telling is written down."""
        until = now + timedelta(seconds=seconds)
        if self.close(until, code) and self._book is not None and seconds >= TOLD:
            self._book.throttle(self._platform, self._account, until, code)

    def warn(self, warning: str) -> None:
        """Write down what the platform's answers warn of."""
        if self._book is not None:
            self._book.warn(self._platform, self._account, warning)

    def deny(self, who: str, error: Denied, now: datetime) -> None:
        """Let no request of `who` through for an hour, or as stated: the platform denied them."""
        stated = error.again_after
        ends = now + (LOOKED_AT if stated is None else timedelta(seconds=stated))
        with self._lock:
            self._denied[who] = error, ends

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
            until = self._until
            denied, ends = self._denied.get(who, (None, now))
        if denied is not None and now < ends:
            hint = (
                f"{denied.hint}. No further request was made for this account; once that is "
                "mended, `syncd sync` asks at once"
            )
            raise Denied(denied.platform, denied.code, reference=denied.reference, hint=hint)
        left = (until - now).total_seconds() if until is not None else 0.0
        if left > PATIENCE:
            raise self.throttled(now)
        return max(left, 0.0)

    def throttled(self, now: datetime, why: str = "") -> Throttled:
        """What a run that does not wait for the gate tells."""
        with self._lock:
            until, code = self._until or now, self._code
        return throttled_until(self._platform, code, until, now, why=why)


def throttled_until(
    platform: str, code: str, until: datetime, now: datetime, *, why: str = ""
) -> Throttled:
    """Why an account's requests must wait for a later run, and for how long."""
    hint = (
        f"{why + ': ' if why else ''}the account is throttled until {until:%Y-%m-%d %H:%M} UTC; "
        "run again then, it goes on where it stopped"
    )
    return Throttled(platform, code, retry_after=(until - now).total_seconds(), hint=hint)


class Gates:
    """The gates of a process, made when first asked for."""

    def __init__(self, book: Book) -> None:
        """Make gates.

        Args:
            book: What earlier processes learned, and later ones will.
        """
        self._book = book
        self._lock = threading.Lock()
        self._gates: dict[tuple[str, str], Gate] = {}

    def of(self, platform: str, account: str) -> Gate:
        """The gate of an account."""
        with self._lock:
            gate = self._gates.get((platform, account))
            if gate is None:
                gate = self._gates[platform, account] = Gate(platform, account, self._book)
                if found := self._book.throttled(platform, account):
                    gate.close(*found)
            return gate
