"""A backup is whole, of one moment, and made beside whatever else goes on."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from syncd.errors import LedgerMismatch, Unwritten, UsageError
from syncd.ledger import backups
from syncd.ledger.backups import make
from tests.integration.canaries import files_in, leaks
from tests.integration.commands import (
    Desk,
    digests,
    email,
    phone,
    refused,
    standing_still,
    wait_until,
)
from tests.integration.deaths import Death
from tests.integration.ledger_databases import (
    NOON,
    Hands,
    new_database,
    new_ledger,
)
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.rebuilding import backed_up, put_back

ZOE = Person(("zoe@example.com",))
ANNA = Person(("anna@example.com",), ("020 624 1111",))
BOB = Person(("bob@example.com",), ("+31 20 624 2222",))
EVERYONE = {"z": ZOE, "a": ANNA, "b": BOB}


@pytest.fixture
def here() -> Iterator[MemoryWorlds]:
    with memory_world(later=False) as made:
        yield made


# --- whole ---------------------------------------------------------------------


def test_a_backup_opened_elsewhere_knows_the_same(here: MemoryWorlds, tmp_path: Path) -> None:
    here.run(EVERYONE)
    known, at = here.world.possible(), here.world.ledger.generation(*here.world.at)
    made = backed_up(here, tmp_path / "backup")
    here.run({"z": ZOE})
    put_back(here, tmp_path / "backup")

    assert known
    assert here.world.possible() == known
    assert here.world.ledger.generation(*here.world.at) == at
    assert here.world.ledger.verify().ok
    assert here.world.ledger.verify().head == made.audit_head


def test_a_backup_has_what_its_ledger_names_and_no_key(filled: Desk, tmp_path: Path) -> None:
    (filled.var / "gstale.members").write_bytes(b"left by a crash")
    answer = filled.syncd("backup", str(tmp_path / "backup"))

    assert answer.code == 0, answer.said
    (members,) = (tmp_path / "backup").glob("*.members")
    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert names == {"ledger.db", "ledger.json", members.name}
    assert members.read_bytes() == (filled.var / members.name).read_bytes()
    assert "the ledger key is not in it" in answer.out
    assert str(filled.var / "ledger.key") in answer.out
    assert any(line.startswith("backup_made: ") for line in filled.audit())
    assert filled.syncd("audit", "verify").code == 0


def test_only_we_may_read_a_backup(filled: Desk, tmp_path: Path) -> None:
    target = tmp_path / "not" / "yet" / "there"
    assert filled.syncd("backup", str(target), "--json").json["files"] == 1

    assert target.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}


def test_nothing_of_a_customer_stands_in_a_backup(filled: Desk, tmp_path: Path) -> None:
    answer = filled.syncd("backup", str(tmp_path / "backup"))
    planted = [value for n in range(10) for value in (email(n), phone(n))]
    places = dict(files_in(tmp_path / "backup")) | {"output": answer.said.encode()}

    assert leaks(planted, places) == []
    (tmp_path / "backup" / "planted").write_text(email(3))
    assert leaks(planted, dict(files_in(tmp_path / "backup")))


# --- beside others -------------------------------------------------------------


def test_a_backup_at_any_moment_of_a_run_is_whole(here: MemoryWorlds, tmp_path: Path) -> None:
    """Around every commit and every push: promise 1 holds of the copy as of the original."""
    here.run({"z": ZOE, "a": ANNA})
    here.world.clock.pass_by(hours=1)
    moments: list[Death] = []

    def back_up(point: Death) -> None:
        moments.append(point)
        target = tmp_path / f"{len(moments)}"
        backed_up(here, target)
        with here.copied() as there:
            put_back(there, target)
            assert there.world.identifiers <= there.world.possible(), point
            assert there.world.ledger.verify().ok

    here.world.wire.passing = back_up
    here.run({"a": ANNA, "b": BOB})
    here.world.wire.passing = None

    assert len(moments) > 20
    assert {point.what for point in moments} == {"commit", "push"}


def test_a_backup_is_made_while_another_process_pushes(filled: Desk, tmp_path: Path) -> None:
    """It takes no lock and waits for none; the copy knows that a batch is on its way."""
    filled.join(10)
    filled.fault(kind="delay", seconds=4.0, method="add")
    with filled.begin("sync", "everyone") as first:
        wait_until(lambda: not filled.local.faults.waiting)
        with standing_still(first):
            answer = filled.process("backup", str(tmp_path / "backup"))
        first.communicate(timeout=60)
    assert answer.code == 0, answer.said
    assert first.returncode == 0
    with closing(sqlite3.connect(tmp_path / "backup" / "ledger.db")) as copy:
        assert copy.execute("SELECT state FROM batch ORDER BY rowid DESC").fetchone() == (
            "sending",
        )
    assert list((tmp_path / "backup").glob("*.plan")), "what is on its way could be sent again"
    assert filled.held() == digests(*range(11))


def test_files_that_are_swept_meanwhile_are_no_loss(
    here: MemoryWorlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run, and the start of another, between the ledger's copy and its files'."""
    here.run(EVERYONE)
    here.run({**EVERYONE, "y": Person(("yan@example.com",))})
    copy, copies = backups.copy_ledger, []

    def meanwhile(source: Path, into: Path, now: datetime) -> object:
        copied = copy(source, into, now)
        copies.append(copied.files)
        if len(copies) == 1:
            here.run({"z": ZOE})
            here.world.restart()
        return copied

    monkeypatch.setattr(backups, "copy_ledger", meanwhile)
    backed_up(here, tmp_path / "backup")

    assert len(copies) == 2
    base, over = sorted(copies[0])
    assert (here.world.folder / "var" / base).exists()
    assert not (here.world.folder / "var" / over).exists()
    put_back(here, tmp_path / "backup")
    assert here.world.identifiers <= here.world.possible()


