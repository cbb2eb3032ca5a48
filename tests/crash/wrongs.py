"""Nine ways to get it wrong, each a small change of our own code that the machine must find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pytest

from syncd import settle
from syncd.ledger.store import Ledger
from syncd.membership import choosing
from syncd.model import Guard, Sizes
from syncd.plan import held_reasons
from syncd.runs import outbox, planning
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
    """

    put: Callable[[pytest.MonkeyPatch], None]
    shows: str
    likely: tuple[str, ...] = ()


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
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """One fault put in, or none; taken out afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            WRONGS[name].put(patch)
        yield
