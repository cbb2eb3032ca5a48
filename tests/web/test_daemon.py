"""The daemon publishes by itself, and no trouble with the page is in a run's way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.sandbox import Sandbox
from syncd.app import open_app
from syncd.model import AuditEvent
from syncd.web.catalogue import segments
from syncd.web.filters import Wanted
from syncd.web.frame import Frame
from syncd.web.publishing import publish
from syncd.web.reading import Published, Unpublished, published
from syncd.web.rendering import render
from tests.integration.commands import Desk, platforms, wait_until
from tests.integration.daemons import keeping


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    with platforms() as started:
        yield started


@pytest.fixture
def shop(tmp_path: Path, local: Sandbox) -> Desk:
    desk = Desk(tmp_path, local)
    desk.settings["page"] = {"directory": str(tmp_path / "page")}
    desk.sync["schedule"] = "every 1h"
    desk.save()
    desk.join(*range(10))
    return desk


def test_what_the_daemon_ran_is_on_the_page(shop: Desk) -> None:
    def shown() -> bool:
        try:
            with published(shop.folder / "page") as seen:
                return done(seen)
        except Unpublished:
            return False

    def done(seen: Published) -> bool:
        (sync,) = seen.now.syncs
        told = [event.kind for event in seen.events(Wanted(sync="everyone"))]
        return sync.state == "done" and sync.members == 10 and "run_finished" in told

    with keeping(shop.config):
        wait_until(shown)


def test_the_daemon_asks_what_segments_are_worth_and_shows_it(shop: Desk) -> None:
    """By itself, beside its runs; the shop has no orders, and that is said."""

    def shown() -> bool:
        try:
            with published(shop.folder / "page") as seen:
                (segment,) = seen.now.segments
                known = segment.counted
                return known is not None and known.members == 10 and bool(seen.now.survey.trouble)
        except Unpublished:
            return False

    with keeping(shop.config):
        wait_until(shown)
    with open_app(shop.config) as app:
        (event,) = app.ledger.events(kind="segments_surveyed")
    assert event.actor == "schedule"


def test_before_the_shop_was_asked_the_page_says_how_to(shop: Desk) -> None:
    assert shop.syncd("sync", "everyone").code == 0
    with published(shop.folder / "page") as seen:
        now = datetime.now(UTC)
        frame = Frame(now, seen.now.at, seen.now.zone, "", "/segments", {})
        text = render("segments", frame, segments(seen, frame))
    for said in (
        "The shop was not asked yet what the segments are worth. The daemon does so every 1 d",
        "<code>syncd segments survey</code> does so now",
        "an overlap needs two",
        "Set <code>holdout: 5%</code> on one",
    ):
        assert said in text


def test_a_folder_that_cannot_be_written_stops_no_run(shop: Desk) -> None:
    (shop.folder / "page").write_text("in the way", "utf-8")
    assert shop.syncd("sync", "everyone").code == 0
    assert len(shop.held()) == 20


def test_what_a_power_cut_damaged_is_written_anew(shop: Desk) -> None:
    assert shop.syncd("sync", "everyone").code == 0
    folder = shop.folder / "page"
    volume = folder / "events-00000.db"
    for path in (volume, folder / "page.db"):
        whole = path.read_bytes()
        path.write_bytes(whole[:4096] + b"\0" * (len(whole) - 4096))
        with open_app(shop.config) as app:
            app.ledger.audit(AuditEvent("thing_happened", app.clock.now(), "jo", "something"))
            publish(app)
            told = [event.number for event in app.ledger.events()]
        with published(folder) as seen:
            assert [event.number for event in seen.events(Wanted())] == told[::-1]
            assert [run.added for run in seen.runs()] == [10]


def test_what_a_killed_publication_left_is_no_trouble(shop: Desk) -> None:
    """Half a draft, and a volume with events that no page counted."""
    assert shop.syncd("sync", "everyone").code == 0
    folder = shop.folder / "page"
    (folder / ".page.db.draft").write_bytes(b"half of it")
    before = (folder / "page.db").read_bytes()
    shop.join(77)
    assert shop.syncd("sync", "everyone").code == 0
    (folder / "page.db").write_bytes(before)  # it died between the volume and the page
    with open_app(shop.config) as app:
        publish(app)
        told = [event.number for event in app.ledger.events()]
    with published(folder) as seen:
        assert [event.number for event in seen.events(Wanted())] == told[::-1]
        assert [run.added for run in seen.runs()] == [1, 10]
        assert list(itertools.islice(seen.events(Wanted(text="added 1,")), 2))
