"""The read model, written anew beside the old one and put in its place as a whole.

Whoever reads meanwhile sees the old files or the new ones. What was published before is
carried over: only what is new, and runs of which something may have changed, is read again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from syncd.app import App, platforms
from syncd.errors import Unwritten
from syncd.ledger import history, surveys
from syncd.ledger.audit import seal
from syncd.ledger.figures import Moment
from syncd.ledger.tables import iso
from syncd.logs import scrubbed
from syncd.model import AuditEvent, Measured
from syncd.web import schema
from syncd.web.gathering import now_of
from syncd.web.runs import run_told
from syncd.web.shapes import NOW, RUN, ChainTold

APPROVED_FOR = timedelta(hours=72)
MODE = 0o640  # the folder's group may read

log = structlog.get_logger()


def publish(app: App) -> None:
    """Publish how things stand, if the configuration names a folder for it.

    Whatever goes wrong in it is logged and stops nothing: the page stays as it was.
    """
    folder = app.settings.page.directory
    if folder is None:
        return
    try:
        with _alone(folder):
            try:
                _publish(app, folder)
            except sqlite3.DatabaseError:  # a power cut damaged what was there: all of it anew
                (folder / schema.PAGE).unlink(missing_ok=True)
                _publish(app, folder)
    except Exception as error:
        # A full disk, a folder of somebody else, a bug: no run depends on the page.
        log.exception("page_unpublished", folder=str(folder), error=type(error).__name__)


@contextmanager
def published(app: App) -> Iterator[None]:
    """A block of commands whose changes the page shows afterwards."""
    try:
        yield
    finally:
        publish(app)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One publisher at a time, of whatever process."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _publish(app: App, folder: Path) -> None:
    chain, last = _known(app, folder)
    if not chain.events:
        for path in folder.glob("events-*.db"):
            path.unlink()
    chain, last = _events(app, folder, chain, last)
    old = folder / schema.PAGE if chain.events and _fits(folder, app.ledger.ledger_id) else None
    with _draft(folder / schema.PAGE, old, schema.PAGE_TABLES) as page:
        with app.ledger.figures.moment() as seen:
            _runs(app, seen, page)
            _sizes(seen, page)
            _surveys(seen, page)
            found = now_of(app, seen, chain)
        page.execute("DELETE FROM now")
        page.execute(
            "INSERT INTO now VALUES (?, ?, ?)", (app.ledger.ledger_id, last, NOW.dump_json(found))
        )


# --- what was published before ----------------------------------------------------------


def _fits(folder: Path, ledger: str) -> bool:
    """Whether a page is there, of this version, and of this ledger."""
    try:
        with _opened(folder / schema.PAGE) as page:
            (version,) = page.execute("PRAGMA user_version").fetchone()
            return bool(version == schema.VERSION) and page.execute(
                "SELECT ledger FROM now"
            ).fetchone() == (ledger,)
    except sqlite3.Error:
        return False


def _known(app: App, folder: Path) -> tuple[ChainTold, str]:
    """How far events are published and checked, and the last one's seal; none if it does not fit.

    A ledger that was put back from a backup has other events under the same numbers.
    """
    nothing = ChainTold(0, app.clock.now(), None), ""
    if not _fits(folder, app.ledger.ledger_id):
        return nothing
    with _opened(folder / schema.PAGE) as page:
        last, document = page.execute("SELECT seal, document FROM now").fetchone()
    chain = NOW.validate_json(document).chain
    there = app.ledger.events(after=chain.events - 1, limit=1)
    there_too = schema.volume_path(folder, schema.volume_of(max(chain.events, 1))).is_file()
    same = there_too and bool(there) and (there[0].number, there[0].seal) == (chain.events, last)
    return (chain, last) if same else nothing


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as found:
        yield found


@contextmanager
def _draft(path: Path, old: Path | None, tables: str) -> Iterator[sqlite3.Connection]:
    """A copy of a file, or an empty one with tables; it takes the file's place if all goes well.

    Nothing waits for the disk: after a power cut the page is made anew from the ledger.
    """
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        if old is not None:
            shutil.copyfile(old, draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN")
            if old is None:
                for statement in tables.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {schema.VERSION}")
            yield database
            database.execute("COMMIT")
        draft.chmod(MODE)
        draft.replace(path)
    except OSError as error:
        raise Unwritten(path, error) from None


# --- events -----------------------------------------------------------------------------


def _events(app: App, folder: Path, chain: ChainTold, last: str) -> tuple[ChainTold, str]:
    """Append new events to their volumes; how far they are checked then, and the last seal."""
    while found := app.ledger.events(after=chain.events, limit=schema.VOLUME):
        volume = schema.volume_of(found[0].number)
        events = [each for each in found if schema.volume_of(each.number) == volume]
        path = schema.volume_path(folder, volume)
        begun = chain.events and schema.volume_of(chain.events) == volume
        with _draft(path, path if begun else None, schema.EVENT_TABLES) as database:
            _append(database, events, chain.events)
        chain, last = _checked(app, chain, last, events), events[-1].seal
    return chain, last


def _append(database: sqlite3.Connection, events: list[AuditEvent], after: int) -> None:
    # A publication that died half-way left its volume with events that the page never counted.
    database.execute("DELETE FROM words WHERE rowid > ?", (after,))
    database.execute("DELETE FROM event WHERE number > ?", (after,))
    rows = [
        (
            *(each.number, each.kind, iso(each.at), each.actor, scrubbed(each.detail)),
            *(each.sync, each.audience, each.run, each.plan),
            json.dumps(dict(each.counts), sort_keys=True),
        )
        for each in events
    ]
    database.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    words = ((row[0], row[4]) for row in rows)
    database.executemany("INSERT INTO words (rowid, detail) VALUES (?, ?)", words)


def _checked(app: App, chain: ChainTold, last: str, events: list[AuditEvent]) -> ChainTold:
    """The chain with these events, each held against the one before it."""
    key, broken = app.ledger.transactions.audit_key, chain.broken_at
    for number, event in enumerate(events, chain.events + 1):
        follows = event.number == number and event.seal == seal(key, last, event)
        if broken is None and not follows:
            broken = number
        last = event.seal
    return replace(chain, events=events[-1].number, checked_at=app.clock.now(), broken_at=broken)


# --- runs and sizes ---------------------------------------------------------------------


def _runs(app: App, seen: Moment, page: sqlite3.Connection) -> None:
    """Runs that are new, and those of which something has changed since."""
    (last,) = page.execute("SELECT coalesce(max(number), 0) FROM run").fetchone()
    before = dict(page.execute("SELECT number, mark FROM run WHERE unsettled"))
    new = history.numbers_after(seen, last)
    candidates = [*before, *new]
    marks = {number: _mark(mark) for number, mark in history.marks(seen, candidates)}
    since = app.clock.now() - max(app.settle, APPROVED_FOR) - timedelta(days=1)
    unsettled = history.unsettled(seen, candidates, since)
    page.executemany(
        "UPDATE run SET unsettled = 0 WHERE number = ?",
        [(number,) for number in before if number not in unsettled],
    )
    changed = [number for number in candidates if before.get(number) != marks[number]]
    named = _audience_names(seen)
    for story in history.stories(seen, changed):
        platform, audience = named(story.audience)
        told = run_told(story, platform, audience)
        page.execute(
            f"INSERT OR REPLACE INTO run VALUES ({', '.join('?' * 17)})",
            (
                *(told.number, told.id, told.sync, told.state, told.actor),
                *(iso(told.started_at), iso(told.ended_at) if told.ended_at else None),
                *(told.read, sum(told.lost.values()), told.added, told.removed, told.again),
                *(told.refused_rows, told.detail.split("\n")[0], marks[story.number]),
                *(story.number in unsettled, RUN.dump_json(told)),
            ),
        )


def _mark(mark: history.Mark) -> str:
    return json.dumps([each.isoformat() if isinstance(each, datetime) else each for each in mark])


def _audience_names(seen: Moment) -> Callable[[int | None], tuple[str, str]]:
    """The platform's title and the name of each audience."""
    titles = {name: each.title for name, each in platforms().items()}
    known = {
        each.pk: (titles.get(each.platform, each.platform), each.name) for each in seen.audiences()
    }
    return lambda pk: known.get(pk or 0, ("", ""))


