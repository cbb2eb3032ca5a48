"""The shape of what many members cost: requests and memory, of a first sync and a small change."""

from __future__ import annotations

import pytest

from tests.bench.discarding import discarding
from tests.bench.pipeline import shape

MEMBERS = 100_000


@pytest.mark.slow
def test_requests_are_the_fewest_and_memory_is_bounded() -> None:
    """What either takes of the processor `python -m tests.bench.pipeline --check` looks at."""
    with discarding() as platforms:
        assert shape(platforms, MEMBERS).wrong == []
