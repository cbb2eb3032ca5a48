"""Who is as they were when they were sent: found by the fingerprint, and by nothing else."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.membership import forwards
from syncd.membership import unchanged as module
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import FINGERPRINT
from syncd.membership.members import Members
from syncd.membership.rest import MOVING, RESTS
from syncd.membership.unchanged import SECTION, Unchanged
from syncd.model import Phase, Raw, SnapshotId
from tests.unit.membership_oracle import opened
from tests.unit.membership_world import (
    MembershipWorld,
    Person,
    as_digested,
    cell,
    crowd,
    fingerprints,
    snapshot_rows,
)

KEY = bytes(32)


def file_of(
    folder: Path,
    lines: npt.NDArray[np.uint64],
    moving: list[int],
    *,
    rests: bool = True,
    cut: int = 3,
) -> Path:
    """A generation's sections that say who rests."""
    with BlockWriter(folder, "g.members", key=KEY, header={RESTS: rests}) as writer:
        for part in np.array_split(lines, cut):
            columns = [pa.array(half) for half in part.T]
            writer.write(SECTION, pa.RecordBatch.from_arrays(columns, schema=FINGERPRINT))
        # Whoever reads which rows move asks how many rows there are.
        rows = pa.RecordBatch.from_pydict({"key": pa.array([b""] * len(lines), pa.binary())})
        writer.write("rows", rows)
        writer.write(MOVING, pa.RecordBatch.from_pydict({"n": pa.array(moving, pa.int64())}))
    assert writer.written is not None
    return folder / "g.members"


class Narrow(BlockReader):
    """A file that comes a few rows at a time."""

    rows_at_once = 20_000

    def batches(self, section: str) -> Iterator[pa.RecordBatch]:
        for rows in super().batches(section):
            for first in range(0, rows.num_rows, self.rows_at_once):
                yield rows.slice(first, self.rows_at_once)


@contextmanager
def unchanged(path: Path, at_once: int = 20_000) -> Iterator[Unchanged]:
    """The generation's, its file read so many rows at a time."""
    with Narrow(path, key=KEY, checksum=None) as reader:
        reader.rows_at_once = at_once
        yield Unchanged(reader)


def test_a_row_at_rest_is_found_by_both_halves(tmp_path: Path) -> None:
    """Of thousands in any order; not by one half, not one that moves, never by zeros."""
    rng = np.random.default_rng(7)
    low = rng.permutation(np.arange(1, 5_001, dtype=np.uint64)) << np.uint64(48)
    lines = np.column_stack([rng.integers(1, 9, 5_000, np.uint64), low])
    lines[5] = 0
    order = rng.permutation(len(lines))
    with unchanged(file_of(tmp_path, lines, [3, 4])) as found:
        at = found.search(lines[order])
        assert at.tolist() == [-1 if n in {3, 4, 5} else n for n in order]
        for look in (found.follow, found.search):
            assert set(look(lines + np.array([1, 0], np.uint64)).tolist()) == {-1}
            assert set(look(lines + np.array([0, 1], np.uint64)).tolist()) == {-1}
            assert look(np.empty((0, 2), np.uint64)).tolist() == []


# Few values of either half, so that many lines share one; and what lies far apart in order.
HALVES = st.sampled_from([0, 1, 2, 3, 1 << 40, (1 << 40) + 1, 1 << 63])


