"""Whether the platform lets an account do anything, asked before a run reads the shop."""

from __future__ import annotations

import structlog

from syncd.errors import Denied, Unavailable
from syncd.model import Finding
from syncd.ports import Connector, Examines
from syncd.runs.parts import Parts

log = structlog.get_logger()


def check(parts: Parts, connector: Connector) -> None:
    """End a run that the platform would deny, before anything is read or hashed for it.

    A question that stays without an answer ends nothing: the run's own requests come later,
    are tried more often, and say more of what is wrong.

    Raises:
        syncd.errors.Denied: The account is denied; no further request is made for it.
        syncd.errors.Throttled: It is throttled, for longer than a run waits.
    """
    if not isinstance(connector, Examines):
        return
    try:
        found = parts.patience.ask_once(_admitted, parts.platform.name, connector)
    except Unavailable as error:
        log.warning("account_not_examined", code=error.code)
        return
    for one in found:
        if not one.good:
            log.warning("account_finding", code=one.code, said=one.way_on)


def _admitted(platform: str, connector: Examines) -> tuple[Finding, ...]:
    """What the account's examination found, unless it is denied."""
    found = connector.examine(())
    for one in found:
        if one.verdict == "denied":
            raise Denied(platform, one.code, reference=one.reference, hint=one.way_on)
    return found
