"""Answers and refusals in the Google Ads API's form, of any version that is installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2  # type: ignore[import-untyped]  # no stubs installed
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # generated, no stubs
from grpc_status import rpc_status  # type: ignore[import-untyped]  # as above

from connectors.sandbox.faults import Fault

PACKAGE = "google.ads.googleads"
REQUEST_ID = "sandbox-trace"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error of a failure.

    Attributes:
        code: `offline_user_data_job_error.INVALID_SHA256_FORMAT`; a number for a name that
            the SDK does not know.
        row: Position of the operation that it is about; None for the request.
        retry_after: Seconds, of an error of quota.
    """

    code: str
    row: int | None = None
    retry_after: float | None = None


@cache
def message(version: str, module: str, name: str) -> Any:  # noqa: ANN401  # a generated class
    """A raw protobuf class: `message("v26", "services.types.user_list_service", ...)`."""
    return getattr(import_module(f"{PACKAGE}.{version}.{module}"), name).pb()


def failure(version: str, troubles: Iterable[Trouble]) -> Any:  # noqa: ANN401  # raw protobuf
    """A GoogleAdsFailure."""
    found = message(version, "errors.types.errors", "GoogleAdsFailure")()
    found.request_id = REQUEST_ID
    for trouble in troubles:
        error = found.errors.add()
        kind, _, name = trouble.code.partition(".")
        field = error.error_code.DESCRIPTOR.fields_by_name[kind]
        number = int(name) if name.isdigit() else field.enum_type.values_by_name[name].number
        setattr(error.error_code, kind, number)
        error.message = "This was not carried out."
        if trouble.row is not None:
            place = error.location.field_path_elements.add()
            place.field_name, place.index = "operations", trouble.row
            error.location.field_path_elements.add().field_name = "create"
        if trouble.retry_after is not None:
            quota = error.details.quota_error_details
            quota.retry_delay.FromNanoseconds(round(trouble.retry_after * 1e9))
            quota.rate_name = "Requests per minute"
    return found


def partial(version: str, troubles: Iterable[Trouble]) -> Any:  # noqa: ANN401  # raw protobuf
    """A failure of some operations, as an answer that is no error carries it."""
    status = status_pb2.Status(code=code_pb2.Code.Value("INVALID_ARGUMENT"), message="Some failed.")
    packed = any_pb2.Any()
    packed.Pack(failure(version, troubles))
    status.details.append(packed)
    return status


def refuse(
    context: grpc.ServicerContext,
    version: str,
    *troubles: Trouble,
    code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT,
) -> NoReturn:
    """End the call with a failure in its trailer; without troubles there is no failure."""
    trailer: list[tuple[str, str | bytes]] = [("request-id", REQUEST_ID)]
    if troubles:
        key = f"{PACKAGE}.{version}.errors.googleadsfailure-bin"
        trailer.append((key, failure(version, troubles).SerializeToString()))
    context.set_trailing_metadata(tuple(trailer))
    context.abort(code, "The request was not carried out.")
    raise AssertionError  # abort raises; its signature does not say so


def refuse_as_told(context: grpc.ServicerContext, version: str, fault: Fault) -> NoReturn:
    """End the call as a fault says; a code that is no gRPC name is INTERNAL."""
    code = grpc.StatusCode.__members__.get(str(fault.code), grpc.StatusCode.INTERNAL)
    said = str(fault.subcode or "")
    if said and "." not in said:
        _refuse_at_the_gate(context, code, said)
    rows: tuple[int | None, ...] = fault.rows or (None,)
    troubles = [Trouble(said, row, fault.retry_after) for row in rows] if said else []
    refuse(context, version, *troubles, code=code)


def _refuse_at_the_gate(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str) -> None:
    """End the call as Google's gateway does, with an ErrorInfo and no failure of the API."""
    status = status_pb2.Status(code=code.value[0], message="The request was not let in.")
    packed = any_pb2.Any()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com"))
    status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))
