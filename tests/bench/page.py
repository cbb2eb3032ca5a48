"""How fast the growth team's page answers on a long history: 10,000 runs, 1 million events.

`python -m tests.bench.page [RUNS] [EVENTS]` writes a ledger, publishes it, publishes it again
after one more run, and asks each view over HTTP. Figures: tests/bench/README.md.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import yaml
from pydantic import TypeAdapter

from syncd.app import open_app
from syncd.ledger import audit, codec
from syncd.ledger.keys import Key
from syncd.ledger.migrate import migrate
from syncd.ledger.tables import iso
from syncd.model import AuditEvent, PlanCounts, Sizes
from syncd.segments.lift import lift
from syncd.web.publishing import publish
from syncd.worth.lifting import Lifted
from tests.web.scenes import get, page

RUNS, EVENTS, SYNCS = 10_000, 1_000_000, 20
SURVEYS = 365  # of a year
SEGMENTS = tuple(f"own-{n:02}" for n in range(SYNCS))
ASKED = 40  # times each view is asked for
LIMIT = 200  # milliseconds: issue 10
END = datetime.now(UTC) - timedelta(hours=1)
KINDS = ("run_started", "plan_made", "batch_sent", "run_finished")
KEY = "5a" * 32


def main(runs: int = RUNS, events: int = EVENTS) -> None:
    """Print the figures; exit 1 if a view takes longer than it may."""
    with tempfile.TemporaryDirectory(prefix="syncd-page-") as made:
        folder = Path(made)
        config = configure(folder)
        took("write a ledger", lambda: fill(folder / "var" / "ledger.db", runs, events))
        with open_app(config) as app:
            took("publish all of it", lambda: publish(app))
            files = sorted((folder / "page").glob("*.db"))
            size = sum(file.stat().st_size for file in files)
            print(f"{len(files)} files, {size / 1e6:,.0f} MB")
            app.ledger.open_run("sync-03", "jo", event=None)
            took("publish after one more run", lambda: publish(app))
        with page(folder / "page") as address:
            slow = [view for view in VIEWS if not asked(address, view.format(run=runs // 2))]
    sys.exit(f"over {LIMIT} ms: {', '.join(slow)}" if slow else 0)


VIEWS = (
    *("/", "/audiences/sync-03", "/runs", "/runs/r{run}", "/segments", "/audit", "/health"),
    *("/audit/500", "/audit?sync=sync-03&kind=plan_held", "/audit?text=refused+rare"),
    *("/audit?actor=nobody", "/audit?until=2020-01-01", "/audit?before=1000", "/person"),
)


def asked(address: str, view: str) -> bool:
    """Ask for one view often; whether nineteen in twenty answers are in time."""
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        get(address + view)
        times.append((time.perf_counter() - began) * 1000)
    median, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"{view:42} median {median:6.1f} ms   95th percentile {late:6.1f} ms")
    return late <= LIMIT


def took(what: str, job: Callable[[], None]) -> None:
    """Do it, and print how long it took."""
    began = time.perf_counter()
    job()
    print(f"{what}: {time.perf_counter() - began:.1f} s", flush=True)


def configure(folder: Path) -> Path:
    """A configuration of 20 syncs that publishes."""
    (folder / "own.sql").write_text("SELECT customer_key, email FROM customers", "utf-8")
    (folder / "var").mkdir(mode=0o700)
    (folder / "key").write_text(KEY, "utf-8")
    (folder / "key").chmod(0o600)
    account = {"connector": "meta", "account_id": "act_1", "access_token": {"file": "key"}}
    chosen = {"account": "meta", "schedule": "every 1h"}
    data = {
        "shop": {"url": f"sqlite:///{folder}/shop.db"},
        "ledger": {
            "url": f"sqlite:///{folder}/var/ledger.db",
            "directory": f"{folder}/var",
            "key": {"file": "key"},
        },
        "accounts": {"meta": account},
        "segments": {segment: {"sql": "own.sql", "holdout": "5%"} for segment in SEGMENTS},
        "syncs": {
            f"sync-{n:02}": {**chosen, "segment": SEGMENTS[n], "audience": f"Audience {n}"}
            for n in range(SYNCS)
        },
        "page": {"directory": f"{folder}/page"},
    }
    path = folder / "syncd.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    return path


# --- a ledger as many runs leave it -----------------------------------------------------


def fill(path: Path, runs: int, events: int) -> None:
    """Write it with the tables' own shapes and a chain that holds."""
    key = Key.load(KEY)
    migrate(f"sqlite:///{path}", password=None, key=key)
    with closing(sqlite3.connect(path)) as ledger:
        ledger.execute("PRAGMA synchronous = OFF")
        put(ledger, "audience", _audiences())
        put(ledger, "run", _runs(runs))
        put(ledger, "snapshot", _snapshots(runs))
        put(ledger, "plan", _plans(runs))
        put(ledger, "batch", _batches(runs))
        put(ledger, "attempt", _attempts(runs))
        put(ledger, "generation", _generations(runs))
        put(ledger, "size", _sizes(runs))
        put(ledger, "survey", _surveys())
        put(ledger, "surveyed", _surveyed())
        put(ledger, "surveyed_pair", _pairs())
        put(ledger, "surveyed_lift", _lifts())
        last = _write_events(ledger, key.derive("audit"), events, runs)
        head = audit.head(key.derive("audit"), events, last)
        ledger.execute(
            "UPDATE ledger SET audit_number = ?, audit_seal = ?, audit_head = ?",
            (events, last, head),
        )
        ledger.commit()


