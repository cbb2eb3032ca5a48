"""What the errors of the Google Ads API mean to syncd, as data.

A failed call carries a GoogleAdsFailure, a list of errors with a code each, which decides; the
gRPC status does where there is none. Only codes pass: Google's prose, and the values that it
quotes, are dropped.

Sources: google-ads 34.0.0, `v26/errors/types`; an unknown code falls back on the status.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.ads.googleads.errors import GoogleAdsException
from google.api_core.exceptions import GoogleAPICallError

from connectors.google_ads.meanings import FINAL, GATE, HINTS, OF_SIZE, PASSING, ROWS, STATUS
from syncd.errors import Denied, PlatformError, RequestRefused, Throttled, Unavailable

PLATFORM = "google_ads"
MALFORMED = "malformed"

_REFERENCE = re.compile(r"[A-Za-z0-9_.:=-]{1,60}\Z")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]{0,59}\Z")
_TRAILER = re.compile(r"google\.ads\.googleads\.v[0-9]+\.errors\.googleadsfailure-bin\Z")

# A raw GoogleAdsFailure; the generated classes have no types.
Failure = Any


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error of a failure.

    Attributes:
        code: `QuotaError.RESOURCE_EXHAUSTED`, as Google's reference has it.
        row: Position of the operation that it is about; None if it names none.
        retry_after: Seconds, as far as stated.
        limit: The quota's name, with a blank before it and in brackets; "" if there is none.
    """

    code: str
    row: int | None = None
    retry_after: float | None = None
    limit: str = ""

    @property
    def name(self) -> str:
        """The code without its kind."""
        return self.code.partition(".")[2]


def troubles(failure: Failure) -> tuple[Trouble, ...]:
    """The errors of a failure."""
    return tuple(
        Trouble(_code(one.error_code), _row(one.location), *_quota(one.details))
        for one in failure.errors
    )


def translate(
    error: GoogleAdsException | GoogleAPICallError,
    read: Callable[[bytes], Failure],
    *,
    rows: int = 0,
) -> PlatformError:
    """The error of ours that a failed call stands for.

    The SDK has two families: its own exception where the answer has a failure, and that of
    google.api_core where there is none, and also for RESOURCE_EXHAUSTED and INTERNAL, with the
    failure still unread in the trailer.

    Args:
        error: As raised by the SDK.
        read: Reads a GoogleAdsFailure from its bytes.
        rows: Rows that the request carried; named positions beyond them are dropped.
    """
    if isinstance(error, GoogleAdsException):
        status, failure, reference = error.error.code().name, error.failure, error.request_id
        found = troubles(type(failure).pb(failure) if hasattr(type(failure), "pb") else failure)
    else:
        code = error.grpc_status_code
        status = code.name if code is not None else "UNKNOWN"
        trailer = dict(_trailer(error))
        reference = trailer.get("request-id", "")
        packed = next((v for k, v in trailer.items() if _TRAILER.match(k)), None)
        found = troubles(read(packed)) if isinstance(packed, bytes) else ()
        reason = str(error.reason or "")
        if not found and reason in GATE:  # which the API itself was not reached through
            return Denied(PLATFORM, f"{status}/{reason}", hint=GATE[reason])
    known = reference if isinstance(reference, str) and _REFERENCE.match(reference) else ""
    return meant(found, status, reference=known, rows=rows)


def meant(
    found: Iterable[Trouble], status: str, *, reference: str = "", rows: int = 0
) -> PlatformError:
    """The error of ours that errors of a failure stand for.

    Args:
        found: The gravest of them decides: one of a row only where there is no other.
        status: The gRPC status' name, for codes that mean nothing to us.
        reference: Google's id of the request, checked.
        rows: Rows that the request carried.
    """
    found = tuple(found)
    first = next((one for one in found if one.code not in ROWS), next(iter(found), None))
    if first is None:
        return _made(STATUS.get(status, Unavailable), status, reference, HINTS.get(status, ""))
    kind = PASSING.get(first.code) or FINAL.get(first.code)
    hint = HINTS.get(first.code) or HINTS.get(first.name, "")
    if kind is None and first.code not in ROWS:
        hint = hint or HINTS.get(status, "")
    if kind is not None and issubclass(kind, Throttled):
        hint += first.limit
        return kind(
            PLATFORM, first.code, retry_after=first.retry_after, reference=reference, hint=hint
        )
    if first.code in ROWS or first.code in OF_SIZE:
        named = sorted({one.row for one in found if one.row is not None and one.row < rows})
        return RequestRefused(
            PLATFORM,
            first.code,
            rows=tuple(named),
            of_size=first.code in OF_SIZE,
            reference=reference,
            hint=hint,
        )
    return _made(kind or STATUS.get(status, Unavailable), first.code, reference, hint)


def passing(found: Iterable[Trouble]) -> bool:
    """Whether one of them passes by itself, so that it is no fault of a row's."""
    return any(one.code in PASSING for one in found)


def malformed(what: str) -> Unavailable:
    """An answer that cannot be read; `what` is in our words."""
    return Unavailable(PLATFORM, MALFORMED, hint=what)


def keyless() -> Denied:
    """Google's token server gives no token for the service account's key."""
    return Denied(PLATFORM, "UNAUTHENTICATED", hint=HINTS["UNAUTHENTICATED"])


def _made(kind: type[PlatformError], code: str, reference: str, hint: str) -> PlatformError:
    if issubclass(kind, RequestRefused):
        return RequestRefused(PLATFORM, code, of_rows=False, reference=reference, hint=hint)
    return kind(PLATFORM, code, reference=reference, hint=hint)


def _trailer(error: GoogleAPICallError) -> Iterator[tuple[str, str | bytes]]:
    told = getattr(error.response, "trailing_metadata", None)
    yield from (told() if told is not None else None) or ()


def _code(error_code: Any) -> str:  # noqa: ANN401  # raw protobuf
    """`QuotaError.RESOURCE_EXHAUSTED`; a number for a name that is newer than the SDK."""
    kind = error_code.WhichOneof("error_code")
    if kind is None:
        return "ErrorCode.UNKNOWN"
    number = getattr(error_code, kind)
    named = error_code.DESCRIPTOR.fields_by_name[kind].enum_type.values_by_number.get(number)
    return f"{kind.title().replace('_', '')}.{named.name if named else number}"


def _row(location: Any) -> int | None:  # noqa: ANN401  # raw protobuf
    for element in location.field_path_elements:
        if element.field_name == "operations" and element.HasField("index"):
            return int(element.index)
    return None


def _quota(details: Any) -> tuple[float | None, str]:  # noqa: ANN401  # raw protobuf
    """The wait that an error of quota states, and which limit it was."""
    quota = details.quota_error_details
    wait = quota.retry_delay.seconds + quota.retry_delay.nanos / 1e9
    name = f" ({quota.rate_name})" if _NAME.match(quota.rate_name) else ""
    return (wait if wait > 0 else None), name
