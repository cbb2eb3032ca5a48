"""The reference connector: a platform in this process, to test with and to copy from.

A connector of your own, in ten lines of instruction:

1. Make a package with a module that defines `PLATFORM = Platform(...)`, see `syncd.ports`.
2. Name it under the entry point `syncd.connectors`; `connector:` in the configuration is its name.
3. Declare in `Capabilities` what the platform can take; the core keeps to it.
4. Name the shipped rule set that the platform's digests follow, or bring a `RuleSet`.
5. List in `options` what an account needs; a token is `Option(..., secret=True)`.
6. In `connect`, import the vendor's SDK and build the connector; send nothing yet.
7. `find`, `read` and `create` are one question each; page to the end when finding.
8. `open` sends nothing. `push` sends its batch in one request and answers with a `Receipt`.
9. Turn every failure into a `syncd.errors.PlatformError`, `from None`; never retry, sleep or log.
10. Subclass `connectors.conformance.ConnectorContract` in a test, and make it pass.

Where the platform can take a person out of a whole account, the capability `forgets` says
so and `forget` does it: `PLATFORM` has it, `LATER` does not.

`PLATFORM` answers at once. `LATER` answers first and works afterwards, when the test says
so and in the order the test chooses: `world(name).process(...)`.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from connectors.sandbox.state import AudienceState, Identifier, Row, World
from syncd.errors import AudienceGone, Denied, PlatformError, RequestRefused, Unavailable
from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    PHONE_CELLS,
    Account,
    Audience,
    Batch,
    Capabilities,
    IdentifierKind,
    Operation,
    Option,
    Outcome,
    Receipt,
    Refusal,
)
from syncd.ports import Platform

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Fail:
    """The next push raises this error; nothing is applied."""

    error: PlatformError


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """The next push is taken, and its answer is lost."""


@dataclass(frozen=True, slots=True)
class RefuseRows:
    """The next push is taken but for the rows at these positions."""

    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GoThrough:
    """The next push goes through."""


@dataclass(frozen=True, slots=True)
class RefuseWith:
    """Every push is refused whole while a row of it holds one of these identifiers.

    Attributes:
        named: Whether the platform says which rows those are.
    """

    identifiers: frozenset[Identifier] = field(repr=False)
    named: bool = False
    code: str = "bad_row"


RandBits = Callable[[int], int]
Step = Fail | LoseAnswer | RefuseRows | GoThrough


@dataclass(slots=True)
class _Work:
    """A request that was accepted, and what becomes of it."""

    audience: AudienceState
    operation: Operation
    rows: list[Row] = field(repr=False)
    refused: tuple[Refusal, ...]
    state: Literal["processing", "processed", "failed"] = "processing"


class MemoryWorld:
    """What one memory platform holds, and what befalls it; safe between threads.

    Attributes:
        audiences: The audiences, in both views.
        denied: While true, every request is denied.
        pushes: Pushes seen, failed ones included.
        refuses: What it refuses whole requests for, until it is set to None again.
    """

    def __init__(self) -> None:
        self.audiences = World()
        self.denied = False
        self.pushes = 0
        self.refuses: RefuseWith | None = None
        self._lock = threading.Lock()
        self._steps: deque[Step] = deque()
        self._work: dict[str, _Work] = {}
        self._numbers = itertools.count(1)

    def script(self, steps: Iterable[Step]) -> None:
        """Add what befalls the next pushes, one step a push; afterwards all go through."""
        with self._lock:
            self._steps.extend(steps)

    @property
    def pending(self) -> tuple[str, ...]:
        """References of requests accepted and not yet worked on, oldest first."""
        with self._lock:
            return tuple(one for one, work in self._work.items() if work.state == "processing")

    def process(
        self, references: Sequence[str] | None = None, *, fail: Collection[str] = ()
    ) -> None:
        """Work on accepted requests.

        Args:
            references: Which, in the order they take effect; by default all, oldest first.
            fail: Those of them that fail instead; nothing of them is applied.
        """
        for reference in self.pending if references is None else references:
            with self._lock:
                work = self._work[reference]
                if work.state != "processing":
                    continue
                work.state = "failed" if reference in fail else "processed"
            if work.state == "processed":
                _apply(work)

    def _next_step(self) -> Step:
        with self._lock:
            self.pushes += 1
            return self._steps.popleft() if self._steps else GoThrough()

    def _accept(self, work: _Work) -> str:
        with self._lock:
            reference = f"request-{next(self._numbers)}"
            self._work[reference] = work
            return reference

    def _find(self, reference: str) -> _Work | None:
        with self._lock:
            return self._work.get(reference)


_WORLDS: dict[str, MemoryWorld] = {}
_WORLDS_LOCK = threading.Lock()


def world(name: str) -> MemoryWorld:
    """The world of this name: an account's option `world`, or else the account's name."""
    with _WORLDS_LOCK:
        return _WORLDS.setdefault(name, MemoryWorld())


@dataclass(frozen=True, slots=True)
class _Upload:
    """One operation on one audience."""

    memory: _Memory
    audience_id: str
    operation: Operation
    label: str

    def push(self, batch: Batch, *, last: bool) -> Receipt:  # noqa: ARG002  # nothing to commit here
        """Take the rows in, now or later."""
        memory = self.memory
        step = memory.world._next_step()  # noqa: SLF001  # the world is this module's own
        if isinstance(step, Fail):
            raise step.error
        audience = memory.audience(self.audience_id)
        if batch.rows.num_rows > memory.capabilities.max_rows:
            raise RequestRefused(memory.platform, "too_many_rows", of_rows=False)
        _refuse(memory, batch)
        work = _work(audience, self.operation, batch, step)
        reference = memory.world._accept(work)  # noqa: SLF001  # as above
        if memory.capabilities.answers == "now":
            memory.world.process([reference])
        if isinstance(step, LoseAnswer):
            raise Unavailable(memory.platform, "answer_lost")
        if memory.capabilities.answers == "now":
            return Receipt(batch.rows.num_rows, work.refused, reference)
        return Receipt(batch.rows.num_rows, (), reference, final=False)


@dataclass(frozen=True, slots=True)
class _Memory:
    """One account of a memory platform."""

    platform: str
    capabilities: Capabilities
    account: str
    world: MemoryWorld

    def find(self, name: str) -> tuple[Audience, ...]:
        """All audiences of exactly this name."""
        self._admit()
        return tuple(self._seen(one) for one in self.world.audiences.named(self.account, name))

    def read(self, audience_id: str) -> Audience:
        """The audience with this id, with its size in persons."""
        return self._seen(self.audience(audience_id))

    def create(self, name: str) -> Audience:
        """Make an empty audience."""
        self._admit()
        return self._seen(self.world.audiences.create(self.account, name))

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> _Upload:
        """Begin an upload; sends nothing."""
        return _Upload(self, audience_id, operation, f"{operation.value}-{rows}")

    def outcome(self, reference: str) -> Outcome:
        """What became of an accepted request."""
        self._admit()
        work = self.world._find(reference)  # noqa: SLF001  # the world is this module's own
        if work is None:
            return Outcome("forgotten")
        return Outcome(work.state, work.refused if work.state == "processed" else ())

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        """Take persons out of every audience of the account, at once."""
        self._admit()
        step = self.world._next_step()  # noqa: SLF001  # the world is this module's own
        if isinstance(step, Fail):
            raise step.error
        persons = row_identifiers(rows)
        for audience in self.world.audiences.audiences(self.account):
            audience.remove(persons)
        if isinstance(step, LoseAnswer):
            raise Unavailable(self.platform, "answer_lost")
        return Receipt(rows.num_rows)

    def audience(self, audience_id: str) -> AudienceState:
        """What the platform holds under this id.

        Raises:
            AudienceGone: Nothing.
        """
        self._admit()
        found = self.world.audiences.get(audience_id)
        if found is None or found.account != self.account:
            raise AudienceGone(self.platform, "unknown_audience", hint="it was deleted")
        return found

    def _admit(self) -> None:
        if self.world.denied:
            raise Denied(self.platform, "denied", hint="set `denied` of its world to False")

    def _seen(self, one: AudienceState) -> Audience:
        return Audience(
            self.platform, self.account, one.id, one.name, one.size, empty=not one.ever_filled
        )


def row_identifiers(rows: pa.RecordBatch) -> list[Row]:
    """Each row's identifiers as `connectors.sandbox.state` puts them; all cells are digests.

    An address counts only when whole.

    Raises:
        ValueError: A row has none. The core never sends one: a bug of ours.
    """
    cells = {name: rows.column(name).to_pylist() for name in rows.schema.names}
    return [_row(cells, position) for position in range(rows.num_rows)]


def _row(cells: dict[str, list[bytes | None]], position: int) -> Row:
    found: set[Identifier] = set()
    for kind, names in (("email", EMAIL_CELLS), ("phone", PHONE_CELLS)):
        found |= {(kind, cell.hex()) for name in names if (cell := cells[name][position])}
    address = [cell.hex() for name in ADDRESS_CELLS if (cell := cells[name][position])]
    if len(address) == len(ADDRESS_CELLS):
        found.add(("address", "|".join(address)))
    if not found:
        raise ValueError(f"row {position} of the batch holds no identifier")
    return frozenset(found)


def _work(audience: AudienceState, operation: Operation, batch: Batch, step: Step) -> _Work:
    rows = row_identifiers(batch.rows)
    bad = step.rows if isinstance(step, RefuseRows) else ()
    taken = [row for position, row in enumerate(rows) if position not in bad]
    return _Work(audience, operation, taken, tuple(Refusal(one, "scripted") for one in bad))


def _refuse(memory: _Memory, batch: Batch) -> None:
    found = memory.world.refuses
    if found is None:
        return
    rows = row_identifiers(batch.rows)
    bad = tuple(position for position, row in enumerate(rows) if row & found.identifiers)
    if bad:
        raise RequestRefused(memory.platform, found.code, rows=bad if found.named else ())


def _apply(work: _Work) -> None:
    if work.operation is Operation.ADD:
        work.audience.add(work.rows)
    else:
        work.audience.remove(work.rows)


def _connect(name: str, capabilities: Capabilities) -> Callable[[Account, RandBits], _Memory]:
    def connect(account: Account, randbits: RandBits) -> _Memory:  # noqa: ARG001  # nothing here is random
        where = account.options.get("world", account.name)
        return _Memory(name, capabilities, account.name, world(where))

    return connect


_NOW = Capabilities(
    max_rows=10_000,
    max_identifiers=9,
    kinds=frozenset(IdentifierKind),
    answers="now",
    ordered=True,
    consent="none",
    forgets=True,
)
_THEN = replace(_NOW, answers="later", ordered=False, forgets=False)
_OPTIONS = (
    Option("world", "which world in this process; by default the account's name", required=False),
)

PLATFORM = Platform(
    name="memory",
    title="Memory",
    capabilities=_NOW,
    rules="meta",
    options=_OPTIONS,
    connect=_connect("memory", _NOW),
)
LATER = Platform(
    name="memory_later",
    title="Memory, answering later",
    capabilities=_THEN,
    rules="meta",
    options=_OPTIONS,
    connect=_connect("memory_later", _THEN),
)
