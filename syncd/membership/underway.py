"""Requests whose effect may still come, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

import duckdb
import pyarrow as pa

from syncd.membership.blocks import BlockReader
from syncd.membership.engine import (
    chosen,
    feed,
    filled,
    links,
)
from syncd.membership.known import Pool
from syncd.membership.names import named
from syncd.model import BatchRecord, Comparison, Operation, Phase, Plan

_TABLES = "CREATE TABLE adding (id UHUGEINT); CREATE TABLE removing (id UHUGEINT)"


class UnderWay:
    """The rows of such requests; of a platform that takes them in order there are none."""

    def __init__(self, opened: Callable[[str, str], BlockReader], comparison: Comparison) -> None:
        """Note which they are.

        Args:
            opened: Opens a file by its path and checksum.
            comparison: As asked.
        """
        self._opened = opened
        self._batches = () if comparison.ordered else comparison.under_way
        self._files: dict[str, BlockReader] = {}  # to open a file is to check all of it

    def removing(self) -> Iterator[pa.RecordBatch]:
        """Rows of whoever may be taken out at any time, and of whoever is to follow them."""
        for plan, batch in self._batches:
            if batch.phase.operation is Operation.REMOVE:
                yield from self._rows(plan, batch)
                yield from self._file(plan).batches(Phase.AGAIN.value)

    def load(self, database: duckdb.DuckDBPyConnection, concerned: Pool | None) -> None:
        """Make the tables `adding` and `removing` of their identifiers.

        Args:
            database: Any.
            concerned: Only of rows with one of these; None: of all rows.
        """
        database.execute(_TABLES)
        adding = chain.from_iterable(
            self._rows(plan, batch)
            for plan, batch in self._batches
            if batch.phase.operation is not Operation.REMOVE
        )
        for table, rows in (("adding", adding), ("removing", self.removing())):
            for batch in rows:
                ids = links("incoming", "n", filled(batch))
                into = f"INSERT INTO {table} SELECT id FROM ({ids})"
                part = [(0, batch)]
                if concerned is not None:
                    hit = concerned.any(named(batch).ids)
                    feed(database, chosen(part, hit), into)
                else:
                    feed(database, part, into)

    def _rows(self, plan: Plan, batch: BatchRecord) -> Iterator[pa.RecordBatch]:
        return self._file(plan).part(batch.phase.value, batch.first_row, batch.rows)

    def _file(self, plan: Plan) -> BlockReader:
        if plan.path not in self._files:
            self._files[plan.path] = self._opened(plan.path, plan.checksum)
        return self._files[plan.path]
