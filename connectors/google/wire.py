"""Rows to requests and back.

Requests are raw protobuf (`Message.pb()`) and wrapped without a copy: the SDK's own dicts take
ten times the time and four times the memory. Their members are read from what
`connectors.google_rows` joined.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from google.ads.datamanager_v1 import types

from connectors.columns import BLANK, joined
from connectors.google_rates import of_band
from connectors.google_rows import Names, framed, identifiers, several
from syncd.model import Consent, MatchRate, Outcome, Refusal

_PARENT = "accountTypes/GOOGLE_ADS/accounts/"

_GOOGLE_ADS = int(types.ProductAccount.AccountType.GOOGLE_ADS)
_HEX = int(types.Encoding.HEX)
_ACCEPTED = int(types.TermsOfServiceStatus.ACCEPTED)
_GRANTED = types.ConsentStatus.CONSENT_GRANTED
_BOTH_GRANTED = types.Consent.serialize(
    types.Consent(ad_user_data=_GRANTED, ad_personalization=_GRANTED)
)
_GIVEN = pa.scalar(Consent.GRANTED.value, pa.int8())
_CONSENTS = pa.array([Consent.GRANTED.value, Consent.UNKNOWN.value, None], pa.int8())
_SAID, _UNSAID = pa.scalar(_BOTH_GRANTED, pa.binary()), BLANK
_FALSE = pa.scalar(False)
_MEMBER = types.AudienceMember.pb().DESCRIPTOR.fields_by_name
_NAMES = Names(
    email="email_address",
    phone="phone_number",
    address="address",
    given_name="given_name",
    family_name="family_name",
    postcode="postal_code",
    country="region_code",
)


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
    _put_members(request, rows, rows.column("consent"))
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
    _put_members(request, rows)
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


def _put_members(
    request: Any,  # noqa: ANN401  # a raw protobuf message
    rows: pa.RecordBatch,
    consents: pa.Array | None = None,
) -> None:
    """One member a row, each with its own identifiers: two people are never one member."""
    user_data = _MEMBER["user_data"]
    fields = [framed(identifiers(rows, user_data.message_type, _NAMES), user_data)]
    if consents is not None:
        fields.append(framed(_said(consents), _MEMBER["consent"]))
    member = request.DESCRIPTOR.fields_by_name["audience_members"]
    request.MergeFromString(joined(several([framed(several(fields), member)])))


def _said(consents: pa.Array) -> pa.Array:
    """GRANTED sets both fields; UNKNOWN leaves them unset, which is not DENIED."""
    allowed = pc.is_in(consents, _CONSENTS)
    wrong = pc.index(allowed, _FALSE).as_py()
    if wrong >= 0:
        raise ValueError(f"row {wrong}: consent {consents[wrong]} must not reach a request")
    return pc.if_else(pc.equal(consents, _GIVEN), _SAID, _UNSAID)


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
