"""The reference planner by small examples: what it makes of changed rules, and what it counts."""

from __future__ import annotations

import pytest

from syncd.plan import IdentifierState, ReferencePlan, Rules, SentRow, reference_sizes
from tests.unit.plan_words import (
    CERTAIN,
    DUE,
    NEVER,
    NOON,
    NOTHING,
    POSSIBLE,
    REFUSED,
    SECOND,
    gone,
    ids,
    known,
    members,
    plan,
    removed,
    rows,
    since,
    wants,
)

# --- changed rules -------------------------------------------------------------
# A member's e-mail was e1 by the earlier rules and is e2 by the new ones.

MOVED = Rules(moved=True)
BOTH = rows("a! e1", "a: e2")


def migrated(**of_plan: object) -> ReferencePlan:
    """The plan once e2 is there since DUE, with what a test has otherwise."""
    given: dict[str, object] = {
        "sent": BOTH,
        "states": known(e1=CERTAIN, e2=CERTAIN),
        "wanted": wants(a="e2"),
    }
    given |= {"rules": Rules(since(DUE, "e1"))} | of_plan
    return plan(**given)  # type: ignore[arg-type]  # what `plan` takes


def test_the_first_plan_under_changed_rules_marks_what_they_replace() -> None:
    """The new is added at once; the old stays, outside the guard."""
    found = plan(wants(a="e2"), rows("a: e1"), known(e1=CERTAIN), rules=MOVED)
    assert found.fresh == found.migrating == ids("e1")
    assert (found.remove, found.superseded) == (removed(), NOTHING)
    assert (found.add, found.again, found.renewed) == (members("a"), members(""), NOTHING)


def test_rules_that_did_not_change_mark_nothing() -> None:
    found = plan(wants(a="e2"), rows("a: e1"), known(e1=CERTAIN), rules=Rules())
    assert (found.fresh, found.migrating) == (NOTHING, NOTHING)
    assert found.remove == removed("e1")


def test_what_the_new_rules_make_as_well_is_not_replaced() -> None:
    found = plan(wants(a="e1 p2"), rows("a: e1 p1"), known(e1=CERTAIN, p1=CERTAIN), rules=MOVED)
    assert found.fresh == ids("p1")


def test_what_was_replaced_before_is_not_marked_anew() -> None:
    """Its time runs from the first change on."""
    found = migrated(rules=Rules(since(NOON, "e1"), moved=True), wanted=wants(a="e3"))
    assert found.fresh == ids("e2")
    assert found.migrating == ids("e1 e2")


def test_what_was_on_its_way_out_before_the_rules_changed_is_not_their_doing() -> None:
    """A later row of the member has an e-mail: the older one left for another reason."""
    states = known(e1=CERTAIN, e2=CERTAIN)
    found = plan(wants(a="e3"), BOTH, states, rules=MOVED)
    assert found.fresh == ids("e2")
    assert found.remove == removed("e1")


@pytest.mark.parametrize(
    "sent", [rows("a! e1 p1", "a: e2"), rows("a! e1 p1", "b: e2 p2")], ids=["another kind", "none"]
)
def test_an_older_row_counts_where_no_later_one_has_that_kind(sent: tuple[SentRow, ...]) -> None:
    states = known(e1=CERTAIN, p1=CERTAIN, e2=CERTAIN, p2=CERTAIN)
    found = plan(wants(a="e3 p3", b="e2 p2"), sent, states, rules=MOVED)
    assert ids("p1") <= found.fresh


def test_a_later_row_that_was_itself_replaced_is_no_later_row() -> None:
    found = plan(
        wants(a="e3"),
        BOTH,
        known(e1=CERTAIN, e2=CERTAIN),
        rules=Rules(since(NOON, "e2"), moved=True),
    )
    assert found.fresh == ids("e1")


