"""Recognising a person who was erased, without keeping who that was.

A tombstone is a keyed HMAC of an identifier. It is looked for in every segment that is
read, so it must outlive rules: `CANONICAL` is a normal form of its own. A segment whose
values are digests already has only these, so the digests of every rule set that was in
use are kept as tombstones too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from syncd.errors import UsageError
from syncd.identity.columns import normalised
from syncd.identity.digest import Policy, digest, known_countries
from syncd.identity.fields import PREHASHED_STEPS, columns_of
from syncd.identity.steps import steps_named
from syncd.model import EMAIL_CELLS, PHONE_CELLS, IdentifierKind, RuleSet

# Never to be changed: every tombstone that was ever laid was made by these.
CANONICAL = {"email": ("nfc", "trim", "lower", "email", "gmail"), "phone": ("trim", "phone")}
KEY = "customer_key"
_CELLS = {"email": EMAIL_CELLS, "phone": PHONE_CELLS}
_ALL = 9  # identifiers a row may carry here: nothing that was given is left out


@dataclass(frozen=True, slots=True)
class Person:
    """What was given to recognise one person by, as it was typed."""

    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def phones_decide(self) -> bool:
        """Whether a phone alone says who it is.

        Families share phones: beside an e-mail or a key, a phone takes nobody along who has
        another e-mail.
        """
        return not self.emails and not self.keys


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One identifier of an erased person.

    Attributes:
        mac: Its kind, and HMAC-SHA256 under the ledger's sub-key for tombstones, in hex.
        decides: Whether whoever holds it is the person; see `Person.phones_decide`.
    """

    mac: str
    decides: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks for erased persons in what a shop returns.

    Attributes:
        key: The ledger's sub-key for tombstones, 32 bytes.
        default_country: As in the policy that digests the segment.
        prehashed: Its e-mails and phones are digests already.
    """

    key: bytes = field(repr=False)
    default_country: str | None
    prehashed: bool

    def marks(self, batch: pa.RecordBatch, stones: Mapping[str, bool]) -> pa.Array:
        """Which rows are an erased person's, as a boolean column.

        A row is one's if it holds an identifier that decides, or if all its e-mails and
        phones are erased ones.

        Args:
            batch: Raw columns of a segment.
            stones: Whether each tombstone decides, by its HMAC.
        """
        if not stones:
            return pa.array(np.zeros(batch.num_rows, bool))
        columns = list(self._columns(batch, frozenset(name.partition(":")[0] for name in stones)))
        # Almost nobody is hit: what follows a hit may cost, looking for it may not.
        hits: dict[int, int] = {}
        decided: set[int] = set()
        for kind, cells in columns:
            wanted = _macs(kind, stones)
            for place, found in _hits(cells, self.key, kind, wanted):
                hits[place] = hits.get(place, 0) + (kind != KEY)
                if wanted[found]:
                    decided.add(place)
        for place, hit in hits.items():
            held = sum(cells[place] is not None for kind, cells in columns if kind != KEY)
            if hit == held > 0:
                decided.add(place)
        marks = np.zeros(batch.num_rows, bool)
        marks[sorted(decided)] = True
        return pa.array(marks)

    def _columns(
        self, batch: pa.RecordBatch, kinds: frozenset[str]
    ) -> Iterator[tuple[str, list[bytes | None]]]:
        """The batch's cells as tombstones were made of them; every e-mail and phone."""
        if KEY in kinds:
            yield KEY, batch.column(KEY).cast(pa.string()).cast(pa.binary()).to_pylist()
        countries = known_countries(batch, self.default_country)
        for kind, steps in CANONICAL.items():
            for name in columns_of(kind):
                if name not in batch.schema.names:
                    continue
                raw = batch.column(name).cast(pa.string())
                used = steps_named(PREHASHED_STEPS if self.prehashed else steps)
                column = normalised(used, raw, countries)
                made = column.cells_of_hex() if self.prehashed else column.cells(hashed=True)
                yield kind, made.to_pylist()


def _macs(kind: str, stones: Mapping[str, bool]) -> Mapping[bytes, bool]:
    start = f"{kind}:"
    return {
        bytes.fromhex(name.removeprefix(start)): decides
        for name, decides in stones.items()
        if name.startswith(start)
    }


