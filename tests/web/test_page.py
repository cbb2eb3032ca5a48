"""The page over HTTP: figures are the ledger's, nobody's data is in it, and nothing is written."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import re
import shutil
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.app import App, open_app
from syncd.model import AuditEvent, BatchState, Phase
from syncd.telling import COLUMNS, cells
from syncd.web import schema
from syncd.web.doors import HEADERS
from syncd.web.filters import Wanted
from syncd.web.publishing import publish
from syncd.web.reading import published
from tests.integration.canaries import files_in, leaks
from tests.integration.commands import Desk, email, phone
from tests.web.scenes import PLANTED, get, page

VIEWS = (
    *("/", "/runs", "/segments", "/audit", "/health", "/person"),
    *("/audiences/everyone", "/audiences/everyone-google", "/audiences/buyers"),
    *("/audiences/google-broken", "/audiences/newsletter", "/runs/r1", "/audit/1"),
)
EXPORTS = ("/audit.csv", "/audit.jsonl")
METHODS = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")


@pytest.fixture
def app(desk: Desk) -> Iterator[App]:
    with open_app(desk.config) as opened:
        yield opened


def status(address: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    asked = urllib.request.Request(address, method=method, headers=headers)
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def words(text: str) -> str:
    """What a reader sees, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def cells_of(text: str, first: str) -> list[str]:
    """The cells of the table row whose heading links to an address."""
    row = next(row for row in text.split("<tr")[1:] if f'href="{first}"' in row)
    return [words(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]


# --- figures ------------------------------------------------------------------------------


def test_every_figure_of_the_overview_is_the_ledgers(at: str, app: App) -> None:
    text = get(f"{at}/")
    with app.ledger.figures.moment() as seen:
        for name in app.settings.syncs:
            known = seen.audience_of(name)
            generation = seen.generation(known.pk) if known else None
            stated = seen.stated(known.pk) if known else None
            shown = cells_of(text, f"/audiences/{name}")
            none = "\N{EN DASH}"
            assert shown[1] == (f"{generation.sizes.members:,}" if generation else none)
            if stated is None or stated.least is None:
                assert shown[2:4] == [none, none]
            else:
                assert shown[2].split(" to ") == [
                    f"{n:,}" for n in dict.fromkeys((stated.least, stated.most))
                ]
                assert stated.match_rate is not None
                rates = dict.fromkeys(f"{rate * 100:.0f}" for rate in stated.match_rate)
                assert shown[3] == f"about {' to '.join(rates)} %"
            added, removed = _last_change(app, name)
            changed = f"+{added:,} \N{MINUS SIGN}{removed:,}"
            assert shown[4].startswith(changed if added or removed else none)


def _last_change(app: App, name: str) -> tuple[int, int]:
    """Rows that the platform took in the last run that changed anything, from batches alone."""
    for run in app.ledger.runs(name, 100):
        taken = dict.fromkeys(Phase, 0)
        for batch in app.ledger.batches(run.plan) if run.plan else ():
            if batch.state in {BatchState.ACCEPTED, BatchState.PROCESSED, BatchState.SETTLED}:
                taken[batch.phase] += batch.rows - sum(r.count for r in batch.refused)
        if taken[Phase.ADD] or taken[Phase.REMOVE]:
            return taken[Phase.ADD], taken[Phase.REMOVE]
    return 0, 0


def test_every_figure_of_a_run_is_the_ledgers(at: str, app: App) -> None:
    """Of all runs: rows by what became of them, refusals by reason, and each batch."""
    lines = get(f"{at}/runs")
    for run in app.ledger.runs(None, 100):
        text = words(get(f"{at}/runs/{run.id}"))
        plan = app.ledger.plan(run.plan) if run.plan else None
        assert f" {run.state.value} " in text
        if plan is None:
            continue
        batches, read = app.ledger.batches(plan.id), app.ledger.snapshot(plan.snapshot)
        assert read is not None
        refused = sum(r.count for batch in batches for r in batch.refused)
        assert f"Refused {refused:,} Took" in text
        assert f"{read.rows:,} rows, {read.usable:,} with an identifier" in text
        assert f"Unchanged {plan.counts.unchanged:,} Refused" in text
        for reason, count in plan.counts.lost.items():
            assert f"Kept out: {reason} {count:,}" in text
        for one in read.refused:
            assert f"{one.field} {one.reason} {one.count:,}" in text
        for batch in batches:
            assert f" {batch.phase.value} {batch.rows:,} {batch.state.value} " in text
        assert cells_of(lines, f"/runs/{run.id}")[-1] == f"{refused:,}"
        assert cells_of(lines, f"/runs/{run.id}")[5] == f"{read.rows:,}"


def test_the_audit_is_whole_and_in_the_same_words(at: str, app: App) -> None:
    told = app.ledger.events(limit=10_000)
    rows = list(csv.reader(io.StringIO(get(f"{at}/audit.csv"))))
    assert rows[0] == list(COLUMNS)
    assert rows[:0:-1] == [cells(event) for event in told]
    found = [json.loads(line) for line in get(f"{at}/audit.jsonl").splitlines()]
    assert [one["detail"] for one in found[::-1]] == [event.detail for event in told]
    assert f"up to event {len(told):,}" in words(get(f"{at}/audit"))
    assert f"{told[0].detail}" in words(get(f"{at}/audit/1"))


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ("kind=plan_held", lambda event: event.kind == "plan_held"),
        ("sync=buyers", lambda event: event.sync == "buyers"),
        ("text=refus+INVAL", lambda event: "invalid_entry" in event.detail),
        ("actor=nobody", lambda _: False),
        ("sync=buyers&kind=run_started", lambda e: (e.sync, e.kind) == ("buyers", "run_started")),
        ("since=2100-01-01", lambda _: False),
        ("until=2100-01-01", lambda _: True),
    ],
)
def test_a_filter_shows_what_fits_and_no_other(at: str, app: App, asked: str, fits: object) -> None:
    assert callable(fits)
    expected = [event.number for event in app.ledger.events(limit=10_000) if fits(event)][::-1]
    found = [json.loads(line)["number"] for line in get(f"{at}/audit.jsonl?{asked}").splitlines()]
    assert found == expected
    shown = re.findall(r'class="number" href="/audit/(\d+)"', get(f"{at}/audit?{asked}"))
    assert list(map(int, shown)) == expected[:50]


