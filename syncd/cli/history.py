"""runs and audit: what happened, for people and for programs."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from syncd import counting
from syncd.app import App, open_app
from syncd.cli.options import duration
from syncd.cli.output import plain, print_json, say, table
from syncd.errors import UsageError
from syncd.identity.advice import way_on
from syncd.ledger.batches import Answer
from syncd.model import AuditEvent, BatchRecord, BatchState, Refused, Run
from syncd.runs.sentences import sentence
from syncd.telling import COLUMNS, cells, line

PAGE = 1000  # events read at a time


def runs(config: Path | None, *, sync: str | None, limit: int, as_json: bool) -> None:
    """Print the last runs, the newest first."""
    with open_app(config) as app:
        found = app.ledger.runs(sync, limit)
    if as_json:
        print_json(found)
        return
    table(
        ("run", "sync", "started", "by", "state", "plan", "detail"),
        [
            (r.id, r.sync, r.started_at, r.actor, r.state, r.plan, r.detail.split("\n")[0][:70])
            for r in found
        ],
    )


def run(run_id: str, config: Path | None, *, as_json: bool) -> None:
    """Print one run with its plan and batches."""
    with open_app(config) as app:
        found = app.ledger.run(run_id)
        if found is None:
            raise UsageError(f"there is no run {run_id}: `syncd runs` names them")
        plan = app.ledger.plan(found.plan) if found.plan else None
        batches = app.ledger.batches(found.plan) if found.plan else ()
        answers = app.ledger.answers(found.plan) if found.plan else {}
        snapshot = app.ledger.snapshot(plan.snapshot) if plan else None
        events = _of_run(app, found)
        size = app.ledger.measured.of_run(found.id)
        audience = app.ledger.audience_of(found.sync)
    if as_json:
        shown = {"run": found, "plan": plan, "snapshot": snapshot, "batches": batches}
        print_json(shown | {"answers": answers, "size": size, "events": events})
        return
    say(f"run {found.id} of {found.sync}: {found.state.value}, started by {found.actor}")
    say(f"  {found.started_at:%Y-%m-%d %H:%M:%S} to {_until(found)}")
    if found.detail:
        say(f"  {found.detail}")
    if plan is not None:
        say(f"  plan {plan.id}: {sentence(plan)}")
    if snapshot is not None:
        say(f"  read {snapshot.rows:,} rows, {snapshot.usable:,} usable")
        for refused in snapshot.refused:
            say(f"    {refused.count:,} x {refused.field}: {refused.reason}{_hint(refused)}")
    for told in counting.lines(size, audience.platform if audience else ""):
        say(f"  {told}")
    if batches:
        say()
        table(
            ("batch", "phase", "rows", "state", "attempts", "refused", "matched", "reference"),
            [_line(batch, answers[batch.id]) for batch in batches],
        )
    say()
    for event in events:
        say(line(event))


def _hint(refused: Refused) -> str:
    said = way_on(refused.field, refused.reason)
    return f" ({said})" if said else ""


def audit(
    config: Path | None,
    *,
    since: str | None,
    sync: str | None,
    kind: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print the newest events that fit, in their order."""
    with open_app(config) as app:
        found = app.ledger.events(
            since=_since(app, since), sync=sync, kind=kind, limit=limit, newest=True
        )
    if as_json:
        print_json(found)
        return
    for event in found:
        say(line(event))


def export(
    config: Path | None, *, form: str, since: str | None, sync: str | None, kind: str | None
) -> None:
    """Write every event that fits as CSV, or as one JSON document a line."""
    if form not in {"csv", "json"}:
        raise UsageError(f"--format is csv or json, not {form!r}")
    with open_app(config) as app:
        events = _all(app, _since(app, since), sync, kind)
        if form == "json":
            for event in events:
                sys.stdout.write(json.dumps(plain(event), sort_keys=True) + "\n")
            return
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        for event in events:
            writer.writerow(cells(event))


def verify(config: Path | None, *, as_json: bool) -> None:
    """Print whether the audit chain is whole; exit 1 if it is not."""
    with open_app(config) as app:
        found = app.ledger.verify()
    if as_json:
        print_json(found)
    elif found.ok:
        say(f"{found.events:,} events, chain whole. Head {found.head}")
    else:
        say(
            f"the chain is broken at event {found.first_bad}: it is missing, was changed, or was "
            "not written with this key. Compare with an export or a backup from before"
        )
    sys.exit(0 if found.ok else 1)


def _all(
    app: App, since: datetime | None, sync: str | None, kind: str | None
) -> Iterator[AuditEvent]:
    after = 0
    while page := app.ledger.events(since=since, sync=sync, kind=kind, after=after, limit=PAGE):
        yield from page
        after = page[-1].number


def _of_run(app: App, found: Run) -> list[AuditEvent]:
    # The event of its beginning was made a moment before the ledger wrote the run down.
    events = _all(app, found.started_at - timedelta(minutes=1), found.sync, None)
    return [event for event in events if event.run == found.id]


def _since(app: App, text: str | None) -> datetime | None:
    return app.clock.now() - duration(text) if text else None


def _until(found: Run) -> str:
    return f"{found.ended_at:%H:%M:%S}" if found.ended_at else "now"


def _line(batch: BatchRecord, answer: Answer) -> tuple[object, ...]:
    return (
        batch.id, batch.phase, batch.rows, batch.state, batch.attempts,
        _refused(batch, answer.code), answer.match_rate, batch.reference,
    )  # fmt: skip


def _refused(batch: BatchRecord, code: str) -> str:
    """Refused rows by reason; of a batch that was refused and sent in parts, the reason."""
    counts: Counter[str] = Counter()
    for refusal in batch.refused:
        counts[refusal.reason] += refusal.count
    if batch.state is BatchState.REFUSED and not counts:
        return f"whole, then sent in parts: {code}"
    return ", ".join(f"{count:,} x {reason}" for reason, count in counts.items())
