"""What a platform says of an audience once a run is over."""

from __future__ import annotations

from dataclasses import replace

import structlog

from syncd.errors import AudienceUnusable, PlatformError
from syncd.ledger.audiences import KnownAudience
from syncd.model import Measured
from syncd.parts import Parts
from syncd.ports import Connector

log = structlog.get_logger()


def note(parts: Parts, connector: Connector, audience: KnownAudience, *, run: str) -> None:
    """Ask once how many people the platform counts in an audience, and keep it.

    The run is over: this waits for nothing, is not tried again, and a platform that does not
    answer changes nothing of how the run ended. What is stated may be of before the run.
    """
    at = (audience.platform, audience.account, audience.id)
    generation = parts.ledger.generation(*at)
    members = generation.sizes.members if generation else 0
    nothing = Measured(parts.clock.now(), run, members, None, None, foreign=audience.adopted)
    try:
        told = parts.patience.try_once(connector.read, audience.id)
    except AudienceUnusable as error:
        parts.ledger.measured.add(*at, replace(nothing, status=error.code, warning=error.hint))
        return
    except PlatformError as error:
        log.info("size_not_read", code=error.code)
        return
    if told is not None:
        most = told.size if told.most is None else told.most
        measured = replace(
            nothing, least=told.size, most=most, status=told.status, warning=told.warning
        )
        parts.ledger.measured.add(*at, measured)
