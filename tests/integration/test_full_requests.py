"""Requests to Meta carry as many members as Meta takes, and no request is made beside them."""

from __future__ import annotations

from connectors.meta.payload import MAX_ROWS, WIRE_ROWS
from tests.bench.meta import Scene
from tests.integration.commands import Desk


def test_members_with_one_email_each_fill_requests(desk: Desk) -> None:
    """Added, changed and removed: each time the fewest, and the audience is as it should be."""
    scene = Scene(desk, WIRE_ROWS + 1)
    scene.begin()
    steps = list(scene.live())
    assert [step.fewest for step in steps] == [(2, 0), (1, 1), (0, 1)]
    assert [(step.added, step.removed) for step in steps] == [step.fewest for step in steps]
    assert all(step.equal for step in steps)
    assert MAX_ROWS < WIRE_ROWS
