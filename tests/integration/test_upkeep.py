"""backup and rebuild as an operator types them, the ledger in SQLite and in PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.canaries import files_in, leaks
from tests.integration.commands import (
    Desk,
    approvable,
    audited,
    digests,
    email,
    here,
    phone,
    refused,
    standing_still,
    wait_until,
)
from tests.integration.ledger_databases import new_database


def put_back(desk: Desk, target: Path) -> None:
    """As the README says: the old directory moved away, the key from elsewhere."""
    old = desk.folder / "old"
    desk.var.rename(old)
    shutil.copytree(target, desk.var)
    shutil.copy(old / "ledger.key", desk.var / "ledger.key")


@pytest.fixture
def restored(filled: Desk) -> Desk:
    """Ten customers synced and backed up; then one came and two left; then put back."""
    assert filled.syncd("backup", str(filled.folder / "backup")).code == 0
    filled.join(10)
    filled.leave(0, 1)
    assert filled.syncd("sync", "everyone").code == 0
    put_back(filled, filled.folder / "backup")
    return filled


def test_a_backup_put_back_pushes_nothing_before_a_rebuild(restored: Desk) -> None:
    refused(restored, 78, "the ledger is the backup of", "Nothing is pushed", "syncd rebuild")
    refused(restored, 78, "the ledger is the backup of", words=("plan", "everyone"))
    assert restored.syncd("status").code == 0, "who only reads may look"
    assert restored.syncd("audit", "verify").code == 0
    target = str(restored.folder / "again")
    refused(restored, 78, "the ledger is the backup of", words=("backup", target))

    answer = restored.syncd("rebuild", "--yes")
    assert answer.code == 0, answer.said
    assert "10 members may be in it as far as is known, nobody for certain" in answer.out
    assert "stays in it until the audience is replaced as a whole" in answer.out
    restored.join(0)
    assert restored.syncd("sync", "everyone").code == 0
    assert restored.held() == digests(0, *range(2, 11))
    before = restored.changes()
    assert restored.syncd("sync", "everyone").code == 0
    assert restored.changes() == before
    assert restored.syncd("audit", "verify").code == 0


def test_whoever_nobody_knows_any_more_stays_and_this_is_said(restored: Desk) -> None:
    """Customer 10 was pushed in the time that is lost, and is gone again."""
    restored.leave(10)
    assert restored.syncd("rebuild", "--yes").code == 0
    assert restored.syncd("sync", "everyone").code == 0

    assert restored.held() == digests(*range(2, 11))
    assert "may hold others: audience Everyone" in restored.syncd("status").out
    (adopted,) = restored.syncd("status", "--json").json["adopted"]
    assert adopted["name"] == "Everyone"
    said = restored.audit()
    assert any(line.startswith("ledger_rebuilt: ") and "is the backup of" in line for line in said)
    (loud,) = [line for line in said if line.startswith("audience_rebuilt: ")]
    assert "It may hold others" in loud


def test_a_rebuild_asks_first(restored: Desk) -> None:
    for given in (b"", b"n\n", b"maybe\n"):
        answer = here("rebuild", config=restored.config, given=given)
        assert answer.code == 2
        assert "the ledger is the backup of" in answer.err
        assert "nothing was rebuilt and nothing has changed" in answer.err
    refused(restored, 78, "the ledger is the backup of")
    assert here("rebuild", config=restored.config, given=b"y\n").code == 0
    assert restored.syncd("sync", "everyone").code == 0


def test_a_rebuild_waits_for_whoever_pushes(filled: Desk) -> None:
    filled.join(10)
    filled.fault(kind="delay", seconds=4.0, method="add")
    with filled.begin("sync", "everyone") as first:
        wait_until(lambda: not filled.local.faults.waiting)
        with standing_still(first):
            answer = filled.syncd("rebuild", "--yes")
        first.communicate(timeout=60)
    assert answer.code == 75
    assert "sync everyone" in answer.err
    assert first.returncode == 0


def test_the_guard_holds_after_a_rebuild_as_ever(filled: Desk) -> None:
    (filled.var / "ledger.json").unlink()
    assert filled.syncd("rebuild", "--yes").code == 0
    filled.leave(*range(5))
    answer = filled.syncd("sync", "everyone")
    assert answer.code == 4
    assert filled.held() == digests(*range(10))
    assert filled.syncd("approve", approvable(answer)).code == 0
    assert filled.held() == digests(*range(5, 10))


def test_a_plan_from_before_a_rebuild_can_not_be_approved(filled: Desk) -> None:
    """Its numbers were of a membership that is no more."""
    filled.leave(*range(5))
    held = filled.syncd("sync", "everyone")
    assert held.code == 4
    plan = approvable(held)
    assert filled.syncd("rebuild", "--yes").code == 0

    refused(filled, 1, "before a rebuild", "syncd plan everyone", words=("approve", plan))
    assert plan not in filled.syncd("status").out
    assert approvable(filled.syncd("sync", "everyone")) != plan


def test_nothing_of_a_customer_comes_out_of_a_rebuild(restored: Desk) -> None:
    answer = restored.syncd("rebuild", "--yes", "--json")
    assert answer.json["audiences"][0]["sizes"]["members"] == 10
    planted = [value for n in range(11) for value in (email(n), phone(n))]
    places = dict(files_in(restored.var)) | {"output": answer.said.encode()}
    assert leaks(planted, places) == []
    audited(restored, "audience_rebuilt")


def test_a_ledger_in_postgres_is_rebuilt_and_not_backed_up(desk: Desk, tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url:
        desk.settings["ledger"]["url"] = url
        desk.save()
        assert desk.syncd("migrate").code == 0
        desk.join(*range(10))
        assert desk.syncd("sync", "everyone").code == 0
        target = str(desk.folder / "backup")
        refused(desk, 2, "pg_dump", "nothing was copied", words=("backup", target))
        (members,) = desk.var.glob("*.members")
        members.unlink()
        desk.leave(0)
        refused(desk, 78, "is missing", "syncd rebuild")
        assert desk.syncd("rebuild", "--yes").code == 0
        desk.join(10)
        assert desk.syncd("sync", "everyone").code == 0
        assert desk.held() == digests(*range(11)), "0 is known to nobody any more"
        desk.leave(1)
        assert desk.syncd("sync", "everyone").code == 0
        assert desk.held() == digests(0, *range(2, 11))
        assert desk.syncd("audit", "verify").code == 0


def test_a_ledger_whose_making_was_cut_short_is_made(desk: Desk) -> None:
    """A kill before the first commit leaves a database without a table; nobody need know."""
    desk.join(*range(3))
    desk.var.mkdir(mode=0o700, exist_ok=True)
    (desk.var / "ledger.db").touch(mode=0o600)
    with closing(sqlite3.connect(desk.var / "ledger.db")) as blank:
        blank.execute("PRAGMA journal_mode = WAL")
    assert desk.syncd("sync", "everyone").code == 0
