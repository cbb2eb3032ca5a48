"""Figures of an audience, of segments and of health, against the ledger's own tables.

The ledger is asked in SQL here, by none of the code that publishes it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from syncd.app import App, open_app
from syncd.ledger.tables import iso
from syncd.web.reading import Day, published
from tests.integration.commands import Desk
from tests.web.scenes import get
from tests.web.test_page import cells_of, words

SYNCS = ("everyone", "everyone-google", "buyers", "google-broken", "newsletter")
NONE = "\N{EN DASH}"
TAKEN = ("accepted", "processed", "settled")
PHASES = ("add", "remove", "again")  # in the order of the columns


@pytest.fixture
def app(desk: Desk) -> Iterator[App]:
    with open_app(desk.config) as opened:
        yield opened


@pytest.fixture
def ledger(app: App) -> Iterator[sqlite3.Connection]:
    """The ledger's database, read by SQL alone."""
    (path,) = app.directory.glob("*.db")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as found:
        found.row_factory = sqlite3.Row
        yield found


def one(ledger: sqlite3.Connection, query: str, *values: object) -> sqlite3.Row | None:
    found: sqlite3.Row | None = ledger.execute(query, values).fetchone()
    return found


def last_read(ledger: sqlite3.Connection, *syncs: str) -> sqlite3.Row | None:
    """The newest of their runs that read anybody, with what it read."""
    marks = ", ".join("?" * len(syncs))
    return one(
        ledger,
        f"SELECT run.id, snapshot.rows, snapshot.usable, plan.counts FROM run "
        "JOIN snapshot ON snapshot.run = run.id LEFT JOIN plan ON plan.id = run.plan "
        f"WHERE run.sync IN ({marks}) AND snapshot.rows > 0 "
        "ORDER BY run.started_at DESC, run.number DESC",
        *syncs,
    )


def refused_of(ledger: sqlite3.Connection, run: str) -> int:
    """Rows that the platform would not take: each refusal is stored as row, reason and count."""
    lists = ledger.execute(
        "SELECT batch.refused FROM batch JOIN plan ON plan.id = batch.plan WHERE plan.run = ?",
        (run,),
    )
    return sum(refusal[2] for (refused,) in lists for refusal in json.loads(refused))


# --- an audience ----------------------------------------------------------------------------


@pytest.mark.parametrize("sync", SYNCS)
def test_every_figure_of_an_audience_is_the_ledgers(
    at: str, ledger: sqlite3.Connection, sync: str
) -> None:
    """Its tiles, and whoever is not sent."""
    page = words(get(f"{at}/audiences/{sync}"))
    known = one(ledger, "SELECT pk FROM audience WHERE sync = ? ORDER BY pk DESC", sync)
    sizes = known and one(
        ledger,
        "SELECT sizes FROM generation WHERE audience = ? ORDER BY number DESC",
        known["pk"],
    )
    held = json.loads(sizes["sizes"]) if sizes else None
    assert f" Members {held['members']:,} " in page if held else f" Members {NONE} " in page
    waiting = one(
        ledger,
        "SELECT count(*) AS n FROM batch JOIN plan ON plan.id = batch.plan "
        "WHERE plan.sync = ? AND batch.state IN ('accepted', 'sending', 'unknown') "
        "AND batch.processed_at IS NULL",
        sync,
    )
    assert waiting is not None
    assert f" Under way {waiting['n']:,} batches " in page
    read = last_read(ledger, sync)
    if read is None:
        assert "Who is not sent" not in page
        return
    counts = json.loads(read["counts"]) if read["counts"] else {}
    assert f" Rows read by run {read['id']} {read['rows']:,} " in page
    assert f" With an identifier that can be used {read['usable']:,} " in page
    for reason, lost in counts.get("lost", {}).items():
        assert f" Kept out: {reason.replace('_', ' ')} {lost:,} " in page
    if counts:
        assert f" May be sent {counts['wanted']:,} " in page
    named = held["refused"] if held else 0
    assert f" Refused by name, until their values change {named:,} " in page


