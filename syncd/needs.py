"""What a sync waits for a person to do, as the command that does it."""

from __future__ import annotations

from syncd.ledger.store import Ledger
from syncd.model import RunState
from syncd.runs.planning import held_plan

LOOKED_AT = 20  # runs


def needed(ledger: Ledger, sync: str) -> str:
    """The command: approve the newest held plan, look into a run, or run it; "" for none."""
    known = ledger.audience_of(sync)
    if known is not None and known.replace_begun_at is not None:
        return f"syncd sync {sync}"  # first of all: members may be missing
    runs = ledger.runs(sync, LOOKED_AT)
    held = held_plan(ledger, runs)
    if held is not None:
        return f"syncd approve {held}"
    # A plan that was only shown is no run to a reader of this.
    last = next((each for each in runs if each.state is not RunState.PLANNED), None)
    if last is None or last.state not in {RunState.FAILED, RunState.HELD}:
        return ""
    return f"syncd runs show {last.id}"
