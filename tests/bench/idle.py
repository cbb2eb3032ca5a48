"""What syncd takes while it does nothing: `python -m tests.bench.idle`.

Prints, each with its limit: how exposed the units are, how long `syncd --help` and `syncd
status` take to answer beside a Python that does nothing, and what memory the daemon holds
before its first run, when it is ready and 60 looks at its schedule later. The daemon is
`syncd run`, told to ping its watchdog so often that it looks each tenth of a second. Exits 1
where a size is over its limit; a time depends on who else uses the machine, and is only told.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.sandbox import start
from syncd.cli.output import table
from tests.integration.commands import Desk
from tests.integration.daemons import started
from tests.unit.test_systemd import LETTERS, LIMITS, UNITS, exposure

ROOT = Path(__file__).parents[2]
MEMORY = 120.0  # MB, resident
HELP = 300.0  # ms of wall clock
ROUNDS = 11
TICKS = 60
WATCHDOG = 0.3  # seconds; the daemon looks three times as often
FAR_AWAY = {"cron": "30 4 29 2 *"}  # the first run is due in a leap year's February


@dataclass(frozen=True, slots=True)
class Measured:
    """A line of the table.

    Attributes:
        size: Whether it is the same whoever else uses the machine.
    """

    what: str
    unit: str
    value: float
    limit: float | None = None
    size: bool = False

    @property
    def over(self) -> bool:
        return self.limit is not None and self.value > self.limit

    def cells(self) -> tuple[str, str, str, str]:
        verdict = "" if self.limit is None else "over" if self.over else "ok"
        limit = "" if self.limit is None else f"{self.limit:g}"
        return f"{self.what}, {self.unit}", f"{self.value:.1f}", limit, verdict


def exposures(analyze: str | None) -> Iterator[Measured]:
    """How exposed each unit is, 0 to 10, as `systemd-analyze security` sees it."""
    for letter, limit in LIMITS.items() if analyze else ():
        figure, _ = exposure(str(analyze), UNITS / LETTERS[letter])
        yield Measured(LETTERS[letter], "exposure", figure, limit, size=True)


def starts(config: Path, rounds: int) -> Iterator[Measured]:
    """Medians of commands as processes of their own, one after the other in each round."""
    commands = {
        "python -c pass": ("-c", "pass"),
        "syncd --help": ("-m", "syncd", "--help"),
        "syncd status": ("-m", "syncd", "status", "--config", str(config)),
    }
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, words in commands.items():
            took[name].append(timed([sys.executable, *words]))
    for name, each in took.items():
        wall, cpu = (statistics.median(seconds) * 1000 for seconds in zip(*each, strict=True))
        yield Measured(name, "ms", wall, HELP if name == "syncd --help" else None)
        yield Measured(name, "ms of CPU", cpu)


def timed(words: Sequence[str]) -> tuple[float, float]:
    """Seconds that a process took, by the clock on the wall and of a processor."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, words)
    return took, used.ru_utime + used.ru_stime


def idle(desk: Desk, ticks: int) -> Iterator[Measured]:
    """Memory of a daemon whose first run is far away."""
    desk.sync["schedule"] = FAR_AWAY
    desk.also("google", account="google", audience="G")
    with started(desk, watchdog=WATCHDOG) as daemon:
        yield Measured("daemon, ready", "MB", resident(daemon.process.pid), MEMORY, size=True)
        for _ in range(ticks):
            daemon.told("WATCHDOG=1")
        after = resident(daemon.process.pid)
        yield Measured(f"daemon, {ticks} looks later", "MB", after, MEMORY, size=True)
        if code := daemon.stop():
            raise RuntimeError(f"the daemon ended with {code}")


def resident(process: int) -> float:
    """Resident memory of a process, in MB of 1024 * 1024 bytes."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) / 1024


def main() -> int:
    """Print the table; 1 if a size is over its limit."""
    analyze = shutil.which("systemd-analyze")
    with tempfile.TemporaryDirectory() as folder, start() as sandbox:
        desk = Desk(Path(folder), sandbox)
        found = [*exposures(analyze), *idle(desk, TICKS), *starts(desk.config, ROUNDS)]
    table(("what", "measured", "limit", ""), [each.cells() for each in found])
    if analyze is None:
        print("the units were not looked at: there is no systemd-analyze here")
    load = os.getloadavg()[0]
    print(f"times: medians of {ROUNDS}; Python {sys.version.split()[0]}, load {load:.0f}")
    return 1 if any(each.over and each.size for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