@given(
    lines=st.lists(st.tuples(HALVES, HALVES), min_size=1, max_size=30, unique=True),
    edits=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4), HALVES), max_size=12),
    moving=st.sets(st.integers(0, 29), max_size=4),
    cut=st.integers(1, 12),
    waits=st.integers(1, 9),
    few=st.integers(1, 9),
)
@settings(max_examples=200, deadline=None)
def test_rows_are_found_whatever_breaks_their_order(
    lines: list[tuple[int, int]],
    edits: list[tuple[int, int, int]],
    moving: set[int],
    cut: int,
    waits: int,
    few: int,
) -> None:
    """Of members who left, changed, came and changed places, in batches of any size.

    Whoever does not follow is looked up with those of so many batches. Of the rows a few are read
    at a time, compared, and let go once they were passed.
    """
    came = list(lines)
    for place, edit, half in edits:
        if edit == 0:
            del came[place : place + 1]
        elif edit == 1:
            came[place : place + 1] = [(half, 9)]
        elif edit == 2:
            came.insert(place, (9, half))
        elif edit == 3:
            came += came[place : place + 1]
            del came[place : place + 1]
        else:
            came = came[place:] + came[:place]
    stirred = [n for n in sorted(moving) if n < len(lines)]
    rests = {line: n for n, line in enumerate(lines) if n not in moving and line != (0, 0)}
    at, left = dict[tuple[int, int], int](), list[tuple[int, int]]()
    batches = [came[first : first + cut] for first in range(0, len(came), cut)]
    with ExitStack() as files:
        folder = Path(files.enter_context(TemporaryDirectory()))
        path = file_of(folder, np.array(lines, np.uint64), stirred)
        found = files.enter_context(unchanged(path, few))
        patch = files.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(forwards, "BATCH_ROWS", few)
        for most in ("_TOGETHER", "_FURTHER", "_NEAR"):
            patch.setattr(module, most, few)
        for number, batch in enumerate(batches, 1):
            places = found.follow(np.array(batch, np.uint64).reshape(-1, 2)).tolist()
            at |= dict(zip(batch, places, strict=True))
            left += [line for line, place in zip(batch, places, strict=True) if place < 0]
            if number % waits == 0 or number == len(batches):
                places = found.search(np.array(left, np.uint64).reshape(-1, 2)).tolist()
                at |= dict(zip(left, places, strict=True))
                left = []
    assert at == {line: rests.get(line, -1) for line in came}


def test_a_file_that_does_not_say_who_rests_knows_nobody(tmp_path: Path) -> None:
    lines = np.array([[1, 2], [3, 4]], np.uint64)
    with unchanged(file_of(tmp_path, lines, [], rests=False)) as found:
        for one in (found, Unchanged(None)):
            assert one.follow(lines).tolist() == one.search(lines).tolist() == [-1, -1]


def test_rows_that_come_in_order_are_not_kept(tmp_path: Path) -> None:
    """A thousandth has changed: of all others a byte is held, and a few blocks of lines."""
    rng = np.random.default_rng(9)
    lines = rng.integers(1, 1 << 63, (400_000, 2), np.uint64)
    came = lines.copy()
    came[::1_000] = rng.integers(1, 1 << 63, (400, 2), np.uint64)
    path, strays = file_of(tmp_path, lines, [], cut=20), list[npt.NDArray[np.uint64]]()
    with unchanged(path) as found:
        tracemalloc.start()
        for first in range(0, len(came), 20_000):
            batch = came[first : first + 20_000]
            strays.append(batch[found.follow(batch) < 0])
        places = found.search(np.concatenate([*strays, lines[:1]]))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert places.tolist() == [-1] * 400 + [0]
    assert peak < 3_000_000, "all lines are 6.4 MB"


def is_known(key: str, one: Person) -> bool:
    return bool(fingerprints({key: one}, "plain").any())


def read(world: MembershipWorld, members: Mapping[str, Person]) -> tuple[int, list[str]]:
    """A snapshot of the world's members: how many came unchanged, and who was digested."""
    asked = world.comparison(members)
    last = world.generation
    assert last is not None
    with (
        opened(world, asked.snapshot.path, asked.snapshot.checksum) as snapshot,
        opened(world, last.path, last.checksum) as generation,
    ):
        all_of_them = Members(snapshot, generation)
        fresh = [key.decode() for rows in all_of_them.fresh() for key in rows["key"].to_pylist()]
        return int(all_of_them.came.sum()), fresh


