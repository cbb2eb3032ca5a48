"""A desk to type commands at: a small shop, a configuration, the command line, local platforms.

Commands run in this process, through the same `main` that the console script calls, where
speed matters or a test moves the clock; and as a process of their own where it counts.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml

import connectors.sandbox
import syncd.app
from connectors.sandbox import Sandbox
from connectors.sandbox.state import AudienceState, Identifier
from syncd.cli import main

SQL = "SELECT customer_key, email, phone, country, ad_consent FROM customers"
TABLE = """CREATE TABLE customers (customer_key TEXT, email TEXT, phone TEXT,
first_name TEXT, last_name TEXT, country TEXT, postcode TEXT, ad_consent TEXT)"""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """All that it printed."""
        return self.out + self.err


@dataclass
class Hands:
    """A clock that starts now and moves only when a test, or a wait, moves it."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def pass_by(self, **length: float) -> None:
        self.at += timedelta(**length)


@dataclass
class Desk:
    """One shop, one configuration, one ledger; accounts of its own on shared platforms.

    Attributes:
        settings: The configuration; `save` writes it. One sync, `everyone`, to Meta.
    """

    folder: Path
    local: Sandbox
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = next(_numbers)
        self.meta_account = f"act_{number}"
        self.google_account = f"{9_000_000_000 + number}"
        (self.folder / "config").mkdir()
        with closing(sqlite3.connect(self.shop)) as shop, shop:
            shop.execute(TABLE)
        self.sql("everyone", SQL)
        self.settings = {
            "shop": {"url": f"sqlite:///{self.shop}", "default_country": "NL"},
            "ledger": {
                "url": f"sqlite:///{self.var / 'ledger.db'}",
                "directory": str(self.var),
            },
            "accounts": {
                "meta": {
                    "connector": "meta",
                    "account_id": self.meta_account,
                    "access_token": "sandbox-token",
                    "endpoint": self.local.meta_endpoint,
                },
                "google": {
                    "connector": "google",
                    "customer_id": self.google_account,
                    "credentials": "anonymous",
                    "endpoint": self.local.google_endpoint,
                },
            },
            "segments": {"everyone": {"sql": "segments/everyone.sql"}},
            "syncs": {
                "everyone": {
                    "segment": "everyone",
                    "account": "meta",
                    "audience": "Everyone",
                    "guard": {"min_members": 0},
                    "poll": "1s",
                }
            },
        }
        self.save()

    @property
    def shop(self) -> Path:
        return self.folder / "shop.db"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def config(self) -> Path:
        return self.folder / "config" / "syncd.yaml"

    @property
    def sync(self) -> dict[str, Any]:
        """The settings of sync `everyone`; call `save` after changing them."""
        found: dict[str, Any] = self.settings["syncs"]["everyone"]
        return found

    def also(self, name: str, **changes: object) -> None:
        """Another sync: as `everyone`, but for these keys."""
        self.settings["syncs"][name] = {**self.sync, **changes}
        self.save()

    def save(self) -> None:
        self.config.write_text(yaml.safe_dump(self.settings, sort_keys=False), "utf-8")

    def sql(self, segment: str, text: str) -> None:
        """Write a segment's SQL file."""
        path = self.folder / "config" / "segments" / f"{segment}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    # --- the shop ------------------------------------------------------------

    def change(self, sql: str, rows: Iterable[tuple[object, ...]] = ((),)) -> None:
        """Let something happen in the shop."""
        with closing(sqlite3.connect(self.shop)) as shop, shop:
            shop.executemany(sql, rows)

    def join(self, *people: int, consent: str | None = None, country: str = "NL") -> None:
        """Let customers come, each with an e-mail address and a phone."""
        self.change(
            "INSERT INTO customers (customer_key, email, phone, country, ad_consent) "
            "VALUES (?, ?, ?, ?, ?)",
            [(f"c:{n:05}", email(n), phone(n), country, consent) for n in people],
        )

    def leave(self, *people: int) -> None:
        """Let customers go."""
        self.change(
            "DELETE FROM customers WHERE customer_key = ?", [(f"c:{n:05}",) for n in people]
        )

    # --- commands ------------------------------------------------------------

    def syncd(self, *words: str, clock: Hands | None = None) -> Answer:
        """Run a command in this process; with a clock, its waits only move the hands."""
        return here(*words, config=self.config, clock=clock)

    def process(self, *words: str, timeout: float = 60) -> Answer:
        """Run a command as a process of its own."""
        with self.begin(*words) as running:
            out, err = running.communicate(timeout=timeout)
        return Answer(running.returncode, out, err)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return begin(*words, config=self.config, folder=self.folder)

    def plan_of(self, answer: Answer) -> str:
        """The id of the plan in what `syncd plan --json` printed."""
        return str(answer.json[0]["id"])

    def audit(self) -> list[str]:
        """The audit's sentences, the oldest first."""
        answer = self.syncd("audit", "show", "--limit", "1000", "--json")
        return [f"{event['kind']}: {event['detail']}" for event in answer.json]

    # --- the platforms -------------------------------------------------------

    def audience(self, name: str = "Everyone", *, google: bool = False) -> AudienceState:
        """The one audience of this name in this desk's account."""
        world = self.local.google_world if google else self.local.meta_world
        account = self.google_account if google else self.meta_account
        (found,) = world.named(account, name)
        return found

    def held(self, name: str = "Everyone", *, google: bool = False) -> frozenset[Identifier]:
        """The identifiers that the audience holds; none where there is no audience."""
        world = self.local.google_world if google else self.local.meta_world
        account = self.google_account if google else self.meta_account
        return (
            self.audience(name, google=google).identifiers
            if world.named(account, name)
            else (frozenset())
        )

    def fault(self, **fields: Any) -> None:
        """Script a fault; Meta unless it says otherwise."""
        self.local.faults.script(connectors.sandbox.faults.Fault(**{"platform": "meta", **fields}))

    def changes(self) -> int:
        """Requests so far that could change a membership or make an audience."""
        worlds = self.local.worlds.values()
        return sum(
            world.requests[m] for world in worlds for m in ("create", "add", "remove", "forget")
        )


