"""What happens after a request, on a real ledger: asked again, polled, folded, waited for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from connectors.memory import PLATFORM
from syncd import settle
from syncd.gate import Gate
from syncd.identity.erased import Watch
from syncd.ledger import directory
from syncd.ledger.migrate import migrate
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from syncd.model import Audience, BatchId, Operation, Outcome, Plan, Timing
from syncd.model import BatchState as S
from syncd.ports import Membership, Shop
from syncd.retry import Patience
from syncd.runs.parts import Parts
from tests.integration.ledger_databases import AT, KEY, NOON, Hands, generation
from tests.unit.settle_scene import ADD, AGAIN, MOVED, REMOVE, SYNC, Files, Scene, Unlocked


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger at head to copy: migrating one takes half a second."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    migrate(f"sqlite:///{path}", password=None, key=KEY)
    return path


@pytest.fixture
def scene(empty: Path, tmp_path: Path) -> Iterator[Scene]:
    shutil.copy(empty, tmp_path / "ledger.db")
    clock, files = Hands(), Files()
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", password=None, key=KEY, clock=clock)
    numbers = iter(range(1, 100))
    parts = Parts(
        sync=SYNC,
        ledger=ledger,
        directory=tmp_path / "var",
        membership=cast("Membership", files),
        shop=cast("Shop", None),
        platform=PLATFORM,
        connect=lambda: pytest.fail("the connector is given"),
        rules_name="meta-1",
        query=lambda _: pytest.fail("the shop is not asked"),
        digest=lambda _: pytest.fail("nothing is read"),
        shape="",
        fingerprints=lambda _, said: pytest.fail(f"nothing is read: {said}"),
        clock=clock,
        names=lambda prefix: f"{prefix}{next(numbers)}",
        known_syncs=frozenset({"whales"}),
        lock=Unlocked(),
        patience=Patience(clock, Gate("meta"), "eu"),
        watch=cast("Watch", None),
    )
    yield Scene(parts, files, clock)
    ledger.close()


# --- of unknown outcome ----------------------------------------------------------


def test_what_nobody_knows_the_outcome_of_is_sent_again_as_it_was(scene: Scene) -> None:
    """Oldest first, and one upload for each plan and operation."""
    scene.draw("p1", REMOVE, ADD, AGAIN)
    scene.draw("p2", ADD, ADD, ADD)
    for name in ("p1-1", "p1-2", "p1-3", "p2-1"):
        scene.send(name, S.UNKNOWN)
    scene.send("p2-2", S.ACCEPTED)

    assert settle.resolve(scene.parts, scene.remote.connector, scene.audience) == 4
    assert scene.remote.opened == [
        ("120", Operation.REMOVE, 2),
        ("120", Operation.ADD, 4),
        ("120", Operation.ADD, 2),
    ]
    assert scene.remote.pushed == [
        ("p1-1", ["p1-1 0", "p1-1 1"], True),
        ("p1-2", ["p1-2 0", "p1-2 1"], False),
        ("p1-3", ["p1-3 0", "p1-3 1"], True),
        ("p2-1", ["p2-1 0", "p2-1 1"], True),
    ]
    assert scene.files.opened == ["p1", "p1", "p2"]
    assert scene.ledger.unfinished(*AT) == ()
    assert [scene.state(f"p2-{n}") for n in (1, 2, 3)] == [S.PROCESSED, S.ACCEPTED, S.PLANNED]


def test_a_batch_that_a_dead_process_was_sending_is_sent_again(scene: Scene) -> None:
    scene.draw("p1", ADD)
    scene.send("p1-1", S.SENDING)
    assert settle.resolve(scene.parts, scene.remote.connector, scene.audience) == 1
    assert scene.state("p1-1") is S.PROCESSED


def test_another_audiences_batches_are_its_own_runs_business(scene: Scene) -> None:
    scene.draw("p1", ADD)
    scene.draw("p2", ADD, audience=Audience("meta", "meta-eu", "121", "Others"))
    scene.send("p2-1", S.UNKNOWN)
    assert settle.resolve(scene.parts, scene.remote.connector, scene.audience) == 0
    assert scene.remote.opened == []


# --- into the membership -----------------------------------------------------------


def test_what_became_of_batches_is_taken_in_plan_by_plan(scene: Scene) -> None:
    scene.draw("p1", REMOVE, ADD)
    scene.draw("p2", ADD, ADD)
    for name in ("p1-1", "p1-2", "p2-1"):
        scene.send(name, S.PROCESSED)
    assert scene.fold()
    taken = [("p1", ["p1-1", "p1-2"]), ("p2", ["p2-1"])]
    assert scene.files.asked == [("g1", None, taken, NOON, NOON - timedelta(hours=48))]
    assert scene.ledger.generation(*AT) == generation(1)
    assert scene.ledger.unfolded(*AT) == ()
    assert directory.read(scene.parts.directory) == scene.ledger.stamp()
    assert not scene.fold(), "it is taken in once"
    assert len(scene.files.asked) == 1


def test_each_generation_is_made_of_the_last_one(scene: Scene) -> None:
    scene.filled()
    scene.clock.pass_by(hours=1)
    scene.draw("p1", ADD)
    scene.send("p1-1", S.UNKNOWN)
    assert scene.fold()
    ((name, last, taken, now, _),) = scene.files.asked
    assert (name, last, taken) == ("g2", generation(1), [("p1", ["p1-1"])])
    assert now == NOON + timedelta(hours=1)
    assert scene.ledger.events(kind="rules_changed") == ()


def test_nothing_sent_is_nothing_to_take_in(scene: Scene) -> None:
    drawn = scene.draw("p1", ADD)
    assert not scene.fold()
    assert not scene.fold(carried_out=drawn), "a first plan that sent nobody"
    assert scene.files.asked == []
    assert scene.ledger.generation(*AT) is None


def test_a_plan_under_changed_rules_counts_though_it_had_nothing_to_send(scene: Scene) -> None:
    """From then on the audience is one of those rules."""
    scene.filled()
    same = scene.draw("p1", generation=1)
    assert not scene.fold(carried_out=same)
    changed = scene.draw("p2", generation=1, rules="meta-2", counts=MOVED)
    scene.files.rules = "meta-2"
    assert scene.fold(carried_out=changed)
    assert scene.files.asked[0][2] == [("p2", [])]
    assert len(scene.ledger.events(kind="rules_changed")) == 1


def test_a_plan_that_takes_rows_out_of_our_own_keeping_counts_as_well(scene: Scene) -> None:
    """An erased person's rows, which were never on the platform."""
    scene.filled()
    drawn = scene.draw("p1", generation=1)
    at = (scene.parts, scene.audience)
    assert settle.fold(*at, actor="ada", carried_out=drawn, tells=True)
    assert scene.files.asked[0][2] == [("p1", [])]
    assert not settle.fold(*at, actor="ada", tells=True), "of no plan"


