"""An audience that no sync fills any more is emptied for good, and nobody of it forgotten early.

On a platform that works at once and on one that works later and in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.memory import Fail, LoseAnswer, RefuseRows
from connectors.sandbox.state import Identifier
from syncd.errors import AudienceGone, AudienceUnusable, Denied, Unavailable
from syncd.leaving import erasure
from syncd.model import Guard, Operation
from tests.integration.erasures import ask, became, desk, removals
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.retirements import known, orphan, try_to, visit
from tests.integration.test_erasure import stored

HOME = "020 624 1111"
MEMBERS = {
    "a": Person(("anna@example.com",), (HOME, "06 12345678"), lives=("Anna", "Bos", "1011 AB")),
    "b": Person(("bob@example.com",), (HOME,)),
    "c": Person(("cato@example.com",)),
}
GROWN = {**MEMBERS, "d": Person(("dee@example.com",)), "e": Person(("eve@example.com",))}
At = tuple[str, str, str]


@pytest.fixture(params=[False, True], ids=["now", "later"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    # A guard that would hold all of it.
    with memory_world(later=request.param, guard=Guard()) as made:
        made.world.guard = Guard(max_removed=0.01, min_members=0)
        made.run(MEMBERS)
        made.process()
        made.run(MEMBERS)
        yield made


def held(here: MemoryWorlds, at: At) -> frozenset[Identifier]:
    """What the audience holds, in either view."""
    found = here.remote.audiences.get(at[2])
    return found.identifiers.union(*found.persons) if found else frozenset()


def kinds(here: MemoryWorlds) -> list[str]:
    """What the audit says of retiring."""
    return [event.kind for event in here.world.ledger.events() if "audience_" in event.kind]


def test_it_is_emptied_at_once_and_retired_when_that_has_settled(here: MemoryWorlds) -> None:
    at = orphan(here)
    found = visit(here.world, at)
    assert (found.state, found.exit_code, found.removed) == ("emptying", 75, 3)
    assert found.again_at == here.world.clock.now() + timedelta(hours=48)
    here.process()
    assert held(here, at) == frozenset()
    assert known(here.world, at).retiring_at == here.world.clock.now()

    here.world.clock.pass_by(hours=47)
    early = visit(here.world, at)
    assert (early.state, early.removed, early.left) == ("emptying", 0, found.left)
    assert early.again_at == found.again_at
    assert known(here.world, at).state == "active"
    here.world.clock.pass_by(hours=2)
    over = visit(here.world, at)
    assert (over.state, over.exit_code, over.left) == ("retired", 0, 0)
    assert known(here.world, at).state == "retired"
    assert stored(here) == frozenset(), "digests are left in our files"
    told = kinds(here)
    assert told[-3:] == ["audience_retiring", "audience_emptied", "audience_retired"]
    assert here.world.ledger.verify().ok


def test_every_removal_has_its_intent_and_receipt(here: MemoryWorlds) -> None:
    """`World.check_intent` refuses a push without one; here are the receipts."""
    at = orphan(here)
    visit(here.world, at)
    (run, *_) = here.world.ledger.runs("(retirement)")
    assert run.plan is not None
    batches = here.world.ledger.batches(run.plan)
    assert len(batches) == 2
    assert all(batch.accepted_at and batch.reference for batch in batches)
    assert here.world.ledger.unfolded(*at) == (), "the membership has not heard of them"


def test_an_addition_whose_answer_was_lost_is_not_sent_again_and_its_removal_confirmed(
    here: MemoryWorlds,
) -> None:
    here.run(GROWN, [LoseAnswer()] * 100)
    late = here.remote.pending
    at = orphan(here)
    before = len(here.world.sent)
    found = visit(here.world, at)
    assert {push.operation for push in here.world.sent[before:]} == {Operation.REMOVE}
    assert found.removed == 5
    here.remote.process([one for one in here.remote.pending if one not in late])
    here.remote.process(late)  # after its removal: it is there again, where that comes later

    here.world.clock.pass_by(hours=49)
    first = len(here.world.sent)
    again = visit(here.world, at)
    assert (again.state, again.removed) == ("emptying", 2)
    assert len(removals(here.world, first)) == 2
    here.process()
    assert held(here, at) == frozenset()
    here.world.clock.pass_by(hours=49)
    assert visit(here.world, at).state == "retired"


def test_rows_that_are_refused_are_tried_again(here: MemoryWorlds) -> None:
    if here.later:
        pytest.skip("the step befalls one kind of platform as the other")
    at = orphan(here)
    here.remote.script([RefuseRows((0,))])
    found = visit(here.world, at)
    assert (found.exit_code, found.refused, found.removed) == (3, 1, 2)
    assert held(here, at) != frozenset()
    assert visit(here.world, at).removed == 1
    assert held(here, at) == frozenset()
    here.world.clock.pass_by(hours=49)
    assert visit(here.world, at).state == "retired"


def test_what_is_under_way_goes_first_and_not_for_ever() -> None:
    """On a platform without an order, a removal must not overtake an addition."""
    with memory_world(later=True) as here:
        here.run(MEMBERS)
        at = orphan(here)
        before = len(here.world.sent)
        found = visit(here.world, at)
        assert (found.state, found.exit_code, found.under_way) == ("emptying", 75, 2)
        here.world.clock.pass_by(hours=73)
        assert visit(here.world, at).removed == 3
        assert len(removals(here.world, before)) == 3
        here.process((1, 0))  # the additions land, some after their removal
        for _ in range(2):
            here.world.clock.pass_by(hours=49)
            found = visit(here.world, at)
            here.process()
        assert held(here, at) == frozenset()
        assert found.state == "retired"


@pytest.mark.parametrize("ending", [Unavailable("memory", "down"), Denied("memory", "token")])
def test_a_platform_that_is_down_changes_nothing(
    here: MemoryWorlds, ending: Unavailable | Denied
) -> None:
    at = orphan(here)
    here.remote.script([Fail(ending)] * 100)
    assert isinstance(try_to(here.world, at), type(ending))
    here.remote._steps.clear()
    (run, *_) = here.world.ledger.runs("(retirement)")
    assert run.state.value == "failed"
    here.world.restart()  # a denial holds for a process
    assert visit(here.world, at).state == "emptying"
    here.process()
    assert held(here, at) == frozenset()


def test_an_audience_that_the_platform_deleted_is_retired_at_once(here: MemoryWorlds) -> None:
    at = orphan(here)
    here.remote.audiences.delete(at[2])
    found = visit(here.world, at)
    assert (found.state, found.exit_code) == ("gone", 0)
    assert known(here.world, at).state == "retired"
    assert stored(here) == frozenset()
    last = here.world.ledger.events(kind="audience_retired")[-1]
    assert "is gone" in last.detail


@pytest.mark.parametrize("unusable", [AudienceUnusable, AudienceGone])
def test_an_audience_that_only_seems_gone_is_not_taken_for_it(
    here: MemoryWorlds, unusable: type[AudienceUnusable]
) -> None:
    """Flagged; or the account says so once, and knows it when it is asked again."""
    at = orphan(here)
    here.remote.script([Fail(unusable("memory", "odd"))])
    assert isinstance(try_to(here.world, at), unusable)
    assert known(here.world, at).state == "active"
    assert visit(here.world, at).removed == 3


def test_an_erasure_has_nothing_left_to_do_in_it(here: MemoryWorlds) -> None:
    """Also when its account is not configured any more."""
    at = orphan(here)
    visit(here.world, at)
    here.process()
    here.world.clock.pass_by(hours=49)
    assert visit(here.world, at).state == "retired"
    asked = ask(here.world, "anna@example.com")
    erasure.carry_on(replace(desk(here.world), accounts=(), parts_of=lambda _: None), actor="test")
    told = became(here.world, asked, at[2])
    assert (told.purged_at, told.trouble) == (here.world.clock.now(), "")


def test_a_sync_that_takes_it_up_again_ends_that(here: MemoryWorlds) -> None:
    """The audience of its name is found again, and filled; nothing of it was lost."""
    world, at = here.world, here.world.at
    visit(world, at)
    here.process()
    here.run(MEMBERS)
    here.process()
    claimed = known(world, at)
    assert (claimed.sync, claimed.retiring_at, claimed.state) == ("all", None, "active")
    here.settle_down(MEMBERS)