def test_days_are_those_of_the_readers_zone(at: str, app: App) -> None:
    """A day in Auckland begins half a day before one in UTC."""
    first = app.ledger.events(limit=1)[0].at
    for zone, hours in (("UTC", 0), ("Etc/GMT-12", 12), ("Etc/GMT%2B11", -11)):
        day = datetime.fromtimestamp(first.timestamp() + hours * 3600, UTC).date()
        found = get(f"{at}/audit.jsonl?until={day}&zone={zone}").splitlines()
        assert json.loads(found[-1])["number"] == 1
        before = day.fromordinal(day.toordinal() - 1)
        assert not get(f"{at}/audit.jsonl?until={before}&zone={zone}")


# --- nobody's data, nothing written -------------------------------------------------------


def test_nothing_that_is_published_or_answered_holds_anybodys_data(at: str, desk: Desk) -> None:
    canaries = [*PLANTED, *(f(n) for n in (1, 2, 1500, 2900) for f in (email, phone))]
    places = {path: get(at + path).encode() for path in (*VIEWS, *EXPORTS)}
    assert leaks(canaries, {**places, **dict(files_in(desk.folder / "page"))}) == []
    assert leaks([PLANTED[1]], dict(files_in(desk.folder))) != []  # it is where it may be


@pytest.mark.parametrize("path", [*VIEWS, *EXPORTS, "/static/page.css", "/nothing", "/audit/0"])
def test_each_answer_has_the_strict_headers(at: str, path: str) -> None:
    found = status(at + path)[1]
    for name, value in HEADERS:
        assert found[name.decode()] == value.decode()


@pytest.mark.parametrize("method", METHODS)
def test_no_method_that_writes_is_answered(at: str, method: str) -> None:
    assert status(f"{at}/", method=method)[0] == 405
    assert status(f"{at}/", method="HEAD")[0] == 200


def test_a_page_of_another_name_is_not_led_here(at: str) -> None:
    assert status(f"{at}/", Host="evil.example")[0] == 421


