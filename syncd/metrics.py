"""Metrics in Prometheus' text form, each computed from the ledger when it is asked for.

Nothing is counted in memory, so a restart forgets nothing, the service and a timer tell the
same, and each figure can be computed again from the ledger. Labels are names from the
configuration and words of the design: no key, no digest, no run, no text of an error.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd import __version__
from syncd.errors import Unwritten
from syncd.leaving.erasure import SETTLE
from syncd.leaving.lateness import late
from syncd.ledger.audiences import KnownAudience
from syncd.ledger.figures import SUCCESSES, BatchTotal, Moment
from syncd.ledger.store import Ledger
from syncd.model import BatchState, Measured, Operation, Phase, RunState
from syncd.ports import Clock
from syncd.runs.sums import reasons
from syncd.settings import Settings
from syncd.staleness import failed, stale_at

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)  # of a request

# Names of metrics, what they say, and their labels; `config/monitoring/` uses them.
SYNC, PLACE = ("sync",), ("platform", "account")
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "last_success_timestamp_seconds": ("When a run last did all it could", SYNC),
    "last_run_timestamp_seconds": ("When the last run ended, however", SYNC),
    "stale_timestamp_seconds": ("When the sync goes stale unless a run succeeds", SYNC),
    "next_run_timestamp_seconds": ("When the sync is due by its schedule", SYNC),
    "run_failed": ("Whether the last run failed", SYNC),
    "guard_held": ("Whether the last run is held for a person", SYNC),
    "held_removals": ("Members whose removal the last run holds", SYNC),
    "snapshot_rows": ("Rows that the last run read, all or usable ones", ("sync", "rows")),
    "snapshot_seconds": ("How long the last run read the shop", SYNC),
    "refused_rows": ("Rows of the last run that the platform refused", ("sync", "reason")),
    "members": ("Members of the audience as far as is known", ("sync", "state")),
    "identifiers": ("Identifiers in the audience as far as is known", ("sync", "kind")),
    "pending_removals": ("Rows to remove, sent or planned, not processed yet", SYNC),
    "unknown_batches": ("Batches whose outcome nobody knows yet", SYNC),
    "platform_size": ("People that the platform counts", ("sync", "bound")),
    "match_rate": ("Share of members that the platform matched", ("sync", "bound")),
    "throttled_until_timestamp_seconds": ("Until when the account has to wait", PLACE),
    "credential_ends_timestamp_seconds": ("When the account's credential ends", PLACE),
    "alert_open": ("What people were told of and is not over", ("subject", "condition")),
    "alert_deliveries": ("Messages that wait, or were given up", ("target", "state")),
    "erasures_open": ("Erasures that are not complete", ()),
    "erasures_late": ("Erasures that take too long", ()),
    "info": ("Which syncd this is", ("version",)),
}
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "run_total": ("Runs that ended, by the state that is final", ("sync", "state")),
    "batch_total": ("Batches that came to an outcome", (*PLACE, "operation", "outcome")),
    "row_total": ("Rows in batches that came to an outcome", (*PLACE, "operation", "outcome")),
    "audit_event_total": ("Events in the audit", ()),
}
HISTOGRAM = "push_seconds"
_CODE = re.compile(r"[A-Za-z0-9_.:/ -]{1,60}")
_REASONS = 20  # label values for one sync
_PENDING = {BatchState.PLANNED, BatchState.SENDING, BatchState.UNKNOWN, BatchState.ACCEPTED}
_UNKNOWN = {BatchState.SENDING, BatchState.UNKNOWN}
_LOST = {BatchState.REFUSED, BatchState.FAILED, BatchState.CANCELLED}

Sample = tuple[str, tuple[str, ...], float]


def exposition(ledger: Ledger, settings: Settings, clock: Clock) -> bytes:
    """All metrics as `CONTENT_TYPE` has them, of this moment.

    Raises:
        syncd.errors.SyncdError: The ledger cannot be read.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - not for --help

    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(ledger, settings, clock))
    return generate_latest(registry)


def write(path: Path, ledger: Ledger, settings: Settings, clock: Clock) -> None:
    """Write all metrics to a file that node_exporter's textfile collector reads.

    Whoever reads meanwhile sees the old file or the new one; everybody may read it.

    Raises:
        syncd.errors.Unwritten: The disk is full, or the like.
        syncd.errors.SyncdError: The ledger cannot be read.
    """
    content = exposition(ledger, settings, clock)
    draft = path.with_name(f".{path.name}.{os.getpid()}")  # not *.prom: nobody reads it
    try:
        draft.write_bytes(content)
        draft.chmod(0o644)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Unwritten(path, error) from None


