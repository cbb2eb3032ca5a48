"""The page in a real browser: clicked through, looked at in both themes and widths, and heard."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.integration.commands import Desk

WIDTHS = (1280, 390)
THEMES = ("light", "dark")
# Each template once, with the most on it.
LOOKED_AT = (
    *("/", "/runs", "/segments", "/audit", "/audit/1", "/health", "/person"),
    *("/audiences/everyone", "/audiences/newsletter", "/runs/r1", "/audit?text=unheard"),
)
# Where to leave what the browser saw, for a person to look at; else nothing is kept.
PICTURES = os.environ.get("SYNCD_PICTURES")
PATIENCE = 20_000  # milliseconds
# Rules of WCAG 2.1 A and AA, and what axe counts as good practice beside them.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no chromium: .ci/run installs Debian's package")
        pytest.skip("there is no chromium: `apt-get install chromium` brings one")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@contextmanager
def looking(
    chromium: Browser, at: str, *, width: int = 1280, theme: str = "light", script: bool = False
) -> Iterator[Page]:
    """A window whose requests stay on the page's host, and which has nothing to complain of."""
    asked, said = list[str](), list[str]()

    def hear(message: ConsoleMessage) -> None:
        said.append(message.text)

    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if theme == "dark" else "light",
        java_script_enabled=script,
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE)
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", hear)
    try:
        yield context.new_page()
    finally:
        context.close()
    assert asked
    assert [url for url in asked if not url.startswith(f"{at}/")] == []
    assert said == []


def test_from_the_overview_to_a_refused_rows_reason(chromium: Browser, at: str) -> None:
    """As a person goes, without script, and back out by a file."""
    with looking(chromium, at) as page:
        page.goto(f"{at}/")
        assert page.get_by_role("heading", name="Needs a person").is_visible()
        assert page.get_by_text(re.compile(r"syncd approve p\w+")).count() == 1
        page.get_by_role("row", name=re.compile("everyone Fresh")).get_by_role("link").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Everyone on Meta"
        page.get_by_role("link", name=re.compile("^3 refused in run")).click()
        reason = page.get_by_role("row", name=re.compile("invalid_entry"))
        assert "held until their values change" in reason.inner_text()
        assert "syncd identity sample everyone" in reason.inner_text()
        page.get_by_role("link", name=re.compile("^Event ")).last.click()
        assert "refused 3 rows (invalid_entry: 3)" in page.locator("main").inner_text()


def test_events_are_filtered_and_taken_away(chromium: Browser, at: str, tmp_path: Path) -> None:
    with looking(chromium, at) as page:
        page.goto(f"{at}/audit?zone=Asia/Tokyo")
        page.get_by_label("Words").fill("held")
        page.get_by_label("Kind").select_option("plan_held")
        page.get_by_role("button", name="Filter").click()
        assert page.locator(".events li").count() == 1
        assert page.get_by_label("Times in").input_value() == "Asia/Tokyo"
        with page.expect_download() as taken:
            page.get_by_role("link", name="CSV").click()
        taken.value.save_as(tmp_path / taken.value.suggested_filename)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "syncd-audit.csv").read_text("utf-8"))))
    assert [row["kind"] for row in rows] == ["plan_held"]


def test_events_of_one_audience_are_chosen_by_its_name(chromium: Browser, at: str) -> None:
    with looking(chromium, at) as page:
        page.goto(f"{at}/audit")
        page.get_by_label("Audience").select_option("Buyers on Meta (buyers)")
        page.get_by_role("button", name="Filter").click()
        told = page.locator(".events .meta").all_inner_texts()
        assert told
        assert all(" · buyers · " in each for each in told)


def test_what_segments_are_worth_is_read_without_a_script(chromium: Browser, at: str) -> None:
    """From the table of segments to a lift's interval, by links and by what is heard."""
    with looking(chromium, at, width=390) as page:
        page.goto(f"{at}/")
        page.get_by_role("link", name="Segments").click()
        row = page.get_by_role("row", name=re.compile("^everyone your own SQL"))
        assert re.search(r"\d+\.\d %", row.inner_text())
        heat = page.get_by_role("table", name="Columns are numbered as rows")
        assert heat.get_by_role("columnheader", name="letter").count() == 1
        assert heat.locator("tbody th[scope=row]", has_text="everyone").count() == 1
        assert page.get_by_text(
            re.compile("letter are too alike, hardly two segments")
        ).is_visible()
        lift = page.get_by_text(re.compile(r"(more|fewer) orders a member, between .* % and .* %:"))
        assert lift.is_visible()
        row.get_by_role("link").click()
        page.wait_for_url(f"{at}/segments#everyone")
        page.goto(f"{at}/audiences/everyone")
        page.get_by_role("link", name="exposed against control").click()
        page.wait_for_url(f"{at}/segments#lift")


def test_a_zone_is_kept_from_link_to_link(chromium: Browser, at: str) -> None:
    with looking(chromium, at) as page:
        page.goto(f"{at}/audiences/everyone")
        time = page.locator("table time").first
        here, title = time.inner_text(), time.get_attribute("title")
        page.get_by_label("Times in").select_option("Asia/Tokyo")
        page.get_by_role("button", name="Show").click()
        assert page.locator("table time").first.inner_text() != here
        assert page.locator("table time").first.get_attribute("title") == title
        page.get_by_role("link", name="Overview").click()
        assert page.get_by_label("Times in").input_value() == "Asia/Tokyo"


def test_a_keyboard_gets_past_the_menu(chromium: Browser, at: str) -> None:
    with looking(chromium, at) as page:
        page.goto(f"{at}/")
        page.keyboard.press("Tab")
        assert page.get_by_text("Skip to the content").is_visible()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{at}/audiences/everyone")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_view_fits_its_window(chromium: Browser, at: str, width: int, theme: str) -> None:
    """Whatever the width, nothing but a table or a picture of its own is wider than the window."""
    with looking(chromium, at, width=width, theme=theme, script=True) as page:
        for view in LOOKED_AT:
            page.goto(at + view)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
            if PICTURES:
                seen = page.screenshot(full_page=True)
                name = re.sub(r"\W+", "-", view.strip("/")) or "overview"
                Path(PICTURES).mkdir(parents=True, exist_ok=True)
                (Path(PICTURES) / f"{name}-{width}-{theme}.png").write_bytes(seen)


@pytest.mark.parametrize("theme", THEMES)
def test_no_view_keeps_anybody_out(chromium: Browser, at: str, theme: str) -> None:
    """What axe finds; each theme has its own contrasts, and each width its own lay-out."""
    width = dict(zip(THEMES, WIDTHS, strict=True))[theme]
    with looking(chromium, at, width=width, theme=theme, script=True) as page:
        for view in LOOKED_AT:
            page.goto(at + view)
            options = {"runOnly": {"type": "tag", "values": RULES}}
            found = Axe().run(page, options=options).response["violations"]
            nodes = [(one["id"], node["html"]) for one in found for node in one["nodes"]]
            assert nodes == [], view


def test_the_week_has_all_that_is_looked_at(desk: Desk) -> None:
    states = {row["sync"]: row["state"] for row in desk.syncd("status", "--json").json["syncs"]}
    assert set(states.values()) >= {"done", "held", "failed", "never run"}
