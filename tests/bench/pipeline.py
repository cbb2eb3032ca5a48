"""Ten million members on two cores: `python -m tests.bench.pipeline [MEMBERS] [options]`.

A million by default. Prints issue 8's table: each case is `syncd sync` as a process of its own,
over the real SDK, to platforms in another process that count requests and keep nobody
(`tests.bench.discarding`). Of each: wall seconds and CPU seconds of the syncd process, medians of
`--rounds`, and its peak memory, the most of them; requests sent, and the fewest that carry as many
rows; beside it the reach, for ten million, and what of it falls to so many members. Seconds of a
reach are in proportion, megabytes are not.

    first       a first sync to Meta: e-mail, phone, name, postcode, country; clean phones
    plain       the same by a plain script (`tests.bench.plain`), of 200,000 at most, in proportion
    messy       a tenth of the phones as people write them
    google      a first sync to Google; to a platform on this machine no quota is kept to
    unchanged   nothing changed; and what the ledger's directory takes on disk
    changed     a thousandth changed: thirds left, have another e-mail, came
    five        five times the members
    twenty      20 audiences of a twentieth each, in one command
    same        the same of one segment, which is read once for all of them
    uuid        UUIDs as keys, where the others have numbers

Options: `--cases first,changed`, `--on sqlite,postgresql`, `--rounds 3`. Of MariaDB (`mysql`) it
prints what reading as many members takes, see `tests.bench.reading`. `--check` looks at shape
and not at time, of `first` and `changed` on SQLite, and exits 1 if requests are not the fewest, or
memory or cost not in bounds. `--profile` prints CPU by stage of a first sync instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from connectors.meta.schema import WIRE_ROWS as ROWS  # Google takes as many
from tests.bench.desk import Desk, Took, measured
from tests.bench.discarding import Platforms, discarding
from tests.bench.floor import floor
from tests.bench.large import full
from tests.bench.reading import STATEMENT, fill, reads
from tests.bench.shops import BLOCK, shop
from tests.bench.stages import CIPHER, START
from tests.integration.databases import Dialect, fresh_database

MEMBERS = 1_000_000
OF = 10_000_000  # members of the reach
KINDS = ("add", "remove")
PLAIN = 200_000
CASES = (
    "first",
    "plain",
    "messy",
    "google",
    "unchanged",
    "changed",
    "five",
    "twenty",
    "same",
    "uuid",
)
MOST = 500_000_000  # bytes of memory, however many members
TIMES = {"five": 5.0, "twenty": 1.5, "same": 1.5, "uuid": 1.3}  # what `first` takes, at most
SHARE = 0.25  # of a first sync's CPU, for a thousandth changed
TRIES = 3  # until it is
DAYS = 3  # on which as many change, when that is held to: a day's changes lie beside those before
REACH: Mapping[str, tuple[float, int | None]] = {  # seconds, MB
    "first": (20, 500),
    "messy": (32, None),
    "google": (45, 500),
    "unchanged": (4, None),
    "changed": (5, 300),
}


@dataclass(frozen=True)
class Line:
    """A case's medians.

    Attributes:
        fewest: Requests that must be made.
        on_disk: Bytes in the ledger's directory afterwards, where that is told.
    """

    case: str
    dialect: str
    members: int
    took: tuple[Took, ...]
    fewest: Mapping[str, int]
    on_disk: int = 0

    @property
    def seconds(self) -> float:
        return statistics.median(one.seconds for one in self.took)

    @property
    def cpu(self) -> float:
        return statistics.median(one.cpu for one in self.took)

    @property
    def least(self) -> float:
        """CPU seconds of the best round."""
        return min(one.cpu for one in self.took)

    @property
    def peak(self) -> int:
        return max(one.peak for one in self.took)

    @property
    def good(self) -> bool:
        """As many requests as there must be."""
        return all(one.requests[kind] == self.fewest[kind] for one in self.took for kind in KINDS)


@dataclass(frozen=True)
class Bench:
    """What is to be measured.

    Attributes:
        cases: Of `CASES`.
        days: How often in a row a thousandth changes.
    """

    platforms: Platforms
    dialect: Dialect
    members: int
    rounds: int
    cases: frozenset[str]
    days: int

    def lines(self) -> Iterator[Line]:
        """All cases, as they are done."""
        if self.cases - {"messy", "uuid", "five"}:
            with self._desk(self.members) as desk:
                yield from self._of_clean_phones(desk)
        if "messy" in self.cases:
            with self._desk(self.members, messy=True) as desk:
                yield self._first("messy", desk)
        if "uuid" in self.cases:
            with self._desk(self.members, uuid=True) as desk:
                yield self._first("uuid", desk)
        if "five" in self.cases:
            with self._desk(5 * self.members) as desk:
                yield self._first("five", desk)

    def _of_clean_phones(self, desk: Desk) -> Iterator[Line]:
        if "plain" in self.cases and self.dialect == "sqlite":
            yield self._plain(desk)
        if "google" in self.cases:
            yield self._first("google", replace(desk, platform="google"))
        if "twenty" in self.cases:
            yield self._first("twenty", replace(desk, parts=20))
        if "same" in self.cases:
            yield self._first("same", replace(desk, parts=20, same=True))
        if "first" in self.cases:
            yield self._first("first", desk)
        elif self.cases & {"unchanged", "changed"}:
            desk.anew()
            desk.sync()
        if "unchanged" in self.cases:
            took = tuple(desk.sync() for _ in range(self.rounds))
            none = {"add": 0, "remove": 0}
            yield Line("unchanged", self.dialect, self.members, took, none, desk.on_disk)
        if "changed" in self.cases:
            yield self._changed(desk)

    def _changed(self, desk: Desk) -> Line:
        took, each = list[Took](), 0
        for _ in range(self.days):
            each = desk.shop.change()
            took.append(desk.sync())
        # Who came is added, and who has another e-mail sent again: phases of their own.
        fewest = {"add": 2 * full(each, ROWS), "remove": full(2 * each, ROWS)}
        return Line("changed", self.dialect, self.members, tuple(took), fewest)

    @contextmanager
    def _desk(self, members: int, *, messy: bool = False, uuid: bool = False) -> Iterator[Desk]:
        with (
            shop(self.dialect, members, messy=messy, uuid=uuid) as filled,
            tempfile.TemporaryDirectory() as folder,
        ):
            yield Desk(Path(folder), filled, self.platforms)

    def _first(self, case: str, desk: Desk) -> Line:
        took = []
        for _ in range(self.rounds):
            desk.anew()
            took.append(desk.sync())
        each = desk.shop.members // desk.parts
        return Line(
            case=case,
            dialect=self.dialect,
            members=desk.shop.members,
            took=tuple(took),
            fewest={"add": desk.parts * full(each, ROWS), "remove": 0},
        )

    def _plain(self, desk: Desk) -> Line:
        members = min(self.members, PLAIN)
        path = str(make_url(desk.shop.database.url).database)
        given = (path, self.platforms.meta, str(members))
        command = [sys.executable, "-m", "tests.bench.plain", *given]
        took = tuple(measured(command, desk.folder, self.platforms) for _ in range(self.rounds))
        fewest = {"add": full(members, ROWS), "remove": 0}
        return Line("plain", self.dialect, members, took, fewest)


def table(lines: Iterator[Line]) -> bool:
    """Print a row for each, and some beside the first sync; whether requests were the fewest."""
    good, done = True, dict[str, Line]()
    print("| case | shop | members | wall s | CPU s | reach | peak MB | requests |")
    print("|---|---|---:|---:|---:|---|---:|---|")
    for line in lines:
        print(
            f"| {line.case} | {line.dialect} | {line.members:,} | {line.seconds:.1f} "
            f"| {line.cpu:.1f} | {reach(line)} | {line.peak / 1e6:.0f} | {requests(line)} |",
            flush=True,
        )
        if line.on_disk:
            each = f"{line.on_disk / line.members:.0f} bytes a member"
            print(f"| on disk | {line.dialect} | {line.members:,} | | | 150 | | {each} |")
        good, done[line.case] = good and line.good, line
    if first := done.get("first"):
        for case in sorted(done.keys() & TIMES):
            time, memory = done[case].seconds / first.seconds, done[case].peak / first.peak
            cpu = done[case].cpu / first.cpu
            print(
                f"{case}: {time:.2f} times `first`, {TIMES[case]} at most; CPU {cpu:.2f}, "
                f"memory {memory:.2f}"
            )
    return good


def reach(line: Line) -> str:
    """What is to be reached, in proportion to the members, and for ten million."""
    if line.case not in REACH:
        return ""
    seconds, size = REACH[line.case]
    whole = f"{seconds} s, {size} MB" if size else f"{seconds} s"
    return f"{seconds * line.members / OF:.1f} s ({whole})"


def requests(line: Line) -> str:
    """How many were sent, of how many that must be."""
    sent = line.took[-1].requests
    said = [
        f"{sent[kind]} of {line.fewest[kind]} to {kind}"
        for kind in KINDS
        if sent[kind] or line.fewest[kind]
    ]
    return ", ".join(said) or "none"


@dataclass(frozen=True)
class Shape:
    """A first sync and a thousandth changed, some days, beside the same of hardly anybody.

    Attributes:
        starts: What each costs whatever the members: it is started, imports, and asks a ledger.
    """

    starts: tuple[Line, Line]
    first: Line
    changed: Line

    @property
    def share(self) -> float:
        """Of a first sync's CPU, what a thousandth changed took; without the start of either."""
        first, changed = (one.least for one in self.starts)
        return (self.changed.cpu - changed) / (self.first.least - first)

    @property
    def said(self) -> str:
        """The same, with what it was made of."""
        of, changed = self.first.least, self.changed.cpu
        began = " and ".join(f"{one.least:.1f}" for one in self.starts)
        return (
            f"a change costs {self.share:.2f} of a first sync's CPU (bound {SHARE}): {changed:.1f} "
            f"of {of:.1f} s; of hardly anybody, a first sync and a change took {began}"
        )

    @property
    def wrong(self) -> list[str]:
        """What is out of bounds but the share."""
        lines = (self.first, self.changed)
        found = [f"{line.case}: {requests(line)}" for line in lines if not line.good]
        return found + [
            f"{line.case}: a peak of {line.peak / 1e6:.0f} MB, not {MOST / 1e6:.0f} at most"
            for line in lines
            if line.peak > MOST
        ]


