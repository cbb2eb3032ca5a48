"""doctor's table: what is wrong stands in it with the way to mend it, and nothing is changed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.cli import checkup
from syncd.ledger.lock import hold
from tests.integration.commands import Answer, Desk, here
from tests.integration.databases import MakeDatabase, create_canonical

EVERY = (
    *("configuration", "shop", "shop rights", "clock", "disk", "lock", "key", "ledger"),
    *("directory", "schedule", "versions", "identity", "account meta", "account google"),
)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def verdicts(answer: Answer) -> dict[str, str]:
    """By what was checked, the worst verdict of it."""
    found = dict[str, str]()
    for line in answer.json["here"]["lines"]:
        kept = found.get(line["what"], "ok")
        found[line["what"]] = max(kept, line["verdict"], key=["ok", "warn", "bad"].index)
    return found


def said(answer: Answer, what: str) -> str:
    lines = answer.json["here"]["lines"]
    return "; ".join(line["said"] for line in lines if line["what"] == what)


def files(folder: Path) -> dict[str, bytes]:
    """What lies there, but for what SQLite keeps beside a database that is read."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def test_before_the_first_run_nothing_is_wrong_and_nothing_is_made(desk: Desk) -> None:
    before = files(desk.folder)
    answer = desk.syncd("doctor", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert set(verdicts(answer).values()) <= {"ok", "warn"}
    assert "none yet" in said(answer, "key") + said(answer, "ledger")
    assert files(desk.folder) == before


def test_people_read_one_table(filled: Desk) -> None:
    answer = filled.syncd("doctor")
    assert answer.code == 0, answer.said
    table = answer.out.partition("\n\n")[0].splitlines()
    named = [line.split("  ")[0] for line in table]
    for what in EVERY:
        assert what in named
    assert "chain whole" in answer.out
    assert str(filled.var / "ledger.key") in answer.out


def test_while_a_daemon_has_the_lock(filled: Desk) -> None:
    before = filled.changes()
    with hold(filled.var, holder="daemon"):
        answer = filled.syncd("doctor", "--json")
    assert answer.code == 0, answer.said
    assert said(answer, "lock") == f"process {os.getpid()} has it (daemon)"
    assert filled.changes() == before


def edit_audit(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.var / "ledger.db")) as ledger, ledger:
        listed = ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in listed:
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute("UPDATE audit_event SET actor = 'nobody' WHERE number = 2")


def lose_stamp(desk: Desk) -> None:
    (desk.var / "ledger.json").unlink()


def lose_key(desk: Desk) -> None:
    (desk.var / "ledger.key").unlink()


def lose_shop(desk: Desk) -> None:
    desk.shop.unlink()


def lose_syncs(desk: Desk) -> None:
    desk.settings["syncs"]["everyone"]["audienec"] = "x"
    desk.save()


WRONG = [
    # what happens, the line that is bad, words of the way to mend it
    (edit_audit, "ledger", "event 2"),
    (lose_stamp, "directory", "syncd rebuild"),
    (lose_key, "key", "put the key back"),
    (lose_shop, "shop", "cannot be opened"),
    (lose_syncs, "configuration", "audienec"),
]


@pytest.mark.parametrize(("happens", "what", "words"), WRONG)
def test_what_is_wrong_is_bad_and_says_how_to_mend_it(
    filled: Desk, happens: Callable[[Desk], None], what: str, words: str
) -> None:
    happens(filled)
    before = files(filled.folder)
    answer = filled.syncd("doctor", "--json")
    assert answer.code == 1
    assert verdicts(answer)[what] == "bad"
    assert words in said(answer, what)
    assert files(filled.folder) == before, "no key and no stamp is made in place of a lost one"


def test_a_login_that_may_write_is_bad(desk: Desk, make_database: MakeDatabase) -> None:
    database = make_database("postgresql")
    create_canonical(database)
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    desk.settings["shop"]["url"] = database.owner
    desk.save()
    assert verdicts(desk.syncd("doctor", "--json"))["shop rights"] == "bad"
    desk.settings["shop"]["url"] = database.url
    desk.save()
    assert verdicts(desk.syncd("doctor", "--json"))["shop rights"] == "ok"


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(0, "ok"), (-20, "ok"), (40, "warn"), (-60, "warn"), (400, "bad")]
)
def test_clocks_are_compared_but_for_the_time_of_the_answer(ahead: int, verdict: str) -> None:
    there = NOW + timedelta(seconds=ahead)
    assert checkup._clock(there, NOW, timedelta(seconds=2)).verdict == verdict
    assert checkup._clock(NOW + timedelta(seconds=90), NOW, timedelta(seconds=90)).verdict == "ok"


@pytest.mark.parametrize(("free", "verdict"), [(5e9, "ok"), (1e9, "warn"), (1e8, "bad")])
def test_a_disk_that_is_nearly_full(free: float, verdict: str) -> None:
    assert checkup._room(int(free), Path("/var/lib/syncd")).verdict == verdict


@pytest.mark.usefixtures("desk")
def test_without_a_configuration_it_says_what_writes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    answer = here("doctor", "--json")
    assert (answer.code, verdicts(answer)["configuration"]) == (0, "warn")
    assert "syncd init" in said(answer, "configuration")
