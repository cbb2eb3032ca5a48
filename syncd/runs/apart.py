"""Whether two requests name one identifier: then they are not under way at once.

Members may share one, a family its phone. Which of their rows a platform takes first is then ours
to say, by sending the other one when it has answered. Imported only to send: numpy is heavy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.hashes import NONE, Hashes, hashed
from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, ID_CELLS, PHONE_CELLS

_DIGEST, _WORD = 32, 8  # bytes
_ODD = np.uint64(0xD1342543DE82EF95)  # its powers keep the parts of an address apart
_BITS = 20  # 1 MB a request; of 30,000 names, one in 35 begins as one of another request does


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """What some rows name, 64 bits of each.

    Attributes:
        names: In order.
        begun: Whether any of them has these first `_BITS` bits.
    """

    names: Hashes = field(repr=False)
    begun: npt.NDArray[np.bool_] = field(repr=False)

    def apart(self, other: Named) -> bool:
        """Whether nothing that is named in one is named in the other."""
        likely = self.names[other.begun[_firsts(self.names)]]
        if not len(likely):
            return True
        at = np.searchsorted(other.names, likely)
        at[at == len(other.names)] = 0
        return not (other.names[at] == likely).any()


def named(rows: pa.RecordBatch) -> Named:
    """What every identifier of some rows is known by.

    Of two requests of 10,000 rows that name nothing alike, one pair in ten billion seems to, and
    the second one waits for the first.

    Args:
        rows: With `IDENTIFIER_CELLS`. An address counts as one, and only where it is whole.
    """
    found = [
        *(_begun(rows.column(cell)) for cell in (*EMAIL_CELLS, *PHONE_CELLS) if _any(rows, cell)),
        # Ids in clear may be as long as a digest, and begin as all others do.
        *(hashed(rows.column(cell)) for cell in ID_CELLS if _any(rows, cell)),
    ]
    if all(_any(rows, cell) for cell in ADDRESS_CELLS):
        found.append(_addresses(rows))
    names: Hashes = np.sort(np.concatenate([np.empty(0, np.uint64), *found]))
    names = names[np.searchsorted(names, NONE, side="right") :]
    begun = np.zeros(1 << _BITS, np.bool_)
    begun[_firsts(names)] = True
    return Named(names, begun)


def _firsts(names: Hashes) -> npt.NDArray[np.int64]:
    return (names >> np.uint64(64 - _BITS)).view(np.int64)


def _addresses(rows: pa.RecordBatch) -> Hashes:
    """Of whole addresses; 0 where one is not."""
    parts = [_begun(rows.column(cell)) for cell in ADDRESS_CELLS]
    found = np.zeros(rows.num_rows, np.uint64)
    for part in parts:
        found = found * _ODD + part
    np.maximum(found, 1, out=found)
    for part in parts:
        if not part.all():
            found[part == NONE] = NONE
    return found


def _begun(cells: pa.BinaryArray) -> Hashes:
    """A digest's first 64 bits, the hash of anything else; 0 where a cell is blank.

    By each cell alone: one value has one name, whatever stands beside it.
    """
    ends = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset :][: len(cells) + 1]
    held = memoryview(cells.buffers()[2] or b"")[ends[0] : ends[-1]]
    sizes = np.diff(ends)
    digests = np.flatnonzero(sizes == _DIGEST)
    if len(digests) == len(cells):
        found: Hashes = np.maximum(np.frombuffer(held, "<u8")[:: _DIGEST // _WORD], 1)
    else:
        alone = len(digests) * _DIGEST == len(held)
        found = np.zeros(len(cells), np.uint64) if alone else hashed(cells)
        # The word that begins at each byte; they overlap.
        words = np.ndarray(max(len(held) - _WORD + 1, 0), "<u8", held, strides=(1,))
        found[digests] = np.maximum(words[ends[digests] - ends[0]], 1)
        found[sizes == 0] = NONE
    if cells.null_count:
        found[cells.is_null().to_numpy(zero_copy_only=False)] = NONE
    return found


def _any(rows: pa.RecordBatch, cell: str) -> bool:
    return bool(rows.column(cell).null_count < rows.num_rows)
