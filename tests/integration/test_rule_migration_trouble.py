"""Changed rules in trouble: further versions, failures, approvals, and what a person is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

import syncd.app
from connectors.memory import Fail, LoseAnswer, RefuseRows, RefuseWith
from syncd.errors import RequestRefused, Unavailable
from syncd.identity.rules import META
from syncd.model import FieldRule
from syncd.retry import ATTEMPTS
from syncd.sync import Result, Wish, run, show
from tests.integration.commands import Desk
from tests.integration.commands import Hands as Clock
from tests.integration.memory_worlds import MemoryWorlds, memory_world
from tests.integration.migrations import (
    FEW,
    GUARD,
    MANY,
    ONE_LESS,
    email,
    events,
    filled,
    moved,
    phone,
    removals,
    rest,
    settled,
)
from tests.integration.rule_versions import LAST, NEXT, SHIPPED


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


# --- further versions --------------------------------------------------------


def test_rules_that_change_again_before_the_last_change_settled(here: MemoryWorlds) -> None:
    filled(here)
    moved(here)
    here.world.clock.pass_by(hours=24)
    plan = moved(here, version=LAST)[0]

    assert (plan.held, plan.counts.migrating, plan.counts.superseded) == ((), 40, 0)
    settled(here, MANY)
    assert len(events(here)) == 2


@pytest.mark.parametrize("hours", [24, 60], ids=["before it settled", "afterwards"])
def test_rules_that_change_back(here: MemoryWorlds, *, hours: int) -> None:
    """What is wanted again is simply wanted; then on again, as if it were the first time."""
    filled(here)
    for version in (NEXT, SHIPPED, NEXT):
        plans = moved(here, version=version)
        assert [plan.held for plan in plans if plan.held] == []
        here.world.check_nobody_missed()
        here.world.clock.pass_by(hours=hours)
        plans = rest(here, MANY)
        assert [plan.held for plan in plans if plan.held] == []
    settled(here, MANY)
    assert len(events(here)) == 3
    assert [plan.held for plan in rest(here, ONE_LESS) if plan.held] == []


def test_what_is_wanted_again_is_no_migration_when_it_changes_later(at_once: MemoryWorlds) -> None:
    filled(at_once)
    moved(at_once)
    moved(at_once, version=SHIPPED)
    at_once.world.clock.pass_by(hours=1)
    others = {key: replace(one, emails=(f"other{key}@example.com",)) for key, one in MANY.items()}

    plan = rest(at_once, others)[0]

    assert plan.held == ("10 of 10 email identifiers would leave (100%, max_removed is 30%)",)


# --- trouble -----------------------------------------------------------------

LOST = [Fail(Unavailable("memory", "timeout"))] * ATTEMPTS


def test_the_old_stay_until_the_new_are_accepted(here: MemoryWorlds) -> None:
    """An outage in the middle of the additions: the window of each begins when it is in."""
    filled(here)
    here.world.version = NEXT
    before = len(here.world.sent)
    assert isinstance(here.run(MANY, [*LOST]), Unavailable)
    assert here.world.expected_as_shipped() <= here.world.persons
    here.world.clock.pass_by(hours=49)

    plans = rest(here, MANY)

    assert sum(plan.counts.superseded for plan in plans) == 0
    assert removals(here, before) == frozenset()
    here.world.clock.pass_by(hours=47)
    here.world.check_quiet()
    settled(here, MANY)


def test_the_old_of_a_refused_request_stay_and_the_others_leave(here: MemoryWorlds) -> None:
    """A request refused as such, whatever its rows, replaces nothing."""
    filled(here)
    here.world.version = NEXT
    here.run(MANY, [Fail(RequestRefused("memory", "invalid", of_rows=False))])
    here.process()
    here.world.clock.pass_by(hours=49)
    before = len(here.world.sent)
    found = here.run(MANY)
    assert isinstance(found, Result)

    assert found.plan.counts.superseded == 12
    assert found.plan.counts.migrating == 8
    rest(here, MANY)
    here.world.check_nobody_missed()
    assert len(removals(here, before)) == 12
    settled(here, MANY)


def test_an_addition_that_fails_while_it_is_processed_replaces_nothing() -> None:
    with memory_world(later=True, guard=GUARD, batch_rows=4) as here:
        filled(here)
        here.world.version = NEXT
        here.run(MANY)
        here.process(fail=[1])
        here.world.clock.pass_by(hours=49)
        found = here.run(MANY)
        assert isinstance(found, Result)

        assert (found.plan.counts.superseded, found.plan.counts.migrating) == (12, 8)
        rest(here, MANY)
        settled(here, MANY)


def test_an_addition_under_way_replaces_nothing_yet() -> None:
    """However long the platform takes: it could still fail."""
    with memory_world(later=True, guard=GUARD, batch_rows=4) as here:
        filled(here)
        here.world.version = NEXT
        here.run(MANY)
        here.world.clock.pass_by(hours=49)
        found = here.run(MANY)
        assert isinstance(found, Result)

        assert (found.plan.counts.superseded, found.plan.counts.migrating) == (0, 20)
        here.process()
        settled(here, MANY)


def test_new_digests_that_are_refused_by_name_replace_nothing(at_once: MemoryWorlds) -> None:
    """Rules that a platform does not take must not empty its audience two days later."""
    old = filled(at_once)
    at_once.world.version = NEXT
    at_once.run(MANY, [RefuseRows((0, 1, 2, 3)), RefuseRows((0, 1, 2, 3)), RefuseRows((0, 1))])
    at_once.world.clock.pass_by(hours=49)

    plan = rest(at_once, MANY)[-1]

    assert (plan.held, plan.counts.superseded, plan.counts.migrating) == ((), 0, 20)
    assert at_once.world.identifiers == old


@pytest.mark.parametrize("named", [False, True], ids=["searched", "named"])
def test_who_is_refused_by_the_new_rules_keeps_the_old_digests(
    here: MemoryWorlds, *, named: bool
) -> None:
    """The others of the request go over; whoever is refused does when the value changes."""
    old = filled(here)
    here.world.version = NEXT
    here.fill(MANY)
    new = here.world.expected()
    (bad,) = here.world.version.identifiers(frozenset({email(3)}))
    here.remote.refuses = RefuseWith(frozenset({bad}), named=named)
    rest(here, MANY)
    here.world.clock.pass_by(hours=49)
    rest(here, MANY)

    theirs = frozenset({email(3), phone(3)})
    assert theirs <= old
    assert here.world.identifiers == theirs | (new - here.world.version.identifiers(theirs))
    here.world.check_quiet()
    changed = MANY | {"3": replace(MANY["3"], emails=("other@example.com",))}
    rest(here, changed)
    settled(here, changed)


def test_who_is_refused_by_the_new_rules_and_leaves_is_taken_out(here: MemoryWorlds) -> None:
    """By the old digests, which is all there is of them."""
    filled(here)
    here.world.version = NEXT
    (bad,) = here.world.version.identifiers(frozenset({email(0)}))
    here.remote.refuses = RefuseWith(frozenset({bad}))
    rest(here, MANY)
    rest(here, ONE_LESS)
    settled(here, ONE_LESS)


def test_a_request_of_the_old_rules_is_sent_again_as_it_was(here: MemoryWorlds) -> None:
    """Its outcome is unknown when the rules change; it is resolved, then replaced."""
    filled(here, ONE_LESS)
    here.run(MANY, [LoseAnswer()] * ATTEMPTS)
    sent = here.world.sent[-1]
    before = len(here.world.sent)
    moved(here)

    assert here.world.sent[before] == sent
    assert len(events(here)) == 1
    settled(here, MANY)


def test_what_becomes_of_the_old_rules_requests_does_not_bring_them_back() -> None:
    """They end after the audience went over; it stays there."""
    with memory_world(later=True, guard=GUARD, batch_rows=4) as here:
        here.run(MANY)
        here.world.version = NEXT
        here.run(MANY)
        here.process(fail=[0])
        rest(here, MANY)
        generation = here.world.ledger.generation(*here.world.at)

        assert generation is not None
        assert generation.rules == "meta next NL"
        assert len(events(here)) == 1
        settled(here, MANY)


# --- who asks, and how -------------------------------------------------------


def test_a_sync_that_only_adds_keeps_the_old_digests_and_says_so(at_once: MemoryWorlds) -> None:
    at_once.world.removes = False
    old = filled(at_once)
    plan = moved(at_once)[0]
    assert (plan.counts.superseded, plan.counts.migrating) == (0, 0)
    said = (
        "The rule set changed from meta 2 NL to meta next NL: members get their new digests; the "
        "old ones stay, for this sync only adds."
    )
    assert events(at_once) == [said]
    at_once.world.clock.pass_by(hours=49)

    assert rest(at_once, MANY)[0].counts.superseded == 0
    assert at_once.world.identifiers == old | at_once.world.expected()


def test_a_plan_that_was_only_shown_moves_nothing_and_can_be_carried_out(
    at_once: MemoryWorlds,
) -> None:
    filled(at_once)
    at_once.world.version = NEXT
    at_once.fill(MANY)
    shown, _ = show(at_once.world.parts(), actor="test")
    assert shown.counts.migrating == 20
    assert events(at_once) == []

    run(at_once.world.parts(), Wish("test", plan=shown.id))
    assert len(events(at_once)) == 1
    at_once.process()
    rest(at_once, MANY)
    settled(at_once, MANY)


def test_an_approval_does_not_shorten_the_window(at_once: MemoryWorlds) -> None:
    """It lets the leavers go; what changed rules replace is none of its business."""
    filled(at_once)
    moved(at_once)
    held = rest(at_once, FEW)[-1]
    expires = at_once.world.clock.now() + timedelta(hours=72)
    at_once.world.ledger.approve(held.id, "operator", event=None, expires_at=expires)

    plans = rest(at_once, FEW)

    assert sum(plan.counts.superseded for plan in plans) == 0
    assert len(at_once.world.identifiers) == 4 * 4
    assert at_once.world.ledger.approvals(*at_once.world.at) == ()
    settled(at_once, FEW)


def test_a_member_who_is_back_after_an_approval_was_given_settles(at_once: MemoryWorlds) -> None:
    """The approved plan named the old digests as a leaver's; now they wait like the others'."""
    filled(at_once)
    moved(at_once)
    held = rest(at_once, FEW)[-1]
    expires = at_once.world.clock.now() + timedelta(hours=72)
    at_once.world.ledger.approve(held.id, "operator", event=None, expires_at=expires)
    before = len(at_once.world.sent)

    rest(at_once, MANY)

    assert removals(at_once, before) == frozenset()
    settled(at_once, MANY)


def without_plus(field: FieldRule) -> FieldRule:
    return replace(field, steps=tuple(step for step in field.steps if step != "no_plus"))


def test_plan_and_sync_show_it_on_the_command_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta's phones as an earlier syncd might have hashed them, and then as it does."""
    clock = Clock()
    earlier = replace(META, version="0", fields=tuple(map(without_plus, META.fields)))
    with monkeypatch.context() as before:
        before.setattr(syncd.app, "rule_set", lambda _: earlier)
        desk.join(*range(4))
        assert desk.syncd("sync", "everyone", clock=clock).code == 0

    said = "4 identifiers get a new digest by changed rules; the old ones leave once the new ones"
    assert said in desk.syncd("plan", "everyone", clock=clock).out
    answer = desk.syncd("plan", "everyone", "--json", clock=clock)
    counts = answer.json[0]["counts"]
    assert (answer.code, counts["migrating"], counts["superseded"]) == (0, 4, 0)
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert any(
        line.startswith(
            "rules_changed: The rule set changed from meta 0 NL to meta 2 NL: 4 identifiers"
        )
        for line in desk.audit()
    )
    assert len(desk.held()) == 4 * 3
    clock.pass_by(hours=49)
    said = "4 identifiers leave by their digest of earlier rules, whose new ones have settled"
    assert said in desk.syncd("plan", "everyone", clock=clock).out
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert len(desk.held()) == 4 * 2
    assert "digest" not in desk.syncd("plan", "everyone", clock=clock).out
