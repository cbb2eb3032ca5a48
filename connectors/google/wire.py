"""Rows to requests and back.

Requests are filled as raw protobuf (`Message.pb()`) and wrapped without a copy: the
SDK's own dicts take ten times the time and four times the memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.ads.datamanager_v1 import types

from connectors.google_rates import of_band
from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    PHONE_CELLS,
    Consent,
    MatchRate,
    Outcome,
    Refusal,
)

if TYPE_CHECKING:
    import pyarrow as pa

_DIGEST_BYTES = 32
_PARENT = "accountTypes/GOOGLE_ADS/accounts/"

_GOOGLE_ADS = int(types.ProductAccount.AccountType.GOOGLE_ADS)
_HEX = int(types.Encoding.HEX)
_ACCEPTED = int(types.TermsOfServiceStatus.ACCEPTED)
_GRANTED = int(types.ConsentStatus.CONSENT_GRANTED)


def parent(customer: str) -> str:
    """The resource name of a Google Ads account."""
    return _PARENT + customer


@dataclass(frozen=True, slots=True)
class Destination:
    """Where members go: an account's user list, and the manager it is reached through.

    Attributes:
        login: The manager account, or empty.
    """

    customer: str
    login: str
    audience: str

    def put_into(self, request: Any) -> None:  # noqa: ANN401  # a raw protobuf message
        """Make this the request's one destination."""
        destination = request.destinations.add()
        destination.operating_account.account_type = _GOOGLE_ADS
        destination.operating_account.account_id = self.customer
        if self.login:
            destination.login_account.account_type = _GOOGLE_ADS
            destination.login_account.account_id = self.login
        destination.product_destination_id = self.audience


def addition(destination: Destination, rows: pa.RecordBatch) -> types.IngestAudienceMembersRequest:
    """The request that puts rows into an audience, with each member's consent.

    Raises:
        ValueError: A row that the core must not send.
    """
    request = types.IngestAudienceMembersRequest.pb()()
    destination.put_into(request)
    request.encoding = _HEX
    request.terms_of_service.customer_match_terms_of_service_status = _ACCEPTED
    _put_members(request.audience_members, rows)
    _put_consent(request.audience_members, rows.column("consent").to_pylist())
    wrapped: types.IngestAudienceMembersRequest = types.IngestAudienceMembersRequest.wrap(request)
    return wrapped


def trial(destination: Destination) -> types.IngestAudienceMembersRequest:
    """An upload that Google checks and does not carry out, of a digest that is nobody's."""
    request = types.IngestAudienceMembersRequest.pb()()
    destination.put_into(request)
    request.encoding = _HEX
    request.terms_of_service.customer_match_terms_of_service_status = _ACCEPTED
    request.validate_only = True
    nobody = hashlib.sha256(b"nobody@syncd.invalid").hexdigest()
    request.audience_members.add().user_data.user_identifiers.add().email_address = nobody
    wrapped: types.IngestAudienceMembersRequest = types.IngestAudienceMembersRequest.wrap(request)
    return wrapped


def removal(destination: Destination, rows: pa.RecordBatch) -> types.RemoveAudienceMembersRequest:
    """The request that takes rows out; it knows neither consent nor terms.

    Raises:
        ValueError: A row that the core must not send.
    """
    request = types.RemoveAudienceMembersRequest.pb()()
    destination.put_into(request)
    request.encoding = _HEX
    _put_members(request.audience_members, rows)
    wrapped: types.RemoveAudienceMembersRequest = types.RemoveAudienceMembersRequest.wrap(request)
    return wrapped


def cut(destination: Destination, before: datetime) -> types.RemoveAllAudienceMembersRequest:
    """The request that takes out whoever was last added before a moment.

    Never without one: Google would take it for now, and take out everyone.
    """
    request = types.RemoveAllAudienceMembersRequest.pb()()
    destination.put_into(request)
    request.remove_as_of_time.FromDatetime(before.astimezone(UTC))
    wrapped: types.RemoveAllAudienceMembersRequest
    wrapped = types.RemoveAllAudienceMembersRequest.wrap(request)
    return wrapped


