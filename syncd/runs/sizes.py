"""What a platform says of an audience once a run is over."""

from __future__ import annotations

from dataclasses import replace

import structlog

from syncd.errors import AudienceUnusable, SyncdError
from syncd.ledger.audiences import KnownAudience
from syncd.model import Measured
from syncd.ports import Connector
from syncd.runs.parts import Parts

log = structlog.get_logger()


def note(parts: Parts, connector: Connector, audience: KnownAudience, *, run: str) -> None:
    """Ask once how many people the platform counts in an audience and what share it matched.

    The answer is kept. The run is over: this waits for nothing, is not tried again, and
    whatever goes wrong changes nothing of how the run ended. What is stated may be of before
    the run.
    """
    try:
        measured = _measured(parts, connector, audience, run)
        if measured is not None:
            at = (audience.platform, audience.account, audience.id)
            parts.ledger.measured.add(*at, measured)
    except SyncdError as error:
        log.info("size_not_kept", error=type(error).__name__)


def _measured(
    parts: Parts, connector: Connector, audience: KnownAudience, run: str
) -> Measured | None:
    """What the platform states; None where its account must wait."""
    generation = parts.ledger.generation(audience.platform, audience.account, audience.id)
    members = generation.sizes.members if generation else 0
    others = audience.adopted or audience.takes_out
    nothing = Measured(parts.clock.now(), run, members, None, None, foreign=others)
    try:
        told = parts.patience.try_once(connector.read, audience.id)
    except AudienceUnusable as error:
        return replace(nothing, status=error.code, warning=error.hint)
    if told is None:
        return None
    most = told.size if told.most is None else told.most
    return replace(
        nothing,
        least=told.size,
        most=most,
        status=told.status,
        warning=told.warning,
        matched=told.matched,
    )
