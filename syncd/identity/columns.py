"""Steps over whole columns: most values inside Arrow, each remaining distinct one once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.cells import column_bytes
from syncd.identity.reasons import Reason
from syncd.identity.sha256 import digests, parted
from syncd.identity.step import Step
from syncd.identity.steps import normalise

_PRINTABLE_ASCII = "^[ -~]*$"
_NOTHING = pa.scalar(None, pa.string())
_NO = pa.scalar(False)
_EMPTY = pa.scalar("")

# A column is looked through once for each distinct value if no more of its beginning than
# this is distinct. Names repeat themselves, addresses do not, and telling a million of them
# apart costs as much as hashing them.
_SAMPLE = 10_000
_DISTINCT = 0.7


@dataclass(frozen=True, slots=True)
class Column:
    """One raw column, normalised.

    Attributes:
        values: Text, null where nothing was there or it was refused; one a distinct raw
            value if `places` is given, else one a row.
        places: For each row, which of the values is its own.
        refused: Where a value was refused, one a row.
        reasons: How many rows were refused, by reason.
    """

    values: pa.Array = field(repr=False)
    places: pa.Array | None = field(repr=False)
    refused: pa.Array = field(repr=False)
    reasons: Counter[Reason]

    def texts(self) -> pa.Array:
        """The normalised text of each row."""
        return self.spread(self.values)

    def cells(self, *, hashed: bool) -> pa.Array:
        """What travels: 32-byte digests, or the UTF-8 bytes where the platform wants the text."""
        return hashed_together([self])[0] if hashed else self.spread(self.values.cast(pa.binary()))

    def cells_of_hex(self) -> pa.Array:
        """What travels of values that are digests in hex already."""
        joined = bytes.fromhex("".join(self.values.drop_null().to_pylist()))
        return self.spread(*parted(joined, [self.values]))

    def spread(self, column: pa.Array) -> pa.Array:
        """To each row, what there is of its value."""
        return column if self.places is None else column.take(self.places)


def hashed_together(columns: Sequence[Column]) -> list[pa.Array]:
    """The hashed cells of several columns, which takes less time than one after the other."""
    made = digests([column.values for column in columns])
    return [column.spread(cells) for column, cells in zip(columns, made, strict=True)]


@dataclass(frozen=True, slots=True)
class _Looked:
    """The values to look at, with their countries, and which of them each row has."""

    values: pa.Array
    countries: pa.Array
    places: npt.NDArray[np.int64] | None


def normalised(
    steps: Sequence[Step], raw: pa.Array, countries: pa.Array, *, recurring: bool = True
) -> Column:
    """Run the steps over a column.

    Args:
        steps: In order.
        raw: Text as the shop has it; null where there is none.
        countries: ISO alpha-2 or null, one a row.
        recurring: Whether several rows may well have the same text.
    """
    decisive = countries if any(step.needs_country for step in steps) else None
    looked = _looked(raw, decisive, recurring=recurring)
    values = _shortcut(steps, looked)
    undecided = np.flatnonzero(_flags(pc.and_(values.is_null(), looked.values.is_valid())))
    refused = np.zeros(len(looked.values), bool)
    reasons: Counter[Reason] = Counter()
    if len(undecided):
        answers, why = _asked(steps, looked, undecided)
        mask = np.zeros(len(values), bool)
        mask[undecided] = True
        values = pc.replace_with_mask(values, pa.array(mask), answers)
        held = _held(looked)
        for place, reason in why.items():
            refused[place] = True
            reasons[reason] += 1 if held is None else int(held[place])
    if looked.places is None:
        return Column(values, None, pa.array(refused), reasons)
    return Column(values, pa.array(looked.places), pa.array(refused[looked.places]), reasons)


def digest_of(value: str) -> bytes:
    """SHA-256 of a normalised value's UTF-8 bytes, 32 bytes.

    Raises:
        ValueError: The value is empty; its digest would stand for everybody.
    """
    if not value:
        raise ValueError("an empty value has no digest")
    return hashlib.sha256(value.encode()).digest()


# --- distinct values ----------------------------------------------------------------


def _looked(raw: pa.Array, countries: pa.Array | None, *, recurring: bool) -> _Looked:
    if not (recurring and _repeats(raw)):
        nothing = pa.nulls(len(raw), pa.string()) if countries is None else countries
        return _Looked(raw, nothing, None)
    value, places = _coded(raw)
    if countries is None:
        return _Looked(value, pa.nulls(len(value), pa.string()), places)
    country, of_country = _coded(countries)
    width = max(len(country), 1)
    pairs, of_pair = np.unique(places * width + of_country, return_inverse=True)
    return _Looked(
        value.take(pa.array(pairs // width)),
        country.take(pa.array(pairs % width)),
        of_pair.astype(np.int64),
    )


def _repeats(raw: pa.Array) -> bool:
    sample = raw.slice(0, _SAMPLE).drop_null()
    return len(sample.unique()) <= _DISTINCT * len(sample)


def _coded(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The distinct values, null among them, and which of them each row has."""
    coded = column.dictionary_encode(null_encoding="encode")
    return coded.dictionary.cast(pa.string()), coded.indices.to_numpy().astype(np.int64)


