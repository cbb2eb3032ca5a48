"""Raw Arrow columns in, digested Arrow columns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.errors import BadRows, ConfigError
from syncd.identity.columns import Column, hashed_together, normalised
from syncd.identity.consent import consents, demanded
from syncd.identity.fields import (
    COLUMN_OF,
    FIELD_OF,
    ONE_PERSONS,
    PREHASHED,
    PREHASHED_STEPS,
    columns_of,
)
from syncd.identity.reasons import Reason
from syncd.identity.rows import limit_identifiers, only_whole, without_repeats
from syncd.identity.step import Step
from syncd.identity.steps import normalise, steps_named
from syncd.model import (
    ADDRESS_CELLS,
    CELLS_OF,
    EMAIL_CELLS,
    ID_CELLS,
    PHONE_CELLS,
    ROW_COLUMNS,
    Detail,
    Fact,
    IdentifierKind,
    Refused,
    RuleSet,
)

# Every row that came in, in its order, the unusable ones too, so that counts add up.
# `region` is true where consent is demanded: an EEA country, the UK, Switzerland, or a
# country that is missing or cannot be read.
DIGESTED_SCHEMA = pa.schema(
    [
        pa.field("key", pa.binary(), nullable=False),
        *(pa.field(name, pa.binary()) for name in ROW_COLUMNS),
        pa.field("consent", pa.int8(), nullable=False),
        pa.field("region", pa.bool_(), nullable=False),
        pa.field("usable", pa.bool_(), nullable=False),
    ]
)

_COUNTRY_STEPS = ("trim", "country_code")
_YES, _NO, _NONE = (pa.scalar(cell, pa.binary()) for cell in (b"1", b"0", b""))
_NO_TEXT = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Policy:
    """What is to be made of a segment's columns for one platform.

    Attributes:
        rules: How the platform wants each field.
        kinds: The identifiers this sync sends; cells of other kinds stay null.
        default_country: The shop's, for members who have none; ISO 3166 alpha-2.
        max_identifiers: What one row may carry; the last ones are left out.
        prehashed: E-mails, phones and names are digests already (`fields.PREHASHED`).
        details: What travels beside identifiers; cells of others stay null.
        facts: What else rows say of a member; likewise, also where the segment has no such
            column.
    """

    rules: RuleSet
    kinds: frozenset[IdentifierKind]
    default_country: str | None
    max_identifiers: int
    prehashed: bool = False
    details: frozenset[Detail] = frozenset()
    facts: frozenset[Fact] = frozenset()

    @property
    def version(self) -> str:
        """All that decides which digest a value gets; another text is other digests."""
        parts = [self.rules.name, self.rules.version]
        if self.default_country:
            parts.append(self.default_country.strip().upper())
        return " ".join([*parts, *(["prehashed"] if self.prehashed else [])])

    @property
    def shape(self) -> str:
        """All that decides what becomes of a row; another text is other rows."""
        sets = (self.kinds, self.details, self.facts)
        chosen = (",".join(sorted(one.value for one in each)) for each in sets)
        return "; ".join((self.version, *chosen, str(self.max_identifiers)))

    def steps(self, field_name: str) -> tuple[Step, ...]:
        """What a field goes through; none where the platform has no such field.

        Raises:
            ConfigError: The rule set names a step that does not exist.
        """
        for rule in self.rules.fields:
            if rule.field == field_name:
                ready = self.prehashed and field_name in PREHASHED and rule.hashed
                return steps_named(PREHASHED_STEPS if ready else rule.steps)
        return ()


@dataclass(frozen=True, slots=True)
class Digested:
    """A batch without anything raw in it but its keys.

    Attributes:
        rows: `DIGESTED_SCHEMA`, one row for each that came in, in the same order.
        refused: Values that could not be used, by field and reason; blanks are none.
        clean: Of each row whether none of its values was refused.
    """

    rows: pa.RecordBatch = field(repr=False)
    refused: tuple[Refused, ...]
    clean: npt.NDArray[np.bool_] = field(repr=False)


def digest(batch: pa.RecordBatch, policy: Policy) -> Digested:
    """Normalise and hash a batch of a segment's rows as one platform wants them.

    Args:
        batch: Text columns named as in `model.SEGMENT_COLUMNS`; any but
            `customer_key` may be missing.

    Raises:
        BadRows: A key is missing.
        ConfigError: The rule set names an unknown step, or the default country is none.
    """
    country = _country(batch)
    work = _Work(
        batch,
        policy,
        hashed={rule.field: rule.hashed for rule in policy.rules.fields},
        steps={rule.field: policy.steps(rule.field) for rule in policy.rules.fields},
        known=_known_countries(country, policy.default_country),
        refused=Counter(),
        clean=np.ones(batch.num_rows, np.bool_),
    )
    work.count("country", country)
    row = _cells(work)
    limit_identifiers(row, policy.max_identifiers)
    row |= {fact.value: _fact(work, fact) for fact in Fact}
    consent, said = consents(_raw(batch, "ad_consent"))
    work.count("ad_consent", said)
    columns = [
        _keys(batch),
        *(row[name] for name in ROW_COLUMNS),
        consent,
        country.spread(demanded(country.values)),
        _usable(row),
    ]
    rows = pa.RecordBatch.from_arrays(columns, schema=DIGESTED_SCHEMA)
    return Digested(rows, _as_refused(work.refused), work.clean)


def known_countries(batch: pa.RecordBatch, default: str | None) -> pa.Array:
    """The country of each member, ISO alpha-2: its own, or the default where it has none.

    Null where a country is stated that cannot be read: it is then not the default.

    Raises:
        ConfigError: The default country is none.
    """
    return _known_countries(_country(batch), default)


@dataclass(frozen=True, slots=True)
class _Work:
    """One batch under way.

    Attributes:
        hashed: Fields that the platform takes, and whether as digests.
        steps: What each of them goes through.
        known: The member's country, the shop's default where the member has none. Null
            where a country is stated that cannot be read: it is then not the default.
        refused: Rows so far, by field and reason.
        clean: Rows none of whose values was refused so far.
    """

    batch: pa.RecordBatch
    policy: Policy
    hashed: Mapping[str, bool]
    steps: Mapping[str, tuple[Step, ...]]
    known: pa.Array
    refused: Counter[tuple[str, Reason]]
    clean: npt.NDArray[np.bool_]

    def count(self, name: str, column: Column) -> None:
        """Add a column's refused values."""
        for reason, count in column.reasons.items():
            self.refused[name, reason] += count
        if column.reasons:
            self.clean[column.refused.to_numpy(zero_copy_only=False)] = False

    def blank(self) -> pa.Array:
        """A column of cells with nothing in it."""
        return pa.nulls(self.batch.num_rows, pa.binary())


