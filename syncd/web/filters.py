"""Which events are wanted, as a statement for one volume of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.ledger.tables import iso

if TYPE_CHECKING:
    from syncd.web.reading import Wanted

EVENT_COLUMNS = (
    "event.kind, event.at, event.actor, event.detail, event.sync, event.audience, event.run, "
    "event.plan, event.counts, event.number"
)


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