def test_two_backups_of_one_name_do_not_mix(filled: Desk, tmp_path: Path) -> None:
    """Each is written aside; the second finds the name taken."""
    codes: list[int] = []

    def back_up() -> None:
        codes.append(filled.process("backup", str(tmp_path / "backup")).code)

    threads = [threading.Thread(target=back_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 in codes
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup"]
    stamp = json.loads((tmp_path / "backup" / "ledger.json").read_bytes())
    with closing(sqlite3.connect(tmp_path / "backup" / "ledger.db")) as copy:
        assert copy.execute("SELECT ledger_id FROM ledger").fetchone() == (stamp["ledger_id"],)


# --- or not at all -------------------------------------------------------------


def nothing_made(folder: Path) -> None:
    assert list(folder.glob("*backup*")) + list(folder.glob(".*backup*")) == []


def test_a_file_that_is_lost_for_good_fails_the_backup(here: MemoryWorlds, tmp_path: Path) -> None:
    here.run(EVERYONE)
    (members,) = (here.world.folder / "var").glob("*.members")
    members.unlink()
    with pytest.raises(LedgerMismatch, match=rf"1 files .* {members.name} first; nothing was"):
        backed_up(here, tmp_path / "backup")
    nothing_made(tmp_path)


def test_a_backup_has_both_files_of_a_membership(here: MemoryWorlds, tmp_path: Path) -> None:
    """What a generation lies over is checked like any other, and nothing is made without it."""
    here.run(EVERYONE)
    here.run({**EVERYONE, "y": Person(("yan@example.com",))})
    last = here.world.ledger.generation(*here.world.at)
    assert last is not None
    assert last.base is not None
    backed_up(here, tmp_path / "backup")
    assert {path.name for path in (tmp_path / "backup").glob("*.members")} == {
        last.path,
        last.base.path,
    }
    base = here.world.folder / "var" / last.base.path
    content = base.read_bytes()
    base.write_bytes(content[:-1] + b"?")
    with pytest.raises(LedgerMismatch, match="not the file that was written; nothing was"):
        backed_up(here, tmp_path / "again")
    base.unlink()
    with pytest.raises(LedgerMismatch, match=rf"1 files .* {base.name} first; nothing was"):
        backed_up(here, tmp_path / "again")


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0], ids=["its start", "a block", "its end"])
def test_a_file_that_was_changed_fails_the_backup(
    here: MemoryWorlds, tmp_path: Path, part: float
) -> None:
    """Wherever it was changed: also where no run would look."""
    here.run(EVERYONE)
    (members,) = (here.world.folder / "var").glob("*.members")
    content = bytearray(members.read_bytes())
    content[int(part * (len(content) - 1))] ^= 1
    members.write_bytes(content)
    with pytest.raises(LedgerMismatch, match="not the file that was written; nothing was"):
        backed_up(here, tmp_path / "backup")
    nothing_made(tmp_path)


def test_a_pair_that_does_not_fit_is_not_backed_up(here: MemoryWorlds, tmp_path: Path) -> None:
    """Its backup would bear a stamp that fits."""
    here.run(EVERYONE)
    (here.world.folder / "var" / "ledger.json").unlink()
    with pytest.raises(LedgerMismatch, match="is missing"):
        backed_up(here, tmp_path / "backup")
    nothing_made(tmp_path)


def test_what_is_there_already_is_left_alone(filled: Desk) -> None:
    (filled.folder / "backup").mkdir()
    refused(filled, 2, "is there already", words=("backup", str(filled.folder / "backup")))
    assert list((filled.folder / "backup").iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(here: MemoryWorlds, tmp_path: Path) -> None:
    here.run(EVERYONE)
    with pytest.raises(Unwritten, match="cannot be written"):
        backed_up(here, tmp_path / ("n" * 250))


def test_a_ledger_in_postgres_names_what_to_use_instead(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url, new_ledger(url, Hands()) as ledger:
        with pytest.raises(UsageError, match=r"nothing was copied.*pg_dump.*syncd rebuild"):
            make(ledger, url, tmp_path, tmp_path / "backup", now=NOON)
        nothing_made(tmp_path)
