"""Work that lay undone since whoever was to begin it died: its time counts from when it began."""

from __future__ import annotations

from syncd.model import BatchState as S
from syncd.model import Outcome
from tests.unit.settle_scene import ADD, REMOVE, Scene
from tests.unit.test_settle_polling import empty, poll, scene

__all__ = ["empty", "scene"]

ALL = ("p1-1", "p1-2", "p1-3", "p2-1")


def test_what_has_only_begun_is_waited_for_from_then_on(scene: Scene) -> None:
    """With all that went out with it; what others sent is given up after its 72 hours."""
    scene.draw("p1", ADD, ADD, REMOVE)
    scene.draw("p2", ADD)
    for name in ALL:
        scene.send(name, S.ACCEPTED)
    scene.clock.pass_by(hours=80)
    still = {f"r-{name}": Outcome("processing") for name in ALL}
    scene.remote.outcomes = {**still, "r-p1-1": Outcome("processing", begun=True)}
    assert poll(scene) == 2
    assert [scene.state(name) for name in ALL] == [S.ACCEPTED, S.ACCEPTED, S.FAILED, S.FAILED]

    scene.remote.outcomes = {**still}
    scene.clock.pass_by(hours=72)
    assert poll(scene) == 2
    scene.clock.pass_by(seconds=1)
    assert poll(scene) == 0
    assert {scene.state(name) for name in ALL} == {S.FAILED}
