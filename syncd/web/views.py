"""What each view shows: the read model's values, put in order for a template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from markupsafe import Markup

from syncd.web import charts
from syncd.web.filters import Wanted
from syncd.web.frame import Frame
from syncd.web.reading import Published, RunLine, SizeLine
from syncd.web.shapes import AlertTold, SyncTold
from syncd.web.standing import Standing, standing

DAYS = 90  # that charts show
RUNS = 30  # that a table shows
EVENTS = 50  # likewise
BATCHES = 100  # likewise
Context = Mapping[str, object]


class NotThere(Exception):
    """There is no such thing; its text says which."""


@dataclass(frozen=True, slots=True)
class Row:
    """An audience as a line of the overview."""

    sync: SyncTold
    standing: Standing
    size: SizeLine | None
    change: RunLine | None
    spark: Markup


def overview(seen: Published, frame: Frame) -> Context:
    """One row an audience, and on top what needs a person."""
    rows = [row(seen, frame, each) for each in seen.now.syncs]
    tones = Counter(each.standing.words for each in rows)
    return {
        "rows": rows,
        "tones": [(words, tones[words], _tone(rows, words)) for words in tones],
        "needs": [each for each in rows if each.sync.needs],
        "orphans": seen.now.orphans,
        "alerts": _unsaid(seen),
        "caveats": _caveats(rows),
    }


def row(seen: Published, frame: Frame, sync: SyncTold) -> Row:
    """An audience as a line of the overview."""
    days = seen.members(sync.pk, DAYS)
    said = f"Members of {sync.audience} over {DAYS} days"
    spark = Markup() if frame.standalone else charts.spark(said, days)
    size = seen.size(sync.pk)
    return Row(sync, standing(sync, frame.now), size, seen.last_change(sync.name), spark)


def _unsaid(seen: Published) -> list[AlertTold]:
    """Open alerts that do not say once more why a sync needs a person."""
    waiting = [sync for sync in seen.now.syncs if sync.needs]
    said = {
        (f"sync {sync.name}", condition) for sync in waiting for condition in ("held", "failed")
    }
    said |= {(f"account {sync.account}", "denied") for sync in waiting}
    return [one for one in seen.now.alerts if (one.subject, one.condition) not in said]


def _tone(rows: list[Row], words: str) -> str:
    return next(each.standing.tone for each in rows if each.standing.words == words)


def _caveats(rows: list[Row]) -> list[tuple[str, str]]:
    """What the sizes of the platforms in the table mean."""
    found = {each.sync.title: each.sync.sizes for each in rows if each.sync.sizes}
    return list(found.items())


def audience(seen: Published, frame: Frame, name: str) -> Context:
    """One audience over time, its runs, and what it is made from."""
    sync = _needed(seen, name)
    runs = seen.runs(name, RUNS)
    last = next((run for run in runs if run.read), None)
    members = seen.members(sync.pk, DAYS)
    stated = seen.stated(sync.pk, "most", DAYS)
    sizes = (("Members", members), (f"{sync.title} counts", stated))
    least, most = (seen.stated(sync.pk, f"rate_{end}", DAYS) for end in ("least", "most"))
    rates = (("At most", most), ("At least", least)) if least != most else (("", most),)
    return {
        "sync": sync,
        "standing": standing(sync, frame.now),
        "size": seen.size(sync.pk),
        "runs": runs,
        "told": seen.run(last.id) if last else None,
        "segment": next((s for s in seen.now.segments if s.name == sync.segment), None),
        "sizes": charts.lines(f"Members and what {sync.title} counts, {DAYS} days", sizes),
        "rates": charts.lines(f"Match rate, {DAYS} days", rates, unit=" %"),
        "changes": _changes(runs),
        "stated": len(stated) > 1,
        "rate_ends": [name for name, _ in rates if name],
        "days": DAYS,
    }


def _changes(runs: tuple[RunLine, ...]) -> Markup:
    """Added, removed and refused rows of the last runs, the oldest first."""
    told = runs[::-1]
    return charts.bars(
        f"Rows added, removed and refused in the last {len(told)} runs",
        tuple(f"{run.started_at.day} {run.started_at:%b}" for run in told),
        (
            ("Added", tuple(run.added for run in told)),
            ("Removed", tuple(run.removed for run in told)),
            ("Refused", tuple(run.refused for run in told)),
        ),
    )


def run(seen: Published, _: Frame, run_id: str) -> Context:
    """One run: its steps, what was refused and why, its requests, its events."""
    told = seen.run(run_id)
    if told is None:
        raise NotThere(f"There is no run {run_id} here.")
    events = list(islice(seen.events(Wanted(run=run_id)), EVENTS))
    return {
        "run": told,
        "sync": seen.now.sync(told.sync),
        "size": seen.size_of_run(told.id),
        "batches": told.batches[:BATCHES],
        "events": events[::-1],
    }


def runs(seen: Published, _: Frame) -> Context:
    """The last runs of all syncs."""
    return {"runs": seen.runs(None, 2 * RUNS)}


def audit(seen: Published, frame: Frame) -> Context:
    """Events that fit a filter, the newest first."""
    wanted = wanted_of(frame)
    found = list(islice(seen.events(wanted), EVENTS + 1))
    kinds, actors = seen.kinds()
    return {
        "wanted": wanted,
        "events": found[:EVENTS],
        "older": found[EVENTS - 1].number if len(found) > EVENTS else None,
        "kinds": kinds,
        "actors": actors,
        "syncs": seen.now.syncs,
        "chain": seen.now.chain,
    }


def wanted_of(frame: Frame) -> Wanted:
    """The filter that stands in an address.

    Raises:
        syncd.web.frame.BadQuestion: It cannot be understood.
    """
    until = frame.midnight("until")
    return Wanted(
        sync=frame.query.get("sync", ""),
        actor=frame.query.get("actor", ""),
        kind=frame.query.get("kind", ""),
        text=frame.query.get("text", "").replace("\0", ""),
        since=frame.midnight("since"),
        until=until + timedelta(days=1) if until else None,  # the day itself too
        before=frame.number("before"),
    )


def event(seen: Published, _: Frame, number: int) -> Context:
    """One event, with those of its run."""
    found = seen.event(number)
    if found is None:
        raise NotThere(f"There is no event {number} here.")
    return {"event": found, "chain": seen.now.chain}


def health(seen: Published, _: Frame) -> Context:
    """The daemon, accounts and their limits, alerts and to whom they went."""
    return {"now": seen.now}


def person(_: Published, __: Frame) -> Context:
    """Where to ask whether somebody was in an audience: not here."""
    return {}


def _needed(seen: Published, name: str) -> SyncTold:
    found = seen.now.sync(name)
    if found is None:
        raise NotThere(f"There is no sync {name} in the configuration.")
    return found
