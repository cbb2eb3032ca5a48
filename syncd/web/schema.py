"""The read model's files: one of how things stand and of runs, and volumes of events.

Events are most of it, and never change: a volume that is full is never written again, so
that publishing costs the same however long the audit is. `page.db` says up to which event
the volumes count.
"""

from __future__ import annotations

from pathlib import Path

VERSION = 2  # of these tables and of what stands in their documents
PAGE = "page.db"
VOLUME = 50_000  # events in one file

PAGE_TABLES = """
CREATE TABLE now (ledger TEXT NOT NULL, seal TEXT NOT NULL, document BLOB NOT NULL);
CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    sync TEXT NOT NULL,
    state TEXT NOT NULL,
    actor TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    read INTEGER NOT NULL,
    kept_out INTEGER NOT NULL,
    added INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    again INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    detail TEXT NOT NULL,
    mark TEXT NOT NULL,
    unsettled INTEGER NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX run_sync ON run (sync, number);
CREATE INDEX run_changed ON run (sync, number) WHERE added + removed > 0;
CREATE INDEX run_unsettled ON run (number) WHERE unsettled;
CREATE TABLE size (
    number INTEGER PRIMARY KEY,
    audience INTEGER NOT NULL,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    members INTEGER NOT NULL,
    least INTEGER,
    most INTEGER,
    status TEXT NOT NULL,
    warning TEXT NOT NULL,
    rate_least REAL,
    rate_most REAL,
    own_rate INTEGER NOT NULL
);
CREATE INDEX size_audience ON size (audience, number);
CREATE INDEX size_run ON size (run);
CREATE TABLE membership (
    audience INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    members INTEGER NOT NULL,
    PRIMARY KEY (audience, number)
) WITHOUT ROWID;
CREATE TABLE counted (
    segment TEXT NOT NULL,
    survey INTEGER NOT NULL,
    at TEXT NOT NULL,
    members INTEGER NOT NULL,
    PRIMARY KEY (segment, survey)
) WITHOUT ROWID;
"""
EVENT_TABLES = """
CREATE TABLE event (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL,
    sync TEXT NOT NULL,
    audience TEXT NOT NULL,
    run TEXT NOT NULL,
    plan TEXT NOT NULL,
    counts TEXT NOT NULL
);
CREATE INDEX event_kind ON event (kind, number);
CREATE INDEX event_actor ON event (actor, number);
CREATE INDEX event_sync ON event (sync, number);
CREATE INDEX event_sync_kind ON event (sync, kind, number);
CREATE INDEX event_run ON event (run, number);
CREATE INDEX event_at ON event (at);
CREATE VIRTUAL TABLE words USING fts5 (detail, content='event', content_rowid='number');
"""


def volume_of(event: int) -> int:
    """The volume in which an event stands, from 0."""
    return (event - 1) // VOLUME


def volume_path(folder: Path, volume: int) -> Path:
    """A volume's file."""
    return folder / f"events-{volume:05}.db"
