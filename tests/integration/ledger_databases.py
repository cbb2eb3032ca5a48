"""Ledgers for tests: new ones on SQLite and PostgreSQL, and what to put into them."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from syncd.ledger.keys import Key
from syncd.ledger.migrate import migrate
from syncd.ledger.opening import is_blank, open_ledger
from syncd.ledger.store import Ledger
from syncd.model import (
    Audience,
    AuditEvent,
    BatchId,
    BatchRecord,
    BatchState,
    Generation,
    Phase,
    Plan,
    PlanCounts,
    PlanId,
    Refused,
    RunId,
    Sizes,
    Snapshot,
    SnapshotId,
)
from tests.integration.templates import lay

Dialect = Literal["sqlite", "postgresql"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
KEY = Key.load("5a" * 32)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHALES = Audience("meta", "meta-eu", "120", "Whales")
AT = (WHALES.platform, WHALES.account, WHALES.id)

_RUNNING = "postgresql://postgres@127.0.0.1:5432/postgres"


@dataclass
class Hands:
    """A clock that only moves when a test moves it."""

    at: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_by(seconds=seconds)

    def pass_by(self, **length: float) -> None:
        self.at += timedelta(**length)


@contextmanager
def new_database(dialect: Dialect, folder: Path) -> Iterator[str]:
    """The URL of a database that is new, and gone afterwards."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder / 'var' / 'ledger.db'}"
        return
    server = _server()
    name = f"ledger_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    try:
        base = psycopg.conninfo.conninfo_to_dict(server)
        host, port = str(base["host"]), base.get("port", 5432)
        where = f"@/{name}?host={host}" if host.startswith("/") else f"@{host}:{port}/{name}"
        yield f"postgresql+psycopg://{base['user']}{where}"
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _server() -> str:
    """A running PostgreSQL, or our own for the length of the tests."""
    try:
        with psycopg.connect(_RUNNING, connect_timeout=3):
            return _RUNNING
    except psycopg.OperationalError:
        return _embedded()


def _embedded() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries warn of a missing XDG_RUNTIME_DIR
        try:
            from pgserver.postgres_server import get_server  # noqa: PLC0415 - not on 3.13
        except ImportError:
            if os.environ.get("CI") == "true":
                pytest.fail("no PostgreSQL: neither on 127.0.0.1:5432 nor as pgserver")
            pytest.skip("no PostgreSQL: neither on 127.0.0.1:5432 nor as pgserver")
        return str(get_server(tempfile.mkdtemp(prefix="syncd-pg-")).get_uri())


@contextmanager
def new_ledger(url: str, clock: Hands) -> Iterator[Ledger]:
    """A ledger at head; closed afterwards."""
    if url.startswith("sqlite:") and is_blank(Path(url.removeprefix("sqlite:///"))):
        lay(url, KEY)
    else:
        migrate(url, password=None, key=KEY)
    ledger = open_ledger(url, password=None, key=KEY, clock=clock)
    try:
        yield ledger
    finally:
        ledger.close()


def event(kind: str = "thing_happened", **counts: int) -> AuditEvent:
    return AuditEvent(kind, NOON, "schedule", "Something happened.", sync="whales", counts=counts)


def snapshot(name: str = "s1", *, segment: str = "whales", rules: str = "meta-1") -> Snapshot:
    return Snapshot(
        id=SnapshotId(name),
        segment=segment,
        rules=rules,
        rows=12,
        usable=10,
        columns=("customer_key", "email"),
        refused=(Refused("email", "no_domain", 2),),
        as_of=NOON,
        sealed_at=NOON,
        path=f"snapshots/{name}",
        checksum="ab",
    )


COUNTS = PlanCounts(
    snapshot=10,
    wanted=9,
    additions=4,
    again=1,
    removals=2,
    unchanged=5,
    leaving=Sizes(2, {"email": 2, "phone": 1}),
    lost={"consent": 1},
)


def plan(name: str = "p1", *, snapshot_id: str = "s1", held: tuple[str, ...] = ()) -> Plan:
    return Plan(
        id=PlanId(name),
        sync="whales",
        platform=WHALES.platform,
        account=WHALES.account,
        audience=WHALES.id,
        snapshot=SnapshotId(snapshot_id),
        generation=0,
        configuration="c0",
        rules="meta-1",
        counts=COUNTS,
        held=held,
        created_at=NOON,
        path=f"plans/{name}",
        checksum="cd",
    )


def batch(plan_id: str, number: int, phase: Phase = Phase.ADD) -> BatchRecord:
    return BatchRecord(
        id=BatchId(f"{plan_id}-{number}"),
        plan=PlanId(plan_id),
        number=number,
        phase=phase,
        first_row=0,
        rows=2,
        state=BatchState.PLANNED,
    )


def generation(number: int, *, members: int = 0, at: datetime = NOON, **ids: int) -> Generation:
    sizes = Sizes(members, ids)
    return Generation(number, f"members/{number}", "ef", sizes, "meta-1", at)


def planned(ledger: Ledger, name: str = "p1", *, batches: int = 1, **of_plan: object) -> RunId:
    """Claim the audience and keep a plan with some batches of additions; returns its run."""
    ledger.claim(WHALES, "whales", known_syncs=frozenset({"whales"}), event=None)
    run = ledger.open_run("whales", "schedule", event=None).id
    ledger.add_snapshot(replace(snapshot(), id=SnapshotId(f"s-{name}"), path=f"snap/{name}"), run)
    drawn = replace(plan(name, snapshot_id=f"s-{name}"), **of_plan)  # type: ignore[arg-type]  # fields of Plan
    ledger.add_plan(drawn, run, [batch(name, n + 1) for n in range(batches)], event=None)
    return run
