"""Until when an account's requests must wait, by what its platform said."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from syncd.ledger.tables import throttle


class Throttle(NamedTuple):
    """When it ends, and the platform's code for it."""

    until: datetime
    code: str


def keep(tx: Connection, platform: str, account: str, told: Throttle) -> None:
    """Note until when an account must wait; the last word counts."""
    of_account = (throttle.c.platform == platform) & (throttle.c.account == account)
    tx.execute(delete(throttle).where(of_account))
    tx.execute(
        insert(throttle).values(
            platform=platform, account=account, until=told.until, code=told.code
        )
    )


def one(tx: Connection, platform: str, account: str, now: datetime) -> Throttle | None:
    """Until when an account must wait; None if it need not any more."""
    query = select(throttle.c.until, throttle.c.code).where(
        throttle.c.platform == platform, throttle.c.account == account, throttle.c.until > now
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else Throttle(row.until, row.code)
