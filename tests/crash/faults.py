"""Every kind of trouble on the line, drawn again and again: `python -m tests.crash.faults`.

Real syncs over both real SDKs, a proxy between them and the local platforms. One request
in five meets a fault: the connection is reset before or after the platform did its work,
the answer breaks off, drips in too slowly, is a page of HTML, an error that was applied
all the same, or a rate limit with or without a stated wait. Days pass, members come, go
and change; at the end of each the platform must hold exactly what the shop says, in both
views, and after the last a further run sends nothing.

Usage: python -m tests.crash.faults [BATCHES] [--seed N] [--rate SHARE]
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import cast

import structlog

import connectors.meta.client
from connectors import google, meta
from connectors.google import channel, client
from connectors.sandbox import Sandbox, start
from connectors.sandbox.faults import Fault
from connectors.sandbox.state import AudienceState
from syncd.errors import PlatformError, Unavailable
from syncd.model import (
    NO_OPTIONS,
    Account,
    Advice,
    Audience,
    AudienceOptions,
    Batch,
    BatchId,
    Operation,
    Outcome,
    Receipt,
    SegmentQuery,
)
from syncd.ports import Advises, Connector, Platform, Upload
from syncd.shop import open_shop
from tests.crash.proxy import Proxy, Spell, page
from tests.crash.stage import ACCOUNTS, NAMES, Name, person
from tests.integration.memory_worlds import SQL, MemoryWorlds, Person, make_members
from tests.integration.worlds import NAME, Working, World

BATCHES = 1_000
RATE = 0.2
SEED = 20261125
ROWS = 4  # a request: small, so that many requests meet faults
MEMBERS = 160
DEADLINE = 0.75  # seconds that an answer is waited for
DAYS = 200  # more than any number of batches asked for here needs
TRIES = 10  # runs in a day until one is done

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
class ExposedConnector:
    """A platform's connector; what only asks is not exposed."""

    inner: Connector
    weather: Weather

    def find(self, name: str) -> tuple[Audience, ...]:
        return self.inner.find(name)

    def read(self, audience_id: str) -> Audience:
        return self.inner.read(audience_id)

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        return self.inner.create(name, options)

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> ExposedUpload:
        return ExposedUpload(self.inner.open(audience_id, operation, rows=rows), self.weather)

    def outcome(self, reference: str) -> Outcome:
        return self.inner.outcome(reference)

    def advice(self) -> Advice:
        return cast("Advises", self.inner).advice()


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

    fewer = replace(platform.capabilities, max_rows=ROWS)
    return replace(platform, capabilities=fewer, connect=connect)


@contextmanager
def exposed_world(name: Name, *, seed: int, rate: float) -> Iterator[tuple[World, Weather]]:
    """A world whose platform stands behind the proxy."""
    with (
        tempfile.TemporaryDirectory(prefix="syncd-") as folder,
        start(google_delay=None, seed=seed) as sandbox,
        Proxy(_port(name, sandbox), "http/1.1" if name == "meta" else "h2") as proxy,
        _short_deadlines(),
    ):
        weather = Weather(name, Random(f"{seed} {name}"), rate, proxy, sandbox)
        shop = Path(folder) / "shop.db"
        make_members(shop)
        held = sandbox.worlds[name]

        def audience() -> AudienceState | None:
            return next(iter(held.named(ACCOUNTS[name], NAME)), None)

        world = World(
            Path(folder),
            exposed(name, weather),
            _account(name, proxy.port),
            audience,
            open_shop(f"sqlite:///{shop}", None, timezone="Europe/Amsterdam"),
            shop,
            SegmentQuery("everyone", SQL, {}, "test"),
            clock=Working(work=sandbox.process),
        )
        try:
            yield world, weather
        finally:
            world.close()


@contextmanager
def _short_deadlines() -> Iterator[None]:
    usual = connectors.meta.client.TIMEOUT
    connectors.meta.client.TIMEOUT = (usual[0], DEADLINE)
    try:
        yield
    finally:
        connectors.meta.client.TIMEOUT = usual


