"""A request refused whole costs only the rows that are wrong, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory import Fail, GoThrough, LoseAnswer, RefuseRows, RefuseWith
from connectors.sandbox.state import Identifier
from syncd.errors import RequestRefused, Unavailable
from syncd.model import BatchState, Phase, RunState
from syncd.retry import ATTEMPTS
from syncd.runs.refusals import EXTRA
from syncd.sync import Result
from tests.integration.deaths import Death
from tests.integration.memory_worlds import MemoryWorlds, Person, memory_world
from tests.integration.test_crash_points import Deaths


def people(count: int, *, shared: bool = False) -> dict[str, Person]:
    """Members by a key that sorts; with `shared`, two and two have one phone."""
    return {
        f"{n:04}": Person((f"member{n}@example.com",), (f"06{20_000_000 + n // 2}",) * shared)
        for n in range(count)
    }


def email(number: int) -> Identifier:
    return "email", hashlib.sha256(f"member{number}@example.com".encode()).hexdigest()


def refuse(here: MemoryWorlds, bad: Collection[int], *, named: bool = False) -> None:
    here.remote.refuses = RefuseWith(frozenset(map(email, bad)), named=named)


def finished(found: object) -> Result:
    assert isinstance(found, Result), found
    return found


def good(here: MemoryWorlds, bad: Collection[int]) -> frozenset[Identifier]:
    """What the platform should hold: all but the bad addresses, and whom only they have."""
    members = {email(n) for n in bad}
    return here.world.expected() - members


def held(here: MemoryWorlds) -> int:
    found = here.world.ledger.generation(*here.world.at)
    return found.sizes.refused if found else 0


def limit(rows: int, batch: int, bad: int) -> int:
    """Requests at most: a batch each, and a search."""
    each = math.ceil(math.log2(max(batch, 2))) + 3
    return math.ceil(rows / batch) + bad * each + 1


@given(
    count=st.integers(1, 20),
    batch=st.integers(1, 8),
    bad=st.sets(st.integers(0, 19), max_size=6),
    named=st.booleans(),
    later=st.booleans(),
    shared=st.booleans(),
)
@settings(max_examples=25, deadline=None, derandomize=True, print_blob=True)
def test_exactly_the_bad_rows_are_refused(
    count: int,
    batch: int,
    bad: set[int],
    named: bool,  # noqa: FBT001
    later: bool,  # noqa: FBT001
    shared: bool,  # noqa: FBT001
) -> None:
    """The others are on the platform, in few requests; a second run sends nothing."""
    wrong = {n for n in bad if n < count}
    members = people(count, shared=shared)
    with memory_world(later=later, batch_rows=batch) as here:
        refuse(here, wrong, named=named)
        result = finished(here.run(members))
        assert here.remote.pushes <= limit(count, batch, len(wrong))
        assert (result.refused, result.exit_code) == (len(wrong), 3 if wrong else 0)
        assert result.pushed[Phase.ADD] == count - len(wrong)
        here.process()
        here.world.check()
        if not shared:
            assert here.world.identifiers == good(here, wrong)
        before = here.remote.pushes
        assert finished(here.run(members)).refused == 0
        assert here.remote.pushes == before
        assert held(here) == len(wrong)


def test_a_row_alone_in_its_batch_is_held_with_code_and_count() -> None:
    """Until its value changes; then it goes out, and nothing of the old one is removed."""
    with memory_world(later=False) as here:
        refuse(here, {0})
        result = finished(here.run(people(1)))
        (batch,) = here.world.ledger.batches(result.plan.id)
        assert batch.state is BatchState.REFUSED
        assert [(each.row, each.reason, each.count) for each in batch.refused] == [
            (0, "bad_row", 1)
        ]
        assert (result.run.state, result.exit_code) == (RunState.PARTIAL, 3)
        here.world.check_quiet()
        changed = {"0000": Person(("other@example.com",))}
        again = finished(here.run(changed))
        assert (again.pushed[Phase.ADD], again.exit_code) == (1, 0)
        here.settle_down(changed)
        assert held(here) == 0


def test_who_shares_an_identifier_with_a_bad_row_is_not_held_with_it() -> None:
    """A phone is not refused because it stood beside an address that was."""
    phone = ("020 624 1111",)
    with memory_world(later=False) as here:
        refuse(here, {0})
        first = {"a": Person(("member0@example.com",), phone)}
        finished(here.run(first))
        both = first | {"b": Person((), phone)}
        assert finished(here.run(both)).pushed[Phase.ADD] == 1
        assert {kind for kind, _ in here.world.identifiers} == {"phone"}
        here.world.check_quiet()


def test_a_refused_row_whose_member_leaves_is_forgotten() -> None:
    """Its removal is asked for once, and refused like its addition."""
    with memory_world(later=False) as here:
        refuse(here, {0})
        members = people(4)
        finished(here.run(members))
        rest = {key: who for key, who in members.items() if key != "0000"}
        leaving = finished(here.run(rest))
        assert leaving.refused == 1
        here.settle_down(rest)
        assert held(here) == 0


@pytest.mark.parametrize("named", [False, True])
def test_a_removal_that_is_refused_stays_owed_and_is_asked_for_once_a_run(*, named: bool) -> None:
    """Who may be on the platform is not forgotten; the others of its batch go."""
    with memory_world(later=False, batch_rows=10) as here:
        members = people(10)
        finished(here.run(members))
        rest = {key: members[key] for key in ("0008", "0009")}
        refuse(here, {3}, named=named)
        for _ in range(2):
            result = finished(here.run(rest))
            assert (result.refused, result.exit_code) == (1, 3)
            assert here.world.identifiers == {email(3), email(8), email(9)}
            here.world.check()
        before = here.remote.pushes
        finished(here.run(rest))
        assert here.remote.pushes == before + 1, "alone in its batch by now"
        here.remote.refuses = None
        finished(here.run(rest))
        here.settle_down(rest)


def test_parts_of_a_removal_are_taken_in_before_the_additions_that_followed_them() -> None:
    """Member 1 stays, and is sent again after 0 was taken out, with whom it shares a phone."""
    with memory_world(later=False) as here:
        members = people(4, shared=True) | {"0009": Person(("member9@example.com",))}
        finished(here.run(members))
        rest = {key: members[key] for key in ("0001", "0002", "0003")}
        refuse(here, {9})
        first = finished(here.run(rest))
        assert (first.pushed[Phase.REMOVE], first.pushed[Phase.AGAIN], first.refused) == (1, 1, 1)
        numbers = {b.phase: b.number for b in here.world.ledger.batches(first.plan.id)}
        assert numbers[Phase.REMOVE] > numbers[Phase.AGAIN]
        second = finished(here.run(rest))
        assert sum(second.pushed.values()) == 0


def test_a_platform_that_refuses_everything_is_not_asked_for_each_row() -> None:
    """Nobody is blamed; the next run tries again, and all go out."""
    members = people(200)
    with memory_world(later=False, batch_rows=100) as here:
        refuse(here, range(200))
        result = finished(here.run(members))
        assert (result.refused, result.exit_code) == (200, 3)
        assert here.remote.pushes <= 2 + EXTRA
        assert held(here) == 0
        here.remote.refuses = None
        finished(here.run(members))
        here.settle_down(members)


def test_a_search_ends_where_it_costs_too_much_and_the_next_run_goes_on() -> None:
    """What was found is held; the rest is refused whole, and says so."""
    members, bad = people(256), set(range(0, 256, 25))
    with memory_world(later=False, batch_rows=256) as here:
        refuse(here, bad)
        first = finished(here.run(members))
        assert here.remote.pushes == 1 + EXTRA
        assert 0 < held(here) < len(bad)
        assert first.refused > len(bad)
        said = here.world.ledger.events(kind="run_finished")[-1].detail
        assert f"The next run tries {first.refused - held(here)} of them again" in said
        for _ in range(2):
            finished(here.run(members))
        assert here.world.identifiers == good(here, bad)
        here.world.check_quiet()


def test_a_refusal_of_the_request_as_such_is_not_searched() -> None:
    """No row is at fault: one request, and the next run tries again."""
    members = people(6)
    no = Fail(RequestRefused("memory", "schema", of_rows=False))
    with memory_world(later=False, batch_rows=10) as here:
        result = finished(here.run(members, [no]))
        assert (here.remote.pushes, result.refused, result.exit_code) == (1, 6, 3)
        finished(here.run(members))
        here.settle_down(members)


def test_a_batch_in_doubt_that_is_refused_is_planned_anew_and_then_searched() -> None:
    """Its first attempt may have been applied: its rows stay possible meanwhile."""
    members = people(6)
    with memory_world(later=False, batch_rows=10) as here:
        refuse(here, {2})
        lost = Fail(Unavailable("memory", "timeout"))
        result = finished(here.run(members, [lost]))
        assert result.refused == 6
        here.world.check()
        assert finished(here.run(members)).refused == 1
        assert here.world.identifiers == good(here, {2})
        here.world.check_quiet()


def test_a_part_whose_answer_is_lost_is_sent_again_with_the_same_rows() -> None:
    """Without those that were left out of it: the platform named them."""
    members = people(6)
    with memory_world(later=False, batch_rows=10) as here:
        refuse(here, {1, 4}, named=True)
        named = Fail(RequestRefused("memory", "bad_row", rows=(1, 4)))
        found = here.run(members, [named, *[LoseAnswer()] * ATTEMPTS])
        assert isinstance(found, Unavailable)
        here.world.check()
        finished(here.run(members))
        assert here.world.identifiers == good(here, {1, 4})
        here.world.check_quiet()


def test_rows_refused_of_a_part_are_those_of_the_plan() -> None:
    """The platform counts in what it was sent; a row was left out before it."""
    with memory_world(later=False, batch_rows=4) as here:
        refuse(here, {1}, named=True)
        result = finished(here.run(people(4), [GoThrough(), RefuseRows((1,))]))
        last = here.world.ledger.batches(result.plan.id)[-1]
        assert {(each.row, each.reason) for each in last.refused} == {
            (1, "bad_row"),
            (2, "scripted"),
        }
        assert here.world.identifiers == {email(0), email(3)}
        here.world.check_quiet()


# --- a process that dies in between ---------------------------------------------

FOUR: Mapping[str, Person] = people(4)
BAD = {1}


def lives_on(after: MemoryWorlds) -> None:
    """The next process dies soon too; the one after it has all but the bad row, and rests."""
    after.world.check()
    after.run(FOUR, death=Death("commit", 2, "after"))
    after.world.check()
    for _ in range(2):
        after.process()
        finished(after.run(FOUR))
    after.process()
    assert after.world.identifiers == good(after, BAD)
    after.world.check_quiet()
    assert held(after) == len(BAD)


@pytest.mark.parametrize("later", [False, True], ids=["now", "later"])
@pytest.mark.parametrize("named", [False, True], ids=["searched", "named"])
def test_a_death_while_bad_rows_are_searched_loses_nothing(
    told: Callable[[str], None], *, named: bool, later: bool
) -> None:
    """Around every commit and every push: the good rows arrive, the bad one is held."""
    with memory_world(later=later, batch_rows=4) as here:
        refuse(here, BAD, named=named)
        deaths = Deaths(here, lives_on=lives_on)
        here.world.wire.passing = deaths
        here.run(FOUR)
    told(f"points tried: {sum(deaths.points.values())}, violations: {len(deaths.violations)}")
    assert deaths.points["push"] >= (3 if named else 7)
    assert deaths.violations == []