def _held(looked: _Looked) -> npt.NDArray[np.int64] | None:
    """How many rows have each value; None: one."""
    if looked.places is None:
        return None
    return np.bincount(looked.places, minlength=len(looked.values))


# --- answers ------------------------------------------------------------------------


def _shortcut(steps: Sequence[Step], looked: _Looked) -> pa.Array:
    """What Arrow answers surely; null for all that must be asked one by one."""
    if any(step.shortcut is None for step in steps):
        return pa.nulls(len(looked.values), pa.string())
    values = pc.ascii_trim(_plain(looked.values), " ")
    for step in steps:
        if step.shortcut is not None:
            values = step.shortcut(values, looked.countries)
    if pc.any(pc.equal(values, _EMPTY)).as_py():  # an empty text is never an answer
        values = pc.if_else(pc.not_equal(values, _EMPTY), values, _NOTHING)
    return values


def _plain(values: pa.Array) -> pa.Array:
    """The values of printable ASCII."""
    if _all_printable(values):
        return values
    plain = pc.match_substring_regex(values, _PRINTABLE_ASCII)
    return pc.if_else(plain, values, _NOTHING)


def _all_printable(values: pa.Array) -> bool:
    """Whether no byte of the column is anything else; most batches of addresses are so."""
    _, text = column_bytes(values)
    return bool(text.size == 0 or (text.min() >= ord(" ") and text.max() <= ord("~")))


def _asked(
    steps: Sequence[Step], looked: _Looked, undecided: npt.NDArray[np.int64]
) -> tuple[pa.Array, dict[int, Reason]]:
    """Answers of the canonical steps, and the reason for each place that is refused."""
    where = pa.array(undecided)
    value, of_value = _coded(looked.values.take(where))
    country, of_country = _coded(looked.countries.take(where))
    pairs, places = np.unique(of_value * len(country) + of_country, return_inverse=True)
    raw = value.take(pa.array(pairs // len(country))).to_pylist()
    countries = country.take(pa.array(pairs % len(country))).to_pylist()
    said = [normalise(steps, text, of) for text, of in zip(raw, countries, strict=True)]
    texts = pa.array([None if isinstance(one, Reason) else one for one in said], pa.string())
    refused = np.array([isinstance(one, Reason) for one in said], bool)[places]
    why = {
        place: answer
        for place, which in zip(undecided[refused].tolist(), places[refused].tolist(), strict=True)
        if isinstance(answer := said[which], Reason)
    }
    return texts.take(pa.array(places)), why


def _flags(found: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)
