"""MariaDB's and MySQL's answers as they arrive, cut into columns many rows at a time.

PyMySQL makes an object of each row and each cell, which took six times as long. It still
connects, logs in, quotes values and asks; only the rows of an answer are taken from its
socket here. In them each cell is its length and its text, and each row a packet
(https://mariadb.com/kb/en/result-set-packets/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BufferedReader
from struct import Struct
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.err import InternalError, OperationalError, raise_mysql_exception

from syncd.errors import ShopError
from syncd.shop.columns import amounts, numbers, texts, utf8
from syncd.shop.rows import Asked

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPICursor

Places = NDArray[np.int64]

_PIECE = 1 << 20  # bytes asked of the socket at a time
_LARGEST = 0xFFFFFF  # a packet's size; one that large goes on in the next
_HEAD = Struct("<I")  # three bytes of size, one that counts packets
_EOF, _ERROR = 0xFE, 0xFF  # first bytes of the packet after the last row
_EOF_SIZE = 9  # a packet so short cannot be a row that begins with a cell of 16 MB
_NULL, _TWO, _THREE = 0xFB, 0xFC, 0xFD  # no cell; its length is in two bytes, in three
_LOST = 2013  # PyMySQL's number for a connection that went away

# Whose text on the wire is the one that is wanted.
_PLAIN = frozenset(
    {
        *(FIELD_TYPE.VARCHAR, FIELD_TYPE.VAR_STRING, FIELD_TYPE.STRING, FIELD_TYPE.ENUM),
        *(FIELD_TYPE.SET, FIELD_TYPE.JSON, FIELD_TYPE.BLOB, FIELD_TYPE.TINY_BLOB),
        *(FIELD_TYPE.MEDIUM_BLOB, FIELD_TYPE.LONG_BLOB, FIELD_TYPE.DATE, FIELD_TYPE.NULL),
        *(FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG),
        *(FIELD_TYPE.LONGLONG, FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL),
        *(FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP),
    }
)
_MOMENTS = frozenset({FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP})


class _Field(Protocol):
    type_code: int
    flags: int
    scale: int


class _Connection(Protocol):
    encoding: str
    _rfile: BufferedReader
    _next_seq_id: int


class _Result(Protocol):
    fields: Sequence[_Field]
    converters: Sequence[tuple[str | None, Callable[[object], object] | None]]
    unbuffered_active: bool


def known(connection: object) -> bool:
    """Whether this PyMySQL has what is taken from it here; one that has not reads by itself."""
    return all(hasattr(connection, name) for name in ("_rfile", "_next_seq_id", "encoding"))


def batches(cursor: DBAPICursor, asked: Asked) -> Iterator[pa.RecordBatch]:
    """The rows of a statement that was executed on PyMySQL's SSCursor.

    Raises:
        pymysql.err.Error: The server ended the answer, or the connection.
        ShopError: A cell is not text in UTF-8, or a row of 16 MB or more.
    """
    result: _Result = cursor._result  # noqa: SLF001  (PyMySQL's)
    connection = cast("_Connection", cursor.connection)
    packets = _Packets(connection)
    shapes = [
        _shape(field, connection.encoding, *converter)
        for field, converter in zip(result.fields, result.converters, strict=True)
    ]
    while not packets.ended:
        data, starts = packets.take(asked.batch_rows)
        arrays = [
            shape(cells, name)
            for name, shape, cells in zip(asked.columns, shapes, _cells(data, starts), strict=False)
        ]
        if len(starts):
            yield pa.RecordBatch.from_arrays(arrays, names=list(asked.columns))
    result.unbuffered_active = False  # so that the connection may be asked again


class _Packets:
    """What arrives after a statement's columns: a packet a row, and one that ends them."""

    def __init__(self, connection: _Connection) -> None:
        self._stream = connection._rfile  # noqa: SLF001  (there is no public way to it)
        self._next = connection._next_seq_id  # noqa: SLF001
        self._held = bytearray()
        self.ended = False

    def take(self, most: int) -> tuple[NDArray[np.uint8], Places]:
        """At most so many rows: their bytes, and where each one's first cell begins."""
        begins: list[int] = []
        at = self._walk(0, begins, most)
        while not (begins and at == len(self._held) and self._is_end(begins[-1])):
            if len(begins) == most:
                break
            self._held += self._more()
            at = self._walk(at, begins, most)
        else:
            at = begins.pop() - _HEAD.size
            self.ended = True
        data = np.frombuffer(bytes(self._held[:at]), np.uint8)
        del self._held[:at]
        starts = np.array(begins, np.int64)
        self._see_that_they_follow(data, starts)
        return data, starts

    def _more(self) -> bytes:
        """What has arrived by now, but not nothing."""
        try:
            more: bytes = self._stream.read1(_PIECE)
        except OSError:
            more = b""
        if not more:
            raise OperationalError(_LOST, "Lost connection during query")
        return more

    def _walk(self, at: int, begins: list[int], most: int) -> int:
        """Note each whole packet from a place on, up to the most; where the next will begin."""
        held, known = self._held, len(self._held)
        head, size = _HEAD.unpack_from, _HEAD.size
        for _ in range(most - len(begins)):
            if at + size > known:
                break
            follows = at + size + (head(held, at)[0] & _LARGEST)
            if follows > known:
                break
            begins.append(at + size)
            at = follows
        return at

    def _is_end(self, begin: int) -> bool:
        """Whether the packet that is last in hand follows the last row."""
        first = self._held[begin]
        if first == _ERROR:
            raise_mysql_exception(bytes(self._held[begin:]))
        return first == _EOF and len(self._held) - begin < _EOF_SIZE

    def _see_that_they_follow(self, data: NDArray[np.uint8], starts: Places) -> None:
        """Packets are numbered: were one cut wrongly, the next numbers would not fit."""
        if (np.diff(starts, append=len(data) + _HEAD.size) - _HEAD.size == _LARGEST).any():
            raise ShopError("a row of the segment has 16 MB or more; leave out what is so large")
        if (data[starts - 1] != (self._next + np.arange(len(starts))) & 0xFF).any():
            raise InternalError("Packet sequence number wrong")
        self._next += len(starts)