def _put_members(members: Any, rows: pa.RecordBatch) -> None:  # noqa: ANN401  # raw protobuf
    """One member a row, each with its own identifiers: two people are never one member."""
    emails, phones, addresses = (
        zip(*(rows.column(cell).to_pylist() for cell in cells), strict=True)
        for cells in (EMAIL_CELLS, PHONE_CELLS, ADDRESS_CELLS)
    )
    for position, cells in enumerate(zip(emails, phones, addresses, strict=True)):
        identifiers = members.add().user_data.user_identifiers
        try:
            _put_identifiers(identifiers, *cells)
        except ValueError as error:
            raise ValueError(f"row {position}: {error}") from None


def _put_identifiers(
    identifiers: Any,  # noqa: ANN401  # raw protobuf
    emails: tuple[bytes | None, ...],
    phones: tuple[bytes | None, ...],
    address: tuple[bytes | None, ...],
) -> None:
    for email in filter(None, emails):
        identifiers.add().email_address = _hex(email)
    for phone in filter(None, phones):
        identifiers.add().phone_number = _hex(phone)
    given, family, postcode, country = address
    # Google refuses an address of fewer than four parts, and the whole request with it.
    if given and family and postcode and country:
        found = identifiers.add().address
        found.given_name = _hex(given)
        found.family_name = _hex(family)
        found.postal_code = _text(postcode)
        found.region_code = _text(country)
    if not identifiers:
        raise ValueError("no identifier is left; such a row must not be sent")


def _hex(digest: bytes) -> str:
    if len(digest) != _DIGEST_BYTES:
        raise ValueError(f"a digest of {len(digest)} bytes, not {_DIGEST_BYTES}")
    return digest.hex()


def _text(cell: bytes) -> str:
    # Not `strict`: its exception would carry the cell.
    text = cell.decode(errors="replace")
    if "\ufffd" in text:
        raise ValueError("a postcode or country that is not UTF-8")
    return text


def _put_consent(members: Any, consents: Iterable[int | None]) -> None:  # noqa: ANN401  # raw
    """GRANTED sets both fields; UNKNOWN leaves them unset, which is not DENIED."""
    for position, (member, consent) in enumerate(zip(members, consents, strict=True)):
        if consent == Consent.GRANTED.value:
            member.consent.ad_user_data = _GRANTED
            member.consent.ad_personalization = _GRANTED
        elif consent not in (Consent.UNKNOWN.value, None):
            raise ValueError(f"row {position}: consent {consent} must not reach a request")


def outcome(response: types.RetrieveRequestStatusResponse) -> Outcome:
    """What Google says of a request; numbers it added since are taken as "not done yet".

    Its counts are of records sent, so only the error counts tell what did not go in.
    """
    told = types.RetrieveRequestStatusResponse.pb(response).request_status_per_destination
    states = types.RequestStatusPerDestination.RequestStatus
    final = {states.SUCCESS, states.PARTIAL_SUCCESS, states.FAILED}
    if not told or any(one.request_status not in final for one in told):
        return Outcome("processing")
    refused = tuple(
        Refusal(None, _processing_reason(count.reason), count.record_count)
        for one in told
        for count in one.error_info.error_counts
        if count.record_count > 0
    )
    failed = any(one.request_status == states.FAILED for one in told)
    rates = (
        one.audience_members_ingestion_status.user_data_ingestion_status.upload_match_rate_range
        for one in told
    )
    rate = MatchRate.spanning(map(_match_rate, rates))
    return Outcome("failed" if failed else "processed", refused, rate)


def _processing_reason(number: int) -> str:
    try:
        name = types.ProcessingErrorReason(number).name
    except ValueError:
        return f"UNKNOWN_{number}"
    return str(name).removeprefix("PROCESSING_ERROR_").removeprefix("REASON_")


def _match_rate(number: int) -> MatchRate | None:
    try:
        name = str(types.MatchRateRange(number).name)
    except ValueError:
        return None
    return of_band(name)