def test_what_has_settled_is_forgotten_on_request(scene: Scene) -> None:
    """Of an audience that is emptied for good, into which nothing goes any more."""
    scene.draw("p1", ADD)
    at = (scene.parts, scene.audience)
    assert not settle.fold(*at, actor="ada", settles=True), "nothing was ever in it"
    scene.filled()
    assert settle.fold(*at, actor="ada", settles=True)
    assert scene.files.asked == [("g2", generation(1), [], NOON, NOON - timedelta(hours=48))]
    assert scene.ledger.events(kind="rules_changed") == ()


def test_a_plan_with_batches_is_taken_in_once_and_beside_earlier_ones(scene: Scene) -> None:
    scene.filled()
    scene.draw("p1", ADD, generation=1)
    scene.send("p1-1", S.PROCESSED)
    changed = scene.draw("p2", ADD, generation=1, rules="meta-2")
    scene.send("p2-1", S.PROCESSED)
    assert scene.fold(carried_out=changed)
    assert scene.files.asked[0][2] == [("p1", ["p1-1"]), ("p2", ["p2-1"])]
    scene.draw("p3", ADD, generation=2)
    scene.send("p3-1", S.PROCESSED)
    empty = scene.draw("p4", generation=2, rules="meta-3")
    assert scene.fold(carried_out=empty)
    assert scene.files.asked[1][2] == [("p3", ["p3-1"]), ("p4", [])]


# --- changed rules, told once --------------------------------------------------------


LEAVE = "1,234 identifiers get a new digest; the old ones leave after"
STAY = "members get their new digests; the old ones stay, for this sync only adds."
OUT = "members are taken out once more, by their new digests, outside the guard."


