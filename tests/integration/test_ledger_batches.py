"""The outbox and the memberships, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.errors import LedgerMismatch
from syncd.ledger.store import Ledger
from syncd.model import (
    Base,
    BatchId,
    BatchState,
    MatchRate,
    Outcome,
    Phase,
    PlanId,
    Receipt,
    Refusal,
    Sizes,
)
from tests.integration.ledger_databases import (
    AT,
    DIALECTS,
    NOON,
    WHALES,
    Hands,
    batch,
    event,
    generation,
    new_database,
    new_ledger,
    plan,
    planned,
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


def test_a_batch_goes_from_planned_to_settled(ledger: Ledger, clock: Hands) -> None:
    planned(ledger)
    intended = ledger.intend(ONE, label="upload 1", deadline=SOON)
    assert (intended.state, intended.attempts) == (BatchState.SENDING, 1)
    assert ledger.unfinished(*AT) == (intended,)
    clock.pass_by(seconds=3)
    receipt = Receipt(2, (Refusal(1, "bad_hash"), Refusal(None, "other", 1)), "req-1", final=False)
    accepted = ledger.record(ONE, receipt)
    assert (accepted.state, accepted.refused, accepted.reference) == (
        BatchState.ACCEPTED,
        receipt.refused,
        "req-1",
    )
    assert accepted.accepted_at == clock.now()
    assert ledger.under_way(*AT) == (accepted,)
    clock.pass_by(hours=60)
    assert ledger.outcome(ONE, Outcome("processing")) == accepted
    begun = ledger.outcome(ONE, Outcome("processing", begun=True))
    assert begun == replace(accepted, accepted_at=clock.now())
    assert ledger.under_way(*AT) == (begun,)
    processed = ledger.outcome(
        ONE, Outcome("processed", (Refusal(None, "late", 3),), MatchRate(60, 69))
    )
    assert processed.state is BatchState.PROCESSED
    assert processed.processed_at == clock.now()
    assert processed.refused == (*receipt.refused, Refusal(None, "late", 3))
    assert ledger.under_way(*AT) == ()
    assert ledger.mark(ONE, BatchState.SETTLED, code="").state is BatchState.SETTLED
    answer = ledger.answers("p1")[ONE]
    assert (answer.received, answer.match_rate, answer.code) == (2, "60 to 69 %", "")


def test_a_final_receipt_is_processed_at_once(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    done = ledger.record(ONE, Receipt(2))
    assert (done.state, done.accepted_at, done.processed_at) == (BatchState.PROCESSED, NOON, NOON)


def test_each_attempt_keeps_its_own_label(ledger: Ledger, clock: Hands) -> None:
    planned(ledger)
    ledger.intend(ONE, label="first", deadline=SOON)
    ledger.mark(ONE, BatchState.UNKNOWN, code="timeout")
    clock.pass_by(seconds=5)
    again = ledger.intend(ONE, label="second", deadline=SOON)
    assert (again.attempts, again.doubtful) == (2, True)
    first, second = ledger.attempts(ONE)
    assert (first.label, first.state, first.code) == ("first", BatchState.UNKNOWN, "timeout")
    assert (first.ended_at, second.started_at) == (NOON, clock.now())
    assert (second.label, second.deadline, second.ended_at) == ("second", SOON, None)


def test_a_batch_that_a_dead_process_was_sending_is_in_doubt(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    again = ledger.intend(ONE, label="second", deadline=SOON)
    assert (again.state, again.doubtful) == (BatchState.SENDING, True)
    assert [(a.state, a.code) for a in ledger.attempts(ONE)] == [
        (BatchState.UNKNOWN, "interrupted"),
        (None, ""),
    ]


def test_a_throttled_batch_is_planned_again_and_may_be_cancelled(ledger: Ledger) -> None:
    planned(ledger, batches=2)
    send(ledger)
    back = ledger.mark(ONE, BatchState.PLANNED, code="17")
    assert (back.state, back.doubtful) == (BatchState.PLANNED, False)
    assert ledger.cancel_planned(*AT, event=event("batches_cancelled")) == 2
    assert ledger.cancel_planned(*AT, event=event("batches_cancelled")) == 0
    assert len(ledger.events(kind="batches_cancelled")) == 1
    assert {b.state for b in ledger.batches("p1")} == {BatchState.CANCELLED}


def test_a_doubtful_batch_that_is_throttled_stays_unknown(ledger: Ledger) -> None:
    """Its first attempt may have landed: cancelling it would forget who is on the platform."""
    planned(ledger)
    send(ledger)
    ledger.mark(ONE, BatchState.UNKNOWN, code="reset")
    send(ledger)
    back = ledger.mark(ONE, BatchState.PLANNED, code="17")
    assert back.state is BatchState.UNKNOWN
    assert ledger.cancel_planned(*AT, event=None) == 0
    assert ledger.unfinished(*AT) == (back,)
    send(ledger)
    assert ledger.mark(ONE, BatchState.REFUSED, code="100").state is BatchState.FAILED
    assert [b.id for b in ledger.unfolded(*AT)] == [ONE]


def test_a_refused_batch_keeps_its_code(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    assert ledger.mark(ONE, BatchState.REFUSED, code="100/2650").state is BatchState.REFUSED
    assert ledger.answers("p1")[ONE].code == "100/2650"


def test_an_accepted_batch_may_fail_later(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    ledger.record(ONE, Receipt(2, reference="x", final=False))
    assert ledger.outcome(ONE, Outcome("failed")).state is BatchState.FAILED


def test_an_illegal_step_changes_nothing(ledger: Ledger) -> None:
    planned(ledger)
    before = ledger.batches("p1")
    with pytest.raises(ValueError, match=r"from planned to .*, not to processed"):
        ledger.record(ONE, Receipt(2))
    with pytest.raises(ValueError, match="not accepted"):
        ledger.outcome(ONE, Outcome("processed"))
    with pytest.raises(ValueError, match="told by intend"):
        ledger.mark(ONE, BatchState.ACCEPTED, code="")
    with pytest.raises(ValueError, match="no batch"):
        ledger.intend(BatchId("p1-9"), label="x", deadline=SOON)
    assert ledger.batches("p1") == before
    assert ledger.attempts(ONE) == ()


def test_unfinished_batches_of_all_plans_come_in_order(ledger: Ledger) -> None:
    planned(ledger, "p1", batches=2)
    planned(ledger, "p0", batches=1)
    for name in ("p0-1", "p1-2", "p1-1"):
        send(ledger, BatchId(name))
    ledger.mark(BatchId("p1-2"), BatchState.UNKNOWN, code="timeout")
    assert [b.id for b in ledger.unfinished(*AT)] == ["p1-1", "p1-2", "p0-1"]
    assert ledger.unfinished("google", "x", "y") == ()


def test_an_intent_that_was_not_committed_is_not_there(ledger: Ledger) -> None:
    planned(ledger)
    with pytest.raises(ValueError, match="without a zone"):
        ledger.intend(ONE, label="x", deadline=datetime(2026, 11, 22))  # noqa: DTZ001 - the point
    assert ledger.batches("p1") == (batch("p1", 1),)


# --- memberships ---


def test_folding_is_owed_until_a_generation_takes_it_in(ledger: Ledger) -> None:
    planned(ledger, batches=2)
    send(ledger)
    owed = ledger.unfolded(*AT)
    assert [(b.id, b.state) for b in owed] == [(ONE, BatchState.SENDING)]
    ledger.commit_generation(*AT, generation(1), {b.id: b.state for b in owed})
    assert ledger.unfolded(*AT) == ()
    ledger.record(ONE, Receipt(2, reference="x", final=False))
    assert [b.folded for b in ledger.unfolded(*AT)] == [BatchState.SENDING]
    ledger.commit_generation(*AT, generation(2), {ONE: BatchState.ACCEPTED})
    ledger.outcome(ONE, Outcome("processed"))
    assert ledger.unfolded(*AT) == ()


def test_a_state_that_moved_on_while_it_was_folded_is_still_owed(ledger: Ledger) -> None:
    planned(ledger)
    send(ledger)
    ledger.record(ONE, Receipt(2))
    ledger.commit_generation(*AT, generation(1), {ONE: BatchState.SENDING})
    assert [b.id for b in ledger.unfolded(*AT)] == [ONE]


def test_a_generation_follows_the_last_one_or_is_refused(ledger: Ledger) -> None:
    planned(ledger)
    assert ledger.generation(*AT) is None
    ledger.commit_generation(*AT, generation(1, members=3, email=2), {})
    assert ledger.generation(*AT) == generation(1, members=3, email=2)
    for wrong in (1, 3):
        with pytest.raises(LedgerMismatch, match=f"{wrong} was made where 2 follows"):
            ledger.commit_generation(*AT, generation(wrong), {})
    assert ledger.stamp().counter == 2


def test_a_generation_with_another_audiences_batch_is_not_kept(ledger: Ledger) -> None:
    planned(ledger)
    other = replace(WHALES, id="121")
    ledger.claim(other, "rich", known_syncs=BOTH, event=None)
    with pytest.raises(ValueError, match="another audience's"):
        ledger.commit_generation("meta", "meta-eu", "121", generation(1), {ONE: BatchState.SENDING})
    assert ledger.generation("meta", "meta-eu", "121") is None


def test_the_largest_sizes_of_a_week_count_what_it_began_with(ledger: Ledger) -> None:
    planned(ledger)
    assert ledger.largest_sizes(*AT, NOON) == Sizes()
    ages = ((9, 900, 1), (8, 50, 70), (3, 40, 20), (1, 60, 10))
    for number, (days, members, phones) in enumerate(ages, start=1):
        at = NOON - timedelta(days=days)
        made = generation(number, members=members, at=at, phone=phones, email=number)
        ledger.commit_generation(*AT, made, {})
    week = NOON - timedelta(days=7)
    assert ledger.largest_sizes(*AT, week) == Sizes(60, {"phone": 70, "email": 4})


def test_the_files_of_a_plan_are_named_as_long_as_they_are_needed(
    ledger: Ledger, clock: Hands
) -> None:
    planned(ledger)
    send(ledger)
    ledger.commit_generation(*AT, generation(1), {ONE: BatchState.SENDING})
    of_plan = {"plans/p1", "snap/p1"}
    assert ledger.named_files() == {"members/1", *of_plan}
    clock.pass_by(hours=80)
    assert ledger.named_files() == {"members/1", *of_plan}  # its batch may be sent again
    ledger.record(ONE, Receipt(2))
    assert ledger.named_files() == {"members/1", *of_plan}  # it must be folded in
    ledger.commit_generation(*AT, generation(2), {ONE: BatchState.PROCESSED})
    assert ledger.named_files() == {"members/2"}
    ledger.approve(PlanId("p1"), "ada", event=None, expires_at=clock.now() + timedelta(hours=1))
    assert ledger.named_files() == {"members/2", *of_plan}


def test_what_a_generation_lies_over_is_needed_as_long_as_it_is(ledger: Ledger) -> None:
    """The base of the newest one, and no other; the row gives back what it was given."""
    planned(ledger)
    old, base = Base("members/0", "0e"), Base("members/1", "ef")
    ledger.commit_generation(*AT, replace(generation(1), base=old), {})
    assert ledger.named_files() >= {"members/0", "members/1"}
    for number in (2, 3):
        made = replace(generation(number), base=base)
        ledger.commit_generation(*AT, made, {})
        assert ledger.generation(*AT) == made
    named = {name for name in ledger.named_files() if name.startswith("members")}
    assert named == {"members/1", "members/3"}
    ledger.commit_generation(*AT, generation(4), {})
    assert ledger.named_files() & {"members/1", "members/3", "members/4"} == {"members/4"}


def test_a_held_plan_keeps_its_files_for_three_days(ledger: Ledger, clock: Hands) -> None:
    planned(ledger, held=("x",))
    ledger.cancel_planned(*AT, event=None)
    clock.pass_by(hours=71)
    assert ledger.named_files() == {"plans/p1", "snap/p1"}
    clock.pass_by(hours=2)
    assert ledger.named_files() == frozenset()


def test_removals_and_additions_keep_their_phase(ledger: Ledger) -> None:
    planned(ledger, "p1", batches=0)
    run = ledger.open_run("whales", "a", event=None).id
    phases = [batch("p2", n, phase) for n, phase in enumerate(Phase, start=1)]
    ledger.add_plan(plan("p2", snapshot_id="s-p1"), run, phases, event=None)
    assert [b.phase for b in ledger.batches("p2")] == list(Phase)
    ledger.intend(BatchId("p2-1"), label="x", deadline=SOON)
    known = ledger.known(*AT)
    assert known is not None
    assert not known.ours  # a removal fills nothing


def test_refusals_that_come_with_the_outcome_are_owed_to_the_membership(ledger: Ledger) -> None:
    """It took in that all of the batch was accepted; now it must hear which rows were not."""
    planned(ledger)
    send(ledger)
    ledger.record(ONE, Receipt(1, reference="r", final=False))
    ledger.commit_generation(*AT, generation(1), {ONE: BatchState.ACCEPTED})
    assert ledger.unfolded(*AT) == ()

    ledger.outcome(ONE, Outcome("processed", (Refusal(None, "NO_CONSENT", 1),)))
    assert [b.id for b in ledger.unfolded(*AT)] == [ONE]
    ledger.commit_generation(*AT, generation(2), {ONE: BatchState.PROCESSED})
    assert ledger.unfolded(*AT) == ()


def test_a_days_requests_are_counted_by_the_hour_of_their_account(
    ledger: Ledger, clock: Hands
) -> None:
    """Each attempt is one, also of one batch; what is a day old is none."""
    planned(ledger)
    assert ledger.accounts.sent(*AT[:2]) == ()
    for _ in range(3):
        send(ledger)
        ledger.mark(ONE, BatchState.UNKNOWN, code="timeout")
    clock.pass_by(hours=2)
    send(ledger)
    (old, three), (new, one) = sorted(ledger.accounts.sent(*AT[:2]), reverse=True)
    assert (three, one) == (3, 1)
    assert timedelta(hours=1) < old <= timedelta(hours=2)
    assert new < timedelta(hours=1)
    assert ledger.accounts.sent(AT[0], "another") == ()
    assert ledger.accounts.sent("another", AT[1]) == ()
    clock.pass_by(hours=22)
    assert [count for _, count in ledger.accounts.sent(*AT[:2])] == [1]


# --- what a step gives back ---------------------------------------------------------------

REFUSED = (Refusal(3, "bad_email"), Refusal(None, "unknown", 2, whole=True))
STEPS: Mapping[str, Callable[[Ledger, BatchId], object]] = {
    "intended": lambda ledger, one: ledger.intend(one, label="upload", deadline=SOON),
    "accepted": lambda ledger, one: ledger.record(one, Receipt(9, REFUSED, "r-1")),
    "final": lambda ledger, one: ledger.record(one, Receipt(10, (), "r-2", final=True)),
    "lost": lambda ledger, one: ledger.mark(one, BatchState.UNKNOWN, code="x", doubtful=True),
    "turned away": lambda ledger, one: ledger.mark(one, BatchState.PLANNED, code="busy"),
    "settled": lambda ledger, one: ledger.mark(one, BatchState.SETTLED, code=""),
    "begun": lambda ledger, one: ledger.outcome(one, Outcome("processing", begun=True)),
    "processed": lambda ledger, one: ledger.outcome(one, Outcome("processed", REFUSED)),
    "failed": lambda ledger, one: ledger.outcome(one, Outcome("failed")),
    "refused": lambda ledger, one: ledger.refuse(one, code="c", reference="r", refused=REFUSED)[0],
}


def test_what_a_step_gives_back_is_what_is_read_afterwards(ledger: Ledger, clock: Hands) -> None:
    """Whatever went before it; and a step that may not be changes nothing."""
    numbers = itertools.count()
    elsewhere = timezone(timedelta(hours=5))

    @given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=8))
    @settings(deadline=None, max_examples=60)
    def check(steps: list[str]) -> None:
        name = f"p{next(numbers)}"
        planned(ledger, name)
        for step in ["intended", *steps]:
            clock.pass_by(seconds=1.5)
            clock.at = clock.at.astimezone(elsewhere if clock.at.tzinfo is UTC else UTC)
            before = ledger.batches(name)
            try:
                told = STEPS[step](ledger, before[0].id)
            except ValueError:
                assert ledger.batches(name) == before
            else:
                assert ledger.batches(name) == (told,)

    check()
