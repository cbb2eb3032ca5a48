"""An audience is replaced as a whole: others are out, and nobody who is wanted is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.memory import Fail, GoThrough, LoseAnswer, RefuseWith
from connectors.sandbox.state import Identifier
from syncd.errors import (
    Busy,
    Held,
    PlanRefused,
    RemovalsHeld,
    Unavailable,
    Unreplaced,
    UsageError,
)
from syncd.ledger.audiences import KnownAudience
from syncd.model import Audience, Guard, RunState
from syncd.sync import Result, Wish, run, show
from tests.integration.deaths import Death
from tests.integration.erasures import ask, carry_on
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.replacements import (
    FOREIGN,
    MEMBERS,
    filled,
    let_others_in,
    reconcile,
    told,
    works,
)

DOWN = Fail(Unavailable("memory", "down"))
LONG = [DOWN] * 100


def known(here: MemoryWorlds) -> KnownAudience:
    found = here.world.ledger.audience_of("all")
    assert found is not None
    return found


@pytest.fixture(params=[False, True], ids=["session", "cutoff"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    """Our members are in, and so are another tool's."""
    with memory_world(later=request.param) as made:
        yield filled(made)


@pytest.fixture
def session() -> Iterator[MemoryWorlds]:
    with memory_world(later=False) as made:
        yield filled(made)


def test_others_are_out_and_ours_are_in(here: MemoryWorlds) -> None:
    """In both views; and the ledger is at rest afterwards."""
    assert here.world.identifiers >= FOREIGN
    found = reconcile(here, MEMBERS)

    assert isinstance(found, Result), found
    here.world.check_equal()
    here.world.foreign = frozenset()
    here.world.check()
    here.world.check_quiet()
    assert told(here) == ["audience_replace_begun", "audience_replaced"]
    assert (known(here).replace_begun_at, known(here).replace_sent_at) == (None, None)


def test_a_foreign_audience_is_taken_over_and_then_holds_nobody_else() -> None:
    for later in (False, True):
        with memory_world(later=later) as here:
            works(here)
            here.remote.audiences.create(here.world.account.name, "Everyone")
            let_others_in(here)
            found = reconcile(here, MEMBERS)

            assert isinstance(found, Result), found
            here.world.check_equal()
            assert not known(here).adopted
            kinds = [event.kind for event in here.world.ledger.events(limit=1000)]
            assert kinds.index("audience_adopted") < kinds.index("audience_replace_begun")
            (event,) = here.world.ledger.events(kind="audience_replaced")
            assert event.counts["members"] == len(MEMBERS)
            assert (event.actor, event.audience) == ("test", "Everyone")
            assert "nobody else" in event.detail


def test_who_left_and_who_came_is_seen_to_first(here: MemoryWorlds) -> None:
    """An ordinary run, with its removals, goes before."""
    after = {key: MEMBERS[key] for key in "acdf"} | {"g": Person(("gus@example.com",))}
    found = reconcile(here, after)
    assert isinstance(found, Result), found
    assert found.run.state is RunState.DONE, "whom a session drops needs no removal"
    here.world.check_equal()
    here.world.clock.pass_by(hours=49)
    here.settle_down(after)


def test_nothing_is_replaced_while_removals_are_held(here: MemoryWorlds) -> None:
    here.world.guard = Guard(max_removed=0.1, min_members=0)
    found = reconcile(here, {key: MEMBERS[key] for key in "abc"})
    assert isinstance(found, RemovalsHeld), found
    assert found.exit_code == 4
    assert told(here) == []
    assert here.world.identifiers >= FOREIGN


