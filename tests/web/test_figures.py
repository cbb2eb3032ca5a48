"""Figures of an audience, of segments and of health, against the ledger's own tables.

The ledger is asked in SQL here, by none of the code that publishes it.
"""

from __future__ import annotations

import json
import math
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
            assert " Rows not read by a run yet: " in card
        else:
            assert f" Rows {read['rows']:,} , read " in card.replace(", read", " , read")
            assert f" by run {read['id']} " in card


def counted(ledger: sqlite3.Connection, segment: str) -> sqlite3.Row | None:
    """A segment as the last survey that could has counted it."""
    return one(
        ledger,
        "SELECT surveyed.*, survey.customers, survey.revenue AS whole FROM surveyed "
        "JOIN survey ON survey.number = surveyed.survey "
        "WHERE segment = ? AND members IS NOT NULL ORDER BY survey DESC",
        segment,
    )


def test_every_share_of_a_segment_is_the_ledgers(
    at: str, app: App, ledger: sqlite3.Connection
) -> None:
    """Members, of all customers, of revenue; and why one was not counted."""
    text = get(f"{at}/segments")
    page, known = words(text), 0
    for segment in app.settings.segments:
        shown = cells_of(text, f"#{segment}")
        found = counted(ledger, segment)
        if found is None:
            assert shown[1:3] == [NONE, NONE]
            why = one(ledger, "SELECT trouble FROM surveyed WHERE segment = ?", segment)
            assert why is not None
            assert f"{segment} was not counted: {why['trouble']}" in page
            continue
        known += 1
        card = words(text.split(f'<h2 id="{segment}">')[1].split("</section>")[0])
        assert f" Buyers {found['buyers']:,} of {found['members']:,} members bought " in card
        assert shown[0] == f"{found['members']:,}"
        assert shown[1] == f"{found['members'] / found['customers'] * 100:,.1f} %"
        assert shown[2] == f"{found['revenue'] / found['whole'] * 100:,.1f} %"
    assert known == 4


def test_every_cell_of_the_heat_map_is_the_ledgers(
    at: str, app: App, ledger: sqlite3.Connection
) -> None:
    """What two have in common of who is in either, both ways round, and which are too alike."""
    text = get(f"{at}/segments")
    table = text.split('<table class="heat">')[1].split("</table>")[0]
    heads = re.findall(r'<span class="heard">(.*?)</span>', table)
    assert heads == [name for name in app.settings.segments if name != "by-category"]
    rows = [row.split("<td")[1:] for row in table.split("<tr>")[2:]]
    for down, line in zip(heads, rows, strict=True):
        for across, cell in zip(heads, line, strict=True):
            if down == across:
                assert words(f"<td{cell}") == NONE
                continue
            pair = one(
                ledger,
                "SELECT both FROM surveyed_pair WHERE survey = (SELECT max(number) FROM survey) "
                "AND (one, other) IN (VALUES (?, ?), (?, ?))",
                *(down, across, across, down),
            )
            sizes = [counted(ledger, name) for name in (down, across)]
            assert pair is not None
            either = sum(size["members"] for size in sizes if size) - pair["both"]
            share = pair["both"] / either
            assert words(f"<td{cell}") == f"{share * 100:,.1f} % {pair['both']:,}"
            assert f"heat-{round(share * 10)}" in cell
            alike = f"{down} and {across} are too alike, hardly two segments: {pair['both']:,} "
            shown = alike in words(text) or f"{across} and {down} are too alike" in words(text)
            assert shown == (share >= 0.8)


def test_every_figure_of_a_lift_is_the_ledgers(at: str, ledger: sqlite3.Connection) -> None:
    """Both arms, and intervals: that of buyers once more from the counts, by Newcombe's method."""
    text = get(f"{at}/segments")
    kept = one(ledger, "SELECT figures FROM surveyed_lift WHERE figures != '' ORDER BY survey DESC")
    assert kept is not None
    figures = json.loads(kept["figures"])
    section = text.split('<h2 id="lift">')[1].split("</section>")[0]
    arms = figures["lift"]
    for name in ("exposed", "control"):
        arm, members = arms[name], arms[name]["members"]
        line = words(section.split(f'<th scope="row">{name.title()}</th>')[1].split("</tr>")[0])
        assert line.split() == [
            *(f"{members:,}", f"{arm['buyers']:,}", f"{arm['buyers'] / members * 100:.1f}", "%"),
            *(f"{arm['orders']:,}", f"{100 * arm['orders'] / members:,.1f}"),
            *(f"{arm['revenue']:,.2f}", f"{arm['revenue'] / members:,.2f}"),
        ]
    page = words(section)
    shares = [arms[name]["buyers"] / arms[name]["members"] for name in ("exposed", "control")]
    assert arms["conversion"]["value"] == pytest.approx(shares[0] - shares[1])
    ends = [wilson(arms[name]["buyers"], arms[name]["members"]) for name in ("exposed", "control")]
    low = shares[0] - shares[1] - math.hypot(shares[0] - ends[0][0], ends[1][1] - shares[1])
    assert arms["conversion"]["low"] == pytest.approx(low)
    assert f" between {minus(low * 100)} and {minus(arms['conversion']['high'] * 100)}: " in page
    for each in ("orders", "revenue"):
        times = arms[f"times_{each}"]
        spread = f"between {minus(times['low'] * 100)} % and {minus(times['high'] * 100)} %: "
        assert f" {each} a member, {spread}" in page
        a_head = [arms[name][each] / arms[name]["members"] for name in ("exposed", "control")]
        assert times["value"] == pytest.approx(a_head[0] / a_head[1] - 1)
    assert f"left out on all sides: {figures['unsent']:,} who could not be sent" in page


def wilson(hits: int, of: int) -> tuple[float, float]:
    z, share = 1.959963984540054, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


def minus(value: float) -> str:
    return f"{value:,.1f}".replace("-", "\N{MINUS SIGN}")


@pytest.mark.parametrize("segment", ["everyone", "letter"])
def test_every_point_of_a_segments_line_is_the_ledgers(
    desk: Desk, ledger: sqlite3.Connection, segment: str
) -> None:
    found = {
        row["at"][:10]: row["members"]
        for row in ledger.execute(
            "SELECT survey.at, surveyed.members FROM surveyed "
            "JOIN survey ON survey.number = surveyed.survey "
            "WHERE segment = ? AND members IS NOT NULL ORDER BY survey",
            (segment,),
        )
    }
    assert len(found) > 1
    with published(desk.folder / "page") as seen:
        assert seen.counted_of(segment, 90) == points(found)


def test_the_report_says_the_same_of_segments(
    desk: Desk, app: App, ledger: sqlite3.Connection
) -> None:
    lines = desk.syncd("report", "--week").out.splitlines()
    for segment in app.settings.segments:
        (line,) = [each for each in lines if each.startswith(f"- {segment}: ")]
        found = counted(ledger, segment)
        if found is None:
            assert line.startswith(f"- {segment}: not counted: ")
        else:
            share = found["revenue"] / found["whole"] * 100
            assert line.startswith(f"- {segment}: {found['members']:,} members, ")
            assert line.endswith(f", {share:,.1f} % of revenue")


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