def test_the_replaced_leaves_once_its_replacement_settled() -> None:
    found = migrated()
    assert (found.superseded, found.migrating) == (ids("e1"), NOTHING)
    assert found.remove == removed("e1")
    assert found.again == members("a"), "the platform may know both as one person"
    early = migrated(rules=Rules(since(DUE + SECOND, "e1")))
    assert (early.superseded, early.migrating) == (NOTHING, ids("e1"))
    assert (early.remove, early.again) == (removed(), members(""))


@pytest.mark.parametrize(
    ("state", "adding"),
    [(None, ""), (POSSIBLE, ""), (REFUSED, ""), (CERTAIN, "e2"), (CERTAIN, "e1")],
)
def test_the_replaced_stays_until_its_replacement_was_accepted_and_processed(
    state: IdentifierState | None, adding: str
) -> None:
    """An addition of the old one under way would land after its removal."""
    states = known(e1=CERTAIN) | (known(e2=state) if state else {})
    found = migrated(states=states, adding=adding)
    assert (found.superseded, found.migrating) == (NOTHING, ids("e1"))
    assert found.remove == removed()
    assert found.waiting == NOTHING


def test_one_member_without_their_replacement_keeps_it_for_all() -> None:
    """A shared phone: both have a new one, and one of them is not accepted yet."""
    sent = rows("a! p1", "a: p2", "b! p1", "b: p3")
    states = known(p1=CERTAIN, p2=CERTAIN, p3=POSSIBLE)
    wanted, rules = wants(a="p2", b="p3"), Rules(since(DUE, "p1"))
    assert plan(wanted, sent, states, rules=rules).migrating == ids("p1")
    states |= known(p3=CERTAIN)
    assert plan(wanted, sent, states, rules=rules).superseded == ids("p1")


def test_who_leaves_takes_the_replaced_along_as_a_usual_removal() -> None:
    found = migrated(wanted=wants())
    assert (found.superseded, found.migrating) == (NOTHING, NOTHING)
    assert found.remove == removed("e1", "e2")


def test_what_one_of_two_members_left_with_is_a_usual_removal() -> None:
    """The other one has a new phone instead; nobody has any for the one who left."""
    sent, states = rows("a: p1", "b: p1"), known(p1=CERTAIN)
    found = plan(wants(a="p2"), sent, states, rules=MOVED)
    assert (found.migrating, found.remove) == (NOTHING, removed("p1"))


def test_what_is_the_last_of_one_member_is_marked_though_not_of_another() -> None:
    sent, states = rows("a: e1", "b! e1", "b: e3"), known(e1=CERTAIN, e3=CERTAIN)
    assert plan(wants(a="e2", b="e4"), sent, states, rules=MOVED).fresh == ids("e1 e3")


def test_who_has_fewer_than_before_loses_the_old_as_a_usual_removal() -> None:
    """Two phones, and one by the new rules: which one was replaced cannot be said."""
    sent, states = rows("a: p1 p2 e1"), known(p1=CERTAIN, p2=CERTAIN, e1=CERTAIN)
    found = plan(wants(a="p3 e1"), sent, states, rules=MOVED)
    assert found.fresh == ids("p1 p2")
    assert (found.migrating, found.superseded) == (NOTHING, NOTHING)
    assert found.remove == removed("p1 p2")
    as_many = plan(wants(a="p3 p4 e1"), sent, states, rules=MOVED)
    assert (as_many.migrating, as_many.remove) == (ids("p1 p2"), removed())


def test_what_was_removed_before_is_not_counted_among_what_must_be_replaced() -> None:
    """One of two phones had gone already; so one new one is enough."""
    states = known(p1=CERTAIN, p2=gone(NOON, doubt=False))
    found = plan(wants(a="p3"), rows("a: p1 p2"), states, rules=MOVED)
    assert (found.migrating, found.remove) == (ids("p1"), removed())
    forgotten = plan(wants(a="p3"), rows("a: p1 p2"), known(p1=CERTAIN), rules=MOVED)
    assert (forgotten.migrating, forgotten.remove) == (ids("p1"), removed())


