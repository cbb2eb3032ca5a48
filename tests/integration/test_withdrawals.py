"""Consent that is denied reaches audiences which no sync fills any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.memory import Fail, GoThrough
from connectors.sandbox.state import Identifier
from syncd.errors import AudienceUnusable, Unavailable
from syncd.model import Audience, Guard
from syncd.sync import Result
from tests.integration.erasures import removals
from tests.integration.memory_worlds import ACCOUNT, MemoryWorlds, Person, memory_world
from tests.integration.test_erasure import ANNA, ANNAS, BOB, CATO, HOME, MOBILE, SHARED, sha

MEMBERS = {
    "a": Person((ANNA,), (HOME, MOBILE)),
    "b": Person((BOB,), (HOME,)),
    "c": Person((CATO,)),
}
DENIES = {**MEMBERS, "a": Person((ANNA,), (HOME, MOBILE), consent="denied")}


@pytest.fixture(params=[False, True], ids=["now", "later"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    with memory_world(later=request.param) as made:
        made.run(MEMBERS)
        made.process()
        made.run(MEMBERS)
        yield made


def leave_behind(here: MemoryWorlds) -> str:
    """Let the audience be one of a sync that is gone; the next run makes another one."""
    world, old = here.world, here.world.at[2]
    held = here.remote.audiences.get(old)
    assert held is not None
    held.name = "Old"
    world.ledger.claim(
        Audience(world.platform.name, ACCOUNT, old, "Old"), "gone",
        known_syncs=frozenset(), created=True, event=None,
    )  # fmt: skip
    return old


def left(here: MemoryWorlds, audience: str) -> frozenset[Identifier]:
    found = here.remote.audiences.get(audience)
    assert found is not None
    return found.identifiers


def run(here: MemoryWorlds, members: dict[str, Person]) -> None:
    for _ in range(2):
        found = here.run(members)
        assert isinstance(found, Result), found
        here.process()


def test_who_denies_leaves_an_orphan_too_and_twice(here: MemoryWorlds) -> None:
    """The phone of the family goes with her: no snapshot says who else holds it there."""
    old = leave_behind(here)
    run(here, MEMBERS)
    assert left(here, old) >= ANNAS

    run(here, DENIES)
    assert left(here, old) == {("email", sha(BOB)), ("email", sha(CATO))}
    here.world.check_equal()
    said = here.world.ledger.events(kind="withdrawal_carried_out")[-1]
    assert (said.audience, said.counts["removed"]) == ("Old", 2)

    here.world.clock.pass_by(hours=49)
    before = len(here.world.sent)
    run(here, DENIES)
    assert frozenset().union(*removals(here.world, before)) >= ANNAS | {SHARED}
    here.world.clock.pass_by(hours=49)
    before = len(here.world.sent)
    run(here, DENIES)
    assert here.world.sent[before:] == []
    assert here.world.ledger.verify().ok


def test_who_left_the_shop_is_confirmed_all_the_same(here: MemoryWorlds) -> None:
    old = leave_behind(here)
    run(here, DENIES)
    here.world.clock.pass_by(hours=49)
    before = len(here.world.sent)
    run(here, {key: one for key, one in MEMBERS.items() if key != "a"})
    assert frozenset().union(*removals(here.world, before)) >= ANNAS
    assert not ANNAS & left(here, old)


def test_too_many_at_once_wait(here: MemoryWorlds) -> None:
    """A consent column gone wrong looks just like that."""
    old = leave_behind(here)
    run(here, MEMBERS)
    here.world.guard = Guard(max_removed=0.3, min_members=0)
    denied = {k: Person(one.emails, one.phones, "denied") for k, one in MEMBERS.items() if k != "c"}
    here.run({**MEMBERS, **denied})
    here.process()
    assert left(here, old) >= ANNAS
    (said, *_) = here.world.ledger.events(kind="withdrawal_waits")
    assert "2 of 3 members have consent denied at once" in said.detail


def test_an_orphan_in_trouble_does_not_keep_the_sync(here: MemoryWorlds) -> None:
    old = leave_behind(here)
    run(here, MEMBERS)
    down = Fail(Unavailable("memory", "down"))
    found = here.run(DENIES, [*[down] * 6, GoThrough()])
    assert isinstance(found, Result), found
    here.process()
    assert len(here.world.ledger.events(kind="withdrawal_waits")) == 1
    assert left(here, old) >= ANNAS
    run(here, DENIES)
    run(here, DENIES)
    assert not ANNAS & left(here, old)
    here.world.check_equal()


def test_a_removal_that_an_orphan_turned_away_leaves_no_digest_behind(here: MemoryWorlds) -> None:
    old = leave_behind(here)
    run(here, MEMBERS)
    found = here.run(DENIES, [Fail(AudienceUnusable("memory", "flagged"))])
    assert isinstance(found, Result), found
    assert left(here, old) >= ANNAS
    for hours in (1, 49, 49):
        here.world.clock.pass_by(hours=hours)
        here.process()
        run(here, DENIES)
    assert not ANNAS & left(here, old)
    here.world.restart()  # which sweeps the files that nothing needs any more
    assert [one.name for one in (here.world.folder / "var").rglob("*.plan")] == []
