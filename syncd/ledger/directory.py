"""The ledger and its directory carry each other's generation.

`ledger.json` in the directory repeats the ledger's stamp. A crash between a commit and
the file leaves the file one step behind; everything else means that one of the two was
put back, swapped or lost, and that what is on the platforms is not known.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd.errors import LedgerMismatch
from syncd.ledger.codec import canonical
from syncd.ledger.files import make_directory, write_whole
from syncd.ledger.store import Ledger
from syncd.ledger.transactions import Stamp

_NAME = "ledger.json"
_WAY_ON = (
    "Nothing is pushed. Put back the ledger and its directory from one backup, "
    "or start over with `syncd rebuild`"
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
    if there == here:
        return
    wrong = _wrong(there, here)
    if wrong:
        raise LedgerMismatch(
            f"{directory} and the ledger do not belong together: {wrong}. {_WAY_ON}"
        )
    write(directory, here)


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


def _wrong(there: Stamp | None, here: Stamp) -> str:
    """Why two stamps cannot be of one moment, or ""."""
    if there is None:
        return "" if here.counter == 0 else f"{_NAME} is missing, the ledger is at {here.counter}"
    if there.ledger_id != here.ledger_id:
        return "the directory is another ledger's"
    if there.counter > here.counter:
        return f"the ledger is older, at {here.counter}; the directory is at {there.counter}"
    if here.counter - there.counter > 1:
        return f"the directory is older, at {there.counter}; the ledger is at {here.counter}"
    return ""