def shape(platforms: Platforms, members: int) -> Shape:
    """Measure it on SQLite, some days, and three rounds of what is taken off: the start."""
    cases = frozenset({"first", "changed"})
    started, stirred = Bench(platforms, "sqlite", BLOCK, 3, cases, DAYS).lines()
    first, changed = Bench(platforms, "sqlite", members, 1, cases, DAYS).lines()
    return Shape((started, stirred), first, changed)


def check(platforms: Platforms, members: int) -> bool:
    """Print the shape and what is wrong with it; whether nothing is.

    Of a missed share whatever else the machine does has a part: it is missed where it is each time.
    """
    wrong = []
    for left in reversed(range(TRIES)):
        found = shape(platforms, members)
        wrong += found.wrong
        if found.share <= SHARE or not left:
            break
        print(f"{found.said}; measured again", flush=True)
    table(iter((*found.starts, found.first, found.changed)))
    for line in wrong:
        print(line)
    print(found.said)
    return not wrong and found.share <= SHARE


def profile(platforms: Platforms, members: int) -> None:
    """Print CPU by stage of a first sync to Meta from SQLite, beside what it cannot do without."""
    with shop("sqlite", members) as filled, tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), filled, platforms)
        desk.anew()
        found = desk.folder / "stages.json"
        script = [sys.executable, "-m", "tests.bench.stages", str(found), *desk.command]
        took = measured(script, desk.folder, platforms)
        seconds: dict[str, float] = json.loads(found.read_text("utf-8"))
        path = Path(str(make_url(filled.database.url).database))
        start, cipher = seconds.pop(START), seconds.pop(CIPHER)
        least = floor(path, filled.statement(), desk.folder, platforms.meta)
    print("| stage | CPU s | µs a member | floor, µs a member |")
    print("|---|---:|---:|---:|")
    for stage, taken in seconds.items():
        alone = f"{least[stage] / members * 1e6:.2f}" if stage in least else ""
        print(f"| {stage} | {taken:.2f} | {taken / members * 1e6:.2f} | {alone} |")
    whole, bottom = (sum(some.values()) for some in (seconds, least))
    print(f"| all | {whole:.2f} | {whole / members * 1e6:.2f} | {bottom / members * 1e6:.2f} |")
    print(
        f"\n{members:,} members in {took.seconds:.1f} s; {whole / bottom:.2f} times the floor, "
        f"without {start:.2f} s of CPU to start; encryption at rest: {cipher / whole:.1%} of all"
    )


def mariadb(members: int) -> None:
    """Print what reading as many members from MariaDB takes, to the seal."""
    with tempfile.TemporaryDirectory() as folder, fresh_database("mysql", Path(folder)) as database:
        fill(database, members)
        found = reads(database, "syncd", STATEMENT)
    seconds, cpu = members / found["rows a second"], members * found["us a row"] / 1e6
    print(f"| read | mysql | {members:,} | {seconds:.1f} | {cpu:.1f} | | {found['MB']:.0f} | |")


def main() -> int:
    """Print what is asked for; 1 if something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pipeline")
    parser.add_argument("members", nargs="?", type=int, default=MEMBERS)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--on", default="sqlite,postgresql,mysql")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    good = True
    with discarding() as platforms:
        if given.profile:
            profile(platforms, given.members)
            return 0
        if given.check:
            return 0 if check(platforms, given.members) else 1
        for dialect in given.on.split(","):
            if dialect == "mysql":
                mariadb(given.members)
                continue
            cases = frozenset(given.cases.split(","))
            bench = Bench(platforms, dialect, given.members, given.rounds, cases, given.rounds)
            good = table(bench.lines()) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
