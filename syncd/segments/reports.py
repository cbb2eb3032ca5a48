"""What members began with: by which source their first order came, and what was in it.

One query asks the segment once and the shop's first orders once, and gives a line a group: how
many people are in it and how many of these are members. Keys stay in the shop, and so does every
group of fewer people than `least`: of those only sums come back.

Shares have Wilson's 95 % interval, and what a group has more than everybody else Newcombe's; see
`lift.py`. Nothing here says why: people who come by a source differ from others before they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from syncd.segments.composed import Part, key_of
from syncd.segments.lift import Interval, newcombe, wilson
from syncd.segments.macros import Dialect

LEAST = 10  # people that a line stands for at least
SUPPORT = 100  # likewise of a product, unless asked otherwise
HORIZON = 180  # days that people had to become members, likewise

Level = Literal["source", "medium", "campaign"]
LEVELS: tuple[Level, ...] = ("source", "medium", "campaign")
PLACES = ("first", "second")

_MEMBER, _WHOLE, _GROUP = 0, 1, 2  # what a row that is counted stands for
_PRODUCTS = """SELECT customer_key, place, 1 AS what, '' AS one, '' AS two, '' AS three, '' AS said
FROM early_order
WHERE placed_at < {{ago(horizon)}}
UNION ALL
SELECT DISTINCT early_order.customer_key, early_order.place, 2, {{folded(order_items.sku)}}, '', '',
       {{spelled(order_items.sku)}}
FROM early_order
JOIN order_items ON order_items.order_key = early_order.order_key
WHERE early_order.placed_at < {{ago(horizon)}}
  AND order_items.qty > COALESCE(order_items.qty_refunded, 0)
"""


@dataclass(frozen=True, slots=True)
class Group:
    """People with the same beginning.

    Attributes:
        names: What they have in common; a blank one where the shop recorded nothing. None
            for all groups together that are too small to be shown.
        buyers: Who they are, members or not.
        members: Those of them who are members.
        of_buyers, of_members: These as shares of all buyers, and of all members that bought.
        rate: Members as a share of its buyers.
        lift: That as a multiple of the share among all buyers; None where there are no members.
        more: What the rate is above everybody else's, in points of 1; None where this is all.
    """

    names: tuple[str, ...] | None
    buyers: int
    members: int
    of_buyers: float
    of_members: float
    rate: Interval
    lift: Interval | None
    more: Interval | None

    @property
    def stands_out(self) -> bool:
        """Whether members are more frequent here, by more than chance explains."""
        return bool(self.lift and self.lift.low > 1 and self.more and self.more.low > 0)


@dataclass(frozen=True, slots=True)
class Beginnings:
    """All groups of one kind.

    Attributes:
        buyers: Everyone who is compared; `members` of them are members.
        groups: Those of `least` people at least. By source, most people first; by product,
            that with the highest lower bound of its lift first.
        rest: All others together; None where there are none, or where people are in many.
        small: How many groups are not shown.
    """

    buyers: int
    members: int
    groups: tuple[Group, ...]
    rest: Group | None
    small: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the query gave.

    Attributes:
        members: Of the segment, also those who never bought.
        by_place: By which order it was: sources of the first, products of the first and second.
    """

    members: int
    by_place: dict[str, Beginnings]


def sources_sql(level: Level) -> str:
    """Of each buyer how the first order came: a row a buyer."""
    columns = [f"utm_{name}" for name in LEVELS[: LEVELS.index(level) + 1]]
    told = [f"{{{{folded(COALESCE(orders.{column}, ''))}}}}" for column in columns]
    one, two, three = (*told, "''", "''")[:3]
    return (
        f"SELECT early_order.customer_key, early_order.place, {_GROUP} AS what,\n"
        f"       {one} AS one, {two} AS two, {three} AS three, '' AS said\n"
        "FROM early_order\nJOIN orders ON orders.order_key = early_order.order_key\n"
        "WHERE early_order.place = 1\n"
    )


def sources_needs(level: Level) -> tuple[str, ...]:
    """What that reads, as `Segment.needs`."""
    columns = (f"orders.utm_{name}" for name in LEVELS[: LEVELS.index(level) + 1])
    return ("customers", "orders", *columns)


def products_sql() -> str:
    """Of each buyer what was in the first and second order: a row each, and one an order.

    Of orders before the last `horizon` days; what came back is left out.
    """
    return _PRODUCTS


PRODUCTS_NEEDS = ("customers", "orders", "order_items")


