"""What a model reads of each buyer: columns of numbers, and nobody's key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.segments.scored import FIGURES, LATER

if TYPE_CHECKING:
    from typing import Self

Floats = npt.NDArray[np.float64]

_TEN_THOUSANDTHS = 10_000  # of an amount in the base currency, which the SQL counts


@dataclass(frozen=True, slots=True)
class Histories:
    """Buyers' purchases up to some day, one cell a buyer. Several orders in a day are one.

    Attributes:
        frequency: Days with a purchase after the first; 0 for who bought once.
        recency: From the first to the last of them, in the model's unit of time.
        age: From the first to the end of the history, likewise; never less than `recency`.
        spent: What came in on those later days, in the shop's base currency.
        later: Days with a purchase in the time that was kept from the model.
        brought: What came in on these; no cells where that was not asked.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    spent: Floats
    later: Floats
    brought: Floats = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        """How many buyers."""
        return len(self.frequency)

    @property
    def repeated(self) -> npt.NDArray[np.bool_]:
        """Who bought on more than one day."""
        return np.asarray(self.frequency > 0)

    @property
    def mean_spent(self) -> Floats:
        """What a repeat purchase brought on average; 0 for who made none."""
        return np.asarray(self.spent / np.maximum(self.frequency, 1))

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch]) -> Self:
        """The histories in batches of the shop's columns; the last two may lack.

        Of what `catalogue/base/history.sql` returns, days as unit.
        """
        names = (*FIGURES, *LATER)
        parts = [[_cells(batch, name) for name in names] for batch in batches]
        empty = np.zeros(0)
        frequency, recency, age, spent, later, brought = (
            np.concatenate([empty, *(part[place] for part in parts)]) for place in range(len(names))
        )
        spent, brought = spent / _TEN_THOUSANDTHS, brought / _TEN_THOUSANDTHS
        return cls(frequency, recency, age, spent, later, brought)


def _cells(batch: pa.RecordBatch, name: str) -> Floats:
    """A column as numbers; zeros where the batch has none of that name."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows)
    return np.asarray(pc.cast(batch.column(name), pa.float64()), dtype=np.float64)
