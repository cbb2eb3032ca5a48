"""Versions of a rule set that make other digests of the same values.

A version salts the digests of some fields once they are made: whatever else a changed
rule may be, to everything behind `syncd.identity` it is this.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import pyarrow as pa

from connectors.sandbox.state import Identifier
from syncd.identity.digest import Digested
from syncd.model import ADDRESS_CELLS, ID_CELLS, ROW_COLUMNS, RuleSet


@dataclass(frozen=True)
class Version:
    """A version of a platform's rule set.

    Attributes:
        name: Empty for the one that is shipped.
        fields: Whose digests it salts, named as in `FieldRule`.
    """

    name: str = ""
    fields: frozenset[str] = frozenset()

    def rules(self, shipped: RuleSet) -> RuleSet:
        """The rule set of this version."""
        return replace(shipped, version=self.name) if self.name else shipped

    def digested(self, found: Digested) -> Digested:
        """Columns as this version makes them."""
        columns = [self._column(name, found.rows.column(name)) for name in found.rows.schema.names]
        rows = pa.RecordBatch.from_arrays(columns, schema=found.rows.schema)
        return Digested(rows, found.refused, found.clean)

    def identifiers(self, shipped: frozenset[Identifier]) -> frozenset[Identifier]:
        """What the shipped version's identifiers are in this one; all cells are digests."""
        if not self.fields:
            return shipped
        return frozenset((kind, self._text(kind, text)) for kind, text in shipped)

    def _column(self, name: str, column: pa.Array) -> pa.Array:
        if name not in ROW_COLUMNS or field(name) not in self.fields:
            return column
        salted = [None if one is None else self._salted(one) for one in column.to_pylist()]
        return pa.array(salted, column.type)

    def _text(self, kind: str, text: str) -> str:
        fields = ADDRESS_CELLS if kind == "address" else (kind,)
        return "|".join(
            self._salted(bytes.fromhex(one)).hex() if name in self.fields else one
            for name, one in zip(fields, text.split("|"), strict=True)
        )

    def _salted(self, digest: bytes) -> bytes:
        return hashlib.sha256(self.name.encode() + digest).digest()


SHIPPED = Version()
NEXT = Version("next", frozenset({"email", "phone", *ADDRESS_CELLS}))
LAST = Version("last", frozenset({"email", "phone"}))
ONLY_EMAILS = Version("emails", frozenset({"email"}))
ONLY_NAMES = Version("names", frozenset({"given_name", "family_name"}))


def field(cell: str) -> str:
    """The field that a cell of a row belongs to."""
    return cell if cell in (*ADDRESS_CELLS, *ID_CELLS) else cell.partition("_")[0]
