"""Segments and their members: columns, identifiers, rule sets, snapshots."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, NewType

from syncd.model.scoring import Scoring

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

SnapshotId = NewType("SnapshotId", str)


# What a segment's SQL may return, DESIGN 7. `customer_key` is required.
SEGMENT_COLUMNS = (
    "customer_key",
    "email",
    "email_2",
    "email_3",
    "phone",
    "phone_2",
    "phone_3",
    "first_name",
    "last_name",
    "country",
    "postcode",
    "city",
    "region",
    "birth_date",
    "gender",
    "device_id",
    "external_id",
    "value",
    "currency",
    "ad_consent",
    "consent_at",
    "limited_data_use",
)


# What a query of ours may say beside: 1 for whoever stays a member, but does not become one.
STAYS = "stays"


class IdentifierKind(Enum):
    """What can match a person alone. An address counts as one, and only when whole."""

    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    DEVICE_ID = "device_id"
    EXTERNAL_ID = "external_id"


# What a sync sends unless it says otherwise: not what travels unhashed.
HASHED_KINDS = (IdentifierKind.EMAIL, IdentifierKind.PHONE, IdentifierKind.ADDRESS)


# The cells of a row, in order. Digests are 32 bytes; postcode, country and ids are a
# digest or plain UTF-8, as the platform's rule set says. Null where there is none.
EMAIL_CELLS = ("email", "email_2", "email_3")


PHONE_CELLS = ("phone", "phone_2", "phone_3")


ADDRESS_CELLS = ("given_name", "family_name", "postcode", "country")


ID_CELLS = ("device_id", "external_id")  # of a kind each, that a member has one of


IDENTIFIER_CELLS = (*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS, *ID_CELLS)


class Detail(Enum):
    """What travels with a row and narrows a match down; alone it matches nobody."""

    FIRST_INITIAL = "first_initial"
    CITY = "city"
    REGION = "region"
    BIRTH_DATE = "birth_date"
    GENDER = "gender"


# The cells of each, digests. A region's is `state`: a snapshot's `region` is something else.
CELLS_OF = {
    Detail.FIRST_INITIAL: ("first_initial",),
    Detail.CITY: ("city",),
    Detail.REGION: ("state",),
    Detail.BIRTH_DATE: ("birth_year", "birth_month", "birth_day"),
    Detail.GENDER: ("gender",),
}
DETAIL_CELLS = tuple(cell for cells in CELLS_OF.values() for cell in cells)


class Fact(Enum):
    """What a row says of its member that matches nobody; never hashed, and no identifier.

    `VALUE` is what the member is worth, for look-alikes of the best customers; in a currency
    that the audience has one of. `LIMITED_DATA_USE` says that a law of the member's state
    limits what the platform may do with the row.
    """

    VALUE = "value"
    LIMITED_DATA_USE = "limited_data_use"


# The cell of each has its name, UTF-8: a number with two decimals at most, or empty where the
# member has none; 1 or 0. Null in all rows of a sync that does not send the fact at all.
FACT_CELLS = tuple(fact.value for fact in Fact)


ROW_COLUMNS = (*IDENTIFIER_CELLS, *DETAIL_CELLS, *FACT_CELLS)


class Consent(Enum):
    """A member's answer to advertising; stored as its number in columns.

    `DENIED` never reaches a row. `GRANTED` sets a platform's consent fields;
    `UNKNOWN` leaves them unset.
    """

    UNKNOWN = 0
    GRANTED = 1
    DENIED = 2


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of a row is made from a raw value, stated as data.

    Attributes:
        field: What the platform calls a key: a cell of `ROW_COLUMNS` without its number
            (`email`, `phone`, `given_name`, `family_name`, `postcode`, `country`,
            `device_id`, `external_id`, `first_initial`, `city`, `birth_year`, `birth_month`,
            `birth_day`, `gender`, `value`, `limited_data_use`); `region`, whose cell is
            `state`; or one that no row carries: `birth_date` as a whole.
        steps: Names of steps in `syncd.identity`, applied in order.
        hashed: Whether the platform takes the SHA-256 of the result, or the result.
        source: Where the platform says so.
        as_of: When that was read, `YYYY-MM-DD`.
    """

    field: str
    steps: tuple[str, ...]
    hashed: bool
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """How a platform wants identifiers normalised and hashed.

    A changed rule is a new `version`: digests made by another version are migrated,
    never taken for churn.
    """

    name: str
    version: str
    fields: tuple[FieldRule, ...]


@dataclass(frozen=True, slots=True)
class SegmentQuery:
    """A segment as it will be asked of the shop.

    Attributes:
        sql: One SELECT in the shop's dialect, with `:name` binds.
        parameters: Values of those binds.
        source: Where the SQL came from, for messages: a file, or `catalogue:NAME`.
        needs: Tables of the shop, each with its columns, without which the segment is
            unavailable rather than wrong; nothing of own SQL, and of a shop system's tables.
        figures: Columns of numbers that it returns beside those of `SEGMENT_COLUMNS`, and that
            no row is made of.
        scoring: How a model chooses among its rows; None where all are members.
    """

    name: str
    sql: str
    parameters: Mapping[str, object]
    source: str
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    figures: tuple[str, ...] = ()
    scoring: Scoring | None = None


def missing(
    needs: Mapping[str, Collection[str]], served: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    """What a shop lacks of tables and columns: a table, or a column as `table.column`.

    Args:
        needs: Tables, each with its columns.
        served: Those that are there, likewise.
    """
    lacks: list[str] = []
    for table, columns in needs.items():
        if table in served:
            lacks += [f"{table}.{name}" for name in columns if name not in served[table]]
        else:
            lacks.append(table)
    return tuple(lacks)


def lacking(needs: Mapping[str, Collection[str]], served: Mapping[str, Collection[str]]) -> str:
    """The same for a person; nothing where a shop lacks nothing."""
    lacks = ", ".join(missing(needs, served))
    return f"the shop has no {lacks} that this login may read" if lacks else ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Some of a segment's rows as the shop has them, for whoever knows some of them.

    Attributes:
        fingerprints: A line a row: both halves of what tells it from any other; zeros for
            a row that must be digested.
        rows: Raw columns, which only `syncd.identity` reads.
        whole: The batch that they are, all of it, as whoever hands them over knows it; None
            where they are some of it, or of several.
    """

    fingerprints: npt.NDArray[np.uint64] = field(repr=False)
    rows: pa.RecordBatch = field(repr=False)
    whole: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Values of one field that identity would not use, by reason."""

    field: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A segment's members as read in one sealed read, digested for one rule set.

    Attributes:
        rows: Rows that the shop returned.
        usable: Rows with at least one identifier.
        columns: The columns the query returned, in its order.
        refused: Values that could not be used, by field and reason.
        path: The encrypted file, relative to the ledger's directory.
        checksum: The SHA-256 that tells that file from any other, hex.
    """

    id: SnapshotId
    segment: str
    rules: str
    rows: int
    usable: int
    columns: tuple[str, ...]
    refused: tuple[Refused, ...]
    as_of: datetime
    sealed_at: datetime
    path: str
    checksum: str
