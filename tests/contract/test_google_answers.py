"""What the Google connector makes of errors, silence and statuses."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Iterator

import pytest
from google.ads.datamanager_v1 import types
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # as above

from connectors.conformance import batch, member
from connectors.google import channel, client
from syncd.errors import (
    AudienceGone,
    AudienceUnusable,
    Denied,
    PlatformError,
    RequestRefused,
    Throttled,
    Unavailable,
)
from syncd.model import MatchRate, Operation, Outcome, Refusal
from tests.contract.google_recorder import (
    CREATE,
    CUSTOMER,
    GET,
    INGEST,
    LIST,
    REMOVE,
    SECRET,
    STATUS,
    WORDS,
    Recorder,
    adding,
    bad_fields,
    connect,
    digest,
    error,
    info,
    push,
    recording,
)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("UNAVAILABLE", "", Unavailable),
        ("INTERNAL", "INTERNAL_ERROR", Unavailable),
        ("DEADLINE_EXCEEDED", "", Unavailable),
        ("ABORTED", "", Unavailable),
        ("UNKNOWN", "", Unavailable),
        ("CANCELLED", "", Unavailable),
        ("DATA_LOSS", "", Unavailable),
        ("UNAVAILABLE", "PERMISSION_DENIED", Unavailable),
        ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", Throttled),
        ("PERMISSION_DENIED", "", Denied),
        ("PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", Denied),
        ("UNAUTHENTICATED", "", Denied),
        ("UNIMPLEMENTED", "", Denied),
        ("INVALID_ARGUMENT", "TERMS_AND_CONDITIONS_NOT_SIGNED", Denied),
        ("FAILED_PRECONDITION", "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED", Denied),
        ("FAILED_PRECONDITION", "", AudienceUnusable),
        ("FAILED_PRECONDITION", "A_REASON_OF_2031", AudienceUnusable),
        ("NOT_FOUND", "", AudienceGone),
        ("INVALID_ARGUMENT", "INVALID_USER_LIST_ID", AudienceGone),
        ("ALREADY_EXISTS", "DISPLAY_NAME_ALREADY_USED", AudienceUnusable),
        ("INVALID_ARGUMENT", "", RequestRefused),
        ("INVALID_ARGUMENT", "TOO_MANY_AUDIENCE_MEMBERS", RequestRefused),
        ("INVALID_ARGUMENT", "A_REASON_OF_2031", RequestRefused),
        ("OUT_OF_RANGE", "", RequestRefused),
    ],
)
def test_an_error_is_sorted_by_its_code_and_then_its_reason(
    recorder: Recorder, code: str, reason: str, kind: type[PlatformError]
) -> None:
    recorder.answers = [error(code, *([info(reason)] if reason else []))]
    with pytest.raises(kind) as caught:
        push(recorder, adding({"email": digest("a")}))
    assert type(caught.value) is kind
    assert caught.value.code == (f"{code}/{reason}" if reason else code)
    assert len(recorder.calls) == 1


@pytest.mark.parametrize("path", ["audience_members[{}].user_data", "audienceMembers.{}.consent"])
def test_named_fields_become_rows(recorder: Recorder, path: str) -> None:
    """However Google writes the path; never a row that we did not send."""
    fields = [path.format(number) for number in (2, 0, 2, 7)]
    bad = bad_fields(*fields, "encoding", reason="INVALID_SHA256_FORMAT")
    recorder.answers = [error("INVALID_ARGUMENT", info("INVALID_ARGUMENT"), bad)]
    with pytest.raises(RequestRefused) as caught:
        push(recorder, adding(*[{"email": digest("a")}] * 3))
    assert caught.value.rows == (0, 2)
    assert caught.value.code == "INVALID_ARGUMENT/INVALID_SHA256_FORMAT"


def test_a_named_row_is_to_blame_whatever_the_reason(recorder: Recorder) -> None:
    """Leaving it out is the way on; stopping the account would not be."""
    bad = bad_fields("audience_members[1].consent", reason="NOT_ALLOWLISTED")
    recorder.answers = [error("INVALID_ARGUMENT", bad)]
    with pytest.raises(RequestRefused) as caught:
        push(recorder, adding(*[{"email": digest("a")}] * 2))
    assert caught.value.rows == (1,)


def test_a_thousand_named_rows_arrive(recorder: Recorder) -> None:
    """The limit of gRPC itself on trailers would make a used-up quota of them."""
    fields = [f"audience_members[{n}].user_data.user_identifiers[0]" for n in range(1_000)]
    recorder.answers = [error("INVALID_ARGUMENT", bad_fields(*fields))]
    with pytest.raises(RequestRefused) as caught:
        push(recorder, adding(*[{"email": digest("a")}] * 1_000))
    assert caught.value.rows == tuple(range(1_000))


def test_a_quota_states_its_wait_and_its_name(recorder: Recorder) -> None:
    wait = error_details_pb2.RetryInfo()
    wait.retry_delay.FromMilliseconds(7_500)
    quota = info("RATE_LIMIT_EXCEEDED", quota_limit="IngestPerMinutePerProject")
    recorder.answers = [error("RESOURCE_EXHAUSTED", quota, wait)]
    with pytest.raises(Throttled, match="IngestPerMinutePerProject") as caught:
        push(recorder, adding({"email": digest("a")}))
    assert caught.value.retry_after == 7.5


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("IngestPerMinutePerProject", 60.0), ("IngestPerDayPerProject", 3_600.0), ("Other", None)],
)
def test_a_quota_without_a_wait_is_tried_again_by_its_window(
    recorder: Recorder, name: str, seconds: float | None
) -> None:
    """Named by ErrorInfo, or by a QuotaFailure."""
    failure = error_details_pb2.QuotaFailure()
    failure.violations.add(quota_id=name)
    for detail in (info("RATE_LIMIT_EXCEEDED", quota_limit=name), failure):
        recorder.answers = [error("RESOURCE_EXHAUSTED", detail)]
        with pytest.raises(Throttled, match=name) as caught:
            push(recorder, adding({"email": digest("a")}))
        assert caught.value.retry_after == seconds


@pytest.mark.parametrize(
    ("details", "of_rows"),
    [
        ((), True),
        ((info("INVALID_SHA256_FORMAT"),), True),
        ((bad_fields("audience_members"),), True),
        ((bad_fields("audience_members[0]"),), True),
        ((info("TOO_MANY_AUDIENCE_MEMBERS"),), False),
        ((bad_fields("encoding"),), False),
        ((info("REQUIRED_FIELD_MISSING"), bad_fields("destinations[0].reference")), False),
    ],
)
def test_a_refusal_is_about_members_unless_it_names_something_else(
    recorder: Recorder, details: tuple[object, ...], *, of_rows: bool
) -> None:
    recorder.answers = [error("INVALID_ARGUMENT", *details)]
    with pytest.raises(RequestRefused) as caught:
        push(recorder, adding({"email": digest("a")}))
    assert caught.value.of_rows is of_rows


def test_a_request_id_is_passed_on_for_support(recorder: Recorder) -> None:
    trace = error_details_pb2.RequestInfo(request_id="ab-12")
    recorder.answers = [error("INTERNAL", trace)]
    with pytest.raises(Unavailable, match="reference ab-12"):
        push(recorder, adding({"email": digest("a")}))


def test_no_prose_or_digest_of_an_error_is_told(recorder: Recorder) -> None:
    """Whatever field it stands in, and wherever Python keeps it."""
    odd = info(f"Bad {SECRET}", quota_limit=f"{SECRET} {SECRET}")
    trace = error_details_pb2.RequestInfo(request_id=SECRET, serving_data=SECRET)
    for code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "INTERNAL", "PERMISSION_DENIED"):
        recorder.answers = [error(code, odd, bad_fields(SECRET, reason=SECRET), trace)]
        with pytest.raises(PlatformError) as caught:
            push(recorder, adding({"email": digest("canary")}))
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert SECRET not in shown
        assert WORDS not in shown
        assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x0a\xff"])
def test_an_answer_without_a_request_id_is_an_unknown_outcome(
    recorder: Recorder, answer: bytes
) -> None:
    recorder.answers = [answer]
    with pytest.raises(Unavailable):
        push(recorder, adding({"email": digest("a")}))
    assert len(recorder.calls) == 1


def test_a_user_list_without_an_id_is_malformed(recorder: Recorder) -> None:
    recorder.answers = [b""]
    with pytest.raises(Unavailable, match="malformed"):
        connect(recorder).create("Whales")


def test_the_sdk_retries_nothing(recorder: Recorder) -> None:
    """Its own default tries ingestion and status again for minutes."""
    recorder.answers = [error("UNAVAILABLE")]
    connector = connect(recorder)
    removal = batch(Operation.REMOVE, [member(1)])
    for ask in (
        lambda: connector.outcome("r-1"),
        lambda: connector.find("Whales"),
        lambda: connector.read("1"),
        lambda: connector.create("Whales"),
        lambda: push(recorder, adding({"email": digest("a")})),
        lambda: push(recorder, removal),
    ):
        with pytest.raises(Unavailable):
            ask()
    assert [method for method, _, _ in recorder.calls] == [
        STATUS,
        LIST,
        GET,
        CREATE,
        INGEST,
        REMOVE,
    ]
    assert all(metadata["seconds"] != "none" for _, _, metadata in recorder.calls)


def test_a_deadline_ends_a_silent_call(recorder: Recorder) -> None:
    over = threading.Event()
    # Longer than the deadline by far.
    recorder.answers = [lambda: b"" if over.wait(20) else b"late"]
    connector = client.over(
        channel.plaintext(f"127.0.0.1:{recorder.port}"),
        account="google-eu",
        customer=CUSTOMER,
        login="",
        randbits=lambda _: 1,
        upload_seconds=0.2,
        question_seconds=0.2,
    )
    upload = connector.open("4711", Operation.ADD, rows=1)
    for ask in (
        lambda: upload.push(adding({"email": digest("a")}), last=True),
        lambda: connector.outcome("r-1"),
        lambda: connector.find("Whales"),
    ):
        with pytest.raises(Unavailable, match="DEADLINE_EXCEEDED"):
            ask()
    over.set()


def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        connect(Recorder(port=port)).find("Whales")


def status_answer(*destinations: tuple[int, dict[int, int], int]) -> bytes:
    """Per destination: request status, error counts by reason's number, match rate."""
    answer = types.RetrieveRequestStatusResponse.pb()()
    for state, errors, rate in destinations:
        told = answer.request_status_per_destination.add()
        told.request_status = state
        told.audience_members_ingestion_status.user_data_ingestion_status.record_count = 500
        counts = told.audience_members_ingestion_status.user_data_ingestion_status
        counts.upload_match_rate_range = rate
        for reason, count in errors.items():
            told.error_info.error_counts.add(reason=reason, record_count=count)
    raw: bytes = answer.SerializeToString()
    return raw