def test_only_who_changed_is_digested_again(tmp_path: Path) -> None:
    """And who has a value that was refused, so that it is counted every time."""
    world, members = MembershipWorld(tmp_path), crowd(60)
    world.run(members)
    refused = {
        key
        for key, line in zip(members, fingerprints(members, "plain"), strict=True)
        if not line.any()
    }
    assert 5 < len(refused) < 30
    assert read(world, members) == (60 - len(refused), sorted(refused))

    known = sorted(set(members) - refused)
    members[known[0]] = replace(members[known[0]], emails=(900,))
    del members[known[1]]
    world.run(members)
    came, fresh = read(world, members)
    assert set(fresh) >= refused
    assert came + len(fresh) == 59

    world.rules = "salted"
    assert read(world, members)[0] == 0, "by other rules everybody is somebody else"


def test_a_new_spelling_is_learned_and_sends_nothing(tmp_path: Path) -> None:
    """Once, though everybody is written otherwise: the run after it digests nobody again."""
    world, members = MembershipWorld(tmp_path), crowd(60)
    world.run(members)
    world.spelling = 1
    plain, respelled = (fingerprints(members, "plain", n).any(axis=1) for n in (0, 1))
    assert read(world, members)[0] == 0
    before = len(world.sent)
    found = world.run(members)
    assert (len(world.sent), found.counts.unchanged) == (before, 60)
    assert found.counts.respelled == respelled.sum()
    # Who has a value that is refused now is still known by the row that had none.
    assert read(world, members)[0] == respelled.sum()
    assert world.run(members).counts.respelled == 0
    world.spelling = 0
    assert read(world, members)[0] == (plain & ~respelled).sum()


def test_who_says_otherwise_of_consent_is_not_merely_respelled(tmp_path: Path) -> None:
    """Who is sent again goes out with the consent of now, not with that of then."""
    world = MembershipWorld(tmp_path)
    one, two = Person((1,), (7,)), Person((2,), (7,))  # who share a phone
    world.run({"a": one, "b": two, "c": Person((3,), (3,))})
    unsure = replace(two, consent=0)
    world.spelling = next(n for n in range(9) if fingerprints({"b": unsure}, "plain", n).any())
    for _ in range(2):
        world.run({"a": one, "b": unsure, "c": Person((3,), (3,))})
    plan, found = world.compare({"b": unsure, "c": Person((3,), (3,))})
    assert found.counts.again == 1
    with opened(world, plan.path, plan.checksum) as file:
        (rows,) = file.batches(Phase.AGAIN.value)
    assert (rows["key"].to_pylist(), rows["consent"].to_pylist()) == ([b"b"], [0])


def test_who_came_unchanged_goes_out_again_as_they_are(tmp_path: Path) -> None:
    """Beside others who were digested: the family of one who leaves, and nobody in its place."""
    world, before = MembershipWorld(tmp_path), crowd(60)
    family = {key: replace(one, phones=(700,)) for key, one in before.items()}
    leaves, stays = [key for key in family if is_known(key, family[key])][-2:]
    before |= {key: family[key] for key in (leaves, stays)}
    world.run(before)
    after = {key: one for key, one in before.items() if key != leaves}
    after |= {key: replace(after[key], emails=(800,)) for key in ("m001", "m006")}
    _, fresh = read(world, after)
    assert fresh
    assert stays not in fresh
    plan, _ = world.compare(after)
    with opened(world, plan.path, plan.checksum) as file:
        again = [row for batch in file.batches(Phase.AGAIN.value) for row in batch.to_pylist()]
    assert stays.encode() in {row["key"] for row in again}
    assert {row["email"] for row in again} == {
        cell("email", after[row["key"].decode()].emails[0]) for row in again
    }
    world.run(after)
    assert world.platform.identifiers == world.wanted(after)
    assert frozenset().union(*world.platform.persons) == world.platform.identifiers


