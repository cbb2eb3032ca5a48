"""How large a segment is and how well it can be matched, in counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from syncd.model import EMAIL_CELLS, PHONE_CELLS, STAYS

if TYPE_CHECKING:
    from syncd.model import SegmentQuery
    from syncd.ports import Shop

_ADDRESS = ("first_name", "last_name", "postcode", "country")
_ALONE: Mapping[str, Callable[[pa.Array], pa.Array]] = {}
_CONSENTS = ("granted", "denied", "unknown")


def _nobody(_: pa.RecordBatch) -> None:
    """Nobody else counts."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A segment in numbers, before identity has judged its values.

    Attributes:
        rows: Members.
        with_email: Those with at least one e-mail that is not blank; likewise the next.
        with_address: Those with first name, last name, postcode and country.
        consent: Members by `granted`, `denied` and `unknown`.
        stay: Others who are near enough to stay members where an audience has them.
        groups: Members by what tells them apart, such as arms; none where nothing does.
    """

    rows: int = 0
    with_email: int = 0
    with_phone: int = 0
    with_address: int = 0
    consent: Mapping[str, int] = field(default_factory=dict)
    stay: int = 0
    groups: Mapping[str, int] = field(default_factory=dict)


def preview(
    shop: Shop,
    query: SegmentQuery,
    groups: Mapping[str, Callable[[pa.Array], pa.Array]] = _ALONE,
    told: Callable[[pa.RecordBatch], None] = _nobody,
) -> Preview:
    """Read a segment whole and count; no value of a member is kept here.

    Args:
        shop: Where it is read.
        query: The segment.
        groups: By name: whom of some customer keys, as bytes, one has, as a boolean column.
        told: Called with the members of each batch, whom it may count its own way; what it
            makes of them holds once this has returned.

    Raises:
        ShopError: The shop could not be read to the end.
        ConfigError: The SQL cannot be used.
    """
    counts: Counter[str] = Counter()
    grouped = dict.fromkeys(groups, 0)
    with shop.read(query) as reading:
        for read in reading:
            batch = _entering(read)
            counts += _count(batch)
            told(batch)
            keys = batch.column("customer_key").cast(pa.binary()) if groups else None
            for name, having in groups.items():
                grouped[name] += _true(having(keys))
        rows = reading.seal()
    return Preview(
        counts["all"],
        counts["email"],
        counts["phone"],
        counts["address"],
        {state: counts[state] for state in _CONSENTS},
        rows - counts["all"],
        grouped,
    )


def _count(batch: pa.RecordBatch) -> Counter[str]:
    consents = _consents(batch)
    return Counter(
        {
            "all": batch.num_rows,
            "email": _true(reduce(pc.or_, _filled(batch, EMAIL_CELLS))),
            "phone": _true(reduce(pc.or_, _filled(batch, PHONE_CELLS))),
            "address": _true(reduce(pc.and_, _filled(batch, _ADDRESS))),
            **consents,
        }
    )


def _entering(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Those of a batch who become members."""
    if STAYS not in batch.schema.names:
        return batch
    return batch.filter(pc.equal(pc.cast(batch.column(STAYS), pa.float64()), 0.0))


def _filled(batch: pa.RecordBatch, names: Iterable[str]) -> Iterable[pa.Array]:
    """Of each column: where it holds more than blanks. A column that is not there holds none."""
    for name in names:
        if name in batch.schema.names:
            trimmed = pc.utf8_trim_whitespace(batch.column(name))
            yield pc.fill_null(pc.not_equal(trimmed, ""), fill_value=False)
        else:
            yield pa.array([False] * batch.num_rows, pa.bool_())


def _true(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _consents(batch: pa.RecordBatch) -> Mapping[str, int]:
    if "ad_consent" not in batch.schema.names:
        return {"unknown": batch.num_rows}
    states = pc.utf8_lower(pc.utf8_trim_whitespace(batch.column("ad_consent")))
    granted = _true(pc.equal(states, "granted"))
    denied = _true(pc.equal(states, "denied"))
    return {"granted": granted, "denied": denied, "unknown": batch.num_rows - granted - denied}
