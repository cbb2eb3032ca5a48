"""reconcile as an operator types it, over the real SDKs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.state import LONG_AGO
from tests.integration.commands import Desk, Hands, digests, email, refused

STRANGER = frozenset({("email", "0" * 64)})
REPLACE = ("reconcile", "everyone", "--replace")


@pytest.fixture
def clock(desk: Desk) -> Iterator[Hands]:
    """A clock that the local platforms share."""
    hands, worlds = Hands(), desk.local.worlds.values()
    before = [world.now for world in worlds]
    for world in worlds:
        world.now = hands.now
    yield hands
    for world, now in zip(worlds, before, strict=True):
        world.now = now


def to(desk: Desk, platform: str) -> bool:
    """Let the sync go there; whether that is Google."""
    desk.sync["account"] = platform
    desk.save()
    desk.join(*range(10), consent="granted")
    return platform == "google"


def let_a_stranger_in(desk: Desk, *, google: bool) -> None:
    desk.audience(google=google).add([STRANGER], at=LONG_AGO)


@pytest.mark.parametrize("platform", ["meta", "google"])
def test_replacing_lets_nobody_else_stay(desk: Desk, clock: Hands, platform: str) -> None:
    google = to(desk, platform)
    assert desk.syncd("sync", "everyone").code == 0
    let_a_stranger_in(desk, google=google)
    desk.join(11, consent="granted")
    answer = desk.syncd(*REPLACE, clock=clock)

    assert answer.code == 0, answer.said
    assert "nobody else is in it" in answer.out
    assert desk.held(google=google) == digests(*range(10), 11, google=google)
    (begun, said) = [line for line in desk.audit() if line.startswith("audience_replace")]
    assert "11 members" in begun
    assert "it holds the 11 members that syncd sent and nobody else" in said
    assert desk.syncd("audit", "verify").code == 0
    before = desk.changes()
    assert desk.syncd("sync", "everyone", clock=clock).code == 0
    assert desk.changes() == before


@pytest.mark.parametrize("platform", ["meta", "google"])
def test_a_foreign_audience_is_taken_over_and_replaced(
    desk: Desk, clock: Hands, platform: str
) -> None:
    google = to(desk, platform)
    world = desk.local.google_world if google else desk.local.meta_world
    account = desk.google_account if google else desk.meta_account
    world.create(account, "Everyone").add([STRANGER], at=LONG_AGO)
    assert desk.syncd("sync", "everyone", clock=clock).code == 4
    assert desk.syncd("sync", "everyone", "--adopt", clock=clock).code == 0
    told = desk.syncd("reconcile")
    assert "may hold others" in told.out
    assert "`syncd reconcile everyone --replace` takes the others out" in told.out

    assert desk.syncd(*REPLACE, clock=clock).code == 0
    assert desk.held(google=google) == digests(*range(10), google=google)
    assert "may hold others" not in desk.syncd("status").out


def test_without_replace_it_only_tells(filled: Desk) -> None:
    filled.audience().about["matched"] = 1_234
    before, audit = filled.changes(), filled.audit()
    told = filled.syncd("reconcile")
    assert told.code == 0, told.said
    assert "in it as far as we know: 10 members (10 email, 10 phone)" in told.out
    assert "the platform states 1,200" in told.out
    assert "not comparable one to one" in told.out
    (seen,) = filled.syncd("reconcile", "everyone", "--json").json
    assert (seen["members"], seen["platform_size"], seen["adopted"]) == (10, 1_200, False)
    assert (filled.changes(), filled.audit()) == (before, audit)
    assert email(0) not in told.said


def test_an_audience_that_no_run_has_filled_is_told_as_such(desk: Desk) -> None:
    told = desk.syncd("reconcile")
    assert told.code == 0
    assert "no run has filled it yet: `syncd sync everyone`" in told.out


def test_replacing_needs_one_sync_that_may_remove(filled: Desk) -> None:
    refused(filled, 2, "one sync", words=("reconcile", "--replace"))
    filled.sync["mode"] = "add"
    filled.save()
    refused(filled, 2, "only adds", words=REPLACE)


def test_what_a_guard_holds_is_approved_first(filled: Desk) -> None:
    filled.sync["guard"] = {"max_removed": "10%", "min_members": 0}
    filled.save()
    filled.leave(*range(5))
    refused(filled, 4, "syncd approve", words=REPLACE)


def test_a_replacement_cut_short_is_told_and_made_good(filled: Desk, clock: Hands) -> None:
    """Its first batch arrived and its answer did not: Meta may be at it for 90 minutes."""
    let_a_stranger_in(filled, google=False)
    filled.fault(kind="reset", method="replace", when="before")
    filled.audience().replace("another tool's", clock.now())
    busy = filled.syncd(*REPLACE, clock=clock)
    assert busy.code == 75, busy.said
    assert "is being replaced, by another tool" in busy.err
    clock.pass_by(minutes=91)

    cut = filled.syncd(*REPLACE, clock=clock)
    assert cut.code == 1, cut.said
    assert "nobody can tell whether the replacement began" in cut.err
    told = filled.syncd("reconcile")
    assert "a replacement was begun at" in told.out
    (row,) = filled.syncd("status", "--json").json["syncs"]
    assert row["needs"] == "syncd sync everyone"
    filled.audience().replace("it had arrived", clock.now())
    busy = filled.syncd("sync", "everyone", clock=clock)
    assert busy.code == 75, busy.said
    assert "is being replaced since" in busy.err
    clock.pass_by(minutes=101)
    assert filled.syncd("sync", "everyone", clock=clock).code == 0
    assert filled.held() == digests(*range(10))
    assert any(line.startswith("audience_replace_ended") for line in filled.audit())
