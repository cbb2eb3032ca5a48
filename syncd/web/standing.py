"""How a sync stands, in two words and a colour; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from syncd.staleness import PASSING
from syncd.web.shapes import SyncTold

Tone = Literal["good", "busy", "warn", "bad", "idle"]


@dataclass(frozen=True, slots=True)
class Standing:
    """The words say all of it; the tone is what one sees first."""

    words: str
    tone: Tone
    said: str


_NEVER = Standing("Never run", "idle", "Nothing was sent yet.")
_RUNS = Standing("Running", "busy", "A run is under way.")
_RETRIES = Standing("Tries again", "warn", "The last run could not go on; the next one does.")
_FAILED = Standing("Failed", "bad", "The last run failed; the audience is as it was left.")
_HELD = Standing("Held", "warn", "Removals wait for a person; additions went out.")
_STALE = Standing("Stale", "bad", "No run has succeeded for two of its turns.")
_WORKS = Standing("Processing", "busy", "Everything was sent; the platform is at work on it.")
_PARTIAL = Standing("Rows refused", "warn", "Everything else is there; see the run for reasons.")
_FRESH = Standing("Fresh", "good", "The audience was given what its segment holds.")
_OF_STATE = {"processing": _WORKS, "partial": _PARTIAL, "done": _FRESH}


def standing(sync: SyncTold, now: datetime) -> Standing:
    """How a sync stands at a moment: what a person should know of first."""
    if sync.state == "never run":
        return _NEVER
    if sync.state == "failed":
        return _RETRIES if sync.error in PASSING else _FAILED
    if sync.state == "held":
        return _HELD
    if sync.stale_at is not None and sync.stale_at <= now:
        return _STALE
    return _OF_STATE.get(sync.state, _RUNS)


def tone_of(state: str) -> Tone:
    """The colour of a run's or a batch's state."""
    if state in {"done", "accepted", "processed", "settled", "sent"}:
        return "good"
    if state in {"failed", "refused", "given up"}:
        return "bad"
    if state in {"held", "partial", "unknown", "waiting"}:
        return "warn"
    return "idle" if state in {"planned", "cancelled"} else "busy"
