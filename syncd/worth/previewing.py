"""What a segment would be, now or at a past moment: counts, shares, reach, and why five are in it.

The segment is read once, as a run reads it, and everything of it is counted in that one read. Of
its members nothing stays but hashes, and five of whom a person sees shapes and digests; whoever
is among the five is decided by their key alone, so they are the same as long as they are members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from syncd.app import App
from syncd.hashes import Hashes
from syncd.identity.masks import mask
from syncd.identity.shown import shown
from syncd.model import EMAIL_CELLS, PHONE_CELLS
from syncd.segments import preview
from syncd.segments.crowds import Crowd, hashes_of
from syncd.segments.previews import Preview
from syncd.worth.reach import Reach, reached, targets
from syncd.worth.whole import whole
from syncd.worth.whys import whys

if TYPE_CHECKING:
    from syncd.model import SegmentQuery

SEEN = 5  # members that a person sees


@dataclass(frozen=True, slots=True)
class Shares:
    """A segment's part in the shop.

    Attributes:
        since: From when on what was bought counts, until the moment that is answered for.
        customers: Of the shop; None where it does not say.
        buyers: Members who bought, and `revenue` what that came to in ten-thousandths; likewise.
        all_revenue: What all customers bought came to, likewise.
        trouble: Why something is not known.
    """

    since: datetime
    customers: int | None
    buyers: int | None
    revenue: int | None
    all_revenue: int | None
    trouble: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A member as a person may see one.

    Attributes:
        shape: Of the first e-mail, else the first phone; "" where there is none.
        digest: Of the key, in hex; see `identity.shown`.
        why: What decides that they are in, as far as there is a telling.
    """

    shape: str
    digest: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Previewed:
    """All that is said of a segment.

    Attributes:
        members: Digests of the members' keys, in order; None where they were not asked for.
        trouble: Why there is no saying why members are in; "" where there is.
    """

    counts: Preview
    shares: Shares
    reach: tuple[Reach, ...]
    seen: tuple[Seen, ...]
    trouble: str
    members: pa.Array | None = field(repr=False, default=None)


def previewed(
    app: App,
    query: SegmentQuery,
    groups: Mapping[str, Callable[[pa.Array], pa.Array]],
    *,
    as_of: datetime,
    wanted: bool,
) -> Previewed:
    """Read a segment, and ask the shop what it is a part of.

    Args:
        app: A configuration.
        query: Of the segment, at that moment.
        groups: What members are told apart by; see `segments.preview`.
        as_of: The moment.
        wanted: Whether all members' keys are wanted, as digests: 16 bytes a member.

    Raises:
        syncd.errors.ShopError: The segment could not be read to the end.
        syncd.errors.ConfigError: Its SQL cannot be used.
    """
    found, few, sent = list[Hashes](), Few(app.shown_key), targets(app, query.name)
    digests = list[pa.Array]()

    def told(batch: pa.RecordBatch) -> None:
        hashes = hashes_of(batch)
        found.append(hashes)
        few.add(batch, hashes)
        for each in sent:
            each.add(batch)
        if wanted:
            digests.append(shown(batch.column("customer_key"), app.shown_key))

    counts = preview(app.shop, query, groups, told)
    keys, reasons, trouble = [one.key for one in few.found], dict[str, list[str]](), ""
    if keys and not wanted:
        reasons, trouble = whys(app, query, keys, as_of)
    return Previewed(
        counts,
        _shares(app, counts.rows, found, as_of),
        tuple(reached(app, sent)),
        tuple(Seen(one.shape, one.digest, tuple(reasons.get(one.key, ()))) for one in few.found),
        trouble,
        _sorted(digests) if wanted else None,
    )


def _shares(app: App, rows: int, found: list[Hashes], as_of: datetime) -> Shares:
    shop = whole(app, as_of)
    if shop.every is None:
        return Shares(shop.since, shop.customers, None, None, None, shop.trouble)
    crowd = Crowd()
    crowd.admit("", found, rows)
    ((buyers, revenue),) = crowd.bought(shop.every)
    return Shares(shop.since, shop.customers, buyers, revenue, shop.every.revenue, "")


def _sorted(digests: list[pa.Array]) -> pa.Array:
    """All of them in the order of their bytes: it says nothing of the shop's order."""
    every = pa.chunked_array(digests, pa.binary(16)).combine_chunks().cast(pa.binary())
    return every.take(pc.array_sort_indices(every))


# --- the few ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _One:
    hash: int
    key: str = field(repr=False)
    shape: str
    digest: str


@dataclass(slots=True)
class Few:
    """Those members whose keys' hashes are the lowest; nothing of the others is kept."""

    shown_key: bytes = field(repr=False)
    found: list[_One] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch, hashes: Hashes) -> None:
        """Look at a batch.

        Args:
            batch: Of members.
            hashes: Of their keys.
        """
        for place in np.argsort(hashes, kind="stable")[:SEEN].tolist():
            row = batch.slice(place, 1)
            key = pc.cast(row.column("customer_key"), pa.string())
            one = _One(
                int(hashes[place]),
                key[0].as_py(),
                _shape(row),
                shown(key, self.shown_key)[0].as_py().hex(),
            )
            self.found.append(one)
        self.found = sorted(self.found, key=lambda one: one.hash)[:SEEN]


def _shape(row: pa.RecordBatch) -> str:
    for name in (*EMAIL_CELLS, *PHONE_CELLS):
        if name in row.schema.names:
            value = row.column(name)[0].as_py()
            if value is not None and str(value).strip():
                return mask(str(value).strip())
    return ""