DENIED = Refusal(None, "DENIED_CONSENT", 3)


@pytest.mark.parametrize(
    ("destinations", "expected"),
    [
        ([], Outcome("processing")),
        ([(0, {}, 0)], Outcome("processing")),
        ([(2, {}, 0)], Outcome("processing")),
        ([(99, {}, 0)], Outcome("processing")),
        ([(1, {}, 0)], Outcome("processed")),
        ([(1, {}, 9)], Outcome("processed", match_rate=MatchRate(81, 90))),
        ([(1, {}, 2)], Outcome("processed", match_rate=MatchRate(0, 20))),
        # Of several: from the least of all to the most; as text the order would be another.
        ([(1, {}, 9), (1, {}, 2)], Outcome("processed", match_rate=MatchRate(0, 90))),
        ([(1, {}, 1)], Outcome("processed")),
        ([(1, {}, 77)], Outcome("processed")),
        ([(4, {4: 3}, 0)], Outcome("processed", (DENIED,))),
        ([(4, {4: 3, 18: 0}, 0)], Outcome("processed", (DENIED,))),
        ([(4, {777: 5}, 0)], Outcome("processed", (Refusal(None, "UNKNOWN_777", 5),))),
        ([(3, {4: 3}, 0)], Outcome("failed", (DENIED,))),
        ([(1, {}, 0), (2, {}, 0)], Outcome("processing")),
        ([(1, {}, 0), (3, {}, 0)], Outcome("failed")),
    ],
)
def test_a_status_becomes_an_outcome(
    recorder: Recorder, destinations: list[tuple[int, dict[int, int], int]], expected: Outcome
) -> None:
    """Counts are of records sent: only error counts tell. Unknown numbers are no error."""
    recorder.answers = [status_answer(*destinations)]
    assert connect(recorder).outcome("r-1") == expected
    ((method, raw, _),) = recorder.calls
    assert method == STATUS
    assert types.RetrieveRequestStatusRequest.deserialize(raw).request_id == "r-1"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("INVALID_ARGUMENT", "INVALID_REQUEST_ID"),
        ("INVALID_ARGUMENT", "REQUEST_TOO_OLD"),
        ("NOT_FOUND", ""),
    ],
)
def test_a_request_that_google_does_not_know_is_forgotten(
    recorder: Recorder, code: str, reason: str
) -> None:
    recorder.answers = [error(code, *([info(reason)] if reason else []))]
    assert connect(recorder).outcome("r-1") == Outcome("forgotten")


def test_a_failed_question_is_no_outcome(recorder: Recorder) -> None:
    recorder.answers = [error("PERMISSION_DENIED")]
    with pytest.raises(Denied):
        connect(recorder).outcome("r-1")
