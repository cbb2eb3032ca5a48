"""Whether somebody was in an audience, since when, and until when: against a plain model."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership import generations
from syncd.membership.blocks import BlockReader
from syncd.membership.engine import ROW_SCHEMA
from syncd.membership.packing import packed
from syncd.membership.since import SECTION
from syncd.membership.store import FileMembership
from syncd.model import BatchRecord, BatchState, Phase
from syncd.model.lookups import Trace
from tests.layerings import IN_TURN, LAYERED, WHOLE
from tests.unit.membership_world import (
    SETTLE,
    Ending,
    Identifier,
    MembershipWorld,
    Person,
    cell,
    crowd,
    identifiers,
)
from tests.unit.test_membership import PARTS, Way, cut, people

Time = tuple[datetime, datetime | None]  # there since, and when a removal was accepted


def asked(kind: str, number: int, rules: str = "plain") -> pa.RecordBatch:
    """One identifier as a lookup is asked for it."""
    row: dict[str, object] = dict.fromkeys(ROW_SCHEMA.names)
    row |= {"key": b"", "consent": 0, kind: cell(kind, number, rules)}
    return pa.RecordBatch.from_pylist([row], schema=ROW_SCHEMA)


def look(world: MembershipWorld, kind: str, number: int) -> tuple[Trace, ...]:
    assert world.generation is not None
    given_ = asked(kind, number)
    return world.membership.lookup(world.generation, given_, now=world.now, settle=SETTLE).traces


def times(found: Sequence[Trace]) -> set[tuple[datetime | None, datetime | None]]:
    return {(trace.since, trace.left_at) for trace in found}


@dataclass
class Told(MembershipWorld):
    """Notes beside each push what it says of each identifier: no table, no file.

    Attributes:
        lives: Times that each identifier was there, the last one open if it still is.
    """

    history: timedelta = timedelta(days=90)
    lives: dict[Identifier, list[Time]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.keep(self.history)

    def keep(self, history: timedelta) -> None:
        """From now on, remember for so long."""
        self.history = history
        self.membership = FileMembership(
            self.directory, key=bytes(32), layering=self.layering, history=history
        )

    def _push(self, batches: Iterator[BatchRecord], endings: Iterator[Ending]) -> bool:
        before = dict(self.batches)
        went = super()._push(batches, endings)
        for batch in self.batches.values():
            if before.get(batch.id) == batch:
                continue
            plan = self.plans[batch.plan]
            with self.membership.open(plan) as file:
                rows = [identifiers(row) for row in file.of(batch).to_pylist()]
            for one in frozenset().union(*rows):
                self._tell(one, batch.phase, batch.state, plan.created_at)
        return went

    def _tell(self, one: Identifier, phase: Phase, state: BatchState, made: datetime) -> None:
        there = bool(self.lives[one]) and self.lives[one][-1][1] is None
        if phase is not Phase.REMOVE and not there:
            self.lives[one].append((made, None))
        elif phase is Phase.REMOVE and there and state is BatchState.ACCEPTED:
            since, _ = self.lives[one].pop()
            self.lives[one].append((since, self.now))

    def agrees(self, kind: str, number: int) -> None:
        """What is found of an identifier is what was noted."""
        found = look(self, kind, number) if self.generation else ()
        one = (kind, cell(kind, number).hex())
        oldest = self.now - self.history if self.history else self.now + timedelta(days=1)
        noted = {(since, left) for since, left in self.lives[one] if left is None or left >= oldest}
        # What has not settled is told of however long ago it was: by its last removal, once the
        # first is remembered no more.
        past = {since for since, left in self.lives[one] if left is not None and left < oldest}
        still = [t for t in found if t.standing != "leaving" or t.since not in past]
        young = [t for t in still if t.left_at is None or t.left_at >= oldest]
        assert times(young) == noted
        assert len(found) == len(times(found)), "one is told twice"
        on_platform = one in self.platform.identifiers
        assert not on_platform or any(trace.there for trace in found), "promise 1"
        if any(trace.standing == "certain" for trace in found):
            assert on_platform


histories = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), people, max_size=4),
        st.lists(st.sampled_from(["ok", "ok", "ok", "lost", "applied"]), max_size=6),
        st.sampled_from([1, 24, 50]),
        st.sampled_from(["plain", "plain", "plain", "shifted"]),
    ),
    min_size=1,
    max_size=5,
)
WAYS = st.tuples(PARTS, st.sampled_from([WHOLE, LAYERED, IN_TURN]))


@settings(max_examples=15, deadline=None)
@given(
    history=histories,
    way=WAYS,
    kept=st.sampled_from([timedelta(), timedelta(hours=60), timedelta(days=90)]),
)
def test_who_was_there_and_when_is_what_was_sent_and_accepted(
    history: list[tuple[dict[str, Person], list[Ending], int, str]], way: Way, kept: timedelta
) -> None:
    most, layering = way
    with tempfile.TemporaryDirectory() as directory, cut(most):
        world = Told(Path(directory), layering=layering, history=kept, respells=3)
        for members, ends, passed, world.rules in history:
            world.run(members, ends)
            world.now += timedelta(hours=passed)
        for kind, number in (("email", 1), ("email", 2), ("phone", 1)):
            world.agrees(kind, number)


def test_who_is_still_leaving_is_told_of_when_the_first_removal_is_forgotten(
    tmp_path: Path,
) -> None:
    """Of who was erased: its confirmation was never answered, and the next one counts."""
    world = Told(tmp_path, history=timedelta(hours=60))
    first, bob = world.now, Person((2,))
    world.run({"a": Person((1,)), "b": bob})
    days: list[tuple[dict[str, Person], list[Ending]]] = [
        ({"d": Person((1,), consent=3)}, []),  # erased
        ({}, ["lost"]),
        ({}, []),
    ]
    for more, ends in days:
        world.now += timedelta(hours=50)
        world.run({"b": bob, **more}, ends)
    (leaving,) = look(world, "email", 1)
    assert (leaving.standing, leaving.since, leaving.left_at) == ("leaving", first, world.now)
    world.agrees("email", 1)


def test_a_removal_that_failed_ended_nothing(tmp_path: Path) -> None:
    """Accepted and given up later: the time there goes on, until another one."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))})
    first = world.now
    world.now += timedelta(hours=1)
    world.run({"b": Person((2,))})
    assert times(look(world, "email", 1)) == {(first, world.now)}
    (removal,) = (b for b in world.batches.values() if b.phase is Phase.REMOVE)
    world.batches[removal.id] = replace(removal, state=BatchState.FAILED)
    world.fold()
    (still,) = look(world, "email", 1)
    assert (still.standing, still.since, still.left_at) == ("possible", first, None)
    world.now += timedelta(hours=1)
    world.run({"b": Person((2,))})
    (leaving,) = look(world, "email", 1)
    assert (leaving.standing, leaving.since, leaving.left_at) == ("leaving", first, world.now)
    world.now += timedelta(hours=200)
    (gone,) = look(world, "email", 1)
    assert (gone.standing, gone.left_at) == ("gone", world.now - timedelta(hours=200))


