"""Configured segments as they are asked of the shop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.model import SegmentQuery
from syncd.settings import Settings

# Imported when they are used, as in `syncd.app`.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from syncd.segments.macros import Dialect


@dataclass(frozen=True, slots=True)
class Queries:
    """Makes the queries of a configuration's segments.

    Attributes:
        guest_key: What guests' e-mails are hashed with.
        dialect: The shop's; asked only where the catalogue writes the SQL.
    """

    settings: Settings
    guest_key: bytes = field(repr=False)
    dialect: Callable[[], Dialect]

    def of(self, segment: str, as_of: datetime) -> SegmentQuery:
        """A configured segment, or one of the catalogue, as of a moment.

        Raises:
            syncd.errors.ConfigError: There is none, or its SQL cannot be used.
        """
        from syncd.segments import catalogue_query, own_query
        from syncd.segments.systems import source_of

        configured = self.settings.segments.get(segment)
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
            dialect=self.dialect(),
            source=source_of(self.settings.shop, self.guest_key),
        )
        return replace(query, name=segment)

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
            dialect=self.dialect(),
            source=source_of(self.settings.shop, self.guest_key),
        )

    def definition(self, segment: str) -> str:
        """SHA-256 of a configured segment's SQL as a person wrote it, hex."""
        from syncd.segments import definition, own_query

        if path := self.settings.sql_file(segment):
            text = own_query(segment, path).sql
        else:
            text = definition(str(self.settings.segments[segment].use))
        return hashlib.sha256(text.encode()).hexdigest()