@pytest.mark.parametrize(
    ("path", "code"),
    [
        *(("/?zone=Mars/Base", 400), ("/audit?since=soon", 400), ("/audit?before=-1", 400)),
        *(("/runs/r999", 404), ("/audiences/nobody", 404), ("/audit/999999", 404)),
        *(("/static/../doors.py", 404), ("/audit/99999999999999999999", 404)),
    ],
)
def test_what_is_not_there_is_said(at: str, path: str, code: int) -> None:
    assert status(at + path)[0] == code


def test_a_token_keeps_others_out(desk: Desk, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-the-team\n", "utf-8")
    with page(desk.folder / "page", "--token-file", str(token)) as address:
        basic = base64.b64encode(b"anyone:a-token-of-the-team").decode()
        code, headers = status(f"{address}/")
        assert (code, headers["www-authenticate"][:5]) == (401, "Basic")
        assert status(f"{address}/", Authorization=f"Basic {basic}")[0] == 200
        assert status(f"{address}/", Authorization="Bearer a-token-of-the-team")[0] == 200
        for wrong in ("Basic !", "Bearer a-token", "Basic " + basic[:-4], "Digest x"):
            assert status(f"{address}/", Authorization=wrong)[0] == 401


def test_a_proxy_signs_in_and_nobody_else(desk: Desk) -> None:
    words_ = ("--user-header", "X-Forwarded-User", "--peer", "127.0.0.1", "--host", "syncd.example")
    with page(desk.folder / "page", *words_) as address:
        assert status(f"{address}/")[0] == 403
        signed = {"X-Forwarded-User": "jo"}
        assert status(f"{address}/", **signed)[0] == 200
        assert status(f"{address}/", Host="syncd.example", **signed)[0] == 200
    with page(desk.folder / "page", *words_[:3], "10.0.0.1") as address:
        assert status(f"{address}/", **signed)[0] == 403


def test_a_socket_is_for_its_group(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "page.sock"
    with page(desk.folder / "page", "--socket", str(path)):
        assert path.stat().st_mode & 0o777 == 0o660
        with closing(socket.socket(socket.AF_UNIX)) as line:
            line.connect(str(path))
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert line.recv(15) == b"HTTP/1.1 200 OK"
    assert not path.exists()


def test_before_anything_is_published_it_says_what_to_do(tmp_path: Path) -> None:
    with page(tmp_path) as address:
        assert "page.directory" in words(get(f"{address}/"))
        assert status(f"{address}/audit.csv")[0] == 200


# --- the report ---------------------------------------------------------------------------


def test_a_week_adds_up_as_the_ledgers_runs_do(desk: Desk, app: App, tmp_path: Path) -> None:
    """As text and as one file that loads nothing and links nowhere."""
    text, file = desk.syncd("report", "--week").out, tmp_path / "week.html"
    assert desk.syncd("report", "--output", str(file)).code == 0
    shown = file.read_text("utf-8")
    assert not re.findall(r"<(?:a|script|link|img)\b|@import|url\(|href=", shown)
    for name in app.settings.syncs:
        runs = [run for run in app.ledger.runs(name, 100) if run.plan]
        batches = [one for run in runs for one in app.ledger.batches(str(run.plan))]
        refused = sum(r.count for one in batches for r in one.refused)
        added = sum(one.rows for one in batches if one.phase is Phase.ADD and one.accepted_at)
        removed = sum(one.rows for one in batches if one.phase is Phase.REMOVE and one.accepted_at)
        known = app.ledger.audience_of(name)
        if known is None:
            continue
        (line,) = [
            each
            for each in text.splitlines()
            if f"{known.name} on {'Google' if known.platform == 'google' else 'Meta'}" in each
            and " rows" in each
            and (known.platform == "meta" or "failed" not in each)
        ]
        assert f"+{added - refused:,} -{removed:,} rows" in line
        rows = [row for row in shown.split("<tr>") if f"\N{MIDDLE DOT} {name}</span>" in row]
        figures = [words(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", rows[-1], re.DOTALL)]
        assert figures[2:4] == [f"{added - refused:,}", f"{removed:,}"]
        assert figures[5] == f"{refused:,}"
    assert "Run: syncd approve p" in text
    assert leaks(PLANTED, {"text": text.encode(), "file": shown.encode()}) == []


# --- publishing ---------------------------------------------------------------------------


def copied(desk: Desk, folder: Path) -> Path:
    """A configuration whose ledger is a copy of the week's, and that publishes beside it."""
    shutil.copytree(desk.var, folder / "var")
    data = yaml.safe_load(desk.config.read_text("utf-8"))
    data["ledger"] |= {
        "url": f"sqlite:///{folder / 'var' / 'ledger.db'}",
        "directory": str(folder / "var"),
    }
    data["page"] = {"directory": str(folder / "page")}
    path = desk.config.with_name("copied.yaml")
    path.write_text(yaml.safe_dump(data), "utf-8")
    return path


def test_publishing_from_run_to_run_is_publishing_once(desk: Desk, tmp_path: Path) -> None:
    """What was carried over is what one look at the whole ledger gives."""
    with open_app(desk.config) as app:
        publish(app)
    with open_app(copied(desk, tmp_path)) as app:
        publish(app)
        once = _rows(tmp_path / "page")
        publish(app)
    assert once == _rows(tmp_path / "page") == _rows(desk.folder / "page")
    assert (tmp_path / "page" / schema.PAGE).stat().st_mode & 0o777 == 0o640


def _rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    found = {}
    for file, tables in (
        (schema.PAGE, ("run", "size", "membership", "counted")),
        ("events-00000.db", ("event",)),
    ):
        with closing(sqlite3.connect(folder / file)) as database:
            for table in tables:
                found[table] = database.execute(f"SELECT * FROM {table}").fetchall()
    return found


@settings(max_examples=60)
@given(text=st.text(max_size=20))
def test_whatever_is_typed_as_words_is_no_error(desk: Desk, text: str) -> None:
    with published(desk.folder / "page") as seen:
        for event in seen.events(Wanted(text=text.replace("\0", ""))):
            assert isinstance(event, AuditEvent)


def test_a_chain_that_was_edited_shows(desk: Desk, tmp_path: Path) -> None:
    """And what was written into it is neither a mark-up nor a formula to whoever looks."""
    config = copied(desk, tmp_path)
    with closing(sqlite3.connect(tmp_path / "var" / "ledger.db")) as ledger, ledger:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in ledger.execute(triggers).fetchall():
            ledger.execute(f"DROP TRIGGER {name}")
        ledger.execute("UPDATE audit_event SET actor = ? WHERE number = 7", ["=1+<b>1</b>"])
    with open_app(config) as app:
        publish(app)
    with published(tmp_path / "page") as seen:
        assert seen.now.chain.broken_at == 7
    with page(tmp_path / "page") as address:
        assert "Chain broken" in words(get(f"{address}/audit"))
        assert "<dd>=1+&lt;b&gt;1&lt;/b&gt;</dd>" in get(f"{address}/audit/7")
        rows = list(csv.DictReader(io.StringIO(get(f"{address}/audit.csv"))))
        assert rows[-7]["actor"] == "'=1+<b>1</b>"


def test_a_ledger_that_was_put_back_is_published_anew(desk: Desk, tmp_path: Path) -> None:
    """Other events under numbers that were published before: none of the old ones stays."""
    config, ledger = copied(desk, tmp_path), tmp_path / "var" / "ledger.db"
    before = ledger.read_bytes()
    for detail in ("what was lost", "what came instead"):
        ledger.write_bytes(before)
        with open_app(config) as app:
            app.ledger.audit(AuditEvent("thing_happened", app.clock.now(), "jo", detail))
            publish(app)
        with published(tmp_path / "page") as seen:
            newest = next(seen.events(Wanted()))
            assert (newest.detail, seen.now.chain.broken_at) == (detail, None)
            assert [one.number for one in seen.events(Wanted(text="lost"))] == (
                [newest.number] if "lost" in detail else []
            )


def test_volumes_are_one_audit(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files the events fill, and however many came at a time."""
    with published(desk.folder / "page") as seen:
        whole = list(seen.events(Wanted()))
    monkeypatch.setattr(schema, "VOLUME", 7)
    with open_app(copied(desk, tmp_path)) as app:
        publish(app)
        app.ledger.audit(AuditEvent("thing_happened", app.clock.now(), "jo", "and one more"))
        publish(app)
    with published(tmp_path / "page") as seen:
        assert list(seen.events(Wanted()))[1:] == whole
        kind = Wanted(kind="plan_made", before=20)
        assert list(seen.events(kind)) == [
            one for one in whole if one.kind == "plan_made" and one.number < 20
        ]
        assert seen.event(8) == whole[-8]
