"""One of two syncs in a ledger, with its platform; each request is observed."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

import pyarrow as pa

from connectors.memory import MemoryWorld
from connectors.sandbox.state import Identifier
from syncd.gate import Gates
from syncd.ledger.store import Ledger
from syncd.model import (
    Batch,
    Operation,
    Receipt,
    SegmentQuery,
    Sync,
)
from syncd.ports import Upload
from syncd.runs.parts import Parts
from tests.crash.book import Book, Request, Violation
from tests.crash.troubles import trouble
from tests.integration.through import Through
from tests.integration.worlds import World

Name = Literal["now", "later"]
NAMES: tuple[Name, ...] = ("now", "later")
SLOWEST = timedelta(hours=25)  # no platform takes longer


class Home(Protocol):
    """What both sides share."""

    ledger: Ledger
    gates: Gates

    def query(self) -> SegmentQuery: ...

    def named(self, prefix: str) -> str: ...


@dataclass
class Observed:
    """A platform's upload; what the machine knows is held against each request.

    Attributes:
        over: It was ended, or its last request was not answered well.
    """

    inner: Upload
    side: Side
    label: str
    over: bool = False

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        side = self.side
        request = Request.of(batch)
        if self.over:
            raise Violation("upload over", f"{request.batch} goes out in {self.label}")
        self.over = True
        side.about_to(request, self.label)
        known = len(side.remote._work)
        with side.book.sending(request, side.clock.now()), side.wire.around("push"):
            side.sent_any = True
            try:
                receipt = self.inner.push(batch, last=last)
            finally:
                side.notice(request, list(side.remote._work)[known:])
        side.untold.discard(receipt.reference)
        taken = frozenset().union(*side.remote._work[receipt.reference].rows)
        side.book.answered(request, taken, side.clock.now())
        self.over = last
        return receipt


@dataclass(frozen=True)
class ObservedConnector(Through):
    """A platform's connector whose uploads are observed."""

    side: Side

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> Observed:
        opened = self.inner.open(audience_id, operation, rows=rows)
        return Observed(opened, self.side, f"{opened.label}-{next(self.side.uploads)}")

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        with self.side.wire.around("push"):
            return super().forget(rows)


@dataclass
class Side(World):
    """One sync with its platform.

    Attributes:
        untold: Requests that were taken while nobody heard the answer.
        born: When a request was first seen waiting.
        sent_any: Whether anything was pushed since it was last set to False.
        uploads: Their numbers.
    """

    house: Home = field(kw_only=True)
    name: Name = field(kw_only=True)
    remote: MemoryWorld = field(kw_only=True)
    book: Book = field(kw_only=True)
    untold: set[str] = field(default_factory=set)
    born: dict[str, datetime] = field(default_factory=dict)
    sent_any: bool = False
    uploads: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def later(self) -> bool:
        return not self.platform.capabilities.ordered

    @property
    def at(self) -> tuple[str, str, str]:
        found = self.ledger.audience_of(self.name)
        return (found.platform, found.account, found.id) if found else ("", "", "")

    def parts(self) -> Parts:
        return replace(
            super().parts(),
            query=lambda _: self.house.query(),
            names=self.house.named,
            known_syncs=frozenset(NAMES),
            connect=lambda: ObservedConnector(
                self.platform.connect(self.account, secrets.randbits), self
            ),
        )

    def about_to(self, request: Request, label: str) -> None:
        """What must be true before a request goes out."""
        ledger, book = self.ledger, self.book
        attempts = ledger.attempts(request.batch)
        records = ledger.batches(request.plan)
        state = next(one.state for one in records if one.id == request.batch)
        book.check_intent(request, attempts, state, label)
        book.check_opposite(request)
        plan = ledger.plan(request.plan)
        assert plan is not None
        snapshot = ledger.snapshot(plan.snapshot)
        book.check_request(request, plan, snapshot, now=self.clock.now())

    def meets(self, name: str) -> None:
        """Trouble of this name befalls the next requests."""
        self.remote.script(trouble(name, self.platform.capabilities.in_flight))

    def notice(self, request: Request, references: Sequence[str]) -> None:
        """Requests that the platform took."""
        self.untold.update(references)
        for reference in references:
            self.born[reference] = self.clock.now()
            self.book.works[reference] = request

    def coming(self) -> frozenset[Identifier]:
        """What additions that were taken will still put in."""
        works = [self.remote._work[one] for one in self.remote.pending]
        rows = [row for one in works if one.operation is Operation.ADD for row in one.rows]
        return frozenset().union(*rows)

    def work(
        self,
        order: Sequence[int] = (),
        *,
        left: int = 0,
        fail: Sequence[int] = (),
        overdue: bool = False,
    ) -> None:
        """Let requests take effect in some order.

        Args:
            order: Shuffles them.
            left: So many of the last go on waiting.
            fail: Places in that order that fail instead.
            overdue: Only those that waited for as long as a platform may take.
        """
        due = [
            one
            for one in self.remote.pending
            if not overdue or self.born[one] + SLOWEST <= self.clock.now()
        ]
        keys = dict(zip(due, itertools.chain(order, itertools.repeat(0)), strict=False))
        due.sort(key=lambda one: keys[one])
        due = due[: len(due) - left] if left else due
        failing = {due[place] for place in fail if place < len(due)}
        for one in due:
            self.book.lands(one, failed=one in failing, untold=one in self.untold)
        self.remote.process(due, fail=failing)

    def _begin(self) -> Ledger:
        self.gates = self.house.gates
        return self.house.ledger

    def _sync(self) -> Sync:
        return replace(super()._sync(), name=self.name)
