"""People told once when something begins to be wrong, and once when it is over.

`look` compares what the ledger holds with what was told, and writes what changed to the
outbox, in one transaction; `deliver` sends from there. Whoever runs syncs wraps them in
`watched`, or calls `tell` after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from syncd.alerts.conditions import CONDITIONS
from syncd.alerts.delivering import deliver, next_at, tell_failed, try_out
from syncd.alerts.looking import Watched, look

__all__ = [
    "CONDITIONS",
    "Watched",
    "deliver",
    "due",
    "look",
    "next_at",
    "send",
    "tell",
    "tell_failed",
    "try_out",
    "watched",
]

log = structlog.get_logger()


def tell(app: Watched) -> None:
    """Look, and send what waits. Whatever goes wrong in it is logged and stops nothing."""
    _unharmed(look, app)
    _unharmed(deliver, app)


def due(app: Watched) -> bool:
    """Look; says whether anything waits to be sent now."""
    _unharmed(look, app)
    at = next_at(app)
    return at is not None and at <= app.clock.now()


def send(app: Watched) -> None:
    """Send what waits. Whatever goes wrong in it is logged and stops nothing."""
    _unharmed(deliver, app)


@contextmanager
def watched(app: Watched) -> Iterator[None]:
    """Runs whose changes are told: what an earlier process left first, then theirs."""
    _unharmed(look, app)
    try:
        yield
    finally:
        tell(app)


def _unharmed(step: Callable[[Watched], int], app: Watched) -> None:
    try:
        step(app)
    except Exception:
        # A full disk, a bug: what was to be told stays in the ledger for the next time.
        log.exception("alerts_failed", step=step.__name__)
