"""Which events are wanted, and the statement for them in one volume."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from syncd.ledger.tables import iso

EVENT_COLUMNS = (
    "event.kind, event.at, event.actor, event.detail, event.sync, event.audience, event.run, "
    "event.plan, event.counts, event.number"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted; "" and None mean any.

    Attributes:
        since, until: From a moment on, and before another.
        text: Words that stand in the sentence; the last letters of each may be left out.
        before: Only events with a smaller number.
    """

    sync: str = ""
    actor: str = ""
    kind: str = ""
    text: str = ""
    run: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


ANY = Wanted()


def query_of(wanted: Wanted, last: int) -> tuple[str, list[object]]:
    """The statement for one volume, and its values."""
    same = {"sync": wanted.sync, "actor": wanted.actor, "kind": wanted.kind, "run": wanted.run}
    conditions: list[tuple[str, object]] = [("event.number <= ?", last)]
    conditions += [(f"event.{column} = ?", value) for column, value in same.items() if value]
    if wanted.since is not None:
        conditions.append(("event.at >= ?", iso(wanted.since)))
    if wanted.until is not None:
        conditions.append(("event.at < ?", iso(wanted.until)))
    tables = "event"
    if wanted.text.split():
        tables = "words JOIN event ON event.number = words.rowid"
        conditions.append(("words MATCH ?", _words(wanted.text)))
    order = "words.rowid" if tables != "event" else "event.number"
    query = (
        f"SELECT {EVENT_COLUMNS} FROM {tables} WHERE {' AND '.join(c for c, _ in conditions)} "
        f"ORDER BY {order} DESC"
    )
    return query, [value for _, value in conditions]


def _words(text: str) -> str:
    """Words as FTS5 takes them, whatever was typed: each one quoted, and the beginning of one."""
    quoted = ('"' + word.replace('"', '""') + '"*' for word in text.split())
    return " ".join(quoted)
