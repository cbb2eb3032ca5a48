"""Members as Google's APIs read them, whole columns at a time.

A request is thousands of messages of a few fields each. Google's protobuf library takes longer to
fill one than may be spent on it, even from texts that are ready for it (`tests.bench.building`).
So columns are joined here to what the library would have written, and the request reads that.
Of the format it takes one rule (protobuf.dev, "Encoding"): a field that holds a text or a message
is its number, the length and the bytes of that. Whatever this writes goes through the library
once more, and tests hold it to what the library writes field by field.

No vendor package is imported here.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS

# As protobuf describes a message or a field of one; its classes have no types.
Descriptor = Any

_DIGEST_BYTES = 32
_HEX_BYTES = 2 * _DIGEST_BYTES
_LENGTH_DELIMITED = 2  # wire type of texts and messages


@dataclass(frozen=True, slots=True)
class Names:
    """What an API calls the fields of its `UserIdentifier`, and of the address in it.

    Attributes:
        ids: By the cell: what a list may be matched by that is not hashed.
    """

    email: str
    phone: str
    address: str
    given_name: str
    family_name: str
    postcode: str
    country: str
    ids: Mapping[str, str] = field(default_factory=dict)


def identifiers(rows: pa.RecordBatch, user_data: Descriptor, names: Names) -> pa.Array:
    """The bytes of a `UserData` for each row: all of its identifiers, and nobody else's.

    Args:
        rows: At least one.
        user_data: The API's message of that name.
        names: Of its identifiers' fields.

    Raises:
        ValueError: A row that the core must not send.
    """
    holder = user_data.fields_by_name["user_identifiers"]
    of = holder.message_type.fields_by_name
    hashed = [(cell, names.email) for cell in EMAIL_CELLS]
    hashed += [(cell, names.phone) for cell in PHONE_CELLS]
    found = [
        framed(_digests(cells), holder, of[name])
        for cell, name in hashed
        if (cells := _filled(rows, cell)) is not None
    ]
    whole = _addresses(rows, of[names.address], names)
    found += [] if whole is None else [framed(whole, holder, of[names.address])]
    found += [
        framed(_texts(cells, "an id"), holder, of[name])
        for cell, name in names.ids.items()
        if (cells := _filled(rows, cell)) is not None
    ]
    held = several(found)
    bare = 0 if held is None else _first(pc.equal(pc.binary_length(held), 0))
    if bare is not None:
        raise ValueError(f"row {bare}: no identifier is left; such a row must not be sent")
    return held


def framed(contents: pa.Array, *fields: Descriptor) -> pa.Array:
    """A field of each row that holds a text or a message; null where that is null.

    Args:
        contents: Bytes.
        fields: The field; or fields, each in the message of the one before it.
    """
    lengths = pc.binary_length(contents).dictionary_encode()
    heads = [_head(length, fields) for length in lengths.dictionary.to_pylist()]
    each = pa.array(heads, pa.binary()).take(lengths.indices)
    return pc.binary_join_element_wise(each, contents, b"")


def several(fields: Sequence[pa.Array]) -> pa.Array | None:
    """Fields of one message, one after the other, without those that are null; None of none."""
    if not fields:
        return None
    return pc.binary_join_element_wise(*fields, b"", null_handling="replace", null_replacement=b"")


def _filled(rows: pa.RecordBatch, cell: str) -> pa.Array | None:
    """A column with null for what is empty; None where that is all of it."""
    cells = rows.column(cell)
    if cells.null_count == len(cells):
        return None
    empty = pc.equal(pc.binary_length(cells), 0)
    if pc.any(empty).as_py():
        cells = pc.if_else(empty, None, cells)
    return cells if cells.null_count < len(cells) else None


def _addresses(rows: pa.RecordBatch, address: Descriptor, names: Names) -> pa.Array | None:
    """Addresses, null without all four parts: Google matches none of fewer, or refuses them."""
    columns = [cells for cell in ADDRESS_CELLS if (cells := _filled(rows, cell)) is not None]
    if len(columns) < len(ADDRESS_CELLS):
        return None
    given, family, postcode, country = columns
    what, of = "a postcode or country", address.message_type.fields_by_name
    parts = (
        framed(_digests(given), of[names.given_name]),
        framed(_digests(family), of[names.family_name]),
        framed(_texts(postcode, what), of[names.postcode]),
        framed(_texts(country, what), of[names.country]),
    )
    return pc.binary_join_element_wise(*parts, b"")


def _digests(cells: pa.Array) -> pa.Array:
    """Digests in hex."""
    lengths = pc.binary_length(cells)
    wrong = _first(pc.not_equal(lengths, _DIGEST_BYTES))
    if wrong is not None:
        size = lengths[wrong].as_py()
        raise ValueError(f"row {wrong}: a digest of {size} bytes, not {_DIGEST_BYTES}")
    fixed, many = cells.cast(pa.binary(_DIGEST_BYTES)), len(cells)
    # Nulls have a place among the bytes too; what stands there is taken out again.
    raw = fixed.buffers()[1].slice(fixed.offset * _DIGEST_BYTES, many * _DIGEST_BYTES)
    buffers = [None, pa.py_buffer(hexlify(raw))]
    every = pa.Array.from_buffers(pa.binary(_HEX_BYTES), many, buffers).cast(pa.binary())
    return pc.if_else(cells.is_valid(), every, None) if cells.null_count else every


def _texts(cells: pa.Array, what: str) -> pa.Array:
    """Cells that are UTF-8; protobuf takes no others."""
    if _is_utf8(cells):
        return cells
    wrong = next(row for row in range(len(cells)) if not _is_utf8(cells.slice(row, 1)))
    raise ValueError(f"row {wrong}: {what} that is not UTF-8")


def _is_utf8(cells: pa.Array) -> bool:
    try:
        cells.cast(pa.utf8())
    except pa.ArrowInvalid:
        return False
    return True


def _first(flags: pa.Array) -> int | None:
    """The first row of which it is so."""
    found: int = pc.index(flags, value=True).as_py()
    return None if found < 0 else found


def _head(length: int, fields: Sequence[Descriptor]) -> bytes:
    """What stands before so many bytes."""
    head = b""
    for of in reversed(fields):
        number = _varint(of.number << 3 | _LENGTH_DELIMITED)
        head = number + _varint(len(head) + length) + head
    return head


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    more = bytearray()
    while number > 0x7F:  # noqa: PLR2004  # seven bits
        more.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*more, number))
