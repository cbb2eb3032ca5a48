"""Whoever was erased leaves every audience, twice, and never comes back.

On a platform that works at once and on one that works later and in any order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.memory import Fail, LoseAnswer
from connectors.sandbox.state import Identifier
from syncd.errors import AudienceGone, AudienceUnusable, RequestRefused, Unavailable
from syncd.membership.blocks import BlockReader
from syncd.model import Audience, Guard, Operation
from syncd.sync import Result
from tests.integration import erasures
from tests.integration.erasures import ask, became, carry_on, closed, erase
from tests.integration.ledger_databases import KEY
from tests.integration.memory_worlds import ACCOUNT, MemoryWorlds, Person, memory_world

ANNA, BOB, CATO = "anna@example.com", "bob@example.com", "cato@example.com"
HOME, MOBILE = "020 624 1111", "06 12345678"
MEMBERS = {
    "a": Person((" Anna@Example.com ",), (HOME, MOBILE), lives=("Anna", "Bos", "1011 AB")),
    "b": Person((BOB,), (HOME,)),
    "c": Person((CATO,)),
}
OTHERS = {key: one for key, one in MEMBERS.items() if key != "a"}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


ANNAS: frozenset[Identifier] = frozenset({("email", sha(ANNA)), ("phone", sha("31612345678"))})
SHARED: Identifier = ("phone", sha("31206241111"))


@pytest.fixture(params=[False, True], ids=["now", "later"])
def here(request: pytest.FixtureRequest) -> Iterator[MemoryWorlds]:
    with memory_world(later=request.param) as made:
        made.run(MEMBERS)
        made.process()
        made.run(MEMBERS)
        assert made.world.identifiers > ANNAS
        yield made


def gone(here: MemoryWorlds) -> bool:
    """Nothing of Anna's own is there, in either view; what Bob shares is."""
    held = here.world.identifiers | here.world.persons
    return not ANNAS & held and not any(kind == "address" for kind, _ in held)


def days(here: MemoryWorlds, members: dict[str, Person], hours: float) -> None:
    """Time passes, the platform works, and runs go on as ever."""
    here.world.clock.pass_by(hours=hours)
    for _ in range(2):
        here.process()
        found = here.run(members)
        assert isinstance(found, Result), found
    here.process()
    assert carry_on(here.world) == ()


def test_an_erased_person_leaves_at_once_and_stays_out(here: MemoryWorlds) -> None:
    """Also when every member is read again, weeks later, and the shop still has the row."""
    before = len(here.world.sent)
    asked = erase(here.world, ANNA)
    here.process()

    assert gone(here)
    assert became(here.world, asked).removed_at == here.world.clock.now()
    for hours in (1, 49, 49, 24 * 30):
        days(here, MEMBERS, hours)
        assert gone(here)
        here.world.check()
    assert not ANNAS & erasures.additions(here.world, before)
    assert here.world.identifiers == {
        ("email", sha(BOB)), ("email", sha(CATO)), SHARED
    }  # fmt: skip


def test_whoever_the_platform_took_along_is_sent_again(here: MemoryWorlds) -> None:
    """Bob shares a phone with Anna: to the platform both may be one person."""
    erase(here.world, ANNA)
    here.process()
    days(here, OTHERS, 0)
    here.world.check_equal()
    here.world.check_quiet()


def test_every_erasure_is_confirmed_once_more_after_the_settle_window(
    here: MemoryWorlds,
) -> None:
    """Though no addition was ever in doubt; and after that it is over."""
    asked = erase(here.world, ANNA)
    days(here, MEMBERS, 1)
    first = len(here.world.sent)
    assert became(here.world, asked).confirmed_at is None

    days(here, MEMBERS, 48)
    again = frozenset().union(*erasures.removals(here.world, first))
    assert again >= ANNAS
    assert SHARED not in again
    assert became(here.world, asked).confirmed_at is not None
    assert not closed(here.world, asked)

    days(here, MEMBERS, 49)
    told = became(here.world, asked)
    assert (told.purged_at is not None, told.trouble) == (True, "")
    if here.world.platform.capabilities.forgets:
        assert len(here.world.forgotten) == 2
    assert closed(here.world, asked)
    before = len(here.world.sent)
    days(here, MEMBERS, 200)
    assert here.world.sent[before:] == []


