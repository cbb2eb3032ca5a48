"""What was read for a run is taken by that run alone, once, and only if it would read the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from syncd.model import Generation, Sizes, SnapshotId
from syncd.runs.parts import Parts, Unlocked
from syncd.runs.shared import FRESH, Place, Ready, Shared
from tests.integration.ledger_databases import Hands, snapshot

SAID = ("configuration", "consent", "nobody was erased")
HELD = Generation(3, "g3", "sum", Sizes(10, {}), "meta-1", Hands().at)


@dataclass
class Files:
    """What became of the files of snapshots."""

    kept: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def take_up(self, name: SnapshotId) -> None:
        self.kept.append(name)


@dataclass
class Scene:
    """One run, `b`, that another one may read for."""

    shared: Shared = field(default_factory=Shared)
    clock: Hands = field(default_factory=Hands)
    files: Files = field(default_factory=Files)

    def parts(self) -> Parts:
        made = SimpleNamespace(
            sync=SimpleNamespace(name="b"),
            membership=self.files,
            clock=self.clock,
            lock=Unlocked(),
        )
        return cast("Parts", made)

    def ask(self) -> None:
        self.shared.expect({"b": Place("everyone", self.parts)})

    def read(self, generation: Generation | None = HELD) -> bool:
        """Another run reads; whether it is kept for this one."""
        with self.shared.claimed("everyone") as found:
            if "b" not in found:
                return False
            one = replace(snapshot(), as_of=self.clock.now())
            ready = Ready(one, SAID, generation, lambda: self.files.dropped.append(one.id))
            return self.shared.release("b", found["b"], ready)

    def take(
        self, said: tuple[str, ...] = SAID, generation: Generation | None = HELD
    ) -> SnapshotId | None:
        found = self.shared.take(self.parts(), lambda: said, generation)
        return None if found is None else found.id


@pytest.fixture
def scene() -> Scene:
    found = Scene()
    found.ask()
    return found


def test_what_was_read_is_taken_once(scene: Scene) -> None:
    assert scene.read()
    assert not scene.read(), "it waits already"
    assert scene.take() == snapshot().id
    assert scene.take() is None
    assert not scene.read(), "it has come to its read"
    assert scene.files == Files([snapshot().id], [])


@pytest.mark.parametrize(
    ("said", "generation"),
    [
        (("another", *SAID[1:]), HELD),
        ((*SAID[:2], "somebody was erased"), HELD),
        (SAID, replace(HELD, number=4, path="g4", checksum="another")),
        (SAID, None),
    ],
)
def test_what_is_not_as_it_was_is_dropped(
    scene: Scene, said: tuple[str, ...], generation: Generation | None
) -> None:
    assert scene.read()
    assert scene.take(said, generation) is None
    assert scene.files == Files([], [snapshot().id])


@pytest.mark.parametrize("age", [-timedelta(seconds=1), FRESH + timedelta(seconds=1)])
def test_what_is_of_another_time_is_dropped(scene: Scene, age: timedelta) -> None:
    """Also where the clock was put back, so that nobody knows how old it is."""
    assert scene.read()
    scene.clock.at += age
    assert scene.take() is None
    assert scene.files == Files([], [snapshot().id])


def test_a_run_that_ends_without_its_read_leaves_nothing(scene: Scene) -> None:
    assert scene.read()
    scene.shared.over("b")
    assert scene.files == Files([], [snapshot().id])
    assert scene.take() is None


def test_what_was_read_for_a_run_that_is_over_is_not_the_next_ones(scene: Scene) -> None:
    """Though both are of one sync, and the second is asked for before the read ends."""
    with scene.shared.claimed("everyone") as found:
        scene.shared.over("b")
        scene.ask()
        ready = Ready(snapshot(), SAID, HELD, lambda: None)
        assert not scene.shared.release("b", found["b"], ready)
        assert scene.take() is None, "and it waits for nobody"


def test_nobody_is_taken_along_twice_or_by_another_segment(scene: Scene) -> None:
    with scene.shared.claimed("everyone") as found:
        assert set(found) == {"b"}
        with scene.shared.claimed("everyone") as others:
            assert others == {}
    with scene.shared.claimed("others") as others:
        assert others == {}
    assert scene.read(), "a read that came to nothing leaves it free"
