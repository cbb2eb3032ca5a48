"""Several requests to Meta at once, over the real SDK and real sockets, each in its own session."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import google, google_ads, meta
from connectors.sandbox.faults import Fault
from syncd.errors import Denied
from syncd.model import BatchState
from tests.integration.test_meta_limits import IN_FLIGHT, ROWS, Limited, limited, taken
from tests.integration.worlds import Pushed

BATCHES = 14
SOON = 60.0  # seconds: a test that waits for so long has failed


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Limited]:
    with limited(tmp_path, "", batches=BATCHES) as made:
        yield made


def together(here: Limited, count: int) -> list[int]:
    """Let the first requests with rows wait for each other; how many came at once, at most."""
    world, turn, came = here.sandbox.meta_world, threading.Condition(), [0]
    plain = world.count

    def counted(request: str, *, rows: int = 0) -> None:
        plain(request, rows=rows)
        if request == "add":
            with turn:
                came[0] += 1
                turn.notify_all()
                assert turn.wait_for(lambda: came[0] >= count, SOON)

    setattr(world, "count", counted)  # noqa: B010 - a method of one object
    return came


def sessions(here: Limited) -> list[list[Pushed]]:
    """The requests of each session, in their order."""
    found = defaultdict[str, list[Pushed]](list)
    for one in here.world.sent:
        found[one.upload].append(one)
    return list(found.values())


def states(here: Limited) -> list[BatchState]:
    (latest, *_) = here.world.ledger.runs()
    assert latest.plan is not None
    return [one.state for one in here.batches(latest.plan)]


def test_requests_are_under_way_at_once_each_in_a_session_of_its_own(here: Limited) -> None:
    """Meta is told of the last batch of every session, once."""
    came = together(here, IN_FLIGHT)
    here.world.sync()
    assert came == [BATCHES]
    assert taken(here) == BATCHES * ROWS
    found = sessions(here)
    assert len(found) == IN_FLIGHT
    for each in found:
        assert [one.last for one in each] == [False] * (len(each) - 1) + [True]
    here.world.check_quiet()


ADD = "add"
LIMIT = Fault(status=400, code=80003, retry_after=120.0, method=ADD)
FAULTS = {
    "server errors": (Fault(status=500, code=2, times=2, method=ADD),),
    "hang-up after acceptance": (Fault("reset", when="after", times=3, method=ADD),),
    "hang-up before": (Fault("reset", times=3, method=ADD),),
    "half an answer": (Fault("half", when="after", method=ADD),),
    "rows": (Fault("refuse_rows", rows=(0, 7), method=ADD),),
    "limit": (LIMIT, LIMIT),
    "all of them": (
        Fault("refuse_rows", rows=(3,), method=ADD),  # of a batch that is not sent again
        LIMIT,
        Fault("reset", when="after", method=ADD),
        Fault(status=503, code=2, method=ADD),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_in_the_middle_loses_nothing(here: Limited, name: str) -> None:
    """Among four at once; the next run sends nothing, or only what was refused by row."""
    together(here, IN_FLIGHT)
    here.sandbox.faults.script(Fault("delay", method=ADD, times=2), *FAULTS[name])
    result = here.world.sync()
    refused = sum(len(each.rows) for each in FAULTS[name] if each.kind == "refuse_rows")
    assert result.refused == refused
    assert taken(here) == BATCHES * ROWS - refused
    assert set(states(here)) == {BatchState.PROCESSED}
    long = [each for each in here.clock.slept if each > 60]
    assert len(long) == any(each.retry_after for each in FAULTS[name]), "waited once, by all"
    assert sum(long) <= 120
    here.world.check()


def test_a_dead_token_in_the_middle_leaves_nothing_unknown(here: Limited) -> None:
    together(here, IN_FLIGHT)
    here.sandbox.faults.script(
        Fault("delay", method="add"), Fault(status=401, code=190, subcode=463, method="add")
    )
    with pytest.raises(Denied):
        here.world.sync()
    assert here.world.ledger.unfinished(*here.world.at) == ()
    found = states(here)
    assert found.count(BatchState.PROCESSED) * ROWS == taken(here)
    assert here.requests["add"] == found.count(BatchState.PROCESSED) + 1
    here.clock.pass_by(hours=2)
    here.world.sync()
    assert taken(here) == BATCHES * ROWS


def test_platforms_take_as_many_as_they_say() -> None:
    """Meta: what a Limited account's slowing leaves room for. Data Manager: ten are advised."""
    assert meta.PLATFORM.capabilities.in_flight == 4
    assert 1 < google.PLATFORM.capabilities.in_flight <= 10
    assert google_ads.PLATFORM.capabilities.in_flight == 1, "jobs refuse to be added to at once"
