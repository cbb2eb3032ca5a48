"""When an account's credential ends: asked once a day, kept, and told in time."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from syncd.errors import SyncdError
from syncd.ports import Connector, Expires
from syncd.runs.parts import Parts

NEAR = timedelta(days=14)  # before its end: somebody may be on holiday
AGAIN = timedelta(days=1)  # after the last question, answered or not

log = structlog.get_logger()


def note(parts: Parts, connector: Connector) -> None:
    """Ask the platform, unless it was asked within a day, and keep what it states.

    Before a run, and never in its way: it is one request that waits for nothing and is not
    tried again, and whatever goes wrong the run goes on and what was stated before stands.
    """
    if not isinstance(connector, Expires):
        return
    accounts, now = parts.ledger.accounts, parts.clock.now()
    at = (parts.sync.platform, parts.sync.account)
    try:
        kept = accounts.credential(*at)
        if kept is not None and kept.asked_at <= now < kept.asked_at + AGAIN:
            return
        accounts.ask_of_credential(*at)
        told = parts.patience.try_once(_stated, connector)
        if told is not None:
            accounts.credential_ends(*at, *told)
    except SyncdError as error:
        log.info("credential_end_not_told", error=type(error).__name__)


def _stated(connector: Expires) -> tuple[datetime | None]:
    """In a tuple: no end is an answer, and no answer is none."""
    return (connector.expiry(),)


def is_near(ends_at: datetime, now: datetime) -> bool:
    """Whether a credential ends soon enough that somebody should renew it now."""
    return ends_at - now <= NEAR


def sentence(ends_at: datetime, now: datetime) -> str:
    """When it ends, without a full stop."""
    days = (ends_at - now) // timedelta(days=1)
    if days < 0:
        return f"it ended on {ends_at:%Y-%m-%d %H:%M} UTC, by what its platform stated"
    return f"it ends on {ends_at:%Y-%m-%d %H:%M} UTC, in {days:,} days"