def test_nothing_of_the_person_is_stored_once_it_is_over(here: MemoryWorlds) -> None:
    """Neither in the membership nor in any other file; the shared phone stays with Bob."""
    asked = erase(here.world, ANNA)
    assert stored(here) & ANNAS
    for hours in (1, 48, 49, 73):
        days(here, OTHERS, hours)
    assert closed(here.world, asked)
    here.world.restart()
    assert stored(here) == {("email", sha(BOB)), ("email", sha(CATO)), SHARED}
    assert list((here.world.folder / "var").glob("*.erasure")) == []


def test_nothing_of_who_had_left_before_is_stored_once_it_is_over(here: MemoryWorlds) -> None:
    """A membership said nothing of Cato any more, and had the row in its base until then."""
    others = {key: one for key, one in MEMBERS.items() if key != "c"}
    for hours, more in ((1, {}), (49, {"d": Person(("dee@example.com",))}), (49, {})):
        days(here, {**others, **more}, hours)
    here.world.restart()
    assert ("email", sha(CATO)) not in here.world.possible()
    assert ("email", sha(CATO)) in stored(here)
    asked = erase(here.world, CATO)
    for hours in (1, 48, 49):
        days(here, others, hours)
    assert closed(here.world, asked)
    here.world.restart()
    assert ("email", sha(CATO)) not in stored(here)


def stored(here: MemoryWorlds) -> frozenset[Identifier]:
    """Every e-mail and phone in any file of the directory, by digest."""
    found: set[Identifier] = set()
    for path in (here.world.folder / "var").iterdir():
        if path.suffix not in {".members", ".plan", ".snapshot", ".erasure"}:
            continue
        with BlockReader(path, key=KEY.derive("files"), checksum=None) as file:
            for section in {block.section for block in file._blocks}:
                for batch in file.batches(section):
                    found |= cells(batch.to_pylist())
    return frozenset(found)


def cells(rows: list[dict[str, object]]) -> set[Identifier]:
    return {
        (name.partition("_")[0], value.hex())
        for row in rows
        for name, value in row.items()
        if name.partition("_")[0] in {"email", "phone"} and isinstance(value, bytes)
    }


def test_what_another_member_holds_is_not_sent(here: MemoryWorlds) -> None:
    """Nor does the phone of a family take along its other members."""
    before = len(here.world.sent)
    asked = erase(here.world, ANNA, phones=("+31 20 624 1111",))
    assert SHARED not in frozenset().union(*erasures.removals(here.world, before))
    assert became(here.world, asked).shared == 1
    for hours in (1, 48, 49):
        days(here, MEMBERS, hours)
        assert SHARED in here.world.identifiers
        assert ("email", sha(BOB)) in here.world.identifiers
    assert closed(here.world, asked)


def test_a_phone_alone_takes_out_whoever_has_it(here: MemoryWorlds) -> None:
    """Nothing else says who was meant."""
    erase(here.world, phones=(HOME,))
    days(here, MEMBERS, 1)
    assert here.world.identifiers == {("email", sha(CATO))}


def test_who_left_the_shop_before_is_erased_all_the_same(here: MemoryWorlds) -> None:
    """The shop deletes the customer first, as most do; the audience still holds them."""
    here.fill(OTHERS)
    asked = erase(here.world, ANNA)
    here.process()
    assert gone(here)
    for hours in (0, 48, 49):
        days(here, OTHERS, hours)
    assert closed(here.world, asked)
    here.world.check_equal()


