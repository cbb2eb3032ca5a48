"""The ledger's methods, each on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.errors import ConfigError, UsageError
from syncd.ledger.store import Ledger
from syncd.model import (
    BatchId,
    PlanId,
    RunId,
    RunState,
)
from tests.integration.ledger_databases import (
    AT,
    COUNTS,
    DIALECTS,
    NOON,
    WHALES,
    Hands,
    batch,
    event,
    new_database,
    new_ledger,
    plan,
    planned,
    snapshot,
)

SOON = NOON + timedelta(seconds=60)
ONE = BatchId("p1-1")
BOTH = frozenset({"whales", "rich"})


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=DIALECTS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Hands) -> Iterator[Ledger]:
    with new_database(request.param, tmp_path) as url, new_ledger(url, clock) as opened:
        yield opened


def send(ledger: Ledger, name: BatchId = ONE) -> None:
    ledger.intend(name, label="upload 1", deadline=SOON)


# --- audiences ---


def test_an_audience_belongs_to_one_sync(ledger: Ledger) -> None:
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=event("audience_claimed"))
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=event("audience_claimed"))
    with pytest.raises(ConfigError, match="already filled by sync 'whales'"):
        ledger.claim(WHALES, "rich", known_syncs=BOTH, event=event("audience_claimed"))
    known = ledger.known(*AT)
    assert known is not None
    assert (known.sync, known.state, known.adopted, known.ours) == (
        "whales",
        "active",
        False,
        False,
    )
    assert [e.kind for e in ledger.events()] == ["audience_claimed"]


def test_a_renamed_sync_keeps_its_audience(ledger: Ledger) -> None:
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=None)
    ledger.claim(WHALES, "rich", known_syncs=frozenset({"rich"}), event=event("audience_moved"))
    owner = ledger.audience_of("rich")
    assert owner == ledger.known(*AT)
    assert ledger.audience_of("whales") is None
    assert len(ledger.events(kind="audience_moved")) == 1


def test_a_sync_that_goes_to_another_audience_leaves_an_orphan(ledger: Ledger) -> None:
    other = replace(WHALES, id="121")
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=None)
    ledger.claim(other, "whales", known_syncs=BOTH, event=None, created=True)
    assert [(a.id, a.sync, a.ours) for a in ledger.audiences()] == [
        ("120", "", False),
        ("121", "whales", True),
    ]
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=None)
    assert [(a.id, a.sync) for a in ledger.audiences()] == [("120", "whales"), ("121", "")]
    ledger.claim(other, "rich", known_syncs=BOTH, event=None)


def test_an_adopted_audience_is_ours(ledger: Ledger) -> None:
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=None)
    ledger.adopt(*AT, event=event("audience_adopted"))
    known = ledger.known(*AT)
    assert known is not None
    assert (known.adopted, known.ours) == (True, True)
    assert len(ledger.events(kind="audience_adopted")) == 1


def test_an_audience_is_ours_from_the_moment_we_intend_to_fill_it(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    known = ledger.known(*AT)
    assert known is not None
    assert known.ours


def test_a_retired_audience_may_be_claimed_again(ledger: Ledger) -> None:
    ledger.claim(WHALES, "whales", known_syncs=BOTH, event=None)
    ledger.retire(*AT, event=None)
    assert ledger.audience_of("whales") is None
    ledger.claim(WHALES, "rich", known_syncs=BOTH, event=None)
    known = ledger.audience_of("rich")
    assert known is not None
    assert known.state == "active"


# --- runs, snapshots, plans ---


def test_a_run_is_opened_moved_on_and_ended(ledger: Ledger, clock: Hands) -> None:
    run = ledger.open_run("whales", "api", event=event("run_opened"))
    clock.pass_by(seconds=90)
    held = ledger.set_run(run.id, RunState.HELD, plan=PlanId("p1"), detail="too many")
    done = ledger.set_run(run.id, RunState.PARTIAL, event=event("run_ended"), ended=True)
    assert (held.plan, held.detail, held.ended_at) == ("p1", "too many", None)
    assert done == replace(held, state=RunState.PARTIAL, ended_at=NOON + timedelta(seconds=90))
    assert ledger.run(run.id) == done
    assert [(e.kind, e.run, e.plan) for e in ledger.events()] == [
        ("run_opened", run.id, ""),
        ("run_ended", run.id, "p1"),
    ]


def test_runs_come_newest_first(ledger: Ledger) -> None:
    first, _, third = (ledger.open_run(s, "a", event=None) for s in ("x", "y", "x"))
    assert ledger.runs("x") == (third, first)
    assert ledger.runs(limit=1) == (third,)
    assert ledger.run("r99") is None
    with pytest.raises(UsageError, match="no run r99"):
        ledger.set_run(RunId("r99"), RunState.DONE)


def test_the_last_snapshot_is_of_its_segment_and_rules(ledger: Ledger) -> None:
    run = ledger.open_run("whales", "a", event=None).id
    for name in ("s1", "s2", "s2"):
        ledger.add_snapshot(snapshot(name), run)
    ledger.add_snapshot(snapshot("s3", rules="google-1"), run)
    assert ledger.last_snapshot("whales", "meta-1") == snapshot("s2")
    assert ledger.last_snapshot("rich", "meta-1") is None
    assert ledger.snapshot("s1") == snapshot("s1")
    with pytest.raises(ValueError, match="another snapshot"):
        ledger.add_snapshot(replace(snapshot("s2"), rows=13), run)


def test_a_plan_comes_back_as_it_was_drawn(ledger: Ledger) -> None:
    run = planned(ledger, batches=2, held=("30 % leave",))
    assert ledger.plan("p1") == plan("p1", snapshot_id="s-p1", held=("30 % leave",))
    kept = ledger.plan("p1")
    assert kept is not None
    assert kept.counts == COUNTS
    assert ledger.batches("p1") == (batch("p1", 1), batch("p1", 2))
    assert ledger.plan_state("p1") == "held"
    assert ledger.plan("p2") is None
    ledger.set_plan_state(PlanId("p1"), "running", event=event("plan_started"))
    assert ledger.plan_state("p1") == "running"
    with pytest.raises(UsageError, match="no plan p2"):
        ledger.set_plan_state(PlanId("p2"), "done")
    assert ledger.run(run) is not None


def test_a_plan_without_a_claimed_audience_is_a_bug(ledger: Ledger) -> None:
    run = ledger.open_run("whales", "a", event=None).id
    ledger.add_snapshot(snapshot(), run)
    with pytest.raises(ValueError, match="no sync claimed"):
        ledger.add_plan(plan(), run, [], event=event())
    assert ledger.plan("p1") is None
    assert ledger.events() == ()


def test_an_approval_is_for_one_plan_and_ends(ledger: Ledger, clock: Hands) -> None:
    planned(ledger, "p1", held=("x",))
    planned(ledger, "p2")
    until = NOON + timedelta(hours=72)
    given = ledger.approve(PlanId("p1"), "ada", event=event("plan_approved"), expires_at=until)
    assert (given.plan, given.actor, given.at, given.expires_at) == ("p1", "ada", NOON, until)
    assert ledger.approval("p1") == given
    assert ledger.approval("p2") is None
    assert ledger.approvals(*AT) == (given,)
    clock.pass_by(hours=72)
    assert ledger.approvals(*AT) == ()
    assert ledger.events()[-1].plan == "p1"
    with pytest.raises(UsageError, match="no plan p9"):
        ledger.approve(PlanId("p9"), "ada", event=None, expires_at=until)


def test_threads_write_one_after_the_other(ledger: Ledger) -> None:
    """Four threads of events and runs leave a chain without gaps or twins."""

    def write() -> None:
        for _ in range(10):
            ledger.open_run("whales", "a", event=event("run_opened"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e.number for e in ledger.events()] == list(range(1, 41))
    assert len({e.run for e in ledger.events()}) == 40
    assert ledger.verify().ok