def put(ledger: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    """Insert rows by the names of their columns."""
    first = next(rows)
    names, marks = ", ".join(f'"{name}"' for name in first), ", ".join("?" * len(first))
    ledger.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(first.values()))
    ledger.executemany(
        f"INSERT INTO {table} ({names}) VALUES ({marks})", (tuple(row.values()) for row in rows)
    )


def at(run: int, runs: int) -> datetime:
    """When a run began: evenly over a year."""
    return END - timedelta(days=365) * (runs - run) / runs


def _audiences() -> Iterator[dict[str, object]]:
    for n in range(SYNCS):
        yield {
            "pk": n + 1,
            "platform": "meta",
            "account": "act_1",
            "id": str(n),
            "name": f"Audience {n}",
            "sync": f"sync-{n:02}",
            "state": "active",
            "adopted": False,
            "ours": True,
            "claimed_at": iso(END),
        }


def _runs(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        yield {
            "number": n,
            "id": f"r{n}",
            "sync": f"sync-{n % SYNCS:02}",
            "actor": "schedule",
            "state": "done",
            "started_at": iso(at(n, runs)),
            "plan": f"p{n}",
            "detail": "",
            "ended_at": iso(at(n, runs) + timedelta(seconds=40)),
        }


def _snapshots(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        yield {
            "id": f"s{n}",
            "run": f"r{n}",
            "segment": "own",
            "rules": "meta-2",
            "rows": 100_000 + n,
            "usable": 99_000 + n,
            "columns": '["email"]',
            "refused": '[["email","no domain",12]]',
            "as_of": iso(at(n, runs)),
            "sealed_at": iso(at(n, runs)),
            "path": f"{n}.snapshot",
            "checksum": "ab" * 32,
        }


def _plans(runs: int) -> Iterator[dict[str, object]]:
    counts = codec.counts_text(PlanCounts(100_000, 90_000, 40, 0, 5, 89_000, lost={"denied": 9}))
    for n in range(1, runs + 1):
        yield {
            "id": f"p{n}",
            "run": f"r{n}",
            "sync": f"sync-{n % SYNCS:02}",
            "audience": n % SYNCS + 1,
            "snapshot": f"s{n}",
            "generation": n,
            "configuration": "c",
            "rules": "meta-2",
            "counts": counts,
            "held": "[]",
            "state": "done",
            "created_at": iso(at(n, runs)),
            "path": f"{n}.plan",
            "checksum": "cd" * 32,
        }


def _batches(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        for number in range(1, 6):
            yield {
                "id": f"b{n}-{number}",
                "plan": f"p{n}",
                "audience": n % SYNCS + 1,
                "number": number,
                "phase": "add",
                "first_row": 0,
                "rows": 8,
                "state": "processed",
                "folded": "accepted",
                "unfolded": False,
                "doubtful": False,
                "attempts": 1,
                "reference": "x",
                "received": 8,
                "refused": '[[null,"invalid_entry",1]]',
                "match_rate": "",
                "accepted_at": iso(at(n, runs)),
                "processed_at": iso(at(n, runs)),
            }


def _attempts(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        for number in range(1, 6):
            yield {
                "batch": f"b{n}-{number}",
                "number": 1,
                "label": "u",
                "code": "",
                "deadline": iso(at(n, runs)),
                "started_at": iso(at(n, runs)),
                "ended_at": iso(at(n, runs)),
                "state": "accepted",
            }


def _generations(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        sizes = codec.sizes_text(Sizes(90_000 + n, {"email": 90_000 + n}))
        yield {
            "audience": n % SYNCS + 1,
            "number": n // SYNCS + 1,
            "path": f"{n}.members",
            "checksum": "ef" * 32,
            "sizes": sizes,
            "rules": "meta-2",
            "at": iso(at(n, runs)),
        }


def _sizes(runs: int) -> Iterator[dict[str, object]]:
    for n in range(1, runs + 1):
        yield {
            "audience": n % SYNCS + 1,
            "run": f"r{n}",
            "at": iso(at(n, runs)),
            "members": 90_000 + n,
            "least": 60_000 + n,
            "most": 70_000 + n,
            "status": "",
            "warning": "",
            "foreign": False,
        }


def _surveys() -> Iterator[dict[str, object]]:
    for n in range(1, SURVEYS + 1):
        at_ = END - timedelta(days=SURVEYS - n)
        yield {
            "number": n,
            "at": iso(at_),
            "ended_at": iso(at_),
            "since": iso(at_ - timedelta(days=365)),
            "customers": 1_000_000,
            "buyers": 600_000,
            "revenue": 5_000_000_000_000,
            "trouble": "",
        }


def _surveyed() -> Iterator[dict[str, object]]:
    for n in range(1, SURVEYS + 1):
        for place, segment in enumerate(SEGMENTS, 1):
            yield {
                "survey": n,
                "segment": segment,
                "members": 90_000 + n * place,
                "buyers": 50_000,
                "revenue": 400_000_000_000,
                "trouble": "",
            }


def _pairs() -> Iterator[dict[str, object]]:
    for place, (one, other) in enumerate(combinations(SEGMENTS, 2)):
        yield {"survey": SURVEYS, "one": one, "other": other, "both": 400 * place}


def _lifts() -> Iterator[dict[str, object]]:
    random = np.random.default_rng(1)
    bought = [random.poisson(0.4, members).astype(np.float64) for members in (5_000, 300)]
    found = lift((bought[0], bought[0] * 20), (bought[1], bought[1] * 20))
    moments = (END - timedelta(days=90), END)
    told = Lifted("", 0.05, *moments, 5_300, 0, 0, 0, found, (), ())
    figures = TypeAdapter(Lifted).dump_json(told).decode()
    for n in range(1, SURVEYS + 1):
        for segment in SEGMENTS:
            yield {"survey": n, "segment": segment, "figures": figures, "trouble": ""}


def _write_events(ledger: sqlite3.Connection, key: bytes, events: int, runs: int) -> str:
    """Write the audit; returns its last seal."""
    last = audit.NO_SEAL
    names = "number, kind, at, actor, detail, sync, audience, run, plan, counts, seal"
    insert = f"INSERT INTO audit_event ({names}) VALUES ({', '.join('?' * 11)})"
    rows: list[Sequence[object]] = []
    for number in range(1, events + 1):
        event = _event(number, events, runs)
        last = audit.seal(key, last, event)
        counts = json.dumps(dict(event.counts), sort_keys=True, separators=(",", ":"))
        rows.append(
            (
                *(number, event.kind, iso(event.at), event.actor, event.detail, event.sync),
                *(event.audience, event.run, event.plan, counts, last),
            )
        )
        if len(rows) == 50_000 or number == events:
            ledger.executemany(insert, rows)
            rows.clear()
    return last


def _event(number: int, events: int, runs: int) -> AuditEvent:
    run = number * runs // events + 1
    sync = run % SYNCS
    rare = " The platform refused one rare row." if number % 250_000 == 1 else ""
    return AuditEvent(
        kind=KINDS[number % len(KINDS)],
        at=at(run, runs),
        actor="schedule",
        detail=f"Of {100_000 + number:,} members read, 40 are to add and 5 to remove.{rare}",
        sync=f"sync-{sync:02}",
        audience=f"Audience {sync}",
        run=f"r{run}",
        plan=f"p{run}",
        counts={"read": 100_000},
        number=number,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
