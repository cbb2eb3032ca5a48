"""What models of categories and of groups read of each buyer: columns of numbers, no keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from syncd.segments.scored.histories import Floats

# By name; one cell a buyer in each.
Columns = Mapping[str, Floats]
Flags = npt.NDArray[np.bool_]


def columns(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> Columns:
    """Columns of batches as numbers.

    Args:
        batches: Of the shop's rows, all of which have these columns.
        names: Of the columns.
    """
    parts = [{name: _cells(batch, name) for name in names} for batch in batches]
    empty = np.zeros(0)
    return {name: np.concatenate([empty, *(part[name] for part in parts)]) for name in names}


@dataclass(frozen=True, slots=True)
class Picker:
    """Takes of a segment's rows those of its members.

    Attributes:
        figures: The columns that decide, which do not go along.
        chosen: Of those: who is a member.
        value: Whether the score goes with the row, which it never does.
    """

    figures: tuple[str, ...]
    chosen: Callable[[Columns], Flags]
    value: bool = False

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The members among a batch's rows, without the figures they were chosen by."""
        chosen = self.chosen(columns([batch], self.figures))
        return batch.drop_columns(list(self.figures)).filter(pa.array(chosen))


def _cells(batch: pa.RecordBatch, name: str) -> Floats:
    return np.asarray(pc.cast(batch.column(name), pa.float64()), dtype=np.float64)
