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
so and `forget` does it: `PLATFORM` has it, `LATER` does not. Where it can replace a whole
audience, the capability `replace` says how: `PLATFORM` by a session, `LATER` by a cut-off.

`PLATFORM` answers at once. `LATER` answers first and works afterwards, when the test says
so and in the order the test chooses: `world(name).process(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from connectors.memory_world import (
    WORLDS,
    Fail,
    GoThrough,
    LoseAnswer,
    MemoryWorld,
    RefuseRows,
    RefuseWith,
    Step,
    Work,
    world,
)
from connectors.sandbox.state import AudienceState, Identifier, Row
from syncd.errors import (
    AudienceBusy,
    AudienceGone,
    AudienceUnusable,
    Denied,
    RequestRefused,
    Unavailable,
)
from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    ID_CELLS,
    NO_OPTIONS,
    PHONE_CELLS,
    Account,
    Audience,
    AudienceOptions,
    Batch,
    Capabilities,
    Finding,
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

__all__ = [
    "LATER",
    "PLATFORM",
    "Fail",
    "GoThrough",
    "LoseAnswer",
    "MemoryWorld",
    "RefuseRows",
    "RefuseWith",
    "Step",
    "row_identifiers",
    "world",
]

_WORLDS = WORLDS
RandBits = Callable[[int], int]
_BUSY = 180.0  # seconds to stay away from an audience that is being replaced


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
        step = memory.world.next_step()
        if isinstance(step, Fail):
            raise step.error
        audience = memory.audience(self.audience_id)
        if audience.replacing(memory.now) == "running":
            raise AudienceBusy(memory.platform, "being_replaced", retry_after=_BUSY)
        if batch.rows.num_rows > memory.capabilities.max_rows:
            raise RequestRefused(memory.platform, "too_many_rows", of_rows=False)
        _refuse(memory, batch)
        work = _work(audience, self.operation, batch, step, memory.now)
        reference = memory.world.accept(work)
        if memory.capabilities.answers == "now":
            memory.world.process([reference])
        if isinstance(step, LoseAnswer):
            raise Unavailable(memory.platform, "answer_lost")
        if memory.capabilities.answers == "now":
            return Receipt(batch.rows.num_rows, work.refused, reference)
        return Receipt(batch.rows.num_rows, (), reference, final=False)


@dataclass(slots=True)
class _Replacement:
    """A session that drops everyone and loads its rows.

    Attributes:
        state: Whether its first batch was taken; `unsure` where nobody can tell.
    """

    memory: _Memory
    audience_id: str
    label: str
    state: Literal["new", "begun", "unsure"] = "new"

    def push(self, batch: Batch, *, last: bool) -> Receipt:
        """Take the rows in; the first ones after everybody was dropped."""
        memory = self.memory
        if self.state == "unsure":
            raise AudienceUnusable(memory.platform, "replacement_unsure")
        step = memory.world.next_step()
        audience = memory.audience(self.audience_id)
        _refuse(memory, batch)
        if isinstance(step, LoseAnswer) or (
            isinstance(step, Fail) and isinstance(step.error, Unavailable)
        ):
            self.state = "unsure" if self.state == "new" else self.state
        if isinstance(step, Fail):
            raise step.error
        held = audience.replacement
        running = audience.replacing(memory.now) == "running"
        if held is None or held.session != self.label:
            if running or self.state == "begun":
                raise AudienceUnusable(memory.platform, "being_replaced")
            audience.replace(self.label, memory.now)
        elif not running:
            raise AudienceUnusable(memory.platform, "replacement_over")
        work = _work(audience, Operation.ADD, batch, step, memory.now)
        memory.world.process([memory.world.accept(work)])
        self._taken(audience, last=last)
        if isinstance(step, LoseAnswer):
            raise Unavailable(memory.platform, "answer_lost")
        self.state = "begun"
        return Receipt(batch.rows.num_rows, work.refused, self.label)

    def _taken(self, audience: AudienceState, *, last: bool) -> None:
        if audience.replacement is not None and last:
            audience.replacement.whole = True
            if not self.memory.world.lingers:
                self.memory.world.end_replacement(audience)


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

    def create(self, name: str, options: AudienceOptions = NO_OPTIONS) -> Audience:  # noqa: ARG002  # there are none
        """Make an empty audience."""
        self._admit()
        return self._seen(self.world.audiences.create(self.account, name))

    def open(self, audience_id: str, operation: Operation, *, rows: int) -> _Upload:
        """Begin an upload; sends nothing."""
        return _Upload(self, audience_id, operation, f"{operation.value}-{rows}")

    def outcome(self, reference: str) -> Outcome:
        """What became of an accepted request."""
        self._admit()
        work = self.world.find(reference)
        if work is None:
            return Outcome("forgotten")
        return Outcome(work.state, work.refused if work.state == "processed" else ())

    def forget(self, rows: pa.RecordBatch) -> Receipt:
        """Take persons out of every audience of the account, at once."""
        self._admit()
        step = self.world.next_step()
        if isinstance(step, Fail):
            raise step.error
        persons = row_identifiers(rows)
        for audience in self.world.audiences.audiences(self.account):
            audience.remove(persons)
        if isinstance(step, LoseAnswer):
            raise Unavailable(self.platform, "answer_lost")
        return Receipt(rows.num_rows)

    def replace(self, audience_id: str, *, rows: int) -> _Replacement:
        """Begin to replace an audience; sends nothing."""
        return _Replacement(self, audience_id, f"replace-{rows}-{self.world.number()}")

    def replacing(self, audience_id: str) -> Literal["running", "done", "failed"]:
        """How its last replacement is."""
        return self.audience(audience_id).replacing(self.now)

    def cut(self, audience_id: str, before: datetime) -> Receipt:
        """Take out whoever was last added before a moment, later."""
        step = self.world.next_step()
        if isinstance(step, Fail):
            raise step.error
        audience = self.audience(audience_id)
        if before > self.now:
            raise RequestRefused(self.platform, "in_the_future", of_rows=False)
        reference = self.world.accept(Work(audience, None, before))
        if isinstance(step, LoseAnswer):
            raise Unavailable(self.platform, "answer_lost")
        return Receipt(0, (), reference, final=False)

    def examine(self, audience_ids: Sequence[str]) -> tuple[Finding, ...]:
        """Whether the account is let in, and which of these audiences are there."""
        if self.world.denied:
            return (Finding("", "denied", "denied", "set `denied` of its world to False"),)
        known = {one.id for one in self.world.audiences.audiences(self.account)}
        return (
            Finding("", "good", "account", "the account is let in"),
            *(
                Finding(each, "good", "audience", "it can be changed")
                if each in known
                else Finding(each, "unusable", "unknown_audience", "it was deleted")
                for each in audience_ids
            ),
        )

    @property
    def now(self) -> datetime:
        """The platform's clock."""
        return self.world.audiences.now()

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
    """Each row's identifiers as `connectors.sandbox.state` puts them, every cell in hex.

    An address counts only when whole.

    Raises:
        ValueError: A row has none. The core never sends one: a bug of ours.
    """
    cells = {name: rows.column(name).to_pylist() for name in rows.schema.names}
    return [_row(cells, position) for position in range(rows.num_rows)]


def _row(cells: dict[str, list[bytes | None]], position: int) -> Row:
    found: set[Identifier] = set()
    ids = ((name, (name,)) for name in ID_CELLS)
    for kind, names in (("email", EMAIL_CELLS), ("phone", PHONE_CELLS), *ids):
        found |= {(kind, cell.hex()) for name in names if (cell := cells[name][position])}
    address = [cell.hex() for name in ADDRESS_CELLS if (cell := cells[name][position])]
    if len(address) == len(ADDRESS_CELLS):
        found.add(("address", "|".join(address)))
    if not found:
        raise ValueError(f"row {position} of the batch holds no identifier")
    return frozenset(found)


def _work(
    audience: AudienceState, operation: Operation, batch: Batch, step: Step, at: datetime
) -> Work:
    rows = row_identifiers(batch.rows)
    bad = step.rows if isinstance(step, RefuseRows) else ()
    taken = [row for position, row in enumerate(rows) if position not in bad]
    refused = tuple(Refusal(one, "scripted") for one in bad)
    return Work(audience, operation, at, taken, refused)


def _refuse(memory: _Memory, batch: Batch) -> None:
    found = memory.world.refuses
    if found is None:
        return
    rows = row_identifiers(batch.rows)
    bad = tuple(position for position, row in enumerate(rows) if row & found.identifiers)
    if bad:
        raise RequestRefused(memory.platform, found.code, rows=bad if found.named else ())


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
    replace="session",
    forgets=True,
)
_THEN = replace(_NOW, answers="later", ordered=False, replace="cutoff", forgets=False)
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
