"""Rows to operations of a job, and lists and jobs back.

One operation is one UserData is one person: identifiers of two in one would join them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connectors.google_ads import errors
from connectors.google_rates import of_band, of_list
from syncd.errors import AudienceClosed, AudienceUnusable
from syncd.model import (
    ADDRESS_CELLS,
    EMAIL_CELLS,
    PHONE_CELLS,
    Audience,
    Consent,
    MatchRate,
    Operation,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from connectors.google_ads.api import Message

_DIGEST_BYTES = 32

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

Cells = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a batch that go into one job.

    Attributes:
        granted: Whether both fields of consent are set to GRANTED on the job; they are left
            unset otherwise, which is not DENIED.
        positions: Of its rows in the batch.
    """

    granted: bool
    positions: tuple[int, ...]


def parts(rows: pa.RecordBatch, operation: Operation) -> tuple[Part, ...]:
    """The rows by their consent, which a job states once for all of its rows.

    A removal needs none.

    Raises:
        ValueError: A row whose consent must not reach a request.
    """
    if operation is Operation.REMOVE:
        return (Part(granted=False, positions=tuple(range(rows.num_rows))),)
    found: dict[bool, list[int]] = {}
    for position, consent in enumerate(rows.column("consent").to_pylist()):
        if consent not in (Consent.GRANTED.value, Consent.UNKNOWN.value, None):
            raise ValueError(f"row {position}: consent {consent} must not reach a request")
        found.setdefault(consent == Consent.GRANTED.value, []).append(position)
    return tuple(Part(granted, tuple(positions)) for granted, positions in found.items())


def put_rows(
    operations: Any,  # noqa: ANN401  # raw protobuf
    rows: pa.RecordBatch,
    positions: Sequence[int],
    operation: Operation,
) -> None:
    """Fill a request's operations with rows, one each.

    Raises:
        ValueError: A row that the core must not send.
    """
    names = (EMAIL_CELLS, PHONE_CELLS, ADDRESS_CELLS, ("device_id",), ("external_id",))
    columns = [
        list(zip(*(rows.column(c).to_pylist() for c in cells), strict=True)) for cells in names
    ]
    for position in positions:
        one = operations.add()
        person = one.remove if operation is Operation.REMOVE else one.create
        try:
            _put_identifiers(person.user_identifiers, *(column[position] for column in columns))
        except ValueError as error:
            raise ValueError(f"row {position}: {error}") from None


def _put_identifiers(
    identifiers: Any,  # noqa: ANN401  # raw protobuf
    emails: Cells,
    phones: Cells,
    address: Cells,
    device_ids: Cells,
    external_ids: Cells,
) -> None:
    for email in filter(None, emails):
        identifiers.add().hashed_email = _hex(email)
    for phone in filter(None, phones):
        identifiers.add().hashed_phone_number = _hex(phone)
    given, family, postcode, country = address
    # Google matches no address of fewer than four parts.
    if given and family and postcode and country:
        found = identifiers.add().address_info
        found.hashed_first_name = _hex(given)
        found.hashed_last_name = _hex(family)
        found.postal_code = _text(postcode)
        found.country_code = _text(country)
    for device_id in filter(None, device_ids):
        identifiers.add().mobile_id = _text(device_id)
    for external_id in filter(None, external_ids):
        identifiers.add().third_party_user_id = _text(external_id)
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
        raise ValueError("a postcode, country or id that is not UTF-8")
    return text


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
