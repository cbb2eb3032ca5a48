"""How much segments have in common: counted by customer key in the shop, where the keys stay.

One query asks each segment once and gives one line for each set of segments that somebody is in:
a number with a bit a segment, and how many customers have it. All else is made of these counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from syncd.segments.composed import Part, key_of
from syncd.segments.macros import Dialect

MOST = 40  # segments at a time: a bit each in the engines' whole numbers
ALIKE = 0.8  # of two segments, from this Jaccard index on one is the other's double


@dataclass(frozen=True, slots=True)
class Pair:
    """Two segments.

    Attributes:
        both: Customers who are in both.
        jaccard: These as a share of all who are in either; 0 where nobody is.
        of_one, of_other: These as a share of each; 0 where it has nobody.
    """

    one: str
    other: str
    both: int
    jaccard: float
    of_one: float
    of_other: float

    @property
    def alike(self) -> bool:
        """Whether the two are hardly two."""
        return self.jaccard >= ALIKE


@dataclass(frozen=True, slots=True)
class Overlap:
    """Several segments' sizes, and what each two have in common.

    Attributes:
        sizes: Customers by segment, before consent and whatever else keeps some out.
        either: Customers who are in at least one.
        pairs: Each two once, in the order in which they were asked.
    """

    sizes: dict[str, int]
    either: int
    pairs: tuple[Pair, ...]


def overlap_sql(parts: Sequence[Part], dialect: Dialect) -> str:
    """One SELECT: for each set of segments that somebody is in, its bits and how many there are.

    Args:
        parts: The segments; the first one's bit is 1, the next one's 2.
        dialect: Of the shop.
    """
    key = key_of(dialect)
    each = "\nUNION ALL\n".join(
        f"SELECT {key} AS customer_key, {2**place} AS bit\nFROM (\n{part.sql}\n) part_{place} "
        f"-- {part.name}\nGROUP BY {key}"
        for place, part in enumerate(parts)
    )
    return (
        f"SELECT bits, COUNT(*) AS customers FROM (\nSELECT customer_key, SUM(bit) AS bits\n"
        f"FROM (\n{each}\n) every\nGROUP BY customer_key\n) sets\nGROUP BY bits"
    )


def overlap(names: Sequence[str], counted: Iterable[tuple[object, ...]]) -> Overlap:
    """Make sizes and pairs of what `overlap_sql` gives.

    Args:
        names: Of the segments, in the order of their bits.
        counted: Its rows.
    """
    sets = [(int(str(bits)), int(str(customers))) for bits, customers in counted]
    sizes = {name: _having(sets, 2**place) for place, name in enumerate(names)}
    return Overlap(
        sizes=sizes,
        either=sum(customers for _, customers in sets),
        pairs=tuple(_pairs(names, sets, sizes)),
    )


def _having(sets: Sequence[tuple[int, int]], bits: int) -> int:
    """Customers who are in all segments of some bits."""
    return sum(customers for found, customers in sets if found & bits == bits)


def _pairs(
    names: Sequence[str], sets: Sequence[tuple[int, int]], sizes: dict[str, int]
) -> Iterator[Pair]:
    for (here, one), (there, other) in combinations(enumerate(names), 2):
        both = _having(sets, 2**here | 2**there)
        either = sizes[one] + sizes[other] - both
        yield Pair(
            one,
            other,
            both,
            jaccard=_share(both, either),
            of_one=_share(both, sizes[one]),
            of_other=_share(both, sizes[other]),
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
