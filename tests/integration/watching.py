"""What alerts and metrics look at, for tests: a ledger, settings from YAML, a clock."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from syncd.ledger.migrate import migrate
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.model import (
    BatchId,
    PlanCounts,
    PlanId,
    Receipt,
    Refusal,
    RunId,
    RunState,
    Sizes,
    SnapshotId,
)
from syncd.settings import Settings, load
from tests.integration.ledger_databases import KEY, WHALES, Hands, batch, plan, snapshot


def configured(folder: Path, **changes: Any) -> Settings:
    """Settings of one sync, `whales`, every 6 h, at account `meta-eu`."""
    (folder / "own.sql").write_text("SELECT 1", "utf-8")
    data: dict[str, Any] = {
        "shop": {"url": "sqlite:///shop.db"},
        "accounts": {"meta-eu": {"connector": "meta", "account_id": "act_1"}},
        "segments": {"whales": {"sql": "own.sql"}},
        "syncs": {
            "whales": {
                "segment": "whales",
                "account": "meta-eu",
                "audience": "Whales",
                "schedule": "every 6h",
            }
        },
    }
    data |= changes
    path = folder / "syncd.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    return load(path, {})


@contextmanager
def opened(folder: Path, clock: Hands) -> Iterator[Ledger]:
    """A new ledger in SQLite, copied from one that was migrated once."""
    path = folder / "var" / "ledger.db"
    path.parent.mkdir(mode=0o700)
    shutil.copy(_template(), path)
    ledger = open_ledger(f"sqlite:///{path}", password=None, key=KEY, clock=clock)
    try:
        yield ledger
    finally:
        ledger.close()


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="syncd-watching-")) / "ledger.db"
    migrate(f"sqlite:///{path}", password=None, key=KEY)
    return path


@dataclass
class Scene:
    """A ledger that a test writes to, and what alerts need beside it."""

    ledger: Ledger
    settings: Settings
    clock: Hands
    settle: timedelta = timedelta(hours=48)
    lifespan: timedelta | None = None
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def names(self, prefix: str) -> str:
        return f"{prefix}{next(self.numbers)}"

    def account_of(self, sync: str) -> tuple[str, str]:
        assert sync in self.settings.syncs
        return WHALES.platform, WHALES.account

    def lifespan_of(self, sync: str) -> timedelta | None:
        assert sync in self.settings.syncs
        return self.lifespan

    # --- what happens --------------------------------------------------------

    def fails(self, error: str = "ShopError", detail: str = "the shop is gone") -> RunId:
        """A run that ends with an error."""
        run = self.ledger.open_run("whales", "schedule", event=None).id
        held = error == "EmptySegment"
        state = RunState.HELD if held else RunState.FAILED
        self.ledger.set_run(run, state, detail=detail, error=error, ended=True)
        return run

    def runs(
        self,
        state: RunState = RunState.DONE,
        *,
        members: int = 200,
        rows: int | None = None,
        held: tuple[str, ...] = (),
        refused: Mapping[str, int] | None = None,
        sent: int = 100,
    ) -> RunId:
        """A run that comes to a plan, and sends one batch of it."""
        ledger, number = self.ledger, next(self.numbers)
        ledger.claim(WHALES, "whales", known_syncs=frozenset({"whales"}), event=None)
        run = ledger.open_run("whales", "schedule", event=None).id
        read = replace(
            snapshot(), id=SnapshotId(f"s{number}"), rows=rows or members, usable=members
        )
        ledger.add_snapshot(replace(read, path=f"snap/{number}"), run)
        counts = PlanCounts(members, members, sent, 0, 0, 0, leaving=Sizes(40 * bool(held)))
        drawn = replace(plan(f"p{number}", snapshot_id=read.id, held=held), counts=counts)
        one = replace(batch(drawn.id, 1), rows=sent)
        ledger.add_plan(drawn, run, [one], event=None)
        ledger.intend(one.id, label="u", deadline=self.clock.now())
        self.clock.pass_by(seconds=2)
        refusals = tuple(Refusal(None, code, count) for code, count in (refused or {}).items())
        ledger.record(BatchId(one.id), Receipt(sent, refusals))
        ledger.set_run(run, state, plan=PlanId(drawn.id), ended=True)
        return run
