"""A large audience at Meta: `python -m tests.bench.meta [MEMBERS]`, a million by default.

All members are added, then a tenth get another e-mail, then a twentieth leave: each time by
`syncd sync` as a process of its own, over the real SDK, to the local platform in this one.
After each, what the audience holds is compared with what it should hold, digest by digest,
and the requests with the fewest that can be, by this formula:

    a first sync                 ceil(members / rows)                              to add
    a tenth changes its e-mail   ceil(changed / rows) to remove, ceil(changed / rows) to add
    a twentieth leaves           ceil(left / rows) to remove

`rows` is Meta's limit, 10,000 a request: each member here is one of Meta's rows. One with
several e-mails or phones is as many (`tests/unit/test_cutting.py`). Prints requests, seconds
and the peak memory of each command, for a tenth of the members first: what memory grows by is
what a comparison holds, keys and identifiers of 128 bits. Exits 1 if anything is not as it
should be.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connectors.meta.payload import WIRE_ROWS as ROWS
from connectors.sandbox import Sandbox, start
from connectors.sandbox.state import Identifier
from tests.integration.commands import Desk

MEMBERS = 1_000_000
SQL = "SELECT customer_key, email, phone AS external_id, 'granted' AS ad_consent FROM customers"
EVERY = 0.05  # seconds between two looks at a command's memory


@dataclass(frozen=True)
class Step:
    """What one command came to.

    Attributes:
        peak: Its resident memory at most, bytes.
        added, removed: Requests of each kind.
        fewest: How many of each there must be.
    """

    name: str
    seconds: float
    peak: int
    added: int
    removed: int
    fewest: tuple[int, int]
    equal: bool

    @property
    def good(self) -> bool:
        """As many requests as there must be, and the audience as it should be."""
        return self.equal and (self.added, self.removed) == self.fewest


@dataclass
class Scene:
    """A shop of numbered customers, and which of them has which e-mail."""

    desk: Desk
    members: int

    def begin(self) -> None:
        """Fill the shop and write a sync that sends e-mails and external ids."""
        self.desk.sql("everyone", SQL)
        self.desk.sync["identifiers"] = ["email", "external_id"]
        self.desk.save()
        self.desk.change(
            "INSERT INTO customers (customer_key, email, phone) VALUES (?, ?, ?)",
            ((f"c:{n:08}", email(n, 0), f"C-{n}") for n in range(self.members)),
        )

    def expected(self, *, changed: bool, left: bool) -> Iterator[Identifier]:
        """What the audience should hold."""
        for n in range(self.members):
            if not (left and n % 20 == 1):
                moved = changed and n % 10 == 0
                yield "email", hashlib.sha256(email(n, int(moved)).encode()).hexdigest()
                yield "external_id", f"C-{n}"

    def step(self, name: str, fewest: tuple[int, int], *, changed: bool, left: bool) -> Step:
        """Sync, and look at what came of it."""
        world = self.desk.local.meta_world
        before = world.requests
        begun = time.perf_counter()
        peak = run("sync", "everyone", config=self.desk.config, folder=self.desk.folder)
        seconds = time.perf_counter() - begun
        added, removed = (world.requests[one] - before[one] for one in ("add", "remove"))
        expected = frozenset(self.expected(changed=changed, left=left))
        equal = self.desk.held() == expected
        return Step(name, seconds, peak, added, removed, fewest, equal)

    def live(self) -> Iterator[Step]:
        """The three runs."""
        changed, left = -(-self.members // 10), len(range(1, self.members, 20))
        yield self.step("added", (requests(self.members), 0), changed=False, left=False)
        self.desk.change("UPDATE customers SET email = '1' || email WHERE rowid % 10 = 1")
        fewest = requests(changed), requests(changed)
        yield self.step("a tenth changed", fewest, changed=True, left=False)
        self.desk.change("DELETE FROM customers WHERE rowid % 20 = 2")
        yield self.step("a twentieth left", (0, requests(left)), changed=True, left=True)


def email(number: int, version: int) -> str:
    """An address, and the one that its owner has afterwards."""
    return f"{'1' * version}m{number}@example.com"


def requests(rows: int) -> int:
    """The fewest that carry so many members."""
    return -(-rows // ROWS)


def run(*words: str, config: Path, folder: Path) -> int:
    """Run a command as a process; the most memory that it had, in bytes.

    Looked at while it runs: what the system says of a child that has ended counts what its
    parent had when it was begun.
    """
    peak = 0
    with (folder / "said").open("w+") as said:
        command = [sys.executable, "-m", "syncd", *words, "--config", str(config)]
        with subprocess.Popen(command, stdout=said, stderr=said) as process:
            while process.poll() is None:
                peak = max(peak, _resident(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(EVERY)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
    return peak


def _resident(pid: int) -> int:
    """The most memory that a process had so far, in bytes; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measure(sandbox: Sandbox, members: int) -> list[Step]:
    """All steps for so many members."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Desk(Path(folder), sandbox), members)
        scene.begin()
        return list(scene.live())


def main(members: int) -> int:
    """Print the table; 1 if anything is not as it should be."""
    heads = ("members", "run", "to remove", "to add", "fewest", "seconds", "peak MB", "equal")
    print("{:>10}  {:<17}{:>10}{:>8}{:>10}{:>9}{:>9}  {}".format(*heads))
    good = True
    with start() as sandbox:
        for count in (members // 10, members):
            for step in measure(sandbox, count):
                add, remove = step.fewest
                print(
                    f"{count:>10,}  {step.name:<17}{step.removed:>10}{step.added:>8}"
                    f"{f'{remove}+{add}':>10}{step.seconds:>9.1f}{step.peak / 1e6:>9.0f}  "
                    f"{'yes' if step.equal else 'NO'}"
                )
                good = good and step.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MEMBERS))
