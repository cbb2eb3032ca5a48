"""The audit chain shows any edit; migrations, keys and a full disk."""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event as hook
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError

from syncd.errors import Busy, ConfigError, LedgerMismatch, SyncdError
from syncd.ledger import tables
from syncd.ledger.engine import ledger_url, open_engine, reading, writing
from syncd.ledger.keys import Key, load_or_make_key
from syncd.ledger.migrate import migrate, scripts
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.model import BatchId, BatchState
from tests.integration.ledger_databases import (
    DIALECTS,
    KEY,
    NOON,
    Hands,
    event,
    new_database,
    new_ledger,
    planned,
)


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with new_ledger(url, Hands()) as opened:
        yield opened


def by_hand(url: str, *statements: str) -> None:
    """What someone with a database shell does."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database))) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        return
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection_:
        for statement in statements:
            connection_.execute(statement.encode())


def without_triggers(url: str) -> list[str]:
    if url.startswith("sqlite"):
        return ["DROP TRIGGER audit_event_UPDATE", "DROP TRIGGER audit_event_DELETE"]
    return ["ALTER TABLE audit_event DISABLE TRIGGER ALL"]


def with_events(ledger: Ledger) -> None:
    for number in range(1, 5):
        ledger.audit(event("thing_happened", rows=number))


# --- the chain ---


def test_events_are_numbered_without_a_gap_and_sealed(ledger: Ledger) -> None:
    """The seal is computed here again, by what reliability.md 5.7 says."""
    written = ledger.audit(event("run_opened", rows=3))
    row = {
        "kind": "run_opened",
        "at": "2026-11-22T12:00:00.000000+00:00",
        "actor": "schedule",
        "detail": "Something happened.",
        "sync": "whales",
        "audience": "",
        "run": "",
        "plan": "",
        "counts": {"rows": 3},
    }
    second = ledger.audit(event("run_opened", rows=3))
    previous = ""
    for sealed in (written, second):
        text = json.dumps(row | {"number": sealed.number}, sort_keys=True, separators=(",", ":"))
        expected = hmac.new(KEY.derive("audit"), (previous + text).encode(), sha256).hexdigest()
        assert sealed.seal == expected
        previous = sealed.seal
    found = ledger.verify()
    assert (found.events, found.ok, found.first_bad, found.head) == (2, True, None, second.seal)


def test_an_empty_chain_is_whole(ledger: Ledger) -> None:
    assert ledger.verify().ok


def test_an_event_is_only_there_if_its_change_is(ledger: Ledger) -> None:
    planned(ledger)
    with pytest.raises(ValueError, match="no sync claimed"):
        ledger.adopt("meta", "meta-eu", "999", event=event("audience_adopted"))
    assert ledger.events() == ()


def test_events_are_found_by_time_sync_kind_and_number(ledger: Ledger) -> None:
    with_events(ledger)
    assert [e.number for e in ledger.events(after=1, limit=2)] == [2, 3]
    assert [e.number for e in ledger.events(limit=2, newest=True)] == [3, 4]
    assert ledger.events(sync="rich") == ledger.events(kind="other") == ()
    assert len(ledger.events(since=NOON, sync="whales", kind="thing_happened")) == 4
    assert ledger.events(since=NOON + timedelta(microseconds=1)) == ()


@pytest.mark.parametrize(
    ("edit", "first_bad"),
    [
        ("UPDATE audit_event SET actor = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit_event SET at = '2026-11-22T13:00:00.000000+00:00' WHERE number = 3", 3),
        ("UPDATE audit_event SET at = '2026-11-22T12:00:00Z' WHERE number = 3", 3),
        ("UPDATE audit_event SET at = 'yesterday' WHERE number = 3", 3),
        ("UPDATE audit_event SET counts = '{\"rows\": 1}' WHERE number = 1", 1),
        ("UPDATE audit_event SET seal = 'x' WHERE number = 4", 4),
        ("UPDATE audit_event SET number = 9 WHERE number = 4", 4),
        ("DELETE FROM audit_event WHERE number = 2", 2),
        ("DELETE FROM audit_event WHERE number = 4", 4),
        ("DELETE FROM audit_event", 1),
    ],
)
def test_an_edit_shows(ledger: Ledger, url: str, edit: str, first_bad: int) -> None:
    with_events(ledger)
    by_hand(url, *without_triggers(url), edit)
    found = ledger.verify()
    assert (found.ok, found.first_bad) == (False, first_bad)


def test_a_cut_at_the_end_shows_even_if_the_ledgers_row_is_cut_too(
    ledger: Ledger, url: str
) -> None:
    with_events(ledger)
    by_hand(
        url,
        *without_triggers(url),
        "DELETE FROM audit_event WHERE number = 4",
        "UPDATE ledger SET audit_number = 3,"
        " audit_seal = (SELECT seal FROM audit_event WHERE number = 3)",
    )
    assert ledger.verify().first_bad == 4


def test_a_cut_still_shows_after_more_was_written(ledger: Ledger, url: str) -> None:
    with_events(ledger)
    by_hand(url, *without_triggers(url), "DELETE FROM audit_event WHERE number > 2")
    ledger.audit(event())
    assert ledger.verify().first_bad == 3


@pytest.mark.parametrize(
    "edit", ["UPDATE audit_event SET actor = 'nobody'", "DELETE FROM audit_event"]
)
def test_the_database_refuses_to_change_events(ledger: Ledger, url: str, edit: str) -> None:
    with_events(ledger)
    with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="never changed"):
        by_hand(url, edit)
    assert ledger.verify().ok


def test_postgres_refuses_to_empty_the_audit(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url, new_ledger(url, Hands()) as ledger:
        with_events(ledger)
        with pytest.raises(psycopg.Error, match="never changed"):
            by_hand(url, "TRUNCATE audit_event")


# --- migrations ---


def test_migrating_goes_to_head_once(url: str) -> None:
    made = tuple(f"r{number:04}" for number in range(1, 16))
    assert migrate(url, password=None, key=KEY) == made
    assert migrate(url, password=None, key=KEY) == ()


def test_the_tables_are_those_that_the_migrations_make(url: str) -> None:
    migrate(url, password=None, key=KEY)
    assert ScriptDirectory.from_config(scripts()).get_heads() == [tables.HEAD]
    engine = open_engine(ledger_url(url, None))
    with engine.connect() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": False})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()


def test_a_database_without_the_schema_is_refused(url: str, tmp_path: Path) -> None:
    if url.startswith("sqlite"):
        with pytest.raises(ConfigError, match=r"no ledger at .*: run `syncd migrate`"):
            open_ledger(url, password=None, key=KEY, clock=Hands())
        (tmp_path / "var").mkdir()
        os.close(os.open(tmp_path / "var" / "ledger.db", os.O_CREAT, 0o600))
    with pytest.raises(ConfigError, match=r"schema none, .* run `syncd migrate`"):
        open_ledger(url, password=None, key=KEY, clock=Hands())


def test_a_schema_of_a_newer_version_is_refused(ledger: Ledger, url: str) -> None:
    assert ledger.ledger_id
    by_hand(url, "UPDATE alembic_version SET version_num = 'r9999'")
    with pytest.raises(ConfigError, match="r9999, newer than"):
        open_ledger(url, password=None, key=KEY, clock=Hands())


def test_another_key_is_refused_by_all(ledger: Ledger, url: str) -> None:
    assert ledger.ledger_id
    other = Key.make()
    with pytest.raises(LedgerMismatch, match=r"key changed.*Restore.*--adopt") as refused:
        open_ledger(url, password=None, key=other, clock=Hands())
    with pytest.raises(LedgerMismatch, match="key changed"):
        migrate(url, password=None, key=other)
    assert refused.value.exit_code == 78
    assert other.stored() not in str(refused.value)


# --- the database itself ---


def test_commits_are_durable(url: str) -> None:
    migrate(url, password=None, key=KEY)
    engine = open_engine(ledger_url(url, None))
    with engine.connect() as tx:
        if url.startswith("sqlite"):
            told = [
                tx.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
            ]
            assert told == ["wal", 2, 1, 0]
        else:
            assert tx.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


def test_a_read_transaction_cannot_write_on_postgres(tmp_path: Path) -> None:
    with new_database("postgresql", tmp_path) as url:
        migrate(url, password=None, key=KEY)
        engine = open_engine(ledger_url(url, None))
        with pytest.raises(SyncdError, match="could not be"), reading(engine) as tx:
            tx.exec_driver_sql("UPDATE ledger SET counter = 9")
        engine.dispose()


def test_a_writer_waits_for_another_and_then_says_busy(ledger: Ledger, url: str) -> None:
    other = open_engine(ledger_url(url, None))
    quick = "PRAGMA busy_timeout = 50" if url.startswith("sqlite") else "SET lock_timeout = 50"
    mine = open_engine(ledger_url(url, None))
    hook.listen(mine, "begin", lambda connection: connection.exec_driver_sql("SELECT 1"))
    with mine.connect() as tx:
        tx.exec_driver_sql(quick)
        tx.commit()
    with writing(other) as first:
        first.exec_driver_sql("UPDATE ledger SET counter = counter")
        with pytest.raises(Busy, match="locked by another process"), writing(mine) as second:
            second.exec_driver_sql("UPDATE ledger SET counter = counter")
    assert ledger.stamp().counter == 0
    other.dispose()
    mine.dispose()


def test_one_process_at_a_time_writes_whatever_it_writes(ledger: Ledger, url: str) -> None:
    """Else two of them could number their events alike."""
    other = open_ledger(url, password=None, key=KEY, clock=Hands())
    quick = "PRAGMA busy_timeout = 50" if url.startswith("sqlite") else "SET lock_timeout = 50"
    engine = other.transactions.engine
    hook.listen(engine, "begin", lambda tx: tx.exec_driver_sql(quick), insert=True)
    with ledger.transactions.write(), pytest.raises(Busy), other.transactions.write():
        pytest.fail("both write")
    other.audit(event())
    other.close()


def test_on_a_full_disk_an_intent_is_not_committed(tmp_path: Path) -> None:
    """DESIGN 4: nothing may be sent that was not written before."""
    with new_database("sqlite", tmp_path) as url, new_ledger(url, Hands()) as ledger:
        planned(ledger)
        limit = "SELECT page_count FROM pragma_page_count"
        hook.listen(
            ledger._tx.engine,
            "begin",
            lambda tx: tx.exec_driver_sql(
                f"PRAGMA max_page_count = {tx.exec_driver_sql(limit).scalar()}"
            ),
        )
        name = BatchId("p1-1")
        long_label = "x" * 50_000  # more than the last page has room for
        with pytest.raises(SyncdError, match="disk is full") as failed:
            ledger.intend(name, label=long_label, deadline=NOON)
        assert "not committed" in str(failed.value)
        assert long_label[:9] not in str(failed.value)
        (kept,) = ledger.batches("p1")
        assert (kept.state, kept.attempts, ledger.attempts(name)) == (BatchState.PLANNED, 0, ())
        assert ledger.verify().ok


def test_files_are_ours_alone(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as url, new_ledger(url, Hands()) as ledger:
        with_events(ledger)
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "var").iterdir()}
        assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm"), 0o600)
        assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
        (tmp_path / "var" / "ledger.db").chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600"):
            open_ledger(url, password=None, key=KEY, clock=Hands())


def test_a_ledger_that_is_no_database_is_told_plainly(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"x" * 4096)
    path.chmod(0o600)
    with pytest.raises(SyncdError, match="could not be read or written: file is not a database"):
        open_ledger(f"sqlite:///{path}", password=None, key=KEY, clock=Hands())


def test_an_unreachable_server_is_told_without_its_words() -> None:
    url = "postgresql+psycopg://someone@127.0.0.1:1/nowhere"
    with pytest.raises(SyncdError, match="could not be read or written: PostgreSQL") as failed:
        open_ledger(url, password="secret-word", key=KEY, clock=Hands())
    assert "someone" not in str(failed.value)
    assert "secret-word" not in repr(failed.value)


@pytest.mark.parametrize("wrong", ["mysql+pymysql://x/y", "sqlite://", "sqlite:///:memory:", "?"])
def test_a_ledger_elsewhere_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"ledger\.url"):
        open_ledger(wrong, password=None, key=KEY, clock=Hands())


def test_a_foreign_key_that_leads_nowhere_is_refused(ledger: Ledger, url: str) -> None:
    assert ledger.ledger_id
    engine = open_engine(ledger_url(url, None))
    with pytest.raises(IntegrityError), writing(engine) as tx:
        tx.exec_driver_sql("INSERT INTO approval VALUES (1, 'no-plan', 'a', 'x', 'y')")
    engine.dispose()


# --- the key ---


def test_a_key_is_made_once_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "var" / "ledger.key"
    key, made = load_or_make_key(path)
    again, made_again = load_or_make_key(path)
    assert (made, made_again, key == again) == (True, False, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) == 64
    assert [p.name for p in path.parent.iterdir()] == ["ledger.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.key"
    load_or_make_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_or_make_key(path)


@pytest.mark.parametrize("stored", ["", "zz" * 32, "5a" * 31, b"\xff" * 64])
def test_a_key_that_is_none_is_refused_without_showing_it(stored: str | bytes) -> None:
    with pytest.raises(ConfigError, match="64 hex characters") as refused:
        Key.load(stored)
    assert "zz" not in str(refused.value)
    assert "5a" not in str(refused.value)


def test_sub_keys_differ_and_the_key_hides() -> None:
    purposes = ("files", "audit", "tombstone", "guest", "holdout", "keys", "check")
    derived = {KEY.derive(purpose) for purpose in purposes}  # type: ignore[arg-type]  # a loop over literals
    assert len(derived) == 7
    assert {len(one) for one in derived} == {32}
    assert KEY.derive("files") == Key.load(b"5A" * 32 + b"\n").derive("files")
    assert "5a5a" not in repr(KEY) + str([KEY])
    with pytest.raises(ValueError, match="no sub-key"):
        KEY.derive("other")  # type: ignore[arg-type]  # the point
