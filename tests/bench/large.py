"""A large audience on one platform, from a shop to digests: what `meta` and `google` measure.

All members are added, then a tenth get another e-mail, then a twentieth leave: each time by
`syncd sync --wait` as a process of its own, over the real SDK, to the local platform in this
one. After each, what the audience holds is compared with what it should hold, digest by digest
and person by person, and the requests with the fewest that can be.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from connectors.sandbox import Sandbox
from connectors.sandbox.state import Identifier
from tests.integration.commands import Desk

SQL = "SELECT customer_key, email, phone AS {}, 'granted' AS ad_consent FROM customers"
EVERY = 0.05  # seconds between two looks at a command's memory


@dataclass(frozen=True)
class Case:
    """A connector, and what is known of its platform beforehand.

    Attributes:
        kind: Of the identifier that each member has beside an e-mail, and keeps.
        value: What it is in the shop, of a customer's number.
        held: The same as the platform holds it.
        fewest: The requests that carry so many members to remove and to add, by the names that
            the sandbox gives them; other requests are not counted.
    """

    connector: str
    kind: str
    value: Callable[[int], str]
    held: Callable[[int], Identifier]
    fewest: Callable[[int, int], Mapping[str, int]]

    @property
    def account(self) -> str:
        """Of the desk's two."""
        return "meta" if self.connector == "meta" else "google"


@dataclass(frozen=True)
class Step:
    """What one command came to.

    Attributes:
        peak: Its resident memory at most, bytes.
        requests: By name, of those that are counted.
        fewest: How many of each there must be.
        equal: Whether the audience held what it should afterwards.
    """

    name: str
    seconds: float
    peak: int
    requests: Mapping[str, int]
    fewest: Mapping[str, int]
    equal: bool

    @property
    def good(self) -> bool:
        """As many requests as there must be, and the audience as it should be."""
        return self.equal and self.requests == self.fewest


def as_process(desk: Desk) -> int:
    """Sync as an operator does; the most memory that it took, in bytes."""
    return run("sync", "everyone", "--wait", config=desk.config, folder=desk.folder)


@dataclass
class Scene:
    """A shop of numbered customers, and which of them has which e-mail.

    Attributes:
        sync: Carries the sync out, and waits for the platform; the most memory it took, in bytes.
    """

    case: Case
    desk: Desk
    members: int
    sync: Callable[[Desk], int] = as_process

    def begin(self) -> None:
        """Fill the shop and write a sync that sends both identifiers."""
        case, desk = self.case, self.desk
        desk.sql("everyone", SQL.format(case.kind))
        desk.settings["accounts"][case.account]["connector"] = case.connector
        desk.sync.update(account=case.account, identifiers=["email", case.kind])
        desk.save()
        desk.change(
            "INSERT INTO customers (customer_key, email, phone) VALUES (?, ?, ?)",
            ((f"c:{n:08}", email(n, 0), case.value(n)) for n in range(self.members)),
        )

    def expected(self, *, changed: bool, left: bool) -> Iterator[Identifier]:
        """What the audience should hold."""
        for n in range(self.members):
            if not (left and n % 20 == 1):
                moved = changed and n % 10 == 0
                yield "email", sha256(email(n, int(moved)))
                yield self.case.held(n)

    def step(self, name: str, fewest: Mapping[str, int], *, changed: bool, left: bool) -> Step:
        """Sync, and look at what came of it."""
        desk, google = self.desk, self.case.account == "google"
        world = desk.local.google_world if google else desk.local.meta_world
        before = world.requests
        begun = time.perf_counter()
        peak = self.sync(desk)
        seconds = time.perf_counter() - begun
        requests = {one: world.requests[one] - before[one] for one in fewest}
        expected = frozenset(self.expected(changed=changed, left=left))
        # Each member has two identifiers, and shares none.
        persons = desk.audience(google=google).size
        equal = desk.held(google=google) == expected and persons == len(expected) // 2
        return Step(name, seconds, peak, requests, fewest, equal)

    def live(self) -> Iterator[Step]:
        """The three runs."""
        fewest = self.case.fewest
        changed, left = -(-self.members // 10), len(range(1, self.members, 20))
        yield self.step("added", fewest(0, self.members), changed=False, left=False)
        self.desk.change("UPDATE customers SET email = '1' || email WHERE rowid % 10 = 1")
        yield self.step("a tenth changed", fewest(changed, changed), changed=True, left=False)
        self.desk.change("DELETE FROM customers WHERE rowid % 20 = 2")
        yield self.step("a twentieth left", fewest(left, 0), changed=True, left=True)


def email(number: int, version: int) -> str:
    """An address, and the one that its owner has afterwards."""
    return f"{'1' * version}m{number}@example.com"


def sha256(text: str) -> str:
    """Its digest in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def full(rows: int, most: int) -> int:
    """The fewest requests that carry so many members."""
    return -(-rows // most)


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
                peak = max(peak, resident(process.pid))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(EVERY)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read())
    return peak


def resident(pid: int) -> int:
    """The most memory that a process had so far, in bytes; 0 once it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measure(case: Case, sandbox: Sandbox, members: int) -> Iterator[Step]:
    """All steps for so many members."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(case, Desk(Path(folder), sandbox), members)
        scene.begin()
        yield from scene.live()


def table(case: Case, sandbox: Sandbox, *members: int) -> bool:
    """Print a line for each step; whether everything was as it should be."""
    names = tuple(case.fewest(0, 0))
    heads = "".join(f"{name:>16}" for name in names)
    print(f"{case.connector}: requests that were, of the fewest that can be")
    print(f"{'members':>10}  {'run':<17}{heads}{'seconds':>9}{'peak MB':>9}  equal")
    good = True
    for count in members:
        for step in measure(case, sandbox, count):
            counts = "".join(f"{f'{step.requests[n]} of {step.fewest[n]}':>16}" for n in names)
            print(
                f"{count:>10,}  {step.name:<17}{counts}{step.seconds:>9.1f}"
                f"{step.peak / 1e6:>9.0f}  {'yes' if step.equal else 'NO'}",
                flush=True,
            )
            good = good and step.good
    return good
