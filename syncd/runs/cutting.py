"""A plan's rows as batches, as few as its platform's requests allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.model import BatchId, BatchRecord, BatchState, Phase, Plan
from syncd.plan import ranges
from syncd.runs.parts import Parts


def batches(parts: Parts, plan: Plan, rows: Mapping[Phase, int]) -> list[BatchRecord]:
    """Batches that nothing was sent of.

    Args:
        parts: Of the platform, and of the membership that wrote the plan's file.
        plan: Whose rows they are.
        rows: How many it has, by phase, in the order in which they go out.
    """
    cut = [
        (phase, first, count)
        for phase, total in rows.items()
        for first, count in _ranges(parts, plan, phase, total)
    ]
    return [
        BatchRecord(
            BatchId(f"{plan.id}.{number}"), plan.id, number, phase, first, count, BatchState.PLANNED
        )
        for number, (phase, first, count) in enumerate(cut, 1)
    ]


def _ranges(parts: Parts, plan: Plan, phase: Phase, rows: int) -> Sequence[tuple[int, int]]:
    capabilities = parts.platform.capabilities
    if capabilities.max_slots is None or rows <= capabilities.max_rows:
        return list(ranges(rows, capabilities.max_rows))
    with parts.membership.open(plan) as file:
        return file.cut(phase, rows, most=capabilities.max_slots)
