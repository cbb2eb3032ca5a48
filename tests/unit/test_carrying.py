"""Rows carried from one file to another: as they are picked, whole blocks as they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.membership import blocks, carrying, packing
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import CURRENT, HELD, MEMBERS, Sections, Source, of_phase, put
from syncd.membership.engine import ROW_SCHEMA, SENT_SCHEMA
from syncd.membership.layers import BASE, DEAD, TURNED, Layers, base_of, positions
from syncd.membership.names import named
from syncd.membership.unchanged import Respelled
from syncd.model import Phase

KEY = bytes(32)
ADD = of_phase(Phase.ADD)

Kind = Literal["snapshot", "plan", "earlier plan", "generation", "layers"]
OF = {
    "snapshot": MEMBERS,
    "plan": ADD,
    "earlier plan": ADD,
    "generation": HELD,
    "layers": HELD,
}
# Rows of one write, which make a block or several.
WRITES = st.lists(st.integers(1, 9), min_size=1, max_size=6)
SOURCES = st.sampled_from([MEMBERS, ADD, HELD])


def rows_of(numbers: Sequence[int]) -> pa.RecordBatch:
    """Rows by number: digests, some of them blank, and a postcode that many have."""
    lines = [
        {
            "key": f"c:{n:04}".encode(),
            "email": hashlib.sha256(b"%d" % n).digest() if n % 5 else None,
            "phone": hashlib.sha256(b"p%d" % (n // 2)).digest(),
            "postcode": b"1011 AB" if n % 3 else None,
            "consent": n % 3,
            "fingerprint_high": n * 7 + 1,
            "fingerprint_low": n,
        }
        for n in numbers
    ]
    return pa.RecordBatch.from_pylist(lines, schema=SENT_SCHEMA)


@dataclass(frozen=True)
class Lain:
    """A file, and the rows that count of it, by number."""

    file: BlockReader
    numbers: tuple[int, ...]


def write(
    folder: Path,
    of: Sections,
    writes: Sequence[Sequence[int]],
    turned: frozenset[int] = frozenset(),
) -> None:
    """A file of rows, of which some are said to be no longer their keys' last."""
    with BlockWriter(folder, "source", key=KEY, header={}) as writer:
        for some in writes:
            current = np.array([n not in turned for n in some], np.bool_)
            put(writer, of, rows_of(some), current)


def opened(path: Path) -> BlockReader:
    return BlockReader(path, key=KEY, checksum=None)


def numbered(counts: Sequence[int], first: int = 0) -> list[list[int]]:
    found = []
    for count in counts:
        found.append(list(range(first, first + count)))
        first += count
    return found


@contextmanager
def laid(folder: Path, kind: Kind, counts: Sequence[int], moved: frozenset[int]) -> Iterator[Lain]:
    """A file of a kind; of a base some rows are dead, and some are their keys' last again."""
    writes = numbered(counts)
    gone, turned = (frozenset(n for n in moved if n % 2 == odd) for odd in (0, 1))
    every = [n for some in writes for n in some]
    if kind == "earlier plan":
        with BlockWriter(folder, "source", key=KEY, header={}) as writer:
            for some in writes:
                writer.write(ADD.rows, rows_of(some))
    else:
        write(folder, OF[kind], writes, turned if kind == "layers" else frozenset())
    if kind != "layers":
        with opened(folder / "source") as file:
            yield Lain(file, tuple(every))
        return
    with opened(folder / "source") as file:
        checksum = file.checksum
    above = numbered([3, 2], len(every))
    header = {BASE: ["source", checksum]}
    with BlockWriter(folder, "over", key=KEY, header=header) as writer:
        for some in above:
            put(writer, HELD, rows_of(some))
        writer.write(DEAD, positions(np.array(sorted(gone), np.int64)))
        writer.write(TURNED, positions(np.array(sorted(turned), np.int64)))
    base, path = base_of(header), folder / "over"
    assert base is not None
    with opened(path) as file:
        said = file.checksum
    with Layers(path, key=KEY, checksum=said, base=base) as file:
        live = [n for n in every if n not in gone]
        yield Lain(file, (*live, *(n for some in above for n in some)))


