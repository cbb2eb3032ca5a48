"""Scripted faults: what a local platform does wrong, once it is told to.

Neutral between protocols. A fault is data; the server that takes it from the queue
gives it its protocol's form, and leaves alone what it cannot express.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

Kind = Literal["error", "html", "reset", "delay", "half", "refuse_rows", "malformed"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a request goes wrong.

    Kinds: `error` answers an error of the platform (`status`, `code`, `subcode`,
    `headers`); `html` answers a page (`status`, `body`); `malformed` answers `body` as it
    is, in the platform's format by name only; `reset` closes the connection without an
    answer; `half` closes it within the answer; `delay` waits `seconds`, then answers as
    usual; `refuse_rows` takes the request, but not the rows at `rows`.

    Attributes:
        platform: `meta`, `google`, `google_ads`, or `*`.
        method: The name under which the server asks, or `*`. Meta: `account`, `find`, `read`,
            `delete`, `create`, `add`, `remove`, `replace`, `forget`. Google: `get`, `list`,
            `create`, `add`, `remove`, `cut`, `status`. Google Ads: `search`, `create_list`,
            `create_job`, `add`, `run`.
        when: Whether the request is applied (`after`) or not (`before`). A refusal of
            rows and a delay always apply.
        times: How many requests it befalls.
        code: The platform's error code: a number for Meta; for Google a canonical name such as
            `RESOURCE_EXHAUSTED`.
        subcode: Meta's error_subcode, Google's ErrorInfo reason, or a code of the Google Ads
            API such as `quota_error.RESOURCE_EXHAUSTED`.
        retry_after: Seconds the platform asks the client to wait, where the protocol has a
            place for it.
        transient: Meta's `is_transient`.
        rows: Positions, from 0, in the request's rows as they stand on the wire.
        holding: Digests in hex. If given, it befalls only requests with a row that holds one
            of them, and each of those: it is not used up.
        named: With `holding`, the refusal says which rows those are, where the protocol has
            a place for it.
    """

    kind: Kind = "error"
    platform: str = "*"
    method: str = "*"
    when: Literal["before", "after"] = "before"
    times: int = 1
    status: int = 500
    code: int | str = 2
    subcode: int | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "<html><body>Sorry, something went wrong.</body></html>"
    seconds: float = 0.0
    retry_after: float | None = None
    transient: bool = False
    rows: tuple[int, ...] = ()
    holding: tuple[str, ...] = ()
    named: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot mean anything."""
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {self.kind!r}")
        if self.when not in ("before", "after"):
            raise ValueError(f"when must be `before` or `after`, not {self.when!r}")
        if self.times < 1:
            raise ValueError(f"times must be 1 or more, not {self.times}")

    def meets(self, platform: str, method: str) -> bool:
        """Whether this fault befalls such a request."""
        return self.platform in ("*", platform) and self.method in ("*", method)


Where = Callable[[Collection[str]], tuple[int, ...]]


def _nowhere(_: Collection[str]) -> tuple[int, ...]:
    return ()


class FaultQueue:
    """Faults waiting for requests, in the order they were scripted; safe between threads."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults = list(faults)

    def script(self, *faults: Fault) -> None:
        """Add faults at the end."""
        with self._lock:
            self._faults.extend(faults)

    def take(self, platform: str, method: str, where: Where = _nowhere) -> Fault | None:
        """The first fault that befalls this request, used up once; None if there is none.

        Args:
            platform: Asking.
            method: What it serves.
            where: Positions of the request's rows that hold one of these digests.
        """
        with self._lock:
            for position, fault in enumerate(self._faults):
                if not fault.meets(platform, method):
                    continue
                if fault.holding:
                    rows = where(fault.holding)
                    if rows:
                        return replace(fault, rows=rows if fault.named else ())
                else:
                    if fault.times > 1:
                        self._faults[position] = replace(fault, times=fault.times - 1)
                    else:
                        del self._faults[position]
                    return fault
            return None

    def withdraw(self, fault: Fault) -> None:
        """Forget one that was scripted, if it is waiting yet."""
        with self._lock:
            if fault in self._faults:
                self._faults.remove(fault)

    def clear(self) -> None:
        """Forget what was scripted."""
        with self._lock:
            self._faults.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """The faults that have not befallen anything yet."""
        with self._lock:
            return tuple(self._faults)
