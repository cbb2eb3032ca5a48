"""Let a daemon run fast and in trouble, and count: `python -m tests.crash.soak [--minutes N]`.

A real daemon process with both real SDKs, six syncs to three accounts of the local
platforms, each due every few seconds. Meanwhile customers come and go, one request in so
many breaks, and the configuration is read anew. Printed are its memory, threads, open files
and directory as time goes by, and what became of every run: begun and ended, doubled and lost, and
requests beside the intents that were committed for them. A sync counts as doubled where two of its
runs overlap, or where it has more of them than its schedule has room for.

Exits 1 if anything was lost or doubled, or if something grew.
"""

from __future__ import annotations

import argparse
import itertools
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from connectors.sandbox.faults import Fault
from tests.integration.commands import Desk, digests, platforms
from tests.integration.daemons import Service, started

EVERY = 2.0  # seconds from one run of a sync to the next
LATE = timedelta(minutes=5)  # so long after its time a run that has not begun is lost
TROUBLE = 4  # of so many changes of the shop, two seconds apart, one comes with a fault
SEED = 20261128
ENDED = ("run_finished", "run_failed", "run_held", "run_stopped")
FAULTS = (
    Fault("reset", method="add", when="before"),
    Fault("reset", method="add", when="after"),
    Fault("reset", method="remove", when="after"),
    Fault("half", method="add", when="after"),
    Fault("error", method="add", status=503),
    Fault("error", "google", "add", status=429, code="RESOURCE_EXHAUSTED", retry_after=1),
    Fault("error", "meta", "add", status=400, code=80003, retry_after=1),
    Fault("delay", method="remove", seconds=1.0),
)


@dataclass(frozen=True)
class Sample:
    """What the process takes at a moment."""

    minute: float
    megabytes: float
    threads: int
    files: int
    kept: int
    runs: int

    def line(self) -> str:
        return (
            f"{self.minute:6.1f}  {self.megabytes:9.1f}  {self.threads:7}  {self.files:10}  "
            f"{self.kept:13}  {self.runs:5}"
        )


HEAD = "minute  memory MB  threads  open files  kept on disk   runs"


