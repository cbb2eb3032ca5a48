"""Whether a person was in an audience, and which runs put them there and took them out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from syncd.errors import UsageError
from syncd.identity.erased import Person as Given
from syncd.leaving import retiring
from syncd.lookup import Answer, Told, look_up, notes, sentences
from syncd.membership.layers import PAST, open_generation
from syncd.membership.store import FileMembership
from tests.integration.erasures import ask, became, carry_on, closed, desk, erase
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.test_crash_points import Deaths
from tests.integration.test_erasure import ANNA, BOB, HOME, MEMBERS, MOBILE, OTHERS
from tests.layerings import WHOLE

HISTORY = timedelta(days=90)
MOVED = "anna@example.org"


@pytest.fixture
def here() -> Iterator[MemoryWorlds]:
    with memory_world(later=False) as made:
        made.run(MEMBERS)
        yield made


def asked(here: MemoryWorlds, *emails: str, phones: tuple[str, ...] = ()) -> Answer:
    return look_up(desk(here.world), Given(emails, phones), actor="test", history=HISTORY)


def told(here: MemoryWorlds, *emails: str, phones: tuple[str, ...] = ()) -> tuple[Told, ...]:
    (place,) = asked(here, *emails, phones=phones).places
    return place.told


def later(here: MemoryWorlds, members: dict[str, Person], hours: float) -> str:
    """Time passes and a run goes; its id."""
    here.world.clock.pass_by(hours=hours)
    here.run(members)
    return str(here.world.ledger.runs(limit=1)[0].id)


def runs(one: Told) -> tuple[str | None, str | None]:
    return (one.began.run if one.began else None, one.ended.run if one.ended else None)


def remembered(here: MemoryWorlds) -> int:
    """Lines about whoever left, in whatever files the membership has."""
    (audience,) = here.world.ledger.audiences()
    generation = here.world.ledger.generation(audience.platform, audience.account, audience.id)
    assert generation is not None
    var = here.world.folder / "var"
    with open_generation(var, generation, key=KEY.derive("files")) as file:
        return file.rows(PAST)


def keeping(here: MemoryWorlds, history: timedelta) -> None:
    """A process with another setting, that writes each generation in one file."""
    var = here.world.folder / "var"
    here.world.membership = FileMembership(
        var, key=KEY.derive("files"), layering=WHOLE, history=history
    )


def test_the_run_that_added_and_the_run_that_removed_are_named(here: MemoryWorlds) -> None:
    """Also once it has settled, and the rows are gone from the membership."""
    (first,) = here.world.ledger.runs()
    (there,) = told(here, ANNA)
    assert there.trace.standing == "certain"
    assert runs(there) == (first.id, None)
    assert there.began is not None
    assert (there.began.sync, there.began.segment, there.began.actor) == ("all", "everyone", "test")

    left = later(here, OTHERS, 1)
    (leaving,) = told(here, ANNA)
    assert leaving.trace.standing == "leaving"
    assert runs(leaving) == (first.id, left)

    later(here, OTHERS, 49)
    later(here, {**OTHERS, "d": Person(("dee@example.com",))}, 1)
    (gone,) = told(here, ANNA)
    assert gone.trace.standing == "gone"
    assert runs(gone) == (first.id, left)
    assert [one.trace.standing for one in told(here, phones=(HOME,))] == ["certain"], "Bob's too"

    back = later(here, MEMBERS, 1)
    again, gone = told(here, ANNA)
    assert (again.trace.standing, gone.trace.standing) == ("certain", "gone")
    assert runs(again) == (back, None)
    assert runs(gone) == (first.id, left)


def test_who_returns_before_the_removal_has_settled_was_away(here: MemoryWorlds) -> None:
    """The row lies in the base as it did; since when is another."""
    first = here.world.ledger.runs()[0].id
    left, back = later(here, OTHERS, 1), later(here, MEMBERS, 1)
    again, gone = told(here, ANNA)
    assert runs(again) == (back, None)
    assert runs(gone) == (first, left)
    (home,) = told(here, phones=(HOME,))
    assert runs(home) == (first, None), "the phone was Bob's all the time"


def test_a_changed_email_leaves_and_the_phone_stays_since_the_first_run(
    here: MemoryWorlds,
) -> None:
    first = here.world.ledger.runs()[0].id
    moved = {**MEMBERS, "a": Person((MOVED,), (HOME, MOBILE))}
    changed = later(here, moved, 1)
    later(here, moved, 49)
    assert [runs(one) for one in told(here, ANNA)] == [(first, changed)]
    assert [runs(one) for one in told(here, MOVED)] == [(changed, None)]
    assert [runs(one) for one in told(here, phones=(MOBILE,))] == [(first, None)]


def test_it_is_written_down_who_asked_and_not_for_whom(here: MemoryWorlds) -> None:
    asked(here, ANNA, phones=(MOBILE,))
    asked(here, "nobody@example.com")
    found, nobody = here.world.ledger.events(kind="looked_up")
    assert found.actor == "test"
    assert found.detail == (
        "test looked up one person, by 1 e-mails and 1 phones: may be in 1 of 1 audiences, and "
        "was in 0 more."
    )
    assert dict(nobody.counts) == {"audiences": 1, "there": 0, "gone": 0}
    with pytest.raises(UsageError, match="cannot be used"):
        asked(here, "no address")
    assert len(here.world.ledger.events(kind="looked_up")) == 2


def test_what_is_said_of_somebody_who_was_never_there(here: MemoryWorlds) -> None:
    answer = asked(here, "nobody@example.com")
    (place,) = answer.places
    began = here.world.ledger.generation(*here.world.at)
    assert began is not None
    (said,) = sentences(place)
    assert said == f"not in it as far as is known, and not since {began.at:%Y-%m-%d %H:%M} UTC"
    assert any("nothing was found" in note for note in notes(answer))


# --- forgetting ---------------------------------------------------------------------


def test_an_erased_person_is_remembered_no_more_at_once(here: MemoryWorlds) -> None:
    """Neither what had left before nor what the erasure takes out; whoever else left is."""
    later(here, {**OTHERS, "a": Person((MOVED,), (MOBILE,))}, 1)
    later(here, {"a": Person((MOVED,), (MOBILE,)), "c": OTHERS["c"]}, 49)
    later(here, {"a": Person((MOVED,), (MOBILE,)), "c": OTHERS["c"]}, 49)
    assert [one.trace.standing for one in told(here, ANNA)] == ["gone"]

    gone = erase(here.world, MOVED)  # the old address is hers by her key alone
    assert told(here, ANNA) == ()
    assert {one.trace.standing for one in told(here, MOVED)} == {"leaving"}
    assert remembered(here) == 2, "Bob's e-mail and the phone that he left last"
    assert {one.trace.standing for one in told(here, BOB)} == {"gone"}
    for _ in range(3):
        here.world.clock.pass_by(hours=49)
        assert carry_on(here.world) == ()
    assert closed(here.world, gone)
    assert told(here, MOVED, ANNA, phones=(MOBILE,)) == ()
    assert asked(here, MOVED).erasures == (gone.id,)
    assert {one.trace.standing for one in told(here, BOB)} == {"gone"}


def test_who_had_left_long_before_is_forgotten_by_an_erasure(here: MemoryWorlds) -> None:
    later(here, OTHERS, 1)
    later(here, {**OTHERS, "d": Person(("dee@example.com",))}, 49)
    assert remembered(here) == 3
    gone = erase(here.world, ANNA)
    assert became(here.world, gone).purged_at is not None, "nothing of hers was there any more"
    assert remembered(here) == 0


@pytest.mark.slow
def test_a_death_at_any_point_of_an_erasure_leaves_nothing_remembered() -> None:
    with memory_world(later=False) as here:
        here.run(MEMBERS)
        later(here, {**OTHERS, "a": Person((MOVED,), (MOBILE,))}, 1)
        later(here, {**OTHERS, "a": Person((MOVED,), (MOBILE,))}, 49)
        assert remembered(here) > 0

        def lives_on(after: MemoryWorlds) -> None:
            if after.world.ledger.erasures.all():
                for _ in range(3):
                    assert carry_on(after.world) == ()
                    after.world.clock.pass_by(hours=49)
                assert not told(after, MOVED, ANNA, phones=(MOBILE,)), "she is remembered"
                assert not after.world.ledger.erasures.open()

        deaths = Deaths(here, lives_on)
        ask(here.world, MOVED)
        here.world.wire.passing = deaths
        assert carry_on(here.world) == ()
        assert len(deaths.seen) > 5
        assert deaths.violations == []


def test_who_left_long_ago_is_forgotten_though_nothing_changes(here: MemoryWorlds) -> None:
    """Not told of from the day on; gone from the files a week later at the most."""
    keeping(here, HISTORY)
    later(here, OTHERS, 1)
    later(here, OTHERS, 49)
    for days in (85, 5):
        assert told(here, ANNA)
        later(here, OTHERS, 24 * days)
    assert told(here, ANNA) == ()
    assert remembered(here) > 0
    later(here, OTHERS, 24 * 7)
    assert remembered(here) == 0
    generation = here.world.ledger.generation(*here.world.at)
    assert generation is not None
    assert generation.remembers is None


def test_with_no_history_nobody_is_remembered_from_the_next_run_on(here: MemoryWorlds) -> None:
    later(here, OTHERS, 1)
    assert remembered(here) > 0
    keeping(here, timedelta())
    later(here, OTHERS, 1)
    assert remembered(here) == 0
    later(here, {"c": OTHERS["c"]}, 49)
    here.world.clock.pass_by(hours=49)
    assert remembered(here) == 0
    answer = look_up(desk(here.world), Given((BOB,)), actor="test", history=timedelta())
    (said,) = sentences(answer.places[0])
    assert said == "not in it as far as is known; who was in it before is not remembered"


def test_a_retired_audience_remembers_nobody(here: MemoryWorlds) -> None:
    later(here, OTHERS, 1)
    (audience,) = here.world.ledger.audiences()
    for _ in range(3):
        parts = here.world.parts()
        found = retiring.retire(parts, audience, actor="test")
        here.world.clock.pass_by(hours=49)
    assert found.state == "retired"
    assert remembered(here) == 0
    assert told(here, ANNA) == ()
