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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import filled, hexes, texts
from syncd.model import ADDRESS_CELLS, EMAIL_CELLS, PHONE_CELLS

# As protobuf describes a message or a field of one; its classes have no types.
Descriptor = Any
# A field of each row: texts, one after the other, none of them null unless it is the only one.
Field: TypeAlias = tuple[pa.Array | pa.Scalar, ...]

# Made once: see `connectors.columns`.
_NOTHING, _TRUE, _BETWEEN = pa.scalar(0, pa.int32()), pa.scalar(True), pa.scalar(b"")  # values
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
        framed(hexes(cells), holder, of[name])
        for cell, name in hashed
        if (cells := filled(rows, cell)) is not None
    ]
    whole = _addresses(rows, of[names.address], names)
    found += [] if whole is None else [framed(whole, holder, of[names.address])]
    found += [
        framed(texts(cells, "an id"), holder, of[name])
        for cell, name in names.ids.items()
        if (cells := filled(rows, cell)) is not None
    ]
    held = several(found) if found else None
    bare = 0 if held is None else _first(pc.equal(pc.binary_length(held), _NOTHING))
    if bare is not None:
        raise ValueError(f"row {bare}: no identifier is left; such a row must not be sent")
    return held


def framed(contents: pa.Array, *fields: Descriptor) -> Field:
    """A field of each row that holds a text or a message; null where that is null.

    Args:
        contents: Bytes.
        fields: The field; or fields, each in the message of the one before it.
    """
    lengths = pc.binary_length(contents)
    extremes = pc.min_max(lengths).as_py()
    heads: pa.Array | pa.Scalar
    if extremes["min"] == extremes["max"] is not None:  # digests, most of all
        heads = pa.scalar(_head(extremes["max"], fields), pa.binary())
    else:
        encoded = lengths.dictionary_encode()
        each = [_head(length, fields) for length in encoded.dictionary.to_pylist()]
        heads = pa.array(each, pa.binary()).take(encoded.indices)
    if contents.null_count:  # where there is no text, there is no head
        return (_one_by_one(heads, contents),)
    return heads, contents


def several(fields: Sequence[Field]) -> pa.Array:
    """Fields of one message, one after the other, without those that are null."""
    return pc.binary_join_element_wise(
        *chain(*fields), _BETWEEN, null_handling="replace", null_replacement=b""
    )


def _one_by_one(*parts: pa.Array | pa.Scalar) -> pa.Array:
    """Parts, one after the other; null where one of them is."""
    return pc.binary_join_element_wise(*parts, _BETWEEN)


def _addresses(rows: pa.RecordBatch, address: Descriptor, names: Names) -> pa.Array | None:
    """Addresses, null without all four parts: Google matches none of fewer, or refuses them."""
    columns = [cells for cell in ADDRESS_CELLS if (cells := filled(rows, cell)) is not None]
    if len(columns) < len(ADDRESS_CELLS):
        return None
    given, family, postcode, country = columns
    what, of = "a postcode or country", address.message_type.fields_by_name
    parts = (
        framed(hexes(given), of[names.given_name]),
        framed(hexes(family), of[names.family_name]),
        framed(texts(postcode, what), of[names.postcode]),
        framed(texts(country, what), of[names.country]),
    )
    return _one_by_one(*chain(*parts))


def _first(flags: pa.Array) -> int | None:
    """The first row of which it is so."""
    found: int = pc.index(flags, _TRUE).as_py()
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
