"""Rows to operations of a job, and lists and jobs back.

One operation is one UserData is one person: identifiers of two in one would join them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.columns import joined
from connectors.google_ads import errors
from connectors.google_rates import of_band, of_list
from connectors.google_rows import Names, framed, identifiers, several
from syncd.errors import AudienceClosed, AudienceUnusable
from syncd.model import Audience, Consent, MatchRate, Operation

if TYPE_CHECKING:
    from connectors.google_ads.api import Message

_GRANTED = Consent.GRANTED.value
_CONSENTS = (_GRANTED, Consent.UNKNOWN.value, None)
_NAMES = Names(
    email="hashed_email",
    phone="hashed_phone_number",
    address="address_info",
    given_name="hashed_first_name",
    family_name="hashed_last_name",
    postcode="postal_code",
    country="country_code",
    ids={"device_id": "mobile_id", "external_id": "third_party_user_id"},
)

LIST_FIELDS = ", ".join(
    f"user_list.{name}"
    for name in (
        "id",
        "name",
        "type",
        "read_only",
        "account_user_list_status",
        "membership_life_span",
        "membership_status",
        "closing_reason",
        "size_for_search",
        "size_for_display",
        "match_rate_percentage",
    )
)

_REOPEN = "open it again in Google Ads (Tools, Audience manager), or name another"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a batch that go into one job.

    Attributes:
        granted: Whether both fields of consent are set to GRANTED on the job; they are left
            unset otherwise, which is not DENIED.
        positions: Of its rows in the batch.
        operations: Its rows, as a request carries them.
    """

    granted: bool
    positions: tuple[int, ...]
    operations: bytes = field(repr=False)


def parts(rows: pa.RecordBatch, operation: Operation, request: Message) -> tuple[Part, ...]:
    """The rows by their consent, which a job states once for all of its rows.

    A removal needs none.

    Args:
        rows: A batch's.
        operation: What is to be done with them.
        request: An AddOfflineUserDataJobOperationsRequest; one that is empty will do.

    Raises:
        ValueError: A row that the core must not send.
    """
    operations = request.DESCRIPTOR.fields_by_name["operations"]
    kinds = operations.message_type.fields_by_name
    user_data = kinds["remove" if operation is Operation.REMOVE else "create"]
    people = identifiers(rows, user_data.message_type, _NAMES)
    every = several([framed(people, operations, user_data)])
    if operation is Operation.REMOVE:
        return (Part(False, tuple(range(len(every))), joined(every)),)
    found: dict[bool, list[int]] = {}
    for position, consent in enumerate(rows.column("consent").to_pylist()):
        if consent not in _CONSENTS:
            raise ValueError(f"row {position}: consent {consent} must not reach a request")
        found.setdefault(consent == _GRANTED, []).append(position)
    return tuple(
        Part(granted, tuple(positions), joined(every.take(pa.array(positions))))
        for granted, positions in found.items()
    )


def quoted(text: str) -> str:
    """A text as Google's query language writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def audience(found: Message, account: str) -> Audience:
    """A user list in our words.

    Google states no size of a small list, nor of a new one. So it never says "empty".

    Raises:
        syncd.errors.Unavailable: The answer names no list.
    """
    if not found.id or not found.name:
        raise errors.malformed("a user list without its id or name")
    size = max(found.size_for_search, found.size_for_display)
    status = _name(found, "membership_status")
    return Audience(
        platform=errors.PLATFORM,
        account=account,
        id=str(found.id),
        name=found.name,
        size=size or None,
        empty=False if size else None,
        lifespan=timedelta(days=found.membership_life_span) if found.membership_life_span else None,
        status=f"membership_status {status}" if status in ("OPEN", "CLOSED") else "",
        matched=of_list(found.match_rate_percentage)
        if found.HasField("match_rate_percentage")
        else None,
    )


def changeable(found: Message) -> None:
    """Let a list pass that can be synced.

    Raises:
        syncd.errors.AudienceUnusable: It is another account's, or of another type.
        syncd.errors.AudienceClosed: It is closed.
    """
    if found.read_only:
        raise _unusable("READ_ONLY", "another account owns it; sync from that one")
    if _name(found, "account_user_list_status") == "DISABLED":
        raise _unusable("ACCESS_DISABLED", "its owner no longer shares it; sync to another list")
    if _name(found, "type_") != "CRM_BASED":
        said = "the audience is no customer match list; name another one"
        raise _unusable("INVALID_USER_LIST_TYPE", said)
    if _name(found, "membership_status") == "CLOSED":
        unused = _name(found, "closing_reason") == "UNUSED"
        why = "Google closed it, for no campaign used it for a year" if unused else "it is closed"
        raise AudienceClosed(
            errors.PLATFORM,
            "CLOSED/UNUSED" if unused else "CLOSED",
            hint=f"{why}, so it takes no new members; {_REOPEN}",
        )


def _unusable(code: str, hint: str) -> AudienceUnusable:
    return AudienceUnusable(errors.PLATFORM, code, hint=hint)


def match_rate(found: Message) -> MatchRate | None:
    """Of a job; None where Google does not say."""
    return of_band(_name(found.operation_metadata, "match_rate_range"))


def state(found: Message) -> str:
    """A job's status, as Google names it; a newer one than the SDK knows is UNKNOWN."""
    return _name(found, "status") or "UNKNOWN"


def _name(found: Message, field: str) -> str:
    """The name of an enum field's value; "" of a number that is newer than the SDK."""
    kind = found.DESCRIPTOR.fields_by_name[field].enum_type
    value = kind.values_by_number.get(getattr(found, field))
    return str(value.name) if value else ""


def jobs(rows: Sequence[Message]) -> Iterator[Message]:
    """The jobs that a query found."""
    return (row.offline_user_data_job for row in rows)