def test_a_confirmation_is_not_put_off_by_changed_rules() -> None:
    """What was removed is not there to be replaced."""
    states = known(e1=gone(DUE, doubt=True), e2=CERTAIN)
    found = migrated(states=states)
    assert (found.migrating, found.superseded) == (NOTHING, NOTHING)
    assert found.remove == removed("e1")


def test_a_withdrawal_does_not_wait_for_a_replacement() -> None:
    found = migrated(rules=Rules(since(NOON, "e1")), withdrawn="e1")
    assert (found.migrating, found.superseded) == (NOTHING, NOTHING)
    assert found.remove == removed("e1")
    first = plan(wants(a="e2"), rows("a: e1"), known(e1=CERTAIN), withdrawn="e1", rules=MOVED)
    assert (first.migrating, first.remove) == (NOTHING, removed("e1"))


def test_what_the_rules_make_again_is_renewed() -> None:
    """They went back: the old digest is the right one once more."""
    found = migrated(wanted=wants(a="e1"), rules=Rules(since(NOON, "e1 e7"), moved=True))
    assert found.renewed == ids("e1")
    assert found.fresh == ids("e2")


def test_of_two_kinds_each_is_replaced_by_its_own() -> None:
    """A new e-mail makes up for no phone."""
    states = known(e1=CERTAIN, p1=CERTAIN)
    found = plan(wants(a="e2 e3"), rows("a: e1 p1"), states, rules=MOVED)
    assert found.migrating == ids("e1")
    assert found.remove == removed("p1")


# --- what an audience is said to hold --------------------------------------------


def test_sizes_count_each_kind_of_what_may_be_there() -> None:
    """Refused by name may be there still, from an older row; removed is taken as gone."""
    states = known(
        e1=CERTAIN, e2=POSSIBLE, e3=REFUSED, e4=NEVER, e5=gone(NOON, doubt=True), p1=CERTAIN
    )
    sent = rows("a: e1 p1", "b: e2 e3 e4 e5")
    assert reference_sizes(rows=sent, states=states) == {"email": 3, "phone": 1}


def test_what_was_replaced_is_not_counted_beside_what_replaced_it() -> None:
    """Else every change of rules would double an audience, and shrink it two days later."""
    states = known(e1=CERTAIN, e2=CERTAIN)
    assert reference_sizes(rows=BOTH, states=states, outdated=ids("e1")) == {"email": 1}
    assert reference_sizes(rows=BOTH, states=states) == {"email": 2}


@pytest.mark.parametrize("state", [REFUSED, NEVER, gone(NOON, doubt=False), None])
def test_what_was_replaced_counts_while_its_replacement_is_not_there(
    state: IdentifierState | None,
) -> None:
    states = known(e1=CERTAIN) | (known(e2=state) if state else {})
    counted = 2 if state is REFUSED else 1
    assert reference_sizes(rows=BOTH, states=states, outdated=ids("e1")) == {"email": counted}


def test_two_that_one_replaced_count_until_a_row_has_as_many() -> None:
    sent = rows("a! p1 p2", "a: p3")
    states = known(p1=CERTAIN, p2=CERTAIN, p3=CERTAIN)
    assert reference_sizes(rows=sent, states=states, outdated=ids("p1 p2")) == {"phone": 3}
    sent, states = rows("a! p1 p2", "a! p3 e1", "a: p3 p4"), states | known(p4=POSSIBLE)
    assert reference_sizes(rows=sent, states=states, outdated=ids("p1 p2")) == {"phone": 2}
    half = states | known(p2=gone(NOON, doubt=False), p4=NEVER)
    assert reference_sizes(rows=sent, states=half, outdated=ids("p1 p2")) == {"phone": 1}


def test_a_replaced_one_counts_while_one_of_its_members_lacks_the_new() -> None:
    sent = rows("a! p1", "a: p2", "b: p1 e1")
    states = known(p1=CERTAIN, p2=CERTAIN, e1=CERTAIN)
    sizes = reference_sizes(rows=sent, states=states, outdated=ids("p1"))
    assert sizes == {"phone": 2, "email": 1}
