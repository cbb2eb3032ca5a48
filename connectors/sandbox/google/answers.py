"""Answers and refusals in Google's form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
from google.ads.datamanager_v1 import types
from google.protobuf import any_pb2  # type: ignore[import-untyped]  # no stubs installed
from google.protobuf.message import Message  # type: ignore[import-untyped]  # as above
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # generated, no stubs
from grpc_status import rpc_status  # type: ignore[import-untyped]  # has none

from connectors.sandbox.faults import Fault
from connectors.sandbox.google.checks import Violation
from connectors.sandbox.google.work import Status

# Below this many a rate would tell of single people; our guess at where Google draws it.
_FEWEST_FOR_A_RATE = 100
_DOMAIN = "datamanager.googleapis.com"


def request_status(status: Status) -> Any:  # noqa: ANN401  # a raw protobuf message
    """How far a request is, once a destination."""
    answer = types.RetrieveRequestStatusResponse.pb()()
    state: Any = getattr(types.RequestStatusPerDestination.RequestStatus, status.state)
    for audience in status.request.audiences:
        told = answer.request_status_per_destination.add()
        told.destination.product_destination_id = audience
        told.request_status = int(state)
        if status.request.method == "add":
            counts = told.audience_members_ingestion_status.user_data_ingestion_status
            counts.upload_match_rate_range = _match_rate(status)
        elif status.request.method == "cut":
            told.remove_all_audience_members_status.SetInParent()  # which has no counts
            continue
        else:
            counts = told.audience_members_removal_status.user_data_removal_status
        # Totals sent, whatever became of them: so the reference says.
        counts.record_count = status.request.records
        counts.user_identifier_count = status.request.identifiers
        for reason, count in sorted(status.errors.items()):
            error = told.error_info.error_counts.add()
            error.reason = _reason_number(reason)
            error.record_count = count
    return answer


def _match_rate(status: Status) -> int:
    rates = types.MatchRateRange
    if status.state == "PROCESSING":
        return int(rates.MATCH_RATE_RANGE_UNKNOWN)
    if status.state == "FAILED" or status.request.records < _FEWEST_FOR_A_RATE:
        return int(rates.MATCH_RATE_RANGE_NOT_ELIGIBLE)
    return int(rates.MATCH_RATE_RANGE_81_TO_90)


def _reason_number(reason: str) -> int:
    """A number goes through as it is: Google adds reasons that an SDK does not know."""
    if reason.isdigit():
        return int(reason)
    number: Any = getattr(types.ProcessingErrorReason, f"PROCESSING_ERROR_REASON_{reason}")
    return int(number)


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str) -> NoReturn:
    """End the call with an error that has a reason."""
    _abort(context, code, (_info(reason),))


def refuse_fields(context: grpc.ServicerContext, violations: Iterable[Violation]) -> NoReturn:
    """End the call with INVALID_ARGUMENT, naming the fields."""
    violations = tuple(violations)
    fields = error_details_pb2.BadRequest()
    for violation in violations:
        fields.field_violations.add(
            field=violation.field, reason=violation.reason, description="This is not valid."
        )
    details = (_info(violations[0].reason), fields)
    _abort(context, grpc.StatusCode.INVALID_ARGUMENT, details)


def refuse_as_told(context: grpc.ServicerContext, fault: Fault) -> NoReturn:
    """End the call as a fault says; a code that is no gRPC name is INTERNAL."""
    code = grpc.StatusCode.__members__.get(str(fault.code), grpc.StatusCode.INTERNAL)
    details: list[Message] = []
    if fault.subcode is not None:
        details.append(_info(str(fault.subcode), fault.headers))
    if fault.retry_after is not None:
        wait = error_details_pb2.RetryInfo()
        wait.retry_delay.FromNanoseconds(round(fault.retry_after * 1e9))
        details.append(wait)
    if fault.rows:
        fields = error_details_pb2.BadRequest()
        for row in fault.rows:
            fields.field_violations.add(field=f"audience_members[{row}]")
        details.append(fields)
    _abort(context, code, details)


def _info(reason: str, metadata: Any = ()) -> Message:  # noqa: ANN401  # a mapping of text
    info: Message = error_details_pb2.ErrorInfo(
        reason=reason, domain=_DOMAIN, metadata=dict(metadata)
    )
    return info


def _abort(
    context: grpc.ServicerContext, code: grpc.StatusCode, details: Iterable[Message]
) -> NoReturn:
    status = status_pb2.Status(
        code=code_pb2.Code.Value(code.name), message="The request was not carried out."
    )
    request_info = error_details_pb2.RequestInfo(request_id="sandbox-trace")
    for detail in (*details, request_info):
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError  # abort raises; its signature does not say so
