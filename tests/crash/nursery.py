"""Children that are `syncd` processes, born in a moment: `python -m tests.crash.nursery`.

To start Python and import both SDKs takes seconds; to fork a process that has done so
takes none. So a nursery imports once, and makes two syncs (`tests.crash.rehearsal`) of
which no channel, connection or thread is left; then it forks a child for each errand that
it reads from its standard input. The child is a process like any other: own pid, own files,
real signals, the console script's `main`. The nursery ends with its input.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

from tests.crash.mortal import Deed, Mortal, Point, fill_disk
from tests.crash.planted import plant
from tests.crash.rehearsal import rehearse

LONGEST = 120  # seconds that a child may live, and that an answer is waited for
ROOT = Path(__file__).parents[2]
_IMPORTED = (
    "connectors.google.channel",
    "connectors.google.client",
    "connectors.memory",
    "connectors.meta",
    "facebook_business.api",
    "facebook_business.session",
    "grpc._channel",
    "numpy.ma",
    "phonenumbers.data.region_NL",
    "pydantic.type_adapter",
    "sqlalchemy.dialects.sqlite",
    "sqlglot.dialects.sqlite",
    "syncd.cli.application",
    "syncd.cli.history",
    "syncd.cli.syncs",
    "syncd.ledger.migrate",
    "syncd.logs",
    "typer._adapters",
    "typer._click.decorators",
)
_BROKEN = 70  # the child raised what the command line does not catch


@dataclass(frozen=True)
class Errand:
    """A command to run in a child.

    Attributes:
        words: As after `syncd`.
        folder: Has the configuration, and gets `report`.
        death: Where `deed` is done to it.
        offset: Seconds that the child's clock is ahead.
        watched: Whether the hooks are installed.
        moment: Seconds after which it is killed, wherever it is.
        full: Whether the disk is full from the beginning.
        plant: A fault of `tests.crash.planted` to put into the child.
        user: Whom it becomes; for root, whom no file mode keeps out.
    """

    words: Sequence[str]
    folder: Path
    control: str
    death: Point | None = None
    max_rows: int = 4
    offset: float = 0.0
    watched: bool = True
    moment: float | None = None
    full: bool = False
    plant: str = ""
    deed: Deed = "kill"
    user: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: Its exit code, or minus the signal that ended it.
        passed: The points that it came to, and what was done there.
    """

    code: int
    said: str
    passed: tuple[tuple[Point, str], ...]

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass
class Nursery:
    """A running nursery; a context manager that ends it.

    Attributes:
        also: Modules that its children need beside those of every errand.
    """

    also: Sequence[str] = ()
    process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery", *self.also],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=LONGEST)

    def run(self, errand: Errand, *, stopped: Callable[[], object] | None = None) -> Ended:
        """Run a command in a child, to its end.

        Args:
            errand: What to run, and how.
            stopped: Called while the child is stopped; then it goes on.
        """
        (errand.folder / "report").write_bytes(b"")
        self._say(json.dumps(_packed(errand)))
        answer = self._hear()
        if answer == "stopped":
            try:
                if stopped is not None:
                    stopped()
            finally:
                self._say("go on")
            answer = self._hear()
        code, said = json.loads(answer)
        lines = (errand.folder / "report").read_text().splitlines()
        return Ended(code, said, tuple(_point(line) for line in lines))

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], LONGEST + 10)
        assert ready, f"the nursery did not answer in {LONGEST + 10} s"
        return self.process.stdout.readline().strip()


def _packed(errand: Errand) -> dict[str, object]:
    death = errand.death
    return {
        **vars(errand),
        "words": list(errand.words),
        "folder": str(errand.folder),
        "death": death and [death.kind, death.number, death.when],
    }


def _point(line: str) -> tuple[Point, str]:
    kind, number, when, what = line.split(" ", 3)
    return Point(kind, int(number), when), what  # type: ignore[arg-type]  # as `Mortal` wrote it


def main() -> None:
    """Fork a child for each line, and print how it ended and what it said."""
    _warm(sys.argv[1:])
    for line in sys.stdin:
        errand = json.loads(line)
        said, say = os.pipe()  # no file: a full disk must not swallow what is said of it
        child = os.fork()
        if child == 0:
            _live(errand, say)
        os.close(say)
        if errand["moment"] is not None:
            select.select([], [], [], errand["moment"])
            os.kill(child, signal.SIGKILL)  # ended or not: its number is kept until the wait
        status = _waited(child)
        with os.fdopen(said, errors="replace") as words:
            _print(json.dumps([os.waitstatus_to_exitcode(status), words.read()]))
    os._exit(0)  # without the farewells of libraries that were never used here


def _waited(child: int) -> int:
    """How it ended; if it stops on the way, it goes on when we are told so."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        _print("stopped")
        sys.stdin.readline()
        os.kill(child, signal.SIGCONT)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _warm(also: Sequence[str]) -> None:
    """Import what a sync imports, its libraries' late imports too; leave nothing open."""
    for name in (*_IMPORTED, *also):
        importlib.import_module(name)
    rehearse(_command)
    gc.collect()
    gc.freeze()  # children neither search nor copy what they share


def _live(errand: dict[str, Any], say: int) -> NoReturn:
    """The child's whole life."""
    code = _BROKEN
    try:
        signal.alarm(LONGEST)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # which kills where files may not grow
        folder = Path(errand["folder"])
        _redirect(say)
        if errand["plant"]:
            plant(errand["plant"])
        if errand["watched"]:
            _watch(errand)
        if errand["full"]:
            fill_disk()
        if errand["user"] is not None:
            os.setgid(errand["user"])
            os.setuid(errand["user"])
        code = _command(errand["words"], folder / "syncd.yaml")
    except BaseException:  # noqa: BLE001 - nothing may reach the nursery's loop
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch(errand: dict[str, Any]) -> None:
    """Install the hooks; nothing is reported where files may not grow."""
    cramped = errand["full"] or errand["deed"] == "fill the disk"
    report = os.devnull if cramped else f"{errand['folder']}/report"
    opened = os.open(report, os.O_WRONLY | os.O_APPEND)
    death = Point(*errand["death"]) if errand["death"] else None
    # As a shell starts a command: who started the tests in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    mortal = Mortal(opened, death, errand["control"], errand["deed"])
    mortal.install(max_rows=errand["max_rows"], offset=errand["offset"])


def _command(words: Sequence[str], config: Path) -> int:
    from syncd.cli import main as command_line  # noqa: PLC0415

    sys.argv = ["syncd", *words, "--config", str(config)]
    try:
        command_line()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _redirect(say: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (say, 1), (say, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()
