"""Due times outlive the process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.ledger.due import Due
from syncd.ledger.opening import open_ledger
from syncd.ledger.store import Ledger
from tests.integration.ledger_databases import (
    DIALECTS,
    KEY,
    NOON,
    Hands,
    new_database,
    new_ledger,
)

HOUR = timedelta(hours=1)


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with new_database(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with new_ledger(url, Hands()) as opened:
        yield opened


def test_the_last_word_on_a_sync_is_what_the_next_process_reads(ledger: Ledger, url: str) -> None:
    ledger.due.keep("whales", Due("every 6h", None, NOON))
    ledger.due.keep("others", Due("manual", None, None))
    ledger.due.keep("whales", Due("every 6h", NOON, NOON + 6 * HOUR))

    again = open_ledger(url, password=None, key=KEY, clock=Hands())
    found = again.due.every()
    again.close()

    assert found == {
        "whales": Due("every 6h", NOON, NOON + 6 * HOUR),
        "others": Due("manual", None, None),
    }


def test_nothing_is_kept_of_a_sync_that_never_was_due(ledger: Ledger) -> None:
    assert ledger.due.every() == {}
