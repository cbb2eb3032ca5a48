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
from syncd.membership.rest import RESTS
from syncd.membership.together import PlanBatches
from syncd.membership.unchanged import Respelled, with_fingerprints
from syncd.model import BatchRecord, Plan, Sizes


def write_next(
    writer: BlockWriter,
    before: BlockReader | None,
    plans: Sequence[PlanBatches],
    listed: Sizes,
    *,
    settled: datetime,
    window: timedelta,
) -> Sizes:
    """Write a generation, part by part; what it holds.

    Args:
        writer: Of its file.
        before: The last one's file.
        plans: What is taken in.
        listed: What the last one held.
        settled, window: See `syncd.membership.fold.fold`.
    """
    with engine() as database:
        sifted = of_fold(database, before, plans)
    rows, resting = sources(plans), dict(sifted.new)
    if before is not None:
        drawn = [plan.file for plan in plans if plan.marks is not None]
        respelled = Respelled.of([(one.at, one.lines) for one in map(Respelled.read, drawn)])
        rows = {GENERATION: partial(with_fingerprints, before, respelled), **rows}
    if sifted.rests is not None:
        resting[GENERATION] = sifted.rests
    loaded, held = Sizes(), Sizes()
    for part in sifted.parts:
        with engine() as database:
            load_held(database, before, part.rows, apart=len(sifted.parts) > 1)
            loaded = total(loaded, sizes(database))
            fold(database, plans, part.taken, settled=settled, window=window)
            write_held(database, writer, rows)
            held = total(held, sizes(database))
    held = total(held, write_resting(writer, rows, resting))
    return held if sifted.rests is None else total(held, beside(listed, loaded))


def header_of(
    number: int,
    rules: str,
    plans: Sequence[tuple[Plan, Sequence[BatchRecord]]],
) -> Mapping[str, object]:
    """What a generation's file says of itself, for a ledger that lost the row: `rebuild`."""
    header: dict[str, object] = {"generation": number, "rules": rules, RESTS: True}
    for plan, _ in plans[-1:]:
        header["audience"] = [plan.platform, plan.account, plan.audience]
        header["sync"] = plan.sync
        header["takes_out"] = plan.takes_out
    return header