def _sizes(seen: Moment, page: sqlite3.Connection) -> None:
    """What platforms stated, and how large memberships were."""
    (last,) = page.execute("SELECT coalesce(max(number), 0) FROM size").fetchone()
    for number, audience, stated in history.sizes_after(seen, last):
        least, most, own = _rate(stated)
        page.execute(
            f"INSERT INTO size VALUES ({', '.join('?' * 12)})",
            (
                *(number, audience, stated.run, iso(stated.at), stated.members, stated.least),
                *(stated.most, stated.status, stated.warning, least, most, own),
            ),
        )
    known = dict(page.execute("SELECT audience, max(number) FROM membership GROUP BY audience"))
    for audience, number, at, members in history.memberships_after(seen, known):
        row = (audience, number, iso(at), members)
        page.execute("INSERT INTO membership VALUES (?, ?, ?, ?)", row)


def _surveys(seen: Moment, page: sqlite3.Connection) -> None:
    """How large segments were, as the shop was asked."""
    (last,) = page.execute("SELECT coalesce(max(survey), 0) FROM counted").fetchone()
    for number, segment, at, members in surveys.sizes_after(seen.tx, last):
        page.execute("INSERT INTO counted VALUES (?, ?, ?, ?)", (segment, number, iso(at), members))


def _rate(stated: Measured) -> tuple[float | None, float | None, bool]:
    """The match rate in percent, and whether it is the platform's own word."""
    if stated.matched is not None:
        return stated.matched.least, stated.matched.most, True
    if stated.match_rate is None:
        return None, None, False
    return stated.match_rate[0] * 100, stated.match_rate[1] * 100, False
