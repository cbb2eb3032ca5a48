"""A changed rule set: the new digests go in, they settle, the old ones leave; nobody is missed.

On a platform that works at once and on one that works later, in both views.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from syncd.model import Guard, Operation, Sizes
from syncd.runs.sentences import sentence
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.migrations import (
    FEW,
    GUARD,
    MANY,
    NO_PHONES,
    ONE_LESS,
    events,
    filled,
    moved,
    removals,
    rest,
    settled,
)
from tests.integration.rule_versions import ONLY_NAMES, Version


@pytest.fixture(params=[False, True], ids=["now", "later"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    """On either platform."""
    with memory_world(later=request.param, guard=GUARD, batch_rows=4) as made:
        yield made


@pytest.fixture
def at_once() -> Iterator[MemoryWorlds]:
    """On the platform that works at once, where the other could not differ."""
    with memory_world(later=False, guard=GUARD, batch_rows=4) as made:
        yield made


# --- the ordinary way --------------------------------------------------------


def test_unchanged_rules_send_nothing_and_say_nothing(at_once: MemoryWorlds) -> None:
    filled(at_once)
    before = len(at_once.world.sent)

    plans = rest(at_once, MANY)

    assert at_once.world.sent[before:] == []
    assert (plans[-1].counts.superseded, plans[-1].counts.migrating) == (0, 0)
    assert events(at_once) == []
    assert "digest" not in sentence(plans[-1])


def test_changed_rules_add_the_new_and_let_the_old_leave_once_they_settled(
    here: MemoryWorlds,
) -> None:
    """Every digest changes, nobody is asked, and everyone is a member all the time."""
    old = filled(here)
    before = len(here.world.sent)

    first = moved(here)[0]

    assert (first.held, first.counts.additions, first.counts.removals) == ((), 10, 0)
    assert (first.counts.migrating, first.counts.superseded) == (20, 0)
    assert first.counts.leaving == Sizes()
    assert removals(here, before) == frozenset()
    assert here.world.identifiers == old | here.world.expected()

    here.world.clock.pass_by(hours=47)
    here.world.check_quiet()
    last = settled(here, MANY)[0]

    assert (last.counts.superseded, last.counts.migrating) == (20, 0)
    assert (last.counts.removals, last.counts.again) == (10, 10)
    assert last.counts.leaving == Sizes()
    assert removals(here, before) == old


def test_what_changed_is_said_once_in_the_plan_and_in_the_audit(at_once: MemoryWorlds) -> None:
    filled(at_once)
    first = moved(at_once)[0]
    settled(at_once, MANY)

    said = (
        "The rule set changed from meta 2 NL to meta next NL: 20 identifiers get a new digest; the "
        "old ones leave after 48 h, outside the guard."
    )
    assert events(at_once) == [said]
    assert "20 identifiers get a new digest by changed rules" in sentence(first)
    at_once.world.check_quiet()
    assert len(events(at_once)) == 1


def test_the_week_after_a_migration_the_guard_measures_as_before(here: MemoryWorlds) -> None:
    """Old and new of one identifier were never two: else half of them were lost since."""
    filled(here)
    moved(here)
    generation = here.world.ledger.generation(*here.world.at)
    assert generation is not None
    assert generation.sizes == Sizes(10, {"email": 10, "phone": 10})
    settled(here, MANY)
    here.world.clock.pass_by(days=3)

    plans = rest(here, ONE_LESS)

    assert [plan.held for plan in plans if plan.held] == []
    assert plans[0].counts.leaving == Sizes(1, {"email": 1, "phone": 1})
    here.world.check_equal()


def test_members_whose_rows_share_nothing_are_sent_again_when_the_old_row_leaves(
    here: MemoryWorlds,
) -> None:
    """A platform may know both digests of an address as one person, whom it then takes out."""
    members = {key: replace(one, phones=()) for key, one in MANY.items()}
    old = filled(here, members)
    moved(here, members)
    new, before = here.world.expected(), len(here.world.sent)
    settled(here, members)

    pushes = here.world.sent[before:]
    last = max(n for n, push in enumerate(pushes) if push.operation is Operation.REMOVE)
    assert removals(here, before) == old
    again = [row for push in pushes[last:] for row in push.rows if push.operation is Operation.ADD]
    assert frozenset().union(*again) == new


def test_changed_rules_for_names_replace_the_address_alone(here: MemoryWorlds) -> None:
    """Who has none is not sent at all, and nobody is lost with the address that leaves."""
    lives = {
        key: replace(one, lives=("Anna", f"Visser {key}", "1011 AB")) if key < "5" else one
        for key, one in MANY.items()
    }
    filled(here, lives)
    before = len(here.world.sent)

    first = moved(here, lives, ONLY_NAMES)[0]

    assert (first.counts.additions, first.counts.migrating) == (5, 5)
    assert first.counts.unchanged == 5
    settled(here, lives)
    assert {kind for kind, _ in removals(here, before)} == {"address"}
    assert len(removals(here, before)) == 5


def test_a_changed_version_that_changes_no_digest_is_taken_note_of(at_once: MemoryWorlds) -> None:
    """From then on the audience is one of that version, and what changes later is churn."""
    filled(at_once)
    before = len(at_once.world.sent)
    moved(at_once, version=Version("same"))
    generation = at_once.world.ledger.generation(*at_once.world.at)

    assert at_once.world.sent[before:] == []
    assert generation is not None
    assert generation.rules == "meta same NL"
    assert len(events(at_once)) == 1


# --- what else happens meanwhile ---------------------------------------------


def test_who_leaves_during_a_migration_goes_at_once_with_both_digests(here: MemoryWorlds) -> None:
    filled(here)
    moved(here)
    here.world.clock.pass_by(hours=1)
    before = len(here.world.sent)

    plans = rest(here, ONE_LESS)

    assert (plans[0].held, plans[0].counts.leaving) == ((), Sizes(1, {"email": 1, "phone": 1}))
    assert plans[0].counts.migrating == 18
    assert len(removals(here, before)) == 4
    settled(here, ONE_LESS)


def test_many_who_leave_during_a_migration_are_held(at_once: MemoryWorlds) -> None:
    """The others' old digests leave all the same; those who are held stay, with both."""
    filled(at_once)
    moved(at_once)
    held = rest(at_once, FEW)[-1].held
    assert held == (
        "6 of 10 members would leave (60%, max_removed is 30%)",
        "6 of 10 email identifiers would leave (60%, max_removed is 30%)",
        "6 of 10 phone identifiers would leave (60%, max_removed is 30%)",
    )
    at_once.world.clock.pass_by(hours=49)

    plan = rest(at_once, FEW)[0]

    assert plan.held == held
    assert plan.counts.superseded == 8
    assert len(at_once.world.identifiers) == 8 + 4 * 6
    at_once.world.check_nobody_missed()