def _cells(work: _Work) -> dict[str, pa.Array]:
    """All cells but those of facts; an address is there in whole or not at all."""
    columns = {
        cell: (name, column)
        for cell, name, raw in _sent(work)
        if (column := _column(work, name, raw)) is not None
    }
    row = dict.fromkeys(ROW_COLUMNS, work.blank())
    row |= _travelling(work, columns)
    for names in (EMAIL_CELLS, PHONE_CELLS):
        row |= zip(names, without_repeats([row[name] for name in names]), strict=True)
    row |= zip(ADDRESS_CELLS, only_whole([row[name] for name in ADDRESS_CELLS]), strict=True)
    return row


def _sent(work: _Work) -> Iterator[tuple[str, str, pa.Array]]:
    """The cells that the sync sends, the field of each, and its raw column."""
    batch, kinds = work.batch, work.policy.kinds
    for names in (EMAIL_CELLS, PHONE_CELLS):
        if IdentifierKind(names[0]) in kinds:
            for cell, column in zip(names, columns_of(names[0]), strict=True):
                yield cell, names[0], _raw(batch, column)
    if IdentifierKind.ADDRESS in kinds:
        for name in ADDRESS_CELLS:
            yield name, name, work.known if name == "country" else _raw(batch, COLUMN_OF[name])
    for name in ID_CELLS:
        if IdentifierKind(name) in kinds:
            yield name, name, _raw(batch, name)
    for detail in work.policy.details:
        for cell in CELLS_OF[detail]:
            name = FIELD_OF.get(cell, cell)
            yield cell, name, _raw(batch, COLUMN_OF[name])


