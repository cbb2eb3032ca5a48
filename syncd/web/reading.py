"""The read model as the page asks it: opened anew for each request, and only to read.

Its files are never changed once they are in place, which is what `immutable` says: no lock
is taken and no file is written, so a user who may only read is enough.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from syncd.ledger.tables import iso
from syncd.model import AuditEvent
from syncd.web import schema
from syncd.web.filters import ANY, EVENT_COLUMNS, Wanted, query_of
from syncd.web.shapes import NOW, RUN, Now, RunTold


class Unpublished(Exception):
    """There is nothing to show yet; its text says what to do."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a line of a table."""

    id: str
    sync: str
    state: str
    actor: str
    started_at: datetime
    ended_at: datetime | None
    read: int
    kept_out: int
    added: int
    removed: int
    again: int
    refused: int
    detail: str


@dataclass(frozen=True, slots=True)
class SizeLine:
    """What a platform stated of an audience; a match rate in percent."""

    at: datetime
    run: str
    members: int
    least: int | None
    most: int | None
    status: str
    warning: str
    rate_least: float | None
    rate_most: float | None
    own_rate: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """What the runs of a while came to; a run that only showed a plan is none."""

    runs: int
    failed: int
    added: int
    removed: int
    again: int
    refused: int


@dataclass(frozen=True, slots=True)
class Day:
    """The last value of a day, in UTC."""

    date: str
    value: float