def test_what_was_not_answered_is_not_at_rest(tmp_path: Path) -> None:
    """Whoever may or may not be there is looked at again, as changed as they were."""
    world, members = MembershipWorld(tmp_path, batch_rows=100), crowd(20)
    world.run(members, ["lost"])
    world.fold()
    assert read(world, members)[0] == 0


def test_positions_are_of_one_generation_and_no_other(tmp_path: Path) -> None:
    world, members = MembershipWorld(tmp_path), crowd(20)
    world.run(members)
    asked = world.comparison(members)
    world.run({key: one for key, one in members.items() if key < "m010"})
    with pytest.raises(RuntimeError, match="another generation"):
        world.membership.plan(replace(asked, generation=world.generation))


def test_a_snapshot_without_a_generation_has_everyone(tmp_path: Path) -> None:
    world, members = MembershipWorld(tmp_path), crowd(20)
    world.run(members)
    rows = snapshot_rows(members, "plain")
    lines = fingerprints(members, "plain")
    written = world.membership.receive(SnapshotId("s99"), [Raw(lines, rows)], as_digested)
    assert written.unchanged == 0
    with opened(world, written.path, written.checksum) as snapshot:
        assert snapshot.rows("members") == 20


def test_the_order_goes_on_after_many_who_left_or_came(tmp_path: Path) -> None:
    """Hundreds beside one another, as if one had deleted a month's customers: none is lost."""
    rng = np.random.default_rng(5)
    lines = rng.integers(1, 1 << 63, (5_000, 2), np.uint64)
    others = rng.integers(1, 1 << 63, (900, 2), np.uint64)
    came = np.concatenate([lines[:1_000], lines[1_700:3_000], others, lines[3_000:4_000]])
    changed = np.concatenate([came, others[:2], lines[4_002:4_500], others[:3], lines[4_500:]])
    changed[1_005] = 0  # a value of whom is refused; and the first of who left is not at rest
    with unchanged(file_of(tmp_path, lines, [1_000])) as found:
        at = found.follow(changed)
    known = {line: n for n, line in enumerate(map(tuple, lines.tolist()))}
    assert at.tolist() == [known.get(line, -1) for line in map(tuple, changed.tolist())]


def test_rows_that_were_passed_are_nobodys_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two come behind all others, out of turn: each is its own row, not the next one's."""
    monkeypatch.setattr(forwards, "BATCH_ROWS", 7)
    lines = np.arange(1, 21, dtype=np.uint64).reshape(-1, 2)
    with unchanged(file_of(tmp_path, lines, []), 1) as found:
        assert found.follow(lines[[0, 2, 4, 6]]).tolist() == [0, 2, 4, 6]
        for row in (3, 1):
            assert found.follow(lines[[row]]).tolist() == [-1]
            assert found.search(lines[[row]]).tolist() == [row]


def test_the_order_goes_on_after_a_batch_that_had_none(tmp_path: Path) -> None:
    """Whoever was looked up tells who comes next."""
    rng = np.random.default_rng(7)
    lines = rng.integers(1, 1 << 63, (9_000, 2), np.uint64)
    drawn = np.concatenate([rng.permutation(lines[4_000:6_999]), lines[6_999:7_000]])
    with unchanged(file_of(tmp_path, lines, [])) as found:
        strays = drawn[found.follow(drawn) < 0]
        assert len(strays) == 3_000
        assert (found.search(strays) >= 0).all()
        assert found.follow(lines[7_000:]).tolist() == list(range(7_000, 9_000))
        assert found.came == 5_000


def test_one_out_of_turn_does_not_break_the_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    lines = rng.integers(1, 1 << 63, (9_000, 2), np.uint64)
    batch = np.concatenate([lines[:500], lines[8_000:8_001], lines[500:1_000]])
    with unchanged(file_of(tmp_path, lines, [])) as found:
        strays = batch[found.follow(batch) < 0]
        assert found.search(strays).tolist() == [8_000]
        assert found.follow(lines[1_000:4_000]).tolist() == list(range(1_000, 4_000))
