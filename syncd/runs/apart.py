"""Whether two requests name one identifier: then they are not under way at once.

Members may share one, a family its phone. Which of their rows a platform takes first is then ours
to say, by sending the other one when it has answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd.model import ADDRESS_CELLS, IDENTIFIER_CELLS

if TYPE_CHECKING:
    import pyarrow as pa

_ALONE = tuple(cell for cell in IDENTIFIER_CELLS if cell not in ADDRESS_CELLS)
_BETWEEN = b"\0"  # cells of an address; none holds it


def named(rows: pa.RecordBatch) -> pa.Array:
    """Every identifier of some rows, as bytes and as often as it stands there.

    Args:
        rows: With `IDENTIFIER_CELLS`. An address counts as one, and only where it is whole.
    """
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    cells = [rows.column(cell).cast(pa.binary()) for cell in _ALONE]
    address = (rows.column(cell).cast(pa.binary()) for cell in ADDRESS_CELLS)
    cells.append(pc.binary_join_element_wise(*address, _BETWEEN))
    return pa.concat_arrays([cell.drop_null() for cell in cells])


def apart(one: pa.Array, other: pa.Array) -> bool:
    """Whether nothing that is `named` in one is named in the other."""
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return not pc.any(pc.is_in(one, value_set=other)).as_py()
