"""What befalls requests between a connector and its platform, and the books of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from connectors import google, meta
from connectors.google import channel, client
from connectors.sandbox import Sandbox
from connectors.sandbox.faults import Fault
from syncd.errors import PlatformError, Unavailable
from syncd.model import (
    Account,
    Batch,
    BatchId,
    Operation,
    Receipt,
)
from syncd.ports import Platform, Upload
from tests.crash.proxy import Proxy, Spell, page
from tests.crash.stage import ACCOUNTS, Name
from tests.integration.through import Through

ROWS = 4  # a request: small, so that many requests meet faults
DEADLINE = 0.75  # seconds that an answer is waited for

HTML = b"<html><body>Sorry, something went wrong.</body></html>"
_AS_HTML = {"Content-Type": "text/html"}
_LIMITED = {"error": {"message": "limit", "type": "OAuthException", "code": 80003}}
_USAGE = {"1": [{"type": "custom_audience", "estimated_time_to_regain_access": 2}]}
_WAIT = {"x-business-use-case-usage": json.dumps(_USAGE), "Content-Type": "application/json"}

# What befalls the line, on either platform.
ON_THE_LINE: Mapping[str, Spell] = {
    "reset, not applied": Spell("reset_before"),
    "reset, applied": Spell("reset_after"),
    "half an answer": Spell("half"),
    "slow answer": Spell("slow", seconds=2 * DEADLINE),
}
# What a proxy or a load balancer answers in Meta's place.
IN_ITS_PLACE: Mapping[str, Spell] = {
    "HTML, status 200": Spell("replace_before", answer=page(200, "OK", _AS_HTML, HTML)),
    "HTML, 200, applied": Spell("replace_after", answer=page(200, "OK", _AS_HTML, HTML)),
    "5xx, not applied": Spell("replace_before", answer=page(503, "Unavailable", _AS_HTML, HTML)),
    "5xx, applied": Spell("replace_after", answer=page(502, "Bad Gateway", _AS_HTML, HTML)),
    "limit, wait stated": Spell(
        "replace_before", answer=page(400, "Bad", _WAIT, json.dumps(_LIMITED).encode())
    ),
    "limit, no wait": Spell("replace_before", answer=page(429, "Too Many", _AS_HTML, HTML)),
}
# The same from Google, as far as gRPC has it; the sandbox says it.
BY_THE_SERVER: Mapping[str, Fault] = {
    "HTML, 200, applied": Fault("malformed", when="after", body="<html>"),
    "5xx, not applied": Fault("error", code="UNAVAILABLE"),
    "5xx, applied": Fault("error", code="INTERNAL", when="after"),
    "limit, wait stated": Fault("error", code="RESOURCE_EXHAUSTED", retry_after=90.0),
    "limit, no wait": Fault("error", code="RESOURCE_EXHAUSTED"),
}
KINDS: Mapping[Name, tuple[str, ...]] = {
    "meta": (*ON_THE_LINE, *IN_ITS_PLACE),
    "google": (*ON_THE_LINE, *BY_THE_SERVER),
}


@dataclass
class Line:
    """What became of one kind of fault on one platform.

    Attributes:
        retries: Further requests for the batches that met it.
        unknown: Requests of whose outcome nothing was known.
        resolved: Batches of unknown outcome that were answered in the end.
    """

    injected: int = 0
    retries: int = 0
    unknown: int = 0
    resolved: int = 0
    became: Counter[str] = field(default_factory=Counter)


@dataclass
class Weather:
    """Draws what befalls a request, and keeps the books.

    Attributes:
        calm: While true, nothing befalls any.
        batches: Batches answered.
    """

    name: Name
    random: Random
    rate: float
    proxy: Proxy
    sandbox: Sandbox
    calm: bool = False
    requests: int = 0
    batches: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    met: dict[BatchId, str] = field(default_factory=dict)
    doubts: dict[BatchId, list[str]] = field(default_factory=dict)
    deck: list[str] = field(default_factory=list)

    def push(self, batch: Batch, push: Callable[[], Receipt]) -> Receipt:
        self.requests += 1
        if (before := self.met.pop(batch.id, None)) is not None:
            self.lines[before].retries += 1
        kind = self._draw()
        line = self.lines.setdefault(kind, Line()) if kind else None
        try:
            receipt = push()
        except PlatformError as error:
            if kind is None or line is None:
                raise
            line.became[type(error).__name__] += 1
            self.met[batch.id] = kind
            if isinstance(error, Unavailable):
                line.unknown += 1
                self.doubts.setdefault(batch.id, []).append(kind)
            raise
        finally:
            self.proxy.disarm()
            self.sandbox.faults.clear()
        if line is not None:
            line.became["answered all the same"] += 1
        self.batches += 1
        for doubted in self.doubts.pop(batch.id, []):
            self.lines[doubted].resolved += 1
        return receipt

    def _draw(self) -> str | None:
        if self.calm or self.random.random() >= self.rate:
            return None
        if not self.deck:  # as cards are dealt, so that none is left out
            self.deck = self.random.sample(KINDS[self.name], len(KINDS[self.name]))
        kind = self.deck.pop()
        self.lines.setdefault(kind, Line()).injected += 1
        if kind in ON_THE_LINE:
            self.proxy.arm(ON_THE_LINE[kind])
        elif self.name == "meta":
            self.proxy.arm(IN_ITS_PLACE[kind])
        else:
            self.sandbox.faults.script(BY_THE_SERVER[kind])
        return kind


@dataclass(frozen=True)
class ExposedUpload:
    """A platform's upload, whose requests are exposed to the weather."""

    inner: Upload
    weather: Weather

    @property
    def label(self) -> str:
        return self.inner.label

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        return self.weather.push(batch, lambda: self.inner.push(batch, last=last))


@dataclass(frozen=True)
class ExposedConnector(Through):
    """A platform's connector; what only asks is not exposed."""

    weather: Weather

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> ExposedUpload:
        return ExposedUpload(self.inner.open(audience_id, operation, rows=rows), self.weather)


def exposed(name: Name, weather: Weather) -> Platform:
    """The platform with requests of few rows, short deadlines, and the weather."""
    platform = meta.PLATFORM if name == "meta" else google.PLATFORM

    def connect(account: Account, randbits: Callable[[int], int]) -> ExposedConnector:
        if name == "meta":
            return ExposedConnector(platform.connect(account, randbits), weather)
        over = client.over(
            channel.plaintext(str(account.endpoint)),
            account=account.name,
            customer=ACCOUNTS["google"],
            login="",
            randbits=randbits,
            upload_seconds=DEADLINE,
        )
        return ExposedConnector(over, weather)

    # One request at a time, so that the books say which one a fault befell.
    fewer = replace(platform.capabilities, max_rows=ROWS, max_slots=None, in_flight=1)
    return replace(platform, capabilities=fewer, connect=connect)