def here(
    *words: str, config: Path | None = None, clock: Hands | None = None, given: bytes = b""
) -> Answer:
    """Run a command in this process, and leave its logging as it was."""
    out, err = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    typed = [*words, "--config", str(config)] if config else list(words)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["syncd", *typed])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8"))
        if clock is not None:
            patch.setattr(syncd.app, "SystemClock", lambda: clock)
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            structlog.reset_defaults()
            structlog.contextvars.clear_contextvars()
    return Answer(code, out.getvalue(), err.getvalue())


def begin(
    *words: str,
    config: Path | None = None,
    folder: Path | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start a command as a process of its own, with its outputs in pipes."""
    given = [*words, "--config", str(config)] if config else list(words)
    return subprocess.Popen(
        [sys.executable, "-m", "syncd", *given],
        cwd=folder,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def wait_until(true: Callable[[], bool], *, seconds: float = 120) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < until, f"nothing happened in {seconds} s"
        pause.wait(0.02)


@contextmanager
def standing_still(process: subprocess.Popen[str]) -> Iterator[None]:
    """While it waits for an answer, so that it is there however slow this machine is."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def refused(
    desk: Desk, code: int, *said: str, words: tuple[str, ...] = ("sync", "everyone")
) -> Answer:
    """A command that changes nothing on the platform and says why, in these words."""
    held, before = desk.held(), desk.changes()
    answer = desk.syncd(*words)
    assert answer.code == code, answer.said
    for words_of_it in said:
        assert words_of_it in answer.err
    assert "Traceback" not in answer.said
    assert (desk.held(), desk.changes()) == (held, before), "nothing changed on the platform"
    return answer


def audited(desk: Desk, kind: str, *said: str) -> None:
    """The last event of the audit is of this kind and says this."""
    last = desk.audit()[-1]
    assert last.startswith(f"{kind}: ")
    for words in said:
        assert words in last


def approvable(answer: Answer) -> str:
    """The plan that an answer says to approve."""
    found = re.search(r"syncd approve (\w+)", answer.said)
    assert found
    return found[1]


def email(number: int) -> str:
    return f"member{number}@example.com"


def phone(number: int) -> str:
    return f"+316{20_000_000 + number}"


def digests(*people: int, phones: bool = True, google: bool = False) -> frozenset[Identifier]:
    """What a platform should hold of these customers, computed without syncd."""
    plus = "" if not google else "+"
    found = {("email", _sha256(email(n))) for n in people}
    if phones:
        found |= {("phone", _sha256(plus + phone(n).removeprefix("+"))) for n in people}
    return frozenset(found)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def platforms() -> Iterator[Sandbox]:
    """The local platforms, for a module's tests."""
    with connectors.sandbox.start() as local:
        yield local
        assert not local.meta_world.requests["delete"], "syncd never deletes an audience"
