"""Configured segments as they are asked of the shop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.errors import ConfigError
from syncd.model import SegmentQuery
from syncd.settings import Settings

# Imported when they are used, as in `syncd.app`.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from collections.abc import Callable

    from syncd.segments.composed import Part
    from syncd.segments.macros import Dialect
    from syncd.segments.overlaps import Overlap
    from syncd.segments.reports import Level, Told
    from syncd.shop import DatabaseShop

# Without a FROM, MariaDB's elder versions take no WHERE.
_NOBODY = "SELECT one AS customer_key, one AS email FROM (SELECT 'x' AS one) nobody WHERE 1 = 0"


@dataclass(frozen=True, slots=True)
class Queries:
    """Makes the queries of a configuration's segments.

    Attributes:
        guest_key: What guests' e-mails are hashed with.
        shop: Opens the shop: for its dialect, and for what parts of a segment return.
    """

    settings: Settings
    guest_key: bytes = field(repr=False)
    shop: Callable[[], DatabaseShop]

    def of(self, segment: str, as_of: datetime) -> SegmentQuery:
        """A configured segment, or one of the catalogue, as of a moment: who becomes a member.

        Raises:
            syncd.errors.ConfigError: There is none, or its SQL cannot be used.
            syncd.errors.ShopError: What a part returns could not be asked.
        """
        return self._of(segment, as_of, staying=False)

    def sent(self, segment: str, as_of: datetime) -> SegmentQuery:
        """The same with whoever would stay a member, marked, where the segment has a `stay`.

        Raises:
            syncd.errors.ConfigError, syncd.errors.ShopError: As `of`.
        """
        return self._of(segment, as_of, staying=True)

    def _of(self, segment: str, as_of: datetime, *, staying: bool) -> SegmentQuery:
        from syncd.segments import catalogue_query, own_query
        from syncd.segments.systems import source_of

        configured = self.settings.segments.get(segment)
        if last := self.settings.expired(segment, as_of):
            raise ConfigError(
                f"segment {segment} is unavailable: it could be used until {last}. Where it may be "
                "used longer, set `expires` later; else take it out",
                where=self.settings.where("segments", segment, "expires"),
            )
        if configured is not None and configured.composed:
            return self._composed(segment, as_of)
        parameters = configured.with_ if configured else {}
        used = configured.use if configured else segment
        if used is None:
            path = self.settings.sql_file(segment) or Path()
            query = own_query(segment, path)
            return own_query(segment, path, as_of=as_of) if ":as_of" in query.sql else query
        query = catalogue_query(
            used,
            parameters=parameters,
            as_of=as_of,
            timezone=self.settings.shop.timezone,
            dialect=self.shop().dialect,
            source=source_of(self.settings.shop, self.guest_key),
            stay=configured.stay if configured and staying else None,
        )
        return replace(query, name=segment)

    def nobody(self, segment: str, _as_of: datetime) -> SegmentQuery:
        """A segment that may not be used any more: nobody, and its own tables are not asked."""
        where = self.settings.where("segments", segment, "expires")
        return SegmentQuery(segment, _NOBODY, {}, where)

    def _composed(self, segment: str, as_of: datetime) -> SegmentQuery:
        """One query out of those of a segment's parts."""
        from syncd.segments.composed import Composition

        made = self.settings.segments[segment]
        parts, given = self._parts((*made.composed, *made.none_), as_of)
        whole = Composition(
            any=tuple(parts[name] for name in made.any_),
            all=tuple(parts[name] for name in made.all_),
            none=tuple(parts[name] for name in made.none_),
        )
        where = self.settings.where("segments", segment)
        return SegmentQuery(segment, whole.sql(self.shop().dialect), given, where)

    def overlap(self, segments: Sequence[str], as_of: datetime) -> Overlap:
        """Ask the shop how much some segments, one at least, have in common.

        Raises:
            syncd.errors.ConfigError: A segment's SQL cannot be used.
            syncd.errors.ShopError: The shop would not answer.
        """
        from syncd.segments.overlaps import overlap, overlap_sql

        parts, given = self._parts(segments, as_of)
        sql = overlap_sql(list(parts.values()), self.shop().dialect)
        query = SegmentQuery("overlap", sql, given, f"overlap of {', '.join(segments)}")
        return overlap(list(parts), self.shop().ask(query))

    def sources(self, segment: str, as_of: datetime, *, level: Level, least: int) -> Told:
        """Ask the shop by which sources the first orders of members came, and of everyone.

        Args:
            segment: Whose members.
            as_of: The moment the answer is for.
            level: How far sources are told apart.
            least: People that a line stands for at least; 10 or more.

        Raises:
            syncd.errors.ConfigError: As `part`; or the shop does not record sources.
            syncd.errors.ShopError: The shop would not answer.
        """
        from syncd.segments import reports

        asked = "first orders by source", reports.sources_sql(level), reports.sources_needs(level)
        told = self._question(*asked, as_of, {})
        return reports.sources(level, self._counted(segment, as_of, told, least), least=least)

    def products(self, segment: str, as_of: datetime, *, horizon: int, least: int) -> Told:
        """Likewise what products the first and second orders of members had in them.

        Args:
            segment, as_of, least: As for `sources`.
            horizon: Days that have gone by since these orders, at least.
        """
        from syncd.segments import reports

        asked = "first orders by product", reports.products_sql(), reports.PRODUCTS_NEEDS
        told = self._question(*asked, as_of, {"horizon": horizon})
        return reports.products(self._counted(segment, as_of, told, least))

    def _question(
        self,
        name: str,
        sql: str,
        needs: Sequence[str],
        as_of: datetime,
        values: Mapping[str, int],
    ) -> SegmentQuery:
        from syncd.segments.questions import question
        from syncd.segments.systems import source_of

        return question(
            name,
            sql,
            needs=needs,
            values=values,
            as_of=as_of,
            timezone=self.settings.shop.timezone,
            dialect=self.shop().dialect,
            source=source_of(self.settings.shop, self.guest_key),
        )

    def _counted(
        self, segment: str, as_of: datetime, told: SegmentQuery, least: int
    ) -> Iterator[tuple[object, ...]]:
        """The rows of a report on a segment, see `segments.reports.counted_sql`."""
        shop = self.shop()
        members = self.part(segment, as_of)
        grammar = shop.backend.grammar
        return shop.ask(counted(members, told, shop.dialect, grammar=grammar, least=least))

    def part(self, segment: str, as_of: datetime) -> SegmentQuery:
        """A segment that others are put together with in one query.

        Raises:
            syncd.errors.ConfigError: As `of`; or a model chooses its members, and its SQL has a
                row of everyone.
        """
        query = self.of(segment, as_of)
        if query.scoring is None:
            return query
        raise ConfigError(
            f"{segment} cannot be put together with others: a model chooses its members, once "
            f"the shop has answered; {query.scoring.instead} comes near by a rule",
            where=query.source,
        )

    def _parts(
        self, segments: Sequence[str], as_of: datetime
    ) -> tuple[dict[str, Part], dict[str, object]]:
        """Segments as parts of one query, by name, and the values of all their binds."""
        queries = {name: self.part(name, as_of) for name in segments}
        binds = _apart(list(queries.values()))
        parts = {
            name: self._part(query, renames)
            for (name, query), renames in zip(queries.items(), binds, strict=True)
        }
        given = {
            renames.get(name, name): value
            for query, renames in zip(queries.values(), binds, strict=True)
            for name, value in query.parameters.items()
        }
        return parts, given

    def _part(self, query: SegmentQuery, renames: Mapping[str, str]) -> Part:
        from syncd.segments.composed import Part
        from syncd.shop.statement import renamed

        shop = self.shop()
        sql = renamed(query.sql, shop.backend.grammar, renames)
        return Part(query.name, sql, shop.returned(query))

    def having(
        self, segment: str, keys: Sequence[str], as_of: datetime
    ) -> Iterator[tuple[str, str]]:
        """Ask which of the parts that a segment is made of have some of its members.

        Args:
            segment: One that is made of others, by `any` or `all`.
            keys: Of the members, as text.
            as_of: The moment.

        Returns:
            A key and the name of a part that has it, each pair once.

        Raises:
            syncd.errors.ConfigError, syncd.errors.ShopError: As `overlap`.
        """
        from syncd.segments.composed import having_sql

        made, dialect = self.settings.segments[segment], self.shop().dialect
        parts, given = self._parts((*made.any_, *made.all_), as_of)
        who = {f"who_{number}": key for number, key in enumerate(keys, 1)}
        sql = having_sql(list(parts.values()), tuple(who), dialect)
        query = SegmentQuery(segment, sql, {**given, **who}, f"parts of {segment}")
        for key, place in self.shop().ask(query):
            yield str(key), list(parts)[int(str(place))]

    def timeless(self, segment: str) -> tuple[str, ...]:
        """Own segments that one is made of, itself too, which do not ask for `:as_of`."""
        return tuple(
            name
            for name in dict.fromkeys(self._leaves(segment))
            if (path := self.settings.sql_file(name)) and ":as_of" not in path.read_text("utf-8")
        )

    def _leaves(self, segment: str) -> Iterator[str]:
        made = self.settings.segments.get(segment)
        if made is None or not made.composed:
            yield from [segment] if made else []
            return
        for part in (*made.composed, *made.none_):
            yield from self._leaves(part)

    def bought(self, since: datetime, until: datetime) -> SegmentQuery:
        """What each person bought, by customer key; see `segments.bought_query`.

        Raises:
            syncd.errors.ConfigError: The shop's system is set up wrongly.
        """
        from syncd.segments import bought_query
        from syncd.segments.systems import source_of

        return bought_query(
            since=since,
            until=until,
            timezone=self.settings.shop.timezone,
            dialect=self.shop().dialect,
            source=source_of(self.settings.shop, self.guest_key),
        )

    def cells(self, as_of: datetime) -> SegmentQuery:
        """How many buyers each cell by recency, frequency and money has; `segments.cells_query`."""
        from syncd.segments import cells_query
        from syncd.segments.systems import source_of

        return cells_query(
            as_of=as_of,
            timezone=self.settings.shop.timezone,
            dialect=self.shop().dialect,
            source=source_of(self.settings.shop, self.guest_key),
        )

    def customers(self, as_of: datetime) -> SegmentQuery:
        """How many customers there are; see `segments.customers_query`.

        Raises:
            syncd.errors.ConfigError: The shop's system is set up wrongly.
        """
        from syncd.segments import customers_query
        from syncd.segments.systems import source_of

        return customers_query(
            as_of=as_of,
            timezone=self.settings.shop.timezone,
            dialect=self.shop().dialect,
            source=source_of(self.settings.shop, self.guest_key),
        )

    def definition(self, segment: str) -> str:
        """SHA-256 of what a person wrote of a configured segment's SQL, hex.

        Of a composed one, of all that it is made of, under whatever names.
        """
        made = self.settings.segments[segment]
        if not made.composed:
            return hashlib.sha256(self._text(segment).encode()).hexdigest()
        lists = {"any": made.any_, "all": made.all_, "none": made.none_}
        shape = {how: [self._shape(part) for part in parts] for how, parts in lists.items()}
        return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()

    def _shape(self, part: str) -> dict[str, object]:
        made = self.settings.segments[part]
        return {"use": made.use, "with": dict(made.with_), "sql": self.definition(part)}

    def _text(self, segment: str) -> str:
        from syncd.segments import definition, own_query

        if path := self.settings.sql_file(segment):
            return own_query(segment, path).sql
        return definition(str(self.settings.segments[segment].use))


