"""Whom a comparison concerns: exactly who is joined to what moves, whatever it is read in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.hashes import hashed
from syncd.membership import held, sieve
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import engine
from syncd.membership.folding import PURGED, of_fold
from syncd.membership.held import every_identifier
from syncd.membership.known import Known, Pool
from syncd.membership.names import named
from syncd.membership.rest import moving
from syncd.membership.sieve import Side, Wanted, distinct, parts, spread
from syncd.membership.together import PlanBatches
from syncd.model import Generation, Phase, Sizes
from tests.unit.membership_oracle import opened, section
from tests.unit.membership_world import MembershipWorld, Person, crowd
from tests.unit.sieve_sides import LINES, Line, Node, names_of, rows, side

KEY = bytes(32)


def joined(sections: list[list[Line]], seeds: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Who is joined to the seeds, by plain sets: one step after the other until no more."""
    nodes = {
        (s, n): names_of(line) for s, lines in enumerate(sections) for n, line in enumerate(lines)
    }
    found, news = set(seeds), set(seeds)
    while news:
        have = set[Node]().union(*(nodes[one] for one in found))
        news = {one for one, names in nodes.items() if names & have} - found
        found |= news
    return found


@pytest.mark.parametrize("by", ["rows", "names"])
@pytest.mark.parametrize("at_once", [0, 20_000])
@given(sections=st.tuples(LINES, LINES), seeds=st.sets(st.integers(0, 11), max_size=2))
@settings(max_examples=60, deadline=None)
def test_whoever_is_joined_to_a_row_that_moves_is_found_and_nobody_else(
    at_once: int, by: str, sections: tuple[list[Line], list[Line]], seeds: set[int]
) -> None:
    """By keys and identifiers over any number of steps, in files large and small."""
    expected = joined(list(sections), {(0, n) for n in seeds if n < len(sections[0])})
    sides = [side(sections[0], seeds, by_name=by == "names"), side(sections[1], set())]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "BATCH_ROWS", at_once)
        spread(sides, Pool(), Pool(), wanted=Wanted())

    found = {(s, int(n)) for s, one in enumerate(sides) for n in np.flatnonzero(one.concerned)}
    assert found == expected


@pytest.mark.parametrize("by", ["rows", "names"])
@pytest.mark.parametrize("at_once", [0, 20_000])
@given(
    sections=st.tuples(LINES, LINES),
    seeds=st.sets(st.integers(0, 11)),
    most=st.integers(1, 12),
)
@settings(max_examples=60, deadline=None)
def test_parts_share_nothing_and_leave_nobody_out(
    at_once: int, by: str, sections: tuple[list[Line], list[Line]], seeds: set[int], most: int
) -> None:
    """Each is no larger than asked, unless it would be by its last component alone."""
    sides = [side(sections[0], seeds, by_name=by == "names"), side(sections[1], set())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sieve, "BATCH_ROWS", at_once)
        spread(sides, Pool(), Pool(), wanted=Wanted())
        found = parts(sides, most)

    nodes = [
        {(s, int(n)) for s, flags in enumerate(part) for n in np.flatnonzero(flags)}
        for part in found
    ]
    concerned = {(s, int(n)) for s, one in enumerate(sides) for n in np.flatnonzero(one.concerned)}
    assert sum(map(len, nodes)) == len(concerned)
    assert set().union(*nodes) == concerned
    components = {frozenset(joined(list(sections), {one})) for one in concerned}
    for part in nodes:
        inside = [one for one in components if one <= part]
        assert set().union(*inside) == part
        assert len(part) < most + max(map(len, inside), default=1)


@given(lines=LINES, others=LINES)
@settings(max_examples=40, deadline=None)
def test_names_are_equal_where_keys_and_identifiers_are(
    lines: list[Line], others: list[Line]
) -> None:
    """What an identifier is called does not depend on the batch that it is read in."""
    first, second = (named(rows(each)) for each in (lines, others))
    kinds = distinct(side(lines, set()), np.ones(len(lines), np.bool_))

    known = Known(np.unique(first.keys))
    assert known.has(second.keys).tolist() == [
        line[0] in {other[0] for other in lines} for line in others
    ]
    met = set[Node]().union(*map(names_of, lines))
    pool = Pool()
    pool.add(first.ids)
    pool.settle()
    assert pool.any(second.ids).tolist() == [
        any(one in met and one[0] != "key" for one in names_of(line)) for line in others
    ]
    assert kinds == Counter(kind for kind, _ in met if kind != "key")


