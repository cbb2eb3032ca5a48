"""Ways to get it wrong, each a small change of our own code that the machine must find."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pytest

from syncd import settle
from syncd.ledger.store import Ledger
from syncd.membership import choosing
from syncd.model import BatchId, BatchRecord, BatchState, Guard, Sizes
from syncd.plan import held_reasons
from syncd.runs import outbox, planning
from syncd.runs.apart import Named
from syncd.runs.lanes import Lane, Lanes
from syncd.runs.outbox import _Outgoing
from syncd.shop.reading import DatabaseReading
from syncd.shop.rows import Rows
from tests.crash.planted import intent_after_send
from tests.integration.test_erasure_planted import without_a_second_removal
from tests.integration.test_planted_faults import (
    confirmed_after_return,
    receipt_before_push,
    repeated_while_settling,
)


@dataclass(frozen=True)
class Wrong:
    """A fault.

    Attributes:
        put: Puts it in.
        shows: The category of what the machine says of it.
        likely: What brings it to light, drawn ten times as often while it is there.
        beside: It shows where several requests are under way; others are looked for one by one.
    """

    put: Callable[[pytest.MonkeyPatch], None]
    shows: str
    likely: tuple[str, ...] = ()
    beside: bool = False


def no_intent(patch: pytest.MonkeyPatch) -> None:
    """That something was to be sent is written once it was."""
    outgoing = outbox._Outgoing
    patch.setattr(outgoing, "_begin", outgoing._begin)  # to be put back
    intent_after_send(outgoing)


def torn_snapshot(patch: pytest.MonkeyPatch) -> None:
    """Where a read breaks off is its end, and nobody counts."""
    batches = DatabaseReading._batches

    def ended(self: DatabaseReading, rows: Rows) -> Iterator[pa.RecordBatch]:
        with suppress(Exception):  # whatever it was
            yield from batches(self, rows)

    patch.setattr(DatabaseReading, "_batches", ended)
    patch.setattr(DatabaseReading, "seal", lambda self: self._count)


def unknown_let_lie(patch: pytest.MonkeyPatch) -> None:
    """What nobody knows the outcome of is not sent again."""
    patch.setattr(settle, "resolve", lambda *_: 0)


def counted_after_additions(patch: pytest.MonkeyPatch) -> None:
    """Removals are measured against what the additions have made of the audience."""

    def reasons(
        *,
        leaving: Sizes,
        withdrawn: Sizes,
        target: Sizes,
        reference: Sizes,
        guard: Guard,
        changes: Sequence[str] = (),
    ) -> tuple[str, ...]:
        kinds = Counter(target.identifiers) + Counter(leaving.identifiers)
        grown = Sizes(
            max(reference.members, target.members + leaving.members),
            Counter(reference.identifiers) | kinds,
        )
        return held_reasons(
            leaving=leaving,
            withdrawn=withdrawn,
            target=target,
            reference=grown,
            guard=guard,
            changes=changes,
        )

    patch.setattr(choosing, "held_reasons", reasons)


def measured_against_the_last_run(patch: pytest.MonkeyPatch) -> None:
    """A series of small steps passes the guard, each by itself."""

    def reference(ledger: Ledger, at: tuple[str, str, str], _since: datetime) -> Sizes:
        last = ledger.generation(*at)
        return last.sizes if last else Sizes()

    patch.setattr(planning, "_reference", reference)


def shared_at_once(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks at what two requests name."""
    patch.setattr(Named, "apart", lambda *_: True)


def begun_in_trouble(patch: pytest.MonkeyPatch) -> None:
    """A request that met trouble keeps no other one from being begun."""
    room = _Outgoing._room

    def anyway(
        self: _Outgoing, batch: BatchRecord, rows_of: Callable[[BatchRecord], pa.RecordBatch]
    ) -> bool:
        troubled, self._troubled = self._troubled, deque()
        try:
            return room(self, batch, rows_of)
        finally:
            self._troubled = troubled

    patch.setattr(_Outgoing, "_room", anyway)


def not_heard(patch: pytest.MonkeyPatch) -> None:
    """A run that ends early waits for what is under way, and does not write down what it hears."""
    drain = _Outgoing._drain
    patch.setattr(_Outgoing, "_drain", lambda self, *, writes: drain(self, writes=False))  # noqa: ARG005  # as the real one


def doubt_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A request without an answer counts as never sent."""
    mark = Ledger.mark

    def planned(self: Ledger, batch: BatchId, asked: BatchState, *, code: str, **_: bool) -> object:
        asked = BatchState.PLANNED if asked is BatchState.UNKNOWN else asked
        return mark(self, batch, asked, code=code)

    patch.setattr(Ledger, "mark", planned)


def one_lane_for_all(patch: pytest.MonkeyPatch) -> None:
    """Requests beside each other go out in one upload."""
    take = Lanes.take

    def taken(self: Lanes, left: int) -> tuple[Lane, bool]:
        lane, last = take(self, left)
        self._free.append(lane)
        return lane, last

    patch.setattr(Lanes, "take", taken)
    patch.setattr(Lanes, "give_back", lambda *_: None)


# By the names that the promise has for them.
WRONGS: Mapping[str, Wrong] = {
    "receipt first": Wrong(receipt_before_push, "receipt first"),
    "no intent": Wrong(no_intent, "no intent"),
    "torn snapshot used": Wrong(torn_snapshot, "torn snapshot", ("run",)),
    "opposite operation before an unknown one resolved": Wrong(
        unknown_let_lie, "opposite of unknown", ("change_minds_in_an_outage",)
    ),
    "erasure without a second removal": Wrong(
        without_a_second_removal, "erased once", ("erase", "carry_on_erasing")
    ),
    "guard counted after the additions": Wrong(
        counted_after_additions, "guard: at once", ("turnover",)
    ),
    "removal repeated while settling": Wrong(repeated_while_settling, "repeated while settling"),
    "confirmation after a return": Wrong(
        confirmed_after_return, "confirmation after a return", ("withdraw_and_grant",)
    ),
    "guard measured against the last run only": Wrong(
        measured_against_the_last_run, "guard: in a week", ("lose_a_few_each_time",)
    ),
    "an identifier in two requests at once": Wrong(shared_at_once, "shared at once", beside=True),
    "something begun while a request is in trouble": Wrong(
        begun_in_trouble, "begun in trouble", ("trouble_on_the_line",), beside=True
    ),
    "answers of others unheard after a denial": Wrong(
        not_heard, "not heard", ("denied_in_the_middle",), beside=True
    ),
    "a request in doubt forgotten": Wrong(
        doubt_forgotten, "outcome forgotten", ("trouble_on_the_line",), beside=True
    ),
    "two requests in one upload at once": Wrong(one_lane_for_all, "two in an upload", beside=True),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """One fault put in, or none; taken out afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            WRONGS[name].put(patch)
        yield