def counted(
    members: SegmentQuery, told: SegmentQuery, dialect: Dialect, *, grammar: str, least: int
) -> SegmentQuery:
    """A report on a segment as the shop is asked it.

    Args:
        members: The segment, all of whose rows are members.
        told: What everyone began with, by `segments.reports`.
        dialect: Of the shop.
        grammar: That engine's name in sqlglot.
        least: People that a line stands for at least.
    """
    from syncd.segments.composed import Part
    from syncd.segments.reports import counted_sql
    from syncd.shop.statement import renamed

    queries = (members, told)
    binds = _apart(queries)
    one, other = (
        Part(query.name, renamed(query.sql, grammar, renames), ())
        for query, renames in zip(queries, binds, strict=True)
    )
    given = {
        renames.get(name, name): value
        for query, renames in zip(queries, binds, strict=True)
        for name, value in query.parameters.items()
    }
    needs = {
        table: tuple({**dict.fromkeys(members.needs.get(table, ())), **dict.fromkeys(columns)})
        for table, columns in {**members.needs, **told.needs}.items()
    }
    sql = counted_sql(one, other, dialect)
    name = f"{told.name} of {members.name}"
    return SegmentQuery(name, sql, {**given, "least": least}, members.source, needs)


def _apart(queries: Sequence[SegmentQuery]) -> list[dict[str, str]]:
    """New names for binds that mean one thing in one query and another in the next."""
    values: dict[str, list[object]] = {}
    for query in queries:
        for name, value in query.parameters.items():
            values.setdefault(name, []).append(value)
    shared = {name for name, given in values.items() if all(one == given[0] for one in given)}
    return [
        {name: f"part_{number}_{name}" for name in query.parameters if name not in shared}
        for number, query in enumerate(queries, 1)
    ]
