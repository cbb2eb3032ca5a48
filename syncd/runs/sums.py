"""What became of a plan's batches, in numbers and in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from syncd.model import BatchRecord, BatchState, Phase, Plan

_TAKEN = frozenset({BatchState.ACCEPTED, BatchState.PROCESSED, BatchState.SETTLED})


def pushed_rows(plan: Plan, batches: Sequence[BatchRecord]) -> dict[Phase, int]:
    """Rows that the platform took, by what was asked: who is taken out is a removal."""
    found = accepted_rows(batches)
    if plan.takes_out:
        return {Phase.REMOVE: sum(found.values()), Phase.ADD: 0, Phase.AGAIN: 0}
    return found


def accepted_rows(batches: Sequence[BatchRecord]) -> dict[Phase, int]:
    """Rows that the platform took, by phase."""
    return {
        phase: sum(
            batch.rows - sum(refusal.count for refusal in batch.refused)
            for batch in batches
            if batch.phase is phase and batch.state in _TAKEN
        )
        for phase in Phase
    }


def refused_rows(batches: Sequence[BatchRecord]) -> int:
    """Rows that the platform would not take, whole requests included."""
    return sum(reasons(batches).values())


def reasons(batches: Sequence[BatchRecord]) -> Mapping[str, int]:
    """Refused rows by the platform's code; a batch that was sent in parts has none itself."""
    found: Counter[str] = Counter()
    for batch in batches:
        if batch.state is BatchState.FAILED:
            found["failed"] += batch.rows
        else:
            for refusal in batch.refused:
                found[refusal.reason] += refusal.count
    return found


def outcome(plan: Plan, batches: Sequence[BatchRecord], *, left: int = 0, unusable: int = 0) -> str:
    """How it ended, for a reader who has never seen the code.

    Args:
        plan: What they were of.
        batches: All of the plan.
        left: How many of them are under way.
        unusable: Rows of the segment without an identifier, where they are too many.
    """
    pushed, refused = pushed_rows(plan, batches), reasons(batches)
    said = (
        f"Took out {pushed[Phase.REMOVE]:,} rows."
        if plan.takes_out
        else (
            f"Removed {pushed[Phase.REMOVE]:,} rows, added {pushed[Phase.ADD]:,}, sent "
            f"{pushed[Phase.AGAIN]:,} again."
        )
    )
    if refused:
        codes = ", ".join(f"{code}: {count:,}" for code, count in sorted(refused.items()))
        said += f" The platform refused {sum(refused.values()):,} rows ({codes})."
        said += _way_on(batches)
    if unusable:
        said += f" {unusable:,} rows of the segment have no usable identifier: too many."
    if left:
        said += f" Still under way on the platform (batches: {left:,})."
    return said


def _way_on(batches: Sequence[BatchRecord]) -> str:
    """What happens to refused rows next."""
    held = again = 0
    for batch in batches:
        if batch.state is BatchState.FAILED:
            again += batch.rows
            continue
        for refusal in batch.refused:
            named, removal = refusal.row is not None, batch.phase is Phase.REMOVE
            if named and not removal:
                held += refusal.count
            elif named or refusal.whole:
                again += refusal.count
    said = f" {held:,} of them are held until their values change." if held else ""
    return said + (f" The next run tries {again:,} of them again." if again else "")
