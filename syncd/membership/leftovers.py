"""Files that nobody needs any more, and those that somebody is about to need."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from syncd.errors import Unwritten

ABOUT_TO_BE_NAMED = 3600.0  # seconds
SUFFIXES = (".snapshot", ".plan", ".members")
_WAITING = 0  # in place of a thread: no thread's number


class Leftovers:
    """Sweeps a directory in which runs of several threads write; may be shared by them.

    What a run writes is named by a row only afterwards, and a snapshot only once its plan
    is. Until a thread says that its run is over, no other thread sweeps what it wrote.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._writers: dict[str, int] = {}
        self._turn = threading.Lock()

    def written(self, name: str) -> None:
        """Note that this thread is about to write a file."""
        with self._turn:
            self._writers[name] = threading.get_ident()

    def set_aside(self, name: str) -> None:
        """Note that what this thread has written waits for another one, however long."""
        with self._turn:
            self._writers[name] = _WAITING

    def discard(self, name: str) -> None:
        """Delete a file that no row names and nobody waits for any more.

        It may not be there. Where it cannot be deleted, it is left to a sweep.
        """
        with suppress(OSError):
            (self._directory / name).unlink(missing_ok=True)
        with self._turn:
            self._writers.pop(name, None)

    def let_go(self) -> None:
        """Note that this thread needs nothing more that no row names."""
        here = threading.get_ident()
        with self._turn:
            self._writers = {name: at for name, at in self._writers.items() if at != here}

    def sweep(self, named: Callable[[], frozenset[str]]) -> int:
        """Delete files that no row of the ledger names; says how many.

        Args:
            named: Asks the ledger. Last of all: what was named and let go of since the look
                at the directory would else be taken for a leftover.

        Raises:
            syncd.errors.Unwritten: One cannot be deleted.
        """
        found = list(self._directory.iterdir())
        kept = self._of_others()
        kept |= named()
        stale = [path for path in found if path.name not in kept and _is_ours(path)]
        for path in stale:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise Unwritten(path, error) from None
        return len(stale)

    def sweep_given(self, named: frozenset[str]) -> None:
        """Delete files of digests that no open erasure names.

        Not a young one: another process may have written it, and is about to name it.
        """
        for path in self._directory.glob("*.erasure"):
            if path.name not in named and not _is_young(path):
                path.unlink(missing_ok=True)

    def _of_others(self) -> frozenset[str]:
        here = threading.get_ident()
        with self._turn:
            names = [name for name, at in self._writers.items() if at != here]
        return frozenset([*names, *(f".{name}.tmp" for name in names)])


def _is_ours(path: Path) -> bool:
    if path.suffix == ".tmp":
        # An erasure is asked for without the lock, so by any process.
        return not (path.stem.endswith(".erasure") and _is_young(path))
    return path.suffix in SUFFIXES and path.is_file()


def _is_young(path: Path) -> bool:
    try:
        return path.stat().st_mtime >= time.time() - ABOUT_TO_BE_NAMED
    except FileNotFoundError:
        return True
