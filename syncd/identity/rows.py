"""What becomes of a member's cells together, once each is digested."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, ID_CELLS, PHONE_CELLS

_NOTHING = pa.scalar(None, pa.binary())


def without_repeats(cells: list[pa.Array]) -> list[pa.Array]:
    """Leave out what a member has twice, and close the gaps to the left.

    Args:
        cells: Columns of one kind, the first slot first.
    """
    # Most members have one of a kind.
    blank = [cell for cell in cells if cell.null_count == len(cell)]
    kept: list[pa.Array] = []
    for cell in cells:
        if cell.null_count == len(cell):
            continue
        fresh = cell
        for earlier in kept:
            same = pc.fill_null(pc.equal(cell, earlier), pa.scalar(False))
            fresh = pc.if_else(same, _NOTHING, fresh)
        kept.append(fresh)
    return [*_closed_up(kept), *blank]


def _closed_up(cells: list[pa.Array]) -> list[pa.Array]:
    """Move cells one slot to the left until no gap is before any of them."""
    for _ in cells:
        for left in range(len(cells) - 1):
            here, there = cells[left], cells[left + 1]
            if there.null_count == len(there):
                continue
            gap = here.is_null()
            cells[left] = pc.coalesce(here, there)
            cells[left + 1] = pc.if_else(gap, _NOTHING, there)
    return cells


def only_whole(cells: list[pa.Array]) -> list[pa.Array]:
    """Blank every row that lacks one of the cells: part of an address matches nobody."""
    whole = cells[0].is_valid()
    for cell in cells[1:]:
        whole = pc.and_(whole, cell.is_valid())
    if pc.all(whole).as_py():
        return cells
    return [pc.if_else(whole, cell, _NOTHING) for cell in cells]


def limit_identifiers(row: dict[str, pa.Array], most: int) -> None:
    """Blank, in place, the identifiers of each row beyond the first `most`.

    The order is that of `model.ROW_COLUMNS`; the address is one identifier.
    """
    single = [(name,) for name in (*EMAIL_CELLS, *PHONE_CELLS)]
    groups = [*single, ADDRESS_CELLS, *((name,) for name in ID_CELLS)]
    if most >= len(groups):
        return
    held = np.zeros(len(row[groups[0][0]]), np.int64)
    for group in groups:
        held += row[group[0]].is_valid().to_numpy(zero_copy_only=False)
        room = pa.array(held <= most)
        for name in group:
            row[name] = pc.if_else(room, row[name], _NOTHING)