class Soak:
    """A desk whose daemon is watched."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.random = Random(seed)
        self.people = set(range(200))
        self.next_one = itertools.count(1_000)
        desk.settings["accounts"]["other"] = {
            **desk.settings["accounts"]["meta"],
            "account_id": f"{desk.meta_account}9",
        }
        given = desk.settings["syncs"].pop("everyone")
        given |= {"schedule": "every 1m", "guard": {"min_members": 0, "max_removed": "100%"}}
        self.syncs = {f"{name}-{n}": name for name in ("meta", "google", "other") for n in (1, 2)}
        for sync, account in self.syncs.items():
            desk.settings["syncs"][sync] = {**given, "account": account, "audience": sync}
        desk.save()
        desk.join(*sorted(self.people), consent="granted")

    def churn(self) -> None:
        """A few go, a few come."""
        gone = self.random.sample(sorted(self.people), 2)
        come = [next(self.next_one) for _ in gone]
        self.desk.leave(*gone)
        self.desk.join(*come, consent="granted")
        self.people = self.people.difference(gone).union(come)

    def ask(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.desk.var / "ledger.db", timeout=30)) as ledger:
            return ledger.execute(sql).fetchall()

    def sample(self, service: Service, since: float) -> Sample:
        proc = Path(f"/proc/{service.process.pid}")
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text("ascii").splitlines()
        )
        return Sample(
            (time.monotonic() - since) / 60,
            int(status["VmRSS"].split()[0]) / 1024,
            int(status["Threads"]),
            len(list((proc / "fd").iterdir())),
            len(list(self.desk.var.iterdir())),
            int(self.ask("SELECT count(*) FROM run")[0][0]),
        )

    def unequal(self) -> list[str]:
        """Audiences that do not hold whom they should."""
        found = []
        for sync, account in self.syncs.items():
            google = account == "google"
            world = self.desk.local.google_world if google else self.desk.local.meta_world
            audiences = [one for one in world.audiences() if one.name == sync]
            wanted = digests(*self.people, google=google)
            if [one.identifiers for one in audiences] != [wanted]:
                found.append(sync)
        return found


def overlaps(log: Sequence[Mapping[str, str]]) -> int:
    """How often a run of a sync began before its last one had ended.

    By the log: the ledger moves a run's end to when its platform had processed everything.
    """
    found, under_way = 0, set[str]()
    for event in log:
        if event["event"] == "run_started":
            found += event["sync"] in under_way
            under_way.add(event["sync"])
        elif event["event"] in ENDED:
            under_way.discard(event["sync"])
    return found


def accounts(
    soak: Soak, log: Sequence[Mapping[str, str]], stopped: datetime, every: float
) -> dict[str, int]:
    """What became of every run."""
    asked = "SELECT sync, state, started_at, ended_at FROM run ORDER BY number"
    rows = [
        (sync, state, _at(start), _at(end) if end else None)
        for sync, state, start, end in soak.ask(asked)
    ]
    due = {sync: _at(at) for sync, at in soak.ask("SELECT sync, due_at FROM due")}
    tally = Counter(state for _, state, _, _ in rows)
    lost, doubled = 0, overlaps(log)
    for sync in soak.syncs:
        own = [(start, end) for name, _, start, end in rows if name == sync]
        for (start, end), (then, _) in itertools.pairwise(own):
            lost += then - max(start + timedelta(seconds=every), end or start) > LATE
        lost += due[sync] < stopped - LATE
        # As many as the time had room for, and one at its begin; it ends a moment after `stopped`.
        begun = sum(start <= stopped for start, _ in own)
        room = 1 + (stopped - own[0][0]) / timedelta(seconds=every) if own else 0
        doubled += max(0, begun - 1 - int(room))
    waiting = sum(at <= stopped for at in due.values())
    requests = sum(
        world.requests[what]
        for world in soak.desk.local.worlds.values()
        for what in ("add", "remove")
    )
    ((intents,),) = soak.ask("SELECT count(*) FROM attempt")
    return {
        "due": len(rows) + waiting,
        "begun": len(rows),
        "left for the next start": waiting,
        "ended": sum(end is not None for *_, end in rows),
        **{f"  {state}": tally[state] for state in sorted(tally)},
        "doubled": doubled,
        "lost": lost,
        "requests with rows": requests,
        "intents committed": int(intents),
    }


def _at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def watched(soak: Soak, service: Service, seconds: float) -> Iterator[Sample]:
    """Samples, thirty in all, while customers come and go and requests break."""
    since, pause = time.monotonic(), threading.Event()
    taken = 0
    for moment in itertools.count(1):
        passed = time.monotonic() - since
        if passed * 30 >= seconds * taken:
            taken += 1
            yield soak.sample(service, since)
        if passed > seconds:
            return
        pause.wait(2)
        soak.churn()
        if moment % TROUBLE == 0 and not soak.desk.local.faults.waiting:
            soak.desk.local.faults.script(soak.random.choice(FAULTS))
        if moment % 15 == 0:
            service.process.send_signal(signal.SIGHUP)


def grew(samples: Sequence[Sample]) -> list[str]:
    """What is not flat: the last third beside the middle one; the first is for warming up."""
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    if third < 3:  # too few to tell
        return []
    found = []
    for what, slack in (("megabytes", 20.0), ("threads", 5), ("files", 8), ("kept", 40)):
        before = sum(getattr(one, what) for one in middle) / len(middle)
        after = sum(getattr(one, what) for one in last) / len(last)
        if after > before + slack:
            found.append(f"{what} grew from {before:.1f} to {after:.1f}")
    return found


def run(minutes: float, every: float, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder, platforms() as local:
        soak = Soak(Desk(Path(folder), local), seed)
        print(f"seed {seed}, {minutes:g} minutes, 6 syncs, 3 accounts, each due every {every:g} s")
        print(HEAD)
        samples = []
        with started(soak.desk, "600", f"{every:g}", watchdog=60) as service:
            for sample in watched(soak, service, minutes * 60):
                samples.append(sample)
                print(sample.line(), flush=True)
            wrong = grew(samples)
            local.faults.clear()
            until = time.monotonic() + 120
            while soak.unequal() and time.monotonic() < until:
                threading.Event().wait(1)
            wrong += [f"{sync} does not hold whom it should" for sync in soak.unequal()]
            stopped = datetime.now(UTC)
            code = service.stop()
            rereads = len(service.events("configuration_read"))
            hung = len(service.events("run_hung"))
        found = accounts(soak, service.lines(), stopped, every)
    for name, count in {**found, "configuration read anew": rereads, "hung": hung}.items():
        print(f"{name:<26}{count:>8,}")
    wrong += [f"exit {code}"] * bool(code) + [f"{hung} hung"] * bool(hung)
    wrong += [f"{found[what]} {what}" for what in ("doubled", "lost") if found[what]]
    if found["begun"] != found["ended"]:
        wrong.append("a run has no end")
    if found["requests with rows"] != found["intents committed"]:
        wrong.append("requests and intents differ")
    print("; ".join(wrong) or "flat; every run accounted for, none doubled, none lost")
    return 1 if wrong else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--every", type=float, default=EVERY)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the daemon ends too
    sys.exit(run(given.minutes, given.every, given.seed))


if __name__ == "__main__":
    main()
