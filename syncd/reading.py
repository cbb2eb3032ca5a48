"""From the shop to a sealed snapshot: read once, digested in a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from syncd.errors import ConfigError, EmptySegment
from syncd.model import Refused, Run, Snapshot, SnapshotId
from syncd.model.making import chosen_facts
from syncd.parts import Parts
from syncd.ports import Reading

if TYPE_CHECKING:
    import pyarrow as pa

log = structlog.get_logger()


def read(parts: Parts, opened: Run) -> Snapshot:
    """Read the segment in one transaction, digest it in a stream, seal it.

    Raises:
        syncd.errors.ShopError: The read failed; nothing is changed.
        syncd.errors.ConfigError: It has no column of what its audience was made for.
        syncd.errors.EmptySegment: Nobody came back.
    """
    as_of = parts.clock.now()
    query = parts.query(as_of)
    snapshot_id = SnapshotId(parts.names("s"))
    tally = Tally()
    with parts.shop.read(query) as reading:
        _complete(parts, reading.columns, query.source)
        file = parts.membership.receive(snapshot_id, _digested(parts, reading, tally))
        rows = reading.seal()
        columns = reading.columns
    snapshot = Snapshot(
        id=snapshot_id,
        segment=query.name,
        rules=parts.rules_name,
        rows=rows,
        usable=tally.usable,
        columns=columns,
        refused=tuple(Refused(*key, count) for key, count in sorted(tally.refused.items())),
        as_of=as_of,
        sealed_at=parts.clock.now(),
        path=file.path,
        checksum=file.checksum,
    )
    parts.ledger.add_snapshot(snapshot, opened.id)
    log.info("snapshot_sealed", rows=rows, usable=tally.usable)
    if not tally.usable:
        raise EmptySegment(
            f"segment {query.name} returned {rows:,} rows and no usable member: nobody is "
            "removed. Look at the shop and at the segment's SQL: `syncd segments preview "
            f"{query.name}` counts what is there, `syncd identity sample {query.name}` says what "
            "is refused and why. Then run again"
        )
    return snapshot


def _complete(parts: Parts, columns: tuple[str, ...], source: str) -> None:
    """See that a segment says of its members what their audience was made for."""
    chosen = chosen_facts(parts.platform.audience_options, parts.sync.audience_options)
    for fact, option in chosen.items():
        if fact.value not in columns:
            raise ConfigError(
                f"syncs.{parts.sync.name}.audience.{option.name}: the segment returns no column "
                f"{fact.value}; add it to the segment's SQL, or leave {option.name} out",
                where=source,
            )


class Tally:
    """What is counted while rows stream by."""

    def __init__(self) -> None:
        self.usable = 0
        self.refused: Counter[tuple[str, str]] = Counter()


def _digested(parts: Parts, reading: Reading, tally: Tally) -> Iterator[pa.RecordBatch]:
    done = 0
    stones = parts.ledger.erasures.stones()
    for batch in reading:
        parts.lock.check()  # of what was read so far nothing is named, and nothing was sent
        result = parts.digest(batch)
        erased = parts.watch.marks(batch, stones)
        for refused in result.refused:
            tally.refused[refused.field, refused.reason] += refused.count
        rows = result.rows.append_column("erased", erased).filter(result.rows["usable"])
        tally.usable += rows.num_rows
        done += batch.num_rows
        parts.progress("read", done, 0)
        yield rows
