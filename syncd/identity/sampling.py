"""What a platform's rules make of a segment, in counts, and in shapes that tell of nobody.

Raw values come in and none goes out: what is kept between batches are numbers and masks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from syncd.identity.advice import way_on
from syncd.identity.columns import Column, normalised
from syncd.identity.digest import Policy, known_countries
from syncd.identity.fields import columns_of
from syncd.identity.masks import mask
from syncd.identity.reasons import Reason
from syncd.identity.step import Step
from syncd.identity.steps import normalise

EXAMPLES = 3  # masks a reason
# Refused cells of a batch that are read once more for the sake of examples; more only for a
# reason that has none yet.
_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Cells of one field that are refused for one reason.

    Attributes:
        examples: Masks, different from each other; at most `EXAMPLES`.
    """

    reason: Reason
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldSample:
    """What became of one field's cells.

    Attributes:
        columns: The segment's columns that hold it.
        filled: Cells that are not blank: the sum of the next three.
        as_they_stand: Cells whose normalised text is the raw one.
        repaired: Cells that normalising changed.
        refused: By reason, the most frequent first.
        repaired_examples: Masks of the raw values.
    """

    field: str
    columns: tuple[str, ...]
    filled: int
    as_they_stand: int
    repaired: int
    refused: tuple[Refusal, ...]
    repaired_examples: tuple[str, ...]

    @property
    def refused_cells(self) -> int:
        """How many cells are refused, for any reason."""
        return sum(refusal.count for refusal in self.refused)

    def refused_for(self, reason: Reason) -> int:
        """How many cells are refused for this reason."""
        return sum(refusal.count for refusal in self.refused if refusal.reason is reason)


class Sample:
    """Counts batches of a segment as one platform would take them; bounded in memory."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.rows = 0
        self._steps = {rule.field: policy.steps(rule.field) for rule in policy.rules.fields}
        self._tallies = {name: _Tally() for name in self._steps}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch: text columns named as in `model.SEGMENT_COLUMNS`.

        Raises:
            ConfigError: The default country is none, or the rules name an unknown step.
        """
        self.rows += batch.num_rows
        countries = known_countries(batch, self.policy.default_country)
        for name, steps in self._steps.items():
            for column in columns_of(name):
                place = batch.schema.get_field_index(column)
                if place >= 0:
                    raw = batch.column(place).cast(pa.string())
                    self._tallies[name].add(column, steps, raw, countries)

    def fields(self) -> tuple[FieldSample, ...]:
        """The fields whose columns the segment has, in the order of the rule set."""
        return tuple(tally.sample(name) for name, tally in self._tallies.items() if tally.columns)