def _cells(data: NDArray[np.uint8], starts: Places) -> Iterator[pa.BinaryArray]:
    """The first cell of each row, then the second of each."""
    buffer = pa.py_buffer(data)
    evens = np.arange(0, 2 * len(starts), 2)
    at = starts
    while True:
        begins, lengths, missing = _measured(data, at)
        at = begins + lengths
        # Each cell and what lies between it and the next row's, by turns.
        edges = np.empty(2 * len(starts) + 1, np.int32)
        edges[:-1:2], edges[1::2], edges[-1] = begins, at, len(data)
        every = pa.BinaryArray.from_buffers(
            pa.binary(), 2 * len(starts), [None, pa.py_buffer(edges), buffer]
        )
        yield every.take(pa.array(evens, mask=missing))


def _measured(data: NDArray[np.uint8], at: Places) -> tuple[Places, Places, NDArray[np.bool_]]:
    """Where each row's cell begins whose length stands at a place, that length, and if it is null.

    Up to 250 the first byte is the length; else it says how many bytes of length follow.
    """
    first = data[at]
    missing = first == _NULL
    begins, lengths = at + 1, np.where(missing, 0, first).astype(np.int64)
    if (first >= _TWO).any():
        for mark, size in ((_TWO, 2), (_THREE, 3)):
            longer = np.flatnonzero(first == mark)
            places = at[longer]
            begins[longer] += size
            lengths[longer] = sum(
                data[places + 1 + byte].astype(np.int64) << 8 * byte for byte in range(size)
            )
    return begins, lengths, missing


def _shape(
    field: _Field,
    encoding: str,
    text_of: str | None,
    converter: Callable[[object], object] | None,
) -> Callable[[pa.BinaryArray, str], pa.Array]:
    """What makes of a column's cells what a reading gives."""

    def cell(raw: bytes) -> object:
        """As PyMySQL has it in Python."""
        read: object = raw if text_of is None else raw.decode(text_of)
        return read if converter is None else converter(read)

    def shaped(cells: pa.BinaryArray, name: str) -> pa.Array:
        if plain and name == "value":
            return amounts(utf8(cells, name), partial(_converted, cells, cell))
        if plain:
            return utf8(cells, name)
        return (numbers if name == "value" else partial(texts, name=name))(_converted(cells, cell))

    plain = (
        field.type_code in _PLAIN
        and encoding == "utf8"
        and not field.flags & FLAG.ZEROFILL
        and not (field.type_code in _MOMENTS and field.scale)
    )
    return shaped


def _converted(cells: pa.BinaryArray, cell: Callable[[bytes], object]) -> list[object]:
    return [None if raw is None else cell(raw) for raw in cells.to_pylist()]
