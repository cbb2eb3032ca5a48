"""One process at a time, by locks that the kernel and the server let go of on a kill.

No lease: a stopped process would lose one without knowing, and push on.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from syncd.errors import Busy, ConfigError, Unwritten
from syncd.files import make_directory, refuse_network
from syncd.ledger.engine import ledger_url, open_engine, told

# "sync" in ASCII: our half of the server's number space, the schema is the other.
_CLASS = 0x73796E63
_WIDTH = 512  # bytes of what the lock's file says; only a long list of syncs is longer


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the lock.

    Attributes:
        process: Its id.
        name: What was asked for, or `daemon`.
        run: The run that it began last; "" if none.
    """

    process: int
    name: str
    run: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What the lock's file says to who comes second."""

    path: Path
    handle: int
    holder: str

    def write(self, run: str = "") -> None:
        said = {"pid": os.getpid(), "holder": self.holder, "run": run}
        # So wide that nothing of a longer one is left to read after a shorter one.
        text = json.dumps(said).encode().ljust(_WIDTH)
        try:
            # In this order: who reads in between finds it whole.
            os.pwrite(self.handle, text, 0)
            os.ftruncate(self.handle, len(text))
        except OSError as error:
            raise Unwritten(self.path, error) from None


class Hold:
    """The lock, as long as its block runs."""

    def __init__(self, session: Connection | None, told: _Told) -> None:
        self._session = session
        self._told = told
        self._lost = False
        self._turn = threading.Lock()

    def tell(self, run: str) -> None:
        """Let whoever comes second know which run is under way.

        Raises:
            syncd.errors.Unwritten: The disk is full, or the like.
        """
        with self._turn:  # runs of several accounts tell at once, and the file names the last
            self._told.write(run)

    def check(self) -> None:
        """Refuse to go on if the server's session, and the lock with it, is gone.

        Call it before a batch is sent. A file's lock cannot be lost.

        Raises:
            syncd.errors.Busy: Another process may hold the lock by now.
        """
        if self._session is None:
            return
        with self._turn:
            try:
                if not self._lost:
                    self._session.exec_driver_sql("SELECT 1")
            except SQLAlchemyError:
                self._lost = True  # for good: a new session would not have the lock
        if self._lost:
            raise Busy(
                "the connection that held the ledger's lock broke off, another process may "
                "have it by now: nothing more is sent; start again"
            )


@contextmanager
def hold(
    directory: Path, *, holder: str, url: str | None = None, password: str | None = None
) -> Iterator[Hold]:
    """Be the only syncd on a directory, and on the ledger if that is in PostgreSQL.

    Args:
        directory: The ledger's; made if missing.
        holder: What was asked for, or `daemon`; told to who comes second.
        url: The ledger's.

    Raises:
        syncd.errors.Busy: Another process holds it; says which.
        syncd.errors.ConfigError: The directory is on a network file system.
        syncd.errors.Unwritten: The disk is full, or the like.
    """
    make_directory(directory)
    refuse_network(directory)
    with _file(directory / "lock", holder) as told:
        if url is None or not url.startswith("postgresql"):
            yield Hold(None, told)
            return
        with _session(url, password) as session:
            yield Hold(session, told)


@contextmanager
def _file(path: Path, holder: str) -> Iterator[_Told]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"the lock {path} cannot be opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{_first(handle)} holds {path.parent}: try again when it is done") from None
        told = _Told(path, handle, holder)
        told.write()
        yield told
        os.ftruncate(handle, 0)  # the file stays: to unlink a lock is to break it
    finally:
        os.close(handle)


def _first(handle: int) -> str:
    found = _read(handle)
    if found is None:  # it has the lock and not yet written
        return "another syncd"
    run = f", run {found.run}" if found.run else ""
    return f"process {found.process} ({found.name}{run})"


def _read(handle: int) -> Holder | None:
    try:
        said = json.loads(os.pread(handle, 4096, 0))
        return Holder(int(said["pid"]), str(said["holder"]), str(said["run"]))
    except (ValueError, KeyError, TypeError):
        return None


def holder(directory: Path) -> Holder | None:
    """Who holds the lock of a directory on this host; None if nobody does, or says so.

    Nobody is kept from it by the question but a process that starts in the same moment,
    after one that was killed.
    """
    try:
        handle = os.open(directory / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = _read(handle)  # whoever ended well has emptied it
        if found is None:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return found
        return None
    finally:
        os.close(handle)


@contextmanager
def _session(url: str, password: str | None) -> Iterator[Connection]:
    engine = open_engine(ledger_url(url, password), pooled=False)
    try:
        with told():
            session = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with session:
            with told():
                got = session.scalar(
                    text("SELECT pg_try_advisory_lock(:class, hashtext(current_schema()))"),
                    {"class": _CLASS},
                )
            if not got:
                raise Busy("a syncd on another host holds this ledger: try again when it is done")
            yield session
    finally:
        engine.dispose()
