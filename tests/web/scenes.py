"""A shop's week as the page shows it: fresh, held, failed, refused and never run, all real.

Real commands fill a real ledger from the local platforms; the page is a process of its own.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.sandbox import Sandbox
from tests.integration.canonical_desk import CONSENTS, ORDERS, key
from tests.integration.commands import Desk, Hands
from tests.integration.known_key import know

ROOT = Path(__file__).parents[2]
DAYS = 4
BUYERS = (
    "SELECT customer_key, email, phone, country, ad_consent FROM customers WHERE last_name = 'B'"
)
GUARD = {"min_members": 0}
# What a shipped segment reads beside customers.
TABLES = (
    *(f"ALTER TABLE customers ADD COLUMN {column}" for column in ("city", "region", "deleted")),
    f"CREATE TABLE orders ({', '.join(ORDERS)})",
    f"CREATE TABLE consents ({', '.join((*CONSENTS, 'email'))})",
)
# What no answer of the page may hold, in any form: three of the week's customers, and secrets.
PLANTED = ("sandbox-token", "zoe.quill@example.com", "+31687654321", "Quillsworth")


def week(folder: Path, local: Sandbox) -> Desk:
    """A desk after a week: `everyone` refused rows, `buyers` held, `google-broken` failed.

    Of segments, `everyone` has a hold-out, `letter` is its double, `by-category` cannot be asked.
    """
    desk, clock = Desk(folder, local), Hands(datetime.now(UTC) - timedelta(days=DAYS, hours=2))
    desk.sql("buyers", BUYERS)
    desk.settings["page"] = {"directory": str(folder / "page")}
    desk.settings["shop"]["timezone"] = "Europe/Amsterdam"
    desk.settings["segments"]["buyers"] = {"sql": "segments/buyers.sql"}
    desk.settings["segments"]["everybody"] = {"use": "all_customers"}
    desk.settings["segments"]["everyone"]["holdout"] = "15%"
    desk.sql("letter", "SELECT customer_key, email FROM customers WHERE email LIKE '%@%'")
    desk.settings["segments"]["letter"] = {"sql": "segments/letter.sql"}
    desk.settings["segments"]["by-category"] = {"use": "category_buyers", "with": {"category": "1"}}
    know(desk)
    desk.sync.update(schedule="every 6h", guard=GUARD)
    desk.also("everyone-google", account="google", audience="Everyone", schedule="every 1d")
    desk.also("buyers", segment="buyers", audience="Buyers", schedule="every 1d")
    desk.also("google-broken", segment="buyers", account="google", audience="Buyers")
    desk.also("newsletter", segment="everybody", audience="Newsletter", schedule="manual")
    _people(desk)
    people = itertools.count(1500)
    for day in range(DAYS):
        for sync in ("everyone", "buyers", *(["everyone-google"] * (day in {0, DAYS - 1}))):
            if sync == "everyone" and day == DAYS - 1:
                desk.fault(kind="refuse_rows", method="add", rows=(0, 2, 3))
            assert desk.syncd("sync", sync, clock=clock).code in {0, 3}
            clock.pass_by(minutes=20)
        desk.join(*itertools.islice(people, 14 + 9 * (day % 3)), consent="granted")
        desk.leave(*range(200 + 5 * day, 205 + 5 * day))
        clock.pass_by(hours=5)
        buy(desk, clock, day)
        if day % 2:
            assert desk.syncd("segments", "survey", clock=clock).code == 0
        clock.pass_by(hours=18)
    desk.change("UPDATE customers SET last_name = '' WHERE customer_key < 'c:00521'")
    clock.at = datetime.now(UTC) - timedelta(minutes=90)
    assert desk.syncd("sync", "buyers", clock=clock).code == 4
    desk.fault(platform="google", method="create", code="PERMISSION_DENIED", status=403)
    desk.fault(platform="google", method="list", code="PERMISSION_DENIED", status=403)
    assert desk.syncd("sync", "google-broken", clock=clock).code != 0
    local.faults.clear()
    clock.pass_by(minutes=20)
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    return desk


def _people(desk: Desk) -> None:
    """Who is in the shop on the first day."""
    desk.join(*range(1, 1150), consent="granted")
    desk.join(*range(2900, 2925), consent="denied")
    desk.change("UPDATE customers SET last_name = 'B' WHERE customer_key < 'c:00641'")
    desk.change(
        "INSERT INTO customers VALUES ('c:zz1', ?, ?, 'Zoe', ?, 'NL', '1012 AB', 'granted')",
        [PLANTED[1:]],
    )
    desk.change("INSERT INTO customers (customer_key, email) VALUES ('c:zz2', 'no address')")
    for statement in TABLES:
        desk.change(statement)


def buy(desk: Desk, clock: Hands, day: int) -> None:
    """Every third customer buys something on the first day, and every seventh on the others."""
    at, every = f"{clock.at:%Y-%m-%d %H:%M:%S}", 7 if day else 3
    rows = [
        (f"o:{day}:{number}", key(number), at, True, f"{10 + number % 50}.50", "0.00")
        for number in range(300 + day, 1140, every)
    ]
    marks = ", ".join("?" * len(ORDERS))
    desk.change(f"INSERT INTO orders ({', '.join(ORDERS)}) VALUES ({marks})", rows)


@contextmanager
def page(folder: Path, *words: str) -> Iterator[str]:
    """The page as a process of its own, with an empty home; its address."""
    command = [sys.executable, "-m", "syncd", "web", "--directory", str(folder), *words]
    if "--socket" not in words:
        command += ["--port", "0"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    ) as running:
        killer = threading.Timer(300, running.kill)
        killer.start()
        try:
            assert running.stdout is not None
            yield running.stdout.readline().split()[-1].rstrip("/")
        finally:
            killer.cancel()
            running.terminate()
            assert running.wait(60) == 0


def get(address: str, **headers: str) -> str:
    """A page's text."""
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        found: str = answer.read().decode()
        return found