@dataclass(frozen=True, slots=True)
class Published:
    """The read model in one folder, as it was published last."""

    folder: Path
    page: sqlite3.Connection
    now: Now

    # --- runs -------------------------------------------------------------------------

    def runs(self, sync: str | None = None, limit: int = 30) -> tuple[RunLine, ...]:
        """The last runs, of one sync or of all, the newest first."""
        where, values = ("WHERE sync = ?", [sync]) if sync else ("", [])
        query = f"SELECT {_RUN_COLUMNS} FROM run {where} ORDER BY number DESC LIMIT ?"
        return tuple(_run_line(row) for row in self.page.execute(query, [*values, limit]))

    def last_change(self, sync: str) -> RunLine | None:
        """The last run of a sync that added or removed anybody."""
        return self._last(sync, "added + removed > 0")

    def last_read(self, sync: str) -> RunLine | None:
        """The last run of a sync that read anybody."""
        return self._last(sync, "read > 0")

    def _last(self, sync: str, which: str) -> RunLine | None:
        query = (
            f"SELECT {_RUN_COLUMNS} FROM run WHERE sync = ? AND {which} "
            "ORDER BY number DESC LIMIT 1"
        )
        row = self.page.execute(query, [sync]).fetchone()
        return None if row is None else _run_line(row)

    def run(self, run_id: str) -> RunTold | None:
        """A run, by its id."""
        row = self.page.execute("SELECT document FROM run WHERE id = ?", [run_id]).fetchone()
        return None if row is None else RUN.validate_json(row[0])

    def totals(self, sync: str, since: datetime) -> Totals:
        """What the runs of a sync that began since then came to."""
        row = self.page.execute(
            "SELECT count(*), coalesce(sum(state = 'failed'), 0), coalesce(sum(added), 0), "
            "coalesce(sum(removed), 0), coalesce(sum(again), 0), coalesce(sum(refused), 0) "
            "FROM run WHERE sync = ? AND started_at >= ? AND state != 'planned'",
            [sync, iso(since)],
        ).fetchone()
        return Totals(*row)

    # --- sizes ------------------------------------------------------------------------

    def size(self, audience: int | None) -> SizeLine | None:
        """The last that a platform stated of an audience."""
        return self._size("audience", audience)

    def size_of_run(self, run: str) -> SizeLine | None:
        """What a platform stated after a run."""
        return self._size("run", run)

    def _size(self, of: str, which: object) -> SizeLine | None:
        query = f"SELECT {_SIZE_COLUMNS} FROM size WHERE {of} = ? ORDER BY number DESC LIMIT 1"
        row = self.page.execute(query, [which]).fetchone()
        return None if row is None else _size_line(row)

    def members(self, audience: int | None, days: int) -> tuple[Day, ...]:
        """Who might be in an audience, at the end of each day on which that changed."""
        return self._by_day(
            "SELECT substr(at, 1, 10), members, max(number) FROM membership "
            "WHERE audience = ? AND at >= ? GROUP BY 1 ORDER BY 1",
            *(audience, self._ago(days)),
        )

    def members_at(self, audience: int | None, at: datetime) -> int | None:
        """Who might have been in an audience at a moment; None before its first membership."""
        row = self.page.execute(
            "SELECT members FROM membership WHERE audience = ? AND at <= ? "
            "ORDER BY number DESC LIMIT 1",
            [audience, iso(at)],
        ).fetchone()
        return None if row is None else int(row["members"])

    def stated(self, audience: int | None, column: str, days: int) -> tuple[Day, ...]:
        """A column of what platforms stated, at the end of each day."""
        return self._by_day(
            f"SELECT substr(at, 1, 10), {column}, max(number) FROM size "
            f"WHERE audience = ? AND at >= ? AND {column} IS NOT NULL GROUP BY 1 ORDER BY 1",
            *(audience, self._ago(days)),
        )

    def read_of(self, sync: str, days: int) -> tuple[Day, ...]:
        """Rows that a sync's segment had, at the end of each day on which it was read."""
        return self._by_day(
            "SELECT substr(started_at, 1, 10), read, max(number) FROM run "
            "WHERE sync = ? AND started_at >= ? AND read > 0 GROUP BY 1 ORDER BY 1",
            *(sync, self._ago(days)),
        )

    def counted_of(self, segment: str, days: int) -> tuple[Day, ...]:
        """Members that surveys counted in a segment, at the end of each day."""
        return self._by_day(
            "SELECT substr(at, 1, 10), members, max(survey) FROM counted "
            "WHERE segment = ? AND at >= ? GROUP BY 1 ORDER BY 1",
            *(segment, self._ago(days)),
        )

    def _by_day(self, query: str, *values: object) -> tuple[Day, ...]:
        return tuple(Day(date, value) for date, value, _ in self.page.execute(query, values))

    def _ago(self, days: int) -> str:
        return iso(self.now.at - timedelta(days=days))

    # --- events -----------------------------------------------------------------------

    def event(self, number: int) -> AuditEvent | None:
        """One event, by its number."""
        if not 0 < number <= self.now.chain.events:
            return None
        query = f"SELECT {EVENT_COLUMNS} FROM event WHERE number = ?"
        for found in _of_volume(self.folder, schema.volume_of(number), query, [number]):
            return found
        return None

    def events(self, wanted: Wanted) -> Iterator[AuditEvent]:
        """Events that fit, the newest first, read as they are asked for."""
        last = min(self.now.chain.events, (wanted.before or self.now.chain.events + 1) - 1)
        query, values = query_of(wanted, last)
        for volume in range(schema.volume_of(last), -1, -1) if last > 0 else ():
            yield from _of_volume(self.folder, volume, query, values, wanted)

    def kinds(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Kinds of events, and actors, of the newest volume: for whoever chooses."""
        path = schema.volume_path(self.folder, schema.volume_of(max(self.now.chain.events, 1)))
        if not path.is_file():
            return (), ()
        with _opened(path) as volume:
            return _distinct(volume, "kind"), _distinct(volume, "actor")


@contextmanager
def published(folder: Path) -> Iterator[Published]:
    """Open what was published.

    Raises:
        Unpublished: Nothing was, or by another version.
    """
    path = folder / schema.PAGE
    if not path.is_file():
        raise Unpublished(
            f"Nothing is published in {folder} yet. Set page.directory in the configuration to "
            "this folder; the daemon, or the next `syncd sync`, publishes there"
        )
    try:
        with _opened(path) as page:
            (version,) = page.execute("PRAGMA user_version").fetchone()
            if version != schema.VERSION:
                raise Unpublished(
                    f"What is published in {folder} is of version {version}, this page reads "
                    f"{schema.VERSION}: it is written anew by the next run of the new version"
                )
            (document,) = page.execute("SELECT document FROM now").fetchone()
            yield Published(folder, page, NOW.validate_json(document))
    except sqlite3.DatabaseError:
        raise Unpublished(
            f"What is published in {folder} cannot be read. Delete {path}: the next run writes it "
            "anew from the ledger"
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(_read_only(path)) as found:
        yield found


def _read_only(path: Path) -> sqlite3.Connection:
    # An export is read on by whichever thread is free, one at a time.
    uri = f"file:{path}?mode=ro&immutable=1"
    found = sqlite3.connect(uri, uri=True, check_same_thread=False)
    found.row_factory = sqlite3.Row
    return found


# --- rows -------------------------------------------------------------------------------

_RUN_COLUMNS = (
    "id, sync, state, actor, started_at, ended_at, read, kept_out, added, removed, again, "
    "refused, detail"
)
_SIZE_COLUMNS = "at, run, members, least, most, status, warning, rate_least, rate_most, own_rate"


def _run_line(row: sqlite3.Row) -> RunLine:
    ended = row["ended_at"]
    return RunLine(
        id=row["id"],
        sync=row["sync"],
        state=row["state"],
        actor=row["actor"],
        started_at=_moment(row["started_at"]),
        ended_at=None if ended is None else _moment(ended),
        read=row["read"],
        kept_out=row["kept_out"],
        added=row["added"],
        removed=row["removed"],
        again=row["again"],
        refused=row["refused"],
        detail=row["detail"],
    )


def _size_line(row: sqlite3.Row) -> SizeLine:
    return SizeLine(
        at=_moment(row["at"]),
        run=row["run"],
        members=row["members"],
        least=row["least"],
        most=row["most"],
        status=row["status"],
        warning=row["warning"],
        rate_least=row["rate_least"],
        rate_most=row["rate_most"],
        own_rate=bool(row["own_rate"]),
    )


def _event(row: sqlite3.Row) -> AuditEvent:
    return AuditEvent(
        kind=row["kind"],
        at=_moment(row["at"]),
        actor=row["actor"],
        detail=row["detail"],
        sync=row["sync"],
        audience=row["audience"],
        run=row["run"],
        plan=row["plan"],
        counts=json.loads(row["counts"]),
        number=row["number"],
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- events by volume -------------------------------------------------------------------


def _of_volume(
    folder: Path, volume: int, query: str, values: list[object], wanted: Wanted = ANY
) -> Iterator[AuditEvent]:
    path = schema.volume_path(folder, volume)
    if not path.is_file():
        return  # about to be published anew
    with _opened(path) as database:
        if _elsewhen(database, wanted):
            return
        yield from map(_event, database.execute(query, values))


def _elsewhen(volume: sqlite3.Connection, wanted: Wanted) -> bool:
    """Whether all of a volume is of another time: it would be walked from end to end in vain."""
    first, last = volume.execute(
        "SELECT (SELECT min(at) FROM event), (SELECT max(at) FROM event)"
    ).fetchone()
    return first is None or (
        (wanted.since is not None and last < iso(wanted.since))
        or (wanted.until is not None and first >= iso(wanted.until))
    )


def _distinct(volume: sqlite3.Connection, column: str) -> tuple[str, ...]:
    """The values of a column that has an index, each found by one step in it."""
    found = volume.execute(
        f"WITH RECURSIVE step(value) AS (SELECT min({column}) FROM event UNION ALL "
        f"SELECT (SELECT min({column}) FROM event WHERE {column} > value) FROM step "
        "WHERE value IS NOT NULL) SELECT value FROM step WHERE value IS NOT NULL"
    )
    return tuple(value for (value,) in found)