@pytest.mark.parametrize("at_once", [0, 20_000])
def test_a_fold_concerns_whom_what_was_sent_reaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Whoever is new is simply there, families among them; a changed member is taken in."""
    monkeypatch.setattr(sieve, "BATCH_ROWS", at_once)
    world, members = MembershipWorld(tmp_path), crowd(40)
    assert folded(world, members) == (
        0,
        40,
        {"email": 40, "phone": 33},
    )  # the last of them has its phone alone

    members["m010"] = replace(members["m010"], emails=(900,))  # shares a phone with m011
    members |= {"m101": Person((101,), (101,)), "m102": Person((102,), (101,))}
    assert folded(world, members) == (2, 2, {"email": 2, "phone": 1})

    # A new member with the phone of m020 and m021; that m010's e-mail left is not settled yet.
    members["m103"] = Person((103,), (21,))
    assert folded(world, members) == (5, 0, {})


def test_a_fold_concerns_who_was_sent_under_the_same_key(tmp_path: Path) -> None:
    """Whatever they are known by now: the earlier row is not their last one any more."""
    world = MembershipWorld(tmp_path, removes=False)
    members = {f"m{n:03}": Person((n,)) for n in range(1, 9)}
    world.run(members)
    members["m004"] = Person((900,))
    assert folded(world, members) == (1, 0, {})


def test_who_was_sent_by_two_plans_is_not_simply_there(tmp_path: Path) -> None:
    """Their last row is the second one's: that is for the fold itself to see."""
    world, members = MembershipWorld(tmp_path), crowd(8)
    world.run(members)
    (plan,) = world.plans.values()
    sent = [replace(batch, folded=None) for batch in world.batches.values()]
    with opened(world, plan.path, plan.checksum) as file:
        twice = [PlanBatches(n, file, sent, marks=None) for n in (1, 2)]
        found = of_fold(None, twice)
    assert not any(flags.any() for flags in found.new.values())
    assert sum(int(flags.sum()) for part in found.parts for flags in part.taken.values()) == 16


@pytest.mark.parametrize("at_once", [1, 7, 39, 40])
def test_identifiers_are_counted_a_range_of_names_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Each once, whichever rows and slots it stands in, and nobody's where there is none."""
    monkeypatch.setattr(held, "_AT_ONCE", at_once)
    world = MembershipWorld(tmp_path, batch_rows=100)
    members = crowd(40) | {"m050": Person((1, 50)), "m051": Person(phones=(51,))}
    world.run(members)
    assert world.generation is not None
    emails = {n for one in members.values() for n in one.emails}
    phones = {n for one in members.values() for n in one.phones}
    counts = {"email": len(emails), "phone": len(phones)}
    assert world.generation.sizes == Sizes(42, counts)


