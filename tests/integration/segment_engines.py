"""The four engines that a segment's SQL is written for, each with the canonical tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import duckdb
import pyarrow as pa

from syncd.model import SegmentQuery
from syncd.segments import catalogue_query
from syncd.segments.canonical import Kind
from syncd.segments.macros import Dialect
from syncd.shop import DatabaseShop, open_shop
from tests.integration.databases import (
    Database,
    MakeDatabase,
    canonical_tables,
    create_canonical,
)
from tests.segment_samples import ended

ENGINES: tuple[Dialect, ...] = ("sqlite", "postgresql", "mysql", "duckdb")
DUCKDB_TYPES: Mapping[Kind, str] = {
    "key": "VARCHAR",
    "text": "VARCHAR",
    "flag": "BOOLEAN",
    "moment": "TIMESTAMP",
    "date": "DATE",
    "money": "DECIMAL(14, 4)",
    "number": "DECIMAL(14, 6)",
}

Rows = dict[str, dict[str, object]]


class Loaded(Protocol):
    """What takes a shop's tables."""

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Put rows into a table."""


class Engine(Loaded, Protocol):
    """A shop on one engine."""

    def rows(self, name: str, *, as_of: datetime, zone: str, **parameters: object) -> Rows:
        """A segment's rows by key."""


@dataclass(frozen=True, slots=True)
class Served:
    """A shop as syncd reads one."""

    database: Database
    shop: DatabaseShop

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        self.database.load(table, columns, rows)

    def rows(self, name: str, *, as_of: datetime, zone: str, **parameters: object) -> Rows:
        query = ended(
            catalogue_query(
                name, parameters=parameters, as_of=as_of, timezone=zone, dialect=self.shop.dialect
            )
        )
        with self.shop.read(query) as reading:
            found = {row["customer_key"]: row for batch in reading for row in batch.to_pylist()}
            assert reading.seal() == len(found)
        return found


@dataclass(frozen=True, slots=True)
class Embedded:
    """DuckDB, asked through its own module."""

    connection: duckdb.DuckDBPyConnection

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        cells = zip(*rows, strict=True)
        taken = pa.table(
            {
                name: pa.array([None if cell is None else str(cell) for cell in column])
                for name, column in zip(columns, cells, strict=True)
            }
        )
        self.connection.register("taken", taken)
        self.connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM taken")
        self.connection.unregister("taken")

    def rows(self, name: str, *, as_of: datetime, zone: str, **parameters: object) -> Rows:
        query = ended(
            catalogue_query(
                name, parameters=parameters, as_of=as_of, timezone=zone, dialect="duckdb"
            )
        )
        answer = self.connection.execute(*asked_of_duckdb(query))
        columns = [column[0] for column in answer.description]
        found = [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
        assert len({row["customer_key"] for row in found}) == len(found)
        return {row["customer_key"]: row for row in found}


def open_engine(dialect: Dialect, make: MakeDatabase) -> Engine:
    """A new shop on an engine, its canonical tables empty."""
    if dialect == "duckdb":
        connection = duckdb.connect()
        for statement in canonical_tables(DUCKDB_TYPES):
            connection.execute(statement)
        return Embedded(connection)
    database = make(dialect)
    create_canonical(database)
    return Served(database, open_shop(database.url, None, timezone="UTC"))


def asked_of_duckdb(query: SegmentQuery) -> tuple[str, dict[str, object]]:
    """A segment's SQL with its binds as DuckDB writes them."""
    sql = re.sub(r"(?<![\w:]):([a-z]\w*)", r"$\1", re.sub(r"--[^\n]*", "", query.sql))
    return sql, {bind: _naive(value) for bind, value in query.parameters.items()}


def _naive(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
