"""Ledgers that cost little: migrated and compiled once a process, for all that tests open."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlalchemy import URL, Engine

from syncd.ledger import migrate
from syncd.ledger.engine import ledger_url, open_engine, writing
from syncd.ledger.keys import Key
from syncd.ledger.making import make_if_new
from syncd.ledger.opening import is_blank
from syncd.settings import Settings
from tests.integration.deaths import compile_once

_SQLITE = "sqlite:///"


def open_compiled(url: URL) -> Engine:
    """As `syncd.ledger.engine.open_engine`, with what was compiled for others of its kind."""
    engine = open_engine(url)
    compile_once(engine)
    return engine


def make_from_template(settings: Settings, key: Key) -> tuple[str, ...]:
    """As `syncd.ledger.making.make_if_new`, whose tables come from one that was migrated."""
    url = settings.ledger.url
    if not url.startswith(_SQLITE) or not is_blank(Path(url.removeprefix(_SQLITE))):
        return make_if_new(settings, key)
    return lay(url, key)


def lay(url: str, key: Key) -> tuple[str, ...]:
    """As `syncd.ledger.migrate.migrate`, of a database of SQLite that is not there yet."""
    engine = open_engine(ledger_url(url, None), make=True)
    try:
        file, applied = _migrated()
        shutil.copyfile(file, url.removeprefix(_SQLITE))
        with writing(engine) as tx:
            migrate._begin(tx, key)
    finally:
        engine.dispose()
    return applied


@cache
def _migrated() -> tuple[Path, tuple[str, ...]]:
    """A ledger at head that is nobody's yet, and the revisions that made it."""
    path = Path(tempfile.mkdtemp(prefix="syncd-ledger-")) / "ledger.db"
    applied = migrate.migrate(f"{_SQLITE}{path}", password=None, key=Key.load("5a" * 32))
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("DELETE FROM ledger")
    return path, applied