def test_who_leaves_as_the_rules_change_goes_at_once(at_once: MemoryWorlds) -> None:
    filled(at_once)
    before = len(at_once.world.sent)
    first = moved(at_once, ONE_LESS)[0]

    assert first.counts.leaving == Sizes(1, {"email": 1, "phone": 1})
    assert (first.counts.migrating, len(removals(at_once, before))) == (18, 2)
    settled(at_once, ONE_LESS)


@pytest.mark.parametrize("same_run", [True, False], ids=["as the rules change", "later"])
def test_consent_denied_goes_at_once_and_waits_for_no_migration(
    here: MemoryWorlds, *, same_run: bool
) -> None:
    """Though the guard would hold every ordinary removal."""
    here.world.guard = Guard(max_removed=0.2, min_members=99)
    denied = MANY | {"0": replace(MANY["0"], consent="denied")}
    filled(here)
    before = len(here.world.sent)
    if not same_run:
        moved(here)
    plans = moved(here, denied)

    assert plans[0].counts.withdrawn == Sizes(1, {"email": 1, "phone": 1})
    assert len(removals(here, before)) == (2 if same_run else 4)
    settled(here, denied)


def test_a_phone_column_gone_null_as_the_rules_change_is_held(at_once: MemoryWorlds) -> None:
    """Nothing replaces those phones. Not the week after either; when they are back, they move."""
    old = filled(at_once)
    phones = {one for one in old if one[0] == "phone"}
    held = ("10 of 10 phone identifiers would leave (100%, max_removed is 30%)",)

    first = moved(at_once, NO_PHONES)[0]

    assert (first.held, first.counts.migrating) == (held, 10)
    for _ in range(3):
        at_once.world.clock.pass_by(days=4)
        assert rest(at_once, NO_PHONES)[-1].held == held
    assert at_once.world.identifiers == at_once.world.expected() | phones
    back = rest(at_once, MANY)[0]
    assert (back.held, back.counts.migrating) == ((), 10)
    settled(at_once, MANY)


