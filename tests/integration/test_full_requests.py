"""Requests carry as many members as a platform takes, and no request is made beside them."""

from __future__ import annotations

import pytest

from connectors.meta.schema import MAX_ROWS, WIRE_ROWS
from tests.bench import google, meta
from tests.bench.large import Case, Scene
from tests.integration.commands import Desk, Hands

BY_DATA_MANAGER, BY_JOBS = google.CASES


def here(desk: Desk) -> int:
    """A sync in this process, whose memory says nothing."""
    done = desk.syncd("sync", "everyone", "--wait", clock=Hands())
    assert done.code == 0, done.said
    return 0


@pytest.mark.parametrize(
    ("case", "members", "fewest"),
    [
        pytest.param(
            meta.META,
            WIRE_ROWS + 1,
            [{"remove": 0, "add": 2}, {"remove": 1, "add": 1}, {"remove": 1, "add": 0}],
            id="meta",
        ),
        pytest.param(
            BY_DATA_MANAGER,
            10_001,
            [
                {"remove": 0, "add": 2, "status": 2},
                {"remove": 1, "add": 1, "status": 2},
                {"remove": 1, "add": 0, "status": 1},
            ],
            id="google",
        ),
        pytest.param(
            BY_JOBS,
            5_001,
            [
                {"ads.create_job": 1, "ads.add": 2, "ads.run": 1},
                {"ads.create_job": 2, "ads.add": 2, "ads.run": 2},
                {"ads.create_job": 1, "ads.add": 1, "ads.run": 1},
            ],
            id="google_ads",
        ),
    ],
)
def test_members_fill_requests(
    desk: Desk, case: Case, members: int, fewest: list[dict[str, int]]
) -> None:
    """Added, changed and removed: each time the fewest, and the audience is as it should be."""
    scene = Scene(case, desk, members, here)
    scene.begin()
    steps = list(scene.live())
    assert [step.fewest for step in steps] == fewest
    assert [step.requests for step in steps] == fewest
    assert all(step.equal for step in steps)


def test_more_of_metas_rows_fit_a_request_than_what_any_members_take() -> None:
    assert MAX_ROWS < WIRE_ROWS