def _travelling(
    work: _Work, columns: Mapping[str, tuple[str, Column]]
) -> Iterator[tuple[str, pa.Array]]:
    """Columns as they travel."""
    hashed = list[str]()
    for cell, (name, column) in columns.items():
        if work.policy.prehashed and work.hashed[name] and name in PREHASHED:
            yield cell, column.cells_of_hex()
        elif work.hashed[name]:
            hashed.append(cell)
        else:
            yield cell, column.cells(hashed=False)
    made = hashed_together([columns[cell][1] for cell in hashed])
    yield from zip(hashed, made, strict=True)


def _column(work: _Work, name: str, raw: pa.Array) -> Column | None:
    """One column, normalised; none where nothing is there or the platform has no such field."""
    if name not in work.hashed or raw.null_count == len(raw):
        return None
    column = normalised(work.steps[name], raw, work.known, recurring=name not in ONE_PERSONS)
    work.count(name, column)
    return column


def _fact(work: _Work, fact: Fact) -> pa.Array:
    """The cell of a fact: in every row, or in none.

    Whether a member's use is limited is a matter of law: what cannot be read counts as yes.
    """
    name = fact.value
    absent = work.batch.schema.get_field_index(COLUMN_OF[name]) < 0
    if absent or fact not in work.policy.facts or name not in work.hashed:
        return work.blank()
    said = normalised(work.steps[name], _raw(work.batch, COLUMN_OF[name]), work.known)
    work.count(name, said)
    cells = said.cells(hashed=False)
    if fact is Fact.LIMITED_DATA_USE:
        return pc.coalesce(cells, pc.if_else(said.refused, _YES, _NO))
    return pc.fill_null(cells, _NONE)


# --- columns of the segment -----------------------------------------------------


def _keys(batch: pa.RecordBatch) -> pa.Array:
    key = _raw(batch, "customer_key")
    if key.null_count:
        raise BadRows(
            f"{key.null_count} of {len(key)} rows have no customer_key; a segment's query "
            "gives each row a key of its own"
        )
    return key.cast(pa.binary())


def _raw(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as plain text; all null if the segment has none of this name."""
    place = batch.schema.get_field_index(name)
    if place < 0:
        return pa.nulls(batch.num_rows, pa.string())
    return batch.column(place).cast(pa.string())


def _country(batch: pa.RecordBatch) -> Column:
    """The members' own countries, ISO alpha-2."""
    raw = _raw(batch, "country")
    return normalised(steps_named(_COUNTRY_STEPS), raw, pa.nulls(len(raw), pa.string()))


def _known_countries(country: Column, default: str | None) -> pa.Array:
    code = None if default is None else normalise(steps_named(_COUNTRY_STEPS), default, None)
    if isinstance(code, Reason):
        raise ConfigError(f"default_country {default!r} is {code.value}; write it as in NL")
    elsewhere = pc.if_else(country.refused, _NO_TEXT, pa.scalar(code, pa.string()))
    return pc.coalesce(country.texts(), elsewhere)


def _usable(row: dict[str, pa.Array]) -> pa.Array:
    """Whether a row holds anything; an address stands or falls with any of its cells."""
    usable = row[ADDRESS_CELLS[0]].is_valid()
    for name in (*EMAIL_CELLS, *PHONE_CELLS, *ID_CELLS):
        usable = pc.or_(usable, row[name].is_valid())
    return usable


def _as_refused(refused: Counter[tuple[str, Reason]]) -> tuple[Refused, ...]:
    """By field and reason, in the same order every time."""
    entries = (Refused(name, reason.value, count) for (name, reason), count in refused.items())
    return tuple(sorted(entries, key=lambda entry: (entry.field, entry.reason)))
