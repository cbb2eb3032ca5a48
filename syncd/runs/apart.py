"""Whether two requests name one identifier: then they are not under way at once.

Members may share one, a family its phone. Which of their rows a platform takes first is then ours
to say, by sending the other one when it has answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.model import ADDRESS_CELLS, IDENTIFIER_CELLS

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.hashes import Hashes

_ALONE = tuple(cell for cell in IDENTIFIER_CELLS if cell not in ADDRESS_CELLS)


def named(rows: pa.RecordBatch) -> Hashes:
    """Hashes of every identifier of some rows, in order.

    Of two requests of 10,000 rows that name nothing alike, one pair in ten billion seems to, and
    the second one waits for the first.

    Args:
        rows: With `IDENTIFIER_CELLS`. An address counts as one, and only where it is whole.
    """
    import numpy as np  # noqa: PLC0415 - a daemon waits without it

    from syncd.hashes import NONE, hashed, joined  # noqa: PLC0415 - likewise

    found = [hashed(rows.column(cell)) for cell in _ALONE if _filled(rows, cell)]
    if all(_filled(rows, cell) for cell in ADDRESS_CELLS):
        address, *others = (hashed(rows.column(cell)) for cell in ADDRESS_CELLS)
        for other in others:
            address = joined(address, other)
        found.append(address)
    names: Hashes = np.sort(np.concatenate([np.empty(0, np.uint64), *found]))
    return names[np.searchsorted(names, NONE, side="right") :]


def apart(one: Hashes, other: Hashes) -> bool:
    """Whether nothing that is `named` in one is named in the other."""
    import numpy as np  # noqa: PLC0415 - as above

    if not len(other):
        return True
    at = np.searchsorted(other, one)
    at[at == len(other)] = 0
    return not (other[at] == one).any()


def _filled(rows: pa.RecordBatch, cell: str) -> bool:
    return bool(rows.column(cell).null_count < rows.num_rows)
