"""What the machine itself knows of one audience, and what it holds against each request.

Nothing here asks syncd what it believes: the book is kept from the requests that went out
and from what the platform made of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from connectors.memory import row_identifiers
from connectors.sandbox.state import Identifier
from syncd.errors import Denied, RequestRefused, Throttled
from syncd.leaving.erasing import ERASURE
from syncd.ledger.batches import Attempt
from syncd.model import Batch, BatchId, BatchState, Guard, Operation, Plan, Snapshot

WEEK = timedelta(days=7)
APPROVED = timedelta(hours=72)

Ids = frozenset[Identifier]


class Violation(AssertionError):
    """A promise was broken: its category, then what happened."""

    def __init__(self, category: str, said: str) -> None:
        super().__init__(f"{category}: {said}")
        self.category = category


@dataclass(frozen=True)
class Request:
    """One request for a batch."""

    batch: BatchId
    plan: str
    operation: Operation
    rows: tuple[Ids, ...] = field(repr=False)

    @classmethod
    def of(cls, batch: Batch) -> Self:
        plan = batch.id.rpartition(".")[0]
        return cls(batch.id, plan, batch.operation, tuple(row_identifiers(batch.rows)))

    @property
    def ids(self) -> Ids:
        return frozenset().union(*self.rows)


@dataclass(frozen=True)
class Reading:
    """What a read of the shop saw, or would have seen to its end.

    Attributes:
        wanted: Identifiers of whoever may be on a platform.
        members: How many of them there are.
        rows: Rows that the shop held.
        torn: The shop died in the middle of it.
        full: A full run read it.
        denied: Every identifier that members with denied consent ever had, and whose.
        erased: The same of whoever was erased.
    """

    wanted: Ids
    members: int
    rows: int
    torn: bool
    full: bool
    denied: Mapping[Identifier, str]
    erased: Ids


@dataclass(frozen=True)
class Removed:
    """An accepted removal; `again` if the audience had been told once before."""

    at: datetime
    plan: str


@dataclass
class Book:
    """One audience's.

    Attributes:
        reads: Every read, by its snapshot.
        added: Ever sent in an addition.
        removed: Their removal was accepted, and they were not added since.
        removals: When removals of an identifier were accepted.
        unknown: Requests nobody knows the outcome of.
        works: Requests that the platform took, by reference.
        bad: Whose last addition was refused by name, or failed later.
        shaky: A removal landed late that nobody had heard the answer of.
        mail: Addresses of who was erased; none of them may be added.
        taken_out: What each plan took out for the first time.
        heights: How many identifiers may have been there after each addition, by kind.
        samples: What was certainly there at the end of a run, by kind.
        approvals: When, and what a person let go.
        refused: The platform refused something at least once.
        done: Requests that were answered.
    """

    reads: Mapping[str, Reading] = field(repr=False)
    guard: Guard
    settle: timedelta
    added: set[Identifier] = field(default_factory=set)
    removed: dict[Identifier, Removed] = field(default_factory=dict)
    removals: dict[Identifier, list[datetime]] = field(default_factory=dict)
    unknown: dict[str, Request] = field(default_factory=dict)
    works: dict[str, Request] = field(default_factory=dict)
    bad: set[Identifier] = field(default_factory=set)
    shaky: set[Identifier] = field(default_factory=set)
    mail: set[Identifier] = field(default_factory=set)
    taken_out: dict[str, set[Identifier]] = field(default_factory=dict)
    heights: list[tuple[datetime, Counter[str]]] = field(default_factory=list)
    samples: list[tuple[datetime, Counter[str]]] = field(default_factory=list)
    approvals: list[tuple[datetime, Ids]] = field(default_factory=list)
    refused: bool = False
    done: dict[str, Request] = field(default_factory=dict)

    @property
    def there(self) -> Ids:
        """Sent, and not taken out."""
        return frozenset(self.added - self.removed.keys())

    # --- before a request ------------------------------------------------------

    def check_intent(
        self, request: Request, attempts: Sequence[Attempt], state: BatchState, label: str
    ) -> None:
        """No request without a committed intent, no receipt before its request, and none after."""
        if request.batch in self.done:
            raise Violation("sent twice", f"{request.batch} was answered, and is sent again")
        if state in {BatchState.ACCEPTED, BatchState.PROCESSED, BatchState.SETTLED}:
            raise Violation("receipt first", f"{request.batch} is {state.value} before it is sent")
        running = attempts and attempts[-1].ended_at is None and attempts[-1].label == label
        if not running or state is not BatchState.SENDING:
            raise Violation("no intent", f"{request.batch} is sent while it is {state.value}")

    def check_opposite(self, request: Request) -> None:
        """Nothing opposite goes out before an unknown outcome is resolved."""
        for other in self.unknown.values():
            both = other.ids & request.ids
            if other.operation is request.operation or not both:
                continue
            if other.ids & self.mail:  # a request that adds an erased person is given up
                continue
            raise Violation(
                "opposite of unknown",
                f"{request.batch} ({request.operation.value}) goes out while the outcome of "
                f"{other.batch} ({other.operation.value}) is unknown",
            )

    def check_request(
        self, request: Request, plan: Plan, snapshot: Snapshot | None, *, now: datetime
    ) -> None:
        """What this addition or removal may be."""
        if request.operation is Operation.ADD:
            if request.ids & self.mail:
                raise Violation("erased and added", f"{request.batch} adds who was erased")
            return
        if plan.sync == ERASURE:
            return
        reading = self.reads.get(plan.snapshot)
        if reading is None or snapshot is None or reading.torn or snapshot.rows != reading.rows:
            raise Violation("torn snapshot", f"{request.batch} removes by a read that broke off")
        self._check_held(request, reading)
        self._check_settling(request, now)
        # What is sent again since nobody knows its outcome went out when it was permitted.
        if request.batch not in self.unknown:
            self._check_guard(request, reading, now)

    def _check_held(self, request: Request, reading: Reading) -> None:
        held = request.ids & reading.wanted
        if held & self.removals.keys():
            raise Violation("confirmation after a return", f"{request.batch} takes out who is back")
        if held:
            raise Violation("held by a member", f"{request.batch} takes out what a member holds")

    def _check_settling(self, request: Request, now: datetime) -> None:
        # Whoever was to come back and was refused is no longer known to be out.
        for one in (request.ids & self.removed.keys()) - self.bad:
            before = self.removed[one]
            early = before.plan != request.plan and now < before.at + self.settle
            if early and not self._full_since(before.plan):
                raise Violation(
                    "repeated while settling",
                    f"{request.batch} takes out again what {before.plan} did at {before.at:%d %H}h",
                )

    def _full_since(self, plan: str) -> bool:
        """Whether a full run read the shop after a plan was drawn, by the numbers of both.

        It sends all again, whatever was accepted; and where it was held, the run after the
        approval does.
        """
        return any(one.full for name, one in self.reads.items() if name[1:] > plan[1:])

    # --- the guard, by what the machine knows ----------------------------------

    def _check_guard(self, request: Request, reading: Reading, now: datetime) -> None:
        """Removals beyond the guard were approved.

        Every member has an address alone, so the loss of addresses is never less than that
        of members, which the guard counts as well.
        """
        out = self.taken_out.setdefault(request.plan, set())
        # A confirmation takes out nobody, nor does what was refused when it was added.
        out |= request.ids & self.there
        approved = frozenset().union(*(ids for at, ids in self.approvals if now <= at + APPROVED))
        ordinary = out - reading.denied.keys() - reading.erased
        unasked = request.ids & (ordinary - approved)
        if unasked:
            kinds = {kind for kind, _ in unasked}
            self._check_share(request, ordinary, now, kinds)
            self._check_week(request, reading, now, kinds)
            if reading.members < self.guard.min_members:
                raise Violation("guard: too few", f"{request.batch}: {reading.members} members")
        withdrawn = (out & reading.denied.keys()) - approved - reading.erased
        gone = {reading.denied[one] for one in withdrawn if one[0] == "email"}
        if len(gone) >= self.guard.min_members and len(gone) > self._limit("email", now):
            raise Violation("guard: withdrawals", f"{request.batch}: {len(gone)} at once")

    def _check_share(
        self, request: Request, out: set[Identifier], now: datetime, kinds: set[str]
    ) -> None:
        counted = Counter(kind for kind, _ in out)
        for kind in kinds:
            if counted[kind] > self._limit(kind, now):
                raise Violation(
                    "guard: at once",
                    f"{request.batch}: {counted[kind]} {kind} of {self._most(kind, now)} at most "
                    f"leave unasked, after {len(self.approvals)} approvals",
                )

    def _check_week(
        self, request: Request, reading: Reading, now: datetime, kinds: set[str]
    ) -> None:
        """The loss since the largest membership of the last 7 days counts."""
        week = [counts for at, counts in self.samples if at > now - WEEK]
        target = Counter(kind for kind, _ in reading.wanted)
        exempt = Counter(kind for kind, _ in reading.denied.keys() | reading.erased)
        for kind in kinds:
            lost = max((one[kind] for one in week), default=0) - target[kind] - exempt[kind]
            if lost > self._limit(kind, now):
                raise Violation(
                    "guard: in a week",
                    f"{request.batch}: {lost} {kind} of {self._most(kind, now)} are lost in "
                    "seven days",
                )

    def _limit(self, kind: str, now: datetime) -> float:
        return self.guard.max_removed * self._most(kind, now)

    def _most(self, kind: str, now: datetime) -> int:
        """The most identifiers that may have been there at any time of the last 7 days."""
        before = [counts[kind] for at, counts in self.heights if at <= now - WEEK]
        since = [counts[kind] for at, counts in self.heights if at > now - WEEK]
        return max([*before[-1:], *since], default=0)

    # --- what became of it -----------------------------------------------------

    @contextmanager
    def sending(self, request: Request, now: datetime) -> Iterator[None]:
        """A request on its way: until it is answered nobody knows its outcome.

        Also if the process died before it was sent: syncd cannot know that.
        """
        new = request.batch not in self.unknown
        self.unknown[request.batch] = request
        try:
            yield
        except RequestRefused:
            self.unknown.pop(request.batch)
            if request.operation is Operation.ADD:
                self.bad |= request.ids
            self.refused = True
            raise
        except (Throttled, Denied):
            if new:
                self.unknown.pop(request.batch)
            raise
        except BaseException:
            self._went(request, now)
            raise
        self._went(request, now)

    def _went(self, request: Request, now: datetime) -> None:
        if request.operation is Operation.ADD:
            self.added |= request.ids
            for one in request.ids:
                self.removed.pop(one, None)
            self.heights.append((now, Counter(kind for kind, _ in self.there)))

    def answered(self, request: Request, taken: Ids, now: datetime) -> None:
        """The answer was heard; `taken` is what the platform did not refuse by row."""
        self.unknown.pop(request.batch, None)
        self.done[request.batch] = request
        self.refused |= taken != request.ids
        if request.operation is Operation.ADD:
            self.bad -= taken
            self.bad |= request.ids - taken
            self.shaky -= taken
            return
        for one in taken:
            self.removed[one] = Removed(now, request.plan)
            self.removals.setdefault(one, []).append(now)

    def died(self, unfinished: Collection[str]) -> None:
        """The process died; an answer that it had not yet written down was not heard."""
        for batch in self.done.keys() & unfinished:
            self.unknown[batch] = self.done.pop(batch)

    def lands(self, reference: str, *, failed: bool, untold: bool) -> None:
        """A request that was taken takes effect now, or fails."""
        work = self.works[reference]
        if failed and work.operation is Operation.ADD:
            self.bad |= work.ids
        elif failed:
            if untold:  # another attempt of it was told, or none: that one is not undone
                return
            for one in work.ids & self.removed.keys():
                if self.removed[one].plan == work.plan:
                    self.removals[one].remove(self.removed.pop(one).at)
        elif untold and work.operation is Operation.REMOVE:
            self.shaky |= work.ids

    def sample(self, reading: Reading, now: datetime) -> None:
        """A run went to its end: what it wanted is there, but for what was refused."""
        ids = (reading.wanted & self.there) - self.bad
        if not any(now <= at + APPROVED for at, _ in self.approvals):
            self.samples.append((now, Counter(kind for kind, _ in ids)))

    def approve(self, reading: Reading, now: datetime) -> None:
        """A person lets go whoever was to leave by that read; then loss is counted anew."""
        self.samples.clear()
        self.approvals.append((now, self.there - reading.wanted))
