"""Encrypted files: what goes in comes out, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd import checksums
from syncd.errors import LedgerMismatch, Unwritten
from syncd.membership import blocks, kept
from syncd.membership.blocks import BlockReader, BlockWriter, Written
from syncd.membership.engine import LATER_CELLS, ROW_SCHEMA, engine, face, links
from syncd.membership.packing import packed

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
        patch.setattr(kept, "BATCH_ROWS", most)
        written = write(Path(directory), "a.plan", *batches, ("other", rows(99)))
        with BlockReader(Path(directory) / "a.plan", key=KEY, checksum=written.checksum) as file:
            for some in (at, at[::2], at[1::3], np.arange(total), at):  # some of which are kept
                found = list(file.some("add", some))
                assert [int(n) for places, _ in found for n in places] == some.tolist()
                assert [n for _, part in found for n in part["n"].to_pylist()] == some.tolist()


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


def read_whole(path: Path, checksum: str) -> list[pa.RecordBatch]:
    with BlockReader(path, key=KEY, checksum=checksum) as file:
        return [part for section in ("add", "other") for part in file.batches(section)]


def is_whole(path: Path, checksum: str) -> bool:
    with path.open("rb") as file:
        return checksums.whole(file, checksum)


def first_version(path: Path, *batches: pa.RecordBatch) -> str:
    """Write a file as the first version did, whose checksum was of the whole."""
    header = b"{}"
    head = checksums.FIRST_MAGIC + bytes(16) + len(header).to_bytes(4, "big") + header
    cipher = AESGCM(blocks._file_key(KEY, bytes(16)))
    content, index = head, list[list[object]]()
    for number, batch in enumerate(batches):
        sealed = cipher.encrypt(number.to_bytes(12, "big"), packed(batch), head)
        index.append(["add", len(content), len(sealed), batch.num_rows])
        content += sealed
    said = cipher.encrypt(blocks.INDEX_NONCE, json.dumps(index).encode(), head)
    content += said + len(content).to_bytes(8, "big")
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["today's", "the first version's"])
def sealed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """A file of two blocks, and its checksum."""
    path = tmp_path / "a.plan"
    if request.param == "today's":
        return path, write(tmp_path, path.name, ("add", rows(1, 2)), ("other", rows(3))).checksum
    return path, first_version(path, rows(1, 2), rows(3))


def test_a_byte_that_was_changed_is_never_read(sealed: tuple[Path, str]) -> None:
    """Wherever it lies: by who has the key, at the latest in its block; and by who has none."""
    path, checksum = sealed
    good = path.read_bytes()
    assert read_whole(path, checksum)
    assert is_whole(path, checksum)
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(LedgerMismatch, match=r"a\.plan is not what was written; .*rebuild"):
            read_whole(path, checksum)
        assert not is_whole(path, checksum)


def test_a_file_that_was_cut_or_grew_is_not_opened(sealed: tuple[Path, str]) -> None:
    path, checksum = sealed
    good = path.read_bytes()
    cut = (good[:size] for size in range(len(good)))
    for content in (*cut, good + b"\0", good + good):
        path.write_bytes(content)
        with pytest.raises(LedgerMismatch, match=r"^a\.plan is not what was written"):
            BlockReader(path, key=KEY, checksum=checksum)
        assert not is_whole(path, checksum)


@pytest.mark.parametrize("at", [24, -8], ids=["header", "tail"])
@pytest.mark.parametrize("said", [b"\xff", b"\0"], ids=["beyond", "before"])
def test_what_says_where_its_parts_lie_is_not_believed(
    sealed: tuple[Path, str], at: int, said: bytes
) -> None:
    """Else much of a file of gigabytes were read for its ends."""
    path, checksum = sealed
    content = bytearray(path.read_bytes())
    size = 4 if at == 24 else 8
    content[at : at + size or None] = said * size
    path.write_bytes(content)
    with pytest.raises(LedgerMismatch, match=r"^a\.plan is not what was written"):
        BlockReader(path, key=KEY, checksum=checksum)
    if (at, said) != (24, b"\0"):  # a header may be empty
        with path.open("rb") as file, pytest.raises(ValueError, match="no file of syncd"):
            checksums.Ends.read(file)


def test_another_file_is_not_opened(tmp_path: Path) -> None:
    """Not even one of the same rows, the same header and the same key."""
    first, other = (write(tmp_path, name, ("add", rows(1))) for name in ("a.plan", "b.plan"))
    (tmp_path / "b.plan").rename(tmp_path / "a.plan")
    for checksum in (first.checksum, "", "0" * 64):
        with pytest.raises(LedgerMismatch, match=r"^a\.plan is not what was written"):
            BlockReader(tmp_path / "a.plan", key=KEY, checksum=checksum)
        assert not is_whole(tmp_path / "a.plan", checksum)
    assert is_whole(tmp_path / "a.plan", other.checksum)


def test_no_block_is_read_to_open_a_file(tmp_path: Path) -> None:
    """So it costs the same however many members it has: one that is torn is found when read."""
    written = write(tmp_path, "a.plan", ("add", rows(1)), ("other", rows(2)))
    path = tmp_path / "a.plan"
    content = bytearray(path.read_bytes())
    with BlockReader(path, key=KEY, checksum=written.checksum) as file:
        second = file._blocks[1]
    content[second.offset : second.offset + second.length] = bytes(second.length)
    path.write_bytes(content)
    with BlockReader(path, key=KEY, checksum=written.checksum) as file:
        assert list(file.batches("add")) == [rows(1)]
        with pytest.raises(LedgerMismatch, match=r"^block 1 of a\.plan is not what was written"):
            list(file.batches("other"))


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    """In part too, and by who does not know its checksum."""
    path = tmp_path / "a.plan"
    checksum = first_version(path, rows(1, 2), rows(3))
    for known in (checksum, None):
        with BlockReader(path, key=KEY, checksum=known) as file:
            assert file.checksum == checksum
            assert [part["n"].to_pylist() for part in file.part("add", 1, 2)] == [[2], [3]]


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