def _port(name: Name, sandbox: Sandbox) -> int:
    endpoint = sandbox.meta_endpoint if name == "meta" else sandbox.google_endpoint
    return int(endpoint.rpartition(":")[2])


def _account(name: Name, port: int) -> Account:
    if name == "meta":
        options = {"account_id": ACCOUNTS[name], "access_token": "sandbox-token"}
        return Account(name, name, options, f"http://127.0.0.1:{port}")
    options = {"customer_id": ACCOUNTS[name], "credentials": "anonymous"}
    return Account(name, name, options, f"127.0.0.1:{port}")


def changed(members: Mapping[str, Person], random: Random, first: int) -> dict[str, Person]:
    """A day later: some left, some moved to another address, some joined."""
    stayed: dict[str, Person] = {}
    for key, one in members.items():
        drawn = random.random()
        if drawn < 0.12:
            continue
        number = int(key.removeprefix("c"))
        stayed[key] = (
            person(number, moved=not one.emails[0].endswith("org")) if drawn < 0.2 else one
        )
    joined = range(first, first + MEMBERS - len(stayed))
    return stayed | {f"c{n:05}": person(n) for n in joined}


def live(name: Name, batches: int, *, seed: int, rate: float) -> Weather:
    """Days until so many batches were answered, then a calm one.

    Raises:
        AssertionError: Something was lost, left behind or sent for nothing.
    """
    random = Random(f"{seed} {name} members")
    with exposed_world(name, seed=seed, rate=rate) as (world, weather):
        shop = MemoryWorlds(world, None, later=name == "google")  # type: ignore[arg-type]  # only filled
        members = {f"c{n:05}": person(n) for n in range(MEMBERS)}
        newest = MEMBERS
        for _ in range(DAYS):
            shop.fill(members)
            _until_done(world)
            if weather.batches >= batches:
                break
            world.clock.pass_by(hours=24)
            members = changed(members, random, newest)
            newest += MEMBERS
        weather.calm = True
        world.clock.pass_by(hours=49)  # removals settle, those in doubt are confirmed
        world.sync(wait=True)
        world.check_equal()
        world.check_quiet()
        assert weather.doubts == {}, "an unknown outcome was never resolved"
    return weather


def _until_done(world: World) -> None:
    """Runs, one after the other, until one ends well; then all must be equal."""
    for _ in range(TRIES):
        try:
            world.sync(wait=True)
        except PlatformError:
            world.check()
            continue
        world.check()
        world.check_equal()
        return
    raise AssertionError(f"no run of {TRIES} ended well")


def lines(weathers: Sequence[Weather]) -> list[str]:
    """The table."""
    head = f"{'fault':22}{'platform':9}{'injected':>9}{'retries':>9}{'unknown':>9}{'resolved':>9}"
    found = [f"{head}  became"]
    for weather in weathers:
        for kind in KINDS[weather.name]:
            line = weather.lines.get(kind, Line())
            became = ", ".join(f"{what} {n}" for what, n in sorted(line.became.items()))
            numbers = (line.injected, line.retries, line.unknown, line.resolved)
            row = "".join(f"{number:9}" for number in numbers)
            found.append(f"{kind:22}{weather.name:9}{row}  {became}")
    for weather in weathers:
        injected = sum(line.injected for line in weather.lines.values())
        found.append(
            f"{weather.name}: {weather.batches} batches answered in {weather.requests} requests, "
            f"{injected} met a fault; equal in both views, nothing lost, then nothing sent"
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """Live through it and print the table; 1 if anything was lost."""
    asked = argparse.ArgumentParser(prog="python -m tests.crash.faults")
    asked.add_argument("batches", type=int, nargs="?", default=BATCHES)
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument("--rate", type=float, default=RATE)
    given = asked.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begun = time.monotonic()
    try:
        each = -(-given.batches // len(NAMES))
        weathers = [live(name, each, seed=given.seed, rate=given.rate) for name in NAMES]
    except AssertionError as error:
        print(f"seed {given.seed}: {error}")
        return 1
    print(f"seed {given.seed}, rate {given.rate:.0%}, {ROWS} rows a request")
    for line in lines(weathers):
        print(line)
    print(f"{time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
