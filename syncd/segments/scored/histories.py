"""What a model reads of each buyer: columns of numbers, and nobody's key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from typing import Self

Floats = npt.NDArray[np.float64]

# As `catalogue/base/history.sql` names them.
FIGURES = ("frequency", "recency", "age", "spent")
LATER = "later"


@dataclass(frozen=True, slots=True)
class Histories:
    """Buyers' purchases up to some day, one cell a buyer. Several orders in a day are one.

    Attributes:
        frequency: Days with a purchase after the first; 0 for who bought once.
        recency: From the first to the last of them, in the model's unit of time.
        age: From the first to the end of the history, likewise; never less than `recency`.
        spent: What came in on those later days, in the shop's base currency.
        later: Days with a purchase in the time that was kept from the model.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    spent: Floats
    later: Floats

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
        """The histories in batches of the shop's columns, text or numbers; `later` may lack."""
        parts = [tuple(cells(batch, name) for name in (*FIGURES, LATER)) for batch in batches]
        columns = zip(*parts, strict=True) if parts else [[np.zeros(0)]] * (len(FIGURES) + 1)
        return cls(*(joined(column) for column in columns))


def cells(batch: pa.RecordBatch, name: str) -> Floats:
    """A column as numbers; zeros where the batch has none of that name."""
    if name not in batch.schema.names:
        return np.zeros(batch.num_rows)
    return np.asarray(pc.cast(batch.column(name), pa.float64()), dtype=np.float64)


def joined(parts: Sequence[Floats]) -> Floats:
    """Arrays one after another."""
    return np.concatenate(parts)
