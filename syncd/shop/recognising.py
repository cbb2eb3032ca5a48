"""Which shop system a database belongs to, told by its tables; nothing is written to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from syncd.shop.engines import Dialect, Limits, engine_of
from syncd.shop.faults import shop_error
from syncd.shop.systems import SYSTEMS, System

if TYPE_CHECKING:
    from sqlalchemy import Connection, Inspector

_LIMITS = Limits(connect=10, statement=30)
_NAME = re.compile(r"\{(\w+)\}")
_COUNTRY = re.compile(r"([A-Za-z]{2})(?::.*)?")  # WooCommerce adds the state: US:CA


@dataclass(frozen=True, slots=True)
class Found:
    """A shop system, found in a database.

    Attributes:
        prefix: What stands before the names of its tables, a schema with its dot too.
        others: Further prefixes under which it is there, as of a network of sites.
        layout: The way in which it keeps its data; "" where there is one way.
        timezone: The shop's, an IANA name; "" where it is not plain to see.
        country: The shop's, two letters; likewise.
        example: A segment of its customers as SQL, with its tables by their names here; "" where
            shipped segments read them.
    """

    system: System
    prefix: str
    others: tuple[str, ...]
    layout: str
    timezone: str
    country: str
    example: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a system's tables are: a schema, None for the usual one, and a prefix."""

    schema: str | None
    prefix: str

    @property
    def written(self) -> str:
        return f"{self.schema}.{self.prefix}" if self.schema else self.prefix


def recognise(url: str, password: str | None) -> Found | None:
    """Look at the names of a database's tables, and read its settings where they are known.

    Args:
        url: As of `open_shop`.
        password: Takes the place of the URL's own, if given.

    Returns:
        None where the tables are of no system that is known here.

    Raises:
        syncd.errors.ShopError: It cannot be reached.
        syncd.errors.ConfigError: The URL cannot be used, or a driver is missing.
    """
    engine, backend = engine_of(url, password, _LIMITS)
    try:
        with engine.connect() as connection:
            reading = backend.begin(connection, _LIMITS)
            return _recognised(reading, backend.dialect)
    except (DBAPIError, UnicodeError) as error:
        raise shop_error(error, otherwise="could not be looked at") from None
    finally:
        engine.dispose()


def _recognised(connection: Connection, dialect: Dialect) -> Found | None:
    inspector = inspect(connection)
    for schema in _schemas(inspector, dialect):
        tables = {*inspector.get_table_names(schema), *inspector.get_view_names(schema)}
        for system in SYSTEMS:
            places = sorted(_places(system, schema, tables), key=lambda one: len(one.prefix))
            places = [one for one in places if _has_columns(inspector, system, one)]
            if places:
                return _found(connection, system, places)
    return None


def _schemas(inspector: Inspector, dialect: Dialect) -> Iterator[str | None]:
    """The usual one first; on PostgreSQL copies of a shop often have one of their own."""
    yield None
    if dialect == "postgresql":
        usual = inspector.default_schema_name
        for name in inspector.get_schema_names():
            if name not in {usual, "information_schema"} and not name.startswith("pg_"):
                yield name


def _places(system: System, schema: str | None, tables: set[str]) -> Iterator[_Place]:
    """Every prefix under which all of a system's tables are there."""
    first, *_ = system.tables
    for table in tables:
        prefix = table.removesuffix(first)
        named = table.endswith(first) and (system.prefixed or not prefix)
        if named and {prefix + name for name in system.tables} <= tables:
            yield _Place(schema, prefix)


def _has_columns(inspector: Inspector, system: System, place: _Place) -> bool:
    return all(
        set(columns)
        <= {one["name"] for one in inspector.get_columns(place.prefix + table, place.schema)}
        for table, columns in system.tables.items()
        if columns
    )


def _found(connection: Connection, system: System, places: list[_Place]) -> Found:
    place, *others = places
    layout = system.layout
    if " " in layout:
        layout = _plain(connection, layout, place)
    country = _COUNTRY.fullmatch(_plain(connection, system.country, place))
    return Found(
        system,
        place.written,
        tuple(one.written for one in others),
        layout,
        _zone(_plain(connection, system.timezone, place)),
        country[1].upper() if country else "",
        _example(connection, system, place),
    )


def _plain(connection: Connection, sql: str, place: _Place) -> str:
    """What a query says, if it says one thing; "" where it says none, several, or fails."""
    if not sql:
        return ""
    try:
        said = connection.exec_driver_sql(_NAME.sub(_quoted(connection, place), sql)).scalars()
        values = {str(value).strip() for value in said if value is not None}
    except DBAPIError:
        connection.rollback()  # the table is not there, or not for this login
        return ""
    return values.pop() if len(values) == 1 else ""


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""


def _example(connection: Connection, system: System, place: _Place) -> str:
    file = files("syncd.shop") / "examples" / f"{system.name}.sql"
    if not file.is_file():
        return ""
    return _NAME.sub(_quoted(connection, place), file.read_text("utf-8"))


def _quoted(connection: Connection, place: _Place) -> Callable[[re.Match[str]], str]:
    """A table's name in braces, as this database's SQL writes it."""
    preparer = connection.dialect.identifier_preparer

    def name(found: re.Match[str]) -> str:
        table = preparer.quote(place.prefix + found[1])
        return f"{preparer.quote(place.schema)}.{table}" if place.schema else table

    return name
