"""What an approval changes for the runs after it, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.ledger.store import Ledger
from syncd.model import PlanId
from tests.integration.ledger_databases import (
    AT,
    DIALECTS,
    NOON,
    Hands,
    new_database,
    new_ledger,
    plan,
    planned,
    snapshot,
)

P1, P3 = PlanId("p1"), PlanId("p3")


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(params=DIALECTS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: Hands) -> Iterator[Ledger]:
    with new_database(request.param, tmp_path) as url, new_ledger(url, clock) as opened:
        yield opened


def test_a_spent_approval_stands_no_more_and_says_when(ledger: Ledger, clock: Hands) -> None:
    planned(ledger)
    ledger.approve(P1, "ann", event=None, expires_at=NOON + timedelta(hours=72))
    assert ledger.last_relief(*AT) is None
    clock.pass_by(hours=1)

    ledger.spend_approvals(*AT)

    assert ledger.approvals(*AT) == ()
    assert ledger.last_relief(*AT) == NOON + timedelta(hours=1)


def test_an_approval_that_ran_out_keeps_its_own_end(ledger: Ledger, clock: Hands) -> None:
    """Spending touches only what still stands."""
    planned(ledger)
    ledger.approve(P1, "ann", event=None, expires_at=NOON + timedelta(hours=2))
    clock.pass_by(hours=5)

    ledger.spend_approvals(*AT)

    assert ledger.last_relief(*AT) == NOON + timedelta(hours=2)


def test_a_snapshot_passes_with_the_plan_that_was_carried_out(ledger: Ledger) -> None:
    """A held plan's snapshot is no measure for the next one."""
    assert ledger.passed_snapshot(*AT) is None
    run = planned(ledger)
    ledger.set_plan_state(P1, "done")
    ledger.add_snapshot(replace(snapshot("s2"), columns=("customer_key",)), run)
    ledger.add_plan(plan("p2", snapshot_id="s2", held=("too many",)), run, (), event=None)
    assert ledger.passed_snapshot(*AT) == ledger.snapshot("s-p1") is not None

    ledger.add_plan(plan("p3", snapshot_id="s2"), run, (), event=None)
    ledger.set_plan_state(P3, "done")

    passed = ledger.passed_snapshot(*AT)
    assert passed is not None
    assert passed.columns == ("customer_key",)
