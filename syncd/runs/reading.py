"""From the shop to a sealed snapshot: read once, digested in a stream."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import structlog

from syncd.errors import ConfigError, EmptySegment
from syncd.model import STAYS, Generation, Raw, Refused, Run, Snapshot, SnapshotId
from syncd.model.making import chosen_facts
from syncd.overlap import ahead
from syncd.ports import Reading
from syncd.runs.parts import Parts

if TYPE_CHECKING:
    import pyarrow as pa

    from syncd.identity.fingerprints import Fingerprints

_HALVES = ("fingerprint_high", "fingerprint_low")

log = structlog.get_logger()


def read(parts: Parts, opened: Run, generation: Generation | None = None) -> Snapshot:
    """Read the segment in one transaction, digest it in a stream, seal it.

    Args:
        parts, opened: The sync's, and the run.
        generation: What the snapshot will be compared with: whoever is as they were when they
            were sent is not digested again. None: everyone is.

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
        if not parts.sync.expired:
            _complete(parts, reading.columns, query.source)
        stones = parts.ledger.erasures.stones()
        with ahead(_fingerprinted(parts, reading, _said(parts, stones))) as known:
            digested = partial(_digested, parts, stones=stones, tally=tally)
            raw = _batches(parts, known)
            file = parts.membership.receive(snapshot_id, raw, digested, generation)
        rows = reading.seal()
        columns = tuple(name for name in reading.columns if name != STAYS)
    usable = tally.usable + file.unchanged
    snapshot = Snapshot(
        id=snapshot_id,
        segment=query.name,
        rules=parts.rules_name,
        rows=rows,
        usable=usable,
        columns=columns,
        refused=tuple(Refused(*key, count) for key, count in sorted(tally.refused.items())),
        as_of=as_of,
        sealed_at=parts.clock.now(),
        path=file.path,
        checksum=file.checksum,
    )
    parts.ledger.add_snapshot(snapshot, opened.id)
    log.info("snapshot_sealed", rows=rows, usable=usable, unchanged=file.unchanged)
    if not usable and not parts.sync.expired:
        raise EmptySegment(
            f"segment {query.name} returned {rows:,} rows and no usable member: nobody is "
            "removed. Look at the shop and at the segment's SQL: `syncd segments preview "
            f"{query.name}` counts what is there, `syncd identity sample {query.name}` says what "
            "is refused and why. Then run again"
        )
    return snapshot


def _said(parts: Parts, stones: Mapping[str, bool]) -> tuple[str, ...]:
    """What beside its row decides how a member is digested, and whether they are sent.

    The hold-out is part of the configuration.
    """
    return (parts.sync.configuration, repr(parts.consent), _digest_of(stones))


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


def _fingerprinted(
    parts: Parts, reading: Reading, said: Sequence[str]
) -> Iterator[tuple[pa.RecordBatch, Fingerprints]]:
    """What the shop returns, with what else decides what it is digested to."""
    for batch in reading:
        # On which side of a line a member stands changes nothing of who is sent already.
        told = batch.drop_columns([STAYS]) if STAYS in batch.schema.names else batch
        yield batch, parts.fingerprints(told, said=said)


def _batches(
    parts: Parts,
    known: Iterator[tuple[pa.RecordBatch, Fingerprints]],
) -> Iterator[Raw]:
    done = 0
    for batch, found in known:
        parts.lock.check()  # of what was read so far nothing is named, and nothing was sent
        yield Raw(found, batch)
        done += batch.num_rows
        parts.progress("read", done, 0)


def _digest_of(stones: Mapping[str, bool]) -> str:
    """Whoever was erased meanwhile is found by digesting everyone once."""
    text = "".join(f"{mac} {decides};" for mac, decides in sorted(stones.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _digested(
    parts: Parts, raw: Raw, *, stones: Mapping[str, bool], tally: Tally
) -> pa.RecordBatch:
    """Digest some rows; those with a refused value are digested, and counted, by every run.

    Args:
        parts: The sync's.
        raw: The rows.
        stones: Of erased persons.
        tally: Counts them.
    """
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it

    batch = raw.rows
    result = parts.digest(batch)
    for refused in result.refused:
        tally.refused[refused.field, refused.reason] += refused.count
    rows = result.rows.append_column("erased", parts.watch.marks(batch, stones))
    rows = rows.append_column("held_out", parts.control(result.rows["key"]))
    rows = rows.append_column("elsewhere", parts.elsewhere(result.rows["key"]))
    rows = rows.append_column(STAYS, would_stay(batch))
    for name, half in zip(_HALVES, raw.fingerprints.T, strict=True):
        rows = rows.append_column(name, pa.array(half * result.clean))
    usable = rows.filter(result.rows["usable"])
    tally.usable += usable.num_rows
    return usable


def would_stay(batch: pa.RecordBatch) -> pa.Array:
    """Which of a batch's rows are of members who would stay, and do not become members."""
    import pyarrow as pa  # noqa: PLC0415 - a daemon waits without it
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    if STAYS not in batch.schema.names:
        return pa.repeat(pa.scalar(value=False), batch.num_rows)
    return pc.equal(pc.cast(batch.column(STAYS), pa.float64()), 1.0)
