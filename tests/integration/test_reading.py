"""A segment is read, digested and written at the same time, and fails as if it were not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pytest

from syncd.errors import Stopped, TornSnapshot, Unwritten
from syncd.identity.digest import Digested
from syncd.membership import receiving
from syncd.membership.blocks import BlockReader
from syncd.model import Raw, Run, SegmentQuery, SnapshotId
from syncd.ports import Reading
from syncd.runs.digesting import Intake, Rows
from syncd.runs.parts import Parts
from syncd.runs.reading import read
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import memory_world
from tests.integration.worlds import World

ROWS = 3  # a batch
COLUMNS = ("customer_key", "email", "country")


def batch(number: int) -> pa.RecordBatch:
    """The members of a batch, by its number."""
    names = [f"{number:06}-{row}" for row in range(ROWS)]
    emails = [f"{name}@example.org" for name in names]
    return pa.RecordBatch.from_arrays([pa.array(names), pa.array(emails), ["NL"] * ROWS], COLUMNS)


@dataclass
class Stand:
    """A shop that returns what it is told to; `said` is what happened to it, in order."""

    batches: Iterable[pa.RecordBatch]
    said: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = COLUMNS

    @contextmanager
    def read(self, _query: SegmentQuery) -> Iterator[Reading]:
        try:
            yield self
        finally:
            self.said.append("left")

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.batches
        finally:
            self.said.append("closed")

    def joined(self) -> Iterator[pa.RecordBatch]:
        return iter(self)

    def seal(self) -> int:
        self.said.append("sealed")
        return ROWS * len(list(self.batches))


@dataclass
class Scene:
    world: World
    opened: Run

    def parts(self, shop: Stand) -> Parts:
        return replace(self.world.parts(), shop=shop, names=lambda prefix: f"{prefix}1")

    def left(self) -> list[str]:
        """What a read left behind: threads, and files of snapshots."""
        threads = [one.name for one in threading.enumerate()]
        stages = [name for name in threads if name.startswith(("ahead", "worked"))]
        return stages + [path.name for path in (self.world.folder / "var").glob("*snapshot*")]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Where a batch has as many as are digested as they come, as a shop's has."""
    monkeypatch.setattr(receiving, "MANY", ROWS)
    with memory_world(later=False) as worlds:
        yield Scene(worlds.world, worlds.world.ledger.open_run("all", "test", event=None))


def endless() -> Iterator[pa.RecordBatch]:
    return map(batch, itertools.count())


def test_every_member_is_written_in_the_shop_s_order(scene: Scene) -> None:
    """
    In many batches, of which several are under way at any moment.
    """
    shop = Stand([batch(number) for number in range(40)])

    snapshot = read(scene.parts(shop), scene.opened)

    assert shop.said == ["closed", "sealed", "left"]
    assert (snapshot.rows, snapshot.usable) == (120, 120)
    path = scene.world.folder / "var" / snapshot.path
    with BlockReader(path, key=KEY.derive("files"), checksum=snapshot.checksum) as file:
        keys = [key for rows in file.batches("members") for key in rows["key"].to_pylist()]
    assert keys == [f"{number:06}-{row}".encode() for number in range(40) for row in range(ROWS)]
    assert scene.left() == [snapshot.path]


def test_a_torn_read_is_told_as_such(scene: Scene) -> None:
    """
    Also if some of it was digested and written by then.
    """

    def torn() -> Iterator[pa.RecordBatch]:
        yield from map(batch, range(10))
        raise TornSnapshot("the shop went away")

    shop = Stand(torn())

    with pytest.raises(TornSnapshot, match="the shop went away"):
        read(scene.parts(shop), scene.opened)

    assert shop.said == ["closed", "left"]
    assert scene.left() == []
    assert scene.world.ledger.named_files() == frozenset()


def test_who_is_told_to_stop_stops_while_the_shop_goes_on(scene: Scene) -> None:
    """
    What reads the shop has ended before the shop's connection is let go of.
    """
    shop = Stand(endless())

    @dataclass
    class Told:
        checks: int = 0

        def tell(self, run: str) -> None:
            """Nobody waits for it."""

        def check(self) -> None:
            self.checks += 1
            if self.checks == 5:
                raise Stopped("we were told to end")

    with pytest.raises(Stopped):
        read(replace(scene.parts(shop), lock=Told()), scene.opened)

    assert shop.said == ["closed", "left"]
    assert scene.left() == []


def test_a_full_disk_ends_what_reads_and_what_digests(scene: Scene) -> None:
    """
    /dev/full is a disk without room.
    """
    directory = scene.world.folder / "var"
    directory.mkdir(exist_ok=True)
    (directory / ".s1.snapshot.tmp").symlink_to("/dev/full")
    shop = Stand(endless())

    with pytest.raises(Unwritten, match="No space left on device"):
        read(scene.parts(shop), scene.opened)

    assert shop.said == ["closed", "left"]
    assert scene.left() == []


def test_what_cannot_be_digested_ends_the_read(scene: Scene) -> None:
    """
    The error of the second batch is told, and not one that the shop meets behind it.
    """

    def torn() -> Iterator[pa.RecordBatch]:
        yield from map(batch, range(3))
        raise TornSnapshot("the shop went away")

    shop = Stand(torn())
    parts = scene.parts(shop)
    digest, numbers = parts.digest, itertools.count(1)

    def fails_once(rows: pa.RecordBatch) -> Digested:
        return broken() if next(numbers) == 2 else digest(rows)

    def broken() -> NoReturn:
        raise ValueError("a rule set that does not work")

    with pytest.raises(ValueError, match="a rule set that does not work"):
        read(replace(parts, digest=fails_once), scene.opened)

    assert shop.said == ["closed", "left"]
    assert scene.left() == []


def test_a_batch_is_digested_once_for_all_who_digest_alike(scene: Scene) -> None:
    """Some of its rows, which others need not want, are digested for themselves."""
    parts, digested = scene.parts(Stand([])), list[int]()

    def counting(rows: pa.RecordBatch) -> Digested:
        digested.append(rows.num_rows)
        return parts.digest(rows)

    stones = parts.ledger.erasures.stones()
    batches = [Rows(batch(number), stones) for number in range(2)]
    for shape in ("of meta", "of google", "of meta"):
        alike = replace(parts, digest=counting, shape=shape, names=partial(_as, shape))
        intake = Intake(alike, (), stones)
        assert intake.receive(batches, None).unchanged == 0
        assert intake.usable == 2 * ROWS
    assert digested == [ROWS] * 4

    some = Raw(np.zeros((1, 2), np.uint64), batches[0].batch.slice(0, 1))
    parts.membership.receive(SnapshotId("s1"), [some], intake._digested)
    assert digested == [*[ROWS] * 4, 1]


def _as(name: str, _: str) -> str:
    return name
