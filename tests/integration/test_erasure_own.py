"""An erasure is over by two removals of its own, whoever else took the person out."""

from __future__ import annotations

from datetime import timedelta

from connectors.memory import Fail
from syncd.errors import RequestRefused
from syncd.sync import Result
from tests.integration import erasures
from tests.integration.erasures import ask, became, carry_on, closed, erase
from tests.integration.memory_worlds import MemoryWorlds
from tests.integration.test_erasure import ANNA, ANNAS, MEMBERS, OTHERS, days, gone, here

__all__ = ["here"]


def test_a_removal_that_a_run_made_is_no_confirmation_of_an_erasure(here: MemoryWorlds) -> None:
    """The erasure's own was refused, then the run took her out: she had left the shop as well."""
    asked = ask(here.world, ANNA)
    found = here.run(OTHERS, [Fail(RequestRefused("memory", "no", of_rows=False))])
    assert isinstance(found, Result), found
    here.process()
    assert gone(here)
    first = len(here.world.sent)
    for hours in (1, 49, 49):
        days(here, OTHERS, hours)
    assert closed(here.world, asked)
    twice = [row for row in erasures.removals(here.world, first) if row & ANNAS]
    assert len(twice) >= 2, "by the erasure itself: at once, and after the settle window"
    told = became(here.world, asked)
    assert told.removed_at is not None
    assert told.confirmed_at is not None
    assert told.confirmed_at >= told.removed_at + timedelta(hours=48)


def test_whoever_is_erased_twice_leaves_twice_for_each(here: MemoryWorlds) -> None:
    """Though the first removal was accepted at the very moment of the second request."""
    erase(here.world, ANNA)
    first = len(here.world.sent)
    again = ask(here.world, ANNA)
    assert carry_on(here.world) == ()
    assert [row for row in erasures.removals(here.world, first) if row & ANNAS]
    sent = len(here.world.sent)
    assert carry_on(here.world) == ()
    assert here.world.sent[sent:] == [], "its own was accepted: it waits now"

    days(here, MEMBERS, 49)
    assert [row for row in erasures.removals(here.world, sent) if row & ANNAS]
    days(here, MEMBERS, 49)
    assert closed(here.world, again)
