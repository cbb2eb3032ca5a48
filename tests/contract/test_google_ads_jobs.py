"""Jobs of the Google Ads API: what is asked for, in which order, and what is caught up on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pyarrow as pa
import pytest
from google.ads.googleads.v26.resources.types.offline_user_data_job import OfflineUserDataJob

from connectors.conformance import batch, identifiers, member
from connectors.google_ads import PLATFORM, wire
from connectors.sandbox.faults import Fault, FaultQueue
from connectors.sandbox.google import serve
from connectors.sandbox.google.ads_jobs import Job
from connectors.sandbox.state import World
from syncd.errors import AudienceUnusable, Throttled, Unavailable
from syncd.model import Batch, BatchId, MatchRate, Operation, Outcome
from tests.contract.test_google_ads import CUSTOMER, AdsRig

GRANTED = ("GRANTED", "GRANTED")
UNSET = ("UNSPECIFIED", "UNSPECIFIED")
JOB = "offline_user_data_job_error"


@pytest.fixture
def rig() -> Iterator[AdsRig]:
    world, faults = World(first_id=7_001), FaultQueue()
    server = serve(world, faults, delay=None, accounts=(CUSTOMER,))
    yield AdsRig(server, world, faults)
    server.stop()


def numbered(first: int, operation: Operation = Operation.ADD) -> Batch:
    """A batch of two members of its own."""
    return batch(operation, [member(first), member(first + 1)], f"b{first}")


def consenting(given: Batch, *consents: int | None) -> Batch:
    """The batch with these consents."""
    rows = given.rows.set_column(
        given.rows.num_columns - 1, "consent", pa.array(consents, pa.int8())
    )
    return replace(given, rows=rows)


def jobs(rig: AdsRig) -> tuple[Job, ...]:
    return rig.server.ads.jobs.all()


def asked(rig: AdsRig) -> dict[str, int]:
    """Requests by method, but for lists."""
    names = {name: rig.world.requests[f"ads.{name}"] for name in ("create_job", "add", "run")}
    return {**names, "search": rig.world.requests["ads.search"]}


def test_an_upload_is_one_job_that_its_last_batch_runs(rig: AdsRig) -> None:
    """Made with the first batch, never polled, and the same for all receipts."""
    audience = rig.connect().create("whales").id
    upload = rig.connect().open(audience, Operation.ADD, rows=6)
    receipts = []
    for first in (0, 2, 4):
        assert [job.started for job in jobs(rig)] == [False] * bool(first)
        receipts.append(upload.push(numbered(first), last=first == 4))
    assert asked(rig) == {"create_job": 1, "add": 3, "run": 1, "search": 0}
    (job,) = jobs(rig)
    assert {one.reference for one in receipts} == {job.name}
    assert (job.started, job.consent, len(job.rows)) == (True, GRANTED, 6)


def test_rows_are_grouped_by_consent_and_none_is_made_up(rig: AdsRig) -> None:
    """GRANTED sets both fields of its job; UNKNOWN leaves them unset. A removal needs none."""
    audience = rig.connect().create("whales").id
    members = [member(n) for n in range(4)]
    mixed = consenting(batch(Operation.ADD, members), 1, 0, None, 1)
    rig.faults.script(
        Fault("refuse_rows", subcode=f"{JOB}.INVALID_ENCODING", rows=(1,), method="add", times=2)
    )
    receipt = rig.connect().open(audience, Operation.ADD, rows=4).push(mixed, last=True)
    assert [(job.consent, len(job.rows)) for job in jobs(rig)] == [(GRANTED, 1), (UNSET, 1)]
    assert [one.row for one in receipt.refused] == [2, 3], "positions in the batch, not in the job"
    assert receipt.reference == ",".join(job.name for job in jobs(rig))
    rig.settle()
    assert rig.connect().outcome(receipt.reference) == Outcome("processed")
    assert rig.identifiers(audience) == identifiers(members[:2])
    rig.connect().open(audience, Operation.REMOVE, rows=4).push(
        consenting(batch(Operation.REMOVE, members), 1, 0, None, 1), last=True
    )
    assert (jobs(rig)[-1].consent, len(jobs(rig)[-1].rows)) == (UNSET, 4)


def test_a_denied_consent_never_reaches_a_request(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    with pytest.raises(ValueError, match="row 1: consent 2"):
        rig.connect().open(audience, Operation.ADD, rows=2).push(
            consenting(numbered(0), 1, 2), last=True
        )
    assert asked(rig)["create_job"] == 0


def test_the_second_consent_s_trouble_is_an_unknown_outcome(rig: AdsRig) -> None:
    """The first one's rows are in their job, so it is not as if nothing was taken."""
    audience = rig.connect().create("whales").id
    rig.faults.script(
        Fault("delay", seconds=0.0, method="add"),
        Fault(code="RESOURCE_EXHAUSTED", subcode="quota_error.RESOURCE_EXHAUSTED", method="add"),
    )
    upload = rig.connect().open(audience, Operation.ADD, rows=2)
    with pytest.raises(Unavailable, match="RESOURCE_EXHAUSTED"):
        upload.push(consenting(numbered(0), 1, 0), last=True)


