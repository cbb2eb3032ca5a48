"""`syncd demo`: three days of a shop and two platforms, told and then checked.

It drives syncd as an operator does: one configuration file, one ledger, `syncd.sync.run`
for what `syncd sync` would do. Nothing is staged but the shop, the clock and one fault.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from syncd.app import App, open_app
from syncd.demo.control import Control
from syncd.demo.day import let_a_day_pass
from syncd.demo.operator import Line, run_sync
from syncd.demo.pages import Page, day_words, shop_words
from syncd.demo.shop import make_shop
from syncd.demo.stage import (
    PAGE,
    StoryClock,
    clock,
    configure,
    directory,
    local_time,
    logging_to,
)
from syncd.demo.verdict import Verdict, compare
from syncd.errors import SyncdError
from syncd.local import LocalPlatforms, StartLocal
from syncd.retry import ATTEMPTS
from syncd.web.publishing import publish
from syncd.worth.surveying import survey

GOOGLE_DELAY = 0.2  # seconds until the local Google applies what it accepted
CUT_OFF = "all-customers-meta"  # the sync whose platform breaks off
BESIDE = "cart-abandoners-meta"  # one on the same platform, after it
LAST_EVENTS = 12


class Disagreement(SyncdError):
    """A platform does not hold what it should, or syncd did not do what it should."""


def tell(
    start: StartLocal,
    keep: Path | None,
    *,
    customers: int = 20_000,
    as_of: datetime | None = None,
    say: Callable[[str], None] | None = None,
    shown: Callable[[Path], None] | None = None,
) -> None:
    """Tell the demo's story, and check it.

    Args:
        start: Starts the local platforms.
        keep: An empty directory for the demo's files; None deletes them in the end.
        customers: How large the shop is.
        as_of: When it begins; now by default.
        say: Prints a line; standard output by default.
        shown: Shows the page that is published in a folder, at the very end.

    Raises:
        syncd.errors.UsageError: `keep` is not empty.
        Disagreement: Not everything agreed.
    """
    begun = time.monotonic()
    page = Page(say or _print)
    with directory(keep) as folder, logging_to(folder / "syncd.log"):
        page.say("syncd demo: a made-up shop, two local platforms, three days.")
        moment = clock(as_of)
        page.heading(1, f"A shop, as of {local_time(moment.now())}")
        shop = folder / "shop.db"
        page.tell(shop_words(make_shop(shop, customers=customers, as_of=moment.now())))
        with (
            _platforms(start) as local,
            open_app(configure(folder, local), holder="demo", clock=moment) as app,
        ):
            story = _Story(page, app, Control(local.control_endpoint), moment, shop)
            verdicts = story.told()
            publish(app)
        if keep is not None:
            page.say("")
            page.say(f"Kept: {folder}. Try: syncd status --config {folder / 'syncd.yaml'}")
        _close(page, story.wrong, verdicts, time.monotonic() - begun)
        if shown is not None:
            shown(folder / PAGE)


def _platforms(start: StartLocal) -> LocalPlatforms:
    return start(meta_port=0, google_port=0, control_port=0, google_delay=GOOGLE_DELAY)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _close(page: Page, wrong: list[str], verdicts: tuple[Verdict, ...], seconds: float) -> None:
    page.say("")
    if wrong:
        raise Disagreement("the demo does not agree: " + "; ".join(wrong))
    total = sum(verdict.held for verdict in verdicts)
    page.say(
        f"Everything agreed: {total:,} identifiers on {len(verdicts)} audiences, "
        f"checked digest by digest. {seconds:.0f} s."
    )
    page.say("Next: `syncd init` writes a configuration for your own shop.")


@dataclass(slots=True)
class _Story:
    """The chapters, and what went otherwise than they say.

    Attributes:
        wrong: What did not agree, a clause each, in counts.
    """

    page: Page
    app: App
    control: Control
    clock: StoryClock
    shop: Path
    wrong: list[str] = field(default_factory=list)

    def told(self) -> tuple[Verdict, ...]:
        """All chapters, in order."""
        self.first()
        self.a_day()
        self.cut_off()
        self.recovery()
        self.nothing()
        verdicts = self.agreement()
        self.worth()
        self.audit()
        return verdicts

    def first(self) -> None:
        page = self.page
        page.tell(
            "Local servers play Meta and Google; the vendors' own SDKs talk to them. This",
            "Google applies later, in shuffled order, as the real one may.",
        )
        page.heading(2, "The first sync: three segments to two platforms")
        lines = self._sync()
        page.tell(
            "Nobody who denied consent went out; Google was told of nobody in Europe who has",
            f"not granted it. One in ten of all customers is held out, for later. {_rows(lines):,}",
            "rows in all.",
        )
        self._expect(_rows(lines) > 0, "the first sync sent nothing")
        self._expect_all_done(lines)

    def a_day(self) -> None:
        self._day(3, "A day passes in the shop")
        lines = self._sync()
        whole = sum((line.read or 0) - (line.kept_out or 0) for line in lines)
        page, rows = self.page, _rows(lines)
        page.tell(
            f"Only the difference went out: {rows:,} rows, where sending everybody again would",
            f"have been {whole:,}.",
        )
        self._expect(0 < rows < whole / 2, f"the second sync sent {rows:,} rows of {whole:,}")
        self._expect_all_done(lines)

    def cut_off(self) -> None:
        self._day(4, "Another day, and Meta breaks off in the middle")
        self.page.tell(
            "From its next additions on, Meta applies what it gets and cuts the connection",
            f"instead of answering. syncd tries {ATTEMPTS} times (the demo hardly waits in",
            "between); each try counts in the table.",
        )
        fault = {"kind": "reset", "when": "after", "platform": "meta", "method": "add"}
        self.control.script(fault | {"times": ATTEMPTS})
        lines = self._sync(CUT_OFF, BESIDE)
        self.control.heal()
        failed = [line.sync for line in lines if line.state == "failed"]
        self.page.tell(
            "That run failed (exit code 1), the one after it did not. The ledger knows which rows",
            "may or may not be on Meta now.",
        )
        self._expect(failed == [CUT_OFF], f"{len(failed)} syncs failed where one should have")

    def recovery(self) -> None:
        self._day(5, "A third day; Meta is well again, and the next run carries on")
        lines = self._sync()
        found = self.app.ledger.events(kind="batches_resolved", sync=CUT_OFF)
        self.page.tell(
            "Before anything else, what nobody knows the outcome of went out once more: twice",
            "is once. Then came the difference of the day.",
        )
        self._expect(len(found) == 1, "the next run did not send the unanswered batch again")
        self._expect_all_done(lines)

    def nothing(self) -> None:
        self.page.heading(6, "Nothing has changed")
        lines = self._sync()
        rows, requests = _rows(lines), sum(line.requests for line in lines)
        self.page.tell("Nothing went out. Removals that are not settled yet change nothing in it.")
        self._expect(not rows and not requests, f"with nothing changed, {rows:,} rows went out")
        self._expect_all_done(lines)

    def agreement(self) -> tuple[Verdict, ...]:
        self.page.heading(7, "Do the platforms hold what they should?")
        self.page.tell(
            "Worked out once more from the shop, one customer at a time, by code that syncd does",
            "not use; compared with what the platforms hold, identifier by identifier, and once",
            "more as the persons into which platforms join them.",
        )
        verdicts = compare(self.app, self.control, self.shop)
        self.page.verdicts(verdicts)
        for one in verdicts:
            self._expect(
                one.agreed,
                f"{one.sync}: {one.missing:,} identifiers missing, {one.extra:,} extra; as "
                f"persons {one.lost:,} missing, {one.beside:,} extra, {one.strangers:,} strangers",
            )
            self._expect(one.expected > 0, f"{one.sync}: nobody is expected")
        return verdicts

    def worth(self) -> None:
        page = self.page
        page.heading(8, "What are the segments worth?")
        page.command("segments", "survey")
        found = survey(self.app, actor="demo")
        page.segments(found)
        self._expect(len(found.counted) == len(found.segments), "a segment was not counted")
        self._expect(found.revenue is not None, f"revenue is not known: {found.trouble}")
        for lift in found.lifts:
            self._expect(bool(lift.figures), f"no lift of {lift.segment}: {lift.trouble}")
        page.tell(
            "The page shows these, how much the segments overlap, and what all customers bought",
            "more than those held out: nothing that is sure, after three days.",
        )

    def audit(self) -> None:
        page, ledger = self.page, self.app.ledger
        page.heading(9, "The end of the audit")
        page.command("audit", "show", "--sync", CUT_OFF, "--limit", str(LAST_EVENTS))
        for event in ledger.events(sync=CUT_OFF, limit=LAST_EVENTS, newest=True):
            page.event(event)
        page.command("audit", "verify")
        found = ledger.verify()
        page.tell(f"{found.events:,} events, chain {'whole' if found.ok else 'BROKEN'}.")
        self._expect(found.ok, f"the audit chain is broken at event {found.first_bad}")

    def _day(self, number: int, title: str) -> None:
        now = self.clock.pass_a_day()
        self.page.heading(number, title)
        self.page.tell(day_words(let_a_day_pass(self.shop, as_of=now, seed=number)))

    def _sync(self, *chosen: str) -> list[Line]:
        """What `syncd sync NAMES --wait` does: one after the other, whatever fails."""
        names = chosen or tuple(self.app.settings.syncs)
        self.page.command("sync", *names, "--wait")
        lines = [run_sync(self.app, self.control, name) for name in names]
        self.page.lines(lines)
        return lines

    def _expect(self, true: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition, said once
        if not true:
            self.wrong.append(otherwise)

    def _expect_all_done(self, lines: list[Line]) -> None:
        for line in lines:
            self._expect(line.state == "done", f"a run of {line.sync} ended {line.state}")


def _rows(lines: list[Line]) -> int:
    return sum(line.removed + line.sent for line in lines)
