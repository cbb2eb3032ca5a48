"""The bytes of a column's texts, seen and not copied."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def column_bytes(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text of a column starts, one more than there are texts, and all their bytes."""
    _, offsets, data = values.buffers()
    count = len(values) + 1
    if data is None:
        return np.zeros(count, np.int64), np.empty(0, np.uint8)
    starts = np.frombuffer(offsets, np.int32, count, values.offset * 4).astype(np.int64)
    return starts - starts[0], np.frombuffer(data, np.uint8)[starts[0] : starts[-1]]
