"""The reference planner by small examples: each rule of a plan once, in plain sets.

`test_membership` holds the columns against this planner; what the planner itself must say
stands here, and in `test_reference_rules` what it says of changed rules.
"""

from __future__ import annotations

from datetime import datetime

import pytest

from syncd.plan import Identifier, IdentifierState, Known, ReferencePlan
from tests.unit.plan_words import (
    CERTAIN,
    DUE,
    NEVER,
    NOON,
    NOTHING,
    POSSIBLE,
    REFUSED,
    SECOND,
    SETTLE,
    gone,
    ids,
    known,
    members,
    plan,
    removed,
    rows,
    wants,
)

# --- who is sent ---------------------------------------------------------------


def test_a_first_plan_sends_everyone_and_removes_nobody() -> None:
    found = plan(wants(a="e1 p1", b="e2"))
    assert found == ReferencePlan(removed(), members("ab"), members(""), *[NOTHING] * 5), (
        "nothing waits, nothing is replaced"
    )


@pytest.mark.parametrize(
    ("state", "sends"),
    [(CERTAIN, ""), (POSSIBLE, "a"), (REFUSED, ""), (NEVER, "")],
    ids=["accepted", "unknown", "refused", "never there"],
)
def test_a_member_is_sent_until_the_platform_has_answered(
    state: IdentifierState, sends: str
) -> None:
    """Accepted and refused are answers; a refused row is not sent again as it is."""
    found = plan(wants(a="e1"), rows("a: e1"), known(e1=state))
    assert (found.add, found.again) == (members(sends), members(""))


def test_one_unknown_identifier_sends_the_whole_member() -> None:
    sent, states = rows("a: e1 p1", "b: e2"), known(e1=CERTAIN, p1=POSSIBLE, e2=CERTAIN)
    assert plan(wants(a="e1 p1", b="e2"), sent, states).add == members("a")
    new = plan(wants(a="e1 p9", b="e2"), rows("a: e1", "b: e2"), known(e1=CERTAIN, e2=CERTAIN))
    assert new.add == members("a")


@pytest.mark.parametrize("state", [REFUSED, NEVER], ids=["refused", "never there"])
def test_a_row_that_holds_what_was_refused_is_sent_again_once_it_changed(
    state: IdentifierState,
) -> None:
    """With a phone beside it the e-mail may pass, though someone else's phone is there."""
    states = known(e1=state, p1=CERTAIN)
    sent = rows("a: e1", "b: p1")
    assert plan(wants(a="e1", b="p1"), sent, states).add == members("")
    assert plan(wants(a="e1 p1", b="p1"), sent, states).add == members("a")


def test_a_changed_row_of_accepted_identifiers_is_not_sent() -> None:
    """All that it says is there already."""
    found = plan(wants(a="e1", b="p1"), rows("c: e1 p1"), known(e1=CERTAIN, p1=CERTAIN))
    assert (found.add, found.again, found.remove) == (members(""), members(""), removed())


# --- who leaves ----------------------------------------------------------------


def test_who_leaves_is_removed_as_sent_and_nobody_else_is() -> None:
    states = known(e1=CERTAIN, p1=POSSIBLE, e2=CERTAIN)
    found = plan(wants(b="e2"), rows("a: e1 p1", "b: e2"), states)
    assert found.remove == removed("e1 p1")
    assert (found.add, found.again) == (members(""), members(""))


def test_what_someone_still_holds_stays_and_they_are_sent_again() -> None:
    """The platform takes out the person it matched, with the shared phone."""
    states = known(e1=CERTAIN, p1=CERTAIN, e2=CERTAIN, e3=CERTAIN)
    found = plan(wants(b="e2 p1", c="e3"), rows("a: e1 p1", "b: e2 p1", "c: e3"), states)
    assert found.remove == removed("e1")
    assert (found.add, found.again) == (members(""), members("b"))


def test_persons_joined_over_several_rows_are_all_sent_again() -> None:
    """One shares with one who shares with one who leaves."""
    states = known(e1=CERTAIN, p1=CERTAIN, p2=CERTAIN, p3=CERTAIN, e9=CERTAIN)
    sent = rows("d: p3", "c: p2 p3", "b: p1 p2", "a: e1 p1", "z: e9")
    found = plan(wants(b="p1 p2", c="p2 p3", d="p3", z="e9"), sent, states)
    assert found.remove == removed("e1")
    assert found.again == members("bcd")


def test_a_changed_email_removes_the_old_and_sends_the_new() -> None:
    """As a plain addition: nothing of the new row was there to be taken out."""
    found = plan(wants(a="e2"), rows("a: e1"), known(e1=CERTAIN))
    assert found.remove == removed("e1")
    assert (found.add, found.again) == (members("a"), members(""))


@pytest.mark.parametrize(
    ("state", "again"), [(CERTAIN, "a"), (POSSIBLE, "a"), (REFUSED, ""), (NEVER, "")]
)
def test_whose_older_row_is_removed_is_sent_again_whole(state: IdentifierState, again: str) -> None:
    """The platform may know both rows as one person; of a refused row it knows nothing."""
    found = plan(wants(a="e2"), rows("a! e1", "a: e2"), known(e1=CERTAIN, e2=state))
    assert found.remove == removed("e1")
    assert (found.add, found.again) == (members(""), members(again))


def test_who_has_no_part_in_what_leaves_is_not_sent_again() -> None:
    found = plan(wants(b="e2"), rows("a: e1", "b: e2"), known(e1=CERTAIN, e2=CERTAIN))
    assert found.again == members("")


