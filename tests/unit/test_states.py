"""Where a batch may go, and what the membership must hear of."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.ledger import states
from syncd.model import BatchState as S

# Written out a second time on purpose: from, and all that may follow.
EXPECTED = {
    "planned": "sending cancelled",
    "sending": "sending unknown planned accepted processed refused failed",
    "unknown": "sending accepted processed failed",
    "accepted": "processed failed",
    "processed": "settled",
    "settled": "",
    "refused": "",
    "failed": "",
    "cancelled": "",
}


@pytest.mark.parametrize(("now", "then"), list(itertools.product(S, S)))
def test_each_step_is_legal_or_refused_as_drawn(now: S, then: S) -> None:
    if then.value in EXPECTED[now.value].split():
        states.check(now, then)
    else:
        with pytest.raises(ValueError, match=f"from {now.value} to .*, not to {then.value}$"):
            states.check(now, then)


def test_a_refusal_says_where_a_batch_could_have_gone() -> None:
    """In words and in order; it is read in the report of our own bug."""
    with pytest.raises(ValueError, match=r"^a batch goes from planned to cancelled, sending, not"):
        states.check(S.PLANNED, S.SETTLED)
    with pytest.raises(ValueError, match=r"^a batch goes from settled to nothing, not to planned$"):
        states.check(S.SETTLED, S.PLANNED)


def test_what_may_still_go_out_keeps_its_rows() -> None:
    """Of unknown outcome, and so sent again; or never sent, or not processed yet."""
    assert {S.SENDING, S.UNKNOWN} == states.UNFINISHED
    assert {S.SENDING, S.UNKNOWN, S.PLANNED, S.ACCEPTED} == states.OPEN


def test_the_table_names_every_state() -> None:
    assert set(states.LEGAL) == set(S)


@pytest.mark.parametrize("asked", S)
def test_a_batch_in_doubt_is_never_taken_for_unsent(asked: S) -> None:
    moved = {S.PLANNED: S.UNKNOWN, S.REFUSED: S.FAILED}
    assert states.resting(asked, doubtful=True) is moved.get(asked, asked)
    assert states.resting(asked, doubtful=False) is asked


@pytest.mark.parametrize(("state", "folded"), list(itertools.product(S, [None, *S])))
def test_the_membership_hears_of_what_may_have_been_sent(state: S, folded: S | None) -> None:
    one = {S.ACCEPTED, S.PROCESSED, S.SETTLED}
    silent = {S.PLANNED, S.REFUSED, S.CANCELLED}
    same = state is folded or (state in one and folded in one)
    assert states.unfolded(state, folded) is (state not in silent and not same)


@given(st.lists(st.sampled_from(list(S)), max_size=12))
def test_no_history_hides_a_batch_whose_outcome_was_unknown(asked: list[S]) -> None:
    """However it goes on, a batch that may have landed is never planned, refused or cancelled."""
    state, doubtful = S.PLANNED, False
    for wish in asked:
        if wish not in states.LEGAL[state]:
            continue
        doubtful = doubtful or wish is S.UNKNOWN or (state is wish is S.SENDING)
        state = states.resting(wish, doubtful=doubtful)
        assert not (doubtful and state in {S.PLANNED, S.REFUSED, S.CANCELLED})
        if doubtful:
            assert states.unfolded(state, None)


@given(st.sampled_from(list(S)), st.booleans())
def test_where_a_batch_rests_is_a_step_of_the_table(asked: S, doubtful: bool) -> None:  # noqa: FBT001 - drawn
    if asked in states.LEGAL[S.SENDING]:
        states.check(S.SENDING, states.resting(asked, doubtful=doubtful))
