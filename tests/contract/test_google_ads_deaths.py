"""Jobs of the Google Ads API whose process died: found again, none of them twice, none left.

Real SIGKILLs are in `tests.crash`; here a request's answer is lost on a real line, and whoever
comes next knows nothing but the batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import serve
from connectors.sandbox.state import World
from syncd.errors import AudienceBusy, Unavailable
from syncd.model import Batch, Operation, Outcome
from tests.contract.test_google_ads import CUSTOMER, AdsRig
from tests.contract.test_google_ads_jobs import consenting, jobs, numbered

LIST = "7001"
STARTED = "offline_user_data_job_error.JOB_ALREADY_STARTED"


@pytest.fixture
def rig() -> Iterator[AdsRig]:
    world, faults = World(first_id=int(LIST)), FaultQueue()
    server = serve(world, faults, delay=None, accounts=(CUSTOMER,))
    here = AdsRig(server, world, faults)
    assert here.connect().create("whales").id == LIST
    yield here
    server.stop()


def push(rig: AdsRig, sent: Batch, *, last: bool = True) -> str:
    """A process of its own sends a batch, and lives to hear of it."""
    upload = rig.connect().open(LIST, sent.operation, rows=sent.rows.num_rows)
    return upload.push(sent, last=last).reference


def die(rig: AdsRig, method: str, sent: Batch, *, after: int = 0) -> None:
    """Another one does so, and is gone before it hears of this request.

    Args:
        after: Requests of that method that it hears of.
    """
    if after:
        rig.faults.script(Fault("delay", method=method, times=after))
    rig.faults.script(Fault("reset", method=method, when="after"))
    # An unanswered run fails no batch; but nobody lives to see the receipt.
    with contextlib.suppress(Unavailable):
        push(rig, sent)
    assert rig.faults.waiting == ()


@pytest.mark.parametrize("method", ["create_job", "add"])
@pytest.mark.parametrize("runs", [0, 1, 2])
def test_no_death_leaves_a_job_behind(rig: AdsRig, runs: int, method: str) -> None:
    """One after the other dies with the same batch, the last one before its job is run.

    A batch's second and third job are found again too: else they were PENDING for ever.
    """
    for _ in range(runs):
        die(rig, "run", numbered(0))
    # It hears of each earlier job that its id is taken.
    die(rig, method, numbered(0), after=runs if method == "create_job" else 0)
    reference = push(rig, numbered(0))
    rig.server.process()
    assert rig.connect().outcome(reference) == Outcome("processed")
    assert [job.started for job in jobs(rig)] == [True] * (runs + 1)
    assert len({job.external_id for job in jobs(rig)}) == runs + 1
    assert len(rig.identifiers(LIST)) == 4


@pytest.mark.parametrize("requests", [1, 2, 3, 4])
def test_a_job_of_each_consent_is_found_again(rig: AdsRig, requests: int) -> None:
    """Made, filled, then the other one made and filled: whichever answer is lost."""
    mixed = consenting(numbered(0), 1, 0)
    method = "add" if requests in (2, 4) else "create_job"
    die(rig, method, mixed, after=int(requests > 2))
    assert len(jobs(rig)) == (requests + 1) // 2
    reference = push(rig, mixed)
    assert reference == ",".join(job.name for job in jobs(rig))
    assert [job.started for job in jobs(rig)] == [True, True]
    rig.server.process()
    assert rig.connect().outcome(reference) == Outcome("processed")
    assert len(rig.identifiers(LIST)) == 4


def test_a_job_that_nobody_heard_of_is_waited_for(rig: AdsRig) -> None:
    """It was run, and may be done after the one that follows it: nothing opposite before."""
    die(rig, "run", numbered(0))
    reference = push(rig, numbered(0))
    first, second = (job.name for job in jobs(rig))
    rig.server.process((second,))
    assert rig.connect().outcome(reference) == Outcome("processing")
    rig.server.process((first,))
    assert rig.connect().outcome(reference) == Outcome("processed")


def test_a_job_that_is_done_is_not_waited_for(rig: AdsRig) -> None:
    """Whether it went well or not: the one that follows it has the same rows."""
    die(rig, "run", numbered(0))
    rig.faults.script(Fault(platform="google.process", method="add"))
    rig.server.process()
    reference = push(rig, numbered(0))
    rig.server.process()
    assert reference == jobs(rig)[1].name
    assert rig.connect().outcome(reference) == Outcome("processed")


def test_rows_that_were_added_twice_count_once(rig: AdsRig) -> None:
    """The answer to them was lost, so the job that has them gets them again."""
    for operation, left in ((Operation.ADD, 4), (Operation.REMOVE, 0)):
        die(rig, "add", numbered(0, operation))
        push(rig, numbered(0, operation))
        assert len(jobs(rig)[-1].rows) == 4, "two rows, twice"
        rig.server.process()
        assert len(rig.identifiers(LIST)) == left
    assert len(jobs(rig)) == 2


def test_a_batch_in_another_s_job_goes_into_one_of_its_own(rig: AdsRig) -> None:
    """Its answer was lost in a job that an earlier batch determines; both are run."""
    upload = rig.connect().open(LIST, Operation.ADD, rows=4)
    first = upload.push(numbered(0), last=False).reference
    rig.faults.script(Fault("reset", method="add", when="after"))
    with pytest.raises(Unavailable):
        upload.push(numbered(2), last=True)
    second = push(rig, numbered(2))
    assert first != second
    # The first one's was never run; the second one's was, with its only batch.
    told = [Outcome("processing", begun=True), Outcome("processing")]
    assert [rig.connect().outcome(one) for one in (first, second)] == told
    rig.server.process()
    assert [rig.connect().outcome(one) for one in (first, second)] == [Outcome("processed")] * 2
    assert [job.started for job in jobs(rig)] == [True, True]
    assert len(rig.identifiers(LIST)) == 8


def test_a_job_that_the_dead_are_still_adding_to_is_busy(rig: AdsRig) -> None:
    """CONCURRENT_MODIFICATION: nothing was applied, and the same request may come again."""
    reference = push(rig, numbered(0), last=False)
    (job,) = jobs(rig)
    with job.adding:
        with pytest.raises(AudienceBusy, match="CONCURRENT_MODIFICATION"):
            push(rig, numbered(0))
        with pytest.raises(AudienceBusy, match="CONCURRENT_MODIFICATION"):
            rig.connect().outcome(reference)
    assert (job.started, len(job.rows)) == (False, 2)
    assert push(rig, numbered(0)) == reference
    rig.server.process()
    assert rig.connect().outcome(reference) == Outcome("processed")
    assert len(rig.identifiers(LIST)) == 4


def test_a_job_that_another_runs_at_that_moment_is_run_once(rig: AdsRig) -> None:
    """Two ask what became of it; the second is told that it has begun, which is as good."""
    reference = push(rig, numbered(0), last=False)
    rig.faults.script(Fault(code="INVALID_ARGUMENT", subcode=STARTED, method="run", when="after"))
    assert rig.connect().outcome(reference) == Outcome("processing", begun=True)
    assert rig.connect().outcome(reference) == Outcome("processing")
    assert rig.world.requests["ads.run"] == 1
    rig.server.process()
    assert rig.connect().outcome(reference) == Outcome("processed")


def test_a_job_that_takes_no_more_is_not_tried_twice(rig: AdsRig) -> None:
    """It was run a moment ago, and a query still calls it PENDING; both are waited for."""
    die(rig, "create_job", numbered(0))
    rig.faults.script(Fault(code="INVALID_ARGUMENT", subcode=STARTED, method="add"))
    reference = push(rig, numbered(0))
    assert reference == ",".join(job.name for job in jobs(rig))
    assert [len(job.rows) for job in jobs(rig)] == [0, 2]
