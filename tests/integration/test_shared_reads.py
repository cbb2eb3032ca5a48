"""Syncs of one segment that are asked for together: one read of the shop, and nothing else shared.

Plans, audiences, failures and records are those of syncs that ran each by itself.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from connectors.sandbox import Sandbox
from syncd.runs import reading
from tests.integration.commands import Answer, Desk, digests, email, phone, wait_until
from tests.integration.databases import Database, MakeDatabase
from tests.integration.sharing import (
    PEOPLE,
    SYNCS,
    asked,
    given,
    held,
    reads,
    snapshots,
    states,
    sync,
)


@pytest.fixture
def shop(desk: Desk) -> Desk:
    given(desk)
    desk.join(*PEOPLE, consent="granted")
    return desk


@pytest.fixture
def twin(tmp_path: Path, local: Sandbox) -> Desk:
    """Another desk, whose syncs run each by itself."""
    (tmp_path / "twin").mkdir()
    found = Desk(tmp_path / "twin", local)
    given(found)
    found.join(*PEOPLE, consent="granted")
    return found


def drawn(answers: list[Answer]) -> dict[str, object]:
    """What each plan comes to, by sync, but for names and times."""
    plans = [result["plan"] for answer in answers for result in answer.json]
    return {plan["sync"]: (plan["counts"], plan["held"], plan["rules"]) for plan in plans}


# --- how often the shop is asked -------------------------------------------------------


def test_syncs_of_one_segment_are_read_for_once(shop: Desk) -> None:
    sync(shop)
    assert (reads(shop), snapshots(shop)) == (1, 4)
    assert len(set(asked(shop, "SELECT path FROM snapshot"))) == 4, "each has its own"

    sync(shop)  # nothing changed; Google worked on what it was sent, and so its membership moved
    assert reads(shop) == 3
    sync(shop)
    assert (reads(shop), snapshots(shop)) == (4, 12)


def test_a_segment_of_its_own_is_read_by_itself(shop: Desk) -> None:
    shop.settings["segments"]["others"] = {"sql": "segments/everyone.sql"}
    shop.also("others", segment="others", audience="Others")
    sync(shop, *SYNCS, "others")
    assert (reads(shop), snapshots(shop)) == (2, 5)


def test_no_more_share_a_read_than_memory_allows(
    shop: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who are left read next, together again."""
    four = ("everyone", "mails", "half", "fourth")
    shop.also("fourth", audience="Fourth")
    monkeypatch.setattr(reading, "MOST_RUNS", 1)
    sync(shop, *four)
    assert (reads(shop), snapshots(shop)) == (2, 4)

    sizes = [shop.syncd("status", "--json").json["syncs"][n]["members"] for n in range(2)]
    monkeypatch.setattr(reading, "MOST_MEMBERS", sum(sizes) - 1)
    sync(shop, "everyone", "mails")
    assert (reads(shop), snapshots(shop)) == (4, 6)


def scans(database: Database) -> int:
    """How often the server has gone through the customers."""
    engine = create_engine(database.owner, poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'customers'")
        )
        return int(found.scalar_one())


def scanned(database: Database, before: int, at_least: int) -> int:
    """How often since; a server counts what a connection did once that has ended."""
    wait_until(lambda: scans(database) >= before + at_least)
    return scans(database) - before


def test_a_server_answers_several_syncs_as_it_answers_one(
    shop: Desk, make_database: MakeDatabase
) -> None:
    """By what PostgreSQL counts: the rows once, and once more to count them."""
    database = make_database("postgresql")
    database.execute(
        "CREATE TABLE customers (customer_key text, email text, phone text, country text, "
        "ad_consent text)"
    )
    rows = [(f"c:{n:05}", email(n), phone(n), "NL", "granted") for n in PEOPLE]
    columns = ("customer_key", "email", "phone", "country", "ad_consent")
    database.load("customers", columns, rows)
    database.execute("ANALYZE customers")
    shop.settings["shop"]["url"] = database.url
    shop.save()

    before = scans(database)
    sync(shop, "everyone")
    alone = scanned(database, before, 2)
    before = scans(database)
    sync(shop, "everyone", "mails", "half")
    together = scanned(database, before, 2)

    assert (alone, together) == (2, 2)
    assert shop.held("Mails")


# --- what each sync comes to -----------------------------------------------------------


