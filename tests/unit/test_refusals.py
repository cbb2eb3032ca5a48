"""Whatever is refused, each row of a plan ends in exactly one place."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import RequestRefused
from syncd.ledger.parting import Part
from syncd.ledger.store import Ledger
from syncd.model import BatchId, BatchRecord, BatchState, Phase, PlanId, Refusal
from syncd.runs import refusals
from syncd.runs.refusals import Refusals, kept_rows


@dataclass
class Outbox:
    """The ledger's two steps, without a database, and the batches that are left of them."""

    batches: dict[str, BatchRecord] = field(default_factory=dict)

    def add(self, part: Part) -> BatchRecord:
        number = len(self.batches) + 1
        state = BatchState.REFUSED if part.given_up else BatchState.PLANNED
        made = BatchRecord(
            BatchId(f"p.{number}"),
            PlanId("p"),
            number,
            Phase.ADD,
            part.first_row,
            part.rows,
            state,
            refused=part.refused,
        )
        self.batches[made.id] = made
        return made

    def refuse(
        self,
        batch: str,
        *,
        code: str,
        reference: str,
        refused: Sequence[Refusal],
        instead: Sequence[Part],
    ) -> tuple[BatchRecord, ...]:
        assert code
        assert not reference
        before = self.batches[batch]
        state = BatchState.FAILED if before.doubtful else BatchState.REFUSED
        ended = replace(before, state=state, refused=tuple(refused))
        self.batches[batch] = ended
        return (ended, *self.part(batch, parts=() if before.doubtful else instead))

    def part(self, batch: str, *, parts: Sequence[Part]) -> tuple[BatchRecord, ...]:
        assert batch in self.batches
        return tuple(self.add(part) for part in parts)

    def ends(self) -> list[tuple[str, int]]:
        """How rows ended and their position, None where they are only counted."""
        found: list[tuple[str, int]] = []
        for batch in self.batches.values():
            if batch.state in {BatchState.PROCESSED, BatchState.FAILED}:
                how = "taken" if batch.state is BatchState.PROCESSED else "failed"
                found += [(how, batch.first_row + row) for row in kept_rows(batch)]
            if any(each.row is None for each in batch.refused):
                found += [("counted", batch.first_row + row) for row in kept_rows(batch)]
            if batch.state is not BatchState.FAILED:
                found += [
                    ("named", batch.first_row + each.row)
                    for each in batch.refused
                    if each.row is not None
                ]
        return found


def deliver(
    sizes: Sequence[int],
    bad: set[int],
    *,
    names: Sequence[int],
    doubtful: set[int],
    extra: int,
) -> tuple[Outbox, int]:
    """Send batches to a platform that names so many of a request's bad rows, by turns."""
    outbox, asked = Outbox(), 0
    firsts = [sum(sizes[:n]) for n in range(len(sizes))]
    queue = deque(outbox.add(Part(first, rows)) for first, rows in zip(firsts, sizes, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refusals, "EXTRA", extra)
        seen = Refusals(cast("Ledger", outbox))
        while queue:
            batch = queue.popleft()
            asked += 1
            if asked in doubtful:
                batch = outbox.batches[batch.id] = replace(batch, doubtful=True)
            wrong = [
                place for place, row in enumerate(kept_rows(batch)) if batch.first_row + row in bad
            ]
            if wrong:
                error = RequestRefused(
                    "memory", "bad", rows=tuple(wrong[: names[asked % len(names)]])
                )
                record, more = seen.refused(batch, error)
                assert record.state in {BatchState.REFUSED, BatchState.FAILED}
            else:
                outbox.batches[batch.id] = replace(batch, state=BatchState.PROCESSED)
                more = seen.taken(batch)
            queue.extend(more)
    return outbox, asked


@settings(max_examples=600, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 24), min_size=1, max_size=4),
    places=st.sets(st.integers(0, 95), max_size=24),
    names=st.lists(st.sampled_from([0, 0, 1, 3, 99]), min_size=1, max_size=4),
    doubtful=st.sets(st.integers(1, 60), max_size=3),
    extra=st.one_of(st.integers(0, 24), st.just(64)),
)
def test_each_row_ends_once(
    sizes: list[int], places: set[int], names: list[int], doubtful: set[int], extra: int
) -> None:
    """Taken, named or counted; only bad ones are named, only good ones taken."""
    rows = sum(sizes)
    bad = {place % rows for place in places}
    outbox, asked = deliver(sizes, bad, names=names, doubtful=doubtful, extra=extra)

    ends = outbox.ends()
    assert sorted(row for _, row in ends) == list(range(rows))
    assert {row for how, row in ends if how == "named"} <= bad
    assert bad.isdisjoint(row for how, row in ends if how == "taken")
    assert asked <= len(sizes) + extra
    counts = sum(each.count for batch in outbox.batches.values() for each in batch.refused)
    assert counts == sum(how in {"named", "counted"} for how, _ in ends)


def test_what_a_platform_names_costs_one_further_request() -> None:
    outbox, asked = deliver(
        [1_000], set(range(0, 1_000, 3)), names=[1_000], doubtful=set(), extra=64
    )
    assert asked == 2
    assert sum(how == "named" for how, _ in outbox.ends()) == 334