@pytest.mark.parametrize(
    ("mode", "hours", "said"),
    [
        ("mirror", 48, f"{LEAVE} 48 h, outside the guard."),
        ("mirror", 36.5, f"{LEAVE} 36.5 h, outside the guard."),
        ("add", 48, STAY),
        ("remove", 48, OUT),
    ],
)
def test_that_the_rules_changed_is_told_once_with_what_becomes_of_the_old(
    scene: Scene, mode: str, hours: float, said: str
) -> None:
    """By the plan that was compared with the membership as it was."""
    scene.filled()
    timing = Timing(settle=timedelta(hours=hours))
    sync = replace(SYNC, removes=mode == "mirror", takes_out=mode == "remove", timing=timing)
    scene.parts = replace(scene.parts, sync=sync)
    scene.draw("p1", ADD, generation=0)
    scene.send("p1-1", S.PROCESSED)
    changed = scene.draw("p2", generation=1, rules="meta-2", counts=MOVED)
    scene.files.rules = "meta-2"
    assert scene.fold(carried_out=changed)

    (event,) = scene.ledger.events(kind="rules_changed")
    assert event.detail == f"The rule set changed from meta-1 to meta-2: {said}"
    assert (event.actor, event.sync, event.plan) == ("ada", "whales", "p2")
    assert event.counts == {"migrating": 1_234}
    scene.draw("p3", ADD, generation=2, rules="meta-2")
    scene.send("p3-1", S.PROCESSED)
    assert scene.fold()
    assert len(scene.ledger.events(kind="rules_changed")) == 1


def test_a_batch_of_a_plan_that_is_not_there_is_our_bug(scene: Scene) -> None:
    class Forgetful(Ledger):
        def plan(self, plan_id: str) -> Plan | None:
            assert plan_id == "p1"
            return None

    scene.draw("p1", ADD)
    scene.send("p1-1")
    ledger = Forgetful(scene.ledger._tx, scene.ledger.ledger_id, scene.clock)
    scene.parts = replace(scene.parts, ledger=ledger)
    with pytest.raises(RuntimeError, match=r"^the ledger has .* of a plan it does not have: p1$"):
        scene.fold()


# --- when a removal has taken effect, and who waits for one ----------------------------


def test_removals_have_settled_once_the_window_has_passed(scene: Scene) -> None:
    scene.draw("p1", REMOVE, ADD)
    assert settle.settled(scene.parts, scene.audience) == NOON - timedelta(hours=48)
    scene.parts = replace(scene.parts, sync=replace(SYNC, timing=Timing(settle=timedelta(hours=1))))
    assert settle.settled(scene.parts, scene.audience) == NOON - timedelta(hours=1)


def test_nothing_has_settled_that_is_still_under_way(scene: Scene) -> None:
    """However long ago it was accepted: the platform has not worked on it yet."""
    scene.draw("p1", REMOVE, REMOVE)
    scene.send("p1-1", S.ACCEPTED)
    scene.clock.pass_by(hours=1)
    scene.send("p1-2", S.ACCEPTED)
    scene.clock.pass_by(hours=40)
    due = scene.clock.now() - timedelta(hours=48)
    assert settle.settled(scene.parts, scene.audience) == due
    scene.clock.pass_by(hours=40)
    assert settle.settled(scene.parts, scene.audience) == NOON - timedelta(seconds=1)


def test_members_wait_for_a_removal_under_way_only_where_order_is_not_kept(scene: Scene) -> None:
    """An addition could be applied before the removal that it is to follow."""
    unordered = replace(PLATFORM.capabilities, ordered=False)
    kept = replace(PLATFORM, capabilities=replace(unordered, ordered=True))
    later = replace(scene.parts, platform=replace(PLATFORM, capabilities=unordered))
    at_once = replace(scene.parts, platform=kept)

    scene.draw("p1", ADD, REMOVE)
    scene.send("p1-1", S.ACCEPTED)
    assert not settle.gated(later, scene.audience), "an addition keeps nobody waiting"
    scene.send("p1-2", S.ACCEPTED)
    assert settle.gated(later, scene.audience)
    assert not settle.gated(at_once, scene.audience)
    scene.ledger.outcome(BatchId("p1-2"), Outcome("processed"))
    assert not settle.gated(later, scene.audience)


def test_what_was_not_sent_yet_waits(scene: Scene) -> None:
    scene.draw("p1", ADD, ADD, ADD)
    scene.send("p1-2", S.ACCEPTED)
    waiting = settle.waiting(scene.ledger.batches("p1"))
    assert [one.id for one in waiting] == ["p1-1", "p1-3"]
