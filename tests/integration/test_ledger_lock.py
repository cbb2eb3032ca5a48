"""One process at a time, and a ledger and a directory of one time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from syncd.errors import Busy, LedgerMismatch
from syncd.files import filesystem
from syncd.ledger import directory, lock
from syncd.ledger.lock import hold
from syncd.ledger.store import Ledger
from tests.integration.ledger_databases import (
    AT,
    DIALECTS,
    Hands,
    generation,
    new_database,
    new_ledger,
    planned,
)

HOLDER = """
import sys
from pathlib import Path
from syncd.ledger.lock import hold
url = sys.argv[2] if len(sys.argv) > 2 else None
with hold(Path(sys.argv[1]), holder="run r7", url=url):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with new_ledger(url, Hands()) as opened:
        yield opened


class Holder:
    """Another process that has the lock until it is killed."""

    def __init__(self, *args: str) -> None:
        command = [sys.executable, "-c", HOLDER, *args]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    where = tmp_path / "var"
    with Holder(str(where)) as first:
        with pytest.raises(Busy, match=rf"process {first.pid} \(run r7\) holds") as busy:
            hold(where, holder="daemon").__enter__()
        assert busy.value.exit_code == 75
        os.kill(first.pid, signal.SIGKILL)
        first.wait(timeout=20)
        with hold(where, holder="daemon") as mine:
            mine.check()
        assert (where / "lock").stat().st_mode & 0o777 == 0o600


def test_who_asks_is_told_who_holds_it_and_takes_it_from_nobody(tmp_path: Path) -> None:
    assert lock.holder(tmp_path / "nowhere") is None
    with Holder(str(tmp_path)) as first:
        assert lock.holder(tmp_path) == lock.Holder(first.pid, "run r7", "")
        with pytest.raises(Busy):
            hold(tmp_path, holder="daemon").__enter__()
        os.kill(first.pid, signal.SIGKILL)
        first.wait(timeout=20)
        assert (tmp_path / "lock").read_bytes(), "what a killed process said is still there"
        assert lock.holder(tmp_path) is None
    with hold(tmp_path, holder="daemon") as mine:
        mine.tell("r9")
        assert lock.holder(tmp_path) == lock.Holder(os.getpid(), "daemon", "r9")
    assert lock.holder(tmp_path) is None


def test_a_stopped_process_keeps_the_lock(tmp_path: Path) -> None:
    with Holder(str(tmp_path)) as first:
        os.kill(first.pid, signal.SIGSTOP)
        with pytest.raises(Busy):
            hold(tmp_path, holder="daemon").__enter__()


def test_the_lock_is_let_go_at_the_end_of_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with hold(tmp_path, holder="r1"), pytest.raises(Busy, match="holds"):
            hold(tmp_path, holder="r2").__enter__()


def test_on_postgres_another_host_is_kept_out_too(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url:
        with Holder(str(tmp_path / "one"), url) as first:
            with pytest.raises(Busy, match="another host"):
                hold(tmp_path / "two", holder="r2", url=url).__enter__()
            os.kill(first.pid, signal.SIGKILL)
            first.wait(timeout=20)
        freed = threading.Event()
        for _ in range(100):  # the server notices the kill a moment later
            try:
                with hold(tmp_path / "two", holder="r2", url=url) as mine:
                    mine.check()
                    return
            except Busy:
                freed.wait(0.1)
        pytest.fail("the server still holds the lock of a killed process")


def test_a_lost_session_stops_before_the_next_batch(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        with hold(tmp_path, holder="r1", url=url) as mine:
            mine.check()
            with psycopg.connect(plain) as admin:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                    " AND pid <> pg_backend_pid()"
                    " AND database = (SELECT oid FROM pg_database"
                    " WHERE datname = current_database())"
                )
            for _ in range(2):
                with pytest.raises(Busy, match="broke off"):
                    mine.check()


def test_the_file_system_of_a_path_is_the_nearest_mount() -> None:
    mounts = (
        "/dev/sda / ext4 rw 0 0\n"
        "server:/x /srv/my\\040data nfs4 rw 0 0\n"
        "tmpfs /srv/my\\040data/fast tmpfs rw 0 0\n"
    )
    assert filesystem(Path("/srv/my data/var"), mounts) == "nfs4"
    assert filesystem(Path("/srv/my data/fast/var"), mounts) == "tmpfs"
    assert filesystem(Path("/srv/my"), mounts) == "ext4"


# --- the directory ---


def test_a_new_ledger_stamps_its_directory(ledger: Ledger, tmp_path: Path) -> None:
    where = tmp_path / "dir"
    directory.check(ledger, where)
    assert directory.read(where) == ledger.stamp() == (ledger.ledger_id, 0)
    assert (where / "ledger.json").stat().st_mode & 0o777 == 0o600


def test_each_step_is_followed_by_the_directory(ledger: Ledger, tmp_path: Path) -> None:
    with directory.step(ledger, tmp_path):
        planned(ledger)
    with directory.step(ledger, tmp_path):
        ledger.commit_generation(*AT, generation(1), {})
    assert directory.read(tmp_path) == (ledger.ledger_id, 2)


def test_the_one_step_of_a_crash_is_mended(ledger: Ledger, tmp_path: Path) -> None:
    directory.check(ledger, tmp_path)
    planned(ledger)
    directory.check(ledger, tmp_path)
    assert directory.read(tmp_path) == (ledger.ledger_id, 1)


def test_a_directory_that_is_missing_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    planned(ledger)
    with pytest.raises(LedgerMismatch, match=r"missing, the ledger is at 1.*syncd rebuild"):
        directory.check(ledger, tmp_path)


def test_a_directory_from_an_older_backup_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    directory.check(ledger, tmp_path)
    planned(ledger)
    ledger.commit_generation(*AT, generation(1), {})
    with pytest.raises(LedgerMismatch, match=r"directory is older, at 0; the ledger is at 2"):
        directory.check(ledger, tmp_path)
    with pytest.raises(LedgerMismatch), directory.step(ledger, tmp_path):
        pytest.fail("a step was begun")


def test_a_ledger_from_an_older_backup_is_refused(tmp_path: Path) -> None:
    """Even one step older: its plan may have been sent."""
    with new_database("sqlite", tmp_path) as url:
        path = tmp_path / "var" / "ledger.db"
        with new_ledger(url, Hands()) as ledger:
            directory.check(ledger, tmp_path)
        shutil.copy(path, tmp_path / "backup")
        with new_ledger(url, Hands()) as ledger, directory.step(ledger, tmp_path):
            planned(ledger)
        shutil.copy(tmp_path / "backup", path)
        with (
            new_ledger(url, Hands()) as ledger,
            pytest.raises(LedgerMismatch, match="ledger is older, at 0; the directory is at 1"),
        ):
            directory.check(ledger, tmp_path)


def test_another_ledgers_directory_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    directory.write(tmp_path, ledger.stamp()._replace(ledger_id="0" * 32))
    with pytest.raises(LedgerMismatch, match="another ledger's"):
        directory.check(ledger, tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"ledger_id": "x", "counter": "y"}'])
def test_a_stamp_that_cannot_be_read_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ledger.json").write_text(content)
    with pytest.raises(LedgerMismatch, match="cannot be read"):
        directory.read(tmp_path)
