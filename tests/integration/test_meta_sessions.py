"""A run that outlasts Meta's upload sessions: each is ended in time, and none loses a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from connectors.conformance import batch, identifiers, member
from connectors.meta import SESSION
from syncd.errors import Unavailable
from syncd.model import Operation
from syncd.runs.lanes import ENDED
from tests.contract.test_meta import MetaRig
from tests.integration.ledger_databases import NOON
from tests.integration.test_meta_limits import ROWS, Limited, limited
from tests.integration.worlds import Pushed

BATCHES = 30


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Limited]:
    """One request after the other, so that all are of one session."""
    with limited(tmp_path, "", batches=BATCHES, in_flight=1) as made:
        yield made


def slow(here: Limited, **length: float) -> None:
    """Let each request to Meta take that long: it asks its clock as it takes rows in."""
    served = [0]

    def now() -> datetime:
        asked = here.requests["add"]
        if asked > served[0]:
            here.clock.pass_by(**length)
            served[0] = asked
        return here.clock.now()

    here.sandbox.meta_world.now = now


def uploads(here: Limited) -> list[list[Pushed]]:
    return [list(each) for _, each in groupby(here.world.sent, lambda one: one.upload)]


def check_whole(here: Limited) -> None:
    found = here.world.audience()
    assert found is not None
    assert found.size == BATCHES * ROWS


def test_a_session_is_renewed_after_75_minutes_with_its_last_flag(here: Limited) -> None:
    assert timedelta(minutes=75) == SESSION * ENDED
    slow(here, minutes=10)
    here.world.sync()
    check_whole(here)
    found = uploads(here)
    # A batch each 10 minutes: the ninth goes out after 80.
    assert [len(each) for each in found] == [9, 9, 9, 3]
    for each in found:
        assert [one.last for one in each] == [False] * (len(each) - 1) + [True]
    assert here.requests["add"] == BATCHES


def test_a_session_that_a_wait_outlasted_is_left_to_run_out(here: Limited) -> None:
    """Its next batch would come after 90 minutes, and be discarded."""
    slow(here, minutes=37)
    here.world.sync()
    check_whole(here)
    assert [len(each) for each in uploads(here)] == [3] * (BATCHES // 3)
    assert not any(one.last for one in here.world.sent[:-1])


def test_a_batch_that_a_closed_session_discarded_is_not_taken_for_received() -> None:
    """Meta's answer is as ever, but for the session's total; another session takes it."""
    rig = MetaRig()
    at = [NOON]
    rig.world.now = lambda: at[0]
    connector = rig.connect()
    made = connector.create("whales").id
    upload = connector.open(made, Operation.ADD, rows=2)
    upload.push(batch(Operation.ADD, [member(1)]), last=False)
    at[0] += SESSION
    with pytest.raises(Unavailable):
        upload.push(batch(Operation.ADD, [member(2)]), last=False)
    assert rig.identifiers(made) == identifiers([member(1)])
    upload.push(batch(Operation.ADD, [member(2)]), last=True)
    assert rig.identifiers(made) == identifiers([member(1), member(2)])
    rig.server.stop()
