"""Whole histories through the real sync, on a platform that works at once and one that works later.

Shop, identity, membership, ledger and outbox are the product's own. After any history the
platform holds what the shop says, in both views; on the way nobody is on it whom the
membership does not know, and nothing is pushed that was not written down before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory import Fail, GoThrough, LoseAnswer, Step
from syncd.errors import Denied, EmptySegment, PlatformError, RequestRefused, Throttled, Unavailable
from syncd.retry import ATTEMPTS
from tests.integration.worlds import Death, MemoryWorlds, Person, memory_world

Befall = Literal[
    "fine", "lost", "applied", "outage", "outage applied", "throttled", "quota", "denied", "refused"
]

# One spelling each, from a form, an import or a phone's keyboard; one address, one number.
EMAILS = (
    ("anna@example.com", " Anna@Example.COM "),
    ("bob@example.com", "BOB@EXAMPLE.COM"),
    ("zoe\u0308@example.com", "zo\u00eb@example.com"),
    ("d.e.e@gmail.com", "D.E.E@gmail.com"),
)
PHONES = (
    ("0612345678", "+31 6 12345678", "0031 6 1234 5678"),
    ("06-87654321", "+31687654321"),
    ("020 624 1111", "+31 (0)20 6241111"),
)
BAD_EMAILS = ("none", "anna@", "")


@dataclass(frozen=True)
class Chapter:
    """What happens between two moments.

    Attributes:
        members: What the shop holds when the run begins.
        befalls: What befalls its pushes, one after the other.
        death: Where its process dies, if it does.
        order: How what waits on the platform is shuffled; None leaves it waiting.
        fail: Which of it fails there, by position.
        hours: That pass afterwards.
    """

    members: dict[str, Person]
    befalls: tuple[Befall, ...] = ()
    death: Death | None = None
    order: tuple[int, ...] | None = ()
    fail: tuple[int, ...] = ()
    hours: int = 1


emails = st.one_of(
    *(st.sampled_from(spellings) for spellings in EMAILS), st.sampled_from(BAD_EMAILS)
)
phones = st.one_of(*(st.sampled_from(spellings) for spellings in PHONES))
people = st.builds(
    Person,
    emails=st.lists(emails, max_size=2).map(tuple),
    phones=st.lists(phones, max_size=2).map(tuple),
    consent=st.sampled_from(["granted", "granted", "unknown", "denied"]),
)
segments = st.dictionaries(st.sampled_from("abcde"), people, max_size=4)
befalls: st.SearchStrategy[Befall] = st.sampled_from(
    (
        "fine", "fine", "lost", "applied", "outage", "outage applied",
        "throttled", "quota", "denied", "refused",
    )
)  # fmt: skip
deaths = st.one_of(
    st.none(),
    st.builds(Death, st.just("commit"), st.integers(1, 20), st.sampled_from(["before", "after"])),
    st.builds(Death, st.just("push"), st.integers(1, 4), st.sampled_from(["before", "after"])),
)
orders = st.one_of(st.none(), st.lists(st.integers(0, 5), max_size=5).map(tuple))
chapters = st.builds(
    Chapter,
    members=segments,
    befalls=st.lists(befalls, max_size=4).map(tuple),
    death=deaths,
    order=orders,
    fail=st.lists(st.integers(0, 4), max_size=1).map(tuple),
    hours=st.sampled_from([1, 1, 30, 50]),
)
# Somebody is left at the end: a segment of nobody removes nobody.
somebody = segments.map(lambda members: {**members, "z": Person((EMAILS[0][0],))})
HISTORY = {"history": st.lists(chapters, max_size=4), "members": somebody}


def script(befall: Befall) -> list[Step]:
    """What a push meets; an outage lasts longer than our patience."""
    lost = Fail(Unavailable("memory", "timeout"))
    match befall:
        case "fine":
            return [GoThrough()]
        case "lost":
            return [lost, GoThrough()]
        case "applied":
            return [LoseAnswer(), GoThrough()]
        case "outage":
            return [lost] * ATTEMPTS
        case "outage applied":
            return [LoseAnswer()] * ATTEMPTS
        case "throttled":
            return [Fail(Throttled("memory", "busy", retry_after=5.0)), GoThrough()]
        case "quota":
            return [Fail(Throttled("memory", "quota", retry_after=3600.0))]
        case "denied":
            return [Fail(Denied("memory", "token"))]
        case "refused":
            return [Fail(RequestRefused("memory", "invalid"))]
        case _:
            assert_never(befall)


def live(here: MemoryWorlds, chapter: Chapter) -> None:
    """One chapter; only what may go wrong does."""
    steps = [step for befall in chapter.befalls for step in script(befall)]
    found = here.run(chapter.members, steps, death=chapter.death)
    here.world.check()
    if isinstance(found, Exception) and not isinstance(found, PlatformError | EmptySegment):
        raise found
    if chapter.hours >= 26:
        here.process(chapter.order or ())  # no platform takes longer than a day
    elif chapter.order is not None:
        here.process(chapter.order, fail=chapter.fail)
    here.world.check()
    here.world.clock.pass_by(hours=chapter.hours)


def converges(history: list[Chapter], members: dict[str, Person], *, later: bool) -> None:
    """Live through a history; then good runs make the audience equal and rest."""
    with memory_world(later=later) as here:
        for chapter in history:
            live(here, chapter)
        here.settle_down(members)
        here.world.clock.pass_by(hours=49)
        here.settle_down(members)


@given(**HISTORY)
@settings(max_examples=25, deadline=None, derandomize=True, print_blob=True)
def test_after_any_history_a_platform_that_works_at_once_is_equal(
    history: list[Chapter], members: dict[str, Person]
) -> None:
    converges(history, members, later=False)


@given(**HISTORY)
@settings(max_examples=20, deadline=None, derandomize=True, print_blob=True)
def test_after_any_history_a_platform_that_works_later_is_equal(
    history: list[Chapter], members: dict[str, Person]
) -> None:
    converges(history, members, later=True)
