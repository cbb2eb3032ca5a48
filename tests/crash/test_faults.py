"""After every kind of trouble on the line nobody is lost and nobody left behind.

A small run; `python -m tests.crash.faults` lives through a thousand batches.
"""

from __future__ import annotations

import pytest

from tests.crash.faults import SEED, live
from tests.crash.stage import NAMES, Name
from tests.crash.weather import KINDS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", NAMES)
def test_faults_on_the_line_lose_nothing(name: Name, caplog: pytest.LogCaptureFixture) -> None:
    """Every kind is met; each is told as what it is: not applied, or not known."""
    weather = live(name, 42, seed=SEED, rate=0.35)

    assert set(weather.lines) == set(KINDS[name])
    assert weather.most > 1
    assert any(line.beside for line in weather.lines.values()), "some met it beside others"
    for kind, line in weather.lines.items():
        assert ("Throttled" in line.became) == kind.startswith("limit")
        # gRPC may put a call on a connection that died a moment ago: it is then unanswered
        # whatever was to befall it.
        assert set(line.became) <= {"Throttled", "Unavailable"}
        assert line.retries > 0
        assert line.resolved == line.unknown
    assert not [one for one in caplog.records if one.name.startswith("grpc")]
