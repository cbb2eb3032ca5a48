"""From the shop to a sealed snapshot: read once, digested in a stream.

What one run reads serves others too that ask the same, see `syncd.runs.shared`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from syncd.errors import ConfigError, EmptySegment, SyncdError
from syncd.ledger.audiences import KnownAudience
from syncd.model import STAYS, Generation, Refused, Run, Snapshot, Sync
from syncd.model.making import chosen_facts
from syncd.overlap import LeftError, Line, among
from syncd.ports import Platform, Reading, Received
from syncd.runs import audiences
from syncd.runs.digesting import Intake, Rows
from syncd.runs.parts import Parts
from syncd.runs.planning import latest
from syncd.runs.shared import Place, Ready

# Members of all memberships that one read is compared with, 24 bytes of memory each: as many as
# of one large audience.
MOST_MEMBERS = 10_000_000
# Runs that are taken along: each takes some 20 MB, most of it what allocators keep for its threads
# (`python -m tests.bench.pipeline --cases same`).
MOST_RUNS = 5

log = structlog.get_logger()


def read(parts: Parts, opened: Run, generation: Generation | None = None) -> Snapshot:
    """Read the segment in one transaction, digest it in a stream, seal it.

    Or take what another run has read for this one, where that is the same.

    Args:
        parts, opened: The sync's, and the run.
        generation: What the snapshot will be compared with: whoever is as they were when they
            were sent is not digested again. None: everyone is.

    Raises:
        syncd.errors.ShopError: The read failed; nothing is changed.
        syncd.errors.ConfigError: It has no column of what its audience was made for.
        syncd.errors.EmptySegment: Nobody came back.
    """
    snapshot = parts.shared.take(
        parts, lambda: _said(parts, parts.ledger.erasures.stones()), generation
    )
    if snapshot is None:
        snapshot = _read(parts, generation)
    parts.ledger.add_snapshot(snapshot, opened.id)
    if not snapshot.usable and not parts.sync.expired:
        raise EmptySegment(
            f"segment {snapshot.segment} returned {snapshot.rows:,} rows and no usable member: "
            "nobody is removed. Look at the shop and at the segment's SQL: `syncd segments preview "
            f"{snapshot.segment}` counts what is there, `syncd identity sample {snapshot.segment}` "
            "says what is refused and why. Then run again"
        )
    return snapshot


@dataclass(slots=True)
class _Reader:
    """A run that a segment is read for.

    Attributes:
        generation: What its snapshot will be compared with.
        said: What beside its row decides how a member is digested, and whether they are sent.
        intake: What it makes of the rows.
        place: Where what was read waits for a run that is taken along.
        handed: Whether it waits there.
    """

    parts: Parts
    generation: Generation | None
    said: tuple[str, ...]
    intake: Intake
    place: Place | None = None
    handed: bool = False

    def receive(self, line: Line[Rows]) -> Received:
        """Take in all rows of a line."""
        try:
            return self.intake.receive(line, self.generation)
        finally:
            line.leave()

    def try_to_receive(self, line: Line[Rows]) -> Received | None:
        """The same for one that is taken along; none where it could not, and reads for itself."""
        try:
            file = self.receive(line)
        except LeftError:
            return None
        except Exception as error:  # noqa: BLE001  # that run meets it again, where it reads itself
            name = type(error).__name__
            log.warning("not_taken_along", taken=self.parts.sync.name, error=name)
            return None
        self.parts.membership.set_aside(self.intake.id)
        return file

    def sealed(self, file: Received, read: _Read) -> Snapshot:
        """Its snapshot, once the read was sealed."""
        refused = sorted(self.intake.refused.items())
        return Snapshot(
            id=self.intake.id,
            segment=read.segment,
            rules=self.parts.rules_name,
            rows=read.rows,
            usable=self.intake.usable + file.unchanged,
            columns=read.columns,
            refused=tuple(Refused(*key, count) for key, count in refused),
            as_of=read.as_of,
            sealed_at=self.parts.clock.now(),
            path=file.path,
            checksum=file.checksum,
        )

    def hand(self, snapshot: Snapshot) -> None:
        """Let a run that was taken along have its snapshot."""
        drop = partial(self.parts.membership.discard, snapshot.id)
        self.handed = self._release(Ready(snapshot, self.said, self.generation, drop))

    def let_go(self) -> None:
        """Let it read for itself, unless it was handed its snapshot."""
        if not self.handed:
            self.parts.membership.discard(self.intake.id)
            self._release(None)

    def _release(self, ready: Ready | None) -> bool:
        name = self.parts.sync.name
        return self.place is not None and self.parts.shared.release(name, self.place, ready)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a sealed read came to.

    Attributes:
        columns: That rows are made of.
    """

    segment: str
    rows: int
    columns: tuple[str, ...]
    as_of: datetime


def _read(parts: Parts, generation: Generation | None) -> Snapshot:
    """Read for this run, and for those that it takes along."""
    as_of = parts.clock.now()
    # What an expired segment answers, nobody needs to be told. Before the shop is asked: whoever
    # comes meanwhile, waits.
    segment = "" if parts.sync.expired else parts.sync.segment
    with parts.shared.claimed(segment) as claims:
        return _read_for(parts, generation, as_of, claims)


