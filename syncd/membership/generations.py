"""The next generation of a membership: its file, written part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from syncd.membership.blocks import BlockReader, BlockWriter
from syncd.membership.engine import engine
from syncd.membership.fold import fold, sources
from syncd.membership.folding import of_fold
from syncd.membership.held import (
    GENERATION,
    beside,
    load_held,
    sizes,
    total,
    write_held,
    write_resting,
)
from syncd.membership.layers import BASE, WRITTEN, Overlay
from syncd.membership.rest import RESTS
from syncd.membership.together import PlanBatches
from syncd.membership.unchanged import Respelled, with_fingerprints
from syncd.model import Base, BatchRecord, Plan, Sizes


def write_next(
    writer: BlockWriter,
    before: BlockReader | None,
    plans: Sequence[PlanBatches],
    listed: Sizes,
    *,
    settled: datetime,
    window: timedelta,
    most: int | None = None,
) -> Sizes:
    """Write a generation, part by part; what it holds.

    Args:
        writer: Of its file.
        before: The last one's file.
        plans: What is taken in.
        listed: What the last one held.
        settled, window: See `syncd.membership.fold.fold`.
        most: Rows that may have changed since the base was written, which it is written over;
            None: it is written whole.

    Raises:
        syncd.membership.layers.Outgrown: More have.
    """
    with engine() as database:
        sifted = of_fold(database, before, plans)
    rows, resting, overlay = sources(plans), dict(sifted.new), None
    if before is not None:
        drawn = [plan.file for plan in plans if plan.marks is not None]
        respelled = Respelled.of([(one.at, one.lines) for one in map(Respelled.read, drawn)])
        rows = {GENERATION: partial(with_fingerprints, before, respelled=respelled), **rows}
        overlay = None if most is None else Overlay(before, respelled, most=most)
    if sifted.rests is not None:
        resting[GENERATION] = overlay.resting(sifted.rests) if overlay else sifted.rests
    loaded, held = Sizes(), Sizes()
    for part in sifted.parts:
        with engine() as database:
            load_held(database, before, part.rows, apart=len(sifted.parts) > 1)
            loaded = total(loaded, sizes(database))
            fold(database, plans, part.taken, settled=settled, window=window)
            if overlay is not None and part.rows is not None:
                overlay.leave(database, part.rows)
            write_held(database, writer, rows)
            if overlay is not None:
                overlay.stir(database, writer)
            held = total(held, sizes(database))
    held = total(held, write_resting(writer, rows, resting))
    if overlay is not None:
        overlay.finish(writer)
    return held if sifted.rests is None else total(held, beside(listed, loaded))


def header_of(
    number: int,
    rules: str,
    plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
    now: datetime,
    base: Base | None,
) -> Mapping[str, object]:
    """What a generation's file says of itself, for a ledger that lost the row: `rebuild`."""
    header: dict[str, object] = {"generation": number, "rules": rules, RESTS: True}
    if base is None:
        header[WRITTEN] = now.isoformat()
    else:
        header[BASE] = [base.path, base.checksum]
    for plan, _ in plans[-1:]:
        header["audience"] = [plan.platform, plan.account, plan.audience]
        header["sync"] = plan.sync
        header["takes_out"] = plan.takes_out
    return header