def counted_sql(segment: Part, told: Part, dialect: Dialect) -> str:
    """One SELECT that counts people and members by group; asks for the bind `:least`.

    Args:
        segment: Whose members.
        told: By `sources_sql` or `products_sql`.
        dialect: Of the shop.
    """
    key = key_of(dialect)
    every = (
        f"SELECT {key} AS customer_key, what, place, one, two, three, said, 0 AS member\n"
        f"FROM (\n{told.sql}\n) told\nUNION ALL\n"
        f"SELECT {key}, {_MEMBER}, 0, '', '', '', '', 1\n"
        f"FROM (\n{segment.sql}\n) segment -- {segment.name}\nGROUP BY {key}"
    )
    names = "one, two, three"
    shown = ", ".join(
        f"CASE WHEN what < {_GROUP} OR buyers >= :least THEN {name} ELSE '' END AS {name}"
        for name in ("one", "two", "three", "said")
    )
    return (
        f"SELECT what, place, shown, {names}, MIN(said) AS said, SUM(buyers) AS buyers,\n"
        "       SUM(members) AS members, COUNT(*) AS grouped\nFROM (\n"
        f"SELECT what, place, {shown}, buyers, members,\n"
        f"       CASE WHEN what < {_GROUP} OR buyers >= :least THEN 1 ELSE 0 END AS shown\nFROM (\n"
        f"SELECT what, place, {names}, MIN(said) AS said, COUNT(DISTINCT customer_key) AS buyers,\n"
        "       COUNT(DISTINCT CASE WHEN member = 1 THEN customer_key END) AS members\nFROM (\n"
        f"SELECT what, place, {names}, said, customer_key,\n"
        "       MAX(member) OVER (PARTITION BY customer_key) AS member\n"
        f"FROM (\n{every}\n) every\n) marked\nGROUP BY what, place, {names}\n) counted\n"
        f") hidden\nGROUP BY what, place, shown, {names}"
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the answer; see `counted_sql`."""

    what: int
    place: int
    shown: bool
    names: tuple[str, ...]
    buyers: int
    members: int
    grouped: int


def sources(level: Level, counted: Iterable[tuple[object, ...]], *, least: int) -> Told:
    """Make shares and bounds of what `counted_sql` gives of sources.

    Args:
        level: As the query was made for.
        counted: Its rows.
        least: People that a line stands for at least.
    """
    lines = [_line(row, LEVELS.index(level) + 1) for row in counted]
    groups = [line for line in lines if line.what == _GROUP]
    whole = sum(line.buyers for line in groups), sum(line.members for line in groups)
    shown = sorted((x for x in groups if x.shown), key=lambda line: (-line.buyers, line.names))
    hidden = [line for line in groups if not line.shown]
    # What is left of a total would tell of a few people too.
    while 0 < sum(line.buyers for line in hidden) < least and shown:
        hidden.append(shown.pop())
    rest = _together(hidden, whole) if hidden and sum(x.buyers for x in hidden) >= least else None
    found = Beginnings(
        buyers=whole[0],
        members=whole[1],
        groups=tuple(_group(line, whole) for line in shown),
        rest=rest,
        small=sum(line.grouped for line in hidden),
    )
    return Told(_members(lines), {"first": found})


def products(counted: Iterable[tuple[object, ...]]) -> Told:
    """Likewise of products in the first and in the second order."""
    lines = [_line(row, 0) for row in counted]
    by_place = {}
    for place, name in enumerate(PLACES, 1):
        here = [line for line in lines if line.place == place]
        wholes = [line for line in here if line.what == _WHOLE]
        whole = sum(line.buyers for line in wholes), sum(line.members for line in wholes)
        groups = [line for line in here if line.what == _GROUP]
        shown = [_group(line, whole) for line in groups if line.shown]
        by_place[name] = Beginnings(
            buyers=whole[0],
            members=whole[1],
            groups=tuple(sorted(shown, key=_by_lift)),
            rest=None,
            small=sum(line.grouped for line in groups if not line.shown),
        )
    return Told(_members(lines), by_place)


def _by_lift(group: Group) -> tuple[float, tuple[str, ...]]:
    return (-group.lift.low if group.lift else 0.0, group.names or ())


def _line(row: Sequence[object], levels: int) -> _Line:
    """A row of the answer; engines give whole numbers as decimals, too.

    Args:
        row: As `counted_sql` says.
        levels: How many names count; 0 where it is the spelling.
    """
    what, place, shown, *names, said, buyers, members, grouped = row
    told = names[:levels] if levels else [said]
    whole = (int(str(cell)) for cell in (what, place, shown, buyers, members, grouped))
    kind, order, seen, people, ours, groups = whole
    return _Line(kind, order, seen == 1, tuple(map(str, told)), people, ours, groups)


def _members(lines: Iterable[_Line]) -> int:
    return sum(line.buyers for line in lines if line.what == _MEMBER)


def _together(lines: Sequence[_Line], whole: tuple[int, int]) -> Group:
    buyers, members = sum(x.buyers for x in lines), sum(x.members for x in lines)
    line = replace(lines[0], buyers=buyers, members=members)
    return replace(_group(line, whole), names=None)


def _group(line: _Line, whole: tuple[int, int]) -> Group:
    buyers, members = whole
    rate, base = wilson(line.members, line.buyers), members / buyers
    others, their_members = buyers - line.buyers, members - line.members
    return Group(
        names=line.names,
        buyers=line.buyers,
        members=line.members,
        of_buyers=line.buyers / buyers,
        of_members=line.members / members if members else 0.0,
        rate=rate,
        lift=rate.times(1 / base) if base else None,
        more=newcombe(line.members, line.buyers, their_members, others) if others else None,
    )