def test_a_job_that_a_killed_run_left_is_run_by_the_question_after_it(rig: AdsRig) -> None:
    """It would be PENDING for ever otherwise, and nothing would say so."""
    connector, audience = rig.connect(), rig.connect().create("whales").id
    upload = connector.open(audience, Operation.ADD, rows=4)
    receipt = upload.push(numbered(0), last=False)
    rig.server.process()
    assert rig.identifiers(audience) == frozenset()
    assert rig.connect().outcome(receipt.reference) == Outcome("processing", begun=True)
    rig.server.process()
    assert rig.connect().outcome(receipt.reference) == Outcome("processed")
    assert asked(rig)["run"] == 1
    assert len(rig.identifiers(audience)) == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_got_no_answer_is_no_failed_batch(rig: AdsRig, when: str) -> None:
    """Its rows are in the job; the question after them runs it, if it was not run."""
    audience = rig.connect().create("whales").id
    rig.faults.script(Fault("reset", method="run", when="after" if when == "after" else "before"))
    receipt = rig.connect().open(audience, Operation.ADD, rows=2).push(numbered(0), last=True)
    assert asked(rig)["run"] == 1
    told = rig.connect().outcome(receipt.reference)
    assert told == Outcome("processing", begun=when == "before")
    assert asked(rig)["run"] == (1 if when == "after" else 2)
    rig.server.process()
    assert rig.connect().outcome(receipt.reference) == Outcome("processed")