def test_a_phone_column_gone_null_during_a_migration_is_held(at_once: MemoryWorlds) -> None:
    filled(at_once)
    moved(at_once)
    at_once.world.clock.pass_by(hours=49)
    held = ("10 of 10 phone identifiers would leave (100%, max_removed is 30%)",)

    plan = rest(at_once, NO_PHONES)[0]

    assert (plan.held, plan.counts.superseded) == (held, 10)
    at_once.world.clock.pass_by(days=9)
    assert rest(at_once, NO_PHONES)[-1].held
    assert len([one for one in at_once.world.identifiers if one[0] == "phone"]) == 20


def test_a_second_email_gone_null_as_the_rules_change_is_held(at_once: MemoryWorlds) -> None:
    """One new digest does not replace two."""
    two = {
        key: replace(one, emails=(*one.emails, f"other{key}@example.com"))
        for key, one in MANY.items()
    }
    old = filled(at_once, two)
    plans = moved(at_once)

    assert plans[0].held == ("20 of 20 email identifiers would leave (100%, max_removed is 30%)",)
    at_once.world.clock.pass_by(days=3)
    rest(at_once, MANY)
    assert {one for one in old if one[0] == "email"} <= at_once.world.identifiers


def test_what_a_guard_held_before_the_rules_changed_stays_held(at_once: MemoryWorlds) -> None:
    """Every e-mail had changed, which no rule did."""
    others = {key: replace(one, emails=(f"other{key}@example.com",)) for key, one in MANY.items()}
    old = {one for one in filled(at_once) if one[0] == "email"}
    held = ("10 of 10 email identifiers would leave (100%, max_removed is 30%)",)
    assert rest(at_once, others)[0].held == held

    plans = moved(at_once, others)
    at_once.world.clock.pass_by(hours=49)
    plans += rest(at_once, others)

    assert all("email identifiers would leave" in plan.held[0] for plan in plans)
    assert at_once.world.identifiers == at_once.world.expected() | old


def test_an_email_that_changes_after_a_migration_is_no_migration(at_once: MemoryWorlds) -> None:
    """Also of members whose digests the rules left alone, and who were not sent since."""
    filled(at_once)
    moved(at_once, version=ONLY_NAMES)
    at_once.world.clock.pass_by(days=30)
    others = {key: replace(one, emails=(f"other{key}@example.com",)) for key, one in MANY.items()}

    plan = rest(at_once, others)[0]

    assert plan.held == ("10 of 10 email identifiers would leave (100%, max_removed is 30%)",)
    assert plan.counts.migrating == 0


def test_a_family_that_shares_a_phone_moves_as_one(here: MemoryWorlds) -> None:
    """The old phone stays until everyone who was sent it has the new one; or goes with one."""
    family = MANY | {"1": replace(MANY["1"], phones=MANY["0"].phones)}
    filled(here, family)
    assert moved(here, family)[0].counts.migrating == 19
    here.world.clock.pass_by(hours=1)
    left = {key: one for key, one in family.items() if key != "0"}

    plan = rest(here, left)[0]

    assert plan.counts.leaving.members == 1
    assert plan.counts.migrating == 17
    here.world.check_nobody_missed()
    settled(here, left)