@dataclass(slots=True)
class _Tally:
    """One field's numbers so far."""

    columns: list[str] = field(default_factory=list)
    as_they_stand: int = 0
    repaired: int = 0
    refused: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)
    repaired_examples: list[str] = field(default_factory=list)

    def add(self, column: str, steps: tuple[Step, ...], raw: pa.Array, countries: pa.Array) -> None:
        """Take one column of a batch in."""
        if column not in self.columns:
            self.columns.append(column)
        made = normalised(steps, raw, countries)
        texts = made.texts()
        changed = pc.fill_null(pc.not_equal(texts, raw), pa.scalar(False))
        repaired = int(pc.sum(changed).as_py() or 0)
        self.repaired += repaired
        self.as_they_stand += len(texts) - texts.null_count - repaired
        self.refused += made.reasons
        if repaired and len(self.repaired_examples) < EXAMPLES:
            self._keep(self.repaired_examples, raw.filter(changed).slice(0, _LOOKED_AT))
        self._explain(steps, made, raw, countries)

    def sample(self, name: str) -> FieldSample:
        """The numbers as they stand."""
        refused = tuple(
            Refusal(reason, count, tuple(self.examples.get(reason, ())))
            for reason, count in sorted(
                self.refused.items(), key=lambda entry: (-entry[1], entry[0].value)
            )
        )
        return FieldSample(
            field=name,
            columns=tuple(self.columns),
            filled=self.as_they_stand + self.repaired + sum(self.refused.values()),
            as_they_stand=self.as_they_stand,
            repaired=self.repaired,
            refused=refused,
            repaired_examples=tuple(self.repaired_examples),
        )

    def _explain(
        self, steps: tuple[Step, ...], made: Column, raw: pa.Array, countries: pa.Array
    ) -> None:
        """Find examples for this batch's reasons: a column counts reasons, and not whose."""
        few = {one for one in made.reasons if len(self.examples.get(one, ())) < EXAMPLES}
        if not few:
            return
        none = {one for one in few if one not in self.examples}
        for looked, (value, country) in enumerate(_cells(made.refused, raw, countries)):
            if not few or (looked >= _LOOKED_AT and not none):
                return
            reason = normalise(steps, value, country)
            if isinstance(reason, Reason) and reason in few:
                kept = self.examples.setdefault(reason, [])
                self._keep(kept, [value])
                none.discard(reason)
                if len(kept) == EXAMPLES:
                    few.discard(reason)

    @staticmethod
    def _keep(kept: list[str], values: pa.Array | list[str]) -> None:
        for value in values:
            shape = mask(value if isinstance(value, str) else value.as_py())
            if len(kept) < EXAMPLES and shape not in kept:
                kept.append(shape)


def _cells(where: pa.Array, raw: pa.Array, countries: pa.Array) -> Iterator[tuple[str, str | None]]:
    """The cells at those places, each different one once."""
    at = pa.array(np.flatnonzero(where.to_numpy(zero_copy_only=False)))
    pairs = zip(raw.take(at).to_pylist(), countries.take(at).to_pylist(), strict=True)
    yield from dict.fromkeys(pairs)


# --- what looks wrong ---------------------------------------------------------------

_MANY_REFUSED = 0.2
_MANY_UNDIALLED = 0.5


def warnings(samples: Mapping[str, Sample]) -> tuple[str, ...]:
    """What a person should mend: a sentence each, with numbers and the way on.

    Args:
        samples: By platform.
    """
    said: dict[str, list[str]] = {}
    for platform, sample in samples.items():
        for one in sample.fields():
            for sentence in _wrong(one, sample):
                said.setdefault(sentence, []).append(platform)
    return tuple(f"{' and '.join(names)}: {sentence}" for sentence, names in said.items())


def _wrong(one: FieldSample, sample: Sample) -> Iterator[str]:
    """What looks systematically wrong with a field."""
    if not one.filled:
        yield (
            f"{one.field}: empty in all {sample.rows:,} rows: does the segment's SQL select the "
            f"right column as {' or '.join(one.columns)}?"
        )
        return
    hashed = one.refused_for(Reason.HASHED)
    if hashed:
        yield (
            f"{one.field}: {_of(hashed, one.filled)} are hashed already: "
            f"{way_on(one.field, Reason.HASHED)}"
        )
    undialled = one.refused_for(Reason.NO_COUNTRY)
    if undialled > _MANY_UNDIALLED * one.filled:
        yield (
            f"{one.field}: {_of(undialled, one.filled)} have {Reason.NO_COUNTRY.value}: "
            f"{_no_country(sample.policy)}"
        )
    elif one.refused_cells - hashed > _MANY_REFUSED * one.filled:
        first = next(each for each in one.refused if each.reason is not Reason.HASHED)
        yield (
            f"{one.field}: {_of(one.refused_cells, one.filled)} are refused, {first.count:,} of "
            f"them for `{first.reason.value}`: "
            f"{way_on(one.field, first.reason) or 'mend the column, or the SQL of the segment'}"
        )


def _no_country(policy: Policy) -> str:
    if policy.default_country is None:
        return way_on("phone", Reason.NO_COUNTRY)
    return (
        f"the country that these members have cannot be read, so {policy.default_country} does "
        "not apply: mend column country"
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.0%})"
