"""A plan's file: the rows of each phase, picked from the files that hold their cells."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from syncd.membership import taking
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import of_phase
from syncd.membership.engine import (
    ROW_SCHEMA,
    column,
    masked,
    stream,
)
from syncd.membership.members import Members
from syncd.membership.rest import sectioned
from syncd.model import Phase

IDS_SCHEMA = pa.schema([pa.field("high", pa.uint64()), pa.field("low", pa.uint64())])


def write_plan(
    database: duckdb.DuckDBPyConnection,
    writer: BlockWriter,
    *,
    members: Members,
    generation: BlockReader | None,
    takes_out: bool = False,
) -> None:
    """Write what `syncd.membership.compare` has chosen.

    Args:
        database: With the tables `mask`, `addition`, `again`, `gone`, `take`, `superseded`,
            `fresh` and `renewed`; where members are taken out, those of
            `syncd.membership.taking` too.
        writer: Of the plan's file.
        members: The snapshot.
        generation: The membership that it was compared with.
        takes_out: The sync only takes members out.
    """
    if generation is not None:
        write_removals(database, writer, generation)
    for phase, table in ((Phase.ADD, "addition"), (Phase.AGAIN, "again")):
        chosen = np.zeros(members.digested + len(members.came), np.bool_)
        chosen[column(database, f"SELECT n FROM {table}")] = True
        members.write(chosen, writer, of_phase(phase))
    # Those that wait for an addition under way too: an approval is of what should leave.
    # Not those that changed rules replaced: they settle, whoever approves.
    held = (
        "SELECT id FROM gone WHERE NOT confirmation AND id NOT IN (SELECT id FROM take) "
        "AND id NOT IN (SELECT id FROM superseded)"
    )
    tables = {
        "twice": "SELECT id FROM take JOIN withdrawn USING (id) WHERE NOT confirmation",
        "held": taking.HELD if takes_out else held,
        "outdated": "SELECT id FROM fresh",
        "renewed": "SELECT id FROM renewed",
    }
    if takes_out:
        tables["left"] = taking.LEFT
    write_ids(database, writer, tables)


def write_ids(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, sections: Mapping[str, str]
) -> None:
    """Write numbers of identifiers, ascending.

    Args:
        database: With the tables that the queries read.
        writer: Of a plan's file.
        sections: By name, a query that answers its numbers in a column `id`.
    """
    for section, numbers in sectioned(database, sections, IDS_SCHEMA):
        writer.write(section, numbers)


def write_removals(
    database: duckdb.DuckDBPyConnection, writer: BlockWriter, generation: BlockReader
) -> None:
    """Rows as they were sent, every cell blank that stays; see `compare.MASK`."""
    numbers = column(database, "SELECT -1 - r AS n FROM mask ORDER BY n")
    for at, rows in generation.some("rows", numbers):
        sent = rows.append_column("n", pa.array(at))
        database.register("sent", sent)
        try:
            query = (
                f"SELECT key, {masked('mask')}, consent FROM sent "
                "JOIN mask ON mask.r = -1 - sent.n ORDER BY sent.n"
            )
            for batch in stream(database, query, ROW_SCHEMA):
                writer.write(Phase.REMOVE.value, batch)
        finally:
            database.unregister("sent")
