"""What an audience holds, as tables: rows as sent, and the state of each identifier.

    held_row(r, key, face, turn, details, cents, limited, current, file, n, was)
                                                  rows as sent; `current` is its key's last, and
                                                  `was` when it was loaded
    held_id(id, kind, state, doubt, removed_at)   every identifier ever sent, not settled out;
                                                  state 0 possible, 1 certain, 2 refused with
                                                  its row, 3 refused and never there
    held_link(r, slot, kind, id)                  which row carries which identifier
    outdated(id, since)                           see `syncd.membership.migration`
    late(id, until)                               a removal of it may still land until then

A row stays while it explains something: an identifier that only it can take out, or a
link between two identifiers that the platform may have joined into one person. Its cells
stay in the file that it came from, at position `n`; `face` tells them from any other's, `turn`
is a number of its key's by which it is refreshed, and `details`, `cents` and `limited` are what
beside its identifiers it carried, as far as a comparison asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from syncd.hashes import hashed
from syncd.membership import migration
from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import CURRENT, HELD, Source, put
from syncd.membership.engine import (
    KIND_NAMES,
    KINDS,
    ROW_SCHEMA,
    SLOTS,
    Positions,
    details,
    face,
    facts,
    feed,
    filled,
    links,
    positioned,
    stream,
)
from syncd.membership.names import SECTION as NAMES
from syncd.membership.names import Names
from syncd.membership.rest import MOVING, halves, moving, sectioned, whole
from syncd.model import Sizes

HELD_ROW_SCHEMA = pa.schema([*ROW_SCHEMA, pa.field(CURRENT, pa.bool_())])
HELD_ID_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("kind", pa.int8()),
        pa.field("state", pa.int8()),
        pa.field("doubt", pa.bool_()),
        pa.field("removed_at", pa.int64()),
    ]
)
OUTDATED_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("since", pa.int64()),
    ]
)

LATE_SCHEMA = pa.schema(
    [
        pa.field("high", pa.uint64()),
        pa.field("low", pa.uint64()),
        pa.field("until", pa.int64()),
    ]
)

_MOMENT_SCHEMAS = {"outdated": OUTDATED_SCHEMA, "late": LATE_SCHEMA}
_MOMENTS = pa.schema([*list(LATE_SCHEMA)[:2], pa.field("moment", pa.int64())])

GENERATION = 0  # the file that held rows come from; those of plans follow

Sources = Mapping[int, Source]

_AT_ONCE = 10_000_000  # names that are counted at a time, once each

# In a file: of an identifier that a row has, and that was never there or has left.
ABSENT = 4

_TABLES = """
CREATE SEQUENCE held_number START 1;
CREATE TABLE held_row (
    r BIGINT DEFAULT nextval('held_number'), key BLOB, face UHUGEINT, turn UBIGINT,
    details UBIGINT, cents DOUBLE, limited BOOLEAN, current BOOLEAN, file INTEGER, n BIGINT,
    was BOOLEAN);
CREATE TABLE held_id (
    id UHUGEINT, kind TINYINT, state TINYINT, doubt BOOLEAN, removed_at BIGINT);
CREATE TABLE held_link (r BIGINT, slot TINYINT, kind TINYINT, id UHUGEINT);
CREATE TABLE late (id UHUGEINT, until BIGINT);
"""

# Whoever's last row has an identifier that may be there: was sent, and not removed. Where one
# of it was taken out, its member left, and what is still there is somebody else's too; where
# the member has another one instead, a newer row has it.
MEMBERS = """
SELECT DISTINCT key FROM held_row SEMI JOIN (
  SELECT r FROM held_link JOIN held_id USING (id) WHERE removed_at IS NULL AND state <> 3
) USING (r) ANTI JOIN (
  SELECT r FROM held_link LEFT JOIN held_id USING (id) WHERE state IS NULL OR removed_at IS NOT NULL
) USING (r) WHERE current
"""

# Members, who of them was refused, and identifiers by kind.
_SIZES = f"""
SELECT 'members', count(*) FROM ({MEMBERS})
UNION ALL
SELECT 'refused', count(DISTINCT key) FROM held_row SEMI JOIN (
  SELECT r FROM held_link JOIN held_id USING (id) WHERE state >= 2
) USING (r) WHERE current
UNION ALL
SELECT kind::VARCHAR, count(*) FROM held_id
WHERE removed_at IS NULL AND state <> 3 AND id NOT IN (SELECT id FROM spare) GROUP BY kind
"""

# A file says of an identifier what it is only where a row that has it is not at rest.
_STATED = """
CREATE OR REPLACE TABLE stated (
    id UHUGEINT, kind TINYINT, state TINYINT, doubt BOOLEAN, removed_at BIGINT)
