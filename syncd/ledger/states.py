"""Where a batch may go next, as one table; pure.

    planned --> sending --> accepted --> processed --> settled
       |  ^     |  ^  |        |
       |  +-----+  |  |        +--> failed (or given up)
       |        |  |  +--> refused
       |        v  |
       |      unknown --> failed (given up), accepted or processed (asked, not re-sent)
       v
    cancelled

`sending` may follow `sending`: a process died in between, and the same batch is sent
again. What may have reached the platform never becomes something that the membership
need not know: see `resting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from syncd.model import BatchState as S

PlanState = Literal["drafted", "held", "running", "done", "superseded"]

LEGAL: Mapping[S, frozenset[S]] = MappingProxyType(
    {
        S.PLANNED: frozenset({S.SENDING, S.CANCELLED}),
        S.SENDING: frozenset(
            {S.SENDING, S.UNKNOWN, S.PLANNED, S.ACCEPTED, S.PROCESSED, S.REFUSED, S.FAILED}
        ),
        S.UNKNOWN: frozenset({S.SENDING, S.ACCEPTED, S.PROCESSED, S.FAILED}),
        S.ACCEPTED: frozenset({S.PROCESSED, S.FAILED}),
        S.PROCESSED: frozenset({S.SETTLED}),
        S.SETTLED: frozenset(),
        S.REFUSED: frozenset(),
        S.FAILED: frozenset(),
        S.CANCELLED: frozenset(),
    }
)

# Sent, and nobody knows whether it arrived; sent again before anything opposite.
UNFINISHED = frozenset({S.SENDING, S.UNKNOWN})

# Their rows may still be asked for, so the plan file stays.
OPEN = UNFINISHED | {S.PLANNED, S.ACCEPTED}

# What the membership makes of a state: three facts of the platform are one to it.
_FOLDS: Mapping[S, S] = MappingProxyType(
    {
        S.SENDING: S.SENDING,
        S.UNKNOWN: S.UNKNOWN,
        S.ACCEPTED: S.ACCEPTED,
        S.PROCESSED: S.ACCEPTED,
        S.SETTLED: S.ACCEPTED,
        S.FAILED: S.FAILED,
    }
)


def check(now: S, then: S) -> None:
    """Refuse a step that the table does not have; taking one is our bug.

    Raises:
        ValueError: `then` does not follow `now`.
    """
    if then not in LEGAL[now]:
        allowed = ", ".join(sorted(state.value for state in LEGAL[now])) or "nothing"
        raise ValueError(f"a batch goes from {now.value} to {allowed}, not to {then.value}")


def resting(asked: S, *, doubtful: bool) -> S:
    """Where a batch rests when its last attempt was turned away.

    An earlier attempt of a doubtful batch may have been applied, or still be. Back in
    `planned` it could be cancelled, and `refused` is not folded: either way the
    membership could miss members who are on the platform. So it stays `unknown`, to be
    sent again, or `failed`, which keeps its members possible.
    """
    if doubtful and asked is S.PLANNED:
        return S.UNKNOWN
    if doubtful and asked is S.REFUSED:
        return S.FAILED
    return asked


def unfolded(state: S, folded: S | None) -> bool:
    """Whether the membership has yet to take in that a batch is in `state`."""
    wanted = _FOLDS.get(state)
    return wanted is not None and (folded is None or _FOLDS.get(folded) is not wanted)
