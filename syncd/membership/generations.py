"""The next generation of a membership: its file, written part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.carrying import HELD, Source
from syncd.membership.engine import engine
from syncd.membership.fold import fold, sources
from syncd.membership.folding import Folded, of_fold
from syncd.membership.held import (
    GENERATION,
    Sources,
    beside,
    load_held,
    sizes,
    total,
    write_held,
    write_resting,
)
from syncd.membership.layers import BASE, WRITTEN
from syncd.membership.overlay import Flags, Overlay
from syncd.membership.past import FROM as PAST_FROM
from syncd.membership.past import Keeping, carry_over, write_departed
from syncd.membership.rest import RESTS
from syncd.membership.since import FROM, load_since, write_resting_since, write_since
from syncd.membership.together import PlanBatches
from syncd.membership.unchanged import Respelled
from syncd.model import Base, BatchRecord, Phase, Plan, Sizes


def write_next(
    writer: BlockWriter,
    before: BlockReader | None,
    plans: Sequence[PlanBatches],
    listed: Sizes,
    *,
    settled: datetime,
    window: timedelta,
    keeping: Keeping,
    most: int | None = None,
) -> tuple[Sizes, Keeping]:
    """Write a generation, part by part; what it holds, and what it remembers.

    Args:
        writer: Of its file.
        before: The last one's file.
        plans: What is taken in.
        listed: What the last one held.
        settled, window: See `syncd.membership.fold.fold`.
        keeping: How long whoever left is remembered.
        most: Rows that may have changed since the base was written, which it is written over;
            None: it is written whole.

    Raises:
        syncd.membership.overlay.Outgrown: More have.
    """
    sifted = of_fold(before, plans)
    rows, overlay = _read_from(before, plans, most)
    resting = _resting(sifted, overlay)
    keeping = carry_over(writer, before, plans, keeping, over=overlay is not None)
    loaded, held = Sizes(), Sizes()
    for part in sifted.parts:
        with engine() as database:
            load_held(database, before, part.rows, apart=len(sifted.parts) > 1)
            load_since(database, before, part.rows)
            loaded = total(loaded, sizes(database))
            fold(database, plans, part.taken, settled=settled, window=window)
            if overlay is not None and part.rows is not None:
                overlay.leave(database, part.rows)
            write_held(database, writer, rows)
            write_since(database, writer, rows)
            keeping = write_departed(database, writer, keeping)
            if overlay is not None:
                overlay.stir(database, writer)
            held = total(held, sizes(database))
    held = total(held, write_resting(writer, rows, resting))
    _finish(writer, before, plans, resting, overlay)
    if sifted.rests is not None:
        held = total(held, beside(listed, loaded))
    return held, keeping


def _finish(
    writer: BlockWriter,
    before: BlockReader | None,
    plans: Sequence[PlanBatches],
    resting: Mapping[int, Flags],
    overlay: Overlay | None,
) -> None:
    """What is said of rows at rest, and of the base's."""
    made = {plan.source(phase): plan.made for plan in plans for phase in Phase}
    write_resting_since(writer, before, resting, made)
    if overlay is not None:
        overlay.finish(writer)


def _resting(sifted: Folded, overlay: Overlay | None) -> dict[int, Flags]:
    """Rows at rest that are written, of each source."""
    if sifted.rests is None:
        return dict(sifted.new)
    rests = overlay.resting(sifted.rests) if overlay else sifted.rests
    return {**sifted.new, GENERATION: rests}


def _read_from(
    before: BlockReader | None, plans: Sequence[PlanBatches], most: int | None
) -> tuple[Sources, Overlay | None]:
    """Where the rows lie that are written, and the overlay that is, if one is; see `write_next`."""
    rows = sources(plans)
    if before is None:
        return rows, None
    drawn = [plan.file for plan in plans if plan.marks is not None]
    respelled = Respelled.of([(one.at, one.lines) for one in map(Respelled.read, drawn)])
    rows = {GENERATION: Source(before, HELD, respelled), **rows}
    return rows, None if most is None else Overlay(before, respelled, most=most)


def header_of(
    number: int,
    rules: str,
    plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
    now: datetime,
    base: Base | None,
    before: BlockReader | None,
    keeping: Keeping,
) -> Mapping[str, object]:
    """What a generation's file says of itself, for a ledger that lost the row: `rebuild`."""
    header: dict[str, object] = {"generation": number, "rules": rules, RESTS: True}
    known = before.header if before else {}
    header[FROM] = known.get(FROM, now.isoformat())
    if keeping.since is not None:
        header[PAST_FROM] = known.get(PAST_FROM, now.isoformat())
    if base is None:
        header[WRITTEN] = now.isoformat()
    else:
        header[BASE] = [base.path, base.checksum]
    for plan, _ in plans[-1:]:
        header["audience"] = [plan.platform, plan.account, plan.audience]
        header["sync"] = plan.sync
        header["takes_out"] = plan.takes_out
    return header
