"""A backup of the ledger and its files, of one moment, while others go on working.

    TARGET/ledger.db      the ledger, by SQLite's online backup, under a backup's own id
    TARGET/ledger.json    its stamp, so that the copy opens as a whole
    TARGET/*              the files that its rows name, each checked against its row

Nobody is kept waiting: files never change, and SQLite copies one moment while others
write. A file that was swept between the copy of the ledger and its own is no loss: the
ledger names it no more, and is copied anew.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, select, union, update

from syncd import checksums
from syncd.errors import Busy, LedgerMismatch, SyncdError, Unwritten, UsageError
from syncd.files import make_directory, sync_directory, sync_file
from syncd.ledger import directory as stamps
from syncd.ledger import generations, tables
from syncd.ledger.engine import ledger_url, told
from syncd.ledger.store import Ledger
from syncd.ledger.tables import erasure, generation, plan, snapshot
from syncd.ledger.transactions import Stamp

TRIES = 10  # each follows a sweep in the very moment; more means that something else is wrong
_PIECE = 1 << 20  # bytes copied at a time


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written.

    Attributes:
        path: Its directory.
        counter: Plans and generations that the ledger had counted.
        files: Beside the ledger and its stamp.
        bytes: In all.
        audit_number: The last audit event in it.
        audit_head: That event's seal, to be kept outside.
    """

    path: Path
    made_at: datetime
    counter: int
    files: int
    bytes: int
    audit_number: int
    audit_head: str


@dataclass(frozen=True, slots=True)
class _Copied:
    """A copy of the ledger: its stamp, and its files' checksums by path."""

    stamp: Stamp
    files: Mapping[str, str]
    audit_number: int
    audit_head: str


def make(ledger: Ledger, url: str, directory: Path, target: Path, *, now: datetime) -> Backup:
    """Write a backup: whole under its name, or not at all.

    Args:
        ledger: The open ledger.
        url: Its own.
        directory: Where its files are.
        target: A directory that is not there yet.
        now: The backup's moment, and the one for which files are needed.

    Raises:
        syncd.errors.UsageError: The ledger is not in SQLite, or `target` is there already.
        syncd.errors.LedgerMismatch: Ledger and directory do not fit, or a file is damaged.
        syncd.errors.Unwritten: The disk is full, or the like.
    """
    source = _source(url, directory)
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already: a backup is written to a new directory")
    stamps.check_beside(ledger, directory)
    make_directory(target.parent)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    try:
        draft.mkdir(mode=0o700)
        copied = _fill(source, directory, draft, now)
        stamps.write(draft, copied.stamp)
        size = sum(path.stat().st_size for path in draft.iterdir())
        draft.rename(target)
        sync_directory(target.parent)
    except OSError as error:
        raise Unwritten(target, error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Backup(
        path=target,
        made_at=now,
        counter=copied.stamp.counter,
        files=len(copied.files),
        bytes=size,
        audit_number=copied.audit_number,
        audit_head=copied.audit_head,
    )


def _source(url: str, directory: Path) -> Path:
    """The SQLite file to copy."""
    parsed = ledger_url(url, None)
    if parsed.get_backend_name() != "sqlite":
        raise UsageError(
            "the ledger is in PostgreSQL, and `syncd backup` copies a ledger in SQLite only; "
            "nothing was copied. Stop what runs syncd, then take `pg_dump` of the database and "
            f"a copy of {directory}, so that both are of one moment. After putting them back "
            "run `syncd rebuild`: nothing else can tell that they are old"
        )
    return Path(str(parsed.database))


def _fill(source: Path, directory: Path, draft: Path, now: datetime) -> _Copied:
    """Copy the ledger, and every file that the copy names."""
    there: set[str] = set()
    missing: set[str] = set()
    for _ in range(TRIES):
        copied = copy_ledger(source, draft / source.name, now)
        for name in there - copied.files.keys():
            (draft / name).unlink()
        there &= copied.files.keys()
        for name in sorted(copied.files.keys() - there):
            if _copy_file(directory / name, draft / name, copied.files[name]):
                there.add(name)
        vanished = copied.files.keys() - there
        if not vanished:
            return copied
        lost = sorted(vanished & missing)
        if lost:  # named again by a ledger of afterwards: nobody swept it
            raise LedgerMismatch(
                f"{len(lost):,} files that the ledger names are missing from {directory}, "
                f"{lost[0]} first; nothing was backed up. Put them back, or `syncd rebuild`"
            )
        missing |= vanished
    raise Busy(
        f"files were swept while they were copied, {TRIES} times; nothing was backed up. Try "
        "again while fewer syncs run"
    )


def copy_ledger(source: Path, into: Path, now: datetime) -> _Copied:
    """Copy the database as it is at one moment, under a backup's id, as one plain file."""
    into.unlink(missing_ok=True)
    os.close(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        _readable(),
        closing(sqlite3.connect(source)) as old,
        closing(sqlite3.connect(into)) as new,
    ):
        old.backup(new)  # in one step: no write of another process makes it begin anew
    with _readable(), closing(sqlite3.connect(into)) as new:
        # WAL needs shared memory, which a network file system does not have.
        new.execute("PRAGMA locking_mode = EXCLUSIVE")
        new.execute("PRAGMA journal_mode = DELETE")
        (sound,) = new.execute("PRAGMA quick_check").fetchone()
    if sound != "ok":
        raise SyncdError("the ledger is damaged, SQLite's quick_check says so; nothing was copied")
    engine = create_engine(URL.create("sqlite+pysqlite", database=str(into)), hide_parameters=True)
    try:
        with told(), engine.begin() as tx:
            tx.execute(update(tables.ledger).values(ledger_id=stamps.backup_id(now)))
            copied = _described(tx, now)
    finally:
        engine.dispose()
    with into.open("rb") as file:
        os.fsync(file.fileno())
    return copied


def _described(tx: Connection, now: datetime) -> _Copied:
    row = tx.execute(select(tables.ledger)).mappings().one()
    names = generations.named_files(tx, now) | frozenset(
        tx.scalars(select(erasure.c.path).where(erasure.c.closed_at.is_(None)))
    )
    of_files = (generation, plan, snapshot, erasure)
    kinds = [select(of.c.path, of.c.checksum) for of in of_files]
    bases = select(generation.c.base_path, generation.c.base_checksum)
    every = union(*kinds, bases).subquery()
    query = select(every.c.path, every.c.checksum).where(every.c.path.in_(names))
    files = {str(path): str(checksum) for path, checksum in tx.execute(query)}
    stamp = Stamp(row["ledger_id"], row["counter"])
    return _Copied(stamp, files, row["audit_number"], row["audit_seal"])


def _copy_file(source: Path, into: Path, checksum: str) -> bool:
    """Copy one file to the disk; False if it is not there.

    Raises:
        syncd.errors.LedgerMismatch: It is not what the ledger knows.
    """
    try:
        file = source.open("rb")
    except FileNotFoundError:
        return False
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    with file, os.fdopen(os.open(into, flags, 0o600), "w+b") as copy:
        shutil.copyfileobj(file, copy, _PIECE)
        sync_file(copy)
        sound = checksums.whole(copy, checksum)
    if not sound:
        raise LedgerMismatch(
            f"{source} is not the file that was written; nothing was backed up. Put it back from "
            "an earlier backup, or `syncd rebuild`"
        )
    return True


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what SQLite says into what a person can act on; its words are fixed and safe."""
    try:
        yield
    except sqlite3.Error as error:
        raise SyncdError(
            f"the ledger could not be copied: {error}; nothing was backed up"
        ) from None
