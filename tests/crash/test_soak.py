"""The soak's own machinery, for a moment: `python -m tests.crash.soak` is the long one."""

from __future__ import annotations

import pytest

from tests.crash.soak import SEED, Sample, grew, overlaps, run

pytestmark = pytest.mark.slow


def test_a_moment_of_the_soak_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(0.05, 1.0, SEED) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert "every run accounted for, none doubled, none lost" in said


def test_what_grows_is_told() -> None:
    flat = [Sample(n, 250.0 + n % 3, 22, 24, 20, n) for n in range(30)]
    assert grew(flat) == []
    assert len(grew([Sample(n, 250.0 + 3 * n, 22 + n, 24, 20, n) for n in range(30)])) == 2


def test_two_runs_of_a_sync_at_a_time_are_told() -> None:
    began, ended = {"event": "run_started"}, {"event": "run_failed"}
    fine = [began | {"sync": "a"}, began | {"sync": "b"}, ended | {"sync": "a"}]
    assert overlaps([*fine, began | {"sync": "a"}]) == 0
    assert overlaps([*fine, began | {"sync": "b"}]) == 1