def test_removals_that_come_up_between_the_two_runs_are_held_too(
    here: MemoryWorlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment lost its members after the first run was done."""
    parts, runs = here.world.parts, []

    def counted() -> object:
        runs.append(1)
        if len(runs) == 2:
            here.fill({key: MEMBERS[key] for key in "ab"})
            here.world.guard = Guard(max_removed=0.1, min_members=0)
        return parts()

    monkeypatch.setattr(here.world, "parts", counted)
    found = reconcile(here, MEMBERS)
    assert isinstance(found, Held), found
    assert "nothing was replaced" in str(found)
    assert "syncd approve" in str(found)
    assert told(here) == []


def test_a_sync_that_only_adds_replaces_nothing(here: MemoryWorlds) -> None:
    here.world.removes = False
    assert isinstance(reconcile(here, MEMBERS), UsageError)
    assert here.world.identifiers >= FOREIGN


# --- by a session ------------------------------------------------------------


@pytest.mark.parametrize("step", [DOWN, LoseAnswer()], ids=["never came", "answer lost"])
def test_a_first_batch_without_an_answer_is_not_sent_again(
    session: MemoryWorlds, step: Fail | LoseAnswer
) -> None:
    """Not in this session; and everyone is in once the platform has given it up."""
    before = session.remote.pushes
    found = reconcile(session, MEMBERS, [step])
    assert isinstance(found, Unavailable), found
    assert session.remote.pushes == before + 1
    assert known(session).replace_begun_at is not None
    session.world.check()
    for hours in (0, 2, 0):
        session.world.clock.pass_by(hours=hours)
        then = session.run(MEMBERS)
    assert isinstance(then, Result), then
    session.world.check_nobody_missed()
    session.world.check_quiet()
    assert known(session).replace_begun_at is None
    assert told(session)[-2:] == ["audience_replace_unfinished", "audience_replace_ended"]


def test_a_first_batch_that_lands_late_is_made_good(session: MemoryWorlds) -> None:
    """It drops everyone after the next run has sent everyone: so a later one does it again."""
    assert isinstance(reconcile(session, MEMBERS, [DOWN]), Unavailable)
    session.run(MEMBERS)
    audience = session.world.audience()
    assert audience is not None
    session.world.check_nobody_missed()
    audience.replace("late", session.world.clock.now())  # the request, minutes old

    session.world.clock.pass_by(hours=2)
    session.run(MEMBERS)
    session.world.check_nobody_missed()
    session.world.check_quiet()


def test_no_other_replacement_begins_while_the_first_one_could_land(
    session: MemoryWorlds,
) -> None:
    """It would drop whom the other one loaded, and nobody would know."""
    assert isinstance(reconcile(session, MEMBERS, [DOWN]), Unavailable)
    found = reconcile(session, MEMBERS)
    assert isinstance(found, Busy), found
    assert "could still land until 14:40" in str(found)
    session.world.check_nobody_missed()
    session.world.clock.pass_by(hours=2)
    assert isinstance(reconcile(session, MEMBERS), Result)
    session.world.check_equal()


def test_a_sync_that_takes_over_an_audience_takes_over_what_is_unfinished(
    session: MemoryWorlds,
) -> None:
    """Another sync, which is gone, had begun to replace it."""
    assert isinstance(reconcile(session, MEMBERS, [LoseAnswer()]), Unavailable)
    found = known(session)
    there = Audience(found.platform, found.account, found.id, found.name)
    session.world.ledger.claim(there, "gone", known_syncs=frozenset({"gone"}), event=None)
    session.world.clock.pass_by(hours=2)
    session.run(MEMBERS)
    assert session.world.expected() <= session.world.identifiers
    assert known(session).replace_begun_at is None


def test_a_later_batch_without_an_answer_is_sent_again(session: MemoryWorlds) -> None:
    found = reconcile(session, MEMBERS, [GoThrough(), LoseAnswer(), DOWN])
    assert isinstance(found, Result), found
    session.world.check_equal()


def test_a_run_says_that_a_replacement_is_under_way_and_changes_nothing(
    session: MemoryWorlds,
) -> None:
    session.remote.lingers = True
    found = reconcile(session, MEMBERS, [GoThrough(), *LONG])
    assert isinstance(found, Unavailable), found
    before = session.remote.pushes
    for _ in range(2):
        then = session.run(MEMBERS)
        assert isinstance(then, Busy), then
        assert then.exit_code == 75
        assert "2026-11-22" in str(then)
        assert "90 minutes" in str(then)
    assert session.remote.pushes == before
    session.world.clock.pass_by(minutes=91)
    assert isinstance(session.run(MEMBERS), Result)
    session.world.check_nobody_missed()


def test_a_death_after_everything_was_sent_is_ended_by_the_next_run(
    session: MemoryWorlds,
) -> None:
    """Which needs to send nobody, where the platform says that it is done."""
    session.remote.lingers = True
    died: list[Death] = []

    def die_sleeping() -> None:
        if known(session).replace_sent_at is not None and not died:
            died.append(Death("push", 0, "after"))
            raise KeyboardInterrupt

    vars(session.world.clock)["work"] = die_sleeping
    with pytest.raises(KeyboardInterrupt):
        reconcile(session, MEMBERS)
    session.world.restart()
    assert isinstance(session.run(MEMBERS), Busy)
    audience = session.world.audience()
    assert audience is not None
    session.remote.end_replacement(audience)
    before = len(session.world.sent)
    assert isinstance(session.run(MEMBERS), Result)
    assert session.world.sent[before:] == []
    session.world.check_equal()
    assert told(session) == ["audience_replace_begun", "audience_replaced"]


def test_a_replacement_that_the_platform_fails_is_made_good(session: MemoryWorlds) -> None:
    session.remote.lingers = True
    audience = session.world.audience()
    assert audience is not None

    def fail() -> None:
        audience.clear()
        session.remote.end_replacement(audience, failed=True)

    vars(session.world.clock)["work"] = fail
    found = reconcile(session, MEMBERS)
    assert isinstance(found, Unreplaced), found
    assert found.exit_code == 1
    session.run(MEMBERS)
    session.world.check_nobody_missed()
    session.world.clock.pass_by(hours=2)
    session.run(MEMBERS)
    session.world.check_quiet()
    assert known(session).replace_begun_at is None


@pytest.mark.parametrize(("key", "rows"), [("b", 2), ("f", 2), ("e", 6)])
def test_rows_that_are_refused_keep_nobody_else_out(key: str, rows: int) -> None:
    """Also in the last batch, whose parts cannot follow one that was called the last."""
    with memory_world(later=False, batch_rows=rows) as here:
        filled(here)
        bad = memory_ids(here, MEMBERS[key])
        here.remote.refuses = RefuseWith(bad)
        found = reconcile(here, MEMBERS)
        assert here.world.expected() - here.world.identifiers == bad
        assert isinstance(found, Result if key == "b" else Unreplaced), "the last one ends it"
        here.remote.refuses = None
        for _ in range(2):
            here.world.clock.pass_by(hours=2)
            here.run(MEMBERS)
        assert known(here).replace_begun_at is None
        assert here.world.expected() - here.world.identifiers <= bad


def memory_ids(here: MemoryWorlds, person: Person) -> frozenset[Identifier]:
    """The identifiers of one member."""
    here.fill({"x": person})
    return here.world.expected()


def test_an_erasure_waits_for_a_replacement_and_is_not_lost(session: MemoryWorlds) -> None:
    session.remote.lingers = True
    assert isinstance(reconcile(session, MEMBERS, [GoThrough(), *LONG]), Unavailable)
    erased = memory_ids(session, Person(("anna@example.com",)))
    asked = ask(session.world, "anna@example.com")
    (failed,) = carry_on(session.world)
    assert isinstance(failed, Busy), failed
    for hours in (2, 49, 49):
        session.world.clock.pass_by(hours=hours)
        session.run(MEMBERS)
        assert carry_on(session.world) == ()
        assert not erased & session.world.identifiers
    (one,) = session.world.ledger.erasures.all()
    assert (one.id, one.closed_at is None) == (asked.id, False)


def test_a_plan_that_was_shown_is_not_carried_out_after_an_unfinished_one(
    session: MemoryWorlds,
) -> None:
    assert isinstance(reconcile(session, MEMBERS, [DOWN]), Unavailable)
    plan, _ = show(session.world.parts(), actor="test")
    assert plan.counts.additions + plan.counts.again == len(MEMBERS), "everyone, as it must be"
    with pytest.raises(PlanRefused, match="replacement that did not end"):
        run(session.world.parts(), Wish("test", plan=plan.id))
