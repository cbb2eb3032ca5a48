"""What the Data Manager API refuses, as its reference states it.

One bad member refuses the whole request. The reference says that the offending fields
are named; how a path is written it does not say, so the form here is a likely one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from typing import Any

from google.ads.datamanager_v1 import types

from connectors.sandbox.google.nodes import upload_keys
from connectors.sandbox.state import Identifier, Row, World

MAX_MEMBERS = 10_000
MAX_IDENTIFIERS = 10
MAX_DESTINATIONS = 10
# Enough to find them all in few rounds, and a trailer that still travels.
MAX_VIOLATIONS = 1_000

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_REGION = re.compile(r"[A-Z]{2}\Z")
_ACCOUNT = re.compile(r"[0-9]{10}\Z")

_GOOGLE_ADS = int(types.ProductAccount.AccountType.GOOGLE_ADS)
_HEX = int(types.Encoding.HEX)
_ACCEPTED = int(types.TermsOfServiceStatus.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that a request is refused for.

    Attributes:
        reason: A name of Google's `ErrorReason`.
    """

    field: str
    reason: str


def request_violations(
    request: Any,  # noqa: ANN401  # a raw protobuf message
    world: World,
    *,
    terms: bool,
) -> tuple[Violation, ...]:
    """Why an ingest or remove request is refused; empty if it is not.

    Args:
        request: The request as it came in.
        world: The accounts' audiences.
        terms: Whether it must accept the customer match terms.
    """
    found = [*_envelope(request, terms=terms), *_destinations(request.destinations, world)]
    return tuple(found or islice(_members(request.audience_members), MAX_VIOLATIONS))


def cut_violations(request: Any, world: World) -> tuple[Violation, ...]:  # noqa: ANN401  # raw
    """Why a request to take out who was added before some time is refused."""
    found = [*_destinations(request.destinations, world)]
    if request.remove_as_of_time.ToDatetime(UTC) > world.now():
        found.append(Violation("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME"))
    return tuple(found)


def account_of(parent: str) -> str | None:
    """The account in `accountTypes/GOOGLE_ADS/accounts/ID`, or None."""
    kind, _, account = parent.rpartition("/")
    fits = kind == "accountTypes/GOOGLE_ADS/accounts" and _ACCOUNT.match(account)
    return account if fits else None


def row_of(member: Any) -> Row:  # noqa: ANN401  # a raw protobuf message
    """A member's identifiers as the sandbox keeps them; the member passed the checks."""
    return frozenset(_identifier(one) for one in member.user_data.user_identifiers)


def _identifier(one: Any) -> Identifier:  # noqa: ANN401  # a raw protobuf message
    match one.WhichOneof("identifier"):
        case "email_address":
            return ("email", one.email_address)
        case "phone_number":
            return ("phone", one.phone_number)
        case _:
            cells = (
                one.address.given_name,
                one.address.family_name,
                one.address.postal_code,
                one.address.region_code,
            )
            return ("address", "|".join(cells))


def _envelope(request: Any, *, terms: bool) -> Iterator[Violation]:  # noqa: ANN401  # raw
    if request.encoding != _HEX:
        yield Violation("encoding", "REQUIRED_FIELD_MISSING")
    if terms and request.terms_of_service.customer_match_terms_of_service_status != _ACCEPTED:
        yield Violation("terms_of_service", "TERMS_AND_CONDITIONS_NOT_SIGNED")
    if not request.audience_members:
        yield Violation("audience_members", "REQUIRED_FIELD_MISSING")
    if len(request.audience_members) > MAX_MEMBERS:
        yield Violation("audience_members", "TOO_MANY_AUDIENCE_MEMBERS")
    if len({member.WhichOneof("data") for member in request.audience_members}) > 1:
        yield Violation("audience_members", "MULTIPLE_DATA_TYPES_NOT_ALLOWED")


def _destinations(destinations: Any, world: World) -> Iterator[Violation]:  # noqa: ANN401  # raw
    if not destinations:
        yield Violation("destinations", "REQUIRED_FIELD_MISSING")
    if len(destinations) > MAX_DESTINATIONS:
        yield Violation("destinations", "TOO_MANY_DESTINATIONS")
    for number, destination in enumerate(destinations):
        path = f"destinations[{number}]"
        owner = destination.operating_account
        if owner.account_type != _GOOGLE_ADS or not _ACCOUNT.match(owner.account_id):
            yield Violation(f"{path}.operating_account", "INVALID_DESTINATION")
            continue
        audience = world.get(destination.product_destination_id)
        if audience is None or audience.account != owner.account_id:
            yield Violation(f"{path}.product_destination_id", "INVALID_USER_LIST_ID")
        elif "CONTACT_ID" not in upload_keys(audience):
            yield Violation(f"{path}.product_destination_id", "INVALID_USER_LIST_TYPE")


def _members(members: Iterable[Any]) -> Iterator[Violation]:
    """The first fault of each bad member."""
    for position, member in enumerate(members):
        fault = next(_member(member), None)
        if fault is not None:
            yield Violation(f"audience_members[{position}].{fault.field}", fault.reason)


def _member(member: Any) -> Iterator[Violation]:  # noqa: ANN401  # raw protobuf
    if member.WhichOneof("data") != "user_data":
        yield Violation("data", "INVALID_AUDIENCE_MEMBER")
        return
    identifiers = member.user_data.user_identifiers
    path = "user_data.user_identifiers"
    if not identifiers:
        yield Violation(path, "NO_IDENTIFIERS_PROVIDED")
    if len(identifiers) > MAX_IDENTIFIERS:
        yield Violation(path, "TOO_MANY_USER_IDENTIFIERS")
    for number, identifier in enumerate(identifiers):
        for fault in _parts(identifier):
            yield Violation(f"{path}[{number}].{fault.field}", fault.reason)


def _parts(identifier: Any) -> Iterator[Violation]:  # noqa: ANN401  # raw protobuf
    kind = identifier.WhichOneof("identifier")
    if kind is None:
        yield Violation("identifier", "REQUIRED_FIELD_MISSING")
    elif kind != "address":
        yield from _digest(kind, getattr(identifier, kind))
    else:
        address = identifier.address
        for name in ("given_name", "family_name"):
            yield from _digest(f"address.{name}", getattr(address, name))
        if not address.postal_code:
            yield Violation("address.postal_code", "REQUIRED_FIELD_MISSING")
        if not _REGION.match(address.region_code):
            yield Violation("address.region_code", "INVALID_REGION_CODE")


def _digest(field: str, text: str) -> Iterator[Violation]:
    if not text:
        yield Violation(field, "REQUIRED_FIELD_MISSING")
    elif not _DIGEST.match(text):
        yield Violation(field, "INVALID_SHA256_FORMAT")