"""
_OURS = f"WHERE {whole('high', 'low')} IN (SELECT id FROM held_link)"
_CERTAIN = """
INSERT INTO held_id
SELECT DISTINCT id, kind, 1, FALSE, NULL::BIGINT FROM held_link ANTI JOIN stated USING (id)
"""
_OTHERWISE = f"""
CREATE OR REPLACE TABLE otherwise AS
SELECT id, kind, state, doubt, removed_at FROM held_id
WHERE state <> 1 OR doubt OR removed_at IS NOT NULL OR id NOT IN (SELECT id FROM held_link)
UNION ALL
SELECT DISTINCT id, kind, {ABSENT}, FALSE, NULL FROM held_link ANTI JOIN held_id USING (id);

CREATE OR REPLACE TABLE stirred AS
SELECT r FROM held_row WHERE NOT current
UNION
SELECT r FROM held_link WHERE id IN (
  SELECT id FROM otherwise UNION ALL SELECT id FROM outdated UNION ALL SELECT id FROM late)
"""


def load_held(
    database: duckdb.DuckDBPyConnection,
    generation: BlockReader | None,
    only: npt.NDArray[np.bool_] | None = None,
    *,
    apart: bool = False,
) -> None:
    """Make the tables and fill them from a generation's file, or leave them empty.

    Args:
        database: Any.
        generation: The file.
        only: Flags of the rows to load, among them all that are not at rest; None: all rows.
        apart: Rows that are not at rest are left out too, and what is known of what they have:
            nothing of it is joined to the rows that are loaded.
    """
    database.execute(_TABLES)
    database.execute(migration.TABLES)
    if generation is None:
        return
    every = generation.rows("rows")
    rows = generation.some("rows", np.arange(every) if only is None else np.flatnonzero(only))
    feed(
        database,
        _with_turns(rows),
        _into_rows,
        _into_links,
    )
    database.execute(_STATED)
    feed(
        database,
        positioned(generation.batches("identifiers")),
        f"INSERT INTO stated SELECT {whole('high', 'low')}, kind, state, doubt, removed_at "
        f"FROM incoming {_OURS if apart else ''}",
    )
    if moving(generation) is not None:
        database.execute(_CERTAIN)
    database.execute(f"INSERT INTO held_id SELECT * FROM stated WHERE state <> {ABSENT}")
    database.execute("DROP TABLE stated")
    for section, moment in (("outdated", "since"), ("late", "until")):  # most files have neither
        feed(
            database,
            positioned(generation.batches(section)),
            f"INSERT INTO {section} SELECT {whole('high', 'low')}, {moment} "
            f"FROM incoming {_OURS if apart else ''}",
        )


# Numbers of rows of the file are negative, so that new ones never meet them.
def _into_rows(batch: pa.RecordBatch) -> str:
    cells = filled(batch)
    return (
        f"INSERT INTO held_row SELECT -1 - n, key, {face(cells)}, turn, {details(cells)}, "
        f"{facts(cells)}, current, {GENERATION}, n, current FROM incoming"
    )


def _into_links(batch: pa.RecordBatch) -> str:
    lines = links("incoming", "n", filled(batch))
    return f"INSERT INTO held_link SELECT -1 - n, slot, kind, id FROM ({lines})"


def write_held(database: duckdb.DuckDBPyConnection, writer: BlockWriter, sources: Sources) -> None:
    """Write the tables to a generation's file, the cells of rows taken from their files.

    Args:
        database: With the tables.
        writer: Of the file, whose header has `rest.RESTS`.
        sources: Where rows come from.
    """
    database.execute(_OTHERWISE)
    kept = database.execute(
        "SELECT file, n, current, r IN (FROM stirred) AS stirred FROM held_row ORDER BY file, n"
    ).fetchnumpy()
    for file, source in sources.items():
        of = slice(*np.searchsorted(kept["file"], [file, file + 1]))
        positions = np.asarray(kept["n"][of], dtype=np.int64)
        if not len(positions):
            continue
        at = np.flatnonzero(kept["stirred"][of]) + writer.rows("rows")
        writer.write(MOVING, pa.RecordBatch.from_pydict({"n": pa.array(at, pa.int64())}))
        first, current = 0, kept["current"][of]
        for _, rows in source.some(positions):
            here = slice(first, first := first + rows.num_rows)
            put(writer, HELD, rows, current[here])
    states = f"SELECT {halves('id', 'high', 'low')}, * EXCLUDE (id) FROM otherwise ORDER BY id"
    for batch in stream(database, states, HELD_ID_SCHEMA):
        writer.write("identifiers", batch)
    moments = {
        "outdated": "SELECT id, since AS moment FROM outdated",
        "late": "SELECT id, until AS moment FROM late",
    }
    for section, batch in sectioned(database, moments, _MOMENTS):
        schema = _MOMENT_SCHEMAS[section]
        writer.write(section, pa.RecordBatch.from_arrays(batch.columns, schema=schema))


def write_resting(
    writer: BlockWriter,
    sources: Sources,
    resting: Mapping[int, npt.NDArray[np.bool_]],
) -> Sizes:
    """Write rows at rest that no table holds; what those of plans amount to.

    Args:
        writer: Of the file.
        sources: Where rows come from.
        resting: By source, flags of those rows.
    """
    first, filled = writer.rows(NAMES), Counter[int]()
    plans = [file for file in resting if file != GENERATION]
    for file in plans:
        for names in sources[file].carry(resting[file], writer, HELD):
            filled.update(dict(zip(names.slots, np.count_nonzero(names.ids, axis=0), strict=True)))
    found = Sizes(writer.rows(NAMES) - first, _different(writer, first, filled))
    if GENERATION in resting:
        for _ in sources[GENERATION].carry(resting[GENERATION], writer, HELD):
            pass
    return found


def _different(writer: BlockWriter, first: int, filled: Mapping[int, int]) -> dict[str, int]:
    """How many identifiers of each kind rows have that were written, each counted once.

    One kind after the other, as the file has them, and of many a range of names at a time, which
    are even: so no more than 80 MB, whatever the members.

    Args:
        writer: Of the file.
        first: The first of these rows.
        filled: How many of them have something in a slot.
    """
    counts = {}
    for kind, name in KIND_NAMES.items():
        slots = [slot for slot, (of, _, _) in enumerate(SLOTS) if of == kind and filled.get(slot)]
        if not slots:
            continue
        count = sum(int(filled[slot]) for slot in slots)
        ids = np.empty(count, np.uint64)  # in memory as far as it is written to
        ranges, counts[name] = -(-count // _AT_ONCE), 0
        for least, most in pairwise(2**64 * n // ranges for n in range(ranges + 1)):
            end = 0
            for lines in writer.written_since(NAMES, first):
                for slot in slots:
                    some = np.asarray(lines.column(1 + slot), np.uint64)
                    some = some[(some >= max(least, 1)) & (some <= most - 1)]  # 0 is for none
                    ids[end : (end := end + len(some))] = some
            counts[name] += _distinct(ids[:end])
    return counts


def _distinct(names: Names) -> int:
    """How many names there are, each counted once; they are put in order."""
    names.sort()
    return min(len(names), 1) + int(np.count_nonzero(names[1:] != names[:-1]))


def _with_turns(
    rows: Iterable[tuple[int | Positions, pa.RecordBatch]],
) -> Iterator[tuple[int | Positions, pa.RecordBatch]]:
    for at, batch in rows:
        yield at, batch.append_column("turn", pa.array(hashed(batch.column("key"))))


def every_identifier(
    database: duckdb.DuckDBPyConnection, generation: BlockReader
) -> Iterator[pa.RecordBatch]:
    """What a generation says of each identifier (`HELD_ID_SCHEMA`), of those at rest too."""
    load_held(database, generation)
    states = f"SELECT {halves('id', 'high', 'low')}, * EXCLUDE (id) FROM held_id ORDER BY id"
    yield from stream(database, states, HELD_ID_SCHEMA)


def sizes(database: duckdb.DuckDBPyConnection) -> Sizes:
    """Members and identifiers that the audience holds as far as we can know.

    An identifier that is there by a digest of earlier rules too counts once: else the
    guard would miss the half of them once the earlier ones have left.
    """
    migration.find_spare(database)
    count = {str(what): int(count) for what, count in database.execute(_SIZES).fetchall()}
    kinds = {name: count[str(kind)] for kind, name in KIND_NAMES.items() if str(kind) in count}
    return Sizes(count["members"], kinds, count["refused"])


def beside(everyone: Sizes, loaded: Sizes) -> Sizes:
    """What a membership holds that was not loaded: rows at rest, none of them refused."""
    kinds = Counter(everyone.identifiers)
    kinds.subtract(loaded.identifiers)
    return total(Sizes(everyone.members - loaded.members, kinds, everyone.refused - loaded.refused))


def total(*parts: Sizes) -> Sizes:
    """Sizes of what shares neither members nor identifiers, together."""
    kinds = Counter[str]()
    for part in parts:
        kinds.update(part.identifiers)
    return Sizes(
        sum(part.members for part in parts),
        {kind: kinds[kind] for kind in KINDS if kinds[kind]},
        sum(part.refused for part in parts),
    )