@pytest.mark.parametrize(("wanted", "leaves"), [(wants(a="e2"), False), (wants(b="e2"), True)])
def test_what_never_was_there_is_dropped_once_its_member_has_something_else(
    wanted: dict[bytes, frozenset[Identifier]], *, leaves: bool
) -> None:
    """But a member who left is removed, whatever a platform said of their row."""
    found = plan(wanted, rows("a: e1"), known(e1=NEVER))
    assert found.remove == (removed("e1") if leaves else removed())


def test_what_never_was_there_is_dropped_if_one_of_those_who_had_it_has_something_else() -> None:
    """Whoever else had it, too: there is nothing to take out for them."""
    found = plan(wants(a="e2"), rows("a: e1", "b: e1 p1"), known(e1=NEVER, p1=CERTAIN))
    assert found.remove == removed("p1")


def test_what_we_know_is_numbered_as_membership_files_number_it() -> None:
    assert [one.value for one in (Known.POSSIBLE, Known.CERTAIN)] == [0, 1]
    assert [one.value for one in (Known.REFUSED, Known.NEVER)] == [2, 3]


def test_what_never_was_there_leaves_where_only_an_older_row_held_it() -> None:
    found = plan(wants(a="e2"), rows("a! e1", "a: e2"), known(e1=NEVER, e2=CERTAIN))
    assert found.remove == removed("e1")


def test_what_was_refused_leaves_as_what_was_accepted() -> None:
    """Its row was refused by name once; an older request may have left it there."""
    assert plan(wants(a="e2"), rows("a: e1"), known(e1=REFUSED)).remove == removed("e1")


# --- what was removed before ---------------------------------------------------


@pytest.mark.parametrize(
    ("state", "leaves"),
    [
        (gone(DUE - SECOND, doubt=False), False),
        (gone(DUE + SECOND, doubt=True), False),
        (gone(DUE, doubt=True), True),
        (gone(DUE - SECOND, doubt=True), True),
    ],
)
def test_a_removal_is_confirmed_once_it_settled_if_an_addition_was_in_doubt(
    state: IdentifierState, *, leaves: bool
) -> None:
    found = plan(wants(b="e2"), rows("a: e1", "b: e2"), known(e1=state, e2=CERTAIN))
    assert found.remove == (removed("e1") if leaves else removed())


def test_no_doubt_is_had_unless_stated() -> None:
    state = IdentifierState(Known.POSSIBLE, removed_at=DUE - SETTLE)
    assert plan(wants(), rows("a: e1"), known(e1=state)).remove == removed()


def test_a_full_resync_sends_everyone_and_repeats_every_removal() -> None:
    states = known(e1=gone(NOON, doubt=False), e2=CERTAIN, e3=CERTAIN, p1=CERTAIN)
    wanted, sent = wants(b="e2", c="e3 p1"), rows("a: e1 p1", "b: e2", "c: e3 p1")
    full = plan(wanted, sent, states, full=True)
    assert full.remove == removed("e1")
    assert (full.add, full.again) == (members("b"), members("c"))
    usual = plan(wanted, sent, states)
    assert (usual.remove, usual.add, usual.again) == (removed(), members(""), members(""))


@pytest.mark.parametrize(
    ("until", "again"), [(NOON - SECOND, "a"), (NOON, "a"), (NOON + SECOND, ""), (None, "")]
)
def test_who_came_back_is_sent_again_once_a_lost_removal_cannot_land_any_more(
    until: datetime | None, again: str
) -> None:
    state = IdentifierState(Known.CERTAIN, late=until)
    wanted, sent = wants(a="e1", b="e2"), rows("a: e1", "b: e2")
    found = plan(wanted, sent, known(e1=state, e2=CERTAIN))
    assert (found.remove, found.add, found.again) == (removed(), members(""), members(again))


def test_who_came_back_brings_along_whom_they_share_with() -> None:
    late = IdentifierState(Known.CERTAIN, late=NOON)
    states = known(e1=late, p1=CERTAIN, e2=CERTAIN)
    found = plan(wants(a="e1 p1", b="p1 e2"), rows("a: e1 p1", "b: p1 e2"), states)
    assert found.again == members("ab")


def test_a_late_removal_of_what_nobody_holds_sends_nobody() -> None:
    state = IdentifierState(Known.POSSIBLE, removed_at=NOON, late=NOON)
    found = plan(wants(a="p1"), rows("a: e1 p1"), known(e1=state, p1=CERTAIN))
    assert (found.remove, found.again) == (removed(), members(""))


# --- what is under way ---------------------------------------------------------


def test_a_removal_waits_for_an_addition_under_way() -> None:
    """Requests take effect in any order: it could land after its own removal."""
    sent, states = rows("a: e1 p1"), known(e1=CERTAIN, p1=CERTAIN)
    found = plan(wants(), sent, states, adding="e1")
    assert found.waiting == ids("e1")
    assert found.remove == removed("p1")
    assert plan(wants(a="e1 p1"), sent, states, adding="e1").waiting == NOTHING


def test_who_holds_what_is_being_removed_is_sent_again() -> None:
    states = known(e1=CERTAIN, e2=CERTAIN)
    found = plan(wants(a="e1", b="e2"), rows("a: e1", "b: e2"), states, removing="e1")
    assert (found.add, found.again) == (members(""), members("a"))
