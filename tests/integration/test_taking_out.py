"""`mode: remove`: the segment's members leave an audience that others fill, and nobody enters.

The double of the connector fails on any request to add, to make or to replace (`worlds`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory import Step
from syncd.errors import Busy, ConfigError, EmptySegment, UsageError
from syncd.model import Guard, Operation, Phase, RunState
from syncd.reconciling import overview, replace_audience
from syncd.runs.sentences import sentence
from syncd.sync import Result, Wish, run, show
from tests.integration.deaths import Death
from tests.integration.erasures import became, carry_on, closed, erase
from tests.integration.memory_worlds import ACCOUNT, MemoryWorlds, Person, memory_world
from tests.integration.rebuilding import rebuilt, swap_ledger, swap_var
from tests.integration.retirements import known, orphan, try_to, visit
from tests.integration.takings import (
    EVERYBODY,
    check_out,
    filled,
    rest,
    row_of,
    rows_of,
    taking_world,
)
from tests.integration.test_histories import SCRIPTS, Befall
from tests.integration.worlds import NAME

FIRST = {key: EVERYBODY[key] for key in "ab"}
THIRD = Guard(max_removed=0.3)


def ran(here: MemoryWorlds, members: dict[str, Person], *, full: bool = False) -> Result:
    here.fill(members)
    return run(here.world.parts(), Wish("test", full=full))


def approve(here: MemoryWorlds, held: Result) -> None:
    event = here.world.parts().event("removals_approved", "Let go.", actor="test")
    until = here.world.clock.now() + timedelta(hours=72)
    here.world.ledger.approve(held.plan.id, "test", event=event, expires_at=until)


@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
def test_members_are_taken_out_once_and_others_stay(*, later: bool) -> None:
    with taking_world(later=later) as here:
        others = rows_of(here, {key: EVERYBODY[key] for key in "cde"})
        result = ran(here, FIRST)
        assert result.pushed == {Phase.REMOVE: 2, Phase.ADD: 0, Phase.AGAIN: 0}
        rest(here, FIRST)
        check_out(here, FIRST)
        assert here.world.identifiers == others


def test_what_is_new_of_a_member_goes_out_and_who_leaves_is_forgotten() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        before = len(here.world.sent)
        moved = {"b": Person(("bob@example.org",), ("020 624 1111",))}
        result = ran(here, moved)
        (pushed,) = here.world.sent[before:]
        assert pushed.rows == (row_of(here, moved["b"]),)
        assert result.plan.counts.forgotten == 3  # Anna's two, and Bob's earlier e-mail
        kept = here.world.ledger.generation(*here.world.at)
        assert kept is not None
        assert (kept.sizes.members, sum(kept.sizes.identifiers.values())) == (1, 2)

        here.fill(moved)
        here.world.check_quiet()
        ran(here, FIRST)  # whoever is back in the segment is taken out anew
        assert row_of(here, FIRST["a"]) in here.world.sent[-1].rows


def test_consent_is_not_asked() -> None:
    with taking_world() as here:
        ran(here, EVERYBODY)
        assert here.world.identifiers == frozenset()
        rest(here, EVERYBODY)
        here.world.clock.pass_by(hours=72)
        rest(here, EVERYBODY)  # nor is a withdrawal confirmed for ever


def test_a_full_run_takes_out_again_whom_others_put_back() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        filled(here, FIRST)
        assert ran(here, FIRST).pushed[Phase.REMOVE] == 0
        assert ran(here, FIRST, full=True).pushed[Phase.REMOVE] == 2
        check_out(here, FIRST)


def test_an_audience_that_is_not_there_is_never_made() -> None:
    with memory_world(later=False) as here:
        here.world.takes_out = True
        with pytest.raises(ConfigError, match="Make it there first, or correct the name"):
            ran(here, FIRST)
        with pytest.raises(ConfigError, match="has no audience 'Everyone'"):
            show(here.world.parts(), actor="test")
        assert here.remote.audiences.named(ACCOUNT, NAME) == ()


def test_the_mode_of_an_audience_does_not_change_under_it() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        here.world.takes_out = False
        with pytest.raises(ConfigError, match="only took members out of it so far"):
            ran(here, FIRST)
    with memory_world(later=False) as here:
        ran(here, FIRST)
        here.world.takes_out = True
        with pytest.raises(ConfigError, match="filled it so far"):
            ran(here, FIRST)


def test_an_empty_segment_takes_nobody_out() -> None:
    with taking_world() as here, pytest.raises(EmptySegment):
        ran(here, {})


# --- the guard ------------------------------------------------------------------------


def test_a_query_that_became_too_broad_is_held_until_approved() -> None:
    with taking_world(guard=THIRD) as here:
        assert ran(here, {"a": EVERYBODY["a"]}).pushed[Phase.REMOVE] == 1  # 1 of 5
        held = ran(here, EVERYBODY)
        assert held.plan.held == (
            "4 members would be taken out, of 4 people in the audience (100%, max_removed is 30%)",
        )
        assert held.pushed[Phase.REMOVE] == 0
        assert held.plan.counts.unchanged == 1
        assert f"`syncd approve {held.plan.id}` takes them out" in sentence(held.plan)

        approve(here, held)
        assert ran(here, EVERYBODY).pushed[Phase.REMOVE] == 4
        assert here.world.identifiers == frozenset()


def test_an_approval_takes_out_nobody_else() -> None:
    with taking_world(guard=THIRD) as here:
        held = ran(here, {key: EVERYBODY[key] for key in "abc"})
        approve(here, held)
        now = ran(here, {key: EVERYBODY[key] for key in "bcde"})
        assert now.plan.held == (
            "2 members would be taken out whom the approved plan does not name",
        )
        assert here.world.identifiers == rows_of(here, {key: EVERYBODY[key] for key in "ade"})


def test_without_a_stated_size_the_first_run_is_held_and_later_ones_measured_by_the_list() -> None:
    with memory_world(later=False, guard=Guard(max_removed=0.5)) as here:
        here.world.takes_out = True
        here.remote.audiences.create(ACCOUNT, NAME)  # of nobody whom its platform counts
        held = ran(here, FIRST)
        (said,) = held.plan.held
        assert said.startswith("2 members would be taken out for the first time")
        approve(here, held)
        ran(here, FIRST)
        here.world.clock.pass_by(hours=1)
        assert ran(here, FIRST | {"c": EVERYBODY["c"]}).pushed[Phase.REMOVE] == 1
        assert ran(here, EVERYBODY).plan.held == (
            "2 members would be taken out, of 3 taken out before (67%, max_removed is 50%)",
        )


def test_what_the_guard_let_go_once_is_not_counted_again() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        here.world.guard = THIRD  # which two of the three who are left would be too many for
        again = ran(here, FIRST, full=True)
        assert (again.plan.held, again.pushed[Phase.REMOVE]) == ((), 2)


# --- erasure, retiring, rebuilding ------------------------------------------------------


def test_an_erased_person_is_removed_confirmed_purged_and_never_sent_again() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        anna = row_of(here, FIRST["a"])
        here.fill(FIRST)
        asked = erase(here.world, *FIRST["a"].emails, phones=FIRST["a"].phones)
        for _ in range(3):
            here.world.clock.pass_by(hours=49)
            assert carry_on(here.world) == ()
        assert became(here.world, asked).removed_at is not None
        assert closed(here.world, asked)
        assert not here.world.possible() & anna

        before = len(here.world.sent)
        ran(here, FIRST, full=True)
        sent = frozenset().union(*(row for push in here.world.sent[before:] for row in push.rows))
        assert sent == row_of(here, FIRST["b"])


def test_to_retire_forgets_and_sends_nothing() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        old, before = orphan(here), len(here.world.sent)
        assert known(here.world, old).takes_out
        assert visit(here.world, old).state == "retired"
        assert here.world.sent[before:] == []
        kept = here.world.ledger.generation(*old)
        assert kept is not None
        assert kept.sizes.members == 0
        assert sum(kept.sizes.identifiers.values()) == 0


def test_an_audience_is_not_forgotten_before_an_erasure_in_it_is_complete() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        erase(here.world, *FIRST["a"].emails)
        assert isinstance(try_to(here.world, orphan(here)), Busy)


def test_nobody_who_denies_is_removed_from_an_orphan_of_this_mode() -> None:
    with taking_world() as here:
        ran(here, EVERYBODY)
        orphan(here)
        before, here.world.takes_out = len(here.world.sent), False
        here.fill(EVERYBODY)
        parts = here.world.parts()
        run(replace(parts, sync=replace(parts.sync, audience_name="Another")), Wish("test"))
        assert {push.operation for push in here.world.sent[before:]} == {Operation.ADD}


def test_to_replace_is_refused() -> None:
    with taking_world() as here:
        ran(here, FIRST)
        with pytest.raises(UsageError, match="only takes members out"):
            replace_audience(here.world.parts, actor="test")
        assert overview(here.world.parts()).way_on.startswith("others fill it")


@pytest.mark.parametrize("lost", ["files", "ledger"])
def test_after_a_rebuild_everyone_is_taken_out_again(lost: str) -> None:
    with taking_world() as here:
        ran(here, FIRST)
        if lost == "files":
            swap_var(here, None)
        else:
            swap_ledger(here, None)
        rebuilt(here)
        assert known(here.world, here.world.at).takes_out
        assert ran(here, FIRST).pushed[Phase.REMOVE] == 2
        rest(here, FIRST)


# --- words ----------------------------------------------------------------------------


def test_the_audit_says_taken_out_and_counts_removals() -> None:
    with taking_world() as here:
        result = ran(here, FIRST)
        assert result.run.state is RunState.DONE
        events = {event.kind: event for event in here.world.ledger.events()}
        made, ended = events["plan_made"], events["run_finished"]
        assert made.detail == ("Of 2 members read, 2 are to be taken out, 0 were taken out before.")
        assert (made.counts["additions"], made.counts["removals"]) == (0, 2)
        assert ended.detail == "Took out 2 rows."
        assert (ended.counts["add"], ended.counts["remove"]) == (0, 2)
        assert "only takes members out of it" in events["audience_claimed"].detail
        assert not any("added" in event.detail for event in events.values())


# --- any history ------------------------------------------------------------------------

Chapter = tuple[dict[str, Person], list[Befall], Death | None, bool]
people = st.builds(
    Person,
    emails=st.lists(
        st.sampled_from(["anna@example.com", "bob@example.com", "none"]), max_size=2
    ).map(tuple),
    phones=st.lists(st.sampled_from(["0612345678", "020 624 1111"]), max_size=2).map(tuple),
    consent=st.sampled_from(["granted", "denied", "unknown"]),
)
chapters = st.tuples(
    st.dictionaries(st.sampled_from("abcd"), people, max_size=4),
    st.lists(st.sampled_from(sorted(SCRIPTS)), max_size=3),
    st.none()
    | st.builds(
        Death,
        st.sampled_from(["commit", "push"]),
        st.integers(1, 12),
        st.sampled_from(["before", "after"]),
    ),
    st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(history=st.lists(chapters, min_size=1, max_size=4), later=st.booleans())
def test_no_history_adds_anybody(history: list[Chapter], *, later: bool) -> None:
    """Whatever happens, every request is a removal, and in the end the segment is out."""
    with taking_world(later=later) as here:
        for members, befalls, death, process in history:
            steps: list[Step] = [step for befall in befalls for step in SCRIPTS[befall]]
            here.run(members, steps, death=death)
            if process:
                here.process()
        here.world.clock.pass_by(hours=2)  # until no account is throttled or denied any more
        rest(here, EVERYBODY)
        check_out(here, EVERYBODY)
        assert {push.operation for push in here.world.sent} == {Operation.REMOVE}