@pytest.mark.parametrize("sync", SYNCS)
def test_every_line_of_an_audiences_runs_is_the_ledgers(
    at: str, ledger: sqlite3.Connection, sync: str
) -> None:
    """Read, added, removed and refused of each run."""
    text = get(f"{at}/audiences/{sync}")
    runs = ledger.execute("SELECT id FROM run WHERE sync = ? ORDER BY number DESC", (sync,))
    for (run,) in runs.fetchall()[:30]:
        cells = cells_of(text, f"/runs/{run}")
        read = one(ledger, "SELECT rows FROM snapshot WHERE run = ?", run)
        taken = defaultdict[str, int](int)
        for batch in ledger.execute(
            "SELECT batch.* FROM batch JOIN plan ON plan.id = batch.plan WHERE plan.run = ?",
            (run,),
        ):
            if batch["state"] in TAKEN:
                refused = sum(refusal[2] for refusal in json.loads(batch["refused"]))
                taken[batch["phase"]] += batch["rows"] - refused
        figures = [int(re.sub(r"\D", "", cell) or 0) for cell in cells[-5:]]
        shown = [read["rows"] if read else 0, *(taken[phase] for phase in PHASES)]
        assert figures == [*shown, refused_of(ledger, run)], (run, cells)


@pytest.mark.parametrize("sync", ["everyone", "everyone-google", "buyers"])
def test_every_point_of_a_line_is_the_ledgers(
    desk: Desk, ledger: sqlite3.Connection, sync: str
) -> None:
    """Members, what the platform counts and rows read: the last of each day."""
    known = one(ledger, "SELECT pk FROM audience WHERE sync = ?", sync)
    assert known is not None
    members, stated, read = dict[str, int](), dict[str, int](), dict[str, int]()
    for row in ledger.execute(
        "SELECT at, sizes FROM generation WHERE audience = ? ORDER BY number", (known["pk"],)
    ):
        members[row["at"][:10]] = json.loads(row["sizes"])["members"]
    for row in ledger.execute(
        "SELECT at, most FROM size WHERE audience = ? AND most IS NOT NULL ORDER BY number",
        (known["pk"],),
    ):
        stated[row["at"][:10]] = row["most"]
    for row in ledger.execute(
        "SELECT run.started_at, snapshot.rows FROM run JOIN snapshot ON snapshot.run = run.id "
        "WHERE run.sync = ? AND snapshot.rows > 0 ORDER BY run.number",
        (sync,),
    ):
        read[row["started_at"][:10]] = row["rows"]
    assert len(members) > 1, "a line of one point shows nothing"
    with published(desk.folder / "page") as seen:
        assert seen.members(known["pk"], 90) == points(members)
        assert seen.stated(known["pk"], "most", 90) == points(stated)
        assert seen.read_of(sync, 90) == points(read)


def points(days: dict[str, int]) -> tuple[Day, ...]:
    return tuple(Day(date, value) for date, value in sorted(days.items()))


# --- segments -------------------------------------------------------------------------------


def test_every_figure_of_the_segments_is_the_ledgers(
    at: str, app: App, ledger: sqlite3.Connection
) -> None:
    text = get(f"{at}/segments")
    for segment in app.settings.segments:
        card = words(text.split(f'<h2 id="{segment}">')[1].split("</section>")[0])
        syncs = [name for name, sync in app.settings.syncs.items() if sync.segment == segment]
        read = last_read(ledger, *syncs)
        if read is None:
            assert " Rows not read yet: " in card
        else:
            assert f" Rows {read['rows']:,} , read " in card.replace(", read", " , read")
            assert f" by run {read['id']} " in card


# --- health ---------------------------------------------------------------------------------


def test_every_figure_of_health_is_the_ledgers(
    at: str, app: App, ledger: sqlite3.Connection
) -> None:
    """Events, erasures, requests of each account within a day, open alerts."""
    text = get(f"{at}/health")
    page = words(text)
    events = one(ledger, "SELECT count(*) AS n FROM audit_event")
    erasures = one(ledger, "SELECT count(*) AS n FROM erasure WHERE closed_at IS NULL")
    alerts = one(ledger, "SELECT count(*) AS n FROM alert WHERE closed_at IS NULL")
    assert events is not None
    assert erasures is not None
    assert alerts is not None
    assert f" Audit {events['n']:,} events, chain whole " in page
    assert f" Erasures under way {erasures['n']:,} " in page
    assert text.count("<li><strong>") == alerts["n"]
    with published(app.settings.page.directory or app.directory) as seen:
        published_at = seen.now.at
    for name in app.settings.accounts:
        platform = app.settings.accounts[name].connector
        sent = one(
            ledger,
            "SELECT count(*) AS n FROM attempt JOIN batch ON batch.id = attempt.batch "
            "JOIN plan ON plan.id = batch.plan JOIN audience ON audience.pk = plan.audience "
            "WHERE audience.platform = ? AND attempt.started_at > ?",
            platform,
            iso(published_at - timedelta(days=1)),
        )
        assert sent is not None
        row = next(row for row in text.split("<tr>") if f'scope="row">{name}</th>' in row)
        shown = words(re.findall(r'<td class="n">(.*?)</td>', row)[0])
        assert shown == f"{sent['n']:,}", name
