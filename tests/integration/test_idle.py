"""The daemon's memory while nothing is due: the sample of `python -m tests.bench.idle`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench.idle import Measured, idle, timed
from tests.integration.commands import Desk


def test_a_daemon_that_waits_stays_small(desk: Desk, told: Callable[[str], None]) -> None:
    """Both platforms are configured; none of what works with columns is loaded."""
    found = list(idle(desk, 3))
    for each in found:
        told("  ".join(each.cells()).strip())
    assert [each.cells() for each in found if each.over] == []
    assert len(found) == 2
    assert all(each.value > 10 for each in found)


def test_a_size_over_its_limit_is_seen() -> None:
    assert Measured("a", "MB", 120.1, 120.0).cells()[-1] == "over"
    assert Measured("a", "MB", 120.0, 120.0).cells()[-1] == "ok"
    assert not Measured("a", "ms", 1e6).over


def test_what_a_command_takes_is_its_own() -> None:
    """Not that of others that ran before it."""
    wall, cpu = timed([sys.executable, "-S", "-c", "sum(range(3_000_000))"])
    assert 0.01 < cpu <= wall + 0.05
    assert timed([sys.executable, "-S", "-c", "pass"])[1] < cpu
