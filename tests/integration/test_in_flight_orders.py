"""Whatever the order in which requests are answered, the ledger comes out as one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.memory import RefuseRows, RefuseWith, row_identifiers
from connectors.sandbox.state import Identifier
from syncd.errors import Denied, Throttled, Unavailable
from syncd.model import Advice, Batch, Receipt
from syncd.runs import outbox
from syncd.sync import Result
from tests.integration.flights import IN_FLIGHT, Course, chosen, flying, number_of, plainly
from tests.integration.memory_worlds import MemoryWorlds, Person

# Eleven batches of two; every sixth member shares a phone with the one before.
MEMBERS = {
    f"{n:04}": Person((f"m{n}@example.com",), (f"020 62{n - n % 6 // 5:05}",)) for n in range(22)
}
# Then some leave, some are new, and some have moved.
THEN = {
    f"{n:04}": Person((f"m{n}@example.{'org' if n % 5 == 1 else 'com'}",), (f"020 62{n:05}",))
    for n in range(30)
    if n % 4
}
TROUBLES = ("lost", "reset", "busy", "row")
Troubles = Mapping[int, Sequence[str]]


def address(number: int) -> Identifier:
    return "email", hashlib.sha256(f"m{number}@example.com".encode()).hexdigest()


@dataclass
class Befalling:
    """What befalls each batch, whenever its turn is: trouble, a request at a time."""

    left: dict[int, list[str]]
    here: MemoryWorlds | None = None

    def __call__(self, batch: Batch, push: Callable[[], Receipt]) -> Receipt:
        assert self.here is not None
        waiting = self.left.get(number_of(batch), [])
        trouble = waiting.pop(0) if waiting else ""
        if trouble == "denied":
            raise Denied("memory", "190")
        if trouble == "reset":
            raise Unavailable("memory", "reset")
        if trouble == "busy":
            raise Throttled("memory", "17", retry_after=5.0)
        if trouble == "row":
            self.here.remote.script([RefuseRows((0,))])
        receipt = push()
        if trouble == "lost":
            raise Unavailable("memory", "answer_lost")
        return receipt


@dataclass(frozen=True)
class Settled:
    """What a world has come to."""

    batches: list[tuple[object, ...]]
    identifiers: frozenset[Identifier]
    persons: frozenset[frozenset[Identifier]]
    sizes: list[object]


def settled(here: MemoryWorlds) -> Settled:
    ledger, found = here.world.ledger, []
    for run in ledger.runs():
        for one in ledger.batches(run.plan or ""):
            refused = sorted((r.row, r.reason, r.count) for r in one.refused)
            place = (one.plan, one.phase.value, one.first_row, one.rows)
            found.append((*place, one.state.value, refused, one.doubtful, one.attempts))
    generation = ledger.generation(*here.world.at)
    return Settled(
        sorted(found, key=repr),
        here.world.identifiers,
        here.world.audience_persons(),
        [generation and generation.sizes],
    )


def lived(
    troubles: Troubles, bad: frozenset[Identifier], *, named: bool, in_flight: int, course: Course
) -> Settled:
    """Two runs, the second with removals and additions; each must come to its end."""
    befalling = Befalling({})
    with (
        flying(befalling, in_flight=in_flight) as here,
        patch.object(outbox, "Flight", chosen(course)),
    ):
        befalling.here = here
        here.remote.refuses = RefuseWith(bad, named=named) if bad else None
        for members in (MEMBERS, THEN):
            befalling.left = {one: list(what) for one, what in troubles.items()}
            found = here.run(members)
            assert isinstance(found, Result), found
            here.world.check()
        assert here.world.ledger.unfinished(*here.world.at) == ()
        assert here.world.ledger.verify().ok
        return settled(here)


troubles_drawn = st.dictionaries(
    st.integers(1, 16), st.lists(st.sampled_from(TROUBLES), min_size=1, max_size=2), max_size=4
)
courses = st.builds(
    Course,
    st.lists(st.integers(0, IN_FLIGHT - 1), max_size=40),
    st.lists(st.booleans(), max_size=40),
)
CALM = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@CALM
@given(
    troubles=troubles_drawn,
    bad=st.sets(st.integers(0, 21), max_size=2),
    named=st.booleans(),
    course=courses,
)
def test_any_order_of_answers_settles_as_one_by_one(
    troubles: Troubles, bad: set[int], course: Course, *, named: bool
) -> None:
    """States, refused rows, attempts, the platform in both views, and what the audience holds."""
    refused = frozenset(map(address, bad))
    one_by_one = lived(troubles, refused, named=named, in_flight=1, course=Course([], []))
    beside = lived(troubles, refused, named=named, in_flight=IN_FLIGHT, course=course)

    assert beside == one_by_one
    if not troubles:
        assert course.most > 1


@CALM
@given(
    fatal=st.integers(1, 11),
    troubles=troubles_drawn,
    course=courses,
)
def test_after_a_fatal_answer_nothing_is_begun_and_all_that_was_is_known(
    fatal: int, troubles: Troubles, course: Course
) -> None:
    """The next run sends what is missing, and nothing that was taken."""
    befalling = Befalling({one: list(what) for one, what in troubles.items()} | {fatal: ["denied"]})
    taken: set[int] = set()

    def befall(batch: Batch, push: Callable[[], Receipt]) -> Receipt:
        receipt = befalling(batch, push)
        taken.add(number_of(batch))
        return receipt

    with flying(befall) as here, patch.object(outbox, "Flight", chosen(course)):
        befalling.here = here
        found = here.run(MEMBERS)
        assert isinstance(found, Denied), found
        (run, *_) = here.world.ledger.runs()
        assert run.plan is not None
        batches = here.world.ledger.batches(run.plan)
        assert "begun" not in course.events[course.events.index("Denied") :]
        assert {one.number for one in batches if one.state.value == "processed"} == taken
        assert all(one.state.value in {"planned", "processed", "unknown"} for one in batches)
        here.world.check()
        befalling.left = {}
        here.world.clock.pass_by(hours=2)
        here.settle_down(MEMBERS)


@CALM
@given(course=courses)
def test_nothing_opposite_and_nothing_shared_is_under_way_at_once(course: Course) -> None:
    """Removals are all answered before an addition is begun; a family's rows follow each other."""
    families = {
        f"{n:04}": Person((f"m{n}@example.com",), (f"020 62{n // 3:05}",)) for n in range(18)
    }
    moved = {key: replace(one, emails=(f"new{key}@example.com",)) for key, one in families.items()}
    with flying(plainly) as here, patch.object(outbox, "Flight", chosen(course)):
        for members in (families, moved):
            here.run(members)
            here.world.check_equal()
    assert course.most > 1
    for *others, begun in course.together:
        ids = frozenset().union(*row_identifiers(begun.rows))
        for other in others:
            assert other.batch.phase.operation is begun.batch.phase.operation
            assert not ids & frozenset().union(*row_identifiers(other.rows))


def test_the_course_of_a_test_has_requests_beside_each_other() -> None:
    course = Course([3, 2, 1], [True, False])
    lived({}, frozenset(), named=False, in_flight=IN_FLIGHT, course=course)
    assert course.most == IN_FLIGHT


def test_an_advised_pause_makes_it_one_at_a_time_until_an_answer_after_it_advises_none() -> None:
    """An answer that was on its way before says nothing of that, though it comes in last."""
    slow = Advice(15.0, "ad account usage 80 %")
    course = Course([3, 2, 1, 0], [])
    advised = {4: slow, 3: slow, 2: slow, 5: slow}
    with flying(plainly, advised=advised) as here, patch.object(outbox, "Flight", chosen(course)):
        here.run(MEMBERS)
        here.world.check_equal()
        assert here.world.clock.slept == [15.0, 15.0]
    at_once = [len(each) for each in course.together]
    assert at_once == [1, 2, 3, 4, 1, 1, 1, 2, 3, 4, 4]
