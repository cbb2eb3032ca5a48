"""The ledger and its directory carry each other's generation.

`ledger.json` in the directory repeats the ledger's stamp. A crash between a commit and
the file leaves the file one step behind; everything else means that one of the two was
put back, swapped or lost, and that what is on the platforms is not known.

A backup that `syncd backup` made bears a name of its own in both halves. Put back, it
cannot pass for what it was taken from, not even whole, and not even a moment later.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from syncd.errors import LedgerMismatch
from syncd.files import make_directory, write_whole
from syncd.ledger.codec import canonical
from syncd.ledger.store import Ledger
from syncd.ledger.transactions import Stamp

_NAME = "ledger.json"
_BACKUP = "backup-"
_WAY_ON = (
    "Nothing is pushed. If one of them was moved or swapped, undo that; if it is lost or was "
    "put back from a backup, `syncd rebuild` makes them fit again"
)
_steps = threading.RLock()


def read(directory: Path) -> Stamp | None:
    """The directory's stamp, or None if it has none.

    Raises:
        syncd.errors.LedgerMismatch: The file holds something else.
    """
    try:
        stored = json.loads((directory / _NAME).read_bytes())
        return Stamp(str(stored["ledger_id"]), int(stored["counter"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise LedgerMismatch(f"{directory / _NAME} cannot be read. {_WAY_ON}") from None


def write(directory: Path, stamp: Stamp) -> None:
    """Replace the directory's stamp, whole or not at all.

    Raises:
        syncd.errors.SyncdError: It cannot be written.
    """
    make_directory(directory)
    write_whole(directory / _NAME, canonical(stamp._asdict()).encode() + b"\n")


def check(ledger: Ledger, directory: Path) -> None:
    """Refuse a ledger and a directory of different times; mend the step of a crash.

    Raises:
        syncd.errors.LedgerMismatch: They do not belong together; says how.
    """
    there, here = read(directory), ledger.stamp()
    _refuse(directory, there, here)
    if there != here:
        write(directory, here)


def check_beside(ledger: Ledger, directory: Path) -> None:
    """As `check`, without the lock: another process may take its steps meanwhile.

    Raises:
        syncd.errors.LedgerMismatch: They do not belong together; says how.
    """
    there = read(directory)
    while True:
        here, again = ledger.stamp(), read(directory)
        if again == there:  # so the ledger was at most one step ahead when it was read
            break
        there = again
    _refuse(directory, there, here)


def mismatch(ledger: Ledger, directory: Path) -> str:
    """Why the two do not belong together, or ""; refuses nothing and mends nothing."""
    try:
        return _wrong(read(directory), ledger.stamp())
    except LedgerMismatch:
        return f"{_NAME} cannot be read"


def backup_id(made_at: datetime) -> str:
    """A ledger id for a backup of that moment."""
    return f"{_BACKUP}{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}-{uuid4().hex}"


def backed_up_at(ledger_id: str) -> str | None:
    """The moment of the backup that bears this id, in UTC; None if it is no backup's."""
    if not ledger_id.startswith(_BACKUP):
        return None
    return ledger_id.removeprefix(_BACKUP).rpartition("-")[0]


@contextmanager
def step(ledger: Ledger, directory: Path) -> Iterator[None]:
    """Wrap one `add_plan` or one `commit_generation`, and stamp the directory after it.

    One thread at a time, so that a crash never leaves more than one step between the two.

    Raises:
        syncd.errors.LedgerMismatch: They did not belong together even before.
    """
    with _steps:
        check(ledger, directory)
        yield
        write(directory, ledger.stamp())


def _refuse(directory: Path, there: Stamp | None, here: Stamp) -> None:
    wrong = _wrong(there, here)
    if wrong:
        raise LedgerMismatch(
            f"{directory} and the ledger do not belong together: {wrong}. {_WAY_ON}"
        )


def _wrong(there: Stamp | None, here: Stamp) -> str:
    """Why a directory's stamp and a ledger's cannot be of one moment, or ""."""
    put_back = _put_back(there, here)
    if put_back:
        return put_back
    if there is None:
        return "" if here.counter == 0 else f"{_NAME} is missing, the ledger is at {here.counter}"
    if there.ledger_id != here.ledger_id:
        return "the directory is another ledger's"
    if there.counter > here.counter:
        return f"the ledger is older, at {here.counter}; the directory is at {there.counter}"
    if here.counter - there.counter > 1:
        return f"the directory is older, at {there.counter}; the ledger is at {here.counter}"
    return ""


def _put_back(there: Stamp | None, here: Stamp) -> str:
    """Which of the two is a backup's, or ""."""
    made_at = backed_up_at(here.ledger_id)
    if made_at:
        return f"the ledger is the backup of {made_at}, what was pushed since is not known"
    made_at = backed_up_at(there.ledger_id) if there else None
    return f"the directory is of the backup of {made_at}, the ledger is not" if made_at else ""
