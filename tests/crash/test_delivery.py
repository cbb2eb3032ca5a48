"""What durability costs is counted, not timed."""

from __future__ import annotations

from tests.bench.delivery import commits_a_batch, measure


def test_a_batch_costs_two_commits() -> None:
    """The intent and the receipt; all else is written once a run."""
    assert commits_a_batch(measure(1), measure(12)) == 2