def stir(draw: random.Random, *desks: Desk) -> None:
    """Let the same happen in each shop."""
    gone, moved, denied = (draw.sample(PEOPLE, draw.randrange(4)) for _ in range(3))
    back = draw.sample(PEOPLE, draw.randrange(4))
    for desk in desks:
        desk.leave(*gone, *back)
        desk.join(*back, consent="granted")
        changes = [(f"moved{n}@example.org", f"c:{n:05}") for n in moved]
        desk.change("UPDATE customers SET email = ? WHERE customer_key = ?", changes)
        refusals = [(f"c:{n:05}",) for n in denied]
        desk.change("UPDATE customers SET ad_consent = 'denied' WHERE customer_key = ?", refusals)


@pytest.mark.parametrize("seed", range(3))
def test_plans_and_audiences_are_those_of_syncs_by_themselves(
    shop: Desk, twin: Desk, seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(4):
        together = [sync(shop)]
        apart = [sync(twin, name) for name in SYNCS]
        assert drawn(together) == drawn(apart)
        assert held(shop) == held(twin)
        stir(draw, shop, twin)
    assert reads(shop) < snapshots(shop) == snapshots(twin) == reads(twin)


def test_plans_that_are_shown_together_are_of_one_moment(shop: Desk) -> None:
    answer = shop.syncd("plan", "--json")
    assert answer.code == 0, answer.said
    assert {plan["counts"]["snapshot"] for plan in answer.json} == {len(PEOPLE)}
    assert (reads(shop), snapshots(shop)) == (1, 4)


# --- one fails -------------------------------------------------------------------------


def test_one_that_a_platform_denies_keeps_nobody(shop: Desk) -> None:
    """The first of the others reads for the rest."""
    shop.fault(platform="google", method="*", code="PERMISSION_DENIED", times=9)
    sync(shop, "google", "everyone", "mails", "half", code=77)
    assert (reads(shop), snapshots(shop)) == (1, 3)
    found = states(shop)
    assert (found.pop("google"), set(found.values())) == ("failed", {"done"})
    assert [name for name, found in held(shop).items() if not found] == ["Google"]


def test_one_that_fails_once_it_has_read_keeps_nobody(shop: Desk) -> None:
    """What it read serves the others all the same."""
    shop.fault(method="create", status=400, code=100)
    sync(shop, code=1)
    assert (reads(shop), snapshots(shop)) == (1, 4)
    found = states(shop)
    assert (found.pop("everyone"), set(found.values())) == ("failed", {"done", "processing"})
    assert shop.held("Everyone") == frozenset()
    assert shop.held("Mails")


def test_one_whose_audience_asks_for_a_column_fails_by_itself(shop: Desk) -> None:
    """It is not taken along, and says what it lacks in a run of its own."""
    shop.settings["syncs"]["mails"]["audience"] = {"name": "Mails", "value_based": True}
    shop.save()
    answer = sync(shop, code=78)
    assert "mails" in answer.err
    assert "value" in answer.err
    assert (reads(shop), snapshots(shop)) == (1, 3)
    assert states(shop)["mails"] == "failed"


def test_a_read_that_fails_fails_each_in_a_run_of_its_own(shop: Desk) -> None:
    """And removes nobody; each has asked the shop for itself."""
    sync(shop)
    before = held(shop)
    shop.change("INSERT INTO customers (customer_key, email) VALUES ('c:00001', 'x@example.org')")
    answer = sync(shop, code=1)
    assert answer.err.count("repeat one") == len(SYNCS)
    assert (set(states(shop).values()), held(shop)) == ({"failed"}, before)
    kept = {path for (path,) in asked(shop, "SELECT path FROM snapshot")}
    assert {path.name for path in shop.var.glob("*.snapshot")} <= kept


def test_one_that_the_guard_holds_keeps_nobody(shop: Desk) -> None:
    """Nobody else's removals wait for it."""
    shop.settings["syncs"]["mails"]["guard"] = {"min_members": 0, "max_removed": "10%"}
    shop.save()
    sync(shop)
    shop.leave(*range(15))
    sync(shop, code=4)
    found = states(shop)
    assert (found.pop("mails"), "held" in found.values()) == ("held", False)
    assert shop.held("Everyone") < digests(*range(15, 30))
    assert shop.held("Mails") > shop.held("Everyone") & shop.held("Mails")
