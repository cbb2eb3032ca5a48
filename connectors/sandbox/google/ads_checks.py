"""What the Google Ads API refuses of a request that carries rows, as its reference states it.

Errors of rows are partial failures where the request asks for that: the others go through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.sandbox.google.ads_answers import Trouble
from connectors.sandbox.state import Identifier, Row

MAX_IDENTIFIERS = 100_000  # a request; OfflineUserDataJobError.TOO_MANY_USER_IDENTIFIERS
MAX_OF_ONE = 20

# What a list of each upload_key_type takes.
KEYS = {
    "CONTACT_INFO": {"hashed_email", "hashed_phone_number", "address_info"},
    "CRM_ID": {"third_party_user_id"},
    "MOBILE_ADVERTISING_ID": {"mobile_id"},
}

_JOB = "offline_user_data_job_error"
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_MOBILE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_KINDS = {
    "hashed_email": "email",
    "hashed_phone_number": "phone",
    "third_party_user_id": "external_id",
    "mobile_id": "device_id",
}


def request_trouble(operations: Any, before: str) -> Trouble | None:  # noqa: ANN401  # raw
    """Why a whole request is refused, if it is.

    Args:
        operations: Of the request.
        before: What the job's earlier operations were: `create`, `remove`, or "".
    """
    kinds = [one.WhichOneof("operation") for one in operations]
    if not kinds:
        return Trouble("collection_size_error.TOO_FEW")
    if "remove_all" in (kinds if before else kinds[1:]):
        return Trouble(f"{_JOB}.INVALID_OPERATION_ORDER")
    if len({before, *kinds} - {"", "remove_all"}) > 1:
        return Trouble(f"{_JOB}.CONFLICTING_OPERATION")
    total = sum(len(person(one).user_identifiers) for one in operations)
    return Trouble(f"{_JOB}.TOO_MANY_USER_IDENTIFIERS") if total > MAX_IDENTIFIERS else None


def row_troubles(operations: Iterable[Any], key_type: str) -> Iterator[Trouble]:
    """The first fault of each bad row."""
    for position, operation in enumerate(operations):
        fault = next(_faults(person(operation), KEYS[key_type]), None)
        if fault is not None:
            yield Trouble(fault if "." in fault else f"{_JOB}.{fault}", position)


def person(operation: Any) -> Any:  # noqa: ANN401  # raw protobuf
    """An operation's UserData."""
    return operation.remove if operation.WhichOneof("operation") == "remove" else operation.create


def row_of(operation: Any) -> Row:  # noqa: ANN401  # raw protobuf
    """An operation's identifiers as the sandbox keeps them."""
    return frozenset(_identifier(one) for one in person(operation).user_identifiers)


def _identifier(one: Any) -> Identifier:  # noqa: ANN401  # raw protobuf
    kind = one.WhichOneof("identifier")
    if kind != "address_info":
        return (_KINDS[kind], getattr(one, kind))
    address = one.address_info
    cells = (
        address.hashed_first_name,
        address.hashed_last_name,
        address.postal_code,
        address.country_code,
    )
    return ("address", "|".join(cells))


def _faults(user: Any, keys: set[str]) -> Iterator[str]:  # noqa: ANN401  # raw protobuf
    if not user.user_identifiers:
        yield "MISSING_USER_IDENTIFIER"
    if len(user.user_identifiers) > MAX_OF_ONE:
        yield "TOO_MANY_USER_IDENTIFIERS"
    for one in user.user_identifiers:
        kind = one.WhichOneof("identifier")
        if kind is None:
            yield "MISSING_USER_IDENTIFIER"
        elif kind not in keys:
            yield "INCOMPATIBLE_UPLOAD_KEY_TYPE"
        else:
            yield from _part(kind, one)


def _part(kind: str, one: Any) -> Iterator[str]:  # noqa: ANN401  # raw protobuf
    if kind in ("hashed_email", "hashed_phone_number"):
        if not _DIGEST.match(getattr(one, kind)):
            yield "INVALID_SHA256_FORMAT"
    elif kind == "mobile_id":
        if not _MOBILE.match(one.mobile_id):
            yield "INVALID_MOBILE_ID_FORMAT"
    elif kind == "address_info":
        address = one.address_info
        if not all(map(_DIGEST.match, (address.hashed_first_name, address.hashed_last_name))):
            yield "INVALID_SHA256_FORMAT"
        if not _COUNTRY.match(address.country_code):
            yield "INVALID_COUNTRY_CODE"
        if not address.postal_code:
            yield "field_error.REQUIRED"
