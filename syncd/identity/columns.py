"""Steps over whole columns: each distinct value once, and most of them inside Arrow."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.reasons import Reason
from syncd.identity.steps import Step, normalise

_PRINTABLE_ASCII = "^[ -~]*$"
_NOTHING = pa.scalar(None, pa.string())


@dataclass(frozen=True, slots=True)
class Column:
    """One raw column, normalised.

    Attributes:
        values: Text, null where nothing was there or it was refused.
        refused: Where a value was refused.
        reasons: How many rows were refused, by reason.
    """

    values: pa.Array = field(repr=False)
    refused: pa.Array = field(repr=False)
    reasons: Counter[Reason]


@dataclass(frozen=True, slots=True)
class _Distinct:
    """The distinct pairs of value and country in a column, and where each stands."""

    values: pa.Array
    countries: pa.Array
    places: npt.NDArray[np.int64]


def normalised(steps: Sequence[Step], raw: pa.Array, countries: pa.Array) -> Column:
    """Run the steps over a column.

    Args:
        steps: In order.
        raw: Text as the shop has it; null where there is none.
        countries: ISO alpha-2 or null, one a row.
    """
    needs_country = any(step.needs_country for step in steps)
    distinct = _distinct(raw, countries) if needs_country else _distinct_values(raw)
    values = _shortcut(steps, distinct)
    undecided = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
    answers, why = _asked(steps, distinct, undecided)
    if len(undecided):
        mask = values.is_null()
        values = pc.replace_with_mask(values, mask, pa.array(answers, pa.string()))
    refused = np.zeros(len(distinct.values), bool)
    refused[list(why)] = True
    held = np.bincount(distinct.places, minlength=len(distinct.values))
    reasons: Counter[Reason] = Counter()
    for place, reason in why.items():
        reasons[reason] += int(held[place])
    return Column(
        values=values.take(pa.array(distinct.places)),
        refused=pa.array(refused[distinct.places]),
        reasons=reasons,
    )


def cells(values: pa.Array, *, hashed: bool) -> pa.Array:
    """What travels: 32-byte digests, or the UTF-8 bytes where the platform wants the text."""
    if not hashed:
        return values.cast(pa.binary())
    coded = values.dictionary_encode()
    digests = pa.array([digest_of(value) for value in coded.dictionary.to_pylist()], pa.binary())
    return digests.take(coded.indices)


def digest_of(value: str) -> bytes:
    """SHA-256 of a normalised value's UTF-8 bytes, 32 bytes.

    Raises:
        ValueError: The value is empty; its digest would stand for everybody.
    """
    if not value:
        raise ValueError("an empty value has no digest")
    return hashlib.sha256(value.encode()).digest()


def _distinct_values(raw: pa.Array) -> _Distinct:
    coded = raw.dictionary_encode(null_encoding="encode")
    values = coded.dictionary.cast(pa.string())
    nothing = pa.nulls(len(values), pa.string())
    return _Distinct(values, nothing, coded.indices.to_numpy().astype(np.int64))


def _distinct(raw: pa.Array, countries: pa.Array) -> _Distinct:
    """Distinct pairs, numbered value first."""
    value = _distinct_values(raw)
    country = _distinct_values(countries)
    width = max(len(country.values), 1)
    pairs, places = np.unique(value.places * width + country.places, return_inverse=True)
    return _Distinct(
        value.values.take(pa.array(pairs // width)),
        country.values.take(pa.array(pairs % width)),
        places.astype(np.int64),
    )


def _shortcut(steps: Sequence[Step], distinct: _Distinct) -> pa.Array:
    """What Arrow answers surely; null for all that must be asked one by one."""
    if any(step.shortcut is None for step in steps):
        return pa.nulls(len(distinct.values), pa.string())
    plain = pc.fill_null(pc.match_substring_regex(distinct.values, _PRINTABLE_ASCII), False)
    values = _or_null(pc.if_else(plain, pc.ascii_trim(distinct.values, " "), _NOTHING))
    for step in steps:
        if step.shortcut is not None:
            values = _or_null(step.shortcut(values, distinct.countries))
    return values


def _or_null(values: pa.Array) -> pa.Array:
    """An empty text is never an answer."""
    return pc.if_else(pc.not_equal(values, ""), values, _NOTHING)


def _asked(
    steps: Sequence[Step], distinct: _Distinct, undecided: npt.NDArray[np.int64]
) -> tuple[list[str | None], dict[int, Reason]]:
    """Answers of the canonical steps, and the reason for each place that is refused."""
    where = pa.array(undecided)
    raw = distinct.values.take(where).to_pylist()
    countries = distinct.countries.take(where).to_pylist()
    answers: list[str | None] = []
    why: dict[int, Reason] = {}
    for place, value, country in zip(undecided.tolist(), raw, countries, strict=True):
        answer = None if value is None else normalise(steps, value, country)
        if isinstance(answer, Reason):
            why[place] = answer
            answer = None
        answers.append(answer)
    return answers, why
