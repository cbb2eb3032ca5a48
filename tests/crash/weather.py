"""What befalls requests between a connector and its platform, and the books of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from threading import Lock

from connectors import google, meta
from connectors.google import channel, client
from connectors.memory import row_identifiers
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
from tests.crash.stage import ACCOUNTS, FAMILY, Name
from tests.integration.through import Through

ROWS = FAMILY  # a request: many meet faults, and those beside each other may share nobody
LATENCY = 0.05  # seconds of a platform's, in which further requests are begun
DEADLINE = 0.75  # seconds that an answer is waited for

HTML = b"<html><body>Sorry, something went wrong.</body></html>"
_AS_HTML = {"Content-Type": "text/html"}
_LIMITED = {"error": {"message": "limit", "type": "OAuthException", "code": 80003}}
_USAGE = {"1": [{"type": "custom_audience", "estimated_time_to_regain_access": 2}]}
_WAIT = {"x-business-use-case-usage": json.dumps(_USAGE), "Content-Type": "application/json"}

# What befalls the line, on either platform.
ON_THE_LINE: dict[str, Spell] = {
    "reset, not applied": Spell("reset_before"),
    "reset, applied": Spell("reset_after"),
    "half an answer": Spell("half"),
    "slow answer": Spell("slow", seconds=2 * DEADLINE),
}
# What a proxy or a load balancer answers in Meta's place.
IN_ITS_PLACE: dict[str, Spell] = {
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
        beside: How often another request was under way meanwhile.
        retries: Further requests for the batches that met it.
        unknown: Requests of whose outcome nothing was known.
        resolved: Batches of unknown outcome that were answered in the end.
    """

    injected: int = 0
    beside: int = 0
    retries: int = 0
    unknown: int = 0
    resolved: int = 0
    became: Counter[str] = field(default_factory=Counter)


@dataclass
class Weather:
    """Draws what befalls a request, and keeps the books; used by the threads of all requests.

    Which one meets what depends on which comes first, so a seed does not say all.

    Attributes:
        calm: While true, nothing befalls any.
        batches: Batches answered.
        under_way: Digests in each request that was begun and not answered.
        most: The most at once.
        accompanied: Requests that were under way beside another one.
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
    under_way: dict[BatchId, frozenset[str]] = field(default_factory=dict)
    most: int = 0
    accompanied: set[BatchId] = field(default_factory=set)
    turn: Lock = field(default_factory=Lock)

    def push(self, batch: Batch, push: Callable[[], Receipt]) -> Receipt:
        """Make a request, whatever befalls it.

        Raises:
            AssertionError: One that is under way names what this one does.
        """
        with self.turn:
            kind, holding = self._begin(batch)
        error: PlatformError | None = None
        try:
            receipt = push()
        except PlatformError as met:
            error = met
            raise
        finally:
            with self.turn:
                self._disarm(kind, holding)
                self._end(batch.id, kind, error)
        return receipt

    def _begin(self, batch: Batch) -> tuple[str | None, str]:
        """What is to befall a request, and a digest that it alone holds."""
        digests = frozenset(digest for row in row_identifiers(batch.rows) for _, digest in row)
        for other, held in self.under_way.items():
            assert not digests & held, f"{other} and {batch.id} are under way at once"
        if self.under_way:
            self.accompanied |= {batch.id, *self.under_way}
        else:
            self.accompanied.discard(batch.id)
        self.under_way[batch.id] = digests
        self.most = max(self.most, len(self.under_way))
        self.requests += 1
        if (before := self.met.pop(batch.id, None)) is not None:
            self.lines[before].retries += 1
        kind, holding = self._draw(), min(digests)
        if kind is not None:
            self.lines.setdefault(kind, Line()).injected += 1
        self._arm(kind, holding)
        return kind, holding

    def _draw(self) -> str | None:
        if self.calm or self.random.random() >= self.rate:
            return None
        if not self.deck:  # as cards are dealt, so that none is left out
            self.deck = self.random.sample(KINDS[self.name], len(KINDS[self.name]))
            # Last of each deck: whom one met makes one request at a time for the rest of a run.
            self.deck.sort(key=lambda kind: not kind.startswith("limit"))
        return self.deck.pop()

    def _arm(self, kind: str | None, holding: str) -> None:
        self.sandbox.faults.script(self._by_the_server(kind, holding))
        if (spell := self._on_the_line(kind)) is not None:
            self.proxy.arm(spell, holding.encode())

    def _disarm(self, kind: str | None, holding: str) -> None:
        self.sandbox.faults.withdraw(self._by_the_server(kind, holding))
        self.proxy.disarm(holding.encode())

    def _by_the_server(self, kind: str | None, holding: str) -> Fault:
        said = BY_THE_SERVER.get(kind or "") if self.name == "google" else None
        return replace(said or Fault("delay", seconds=LATENCY), holding=(holding,))

    def _on_the_line(self, kind: str | None) -> Spell | None:
        in_its_place = IN_ITS_PLACE if self.name == "meta" else {}
        return (ON_THE_LINE | in_its_place).get(kind or "")

    def _end(self, batch: BatchId, kind: str | None, error: PlatformError | None) -> None:
        """Write down what a request came to."""
        del self.under_way[batch]
        if error is None:
            self.batches += 1
            for doubted in self.doubts.pop(batch, []):
                self.lines[doubted].resolved += 1
        if kind is None:
            return
        line = self.lines[kind]
        line.beside += batch in self.accompanied
        line.became[type(error).__name__ if error else "answered all the same"] += 1
        if error is not None:
            self.met[batch] = kind
        if isinstance(error, Unavailable):
            line.unknown += 1
            self.doubts.setdefault(batch, []).append(kind)


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

    fewer = replace(platform.capabilities, max_rows=ROWS, max_slots=None, upload_worth=1)
    return replace(platform, capabilities=fewer, connect=connect)