def told(folder: Path, of: Sections) -> list[tuple[object, ...]]:
    """What a file says of its rows, each with what lies beside it."""
    with opened(folder / "target") as file:
        rows, lines, names = (
            [row for batch in file.batches(section) for row in batch.to_pylist()]
            for section in of.all
        )
    return list(zip(rows, lines, names, strict=True))


def expected(
    numbers: Sequence[int], of: Sections, respelled: dict[int, tuple[int, int]]
) -> list[tuple[object, ...]]:
    if not numbers:
        return []
    rows = rows_of(numbers)
    said = {CURRENT: True} if of.says_current else {}
    plain = [{**row, **said} for row in rows.select(ROW_SCHEMA.names).to_pylist()]
    lines = [respelled.get(n, (n * 7 + 1, n)) for n in numbers]
    spelled = [{"fingerprint_high": high, "fingerprint_low": low} for high, low in lines]
    return list(zip(plain, spelled, named(rows).batch().to_pylist(), strict=True))


@pytest.mark.parametrize("kind", list(OF))
@given(data=st.data(), counts=WRITES, to=SOURCES, few=st.sampled_from([2, packing.FEW]))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rows_arrive_as_they_were_whatever_is_carried(
    tmp_path_factory: pytest.TempPathFactory,
    kind: Kind,
    data: st.DataObject,
    counts: list[int],
    to: Sections,
    few: int,
) -> None:
    folder = tmp_path_factory.mktemp("files")
    moved = data.draw(st.frozensets(st.integers(0, sum(counts) - 1), max_size=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_ROWS", 4)
        patch.setattr(carrying, "BATCH_ROWS", 6)
        patch.setattr(packing, "FEW", few)
        with laid(folder, kind, counts, moved) as lain:
            numbers = lain.numbers
            flags = np.array([data.draw(st.integers(0, 5)) > 0 for _ in numbers], np.bool_)
            spelled = respelling(data, numbers) if OF[kind] is HELD else {}
            at = np.array(sorted(spelled), np.int64)
            lines = np.array([spelled[n] for n in at], np.uint64).reshape(-1, 2)
            source = Source(lain.file, OF[kind], Respelled(at, lines) if spelled else None)
            carry(folder, source, flags, to)
    carried = [n for n, wanted in zip(numbers, flags, strict=True) if wanted]
    by_number = {numbers[n]: line for n, line in spelled.items()}
    assert told(folder, to) == expected(carried, to, by_number)


def respelling(data: st.DataObject, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Other fingerprints of some positions."""
    some = data.draw(st.frozensets(st.integers(0, max(len(numbers) - 1, 0)), max_size=2))
    return {n: (900 + n, 800 + n) for n in some if n < len(numbers)}


def carry(folder: Path, source: Source, flags: npt.NDArray[np.bool_], to: Sections) -> None:
    """Into a file of its own; the names that come back are those that are written."""
    with BlockWriter(folder, "target", key=KEY, header={}) as writer:
        given = [name.batch() for name in source.carry(flags, writer, to)]
    with opened(folder / "target") as file:
        written = [row for batch in file.batches(to.names) for row in batch.to_pylist()]
    assert [row for batch in given for row in batch.to_pylist()] == written


def test_whole_blocks_lie_as_they_lay(tmp_path: Path) -> None:
    """Rows that are picked come together in one block instead."""
    write(tmp_path, MEMBERS, numbered([3, 3, 3]))
    every, most = np.ones(9, np.bool_), np.ones(9, np.bool_)
    most[[0, 4, 8]] = False
    with opened(tmp_path / "source") as file:
        for flags, sizes in ((every, [3, 3, 3]), (most, [6])):
            carry(tmp_path, Source(file, MEMBERS), flags, HELD)
            with opened(tmp_path / "target") as target:
                assert [block.rows for block in target.aligned(*HELD.all)] == sizes


def test_a_plan_never_says_whose_last_a_row_is(tmp_path: Path) -> None:
    """Blocks of a generation say it, so none of them is taken over."""
    write(tmp_path, HELD, numbered([3, 3]))
    with opened(tmp_path / "source") as file:
        carry(tmp_path, Source(file, HELD), np.ones(6, np.bool_), ADD)
    with opened(tmp_path / "target") as target:
        assert [batch.schema for batch in target.batches(ADD.rows)] == [ROW_SCHEMA]