@dataclass(frozen=True, slots=True, eq=False)  # a registry keeps it by identity
class LedgerCollector:
    """A collector for a registry of prometheus-client; each scrape reads the ledger anew."""

    ledger: Ledger
    settings: Settings
    clock: Clock

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment, each family once."""
        from prometheus_client import core  # noqa: PLC0415

        now, found = self.clock.now(), dict[str, list[tuple[tuple[str, ...], float]]]()
        for name, labels, value in (*self._counts(now), *self._erasures(now)):
            found.setdefault(name, []).append((labels, value))
        for name, (said, labels) in GAUGES.items():
            gauge = core.GaugeMetricFamily(f"syncd_{name}", f"{said}.", labels=labels)
            for values, value in found.get(name, []):
                gauge.add_metric(values, value)
            yield gauge
        for name, (said, labels) in COUNTERS.items():
            counter = core.CounterMetricFamily(f"syncd_{name}", f"{said}.", labels=labels)
            for values, value in found.get(name, []):
                counter.add_metric(values, value)
            yield counter
        yield self._histogram()

    def _histogram(self) -> Metric:
        from prometheus_client import core  # noqa: PLC0415

        said = "How long a request for a batch took."
        family = core.HistogramMetricFamily(f"syncd_{HISTOGRAM}", said, labels=("platform",))
        with self.ledger.figures.moment() as seen:
            for one in seen.durations(SECONDS):
                below = zip(map("{:g}".format, SECONDS), one.below, strict=True)
                family.add_metric((one.platform,), [*below, ("+Inf", one.requests)], one.seconds)
        return family

    def _counts(self, now: datetime) -> Iterator[Sample]:
        yield "info", (__version__,), 1
        with self.ledger.figures.moment() as seen:
            for name in self.settings.syncs:
                yield from _of_sync(seen, self.settings, name)
            for labels, count in seen.run_totals().items():
                yield "run_total", labels, count
            yield from _of_batches(seen.audiences(), seen.batch_totals())
            for place, until in seen.throttles().items():
                if until > now:
                    yield "throttled_until_timestamp_seconds", place, until.timestamp()
            for place, ends in seen.credential_ends().items():
                yield "credential_ends_timestamp_seconds", place, ends.timestamp()
            for alert in seen.alerts_open():
                yield "alert_open", alert, 1
            yield "audit_event_total", (), seen.audit_events()
        for delivery, count in self.ledger.alerts.backlog().items():
            yield "alert_deliveries", delivery, count

    def _erasures(self, now: datetime) -> Iterator[Sample]:
        settle = max([SETTLE, *(sync.timing.settle for sync in self.settings.syncs.values())])
        yield "erasures_open", (), len(self.ledger.erasures.open())
        yield "erasures_late", (), len(late(self.ledger, now=now, settle=settle))


def _of_sync(seen: Moment, settings: Settings, name: str) -> Iterator[Sample]:
    last, success = seen.last_run(name), seen.last_run(name, SUCCESSES)
    moments = (
        ("last_success_timestamp_seconds", success.ended_at if success else None),
        ("last_run_timestamp_seconds", last.ended_at if last else None),
        ("stale_timestamp_seconds", stale_at(seen, settings, name)),
        ("next_run_timestamp_seconds", seen.due_at(name)),
    )
    yield from ((what, (name,), at.timestamp()) for what, at in moments if at is not None)
    if last is not None:
        yield "run_failed", (name,), failed(last)
        yield "guard_held", (name,), last.state is RunState.HELD
        yield from _of_plan(seen, name, last.plan)
    audience = seen.audience_of(name)
    generation = seen.generation(audience.pk) if audience else None
    if generation is not None:
        yield "members", (name, "there"), generation.sizes.members
        yield "members", (name, "refused"), generation.sizes.refused
        for kind, count in generation.sizes.identifiers.items():
            yield "identifiers", (name, kind), count
    stated = seen.stated(audience.pk) if audience else None
    if stated is not None:
        yield from _stated(name, stated)


def _of_plan(seen: Moment, name: str, plan_id: str | None) -> Iterator[Sample]:
    """What the last run read and was refused; a run that came to no plan has neither."""
    plan = seen.plan(plan_id) if plan_id else None
    read = seen.snapshot(plan.snapshot) if plan else None
    if plan is None or read is None:
        return
    yield "held_removals", (name,), plan.counts.leaving.members if plan.held else 0
    yield "snapshot_rows", (name, "all"), read.rows
    yield "snapshot_rows", (name, "usable"), read.usable
    yield "snapshot_seconds", (name,), (read.sealed_at - read.as_of).total_seconds()
    codes = Counter[str]()
    for code, count in sorted(reasons(seen.batches(plan.id)).items(), key=lambda one: -one[1]):
        known = _CODE.fullmatch(code) and len(codes) < _REASONS
        codes[code if known else "other"] += count
    for code, count in codes.items():
        yield "refused_rows", (name, code), count


def _stated(name: str, stated: Measured) -> Iterator[Sample]:
    if stated.least is not None and stated.most is not None:
        yield "platform_size", (name, "least"), stated.least
        yield "platform_size", (name, "most"), stated.most
    if stated.match_rate is not None:
        yield "match_rate", (name, "least"), stated.match_rate[0]
        yield "match_rate", (name, "most"), stated.match_rate[1]


def _of_batches(
    audiences: Iterable[KnownAudience], totals: Iterable[BatchTotal]
) -> Iterator[Sample]:
    """What became of batches by account, and what is under way by sync."""
    known = {one.pk: one for one in audiences}
    batches, rows = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    pending = Counter({one.sync: 0 for one in known.values() if one.sync})
    unknown = Counter(pending)
    for one in totals:
        at, state = known[one.audience], BatchState(one.state)
        removal = at.takes_out or Phase(one.phase).operation is Operation.REMOVE
        operation = Operation.REMOVE.value if removal else Operation.ADD.value
        outcomes = ["accepted"] * one.accepted + [state.value] * (state in _LOST)
        for outcome in outcomes:
            labels = (at.platform, at.account, operation, outcome)
            batches[labels] += one.batches
            rows[labels] += one.rows
        if at.sync in pending:
            pending[at.sync] += one.rows * (removal and state in _PENDING)
            unknown[at.sync] += one.batches * (state in _UNKNOWN)
    for of, count in batches.items():
        yield "batch_total", of, count
        yield "row_total", of, rows[of]
    for sync in pending:
        yield "pending_removals", (sync,), pending[sync]
        yield "unknown_batches", (sync,), unknown[sync]
