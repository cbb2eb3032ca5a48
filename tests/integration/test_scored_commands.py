"""A segment that a model chooses, from `plan` to the platform, and what a refusal leaves there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.commands import Desk, Hands, digests
from tests.integration.databases import Database, MakeDatabase
from tests.integration.drawn import AS_OF, ZONE, draw


@pytest.fixture
def shop(make_database: MakeDatabase) -> Database:
    database = make_database("sqlite")
    draw(database, customers=2_000)
    return database


@pytest.fixture
def scored(desk: Desk, shop: Database) -> Desk:
    """The drawn shop, whose likeliest buyers go to Meta."""
    desk.settings["shop"].update(url=shop.url, timezone=ZONE.key)
    desk.settings["segments"]["likely"] = {"use": "likely_to_buy", "with": {"top": 0.1}}
    desk.sync["segment"] = "likely"
    desk.save()
    return desk


def test_the_likeliest_buyers_reach_the_platform_and_a_second_run_sends_nothing(
    scored: Desk,
) -> None:
    clock = Hands(AS_OF)
    planned = scored.syncd("plan", "everyone", "--json", clock=clock)
    assert planned.code == 0, planned.said
    assert 100 < planned.json[0]["counts"]["additions"] < 250
    assert scored.changes() == 0 or not scored.held()
    assert scored.syncd("sync", "everyone", clock=clock).code == 0
    held, before = scored.held(), scored.changes()
    assert len(held) == planned.json[0]["counts"]["additions"]
    assert held < digests(*range(2_000), phones=False)
    clock.pass_by(hours=2)
    again = scored.syncd("sync", "everyone", clock=clock)
    assert again.code == 0
    assert (scored.held(), scored.changes()) == (held, before)


def test_a_model_that_fails_leaves_the_audience_as_it_is(scored: Desk, shop: Database) -> None:
    clock = Hands(AS_OF)
    assert scored.syncd("sync", "everyone", clock=clock).code == 0
    held, before = scored.held(), scored.changes()
    shop.execute("DELETE FROM orders WHERE placed_at >= '2026-10-01'")
    clock.pass_by(days=8)
    answer = scored.syncd("sync", "everyone", clock=clock)
    assert answer.code == 4
    assert "likely: no model may choose its members: " in answer.err
    assert "days with a purchase and 0 were made, more than 25% off" in answer.err
    assert "loyal comes near by a rule" in answer.err
    assert (scored.held(), scored.changes()) == (held, before)
    (last,) = (line for line in scored.audit()[-1:])
    assert last.startswith("run_held: likely: no model may choose its members")


def test_preview_and_show_say_how_members_are_chosen_and_how_well(scored: Desk) -> None:
    clock = Hands(AS_OF)
    shown = scored.syncd("segments", "show", "likely", clock=clock)
    assert shown.code == 0
    assert "where the model may choose nobody, loyal comes near by a rule" in shown.out
    assert ":until is the day after the run's" in shown.out
    answer = scored.syncd("segments", "preview", "likely", clock=clock)
    assert answer.code == 0, answer.said
    assert "chosen by a model: it saw the orders up to 30 days before 2026-11-01" in answer.out
    counted = scored.syncd("segments", "preview", "likely", "--json", clock=clock).json
    assert counted["model"]["figures"]["auc"] > 0.65
    assert 100 < counted["rows"] < 250
    plain = scored.syncd("segments", "preview", "all_customers", "--json", clock=clock).json
    assert plain["model"] is None
    assert plain["rows"] > counted["rows"] * 8


def test_what_a_customer_will_be_worth_goes_to_an_audience_made_for_it(scored: Desk) -> None:
    scored.settings["segments"]["worth"] = {"use": "predicted_clv_top"}
    scored.sync.update(segment="worth", audience={"name": "Worth", "value_based": True})
    scored.save()
    answer = scored.syncd("sync", "everyone", clock=Hands(AS_OF))
    assert answer.code == 0, answer.said
    assert 150 < len(scored.held("Worth")) < 250
    told = scored.audience("Worth").told.values()
    values = [float(str(of_row["LOOKALIKE_VALUE"])) for of_row in told]
    assert len(values) == len(scored.held("Worth"))
    assert min(values) > 5
    assert max(values) > 3 * min(values)


def test_scipy_is_loaded_by_a_fit_alone(scored: Desk) -> None:
    """It takes longer to load than most commands to answer."""
    script = (
        "import sys, syncd.app, syncd.scoring, syncd.segments, syncd.cli.segments\n"
        "sys.argv = ['syncd', *sys.argv[1:]]\n"
        "try: syncd.cli.main()\n"
        "except SystemExit: pass\n"
        "print('scipy' in sys.modules)"
    )
    for words in (["segments", "show", "likely"], ["segments", "preview", "all_customers"]):
        typed = [*words, "--config", str(scored.config)]
        told = subprocess.run(
            [sys.executable, "-c", script, *typed],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert told.stdout.splitlines()[-1] == "False"
