"""Encrypted files: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import partial
from io import BufferedReader
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import LedgerMismatch, Unwritten
from syncd.membership import blocks, checked
from syncd.membership.blocks import BlockReader, BlockWriter, Written
from syncd.membership.checked import Checked
from syncd.membership.engine import LATER_CELLS, ROW_SCHEMA, engine, face, links

KEY = bytes(range(32))
SCHEMA = pa.schema([pa.field("n", pa.int64()), pa.field("cell", pa.binary())])


def rows(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{"n": n, "cell": f"secret-{n}".encode()} for n in numbers], schema=SCHEMA
    )


def write(directory: Path, name: str, *batches: tuple[str, pa.RecordBatch]) -> Written:
    with BlockWriter(directory, name, key=KEY, header={"plan": name}) as writer:
        for section, batch in batches:
            writer.write(section, batch)
    assert writer.written is not None
    return writer.written


@given(
    counts=st.lists(st.integers(0, 7), max_size=5),
    first=st.integers(0, 12),
    count=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_any_part_of_a_section_comes_out_as_it_went_in(
    counts: list[int], first: int, count: int
) -> None:
    """However rows were cut into blocks."""
    with tempfile.TemporaryDirectory() as directory:
        start, batches = 0, []
        for size in counts:
            batches.append(("add", rows(*range(start, start + size))))
            start += size
        written = write(Path(directory), "a.plan", *batches, ("other", rows(99)))
        with BlockReader(Path(directory) / "a.plan", key=KEY, checksum=written.checksum) as file:
            found = [n for part in file.part("add", first, count) for n in part["n"].to_pylist()]
            assert file.rows("add") == start
        assert found == list(range(start))[first : first + count]


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=5),
    wanted=st.sets(st.integers(0, 44)),
    most=st.sampled_from([0, 5, 20_000]),
)
@settings(max_examples=60, deadline=None)
def test_some_rows_come_out_with_their_positions(
    counts: list[int], wanted: set[int], most: int
) -> None:
    """However rows were cut into blocks, and whichever are wanted and kept: none, a few, all."""
    total = sum(counts)
    ends = np.cumsum(counts)
    batches = [("add", rows(*range(end - n, end))) for n, end in zip(counts, ends, strict=True)]
    at = np.array(sorted(n for n in wanted if n < total), np.int64)
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(checked, "BATCH_ROWS", most)
        written = write(Path(directory), "a.plan", *batches, ("other", rows(99)))
        with BlockReader(Path(directory) / "a.plan", key=KEY, checksum=written.checksum) as file:
            for some in (at, at[::2], at[1::3], np.arange(total), at):  # some of which are kept
                found = list(file.some("add", some))
                assert [int(n) for places, _ in found for n in places] == some.tolist()
                assert [n for _, part in found for n in part["n"].to_pylist()] == some.tolist()


def test_a_file_is_summed_once_a_run_unless_it_was_written_since(tmp_path: Path) -> None:
    """Found by what the system says of it: another file, or its bytes changed."""
    written, path = write(tmp_path, "a.plan", ("add", rows(1, 2))), tmp_path / "a.plan"
    opened = partial(BlockReader, path, key=KEY, checksum=written.checksum)
    data, summed = path.read_bytes(), list[str]()

    def noted(file: BufferedReader) -> str:
        summed.append(hashlib.file_digest(file, "sha256").hexdigest())
        return summed[-1]

    known = Checked(noted)
    for _ in range(3):
        opened(checked=known).close()
    assert summed == [written.checksum]
    known.forget()
    opened(checked=known).close()
    assert summed == [written.checksum] * 2
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(1, 1))  # clocks of files have steps that a test may fall within
    with pytest.raises(LedgerMismatch, match="not the file that was written"):
        opened(checked=known)
    path.with_name("b").write_bytes(data)
    path.with_name("b").rename(path)
    opened(checked=known).close()
    with pytest.raises(LedgerMismatch, match="not the file that was written"):
        BlockReader(path, key=KEY, checksum="0" * 64, checked=known)


def test_a_file_is_not_summed_again_where_it_was_written(tmp_path: Path) -> None:
    """Unless anybody wrote to it since, or another one is asked for."""
    written, path = write(tmp_path, "a.plan", ("add", rows(1, 2))), tmp_path / "a.plan"
    known = Checked(lambda _: "summed, and found to be another")
    known.wrote(path, written.checksum)
    BlockReader(path, key=KEY, checksum=written.checksum, checked=known).close()
    with pytest.raises(LedgerMismatch, match="not the file that was written"):
        BlockReader(path, key=KEY, checksum="0" * 64, checked=known)
    os.utime(path, ns=(1, 1))
    with pytest.raises(LedgerMismatch, match="not the file that was written"):
        BlockReader(path, key=KEY, checksum=written.checksum, checked=known)


def test_nothing_of_a_row_stands_in_the_file(tmp_path: Path) -> None:
    """Only the header can be read without the key."""
    write(tmp_path, "a.plan", ("add", rows(1, 2, 3)))

    assert b"secret" not in (tmp_path / "a.plan").read_bytes()
    assert (tmp_path / "a.plan").stat().st_mode & 0o077 == 0


def test_a_file_exists_only_once_it_is_whole(tmp_path: Path) -> None:
    """An error while writing leaves neither the file nor its beginning."""

    def broken() -> None:
        with BlockWriter(tmp_path, "a.plan", key=KEY, header={}) as writer:
            writer.write("add", rows(1))
            raise ValueError("the shop died")

    with pytest.raises(ValueError, match="the shop died"):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("position", [3, 15, 40, 120, -1, -30])
def test_a_changed_byte_is_refused(tmp_path: Path, position: int) -> None:
    """Wherever it lies."""
    written = write(tmp_path, "a.plan", ("add", rows(1, 2)))
    path = tmp_path / "a.plan"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(LedgerMismatch, match=r"a\.plan is not the file that was written"):
        BlockReader(path, key=KEY, checksum=written.checksum)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    """It says that the key is the reason."""
    written = write(tmp_path, "a.plan", ("add", rows(1)))

    with pytest.raises(LedgerMismatch, match="does not open with this ledger key"):
        BlockReader(tmp_path / "a.plan", key=bytes(32), checksum=written.checksum)


def test_a_missing_file_names_the_way_on(tmp_path: Path) -> None:
    """The operator is told what to do."""
    with pytest.raises(LedgerMismatch, match=r"a\.plan is missing; .*syncd rebuild"):
        BlockReader(tmp_path / "a.plan", key=KEY, checksum="")


def test_no_two_files_share_a_key(tmp_path: Path) -> None:
    """The same rows under the same ledger key never look alike."""
    write(tmp_path, "a.plan", ("add", rows(1)))
    write(tmp_path, "b.plan", ("add", rows(1)))
    first, second = ((tmp_path / name).read_bytes() for name in ("a.plan", "b.plan"))

    assert first[-60:-8] != second[-60:-8]


def test_long_sections_are_cut_into_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that reading holds one block in memory."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 4)
    written = write(tmp_path, "a.plan", ("add", rows(*range(10))))
    with BlockReader(tmp_path / "a.plan", key=KEY, checksum=written.checksum) as file:
        assert [part.num_rows for part in file.batches("add")] == [4, 4, 2]


def test_short_blocks_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit into a block, in order, and none of another section."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 4)
    parts = [("add", rows(1)), ("add", rows(2, 3)), ("held", rows(9)), ("add", rows(4))]
    written = write(tmp_path, "a.plan", *parts, ("add", rows(5, 6, 7, 8)))
    with BlockReader(tmp_path / "a.plan", key=KEY, checksum=written.checksum) as file:
        assert list(file.batches("add")) == [rows(1, 2, 3, 4), rows(5, 6, 7, 8)]


def test_a_full_disk_is_told_in_words(tmp_path: Path) -> None:
    """/dev/full is a disk without room; where it is found out, the writer says so."""
    (tmp_path / ".a.plan.tmp").symlink_to("/dev/full")
    with pytest.raises(Unwritten, match=r"a\.plan cannot be written: No space left on device"):
        write(tmp_path, "a.plan", ("add", rows(1, 2, 3)))
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the directory should be")
    with pytest.raises(Unwritten, match="cannot be written"):
        write(tmp_path / "var", "a.plan")


def test_rows_of_an_earlier_version_have_blank_cells_where_it_had_none(tmp_path: Path) -> None:
    """They keep the face that they were given then, and every identifier its number."""
    earlier = pa.schema([field for field in ROW_SCHEMA if field.name not in LATER_CELLS])
    sent = pa.RecordBatch.from_pylist([{"key": b"a", "email": b"1" * 32}], schema=earlier)
    written = write(tmp_path, "f", ("add", sent), ("other", rows(1)))
    with BlockReader(tmp_path / "f", key=KEY, checksum=written.checksum) as reader:
        (read,), (other,) = reader.batches("add"), reader.batches("other")
    assert read.schema == ROW_SCHEMA
    assert read.select(earlier.names) == sent
    assert other == rows(1)
    with engine() as database:
        database.register("incoming", read)
        found = database.execute(
            f"SELECT {face()}, (SELECT id FROM ({links('incoming', 'key')})) FROM incoming"
        ).fetchone()
    cells = "|".join(["31" * 32, *["-"] * 9])
    assert found == (md5(cells.encode()), md5(b"\x01" + b"1" * 32))


@pytest.mark.parametrize("cell", [None, b"", b"5"])
def test_facts_that_no_row_of_a_block_has_take_no_room(tmp_path: Path, cell: bytes | None) -> None:
    """And come back blank; other rows keep theirs, an empty one too."""
    sent = pa.RecordBatch.from_pylist([{"key": b"a", "value": cell}] * 999, schema=ROW_SCHEMA)
    written = write(tmp_path, "f", ("add", sent))
    with BlockReader(tmp_path / "f", key=KEY, checksum=written.checksum) as reader:
        assert list(reader.batches("add")) == [sent]
    full = pa.BufferOutputStream()
    with pa.ipc.new_stream(full, ROW_SCHEMA) as stream:
        stream.write_batch(sent)
    spared = full.getvalue().size - (tmp_path / "f").stat().st_size
    assert spared > (2 if cell is None else 1) * 999 * 4 - 600


def md5(text: bytes) -> int:
    return int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest(), "little")