def _hits(
    cells: Sequence[bytes | None], key: bytes, kind: str, wanted: Mapping[bytes, bool]
) -> list[tuple[int, bytes]]:
    """Places whose cell is an erased person's, and by which tombstone."""
    if not wanted:
        return []
    hashed = _hashed(key, _start(kind))
    return [
        (place, found)
        for place, cell in enumerate(cells)
        if cell is not None and (found := hashed(cell)) in wanted
    ]


def _hashed(key: bytes, start: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 of a common start and a cell, as RFC 2104 says it.

    What is common is hashed once: `hmac.digest` takes three times as long a cell.
    """
    padded = key.ljust(hashlib.sha256().block_size, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + start)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def hashed(cell: bytes) -> bytes:
        within, whole = inner.copy(), outer.copy()
        within.update(cell)
        whole.update(within.digest())
        return whole.digest()

    return hashed


def _start(kind: str) -> bytes:
    return kind.encode() + b"\0"


def mac(key: bytes, kind: str, cell: bytes) -> str:
    """A tombstone: its kind, and HMAC-SHA256 in hex.

    Args:
        key: The ledger's sub-key for tombstones.
        kind: `email`, `phone` or `customer_key`.
        cell: A digest of 32 bytes, or the key's UTF-8.
    """
    return f"{kind}:{hmac.digest(key, _start(kind) + cell, 'sha256').hex()}"


def as_rows(person: Person, rules: RuleSet, default_country: str | None) -> pa.RecordBatch:
    """What was given as a platform's rules digest it: `DIGESTED_SCHEMA`.

    A row has one e-mail and one phone at most; what the rules refuse is left blank.
    """
    width = max(len(person.emails), len(person.phones), len(person.keys))

    def column(values: Sequence[str]) -> pa.Array:
        return pa.array([*values, *[None] * (width - len(values))], pa.string())

    keys = pa.array([*person.keys, *[""] * (width - len(person.keys))], pa.string())
    batch = pa.RecordBatch.from_arrays(
        [keys, column(person.emails), column(person.phones)], names=[KEY, "email", "phone"]
    )
    policy = Policy(rules, frozenset(IdentifierKind), default_country, _ALL)
    return digest(batch, policy).rows


def tombstones(
    person: Person, rules: Iterable[RuleSet], *, key: bytes, default_country: str | None
) -> tuple[Tombstone, ...]:
    """All tombstones of a person, each once.

    Args:
        person: What was given.
        rules: The rule sets in use.
        key: The ledger's sub-key for tombstones.
        default_country: The shop's, for phones without their country.

    Raises:
        syncd.errors.UsageError: Something that was given cannot be normalised; says which
            and why, and repeats none.
    """
    decides = {"email": True, KEY: True, "phone": person.phones_decide}
    found = {(KEY, key_.encode()) for key_ in person.keys}
    for kind, values in (("email", person.emails), ("phone", person.phones)):
        found |= {(kind, cell) for cell in _canonical(kind, values, default_country)}
    for each in rules:
        rows = as_rows(person, each, default_country)
        for kind, names in _CELLS.items():
            cells = [cell for name in names for cell in rows.column(name).to_pylist()]
            found |= {(kind, cell) for cell in cells if cell is not None}
    return tuple(Tombstone(mac(key, kind, cell), decides[kind]) for kind, cell in sorted(found))


def _canonical(kind: str, values: Sequence[str], default: str | None) -> Iterator[bytes]:
    raw = pa.array(values, pa.string())
    batch = pa.RecordBatch.from_arrays([pa.nulls(len(raw), pa.string())], names=["country"])
    countries = known_countries(batch, default)
    column = normalised(steps_named(CANONICAL[kind]), raw, countries)
    for number, text in enumerate(column.texts().to_pylist(), 1):
        if text is None:
            why = ", ".join(reason.value for reason in column.reasons) or "there is nothing there"
            raise UsageError(
                f"{kind} {number} of standard input cannot be used ({why}); nothing was done. "
                f"`syncd identity explain --platform google --field {kind}` shows why"
            )
        yield hashlib.sha256(text.encode()).digest()
