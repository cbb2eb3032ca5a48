"""A shop and a configuration to sync by, as processes that are measured."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.bench.discarding import ROOT, Platforms
from tests.bench.large import resident
from tests.bench.shops import Shop

NUMBERS = itertools.count(1)  # of accounts, whose audiences nobody else fills
EVERY = 0.02  # seconds between two looks at a process's memory


@dataclass(frozen=True)
class Took:
    """What one process came to.

    Attributes:
        peak: Its resident memory at most, bytes.
        requests: That reached the platforms, by kind.
    """

    seconds: float
    cpu: float
    peak: int
    requests: Mapping[str, int]


@dataclass
class Desk:
    """A shop, and a configuration that sends it to a platform; as often as one wants anew.

    Attributes:
        parts: Audiences that the members are cut into.
        same: All of them are of one segment, the first part of the members.
    """

    folder: Path
    shop: Shop
    platforms: Platforms
    platform: str = "meta"
    parts: int = 1
    same: bool = False
    number: int = 0

    @property
    def var(self) -> Path:
        """The ledger's directory."""
        return self.folder / f"var{self.number}"

    def anew(self) -> None:
        """Begin with nobody: another directory, the last one gone, and another account."""
        for old in self.folder.glob("var*"):
            shutil.rmtree(old)
        self.number = next(NUMBERS)
        accounts = {
            "meta": {
                "account_id": f"act_{self.number}",
                "access_token": "sandbox-token",
                "endpoint": self.platforms.meta,
            },
            "google": {
                "customer_id": f"{1_000_000_000 + self.number}",
                "credentials": "anonymous",
                "endpoint": self.platforms.google,
            },
        }
        names = [f"part{n:02}" for n in range(self.parts)]
        settings = {
            "shop": {"url": self.shop.database.url, "default_country": "NL"},
            "ledger": {"url": f"sqlite:///{self.var / 'ledger.db'}", "directory": str(self.var)},
            "accounts": {"one": {"connector": self.platform, **accounts[self.platform]}},
            "segments": {name: {"sql": f"{name}.sql"} for name in names},
            "syncs": {
                name: {
                    "segment": names[0] if self.same else name,
                    "account": "one",
                    "audience": name,
                }
                for name in names
            },
        }
        each = self.shop.members // self.parts
        for n, name in enumerate(names):
            some = (n * each, each) if self.parts > 1 else ()
            (self.folder / f"{name}.sql").write_text(self.shop.statement(*some), "utf-8")
        self.config.write_text(yaml.safe_dump(settings), "utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "syncd.yaml"

    @property
    def command(self) -> list[str]:
        """A sync of all audiences."""
        names = [f"part{n:02}" for n in range(self.parts)]
        return ["sync", *names, "--config", str(self.config)]

    def sync(self) -> Took:
        """Sync as an operator does."""
        return measured([sys.executable, "-m", "syncd", *self.command], self.folder, self.platforms)

    @property
    def on_disk(self) -> int:
        """Bytes in the ledger's directory."""
        return sum(one.stat().st_size for one in self.var.rglob("*") if one.is_file())


def measured(command: Sequence[str], folder: Path, platforms: Platforms) -> Took:
    """Run a command to its end, and see what it took."""
    counts, used = platforms.counts(), resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, begun = 0, time.perf_counter()
    with (folder / "said").open("w+") as said:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=said, env=environment
        ) as process:
            while process.poll() is None:
                peak = max(peak, resident(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(EVERY)
        seconds = time.perf_counter() - begun
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = ended.ru_utime + ended.ru_stime - used.ru_utime - used.ru_stime
    return Took(seconds, cpu, peak, platforms.counts() - counts)
