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
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import structlog

import connectors.meta.client
from connectors.sandbox import Sandbox, start
from connectors.sandbox.state import AudienceState
from syncd.errors import PlatformError
from syncd.model import Account, SegmentQuery
from syncd.shop import open_shop
from tests.crash.proxy import Proxy
from tests.crash.stage import ACCOUNTS, NAMES, Name, person
from tests.crash.weather import DEADLINE, KINDS, ROWS, Line, Weather, exposed
from tests.integration.memory_worlds import SQL, MemoryWorlds, Person, make_members
from tests.integration.worlds import NAME, Working, World

BATCHES = 1_000
RATE = 0.2
SEED = 20261125
MEMBERS = 100
DAYS = 200  # more than any number of batches asked for here needs
TRIES = 10  # runs in a day until one is done


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
    columns = ("injected", "beside", "retries", "unknown", "resolved")
    head = f"{'fault':22}{'platform':9}" + "".join(f"{column:>9}" for column in columns)
    found = [f"{head}  became"]
    for weather in weathers:
        for kind in KINDS[weather.name]:
            line = weather.lines.get(kind, Line())
            became = ", ".join(f"{what} {n}" for what, n in sorted(line.became.items()))
            row = "".join(f"{getattr(line, column):9}" for column in columns)
            found.append(f"{kind:22}{weather.name:9}{row}  {became}")
    for weather in weathers:
        injected = sum(line.injected for line in weather.lines.values())
        found.append(
            f"{weather.name}: {weather.batches} batches answered in {weather.requests} requests, "
            f"up to {weather.most} at once, {injected} met a fault; equal in both views, nothing "
            "lost, then nothing sent"
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
