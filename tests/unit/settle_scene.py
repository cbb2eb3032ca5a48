"""A sync's parts on a real ledger; platform and membership note what they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import pyarrow as pa

from syncd import settle
from syncd.errors import Unavailable
from syncd.ledger import directory
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.store import Ledger
from syncd.model import (
    Audience,
    Batch,
    BatchId,
    BatchRecord,
    Generation,
    Guard,
    Operation,
    Outcome,
    Phase,
    Plan,
    Receipt,
    SnapshotId,
    Sync,
    Timing,
)
from syncd.model import BatchState as S
from syncd.ports import Connector
from syncd.runs.parts import Parts
from tests.integration.ledger_databases import (
    AT,
    COUNTS,
    WHALES,
    Hands,
    batch,
    generation,
    plan,
    snapshot,
)

REMOVE, ADD, AGAIN = Phase
SYNC = Sync(
    "whales", "whales", "meta", "meta-eu", "Whales", None, removes=True, consent="not_denied",
    guard=Guard(), timing=Timing(settle=timedelta(hours=48)), max_unusable=1.0, configuration="c0",
)  # fmt: skip
MOVED = replace(COUNTS, migrating=1_200, superseded=34)


@dataclass
class Files:
    """A membership that notes what it is to take in; the next one is of `rules`."""

    rules: str = "meta-1"
    opened: list[str] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)

    @contextmanager
    def open(self, of: Plan) -> Iterator[Files]:
        self.opened.append(of.id)
        yield self

    def of(self, wanted: BatchRecord) -> pa.RecordBatch:
        rows = [f"{wanted.id} {row}" for row in range(wanted.rows)]
        return pa.RecordBatch.from_pydict({"email": rows})

    def fold(
        self,
        name: str,
        last: Generation | None,
        plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
        *,
        now: datetime,
        settled: datetime,
        forgets: bool = False,
    ) -> Generation:
        assert not forgets, "of a retirement alone"
        taken = [(of.id, [one.id for one in batches]) for of, batches in plans]
        self.asked.append((name, last, taken, now, settled))
        number = last.number + 1 if last else 1
        return replace(generation(number, at=now), rules=self.rules)

    def outlived(self, _last: Generation | None, _now: datetime) -> bool:
        return False  # nobody who has left is remembered


@dataclass
class Remote:
    """A platform that notes what it is asked, and answers what it was told to."""

    outcomes: dict[str, Outcome | Unavailable] = field(default_factory=dict)
    opened: list[tuple[str, Operation, int]] = field(default_factory=list)
    pushed: list[tuple[str, list[str], bool]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    label: str = "upload 2"

    def open(self, audience: str, operation: Operation, *, rows: int) -> Remote:
        self.opened.append((audience, operation, rows))
        return self

    def push(self, sent: Batch, *, last: bool) -> Receipt:
        self.pushed.append((sent.id, sent.rows.column("email").to_pylist(), last))
        return Receipt(sent.rows.num_rows)

    def outcome(self, reference: str) -> Outcome:
        self.asked.append(reference)
        answer = self.outcomes[reference]
        if isinstance(answer, Unavailable):
            self.outcomes[reference] = Outcome("processed")
            raise answer
        return answer

    @property
    def connector(self) -> Connector:
        return cast("Connector", self)


class Unlocked:
    """What stands for the lock: one process here."""

    def tell(self, run: str) -> None:
        """Nobody waits for it."""

    def check(self) -> None:
        """Nothing was locked."""


@dataclass
class Scene:
    """A sync's parts, and what a test puts into its ledger."""

    parts: Parts
    files: Files
    clock: Hands
    remote: Remote = field(default_factory=Remote)

    @property
    def ledger(self) -> Ledger:
        return self.parts.ledger

    @property
    def audience(self) -> KnownAudience:
        found = self.ledger.known(*AT)
        assert found is not None
        return found

    def draw(
        self, name: str, *phases: Phase, audience: Audience = WHALES, **of_plan: object
    ) -> Plan:
        """Keep a plan with a batch of two rows for each of these phases: `NAME-1`, ..."""
        ledger = self.ledger
        ledger.claim(audience, audience.name, known_syncs=frozenset({audience.name}), event=None)
        run = ledger.open_run(audience.name, "schedule", event=None).id
        ledger.add_snapshot(replace(snapshot(), id=SnapshotId(f"s-{name}"), path=name), run)
        drawn = replace(plan(name, snapshot_id=f"s-{name}"), audience=audience.id)
        drawn = replace(drawn, **of_plan)  # type: ignore[arg-type]  # fields of Plan
        batches = [batch(name, number, phase) for number, phase in enumerate(phases, 1)]
        with directory.step(ledger, self.parts.directory):
            ledger.add_plan(drawn, run, batches, event=None)
        return drawn

    def send(self, name: str, state: S = S.SENDING, *, reference: str = "") -> None:
        """Bring a batch to a state; accepted, its reference is `r-NAME` if not this."""
        one, ledger = BatchId(name), self.ledger
        ledger.intend(one, label="upload 1", deadline=self.clock.now() + timedelta(minutes=2))
        if state in {S.ACCEPTED, S.PROCESSED}:
            said = reference or f"r-{name}"
            ledger.record(one, Receipt(2, reference=said, final=state is S.PROCESSED))
        elif state is not S.SENDING:
            ledger.mark(one, state, code="timeout")

    def state(self, name: str) -> S:
        batches = self.ledger.batches(name.rpartition("-")[0])
        return next(one.state for one in batches if one.id == name)

    def fold(self, *, carried_out: Plan | None = None) -> bool:
        return settle.fold(self.parts, self.audience, actor="ada", carried_out=carried_out)

    def filled(self, *, rules: str = "meta-1") -> None:
        """A first generation, of these rules."""
        self.draw("p0", ADD)
        self.send("p0-1", S.PROCESSED)
        self.files.rules = rules
        assert self.fold()
        self.files.asked.clear()
