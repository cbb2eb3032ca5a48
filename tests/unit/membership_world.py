"""A membership driven without ledger or network: outbox in a list, platform in two sets.

For the property tests of planning and folding alone. `tests/integration` drives the
same histories through the real ledger and the real sync.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.sandbox.state import AudienceState
from syncd.membership.blocks import BlockReader
from syncd.membership.engine import SNAPSHOT_SCHEMA
from syncd.membership.layers import Layering
from syncd.membership.store import FileMembership
from syncd.model import (
    ID_CELLS,
    IDENTIFIER_CELLS,
    BatchId,
    BatchRecord,
    BatchState,
    Compared,
    Comparison,
    ConsentRule,
    Generation,
    Guard,
    Phase,
    Plan,
    PlanId,
    Raw,
    Refresh,
    Refusal,
    Sizes,
    Snapshot,
    SnapshotId,
)
from syncd.plan import ranges
from tests.layerings import LAYERED

Identifier = tuple[str, str]
Ending = Literal["ok", "lost", "applied", "bad", "no"]
FREE = Guard(max_removed=1.0, min_members=0)
SETTLE = timedelta(hours=48)
ERASED = 3


@dataclass(frozen=True)
class Person:
    """A member by small numbers: `email` 1 stands for one address; `consent` 3 for erased.

    Of ids and cities 0 stands for none.
    """

    emails: tuple[int, ...] = ()
    phones: tuple[int, ...] = ()
    consent: int = 1
    device: int = 0
    external: int = 0
    city: int = 0
    value: str | None = None
    limited: str | None = None
    held_out: bool = False
    elsewhere: bool = False
    stays: bool = False


# What a number becomes by each version of the rules. `shifted` makes of one e-mail what
# another was before; `salted` changes everything; `few` makes one of two phones.
RULES: dict[str, Callable[[str, int], str]] = {
    "plain": lambda kind, number: f"{kind}{number}",
    "shifted": lambda kind, number: f"{kind}{number + (kind == 'email')}",
    "salted": lambda kind, number: f"salted {kind}{number}",
    "few": lambda kind, number: f"{kind}{number // 2 if kind == 'phone' else number}",
}


def cell(kind: str, number: int, rules: str = "plain") -> bytes:
    return hashlib.sha256(RULES[rules](kind, number).encode()).digest()


def cells(person: Person, rules: str = "plain") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for kind, numbers in (("email", person.emails), ("phone", person.phones)):
        # Each once, as `syncd.identity` leaves them.
        digests = dict.fromkeys(cell(kind, number, rules) for number in numbers)
        names = (kind, f"{kind}_2", f"{kind}_3")
        found |= dict(zip(names, digests, strict=False))
    for name, number in (("device_id", person.device), ("external_id", person.external)):
        if number:  # as they are; two kinds may well have the same text
            found[name] = RULES[rules]("id", number).encode()
    if person.city:
        found["city"] = cell("city", person.city)
    for name, text in (("value", person.value), ("limited_data_use", person.limited)):
        if text is not None:
            found[name] = text.encode()
    return found


def kind_of(name: str) -> str:
    return name if name in ID_CELLS else name.partition("_")[0]


def identifiers(row: Mapping[str, bytes | None]) -> frozenset[Identifier]:
    return frozenset(
        (kind_of(name), value.hex())
        for name, value in row.items()
        if value is not None and name in IDENTIFIER_CELLS
    )


def snapshot_rows(members: Mapping[str, Person], rules: str, spelling: int = 0) -> pa.RecordBatch:
    usable = {key: person for key, person in members.items() if identifiers(cells(person))}
    rows = [
        {
            "key": key.encode(),
            "consent": person.consent % ERASED,
            "region": False,
            "erased": person.consent == ERASED,
            "held_out": person.held_out,
            "elsewhere": person.elsewhere,
            "stays": person.stays,
            **cells(person, rules),
        }
        for key, person in usable.items()
    ]
    blank = pa.RecordBatch.from_pylist(rows, schema=SNAPSHOT_SCHEMA)
    found = fingerprints(usable, rules, spelling)
    halves = {"fingerprint_high": found[:, 0], "fingerprint_low": found[:, 1]}
    columns = [
        pa.array(halves[name]) if name in halves else blank.column(name)
        for name in SNAPSHOT_SCHEMA.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SNAPSHOT_SCHEMA)


def fingerprints(
    members: Mapping[str, Person], rules: str, spelling: int = 0
) -> npt.NDArray[np.uint64]:
    """As of raw rows; a quarter of them has a value that was refused, and so none."""
    found = [
        hashlib.blake2b(f"{key} {person} {rules} {spelling}".encode(), digest_size=16).digest()
        for key, person in ((key, replace(one, stays=False)) for key, one in members.items())
    ]
    lines = np.frombuffer(b"".join(found), np.uint64).reshape(-1, 2).copy()
    lines[lines[:, 0] % 4 == 0] = 0
    return lines


def crowd(count: int) -> dict[str, Person]:
    """Members with an e-mail and a phone each; every fifth has the phone of the next one."""
    return {f"m{n:03}": Person((n,), (n + (n % 5 == 0),), city=n % 3) for n in range(1, count + 1)}


def as_read(rows: pa.RecordBatch) -> Raw:
    """Digested rows as `syncd.runs.reading` hands them over."""
    halves = [np.asarray(rows[name]) for name in ("fingerprint_high", "fingerprint_low")]
    return Raw(np.column_stack(halves), rows)


def as_digested(raw: Raw) -> pa.RecordBatch:
    """Those rows, which are digested already."""
    return raw.rows


@dataclass
class MembershipWorld:
    """One audience: its membership, its outbox and the platform's two views.

    Attributes:
        spelling: How the shop writes its members; another one leaves every digest as it is.
        respells: After so many comparisons it writes them otherwise; 0 for never.
        layering: When a generation is written over an earlier one.
    """

    directory: Path
    guard: Guard = FREE
    batch_rows: int = 2
    removes: bool = True
    rules: str = "plain"
    spelling: int = 0
    respells: int = 0
    layering: Layering = LAYERED
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    generation: Generation | None = None
    plans: dict[str, Plan] = field(default_factory=dict)
    batches: dict[str, BatchRecord] = field(default_factory=dict)
    sent: list[tuple[Phase, list[frozenset[Identifier]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.membership = FileMembership(self.directory, key=bytes(32), layering=self.layering)
        self.platform = AudienceState("1", "a", "x")
        self._numbers = itertools.count(1)

    def compare(
        self,
        members: Mapping[str, Person],
        *,
        approved: Sequence[Plan] = (),
        full: bool = False,
        refresh: Refresh | None = None,
    ) -> tuple[Plan, Compared]:
        comparison = self.comparison(members, approved=approved, full=full, refresh=refresh)
        found = self.membership.plan(comparison)
        base = self.generation.number if self.generation else 0
        plan = Plan(
            comparison.plan, "all", "test", "x", "1", comparison.snapshot.id, base, "", self.rules,
            found.counts, found.held, self.now, found.path, found.checksum,
        )  # fmt: skip
        self.plans[plan.id] = plan
        assert max(self.added(plan).values(), default=1) == 1, "a plan adds a member twice"
        return plan, found

    def added(self, plan: Plan) -> Counter[bytes]:
        """How often a plan adds each member, by the key."""
        path = self.directory / plan.path
        with BlockReader(path, key=bytes(32), checksum=plan.checksum) as file:
            return Counter(
                key
                for phase in (Phase.ADD, Phase.AGAIN)
                for rows in file.batches(phase.value)
                for key in rows["key"].to_pylist()
            )

    def comparison(
        self,
        members: Mapping[str, Person],
        *,
        approved: Sequence[Plan] = (),
        full: bool = False,
        refresh: Refresh | None = None,
    ) -> Comparison:
        number = next(self._numbers)
        if self.respells:
            self.spelling = number // self.respells
        written = self.membership.receive(
            SnapshotId(f"s{number}"),
            [as_read(snapshot_rows(members, self.rules, self.spelling))],
            as_digested,
            self.generation,
        )
        snapshot = Snapshot(
            SnapshotId(f"s{number}"), "all", self.rules, len(members), len(members), (), (),
            self.now, self.now, written.path, written.checksum,
        )  # fmt: skip
        return Comparison(
            plan=PlanId(f"p{number}"),
            sync="all",
            snapshot=snapshot,
            generation=self.generation,
            consent=ConsentRule(granted_only=False, granted_in_region=False),
            removes=self.removes,
            ordered=True,
            guard=self.guard,
            reference=self.generation.sizes if self.generation else Sizes(),
            changes=(),
            approved=tuple(approved),
            under_way=(),
            now=self.now,
            settle=SETTLE,
            full=full,
            refresh=refresh,
        )

    def run(
        self,
        members: Mapping[str, Person],
        endings: Sequence[Ending] = (),
        *,
        approved: Sequence[Plan] = (),
        full: bool = False,
    ) -> Compared:
        """Resolve what is unknown, plan, push each batch with its ending, fold.

        A batch that is `lost`, or `applied` and its answer lost, ends the run, as a crash
        would. One that is refused whole does not: for its first row, `bad`, without which
        it then goes out; or as such, `no`. See `syncd.runs.refusals`.
        """
        ends = iter(endings)
        if not self._push(self._unknown(), ends):
            self.fold()
            return self.compare(members)[1]
        self.fold()
        plan, found = self.compare(members, approved=approved, full=full)
        self._push(self._cut(plan, found), ends)
        self.fold(plan)
        return found

    def fold(self, carried_out: Plan | None = None) -> None:
        open_batches = [b for b in self.batches.values() if b.state != b.folded]
        moved = (
            carried_out is not None
            and self.generation is not None
            and (self.generation.rules != carried_out.rules or carried_out.counts.respelled > 0)
        )
        plans = [
            (plan, [b for b in open_batches if b.plan == plan.id])
            for plan in self.plans.values()
            if any(b.plan == plan.id for b in open_batches) or (moved and plan is carried_out)
        ]
        if not plans:
            return
        number = next(self._numbers)
        self.generation = self.membership.fold(
            f"g{number}",
            self.generation,
            plans,
            now=self.now,
            settled=self.now - SETTLE,
        )
        for batch in open_batches:
            self.batches[batch.id] = replace(batch, folded=batch.state)

    def wanted(self, members: Mapping[str, Person]) -> frozenset[Identifier]:
        sent = [one for one in members.values() if one.consent < 2 and not one.held_out]
        return frozenset().union(*(identifiers(cells(person, self.rules)) for person in sent))

    def _unknown(self) -> Iterator[BatchRecord]:
        yield from [b for b in self.batches.values() if b.state is BatchState.UNKNOWN]

    def _cut(self, plan: Plan, found: Compared) -> Iterator[BatchRecord]:
        counts = found.counts
        sizes = {
            Phase.REMOVE: counts.removals,
            Phase.ADD: counts.additions,
            Phase.AGAIN: counts.again,
        }
        number = itertools.count(1)
        for phase, rows in sizes.items():
            for first, count in ranges(rows, self.batch_rows):
                n = next(number)
                yield BatchRecord(
                    BatchId(f"{plan.id}-{n}"), plan.id, n, phase, first, count, BatchState.PLANNED
                )

    def _push(self, batches: Iterator[BatchRecord], endings: Iterator[Ending]) -> bool:
        for batch in batches:
            ending: Ending = next(endings, "ok")
            with self.membership.open(self.plans[batch.plan]) as file:
                rows = [identifiers(row) for row in file.of(batch).to_pylist()]
            self.sent.append((batch.phase, rows))
            ended = self._ended(batch, ending)
            taken = ended.state is BatchState.ACCEPTED or ending == "applied"
            if taken and batch.phase is Phase.REMOVE:
                self.platform.remove(rows[len(ended.refused) :])
            elif taken:
                self.platform.add(rows[len(ended.refused) :])
            self.batches[batch.id] = ended
            if ended.state is BatchState.UNKNOWN:
                return False
        return True

    def _ended(self, batch: BatchRecord, ending: Ending) -> BatchRecord:
        """A batch as the ledger has it after its request."""
        if ending in {"lost", "applied"}:
            return replace(batch, state=BatchState.UNKNOWN, doubtful=True)
        taken = replace(batch, state=BatchState.ACCEPTED, accepted_at=self.now)
        if ending == "ok":
            return taken
        if batch.doubtful:  # an earlier request may have been applied: planned anew
            return replace(batch, state=BatchState.FAILED)
        refused = Refusal(0, "BAD", whole=True)
        if ending == "bad" and batch.rows > 1:
            return replace(taken, refused=(refused,))
        if ending == "no":
            refused = Refusal(None, "NO", batch.rows, whole=True)
        return replace(batch, state=BatchState.REFUSED, refused=(refused,))
