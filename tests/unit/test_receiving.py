"""A snapshot on its way to its file: few are digested with few others, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from syncd.membership.engine import BATCH_ROWS
from syncd.membership.unchanged import Lines
from syncd.model import Raw, SnapshotId
from tests.unit.membership_oracle import opened
from tests.unit.membership_world import MembershipWorld, Person, fingerprints, snapshot_rows


def people(count: int) -> dict[str, Person]:
    """Members with an e-mail each, all of whom can be known as they are."""
    drawn = {f"m{n:05}": Person((n,)) for n in range(2 * count)}
    known = [bool(line.any()) for line in fingerprints(drawn, "plain")]
    return dict([item for item, one in zip(drawn.items(), known, strict=True) if one][:count])


def batches(members: dict[str, Person], size: int) -> list[Raw]:
    """As a shop has them, so many a batch."""
    rows, lines = snapshot_rows(members, "plain"), fingerprints(members, "plain")
    starts = range(0, len(members), size)
    return [Raw(lines[n : n + size], rows.slice(n, size)) for n in starts]


class Digesting:
    """What is digested at a time, by its keys."""

    def __init__(self) -> None:
        self.keys: list[list[str]] = []

    def __call__(self, raw: Raw) -> pa.RecordBatch:
        assert len(raw.fingerprints) == raw.rows.num_rows
        keys = [key.decode() for key in raw.rows["key"].to_pylist()]
        halves = [np.asarray(raw.rows[f"fingerprint_{half}"]) for half in ("high", "low")]
        assert (np.column_stack(halves) == raw.fingerprints).all(), "of another row"
        self.keys.append(keys)
        return raw.rows


def received(world: MembershipWorld, given: Sequence[Raw]) -> tuple[Digesting, int, list[str]]:
    """What is digested of batches, who came unchanged, and who else is in the file."""
    digesting = Digesting()
    found = world.membership.receive(SnapshotId("s900"), given, digesting, world.generation)
    with opened(world, found.path, found.checksum) as file:
        fresh = [key for rows in file.batches("members") for key in rows["key"].to_pylist()]
    return digesting, found.unchanged, [key.decode() for key in fresh]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> MembershipWorld:
    made = MembershipWorld(tmp_path_factory.mktemp("members"), batch_rows=10_000)
    made.run(people(400))
    return made


def test_those_who_changed_are_digested_together(world: MembershipWorld) -> None:
    """One of each batch changed: digested at once, in their order, and everyone else is known."""
    members = people(400)
    changed = list(members)[3::10]
    members |= {key: next(_known(key)) for key in changed}
    digesting, unchanged, fresh = received(world, batches(members, 10))
    assert digesting.keys == [changed] == [fresh]
    assert unchanged == 400 - len(changed)


def test_whoever_moved_is_not_digested(world: MembershipWorld) -> None:
    """Another order of the shop's is no change, wherever in it somebody stands now."""
    members = list(people(400).items())
    moved = [*members[200:300], members[7], *members[:7], *members[8:200], *members[300:]]
    digesting, unchanged, fresh = received(world, batches(dict(moved), 10))
    assert (digesting.keys, unchanged, fresh) == ([], 400, [])


def test_no_more_are_held_than_two_batches_have(tmp_path: Path) -> None:
    """Raw rows of everyone would be in memory at once, where nobody is known."""
    size = BATCH_ROWS // 2 - 1
    rows, lines = _many(4 * size)
    given = [Raw(lines[n : n + size], rows.slice(n, size)) for n in range(0, 4 * size, size)]
    digesting, _, fresh = received(MembershipWorld(tmp_path), given)
    assert sorted(len(keys) for keys in digesting.keys) == [size, 3 * size]
    assert fresh == [key.decode() for key in rows["key"].to_pylist()]


def test_many_rows_are_digested_as_they_came(tmp_path: Path) -> None:
    """As the whole batch that whoever read it knows; few before them go first, by themselves."""
    sizes = (3, 2, BATCH_ROWS // 2, BATCH_ROWS, 4)
    rows, lines = _many(sum(sizes))
    starts = np.cumsum((0, *sizes))
    given = [
        Raw(lines[n : n + size], rows.slice(n, size), whole=size)
        for n, size in zip(starts.tolist(), sizes, strict=False)
    ]
    wholes = []

    def digested(raw: Raw) -> pa.RecordBatch:
        wholes.append((raw.rows.num_rows, raw.whole))
        return raw.rows

    world = MembershipWorld(tmp_path)
    found = world.membership.receive(SnapshotId("s900"), given, digested)
    many = BATCH_ROWS // 2
    assert set(wholes) == {(5, None), (many, many), (BATCH_ROWS, BATCH_ROWS), (4, 4)}
    assert len(wholes) == len(sizes) - 1
    with opened(world, found.path, found.checksum) as file:
        assert file.rows("members") == rows.num_rows


def test_rows_of_other_types_stay_apart(tmp_path: Path) -> None:
    """A batch of a shop has amounts as numbers, or as text where one is none."""
    lines = np.ones((2, 2), np.uint64)
    written = [
        pa.RecordBatch.from_arrays([pa.array(["a", "b"]), pa.array(values)], names=["key", "value"])
        for values in ([1.5, 2.5], ["3", "none"], ["4", "5"])
    ]
    seen = []

    def digested(raw: Raw) -> pa.RecordBatch:
        seen.append(raw.rows["value"].to_pylist())
        return snapshot_rows({}, "plain")

    given = [Raw(lines, rows) for rows in written]
    MembershipWorld(tmp_path).membership.receive(SnapshotId("s1"), given, digested)
    assert sorted(seen, key=len) == [[1.5, 2.5], ["3", "none", "4", "5"]]


def _known(key: str) -> Iterator[Person]:
    """The same member with other e-mails, by each of which they can be known."""
    others = (Person((n,)) for n in range(1_000, 2_000))
    return (one for one in others if fingerprints({key: one}, "plain").any())


def _many(count: int) -> tuple[pa.RecordBatch, Lines]:
    """Rows without an identifier, of as many members, and lines that nobody knows."""
    blank = snapshot_rows({"a": Person((1,))}, "plain").take(pa.array(np.zeros(count, np.int64)))
    numbers = np.arange(1, count + 1, dtype=np.uint64)
    columns = {
        "key": pa.array([b"%d" % n for n in range(count)], pa.binary()),
        "fingerprint_high": pa.array(numbers),
        "fingerprint_low": pa.array(numbers),
    }
    arrays = [columns.get(name, blank.column(name)) for name in blank.schema.names]
    return pa.RecordBatch.from_arrays(arrays, schema=blank.schema), np.column_stack(
        [numbers, numbers]
    )
