"""In a child process: the points at which it can be killed, and the kill.

Installed after the fork, into that process alone, around our own seams: the ledger's
transactions, the system calls by which files get their names, the connector's requests.
Each point is written to a report before it is passed, so that a killed process has said
where it died.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from types import ModuleType
from typing import Literal, TypeVar, cast

from sqlalchemy import Connection, Engine

import syncd.app
import syncd.ledger.migrate
import syncd.ledger.transactions
import syncd.membership.store
from syncd.membership.store import FileMembership
from syncd.model import (
    NO_OPTIONS,
    Account,
    Audience,
    AudienceOptions,
    Batch,
    Finding,
    Operation,
    Outcome,
    Receipt,
)
from syncd.ports import Connector, Examines, Platform, Upload
from tests.integration.through import Through
from tests.layerings import IN_TURN

Kind = Literal["commit", "file", "send", "question"]
KINDS: tuple[Kind, ...] = ("commit", "file", "send", "question")
When = Literal["before", "applied", "after"]
T = TypeVar("T")
Deed = Literal["kill", "terminate", "interrupt", "stop", "fill the disk"]
SIGNALS: Mapping[str, signal.Signals] = {
    "kill": signal.SIGKILL,
    "terminate": signal.SIGTERM,
    "interrupt": signal.SIGINT,
    "stop": signal.SIGSTOP,
}
FILE_CALLS = ("fsync", "rename", "replace", "link", "unlink")


@dataclass(frozen=True)
class Point:
    """Where a process dies: around its Nth commit, file call, send or question, from 1.

    `applied`: the platform has done what a send asked, and its answer never arrived.
    """

    kind: Kind
    number: int
    when: When

    def __str__(self) -> str:
        return f"{self.kind} {self.number} {self.when}"


@dataclass
class Mortal:
    """Counts the points that this process passes, and kills it at one of them.

    Attributes:
        report: A file descriptor; a line a point.
        deed: What is done at the point of death.
        control: The sandbox's control endpoint.
    """

    report: int
    death: Point | None
    control: str
    deed: Deed = "kill"
    counts: Counter[str] = field(default_factory=Counter)
    turn: Lock = field(default_factory=Lock)

    def next(self, kind: Kind) -> int:
        with self.turn:
            self.counts[kind] += 1
            return self.counts[kind]

    def at(self, point: Point, what: str) -> None:
        os.write(self.report, f"{point} {what}\n".encode())
        if point == self.death:
            if self.deed == "fill the disk":
                fill_disk()
            else:
                os.kill(os.getpid(), SIGNALS[self.deed])

    @contextmanager
    def around(self, kind: Kind, what: str) -> Iterator[None]:
        number = self.next(kind)
        self.at(Point(kind, number, "before"), what)
        yield
        self.at(Point(kind, number, "after"), what)

    def install(self, *, max_rows: int, offset: float) -> None:
        """Watch this process from here on.

        Args:
            max_rows: Rows a request, on whatever platform.
            offset: Seconds that the clock is ahead.
        """
        for name in FILE_CALLS:
            setattr(os, name, self._watched_call(name, getattr(os, name)))
        known = {name: self._watched(one, max_rows) for name, one in syncd.app.platforms().items()}
        clock = Clock(timedelta(seconds=offset), self.control)
        for module, name, watched in (
            (syncd.ledger.transactions, "writing", self._writing(syncd.ledger.transactions)),
            (syncd.ledger.migrate, "writing", self._writing(syncd.ledger.migrate)),
            (syncd.app, "platforms", lambda: known),
            (syncd.app, "SystemClock", lambda: clock),
            # However few members: what is written over a base has points of death too.
            (syncd.membership.store, "FileMembership", partial(FileMembership, layering=IN_TURN)),
        ):
            setattr(module, name, watched)

    def send(self, what: str, do: Callable[[], T]) -> T:
        """A request that changes something; others may be under way beside it.

        It is `applied` once the platform has answered, and nothing of ours has heard of it.
        """
        point = Point("send", self.next("send"), "before")
        self.at(point, what)
        try:
            return do()
        finally:  # a refusal is an answer too
            self.at(replace(point, when="applied"), what)
            self.at(replace(point, when="after"), what)

    def _writing(
        self, module: ModuleType
    ) -> Callable[[Engine], AbstractContextManager[Connection]]:
        writing = module.writing

        @contextmanager
        def watched(engine: Engine) -> Iterator[Connection]:
            with writing(engine) as tx:
                yield tx
                number = self.next("commit")
                self.at(Point("commit", number, "before"), "ledger")
            self.at(Point("commit", number, "after"), "ledger")

        return watched

    def _watched_call(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object, **named: object) -> object:
            with self.around("file", name):
                return call(*arguments, **named)

        return watched

    def _watched(self, platform: Platform, max_rows: int) -> Platform:
        def connect(account: Account, randbits: Callable[[int], int]) -> Connector:
            connected = platform.connect(account, randbits)
            if platform.name != "google_ads":
                return MortalConnector(connected, self)
            from tests.crash import calls  # noqa: PLC0415  # the SDK, where it is used

            return calls.watched(connected, self)

        fewer = replace(platform.capabilities, max_rows=max_rows, max_slots=None, upload_worth=1)
        return replace(platform, capabilities=fewer, connect=connect)


@dataclass(frozen=True)
class MortalUpload:
    """A platform's upload, around whose requests the process may die."""

    inner: Upload
    operation: Operation
    mortal: Mortal

    @property
    def label(self) -> str:
        return self.inner.label

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        return self.mortal.send(self.operation.value, lambda: self.inner.push(batch, last=last))


@dataclass(frozen=True)
class MortalConnector(Through):
    """A platform's connector, around whose requests the process may die."""

    mortal: Mortal

    def find(self, name: str) -> tuple[Audience, ...]:
        with self.mortal.around("question", "find"):
            return self.inner.find(name)

    def read(self, audience_id: str) -> Audience:
        with self.mortal.around("question", "read"):
            return self.inner.read(audience_id)

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:
        return self.mortal.send("create", lambda: self.inner.create(name, options))

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> MortalUpload:
        opened = self.inner.open(audience_id, operation, rows=rows)
        return MortalUpload(opened, operation, self.mortal)

    def outcome(self, reference: str) -> Outcome:
        with self.mortal.around("question", "outcome"):
            return self.inner.outcome(reference)

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        with self.mortal.around("question", "examine"):
            return cast("Examines", self.inner).examine(audience_ids)


@dataclass
class Clock:
    """The machine's clock, ahead by some; while we sleep the platform works."""

    ahead: timedelta
    control: str

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        told(self.control, "/process", {})


def fill_disk() -> None:
    """From now on no file of this process grows: to write fails, as on a full disk.

    It needs no mount and nobody's rights. The error is EFBIG where a full disk's is ENOSPC.
    Whoever calls it ignores SIGXFSZ.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def told(control: str, path: str, body: Mapping[str, object]) -> None:
    """Tell the sandbox something."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(control + path, data, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()