def orphaned(here: MemoryWorlds) -> str:
    """Its sync goes on to another audience; no run looks at the one it had any more."""
    world, old = here.world, here.world.at
    other = here.remote.audiences.create(ACCOUNT, "Another")
    world.ledger.claim(
        Audience(world.platform.name, ACCOUNT, other.id, other.name), "all",
        known_syncs=frozenset({"all"}), created=True, event=None,
    )  # fmt: skip
    orphan = world.ledger.known(*old)
    assert orphan is not None
    assert orphan.sync == ""
    return old[2]


def test_an_orphaned_audience_is_erased_from_and_confirmed_too(here: MemoryWorlds) -> None:
    world, old = here.world, orphaned(here)
    asked = erase(world, ANNA)
    here.process()
    assert gone(here)
    first = len(world.sent)
    for _ in range(2):
        world.clock.pass_by(hours=49)
        here.process()
        assert carry_on(world) == ()
    assert frozenset().union(*erasures.removals(world, first)) >= ANNAS
    here.process()
    assert carry_on(world) == ()
    assert became(world, asked, old).purged_at is not None
    assert closed(world, asked)


def test_a_removal_that_an_orphan_turned_away_leaves_no_digest_behind(here: MemoryWorlds) -> None:
    """No run of a sync cancels it; the erasure itself draws another and drops the first."""
    world, old = here.world, orphaned(here)
    here.remote.script([Fail(AudienceUnusable("memory", "flagged"))])
    asked = ask(world, ANNA)
    assert {type(error) for error in carry_on(world)} == {AudienceUnusable}
    for hours in (1, 49, 49):
        world.clock.pass_by(hours=hours)
        here.process()
        assert carry_on(world) == ()
    here.process()
    assert carry_on(world) == ()
    assert gone(here)
    assert became(world, asked, old).purged_at is not None
    assert closed(world, asked)
    files = world.folder / "var"
    assert [one.name for one in files.rglob("*.plan")] == []


def test_erasures_pass_a_guard_that_holds_everything_else() -> None:
    """And whoever was erased is no loss to it afterwards."""
    guard = Guard(max_removed=0.2, min_members=0)
    with memory_world(later=False, guard=guard) as here:
        members = {str(n): Person((f"member{n}@example.com",)) for n in range(10)}
        here.run(members)
        for n in range(4):
            erase(here.world, f"member{n}@example.com")
        assert len(here.world.identifiers) == 6
        fewer = {key: one for key, one in members.items() if key != "9"}
        found = here.run(fewer)
        assert isinstance(found, Result)
        assert found.plan.held == ()
        assert found.plan.counts.lost == {"erased": 4}
        assert len(here.world.identifiers) == 5


@pytest.mark.parametrize("ending", [Fail(Unavailable("memory", "down")), LoseAnswer()])
def test_a_platform_that_is_down_keeps_an_erasure_open_until_it_is_back(
    here: MemoryWorlds, ending: Fail | LoseAnswer
) -> None:
    """Longer than we try; the person is kept out meanwhile, and the next run removes first."""
    here.remote.script([ending] * 100)
    asked = ask(here.world, ANNA)
    failed = carry_on(here.world)
    assert {type(error) for error in failed} == {Unavailable}
    here.remote._steps.clear()
    assert "no usable answer" in became(here.world, asked).trouble
    assert not closed(here.world, asked)

    before = len(here.world.sent)
    here.run(MEMBERS)
    assert here.world.sent[before].operation is Operation.REMOVE
    days(here, MEMBERS, 0)
    assert gone(here)
    assert became(here.world, asked).trouble == ""
    for hours in (48, 49):
        days(here, MEMBERS, hours)
    assert closed(here.world, asked)


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "by the next run"])
def test_an_addition_whose_answer_was_lost_is_not_sent_again(
    here: MemoryWorlds, *, at_once: bool
) -> None:
    """It is given up, the person removed, and the others of its batch are added anew."""
    dee, eve = ("email", sha("dee@example.com")), ("email", sha("eve@example.com"))
    grown = {**MEMBERS, "d": Person(("dee@example.com",)), "e": Person(("eve@example.com",))}
    assert isinstance(here.run(grown, [LoseAnswer()] * 100), Unavailable)
    before = len(here.world.sent)
    (erase if at_once else ask)(here.world, "dee@example.com")
    days(here, grown, 0)

    assert dee not in erasures.additions(here.world, before)
    days(here, grown, 49)
    assert dee not in here.world.identifiers
    assert eve in here.world.identifiers


