"""Bring the ledger's schema to head. The only module that imports Alembic."""

from __future__ import annotations

import hashlib
from pathlib import Path
from uuid import uuid4

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, select, text

from syncd.ledger import audit, opening, tables
from syncd.ledger.engine import ledger_url, open_engine, writing
from syncd.ledger.keys import Key

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(url: str, *, password: str | None, key: Key) -> tuple[str, ...]:
    """Apply what is missing, all of it or nothing, in one transaction.

    The first time this makes the database's tables, and notes how to know the key again.

    Returns:
        The revisions that were applied, oldest first; empty if none was missing.

    Raises:
        syncd.errors.LedgerMismatch: The ledger was made with another key.
        syncd.errors.SyncdError: The database cannot be reached or written.
    """
    engine = open_engine(ledger_url(url, password), make=True)
    try:
        with writing(engine) as tx:
            _alone(tx)
            return _to_head(tx, key)
    finally:
        engine.dispose()


def scripts() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _to_head(tx: Connection, key: Key) -> tuple[str, ...]:
    before = opening.revision(tx)
    if before is not None:
        opening.check_key(tx, key)
    if before is None or before < tables.HEAD:
        config = scripts()
        config.attributes["connection"] = tx
        command.upgrade(config, tables.HEAD)
        steps = ScriptDirectory.from_config(config).iterate_revisions(tables.HEAD, before or "base")
        applied = tuple(step.revision for step in steps)[::-1]
    else:
        applied = ()
    opening.check_schema(tx)
    if tx.scalar(select(tables.ledger.c.id)) is None:
        _begin(tx, key)
    return applied


def _begin(tx: Connection, key: Key) -> None:
    """Write the ledger's one row about itself."""
    tx.execute(
        insert(tables.ledger).values(
            id=1,
            ledger_id=uuid4().hex,
            key_check=opening.key_check(key),
            counter=0,
            audit_number=0,
            audit_seal=audit.NO_SEAL,
            audit_head=audit.head(key.derive("audit"), 0, audit.NO_SEAL),
        )
    )


def _alone(tx: Connection) -> None:
    """Let one process migrate at a time; SQLite's BEGIN IMMEDIATE has seen to it already."""
    if tx.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(b"syncd migrate").digest()[:4], "big")
        tx.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
