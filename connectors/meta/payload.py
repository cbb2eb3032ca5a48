"""Members as Meta's rows, and what an answer says of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncd.model import (
    ADDRESS_CELLS,
    DETAIL_CELLS,
    EMAIL_CELLS,
    ID_CELLS,
    PHONE_CELLS,
    Fact,
    Refusal,
)

if TYPE_CHECKING:
    import pyarrow as pa

# One list schema for every request: an audience that was filled by one form of schema
# refuses the other (2650), and a removal must repeat the row that was added. Facts follow it
# where rows have them: a list that is not value-based takes no value, and a row without
# processing options says nothing of them.
_DETAILS = {
    "first_initial": "FI",
    "city": "CT",
    "state": "ST",
    "birth_year": "DOBY",
    "birth_month": "DOBM",
    "birth_day": "DOBD",
    "gender": "GEN",
}
_IDENTIFIERS = ("EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY", "MADID", "EXTERN_ID")
SCHEMA = (*_IDENTIFIERS, *(_DETAILS[cell] for cell in DETAIL_CELLS))
# Country and state are left out beside the options: Meta then tells them by itself.
_FACTS = {Fact.VALUE: "LOOKALIKE_VALUE", Fact.LIMITED_DATA_USE: "DATA_PROCESSING_OPTIONS"}
_OPTIONS = {b"1": ("LDU",)}
WIRE_ROWS = 10_000  # a request; Customer File guide
# A member takes as many of Meta's rows as it has e-mails or phones, and those are three
# at most. One push is one request, so this is what can be promised whoever the members are.
MAX_ROWS = WIRE_ROWS // len(EMAIL_CELLS)
Cell = str | tuple[str, ...]
_NOBODY = ("",) * len(ADDRESS_CELLS)


@dataclass(frozen=True, slots=True)
class WireRows:
    """Members as Meta's rows.

    Attributes:
        data: Cells in the order of `schema`, digests in hex, ids and values as they are, ""
            where there is none; processing options as a list.
        members: For each of them the position in the batch that it belongs to.
        schema: `SCHEMA`, and the keys of facts that any of the rows has.
    """

    data: tuple[tuple[Cell, ...], ...] = field(repr=False)
    members: tuple[int, ...] = field(repr=False)
    schema: tuple[str, ...] = SCHEMA

    def encoded(self) -> str:
        """The form field `payload`."""
        # `is_raw`: the keys are separate ones, not combined as in "LN_FN_ZIP".
        content = {"schema": self.schema, "data": self.data, "is_raw": True}
        return json.dumps(content, separators=(",", ":"))


def wire_rows(rows: pa.RecordBatch) -> WireRows:
    """Expand members into Meta's rows.

    Row `i` of a member holds its `i`-th e-mail, its `i`-th phone, and all else of it;
    where there is one of them only, the first of the other is repeated beside it, since Meta
    matches a row by all of its keys. A removal of the whole member repeats the very rows of the
    addition; one with blank cells holds what leaves and nothing else. Meta forgets after 90
    days whom an external id stands for, so a removal never trusts to it where anything else
    of the row leaves too.

    Raises:
        ValueError: A member has no identifier. The core never sends one: a bug of ours.
    """
    columns = [
        [cell.hex() if cell else "" for cell in rows.column(name).to_pylist()]
        for name in (*EMAIL_CELLS, *PHONE_CELLS, *ADDRESS_CELLS)
    ]
    # Hashed, an id matches nobody.
    columns += [
        [cell.decode() if cell else "" for cell in rows.column(name).to_pylist()]
        for name in ID_CELLS
    ]
    columns += [
        [cell.hex() if cell else "" for cell in rows.column(name).to_pylist()]
        for name in DETAIL_CELLS
    ]
    said = _said(rows)
    facts = list(zip(*said.values(), strict=True)) if said else [()] * rows.num_rows
    data: list[tuple[Cell, ...]] = []
    members: list[int] = []
    for position, cells in enumerate(zip(*columns, strict=True)):
        before = len(data)
        data.extend((*row, *facts[position]) for row in _expand(cells))
        if len(data) == before:
            raise ValueError(f"row {position} of the batch holds no identifier")
        members.extend([position] * (len(data) - before))
    return WireRows(tuple(data), tuple(members), (*SCHEMA, *said))


def _said(rows: pa.RecordBatch) -> dict[str, list[Cell]]:
    """Columns of facts that any of the rows has, by Meta's key."""
    found: dict[str, list[Cell]] = {}
    for fact, key in _FACTS.items():
        column = rows.column(fact.value)
        if column.null_count == len(column):
            continue
        cells = column.to_pylist()
        if fact is Fact.VALUE:
            found[key] = [cell.decode() if cell else "" for cell in cells]
        else:
            found[key] = [_OPTIONS.get(cell, ()) for cell in cells]
    return found


def _expand(cells: tuple[str, ...]) -> list[tuple[str, ...]]:
    emails, phones, address, ids, details = (
        cells[:3], cells[3:6], cells[6:10], cells[10:12], cells[12:],
    )  # fmt: skip
    if not all(address):
        address = _NOBODY
    alone = (*address, *ids)
    expanded = [
        (email or emails[0], phone or phones[0], *alone, *details)
        for email, phone in zip(emails, phones, strict=True)
        if email or phone
    ]
    return expanded or ([("", "", *alone, *details)] if any(alone) else [])


def refusals(invalid: int, samples: object, sent: WireRows) -> tuple[Refusal, ...]:
    """Members that Meta calls invalid: by position where a sample shows it, else counted.

    Meta counts its rows, and gives up to 100 samples, as an array or a map. A sample names a
    member if it holds a digest of one and of no other.
    """
    known = _owners(sent) if invalid else {}
    named = {
        member for sample in _samples(samples) if (member := _owner(sample, known)) is not None
    }
    sizes = Counter(sent.members)
    rest = invalid - sum(sizes[member] for member in named)
    found = [Refusal(member, "invalid_entry") for member in sorted(named)]
    # No more than there are members left: Meta's figure is documented as not exact.
    rest = min(rest, len(sizes) - len(named))
    if rest > 0:
        found.append(Refusal(None, "invalid_entry", rest))
    return tuple(found)


def _owners(sent: WireRows) -> Mapping[str, set[int]]:
    owners: dict[str, set[int]] = {}
    for cells, member in zip(sent.data, sent.members, strict=True):
        for cell in cells[: len(SCHEMA)]:  # a value may look like a sample's number
            if isinstance(cell, str) and cell:
                owners.setdefault(cell, set()).add(member)
    return owners


def _owner(sample: object, known: Mapping[str, set[int]]) -> int | None:
    owners = [known[text] for text in _texts(sample) if text in known]
    alone = {next(iter(one)) for one in owners if len(one) == 1}
    return alone.pop() if len(alone) == 1 else None


def _samples(samples: object) -> Iterator[object]:
    if isinstance(samples, dict):
        yield from samples.items()
    elif isinstance(samples, list):
        yield from samples


def _texts(sample: object) -> Iterator[str]:
    """All texts within a sample, also within JSON in a text."""
    if isinstance(sample, str):
        yield sample
        if sample[:1] in ("[", "{"):
            try:
                yield from _texts(json.loads(sample))
            except ValueError:
                return
    elif isinstance(sample, dict):
        yield from _texts(list(sample.items()))
    elif isinstance(sample, list | tuple):
        for part in sample:
            yield from _texts(part)