def test_a_question_that_cannot_run_a_job_says_so(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    receipt = rig.connect().open(audience, Operation.ADD, rows=4).push(numbered(0), last=False)
    rig.faults.script(
        Fault(
            code="RESOURCE_EXHAUSTED",
            subcode="quota_error.RESOURCE_EXHAUSTED",
            retry_after=9.0,
            method="run",
        )
    )
    with pytest.raises(Throttled) as caught:
        rig.connect().outcome(receipt.reference)
    assert caught.value.retry_after == 9.0


@pytest.mark.parametrize("fresh", [False, True])
def test_a_job_whose_making_got_no_answer_is_found_again(rig: AdsRig, *, fresh: bool) -> None:
    """By its external id, which its first batch determines: no second job is left behind."""
    audience = rig.connect().create("whales").id
    upload = rig.connect().open(audience, Operation.ADD, rows=2)
    rig.faults.script(Fault("reset", method="create_job", when="after"))
    with pytest.raises(Unavailable):
        upload.push(numbered(0), last=True)
    if fresh:
        upload = rig.connect().open(audience, Operation.ADD, rows=2)
    receipt = upload.push(numbered(0), last=True)
    (job,) = jobs(rig)
    assert receipt.reference == job.name
    assert asked(rig) == {"create_job": 2, "add": 1, "run": 1, "search": 1}
    rig.settle()
    assert len(rig.identifiers(audience)) == 4


def test_a_batch_that_comes_again_later_gets_another_job(rig: AdsRig) -> None:
    """The one it determines was run and takes nothing more."""
    audience = rig.connect().create("whales").id
    for _ in range(2):
        rig.connect().open(audience, Operation.ADD, rows=2).push(numbered(0), last=True)
    first, second = jobs(rig)
    assert (first.started, second.started) == (True, True)
    assert first.external_id != second.external_id


def test_a_job_that_was_run_meanwhile_is_followed_by_another(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    upload = rig.connect().open(audience, Operation.ADD, rows=4)
    receipt = upload.push(numbered(0), last=False)
    rig.connect().outcome(receipt.reference)
    assert upload.push(numbered(2), last=True).reference != receipt.reference
    rig.settle()
    assert len(rig.identifiers(audience)) == 8


def test_additions_and_removals_never_share_a_job(rig: AdsRig) -> None:
    """Also of one batch id: the API refuses a job of both."""
    audience = rig.connect().create("whales").id
    for operation in Operation:
        sent = batch(operation, [member(1)], "same")
        rig.connect().open(audience, operation, rows=1).push(sent, last=False)
    assert sorted(job.operation for job in jobs(rig)) == ["create", "remove"]


def test_no_job_ever_removes_all(rig: AdsRig) -> None:
    """Two jobs of one list run in any order: one that empties it could come second."""
    assert not PLATFORM.capabilities.replace
    assert not {"cut", "replace"} & {*dir(rig.connect())}
    audience = rig.connect().create("whales").id
    for operation in Operation:
        sent = batch(operation, [member(1)], operation.value)
        rig.connect().open(audience, operation, rows=1).push(sent, last=True)
    assert {job.operation for job in jobs(rig)} == {"create", "remove"}


def test_a_status_that_is_newer_than_the_sdk_is_still_under_way(rig: AdsRig) -> None:
    """A number without a name is one in the SDK's raw messages; the rest is as ever."""
    made = rig.connect().create("whales")
    audience = rig.world.get(made.id)
    assert audience is not None
    audience.about["membership_status"] = 99
    assert rig.connect().read(made.id).status == ""
    job = OfflineUserDataJob.pb()(status=99)
    job.operation_metadata.match_rate_range = 99
    assert (wire.state(job), wire.match_rate(job)) == ("UNKNOWN", None)


def test_a_job_that_google_does_not_know_is_forgotten(rig: AdsRig) -> None:
    name = f"customers/{CUSTOMER}/offlineUserDataJobs/1"
    assert rig.connect().outcome(name) == Outcome("forgotten")


def test_a_job_that_failed_failed(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    receipt = rig.connect().open(audience, Operation.ADD, rows=2).push(numbered(0), last=True)
    rig.faults.script(Fault(platform="google.process", method="add"))
    rig.settle()
    assert rig.connect().outcome(receipt.reference) == Outcome("failed")


def test_the_match_rate_is_read_back(rig: AdsRig) -> None:
    """A range, of a job that is large enough."""
    audience = rig.connect().create("whales").id
    many = batch(Operation.ADD, [member(n) for n in range(120)])
    receipt = rig.connect().open(audience, Operation.ADD, rows=120).push(many, last=True)
    rig.settle()
    told = rig.connect().outcome(receipt.reference)
    assert told == Outcome("processed", match_rate=MatchRate(81, 90))


def test_one_person_is_one_operation_and_an_address_needs_its_four_parts(rig: AdsRig) -> None:
    plain = frozenset({"postcode", "country"})
    cells = ("email", "email_2", "phone", "given_name", "family_name", "postcode", "country")
    whole = member(1, *cells, plain=plain)
    torn = dict(member(2, *cells, plain=plain))
    del torn["postcode"]
    audience = rig.connect().create("whales").id
    rig.connect().open(audience, Operation.ADD, rows=2).push(
        batch(Operation.ADD, [whole, torn]), last=True
    )
    assert [len(row) for row in jobs(rig)[0].rows] == [4, 3]
    rig.settle()
    assert rig.identifiers(audience) == identifiers([whole, torn], plain)


@pytest.mark.parametrize(
    ("key", "more", "cell"),
    [("crm_id", {}, "external_id"), ("mobile_id", {"app_id": "com.example"}, "device_id")],
)
def test_a_list_of_ids_takes_them_as_they_are(
    rig: AdsRig, key: str, more: dict[str, str], cell: str
) -> None:
    audience = rig.connect().create("whales", {"upload_key": key, **more}).id
    plain = frozenset({"device_id", "external_id"})
    members = [member(n, cell, plain=plain) for n in (1, 2)]
    for operation, left in ((Operation.ADD, members), (Operation.REMOVE, [])):
        upload = rig.connect().open(audience, operation, rows=2)
        assert upload.push(batch(operation, members), last=True).refused == ()
        rig.settle()
        assert rig.identifiers(audience) == identifiers(left, plain)


def test_a_list_is_made_as_told(rig: AdsRig) -> None:
    """Its life span is the list's own, and an app belongs to mobile ids only."""
    connector = rig.connect()
    made = connector.create("whales", {"membership_days": 30, "description": "Bought most"})
    lifespan = connector.read(made.id).lifespan
    assert lifespan is not None
    assert lifespan.days == 30
    for options in ({"upload_key": "mobile_id"}, {"app_id": "com.example"}):
        with pytest.raises(AudienceUnusable):
            connector.create(
                "others", cast("dict[str, str | int | bool | tuple[str, ...]]", options)
            )


def test_an_empty_or_too_large_batch_is_not_sent(rig: AdsRig) -> None:
    audience = rig.connect().create("whales").id
    upload = rig.connect().open(audience, Operation.ADD, rows=1)
    for sent in (
        batch(Operation.ADD, []),
        batch(Operation.ADD, [member(1)] * 5_001),
        batch(Operation.REMOVE, [member(1)]),
        Batch(BatchId("b"), Operation.ADD, batch(Operation.ADD, [{}]).rows),
    ):
        with pytest.raises(ValueError, match=r"batch|no identifier"):
            upload.push(sent, last=True)
    assert asked(rig)["add"] == 0