def test_a_row_that_was_refused_was_never_there(tmp_path: Path) -> None:
    """Named by the platform before anything was applied; there since it was taken."""
    world = MembershipWorld(tmp_path)
    world.run({"a": Person((1,)), "b": Person((2,))}, ["bad"])
    assert look(world, "email", 1) == ()
    assert [trace.standing for trace in look(world, "email", 2)] == ["certain"]
    world.now += timedelta(hours=1)
    world.run({"a": Person((1,)), "b": Person((2,))}, full=True)
    (there,) = look(world, "email", 1)
    assert (there.standing, there.since) == ("certain", world.now)


def test_a_membership_of_an_earlier_version_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was there before it kept since when, was there before: also under a base and over it."""
    with monkeypatch.context() as before:  # writes as it did
        before.setattr(generations, "write_since", lambda *_: None)
        before.setattr(generations, "write_resting_since", lambda *_: None)
        for name in ("FROM", "PAST_FROM"):
            before.setattr(generations, name, f"no {name}")
        world = MembershipWorld(tmp_path)
        world.run(crowd(40))
    assert world.generation is not None
    assert times(look(world, "email", 7)) == {(None, None)}
    world.now += timedelta(hours=1)
    upgraded, more = world.now, {**crowd(41), "m007": Person((107,), (7,))}
    world.run(more)
    world.now += timedelta(hours=1)
    world.run({**more, "m042": Person((42,))})
    assert times(look(world, "email", 8)) == times(look(world, "phone", 7)) == {(None, None)}
    assert times(look(world, "email", 41)) == {(upgraded, None)}
    assert times(look(world, "email", 107)) == {(upgraded, None)}
    assert times(look(world, "email", 7)) == {(None, upgraded)}
    found = world.membership.lookup(
        world.generation, asked("email", 8), now=world.now, settle=SETTLE
    )
    assert found.known_from == found.remembers_from == upgraded


def test_since_when_takes_next_to_nothing(tmp_path: Path) -> None:
    """A line a member, and most say what their neighbours' do."""
    world = MembershipWorld(tmp_path, batch_rows=10_000)
    world.run({f"k{n:05}": Person((n,), (n,)) for n in range(3_000)})
    assert world.generation is not None
    with BlockReader(
        tmp_path / world.generation.path, key=bytes(32), checksum=world.generation.checksum
    ) as file:
        lines = list(file.batches(SECTION))
        packed_bytes = sum(len(packed(batch)) for batch in lines)
        assert sum(batch.num_rows for batch in lines) == file.rows("rows") == 3_000
    assert packed_bytes / 3_000 < 1