def test_a_refused_removal_is_tried_again_and_the_certificate_says_so(
    here: MemoryWorlds,
) -> None:
    if not here.world.platform.capabilities.ordered:
        pytest.skip("the step befalls one kind of platform as the other")
    asked = ask(here.world, ANNA)
    account = Fail(RequestRefused("memory", "no"))
    here.remote.script([account, account])
    carry_on(here.world)
    assert "refused 1 of the rows" in became(here.world, asked).trouble
    assert not gone(here)
    days(here, MEMBERS, 0)
    assert gone(here)
    assert became(here.world, asked).removed_at is not None


def test_a_plan_from_before_is_not_carried_out(here: MemoryWorlds) -> None:
    """It would add whoever was erased since."""
    dee = {**MEMBERS, "d": Person(("dee@example.com",))}
    here.fill(dee)
    erased = ask(here.world, "dee@example.com")
    assert carry_on(here.world) == ()
    days(here, dee, 1)
    assert ("email", sha("dee@example.com")) not in here.world.identifiers
    assert became(here.world, erased).sizes.members == 0


def test_a_member_with_a_new_address_is_known_by_the_row_as_sent(here: MemoryWorlds) -> None:
    """What is given may be older than the shop's row; then what was given leaves."""
    moved = {**MEMBERS, "a": replace(MEMBERS["a"], emails=("anna@example.org",))}
    erase(here.world, ANNA)
    days(here, moved, 0)
    assert ("email", sha(ANNA)) not in here.world.identifiers


def test_an_audience_that_the_platform_deleted_is_over_at_once(here: MemoryWorlds) -> None:
    """What is stored of the person goes; nothing of the others does."""
    here.remote.audiences.delete(here.world.at[2])
    asked = erase(here.world, ANNA)
    told = became(here.world, asked)
    assert told.gone
    assert (told.removed_at, told.purged_at) == (None, here.world.clock.now())
    here.world.clock.pass_by(hours=73)  # plans of before are swept
    assert carry_on(here.world) == ()
    assert closed(here.world, asked)
    here.world.restart()
    kept = stored(here)
    assert not ANNAS & kept
    assert kept >= {("email", sha(BOB)), ("email", sha(CATO)), SHARED}
    said = [event.detail for event in here.world.ledger.events(kind="erasure_carried_out")]
    assert any("has no such audience any more" in one for one in said)


def test_an_audience_that_is_deleted_between_the_two_removals(here: MemoryWorlds) -> None:
    asked = erase(here.world, ANNA)
    here.process()
    here.run(OTHERS)
    here.process()
    here.remote.audiences.delete(here.world.at[2])
    here.world.clock.pass_by(hours=49)
    assert carry_on(here.world) == ()
    told = became(here.world, asked)
    assert (told.gone, told.confirmed_at) == (True, None)
    assert told.removed_at is not None


@pytest.mark.parametrize("unusable", [AudienceUnusable, AudienceGone])
def test_an_audience_that_cannot_be_used_keeps_an_erasure_open(
    here: MemoryWorlds, unusable: type[AudienceUnusable]
) -> None:
    """Flagged; or said to be gone once, by a platform that knows it when asked again."""
    here.remote.script([Fail(unusable("memory", "odd"))] * 2)  # of the account, of the audience
    asked = ask(here.world, ANNA)
    assert carry_on(here.world) != ()
    here.remote._steps.clear()
    assert became(here.world, asked).purged_at is None
    assert here.world.identifiers >= ANNAS
    days(here, MEMBERS, 0)
    assert gone(here)