def _read_for(
    parts: Parts, generation: Generation | None, as_of: datetime, claims: Mapping[str, Place]
) -> Snapshot:
    query = parts.query(as_of)
    with parts.shop.read(query) as reading:
        if not parts.sync.expired:
            _complete(parts.platform, parts.sync, reading.columns, query.source)
        stones = parts.ledger.erasures.stones()
        own = _reader(parts, generation, stones)
        with _along(own, claims, reading.columns, stones) as others:
            file, files = _received(own, others, reading, stones)
            columns = tuple(name for name in reading.columns if name != STAYS)
            read = _Read(query.name, reading.seal(), columns, as_of)
            for other, its in zip(others, files, strict=True):
                if its is not None:
                    other.hand(other.sealed(its, read))
        snapshot = own.sealed(file, read)
    log.info(
        "snapshot_sealed",
        rows=read.rows,
        usable=snapshot.usable,
        unchanged=file.unchanged,
        shared=sum(other.handed for other in others),
    )
    return snapshot


def _reader(
    parts: Parts,
    generation: Generation | None,
    stones: Mapping[str, bool],
    place: Place | None = None,
) -> _Reader:
    said = _said(parts, stones)
    return _Reader(parts, generation, said, Intake(parts, said, stones), place)


def _received(
    own: _Reader, others: Sequence[_Reader], reading: Reading, stones: Mapping[str, bool]
) -> tuple[Received, list[Received | None]]:
    """What this run takes in, in this thread, and what those do that it takes along."""
    # Of whoever may be as they were the cells are not asked for one by one.
    known = any(_members(reader.generation) for reader in (own, *others))
    rows = (Rows(batch, stones) for batch in (reading.joined() if known else reading))
    with (
        ThreadPoolExecutor(len(others) + 1, "along") as pool,
        among(rows, len(others) + 1) as (first, *lines),
    ):
        theirs = [
            pool.submit(other.try_to_receive, line)
            for other, line in zip(others, lines, strict=True)
        ]
        file = own.receive(first)
        return file, [one.result() for one in theirs]


@contextmanager
def _along(
    own: _Reader,
    claims: Mapping[str, Place],
    columns: tuple[str, ...],
    stones: Mapping[str, bool],
) -> Iterator[Sequence[_Reader]]:
    """Those that a run takes along; whoever is not handed a snapshot reads for itself."""
    others = list[_Reader]()
    members = _members(own.generation)
    for name, place in claims.items():
        other = _joining(own.parts, place, columns, stones) if len(others) < MOST_RUNS else None
        more = members + _members(other.generation if other else None)
        if other is None or more > MOST_MEMBERS:
            own.parts.shared.release(name, place)
        else:
            others.append(other)
            members = more
    try:
        yield others
    finally:
        for other in others:
            other.let_go()


def _joining(
    parts: Parts, place: Place, columns: tuple[str, ...], stones: Mapping[str, bool]
) -> _Reader | None:
    """A run that would read just this, and whose membership will be the same by then."""
    try:
        other = place.make()
        # Of another configuration the same name may be another segment.
        if other.shop is not parts.shop or other.sync.expired:
            return None
        _complete(other.platform, other.sync, columns, "")
        audience = audiences.known(other)
        if audience is not None and _is_moving(other, audience):
            return None
        return _reader(other, latest(other, audience), stones, place)
    except SyncdError:
        return None  # it says so itself when its turn comes


def _is_moving(parts: Parts, audience: KnownAudience) -> bool:
    """Whether something is to be taken into a membership before the next read."""
    at = (audience.platform, audience.account, audience.id)
    ledger = parts.ledger
    return bool(ledger.unfolded(*at) or ledger.unfinished(*at) or ledger.under_way(*at))


def _members(generation: Generation | None) -> int:
    return generation.sizes.members if generation else 0


def _said(parts: Parts, stones: Mapping[str, bool]) -> tuple[str, ...]:
    """What beside its row decides how a member is digested, and whether they are sent.

    The hold-out is part of the configuration.
    """
    return (parts.sync.configuration, repr(parts.consent), _digest_of(stones))


def _complete(platform: Platform, sync: Sync, columns: tuple[str, ...], source: str) -> None:
    """See that a segment says of its members what their audience was made for."""
    chosen = chosen_facts(platform.audience_options, sync.audience_options)
    for fact, option in chosen.items():
        if fact.value not in columns:
            raise ConfigError(
                f"syncs.{sync.name}.audience.{option.name}: the segment returns no column "
                f"{fact.value}; add it to the segment's SQL, or leave {option.name} out",
                where=source,
            )


def _digest_of(stones: Mapping[str, bool]) -> str:
    """Whoever was erased meanwhile is found by digesting everyone once."""
    text = "".join(f"{mac} {decides};" for mac, decides in sorted(stones.items()))
    return hashlib.sha256(text.encode()).hexdigest()