def test_a_first_sync_of_one_plan_is_not_looked_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member is in it once, so that all are simply there and no key is kept."""
    world = MembershipWorld(tmp_path)
    world.run(crowd(8))
    (plan,) = world.plans.values()
    sent = [replace(batch, folded=None) for batch in world.batches.values()]
    with opened(world, plan.path, plan.checksum) as file:
        monkeypatch.setattr(file, "batches", lambda section: pytest.fail(f"{section} is read"))
        found = of_fold(None, [PlanBatches(1, file, sent, marks=None)])
    assert sum(int(flags.sum()) for flags in found.new.values()) == 8


@pytest.mark.parametrize(("keys", "concerned"), [([b"m003"], 1), ([b"x"], 0), (None, 6)])
def test_what_a_plan_drops_is_known_by_its_keys(
    tmp_path: Path, keys: list[bytes] | None, concerned: int
) -> None:
    """A plan of an earlier version does not name them: then it may be any row."""
    world = MembershipWorld(tmp_path)
    world.run({f"m{n:03}": Person((n,)) for n in range(6)})
    assert world.generation is not None
    with BlockWriter(tmp_path, "erasure.plan", key=KEY, header={}) as writer:
        face = {"high": pa.array([1], pa.uint64()), "low": pa.array([2], pa.uint64())}
        writer.write("purge", pa.RecordBatch.from_pydict(face))
        if keys is not None:
            writer.write(PURGED, pa.RecordBatch.from_pydict({PURGED: hashed(pa.array(keys))}))
    assert writer.written is not None
    with (
        opened(world, world.generation.path, world.generation.checksum) as before,
        opened(world, "erasure.plan", writer.written.checksum) as plan,
    ):
        found = of_fold(before, [PlanBatches(1, plan, [], marks=None)])
    assert found.rests is not None
    assert int((~found.rests).sum()) == concerned


def folded(
    world: MembershipWorld, members: Mapping[str, Person]
) -> tuple[int, int, dict[str, int]]:
    """Rows as sent that a fold concerns, and how many rows, and of what, are simply there."""
    before = world.generation
    world.run(members)
    plan = list(world.plans.values())[-1]
    sent = [replace(b, folded=None) for b in world.batches.values() if b.plan == plan.id]
    with ExitStack() as files:
        file = files.enter_context(opened(world, plan.path, plan.checksum))
        last = None
        if before is not None:
            last = files.enter_context(opened(world, before.path, before.checksum))
        taken = PlanBatches(1, file, sent, marks=None)
        found = of_fold(last, [taken])
        new = found.new[taken.source(Phase.ADD)]
        rows = Side.of(lambda: file.batches(Phase.ADD.value), len(new))
        kinds = distinct(rows, new)
    (part,) = found.parts
    assert part.rows is not None
    return int(part.rows.sum()), int(new.sum()), kinds


def test_what_is_at_rest_takes_no_line_of_its_own(tmp_path: Path) -> None:
    """A file says of an identifier what it is only where that is not plain; rest comes back."""
    world, members = MembershipWorld(tmp_path), crowd(50)
    world.run(members)
    assert stirred(world) == (0, 0)

    del members["m007"]
    world.run(members)
    assert stirred(world) == (1, 2)

    world.now += timedelta(hours=49)
    members["m060"] = Person((60,), (60,))
    world.run(members)
    assert stirred(world) == (0, 0)


def stirred(world: MembershipWorld) -> tuple[int, int]:
    """Rows that are not at rest, and identifiers that the file names."""
    assert world.generation is not None
    with opened(world, world.generation.path, world.generation.checksum) as file:
        found = moving(file)
        assert found is not None
        return int(found.sum()), len(section(file, "identifiers"))


def test_a_file_of_an_earlier_version_is_read_whole_and_followed_by_a_new_one(
    tmp_path: Path,
) -> None:
    """Such a file names every identifier; nobody is sent again for it."""
    world, members = MembershipWorld(tmp_path), crowd(12)
    world.run(members)
    del members["m003"]
    world.run(members)
    sizes, sent = world.generation, len(world.sent)
    assert sizes is not None
    world.generation = of_an_earlier_version(world, sizes)

    world.run(members)
    assert world.sent[sent:] == []

    members["m040"] = Person((40,), (40,))
    world.run(members)
    assert [phase for phase, _ in world.sent[sent:]] == [Phase.ADD]
    assert stirred(world) == (1, 2)
    assert world.generation.sizes.members == len(members)


def of_an_earlier_version(world: MembershipWorld, last: Generation) -> Generation:
    with opened(world, last.path, last.checksum) as file, engine() as database:
        later = {"rests", "base", "written"}
        header = {name: value for name, value in file.header.items() if name not in later}
        with BlockWriter(world.directory, "old.members", key=KEY, header=header) as writer:
            for batch in file.batches("rows"):
                none = pa.array(np.zeros(len(batch), np.uint64))  # rows had a number more
                writer.write("rows", batch.append_column("face_low", none))
            for batch in every_identifier(database, file):
                writer.write("identifiers", batch)
    assert writer.written is not None
    with BlockReader(
        world.directory / "old.members", key=KEY, checksum=writer.written.checksum
    ) as old:
        assert moving(old) is None
    written = writer.written
    return replace(last, path=written.path, checksum=written.checksum, base=None)
