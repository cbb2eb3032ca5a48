"""Where a command's CPU goes: `python -m tests.bench.stages FILE COMMAND...` runs `syncd COMMAND`.

Looks at all threads a hundred times a second: what each took since, as the system counts it, goes
to the stage of the innermost of our modules on its stack. Threads that are not Python's (DuckDB's,
Arrow's) work for whatever the main thread is at. Writes seconds by stage into FILE, as JSON, and
beside them what encryption takes of these; what looking takes is not among them.
`tests.bench.pipeline --profile` prints them.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

ROOT = str(Path(__file__).parents[2])
EVERY = 0.01  # seconds
# By the beginning of a module's path, the first that fits.
ROOMS = (
    ("syncd/shop/", "read"),
    ("syncd/identity/", "digest"),
    ("syncd/membership/fold", "fold"),
    ("syncd/membership/", "compare"),
    ("syncd/ledger/", "receipts"),
    ("connectors/columns", "build"),
    ("connectors/google_rows", "build"),
    ("connectors/google/wire", "build"),
    ("connectors/meta/payload", "build"),
    ("connectors/meta/form", "build"),
    ("connectors/", "send"),
)
# Blocks are written and read, and rows are named, for several stages: by the method of the
# membership.
FILES = tuple(
    f"syncd/membership/{name}" for name in ("blocks", "packing", "carrying", "members", "names")
)
NAMES = "syncd/hashes"  # likewise, and for requests
BY_METHOD = {"receive": "seal", "plan": "plan file", "of": "build", "cut": "build", "fold": "fold"}
STAGES = ("read", "digest", "seal", "compare", "plan file", "build", "send", "receipts", "fold")
START, REST = "start", "rest"  # imports; and what is none of these
# Beside them, for they are part of several: blocks are encrypted, or read and decrypted.
CIPHER = "encryption"
_CIPHER = frozenset({"_seal", "_decrypted", "_opened"})  # methods of `syncd.membership.blocks`


def stage(frame: FrameType | None) -> str:
    """Of the innermost of our modules on a stack."""
    for path, _, outer in _ours(frame):
        if path.startswith((*FILES, NAMES)):
            methods = (method for _, method, _ in _ours(outer))
            found = next((BY_METHOD[one] for one in methods if one in BY_METHOD), None)
            if found or path.startswith(FILES):
                return found or "seal"
        if path.startswith("<frozen importlib"):
            return START
        for room, name in ROOMS:
            if path.startswith(room):
                return name
    return REST


def ciphers(frame: FrameType | None) -> bool:
    """Whether a thread is at what encryption takes."""
    path, method, _ = next(_ours(frame), ("", "", None))
    return path == "syncd/membership/blocks.py" and method in _CIPHER


def _ours(frame: FrameType | None) -> Iterator[tuple[str, str, FrameType]]:
    """Modules of ours and imports, from the inside out: path, function and its frame."""
    while frame is not None:
        path = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if path.startswith(("syncd/", "connectors/", "<frozen importlib")):
            yield path, frame.f_code.co_name, frame
        frame = frame.f_back


class Watch(threading.Thread):
    """Looks until it is told to stop.

    Attributes:
        seconds: CPU by stage.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seconds = dict.fromkeys((*STAGES, START, REST, CIPHER), 0.0)
        self._stopped = threading.Event()
        self._before = dict[int, int]()

    def run(self) -> None:
        """Look, and wait."""
        while not self._stopped.wait(EVERY):
            self._look()

    def stop(self) -> None:
        """Look once more, and end."""
        self._stopped.set()
        self.join()
        self._look()

    def _look(self) -> None:
        frames = sys._current_frames()
        known = {one.native_id: frames.get(one.ident or 0) for one in threading.enumerate()}
        main = frames.get(threading.main_thread().ident or 0)
        for task, taken in _tasks():
            spent = taken - self._before.get(task, 0)
            self._before[task] = taken
            if task != self.native_id:
                frame = known.get(task, main)
                self.seconds[stage(frame)] += spent / 1e9
                self.seconds[CIPHER] += spent / 1e9 if ciphers(frame) else 0.0


def _tasks() -> Iterator[tuple[int, int]]:
    """Threads of this process, and the nanoseconds that each has run."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError, IndexError):  # it has ended, or is about to and says nothing
            yield int(task.name), int((task / "schedstat").read_text("ascii").split()[0])


def main(file: str, *command: str) -> None:
    """Run a command and write down where it spent its time."""
    sys.argv = ["syncd", *command]
    watch = Watch()
    watch.start()
    try:
        from syncd.cli import main as syncd  # noqa: PLC0415  # watched, too

        syncd()
    finally:
        watch.stop()
        Path(file).write_text(json.dumps(watch.seconds), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
