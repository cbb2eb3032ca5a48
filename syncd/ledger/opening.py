"""What must fit before a ledger is used: its schema and its key."""

from __future__ import annotations

import hmac
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text

from syncd.errors import ConfigError, LedgerMismatch
from syncd.ledger import tables
from syncd.ledger.engine import ledger_url, open_engine, reading
from syncd.ledger.keys import Key
from syncd.ledger.store import Ledger
from syncd.ledger.transactions import Transactions
from syncd.ports import Clock


def is_blank(path: Path) -> bool:
    """Whether a SQLite database is not there, or has no table at all.

    Whatever is wrong with one that is there is told when it is opened.
    """
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    except sqlite3.Error:
        return False


def revision(tx: Connection) -> str | None:
    """The newest revision that was applied, or None on an empty database."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    found = tx.scalar(text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


def check_schema(tx: Connection) -> None:
    """Refuse a schema that is not the one this version reads.

    Raises:
        syncd.errors.ConfigError: With the way on.
    """
    found = revision(tx)
    if found == tables.HEAD:
        return
    if found is not None and found > tables.HEAD:
        raise ConfigError(
            f"the ledger has schema {found}, newer than this syncd's {tables.HEAD}: "
            "install the newer version again; migrations go forward only"
        )
    raise ConfigError(
        f"the ledger has schema {found or 'none'}, this syncd needs {tables.HEAD}: "
        "run `syncd migrate`"
    )


def key_check(key: Key) -> str:
    """What the ledger keeps to know its key again; says nothing of the key."""
    return key.derive("check").hex()


def check_key(tx: Connection, key: Key) -> None:
    """Refuse a key that is not the one this ledger began with.

    Raises:
        syncd.errors.LedgerMismatch: Pushing would not know who was pushed before.
    """
    stored = tx.scalar(select(tables.ledger.c.key_check))
    if stored is None or not hmac.compare_digest(stored, key_check(key)):
        raise LedgerMismatch(
            "the ledger key changed: this ledger was made with another one. "
            "Restore that key. If it is lost, so is what the ledger's files hold: move ledger "
            "and directory away, then begin anew with `syncd sync --adopt`"
        )


def open_ledger(url: str, *, password: str | None, key: Key, clock: Clock) -> Ledger:
    """Open a ledger that is at head and was made with this key.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://...`, without a password.

    Raises:
        syncd.errors.ConfigError: It is not there, or of another schema.
        syncd.errors.LedgerMismatch: It was made with another key.
        syncd.errors.SyncdError: The database cannot be reached.
    """
    engine = open_engine(ledger_url(url, password))
    try:
        with reading(engine) as tx:
            check_schema(tx)
            check_key(tx, key)
            ledger_id = str(tx.scalar(select(tables.ledger.c.ledger_id)))
    except BaseException:
        engine.dispose()
        raise
    return Ledger(Transactions(engine, key.derive("audit")), ledger_id, clock)
